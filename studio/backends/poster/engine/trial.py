"""Tries a picture model: a small one paints, a large one goes all the way without its numbers; run as a program."""

from __future__ import annotations

from pathlib import Path

import torch

from studio.backends.engine import pipelines
from studio.backends.engine.pipeline_trial import is_small, run_shapes, without_numbers
from studio.backends.medium import Resources
from studio.backends.poster.engine.engine import PosterEngine
from studio.backends.poster.requests import PosterRequest
from studio.jobs.job import Progress
from studio.models import trial
from studio.models.model import Model

SIDE, STEPS = 64, 2


def try_out(folder: Path) -> None:
    """Raises StudioError as the engine would."""
    model = Model("trial", "poster", "", "", "", folder)
    request = PosterRequest(width=SIDE, height=SIDE, steps=STEPS, prompt="The")
    engine = PosterEngine()
    if is_small(folder):
        engine.load(Resources(model), _quiet)
        engine.paint(request, _quiet)
        return
    with without_numbers():
        pipe = pipelines.read(folder, dtype=torch.float32, device_map={"": "meta"})
    engine.hold(model, pipe)
    run_shapes(pipe, lambda: engine.paint(request, _quiet))


def _quiet(_progress: Progress) -> None:
    pass


if __name__ == "__main__":
    trial.answer(try_out)
