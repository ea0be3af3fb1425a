"""Language models of random weights in folders, as a hub would give them: one of each kind of tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers.processors import TemplateProcessing
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GPT2Config,
    LlamaConfig,
    MixtralConfig,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
)

from studio.backends.story.engine.texts import train_tokenizer

PROMPT = "once upon a time the fox"
KINDS = ("gpt2", "llama", "qwen2")

SHAPE = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "tie_word_embeddings": False,
}


def language_model(folder: Path, kind: str = "llama", spare: int = 0, **config: Any) -> Path:
    """`folder` with a whole model of that kind, with as many rows of weights as tokens and `spare`.

    Only the tokenizer of "llama" puts its first token before a text; that of "gpt2" has one and does not, that of
    "qwen2" has none.
    """
    begin, end = "<|begin|>", "<|endoftext|>"
    bpe = train_tokenizer([f"{PROMPT}. The owl sat in the tree. " * 20], 300, 128).backend_tokenizer
    bpe.add_special_tokens([begin, end])
    if kind == "llama":
        bpe.post_processor = TemplateProcessing(  # pyright: ignore[reportAttributeAccessIssue]
            single=f"{begin} $A", special_tokens=[(begin, bpe.token_to_id(begin))]
        )
    named = {"eos_token": end} | ({} if kind == "qwen2" else {"bos_token": begin})
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, **named)
    rows = {"vocab_size": len(tokenizer) + spare, "eos_token_id": tokenizer.eos_token_id, "bos_token_id": None}
    shapes: dict[str, PreTrainedConfig] = {
        "gpt2": GPT2Config(**{"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 128, **rows, **config}),
        "llama": LlamaConfig(**{**SHAPE, **rows, **config}),
        "mixtral": MixtralConfig(**{**SHAPE, "num_local_experts": 4, **rows, **config}),
        "qwen2": Qwen2Config(**{**SHAPE, **rows, **config}),
    }
    torch.manual_seed(7)
    network: Any = AutoModelForCausalLM.from_config(shapes[kind])
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_(0, 0.3)  # far enough apart that the likeliest token is never in doubt
        if spare:
            network.get_output_embeddings().weight[-spare:] *= 40  # which would be drawn, if they could be
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def greedy(folder: Path, prompt: str, tokens: int) -> str:
    """What transformers itself writes: its tokenizer's own call, then the likeliest tokens that have a name."""
    network: Any = AutoModelForCausalLM.from_pretrained(folder).eval()
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    given = tokenizer(prompt, return_tensors="pt")
    rows = network.get_output_embeddings().weight.shape[0]
    options = {"suppress_tokens": list(range(len(tokenizer), rows))} if rows > len(tokenizer) else {}
    made = network.generate(**given, max_new_tokens=tokens, do_sample=False, pad_token_id=0, **options)
    return tokenizer.decode(made[0][given.input_ids.shape[1] :], skip_special_tokens=True)
