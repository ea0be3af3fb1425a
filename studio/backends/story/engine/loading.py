"""Loads a causal language model and its tokenizer from a folder: safetensors only, no code is run."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.utils import logging as transformers_logging

from studio.backends.engine.device import device, translate_out_of_memory
from studio.backends.story.check import check
from studio.errors import OutOfMemory, StudioError, foreign_reason
from studio.models.folders import HINT, named

log = logging.getLogger(__name__)

MASKS = re.compile(r"(^|\.)(attn|attention)\.(bias|masked_bias)$|\.rotary_emb\.inv_freq$")
"""Constants that older versions of transformers saved among the weights, and newer ones compute."""

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
    """The model, each of whose weights comes from the files, and its tokenizer."""
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    safe = {"local_files_only": True, "trust_remote_code": False}
    try:
        with translate_out_of_memory():
            # Shapes that differ are found below, with their names.
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                folder, use_safetensors=True, output_loading_info=True, ignore_mismatched_sizes=True, **safe, **options
            )
            model, found = loaded
            tokenizer: Any = AutoTokenizer.from_pretrained(folder, **safe)
            tokenizer("The")  # fails where its settings make no sense
    except OutOfMemory:
        raise
    except Exception as error:  # a hostile file may raise anything in there
        log.warning("%s cannot be read: %s: %s", folder.name, type(error).__name__, error)
        raise StudioError(
            "The model in {folder} cannot be read: {reason}.", HINT, folder=folder, reason=foreign_reason(error)
        ) from error
    _check_keys(folder, found)
    rows = model.get_input_embeddings().weight.shape[0]
    count = max(tokenizer.get_vocab().values(), default=-1) + 1
    if count > rows:
        raise StudioError(
            "The tokenizer in {folder} has {count} tokens, and the weights know {rows}.",
            HINT,
            folder=folder,
            count=count,
            rows=rows,
        )
    return model, tokenizer


def _check_keys(folder: Path, found: dict[str, Any]) -> None:
    """Raises StudioError for weights that are missing, of another shape, or of no use to the network."""
    if found["missing_keys"]:
        raise StudioError(
            "The model in {folder} is incomplete: its weights lack {names}.",
            HINT,
            folder=folder,
            names=named(found["missing_keys"]),
        )
    if found["mismatched_keys"]:
        name, has, needs = min((str(name), list(has), list(needs)) for name, has, needs in found["mismatched_keys"])
        raise StudioError(
            "The model in {folder} is damaged: {name} has the shape {has}, and config.json asks for {needs}.",
            HINT,
            folder=folder,
            name=name,
            has=str(has),
            needs=str(needs),
        )
    unused = [name for name in found["unexpected_keys"] if not MASKS.search(name)]
    if unused:
        raise StudioError(
            "The model in {folder} has weights that its network does not use: {names}.",
            "It would not write as it was trained to. Choose another one.",
            folder=folder,
            names=named(unused),
        )
