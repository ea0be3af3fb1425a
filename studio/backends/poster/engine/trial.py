"""Tries a picture model: a small one paints, of a large one only names and shapes are tried; run as a program."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from diffusers.models import model_loading_utils, modeling_utils

from studio.backends.engine import pipelines
from studio.backends.medium import Resources
from studio.backends.poster.engine.engine import PosterEngine
from studio.backends.poster.requests import PosterRequest
from studio.jobs.job import Progress
from studio.models import trial, weights
from studio.models.model import Model

SMALL = 64 << 20  # bytes of weights with which a picture takes little time and memory
SIDE, STEPS = 64, 2

SHAPES = re.compile(
    "must match the size|shapes cannot be multiplied|is invalid for input of size|to have \\d+ channels"
)
"""What torch says where tensors do not fit together."""


def try_out(folder: Path) -> None:
    """Raises StudioError as the engine would."""
    if sum(file.stat().st_size for file in weights.weight_files(folder)) <= SMALL:
        engine = PosterEngine()
        engine.load(Resources(Model("trial", "poster", "", "", "", folder)), _quiet)
        engine.paint(PosterRequest(width=SIDE, height=SIDE, steps=STEPS, prompt="The"), _quiet)
    else:
        with _headers_only():
            pipe = pipelines.read(folder, dtype=torch.bfloat16, device_map={"": "meta"})
        _step(folder, pipe)


def _quiet(_progress: Progress) -> None:
    pass


@contextlib.contextmanager
def _headers_only() -> Iterator[None]:
    """Has diffusers read tensors without numbers: transformers does so by itself."""

    def headers(file: Any, **_options: Any) -> dict[str, torch.Tensor]:
        if isinstance(file, dict):  # read before
            return file
        found = weights.read_header(Path(file)).tensors
        return {name: torch.empty(one.shape, dtype=torch.bfloat16, device="meta") for name, one in found.items()}

    with (
        mock.patch.object(modeling_utils, "load_state_dict", headers),
        mock.patch.object(model_loading_utils, "load_state_dict", headers),
    ):
        yield


def _step(folder: Path, pipe: Any) -> None:
    """One step of which only the shapes are computed; raises StudioError where they do not fit."""
    pipe.set_progress_bar_config(disable=True)
    try:
        with torch.inference_mode():
            pipe(prompt="The", width=256, height=256, num_inference_steps=1, output_type="latent")
    except Exception as error:  # a hostile config may raise anything in there
        # Some pipelines ask for numbers on their way: that says nothing about them.
        if SHAPES.search(str(error)):
            raise pipelines.cannot_run(folder, error) from error


if __name__ == "__main__":
    trial.answer(try_out)
