"""Tries a picture model: a small one paints, a large one goes all the way without its numbers; run as a program."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from diffusers.models import embeddings, model_loading_utils, modeling_utils
from diffusers.models.modeling_utils import ModelMixin

from studio.backends.engine import pipelines
from studio.backends.engine.shapes import ShapeMode, numbers_after
from studio.backends.medium import Resources
from studio.backends.poster.engine.engine import PosterEngine
from studio.backends.poster.requests import PosterRequest
from studio.errors import StudioError
from studio.jobs.job import Progress
from studio.models import trial, weights
from studio.models.model import Model

log = logging.getLogger(__name__)

SMALL = 64 << 20  # bytes of weights with which a picture takes little time and memory
SIDE, STEPS = 64, 2


NUMBERS = re.compile("meta|data.dependent", re.IGNORECASE)
"""What torch says where a network asks for numbers that only its weights could tell: it may run."""


def try_out(folder: Path) -> None:
    """Raises StudioError as the engine would.

    Of a large model the networks compute shapes only, in their full depth; tokenizers, schedulers and the pipeline
    between them do what they do at work.
    """
    model = Model("trial", "poster", "", "", "", folder)
    request = PosterRequest(width=SIDE, height=SIDE, steps=STEPS, prompt="The")
    engine = PosterEngine()
    if sum(file.stat().st_size for file in weights.weight_files(folder)) <= SMALL:
        engine.load(Resources(model), _quiet)
        engine.paint(request, _quiet)
        return
    with _headers_only():
        pipe = pipelines.read(folder, dtype=torch.float32, device_map={"": "meta"})
    engine.hold(model, pipe)
    with contextlib.ExitStack() as stack:
        for network in pipe.components.values():
            if isinstance(network, ModelMixin):
                methods = [name for name in ("forward", "decode") if hasattr(network, name)]
                stack.enter_context(numbers_after(network, *methods))
        stack.enter_context(ShapeMode())
        try:
            engine.paint(request, _quiet)
        except StudioError as error:
            why = error.__cause__
            if not isinstance(why, NotImplementedError | RuntimeError) or not NUMBERS.search(str(why)):
                raise
            log.warning("%s was not tried to its end: %s", folder.name, why)


def _quiet(_progress: Progress) -> None:
    pass


@contextlib.contextmanager
def _headers_only() -> Iterator[None]:
    """Has diffusers read tensors without numbers, and make none by itself: transformers does so without help."""

    def headers(file: Any, **_options: Any) -> dict[str, torch.Tensor]:
        if isinstance(file, dict):  # read before
            return file
        found = weights.read_header(Path(file)).tensors
        return {name: torch.empty(one.shape, dtype=torch.bfloat16, device="meta") for name, one in found.items()}

    def without_numbers(*args: Any, **options: Any) -> torch.Tensor:
        with torch.device("meta"):
            return places(*args, **options)

    places = embeddings.get_2d_sincos_pos_embed  # of Stable Diffusion 3.5: more than a gigabyte
    with (
        mock.patch.object(embeddings, "get_2d_sincos_pos_embed", without_numbers),
        mock.patch.object(modeling_utils, "load_state_dict", headers),
        mock.patch.object(model_loading_utils, "load_state_dict", headers),
    ):
        yield


if __name__ == "__main__":
    trial.answer(try_out)
