"""Families of models that the music medium knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from studio.backends.music.check import check, check_pipeline
from studio.backends.music.description_words import understood
from studio.backends.music.memory import demand, pipeline_demand
from studio.models import weights
from studio.models.families import Family, Mark
from studio.models.folders import CONFIG
from studio.models.model import Model
from studio.models.pipelines import SCHEDULER
from studio.models.vocabulary import UnderstoodPrompt

PLANNED = frozenset({"prompt", "genre", "mood", "tempo", "key"})
"""Fields that the plan of a piece is made from."""


def _unused(model: Model) -> frozenset[str]:
    """The plan, for a model that was trained on recordings without labels."""
    labelled = weights.json_or_empty(model.folder / CONFIG).get("labelled", True)
    return frozenset() if labelled else PLANNED


def _understood(_model: Model, prompt: str) -> UnderstoodPrompt:
    return understood(prompt)


TRIAL = "studio.backends.music.engine.trial"


def _musicgen(name: str, title: str) -> Family:
    """Genre, mood, tempo and key become words of its description."""
    return Family(
        name,
        title,
        (Mark("model_type", name),),
        limits={"seconds": (1, 60)},
        controls=frozenset({*PLANNED, "seconds"}),
        check_files=check,
        demand=demand,
        trial=TRIAL,
    )


PIPELINE = PLANNED | {"negative", "seconds", "steps", "guidance"}
"""Fields that most pipelines of diffusers heed."""


def _pipeline(
    name: str,
    title: str,
    pipeline: str,
    *,
    seconds: tuple[float, float, float],
    steps: int,
    guidance: float,
    controls: frozenset[str] = PIPELINE,
    unused: Callable[[Model], frozenset[str]] = lambda _: frozenset(),
    defaults_of: Callable[[Model], Mapping[str, Any]] = lambda _: {},
) -> Family:
    """A pipeline of diffusers, whose own steps and guidance these are. `seconds` are the fewest, what suits it, and
    the most.
    """
    least, usual, most = seconds
    return Family(
        name,
        title,
        (Mark("pipeline", pipeline),),
        defaults={"seconds": usual, "steps": steps, "guidance": guidance},
        limits={"seconds": (least, most)},
        controls=controls,
        unused=unused,
        defaults_of=defaults_of,
        check_files=check_pipeline,
        demand=pipeline_demand,
        trial=TRIAL,
    )


def _is_stable_audio_base(model: Model) -> bool:
    """Whether a Stable Audio 3 is the one before it was distilled to few steps without guidance."""
    return not weights.json_or_empty(model.folder / "scheduler" / SCHEDULER).get("stochastic_sampling")


def _is_ace_turbo(model: Model) -> bool:
    """Whether an ACE-Step was distilled to few steps without guidance."""
    config = weights.json_or_empty(model.folder / "transformer" / CONFIG)
    return bool(config.get("is_turbo")) or config.get("model_version") == "turbo"


FAMILIES = (
    Family(
        "studio-music",
        "AIGC Studio music model",
        (Mark("model_type", "studio-music"),),
        limits={"seconds": (1, 60)},
        controls=frozenset({*PLANNED, "seconds"}),
        unused=_unused,
        demand=demand,
        trial=TRIAL,
        understood=_understood,
    ),
    _musicgen("musicgen", "MusicGen network"),
    # It takes no melody yet, and plays from the description alone.
    _musicgen("musicgen_melody", "MusicGen melody network"),
    # It always denoises its whole window, of which the rest is cut off.
    _pipeline(
        "stable-audio",
        "Stable Audio network",
        "StableAudioPipeline",
        seconds=(1, 30.0, 47.5),
        steps=100,
        guidance=7.0,
    ),
    _pipeline(
        "stable-audio-3",
        "Stable Audio 3 network",
        "StableAudio3Pipeline",
        seconds=(1, 30.0, 380),
        steps=8,
        guidance=1.0,
        unused=lambda model: frozenset() if _is_stable_audio_base(model) else frozenset({"negative", "guidance"}),
        defaults_of=lambda model: {"steps": 100, "guidance": 7.0} if _is_stable_audio_base(model) else {},
    ),
    # It learned from pieces of ten seconds.
    _pipeline(
        "audioldm2",
        "AudioLDM 2 network",
        "AudioLDM2Pipeline",
        seconds=(1, 10.0, 30),
        steps=200,
        guidance=3.5,
    ),
    _pipeline(
        "ace-step",
        "ACE-Step network",
        "AceStepPipeline",
        seconds=(10, 60.0, 600),
        steps=8,
        guidance=7.0,
        controls=PIPELINE - {"negative"} | {"lyrics", "language"},
        unused=lambda model: frozenset({"guidance"}) if _is_ace_turbo(model) else frozenset(),
        # Its makers' pipeline takes 8 steps for all; 30 to 60 are advised where none were distilled away.
        defaults_of=lambda model: {} if _is_ace_turbo(model) else {"steps": 50},
    ),
)
