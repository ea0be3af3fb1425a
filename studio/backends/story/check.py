"""Checks the files of a language model before it is imported or loaded: JSON and headers only, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from studio.errors import Message, StudioError
from studio.models import weights
from studio.models.folders import CONFIG, HINT, check_quantisation, read_tensors, refuse_value
from studio.models.weights import TensorHeader

GENERATION = "generation_config.json"

TOKENIZERS = ("tokenizer.json", "vocab.json", "vocab.txt")
"""Files that transformers makes a tokenizer from by itself."""

PACKAGES = (("*.model", "sentencepiece"), ("*.tiktoken", "tiktoken"), ("tekken.json", "mistral_common"))
"""Files that it makes one from with a further package."""

READABLE = ("fp8", "mxfp4")
"""Methods of quantisation that transformers reads without a further library."""

LAYERS = ("num_hidden_layers", "n_layer", "num_layers")
WIDTHS = ("hidden_size", "n_embd")
CONTEXTS = ("max_position_embeddings", "n_positions", "n_ctx")
HEADS = ("num_attention_heads", "n_head")
AT_LEAST = {name: 1 for name in (*LAYERS, *WIDTHS, *HEADS, "vocab_size")} | dict.fromkeys(CONTEXTS, 2)
"""The least value of numbers in config.json: a model that sees less than two tokens cannot go on with a text."""

FLAGS = ("use_cache", "tie_word_embeddings")
TOKENS = ("bos_token_id", "eos_token_id", "pad_token_id")


def check(folder: Path) -> None:
    """Raises StudioError, which names the file at fault, for a model that cannot write."""
    config = weights.read_json(folder / CONFIG)
    tensors = read_tensors(folder)
    check_quantisation(folder, config, tensors, READABLE)
    _check_config(folder, config, tensors)
    if (folder / GENERATION).exists():
        _check_tokens(folder / GENERATION, weights.read_json(folder / GENERATION))
    _check_tokenizer(folder)


def _check_tokenizer(folder: Path) -> None:
    if any((folder / name).exists() for name in TOKENIZERS):
        return
    found = [(file.name, package) for pattern, package in PACKAGES for file in sorted(folder.glob(pattern))]
    if not found:
        raise StudioError(
            "{folder} has no tokenizer: neither tokenizer.json nor tokenizer.model is there.", HINT, folder=folder
        )
    if not any(find_spec(package) for _, package in found):
        name, package = found[0]
        raise StudioError(
            "The only tokenizer in {folder} is {name}, which the Python package {package} would read; it is not "
            "installed.",
            "Look for the same model with a tokenizer.json.",
            folder=folder,
            name=name,
            package=package,
        )


def _check_config(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, TensorHeader]) -> None:
    path = folder / CONFIG
    within: Any = config.get("text_config")  # of models that also see or hear
    if isinstance(within, dict):
        _check_config(folder, cast("dict[str, Any]", within), tensors)
    for name, least in AT_LEAST.items():
        value = config.get(name)
        if value is not None and (type(value) is not int or value < least):
            refuse_value(path, name, value, Message("a whole number of at least {least}", least=least))
    for name in FLAGS:
        if name in config and type(config[name]) is not bool:
            refuse_value(path, name, config[name], Message("true or false"))
    _check_tokens(path, config)
    # Numbers larger than the weights have would cost memory and minutes before an error.
    sides = {side for one in tensors.values() for side in one.shape}
    for names, there in ((LAYERS, len(tensors)), (("vocab_size", *WIDTHS), max(sides, default=0))):
        for name in names:
            if isinstance(config.get(name), int) and config[name] > there:
                refuse_value(
                    path, name, config[name], Message("no more than {there}, as the weights have", there=there)
                )


def _check_tokens(path: Path, data: Mapping[str, Any]) -> None:
    for name in TOKENS:
        value = data.get(name)
        some = cast("list[Any]", value) if isinstance(value, list) else [] if value is None else [value]
        if any(type(one) is not int for one in some):
            refuse_value(path, name, value, Message("the id of a token"))
