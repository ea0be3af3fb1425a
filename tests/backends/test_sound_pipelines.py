"""Pipelines of diffusers that make sound come out as diffusers has them, or are refused in words that name the file."""

from __future__ import annotations

import json
import re
import sys
import types
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import diffusers as diffusers_library
import numpy as np
import pytest
import soundfile
import torch

from studio.backends import families, medium
from studio.backends.engine import pipeline_trial
from studio.backends.engine.schedulers import CosineSdeScheduler
from studio.backends.music.engine import diffusion
from studio.backends.music.engine.diffusion import SoundPipeline
from studio.backends.music.engine.mastering import master
from studio.backends.music.engine.trial import try_out
from studio.backends.music.parse_description import language_of
from studio.backends.music.requests import MusicRequest
from studio.errors import StudioError
from studio.jobs.job import Cancelled, Progress
from studio.models.catalog import Catalog
from studio.models.fit.demand import Machine, read_facts
from studio.studio import Studio
from tests.backends.fuzz import set_in
from tests.backends.sound_models import PIPELINES, RATE, sound_pipeline
from tests.backends.toys import quiet
from tests.core.cli_runs import Runs

diffusers: Any = diffusers_library  # which does not say what it exports
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # diffusers, of itself

SEED, STEPS = 5, 3
TOLERANCE = 1e-4

ASKED: dict[str, dict[str, Any]] = {
    "stable-audio": {"audio_end_in_s": 2.0, "negative_prompt": "rain"},
    "stable-audio-3": {"duration": 2.0},
    "stable-audio-3-base": {"duration": 2.0, "negative_prompt": "rain"},
    "audioldm2": {"audio_length_in_s": 2.0, "negative_prompt": "rain"},
    "ace-step": {"audio_duration": 10.0, "lyrics": "la la", "bpm": 90, "keyscale": "C minor"},
    "ace-step-base": {"audio_duration": 10.0, "lyrics": "春天", "vocal_language": "zh"},
}
"""What each pipeline is asked beside description, guidance, steps and seed, in its own words."""

TOLD: dict[str, dict[str, Any]] = {
    **{name: {"seconds": 2.0, "negative": "rain"} for name in ASKED},
    "stable-audio-3": {"seconds": 2.0},
    "ace-step": {"seconds": 10.0, "lyrics": "la la", "tempo": 90, "key": "C minor"},
    "ace-step-base": {"seconds": 10.0, "lyrics": "春天"},
}
"""The same as the music page asks it."""


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders of pipelines, each saved once; no test changes them."""
    home, made = tmp_path_factory.mktemp("models"), dict[str, Path]()

    def folder(name: str) -> Path:
        if name not in made:
            made[name] = sound_pipeline(home / name, name)
        return made[name]

    return folder


def played(folder: Path, prompt: str, guidance: float, **asked: Any) -> np.ndarray[Any, Any]:
    """`[channels, samples]` that diffusers' own call makes of a folder."""
    pipe: Any = diffusers.DiffusionPipeline.from_pretrained(folder, use_safetensors=True)
    pipe.set_progress_bar_config(disable=True)
    with torch.inference_mode():
        (made,) = pipe(
            prompt,
            num_inference_steps=STEPS,
            guidance_scale=guidance,
            generator=torch.Generator().manual_seed(SEED),
            **asked,
        ).audios
    return np.atleast_2d(np.asarray(made))


@pytest.mark.parametrize("name", PIPELINES)
def test_a_piece_is_that_of_diffusers(studio: Studio, toys: Callable[[str], Path], name: str) -> None:
    folder = toys(name)
    guidance = 1.0 if name == "stable-audio-3" else 3.0
    model = studio.catalog.import_(folder, "music", accept_licence=True)
    request = MusicRequest(model=model.id, prompt="sad march", steps=STEPS, seed=SEED, guidance=guidance, **TOLD[name])
    assert medium("music").family(model.family).ignored(request, model) is None or name == "ace-step"
    (asset,) = studio.submit(request).future.result(60)
    samples, rate = soundfile.read(asset.path, dtype="float32", always_2d=True)
    there, other = (played(folder, prompt, guidance, **ASKED[name]) for prompt in ("sad march", "rain"))
    assert rate == RATE
    assert there.shape == (1 if name == "audioldm2" else 2, request.seconds * RATE)
    assert np.abs(samples.T - master(there, RATE)).max() < TOLERANCE
    assert np.abs(samples.T - master(other, RATE)).max() > 20 * TOLERANCE, "what it is told is heard"


def test_the_command_line_imports_a_folder_and_makes_a_song(
    toys: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Runs(
        capsys,
        lambda paths: Studio(paths, isolated=False, persist_queue=False, bundled=tmp_path / "none", platform=""),
    )
    assert run("models", "import", toys("ace-step-base"), "--medium", "music", "--accept-licence").status == 0
    asked = ("--model", "ace-step-base", "--lyrics", "la", "--tempo", 90, "--seconds", 10, "--steps", 2, "--seed", 7)
    ended = run("make", "music", *asked, "--negative", "rain", "--count", 2, "--json")
    assert ended.status == 0
    assert "does not use negative, which changes nothing." in ended.err
    for work, seed in zip(ended.json["assets"], (7, 8), strict=True):
        known = json.loads(Path(work["path"]).with_suffix(".json").read_text("utf-8"))
        request = known["request"]
        assert (request["seed"], request["lyrics"], request["tempo"], request["guidance"]) == (seed, "la", 90, 7.0)
        assert known["provenance"]["model"]["family"] == "ace-step"
        samples, rate = soundfile.read(work["path"], always_2d=True)
        assert (rate, samples.shape) == (RATE, (10 * RATE, 2))
    assert run("make", "music", "--model", "ace-step-base", "--seconds", 700).status == 2
    assert run("make", "music", "--model", "ace-step-base", "--seconds", 5).status == 2


@pytest.mark.parametrize("name", ["stable-audio", "stable-audio-3", "audioldm2", "ace-step-base"])
def test_a_trial_goes_all_the_way_without_numbers(
    toys: Callable[[str], Path], name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pipeline_trial, "SMALL", 0)
    try_out(toys(name))
    assert "not tried to its end" not in caplog.text


@pytest.mark.parametrize("name", ["stable-audio", "ace-step"])
def test_a_cancel_ends_it_within_a_step_and_it_plays_again(toys: Callable[[str], Path], name: str) -> None:
    """One pipeline that knows a callback, and one that knows none."""
    player = SoundPipeline.load(toys(name))
    request = MusicRequest(prompt="sad march", seconds=2, steps=4, seed=SEED)
    seen: list[int] = []

    def report(progress: Progress, stop: int = 99) -> None:
        seen.append(progress.done)
        if progress.done == stop:
            raise Cancelled

    whole = player.compose(request, report)
    assert seen[-2:] == [4, 4] or seen[-2:] == [3, 4]
    assert seen == sorted(seen)
    seen.clear()
    with pytest.raises(Cancelled):
        player.compose(request, partial(report, stop=2))
    assert seen[-1] == 2
    assert np.array_equal(player.compose(request, quiet).samples, whole.samples)


def test_a_piece_longer_than_the_window_is_refused_in_words(toys: Callable[[str], Path]) -> None:
    with pytest.raises(StudioError, match=re.escape("plays 2.4 seconds at most")):
        SoundPipeline.load(toys("stable-audio")).compose(MusicRequest(seconds=3), quiet)


def test_the_scheduler_of_stable_audio_steps_as_that_of_diffusers(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same noise: the package that makes it there is not needed to see that."""
    name = "diffusers.schedulers.scheduling_dpmsolver_sde"
    monkeypatch.setitem(sys.modules, name, types.SimpleNamespace(BrownianTreeNoiseSampler=None))
    from diffusers.schedulers.scheduling_cosine_dpmsolver_multistep import CosineDPMSolverMultistepScheduler

    numbers = torch.Generator().manual_seed(1)
    start, velocities = torch.randn(1, 4, 8, generator=numbers), torch.randn(9, 1, 4, 8, generator=numbers)
    made: list[torch.Tensor] = []
    schedulers: list[Any] = [CosineDPMSolverMultistepScheduler(), CosineSdeScheduler()]
    for scheduler in schedulers:
        scheduler.set_timesteps(len(velocities))
        noise = torch.Generator().manual_seed(SEED)
        scheduler.noise_sampler = lambda *_, noise=noise: torch.randn(1, 4, 8, generator=noise)
        latents = start * scheduler.init_noise_sigma
        for time, velocity in zip(scheduler.timesteps, velocities, strict=True):
            scheduler.scale_model_input(latents, time)
            latents = scheduler.step(velocity, time, latents, generator=noise).prev_sample
        made.append(latents)
    torch.testing.assert_close(made[0], made[1], atol=1e-5, rtol=0)
    assert torch.equal(schedulers[0].timesteps, schedulers[1].timesteps)
    assert made[0].std() > 0.1


def test_a_stable_audio_with_the_published_scheduler_plays_without_its_package(
    tmp_path: Path, toys: Callable[[str], Path]
) -> None:
    pipe: Any = PIPELINES["stable-audio"]()
    pipe.scheduler = CosineSdeScheduler()
    pipe.save_pretrained(tmp_path / "toy")
    published = ["diffusers", "CosineDPMSolverMultistepScheduler"]
    set_in("model_index.json", scheduler=published)(tmp_path / "toy")
    set_in("scheduler/scheduler_config.json", _class_name=published[1])(tmp_path / "toy")
    try_out(tmp_path / "toy")
    request = MusicRequest(prompt="sad march", seconds=2, steps=STEPS, seed=SEED, guidance=3)
    made, again, other = (
        SoundPipeline.load(folder).compose(request, quiet).samples
        for folder in (tmp_path / "toy", tmp_path / "toy", toys("stable-audio"))
    )
    assert np.array_equal(made, again)
    assert np.abs(made - other).max() > 20 * TOLERANCE, "it is another solver"


def test_an_audioldm_as_it_was_published_plays_the_same(tmp_path: Path, toys: Callable[[str], Path]) -> None:
    """Its language model was saved without a head, and its tokenizers under older names."""
    pipe: Any = PIPELINES["audioldm2"]()
    pipe.save_pretrained(tmp_path / "toy")
    pipe.language_model.transformer.save_pretrained(tmp_path / "toy" / "language_model")
    set_in("language_model/config.json", max_new_tokens=8)(tmp_path / "toy")
    set_in(
        "model_index.json",
        language_model=["transformers", "GPT2Model"],
        tokenizer=["transformers", "RobertaTokenizerFast"],
        tokenizer_2=["transformers", "T5TokenizerFast"],
    )(tmp_path / "toy")
    request = MusicRequest(prompt="sad march", seconds=2, steps=STEPS, seed=SEED, guidance=3)
    made, plain = (
        SoundPipeline.load(folder).compose(request, quiet).samples for folder in (tmp_path / "toy", toys("audioldm2"))
    )
    assert np.array_equal(made, plain)


@pytest.mark.parametrize("name", ["stable-audio", "audioldm2"])
def test_in_fewer_digits_the_sound_itself_is_made_in_all(
    toys: Callable[[str], Path], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a graphics card, where processors take bfloat16 for the card's own format."""
    request = MusicRequest(prompt="sad march", seconds=2, steps=2, seed=SEED, guidance=3)
    plain = SoundPipeline.load(toys(name)).compose(request, quiet).samples
    monkeypatch.setattr(diffusion, "_dtype", lambda folder, size: torch.bfloat16)
    player = SoundPipeline.load(toys(name))
    rough = player.compose(request, quiet).samples
    network = getattr(player.pipe, "transformer", None) or player.pipe.unet
    assert (network.dtype, player.pipe.vae.dtype) == (torch.bfloat16, torch.float32)
    assert np.corrcoef(plain.ravel(), rough.ravel())[0, 1] > 0.9


REFUSED: list[tuple[str, Callable[[Path], object], str]] = [
    ("stable-audio", set_in("vae/config.json", sampling_rate=10), "sampling_rate is 10, and should be a number from"),
    ("stable-audio", set_in("vae/config.json", audio_channels=9), "audio_channels is 9, and should be a number from"),
    ("stable-audio", set_in("vae/config.json", downsampling_ratios=[9999] * 3), "should be at most 100000 multiplied"),
    ("audioldm2", set_in("vocoder/config.json", upsample_rates="x"), "upsample_rates is 'x', and should be a list"),
    ("audioldm2", set_in("language_model/config.json", max_new_tokens=10**6), "cannot run"),
    ("audioldm2", set_in("projection_model/config.json", langauge_model_dim=10**8), "langauge_model_dim is 100000000"),
    ("ace-step", set_in("condition_encoder/config.json", num_lyric_encoder_hidden_layers=10**6), "is 1000000"),
    ("ace-step", set_in("transformer/config.json", num_attention_heads=3), "has the shape"),
    ("stable-audio-3", set_in("transformer/config.json", depth=2), "its weights lack"),
]


@pytest.mark.parametrize(("name", "spoil", "says"), REFUSED)
def test_import_or_its_trial_refuses_what_cannot_play(
    tmp_path: Path, name: str, spoil: Callable[[Path], object], says: str
) -> None:
    folder = sound_pipeline(tmp_path / "toy", name)
    spoil(folder)
    with pytest.raises(StudioError, match=re.escape(says)) as refused:
        try_out(folder)
    with pytest.raises(StudioError) as failed:
        SoundPipeline.load(folder).compose(MusicRequest(seconds=1, steps=2, prompt="music", lyrics="La"), quiet)
    assert str(failed.value) == str(refused.value)


def test_a_tokenizer_of_covers_is_left_out(tmp_path: Path) -> None:
    folder = sound_pipeline(tmp_path / "toy", "ace-step")
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    assert index["audio_tokenizer"] == [None, None]
    pipe = SoundPipeline.load(folder).pipe
    assert (pipe.audio_tokenizer, pipe.audio_token_detokenizer) == (None, None)


@pytest.mark.parametrize("name", PIPELINES)
def test_the_form_offers_what_the_model_heeds(toys: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    catalog = Catalog(tmp_path / "bundled", tmp_path / "own", families())
    model = catalog.import_(toys(name), "music", accept_licence=True)
    family = medium("music").family(model.family)
    offered = {field for field, each in family.fields(MusicRequest, model) if not each.hidden} - {"seed", "model"}
    distilled = {"guidance", "negative"} if name == "stable-audio-3" else {"guidance"} if name == "ace-step" else set()
    heeded = {"prompt", "genre", "mood", "tempo", "key", "seconds", "steps", "guidance", "negative"}
    if name.startswith("ace"):
        heeded = heeded - {"negative"} | {"lyrics", "language"}
    assert offered == heeded - distilled
    suited = family.suited(MusicRequest, model)
    steps = {"stable-audio": 100, "audioldm2": 200, "stable-audio-3-base": 100, "ace-step-base": 50}
    assert suited["steps"] == steps.get(name, 8)
    facts = read_facts(model)
    short, long = (
        family.demand(facts, MusicRequest(seconds=seconds), Machine("cpu", 10**10, 10**10)) for seconds in (10, 30)
    )
    assert long.memory() > short.memory() or name == "stable-audio"
    assert long.seconds(Machine("cpu", 1, 1)) > 0


@pytest.mark.parametrize(
    ("lyrics", "code"),
    [("", "en"), ("la la", "en"), ("春天来了", "zh"), ("春の歌", "ja"), ("봄", "ko"), ("весна", "ru"), ("ربيع", "ar")],
)
def test_lyrics_are_sung_in_the_language_of_their_letters(lyrics: str, code: str) -> None:
    assert language_of(lyrics) == code
