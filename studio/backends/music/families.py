"""Families of models that the music medium knows."""

from __future__ import annotations

from studio.backends.music.check import check
from studio.backends.music.memory import demand
from studio.errors import StudioError
from studio.models import weights
from studio.models.families import Family, Mark
from studio.models.model import Model

PLANNED = frozenset({"prompt", "genre", "mood", "tempo", "key"})
"""Fields that the plan of a piece is made from."""


def _unused(model: Model) -> frozenset[str]:
    """The plan, for a model that was trained on recordings without labels."""
    try:
        labelled = weights.read_json(model.folder / "config.json").get("labelled", True)
    except (StudioError, OSError):  # loading it says why
        return frozenset()
    return frozenset() if labelled else PLANNED


TRIAL = "studio.backends.music.engine.trial"


def _musicgen(name: str, title: str) -> Family:
    """Genre, mood, tempo and key become words of its description."""
    return Family(
        name,
        title,
        (Mark("model_type", name),),
        controls=frozenset({*PLANNED, "seconds"}),
        check_files=check,
        demand=demand,
        trial=TRIAL,
    )


FAMILIES = (
    Family(
        "studio-music",
        "AIGC Studio music model",
        (Mark("model_type", "studio-music"),),
        unused=_unused,
        demand=demand,
        trial=TRIAL,
    ),
    _musicgen("musicgen", "MusicGen network"),
    # It takes no melody yet, and plays from the description alone.
    _musicgen("musicgen_melody", "MusicGen melody network"),
)
