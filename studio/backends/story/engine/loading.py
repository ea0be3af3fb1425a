"""Loads a causal language model and its tokenizer from a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, GenerationConfig

from studio.backends.engine.device import device
from studio.backends.engine.loaded import read_tokenizer, read_weights
from studio.backends.story.check import check

HEEDED = ("repetition_penalty", "no_repeat_ngram_size", "suppress_tokens", "bad_words_ids")
"""Fields of generation_config.json that are kept beside the tokens that end a text; the request decides the rest."""


def load(folder: Path, dtype: torch.dtype) -> tuple[Any, Any]:
    """The model in `dtype` on this machine's device, ready to write, and its tokenizer. Raises StudioError."""
    check(folder)
    model, tokenizer = read(folder, dtype=dtype)
    given = model.generation_config
    heeded = {name: value for name in HEEDED if (value := getattr(given, name, None)) is not None}
    model.generation_config = GenerationConfig(eos_token_id=given.eos_token_id, **heeded)
    return model.to(device()).eval(), tokenizer


def read(folder: Path, **options: Any) -> tuple[Any, Any]:
    """The model and its tokenizer; `options` are those of `from_pretrained`."""
    model = read_weights(AutoModelForCausalLM, folder, **options)
    return model, read_tokenizer(folder, model.get_input_embeddings().weight.shape[0])
