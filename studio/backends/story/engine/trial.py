"""Tries a language model without the numbers of its weights: names, shapes, tokenizer, one step; run as a program."""

from __future__ import annotations

import re
from pathlib import Path

import torch

from studio.backends.engine.loaded import errors_of_networks
from studio.backends.story.check import check, gguf_file
from studio.backends.story.engine.loading import read
from studio.models import trial, weights
from studio.models.folders import CONFIG

NUMBERS = re.compile("meta|not implemented|not supported|data.dependent|backend", re.IGNORECASE)
"""What torch says where a network asks for numbers on its way, or for a type that has no shapes: it may run."""


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
    # One step over four tokens, of which only the shapes are computed.
    with errors_of_networks(folder), torch.inference_mode():
        try:
            model(input_ids=torch.zeros(1, 4, dtype=torch.long, device="meta"))
        except (NotImplementedError, RuntimeError) as error:
            if not (isinstance(error, NotImplementedError) or NUMBERS.search(str(error))):
                raise


if __name__ == "__main__":
    trial.answer(try_out)
