"""Tries pipelines of diffusers: a small one works, a large one goes all the way without its numbers."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from diffusers.models import embeddings, model_loading_utils, modeling_utils
from diffusers.models.modeling_utils import ModelMixin

from studio.backends.engine.shapes import ShapeMode, numbers_after
from studio.errors import StudioError
from studio.models import weights

log = logging.getLogger(__name__)

SMALL = 64 << 20  # bytes of weights with which a work of the least size takes little time and memory

NUMBERS = re.compile("meta|data.dependent", re.IGNORECASE)
"""What torch says where a network asks for numbers that only its weights could tell: it may run."""


def is_small(folder: Path) -> bool:
    return sum(file.stat().st_size for file in weights.weight_files(folder)) <= SMALL


def run_shapes(pipe: Any, work: Callable[[], object]) -> None:
    """Calls `work` with a pipeline that was read `without_numbers`. Raises StudioError as `work` does.

    The networks compute shapes only, in their full depth; tokenizers, schedulers and the pipeline between them do what
    they do at work.
    """
    with contextlib.ExitStack() as stack:
        for network in pipe.components.values():
            if isinstance(network, ModelMixin):
                methods = [name for name in ("forward", "decode") if hasattr(network, name)]
                stack.enter_context(numbers_after(network, *methods))
        stack.enter_context(ShapeMode())
        try:
            work()
        except StudioError as error:
            why = error.__cause__
            if not isinstance(why, NotImplementedError | RuntimeError) or not NUMBERS.search(str(why)):
                raise
            log.warning("a pipeline was not tried to its end: %s", why)


@contextlib.contextmanager
def without_numbers() -> Iterator[None]:
    """Has diffusers read tensors without numbers, and make none by itself: transformers does so without help."""

    def headers(file: Any, **_options: Any) -> dict[str, torch.Tensor]:
        if isinstance(file, dict):  # read before
            return file
        found = weights.read_header(Path(file)).tensors
        return {name: torch.empty(one.shape, dtype=torch.bfloat16, device="meta") for name, one in found.items()}

    def shapes(*args: Any, **options: Any) -> torch.Tensor:
        with torch.device("meta"):
            return places(*args, **options)

    places = embeddings.get_2d_sincos_pos_embed  # of Stable Diffusion 3.5: more than a gigabyte
    with (
        _replaced(embeddings, "get_2d_sincos_pos_embed", shapes),
        _replaced(modeling_utils, "load_state_dict", headers),
        _replaced(model_loading_utils, "load_state_dict", headers),
    ):
        yield


@contextlib.contextmanager
def _replaced(module: ModuleType, name: str, function: Callable[..., Any]) -> Iterator[None]:
    """A function of a library's module is another one in the block."""
    before = getattr(module, name)
    setattr(module, name, function)
    try:
        yield
    finally:
        setattr(module, name, before)
