"""Tries a language model without the numbers of its weights: names, shapes, tokenizer, one step; run as a program."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch

from studio.backends.story.check import check, gguf_file
from studio.backends.story.engine.loading import read
from studio.errors import StudioError
from studio.models import trial, weights
from studio.models.folders import CONFIG, HINT

SHAPES = re.compile("must match the size|shapes cannot be multiplied|is invalid for input of size")
"""What torch says where tensors do not fit together."""


def try_out(folder: Path) -> None:
    """Raises StudioError as `loading.load` would."""
    check(folder)
    path = gguf_file(folder)
    if path is not None:
        from studio.backends.story.engine.llama_cpp import try_file

        try_file(path)
        return
    if "quantization_config" in weights.read_json(folder / CONFIG):
        return  # its numbers would be needed
    model, _ = read(folder, dtype=torch.bfloat16, device_map={"": "meta"})
    _step(folder, model)


def _step(folder: Path, model: Any) -> None:
    """One step over four tokens, of which only the shapes are computed; raises StudioError where they do not fit."""
    try:
        with torch.inference_mode():
            model(input_ids=torch.zeros(1, 4, dtype=torch.long, device="meta"))
    except Exception as error:  # a hostile config may raise anything in there
        # Some networks ask for numbers on their way, or for a type that has no shapes: that says nothing about them.
        if SHAPES.search(str(error)):
            raise StudioError(
                "The model in {folder} cannot run: its weights and its config.json do not fit each other.",
                HINT,
                folder=folder,
            ) from error


if __name__ == "__main__":
    trial.answer(try_out)
