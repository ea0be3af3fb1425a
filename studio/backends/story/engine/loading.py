"""Loads a causal language model and its tokenizer from a folder: safetensors only, no code is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from studio.backends.engine.device import device
from studio.errors import StudioError


def load(folder: Path, dtype: torch.dtype) -> tuple[Any, Any]:
    """The model in `dtype` on this machine's device, ready to write, and its tokenizer. Raises StudioError in words."""
    logging.disable_progress_bar()
    hint = "Import the model again, or choose another one."
    if not any(folder.glob("*.safetensors")):
        raise StudioError(
            "There are no weights in {folder}.",
            "A story model is a folder with config.json and *.safetensors.",
            folder=folder,
        )
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
        model, found = loaded
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        RuntimeError,
        AttributeError,
        ImportError,
        SafetensorError,
    ) as error:
        raise StudioError(
            "The model in {folder} cannot be read: {reason}", hint, folder=folder, reason=_first_line(error)
        ) from error
    if found["missing_keys"] or found.get("mismatched_keys"):
        missing = ", ".join(sorted(map(str, found["missing_keys"] or found["mismatched_keys"]))[:3])
        raise StudioError(
            "The model in {folder} is incomplete: {missing} and perhaps more are missing.",
            hint,
            folder=folder,
            missing=missing,
        )
    if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
        raise StudioError("The tokenizer and the weights in {folder} do not match.", hint, folder=folder)
    return model.to(device()).eval(), tokenizer


def _first_line(error: Exception) -> str:
    line = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    return line if line.endswith(".") else line + "."
