"""Writes language models of random weights as GGUF files, from the folders of `language_models`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFWriter
from numpy.typing import NDArray
from transformers import AutoModelForCausalLM, AutoTokenizer

NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def gguf_model(folder: Path, path: Path, template: str = "", **changes: Any) -> Path:
    """The Llama in `folder` as one file at `path`; `changes` replace counts of its header, such as block_count."""
    network: Any = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    config = network.config
    said = {
        "context_length": config.max_position_embeddings,
        "embedding_length": config.hidden_size,
        "block_count": config.num_hidden_layers,
        "feed_forward_length": config.intermediate_size,
        "head_count": config.num_attention_heads,
        "head_count_kv": config.num_key_value_heads,
        "layer_norm_rms_eps": config.rms_norm_eps,
        "rope_dimension_count": config.hidden_size // config.num_attention_heads,
        "rope_freq_base": config.rope_parameters["rope_theta"],
        **changes,
    }
    writer = GGUFWriter(path, "llama")
    for name, value in said.items():
        if value is not None:
            getattr(writer, f"add_{name}")(value)
    names = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().__getitem__)
    special = set(tokenizer.all_special_tokens) | set(tokenizer.get_added_vocab())
    merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(names)
    writer.add_token_types([3 if name in special else 1 for name in names])
    writer.add_token_merges([" ".join(pair) for pair in merges])
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_bos_token_id(tokenizer.bos_token_id)
    writer.add_add_bos_token(tokenizer("a").input_ids[0] == tokenizer.bos_token_id)
    if template:
        writer.add_chat_template(template)
    for name, values in _weights(network.state_dict(), config.num_attention_heads, config.num_key_value_heads).items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _weights(state: Mapping[str, Any], heads: int, pairs: int) -> dict[str, NDArray[np.float32]]:
    """Under llama.cpp's names; it turns neighbouring numbers of a head, transformers those of its two halves."""
    found = {
        "token_embd.weight": state["model.embed_tokens.weight"],
        "output_norm.weight": state["model.norm.weight"],
        "output.weight": state["lm_head.weight"],
    }
    for name, weight in state.items():
        if name.startswith("model.layers."):
            _, _, block, rest = name.split(".", 3)
            found[f"blk.{block}.{NAMES[rest.removesuffix('.weight')]}.weight"] = weight
    arrays = {name: np.ascontiguousarray(weight.float().numpy()) for name, weight in found.items()}
    for name, count in (("attn_q", heads), ("attn_k", pairs)):
        for full in [one for one in arrays if f".{name}." in one]:
            old = arrays[full]
            parts = old.reshape(count, 2, old.shape[0] // count // 2, old.shape[1])
            arrays[full] = np.ascontiguousarray(parts.swapaxes(1, 2).reshape(old.shape))
    return arrays
