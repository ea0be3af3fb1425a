"""Language models of random weights in folders, as a hub would give them: one of each kind of tokenizer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from studio.backends.story.engine.texts import train_tokenizer

PROMPT = "once upon a time the fox"
KINDS = ("gpt2", "llama", "qwen2")
"""Those whose tokenizers differ in the first token of a text."""

BEGIN, END = "<|begin|>", "<|endoftext|>"
TEXT = f"{PROMPT}. The owl sat in the tree. " * 20

SHAPE = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "tie_word_embeddings": False,
}
EXPERTS = {"num_experts_per_tok": 2, "moe_intermediate_size": 16}
PARTS: dict[str, dict[str, Any]] = {
    "gemma": {"head_dim": 8},
    "gemma2": {"head_dim": 8, "sliding_window": 16},
    "gemma3_text": {"head_dim": 8, "sliding_window": 16},
    "gemma4_text": {
        "head_dim": 8,
        "global_head_dim": 8,
        "hidden_size_per_layer_input": 8,
        "vocab_size_per_layer_input": 400,
        "num_kv_shared_layers": 0,
        "sliding_window": 16,
    },
    "gpt_oss": {"head_dim": 8, "sliding_window": 16, "num_local_experts": 4, "num_experts_per_tok": 2},
    "ministral3": {"head_dim": 8},
    "mistral": {"sliding_window": 16},
    "mixtral": {"num_local_experts": 4},
    "opt": {"ffn_dim": 64, "word_embed_proj_dim": 32},
    "qwen3": {"head_dim": 8},
    "qwen3_moe": {"head_dim": 8, "num_experts": 4, **EXPERTS},
}
"""What else makes a toy of a kind."""

VISION = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}

LANGUAGE_MODELS = (
    *KINDS, *PARTS, "gemma3", "bloom", "cohere2", "ernie4_5", "exaone4", "falcon", "glm4", "gpt_bigcode", "gpt_neox",
    "granite", "lfm2", "mamba", "olmo2", "phi", "phi3", "smollm3", "stablelm", "starcoder2",
)  # fmt: skip
"""What transformers calls the kinds of language model that are tried."""


def language_model(folder: Path, kind: str = "llama", spare: int = 0, **config: Any) -> Path:
    """`folder` with a whole model of that kind, with as many rows of weights as tokens and `spare`.

    Only the tokenizer of "llama" puts its first token before a text; that of "gpt2" has one and does not, that of
    "qwen2" has none.
    """
    bpe = _words() if kind == "mistral" else train_tokenizer([TEXT], 300, 128).backend_tokenizer
    bpe.add_special_tokens([BEGIN, END])
    if kind == "llama":
        bpe.post_processor = TemplateProcessing(  # pyright: ignore[reportAttributeAccessIssue]
            single=f"{BEGIN} $A", special_tokens=[(BEGIN, bpe.token_to_id(BEGIN))]
        )
    named = {"eos_token": END} | ({} if kind == "qwen2" else {"bos_token": BEGIN})
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, **named)
    rows = {"vocab_size": len(tokenizer) + spare, "bos_token_id": None, "pad_token_id": 0}
    rows["eos_token_id"] = tokenizer.eos_token_id
    torch.manual_seed(7)
    shape: dict[str, Any] = {**SHAPE, **rows, **PARTS.get(kind, {}), **config}
    if kind == "gemma3":  # which has a network for pictures beside
        shape = {"text_config": {**shape, **PARTS["gemma3_text"]}, "vision_config": VISION, "mm_tokens_per_image": 4}
    network: Any = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **shape))
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_(0, 0.3)  # far enough apart that the likeliest token is never in doubt
        dumb = [at for at in range(len(tokenizer)) if not re.fullmatch("[ -~]+", str(tokenizer.decode([at])))]
        network.get_output_embeddings().weight[[*dumb, *tokenizer.all_special_ids]] = 0  # which are no text to compare
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
    return tokenizer.decode(made[0], skip_special_tokens=True).removeprefix(prompt)


def _words() -> Tokenizer:
    """A tokenizer that keeps the space before a word in its token, and leaves out that of the first, as SentencePiece's
    do.
    """
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Metaspace()  # pyright: ignore[reportAttributeAccessIssue]
    bpe.decoder = decoders.Metaspace()  # pyright: ignore[reportAttributeAccessIssue]
    bpe.train_from_iterator([TEXT], trainers.BpeTrainer(vocab_size=300, show_progress=False))
    return bpe
