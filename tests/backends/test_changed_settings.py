"""Whatever one value in the JSON files of a model is changed to, the model works or is refused in words.

`STUDIO_FUZZ=500` tries so many changes of each medium instead of forty.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from studio.backends import families, medium
from studio.backends.engine import pipeline_trial
from studio.backends.music.engine import trial as music_trial
from studio.backends.music.engine.codec import small_codec
from studio.backends.music.engine.engine import MusicEngine
from studio.backends.music.engine.files import LoadedStarter, save_starter
from studio.backends.music.engine.prior import Prior, small_prior
from studio.backends.music.requests import MusicRequest
from studio.backends.poster.engine import trial as poster_trial
from studio.backends.poster.engine.engine import PosterEngine
from studio.backends.poster.requests import PosterRequest
from studio.backends.story.engine import trial as story_trial
from studio.backends.story.engine.engine import StoryEngine
from studio.backends.story.requests import StoryRequest
from studio.errors import StudioError
from studio.models import detect
from studio.models.model import Model
from studio.models.resources import Resources
from studio.schema.request import Request
from tests.backends.fuzz import change
from tests.backends.language_models import language_model
from tests.backends.picture_models import picture_model
from tests.backends.sound_models import CODEC, musicgen, sound_pipeline
from tests.backends.toys import quiet

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # diffusers, of itself
COUNT = int(os.environ.get("STUDIO_FUZZ", "40"))
SOUND_PIPELINES = ("stable-audio", "stable-audio-3", "audioldm2", "ace-step-base")
SECONDS = 10.0
MEMORY = 1 << 30  # bytes


def own_music(folder: Path) -> Path:
    """A model as the studio trains one."""
    torch.manual_seed(0)
    prior = Prior(small_prior(2, 64, width=32, layers=1, context=48))
    save_starter(folder, LoadedStarter(small_codec(**CODEC), prior, None, True))
    return folder


KINDS: dict[str, dict[str, Callable[[Path], Path]]] = {
    "poster": {
        kind: lambda folder, kind=kind: picture_model(folder, kind)
        for kind in ("sd", "sdxl", "sd3", "flux", "flux2-klein", "qwen-image", "z-image", "sana")
    },
    "story": {
        kind: lambda folder, kind=kind: language_model(folder, kind)
        for kind in ("llama", "gpt2", "gemma3", "mistral", "mixtral")
    },
    "music": {
        "own": own_music,
        "mono": musicgen,
        "stereo": lambda folder: musicgen(folder, "stereo"),
        "melody": lambda folder: musicgen(folder, "melody"),
        **{kind: lambda folder, kind=kind: sound_pipeline(folder, kind) for kind in SOUND_PIPELINES},
    },
}
ENGINES = {
    "poster": (PosterEngine, poster_trial.try_out),
    "story": (StoryEngine, story_trial.try_out),
    "music": (MusicEngine, music_trial.try_out),
}
REQUESTS: dict[str, Request] = {
    "poster": PosterRequest(prompt="a fox", width=64, height=64, steps=2),
    "story": StoryRequest(prompt="once", tokens=16),
    "music": MusicRequest(prompt="sad", seconds=1, steps=2),
}
CASES = [(of, list(KINDS[of])[seed % len(KINDS[of])], seed, False) for of in KINDS for seed in range(COUNT)]
CASES += [("poster", list(KINDS["poster"])[seed % len(KINDS["poster"])], seed, True) for seed in range(1000, 1003)]
CASES += [("music", kind, 1003, True) for kind in SOUND_PIPELINES]
"""The last ones are tried as if they were large."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    kinds = [(of, kind) for of in KINDS for kind in KINDS[of]]
    return {(of, kind): KINDS[of][kind](tmp_path_factory.mktemp(of) / kind) for of, kind in kinds}


def peak() -> int:
    """The most memory that this process ever had, where the system tells."""
    if sys.platform != "linux":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize(("of", "kind", "seed", "large"), CASES)
def test_it_works_or_is_refused_in_words(
    tmp_path: Path,
    whole: dict[tuple[str, str], Path],
    monkeypatch: pytest.MonkeyPatch,
    of: str,
    kind: str,
    seed: int,
    large: bool,
) -> None:
    if large:
        monkeypatch.setattr(pipeline_trial, "SMALL", 0)
    folder = shutil.copytree(whole[of, kind], tmp_path / "toy")
    what = change(folder, seed)
    began, before = time.process_time(), peak()
    engine_class, try_out = ENGINES[of]
    tried, refused = False, None
    try:
        found = detect.recognise(folder, families())
        detect.demand(found, of)
        medium(of).family(found.family).check_files(folder)
        try_out(folder)
        tried = True
        engine = engine_class()
        engine.load(Resources(Model("toy", of, found.family, "Toy", "", folder)), quiet)
        assert engine.run(REQUESTS[of], quiet)
    except StudioError as error:
        refused = error
    assert refused is None or not tried, f"import takes {what}, and make says: {refused}"
    assert time.process_time() - began < SECONDS, what
    assert peak() - before < MEMORY, what
