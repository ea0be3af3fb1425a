"""Tries a scene model: one small poster in two steps; run as a program."""

from __future__ import annotations

from pathlib import Path

from studio.backends.poster.engine.scenes import SceneEngine
from studio.backends.poster.requests import PosterRequest
from studio.models import trial
from studio.models.model import Model
from studio.models.resources import Resources


def try_out(folder: Path) -> None:
    """Raises StudioError as the engine would."""
    engine = SceneEngine()
    engine.load(Resources(Model("tried", "poster", "", folder.name, "", folder)), lambda _: None)
    engine.run(PosterRequest(prompt="a lake", width=64, height=64, steps=2), lambda _: None)


if __name__ == "__main__":
    trial.answer(try_out)
