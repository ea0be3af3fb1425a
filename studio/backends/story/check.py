"""Checks the files of a language model before it is imported or loaded: JSON and headers only, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from studio.errors import Message
from studio.models import weights
from studio.models.folders import (
    CONFIG,
    check_quantisation,
    check_sizes,
    check_tokenizer,
    read_tensors,
    refuse_value,
)
from studio.models.weights import TensorHeader

LAYERS = ("num_hidden_layers", "n_layer", "num_layers")
WIDTHS = (
    "hidden_size", "n_embd", "num_attention_heads", "n_head", "num_key_value_heads", "head_dim", "intermediate_size",
    "vocab_size",
)  # fmt: skip
CONTEXTS = ("max_position_embeddings", "n_positions", "n_ctx")
"""How far a model sees: one that sees less than two tokens cannot go on with a text."""

GENERATION = "generation_config.json"
READABLE = ("fp8", "mxfp4")
"""Methods of quantisation that transformers reads without a further library."""

FLAGS = ("use_cache", "tie_word_embeddings")
TOKENS = ("bos_token_id", "eos_token_id", "pad_token_id")


def gguf_file(folder: Path) -> Path | None:
    """The GGUF file in a model's folder, the first where there are several parts; None in other folders."""
    return min(folder.glob("*.gguf"), default=None)


def check(folder: Path) -> None:
    """Raises StudioError, which names the file at fault, for a model that cannot write: a folder, or a GGUF file."""
    path = folder if folder.suffix == weights.GGUF else gguf_file(folder)
    if path is not None:
        _check_gguf(path)
        return
    config = weights.read_json(folder / CONFIG)
    tensors = read_tensors(folder)
    check_quantisation(folder, config, tensors, READABLE)
    _check_config(folder, config, tensors)
    if (folder / GENERATION).exists():
        _check_tokens(folder / GENERATION, weights.read_json(folder / GENERATION))
    check_tokenizer(folder)


def _check_gguf(path: Path) -> None:
    header = weights.read_gguf(path)
    for key, least in ((".block_count", 1), (".embedding_length", 1), (".context_length", 2)):
        value = header.count(key)
        if value < least:
            refuse_value(path, header.architecture + key, value, Message("at least {least}", least=least))
    # llama.cpp makes room for as many blocks as it is told, and ends its process where it cannot.
    parts = header.count("split.count") or 1
    if header.count(".block_count") > len(header.tensors) * parts:
        there = len(header.tensors) * parts
        wanted = Message("no more than {there}, as the weights have", there=there)
        refuse_value(path, header.architecture + ".block_count", header.count(".block_count"), wanted)


def _check_config(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, TensorHeader]) -> None:
    path = folder / CONFIG
    within: Any = config.get("text_config")  # of models that also see or hear
    if isinstance(within, dict):
        _check_config(folder, cast("dict[str, Any]", within), tensors)
    check_sizes(path, config, tensors, LAYERS, WIDTHS)
    for name in CONTEXTS:
        value = config.get(name)
        if value is not None and (type(value) is not int or value < 2):
            refuse_value(path, name, value, Message("a whole number of at least {least}", least=2))
    for name in FLAGS:
        if name in config and type(config[name]) is not bool:
            refuse_value(path, name, config[name], Message("true or false"))
    _check_tokens(path, config)


def _check_tokens(path: Path, data: Mapping[str, Any]) -> None:
    for name in TOKENS:
        value = data.get(name)
        some = cast("list[Any]", value) if isinstance(value, list) else [] if value is None else [value]
        if any(type(one) is not int for one in some):
            refuse_value(path, name, value, Message("the id of a token"))
