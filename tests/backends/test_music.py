"""The music backend with its real classes at toy size: learning with and without scores, composing, MusicGen."""

from __future__ import annotations

import functools
import json
import math
import random
import shutil
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyloudnorm
import pytest
import soundfile as sf
import torch
from transformers import (
    EncodecModel,
)

from studio.backends.music.dataset import find_sounds, read
from studio.backends.music.engine import train
from studio.backends.music.engine.codec import CodecTrainer, codec_loss, decode, encode, small_codec
from studio.backends.music.engine.engine import MusicEngine
from studio.backends.music.engine.files import load_starter
from studio.backends.music.engine.linear_init import initialise
from studio.backends.music.engine.mastering import TARGET, master
from studio.backends.music.engine.prior import delay, small_prior, undelay
from studio.backends.music.engine.score_codebooks import CodebookWaveforms, VoiceRanges, write_waveforms
from studio.backends.music.engine.train import MusicTrainer
from studio.backends.music.parse_description import fill_from_text
from studio.backends.music.plan import INTERVALS, SCALES, TONICS, Chord, make_plan
from studio.backends.music.requests import KEYS, MEDIUM, MusicRequest, MusicTrainRequest
from studio.errors import BadInput, OutOfMemory, StudioError
from studio.jobs.job import Cancelled, Progress
from studio.media.payloads import Audio, Weights
from studio.models.model import Model
from studio.models.resources import Resources
from tests.backends import sound_models
from tests.backends.sound_models import CODEC, HOP, RATE

TOY_CODEC = functools.partial(small_codec, **CODEC)
TOY_PRIOR = functools.partial(small_prior, width=32, layers=2, context=48)


def quiet(progress: Progress) -> None:
    pass


@pytest.fixture(scope="module")
def toys() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "small_codec", TOY_CODEC)
        patch.setattr(train, "small_prior", TOY_PRIOR)
        patch.setattr(train, "CODEC_BATCH", 2)
        patch.setattr(train, "PRIOR_BATCH", 2)
        yield


def tone(pitch: int, seconds: float) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return 0.3 * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time) * np.exp(-4 * time)


def write_piece(folder: Path, name: str, seed: int) -> dict[str, object]:
    """Two seconds of two voices, each note cut off by the next, and what it is."""
    rng = random.Random(seed)
    notes = [[beat / 2, voice, 60 + 12 * voice + rng.randint(0, 2)] for beat in range(4) for voice in range(2)]
    sound = np.zeros(2 * RATE)
    for start, _, pitch in notes:
        begin = round(start * RATE)
        sound[begin : begin + RATE // 2] += tone(pitch, 0.5)
    sf.write(folder / name, sound.astype(np.float32), RATE, subtype="FLOAT")
    return {
        "file": name, "genre": "march", "mood": "joyful", "tempo": 120, "key": "C major", "beats": 4,
        "chords": [str(Chord(0, "maj"))], "notes": notes,
    }  # fmt: skip


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scored")
    labels = [write_piece(folder, f"{i}.wav", i) for i in range(6)]
    (folder / "labels.jsonl").write_text("\n".join(map(json.dumps, labels)), encoding="utf-8")
    return folder


def training(data: Path, out: Path, **changes: object) -> MusicTrainRequest:
    values = {"data": str(data), "out": str(out), "minutes": 0.01, "seed": 3}
    return MusicTrainRequest(**{**values, **changes})  # pyright: ignore[reportArgumentType]


def run_training(request: MusicTrainRequest) -> tuple[Path, list[Progress]]:
    trainer, news = MusicTrainer(), list[Progress]()
    trainer.load(Resources(), news.append)
    made = trainer.run(request, news.append)
    trainer.close()
    assert isinstance(made[-1], Weights)
    return made[-1].folder, news


@pytest.fixture(scope="module")
def trained(toys: None, scored: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_training(training(scored, tmp_path_factory.mktemp("out") / "toy"))[0]


def model_of(folder: Path, family: str = "studio-music") -> Model:
    return Model("toy", "music", family, "Toy", "own", folder)


@pytest.fixture
def engine(trained: Path) -> Iterator[MusicEngine]:
    made = MusicEngine()
    made.load(Resources(model_of(trained)), quiet)
    yield made
    made.close()


def play(engine: MusicEngine, request: MusicRequest) -> Audio:
    (sound,) = engine.run(request, quiet)
    assert isinstance(sound, Audio)
    return sound


def test_the_medium_says_what_it_is() -> None:
    assert MEDIUM.task(MusicRequest()).engine == "studio.backends.music.engine.engine:MusicEngine"
    assert MEDIUM.task(MusicTrainRequest()).engine == "studio.backends.music.engine.train:MusicTrainer"
    assert len(KEYS) == 25
    with pytest.raises(BadInput, match="key"):
        MusicRequest(key="H major")


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("A slow, dreamy lullaby in F sharp minor", ("lullaby", "mysterious", 60, "F# minor")),
        ("sad waltz, 140 BPM", ("waltz", "melancholy", 140, "any")),
        ("一首温柔的摇篮曲", ("lullaby", "tender", 0, "any")),
        ("D# major", ("any", "any", 0, "Eb major")),
        ("marching is not a word here, nor is a minor thing", ("any", "any", 0, "A minor")),
        ("", ("any", "any", 0, "any")),
        ("\0\ufffd" * 400, ("any", "any", 0, "any")),
    ],
)
def test_words_fill_in_what_fields_leave_open(prompt: str, expected: tuple[str, str, int, str]) -> None:
    wish = fill_from_text(MusicRequest(prompt=prompt))
    assert (wish.genre, wish.mood, wish.tempo, wish.key) == expected
    assert fill_from_text(MusicRequest(prompt=prompt, genre="ambient", tempo=77)).genre == "ambient"


@pytest.mark.parametrize("seed", range(8))
def test_plans_keep_key_and_time(seed: int) -> None:
    plan = make_plan("any", "any", 0, "any", 20, random.Random(seed))
    tonic, mode = plan.key.split()
    scale = {(TONICS.index(tonic) + step) % 12 for step in SCALES[mode]}
    assert all(set(chord.pitch_classes) <= scale for chord in plan.chords)
    assert plan.chords[-1].root == TONICS.index(tonic)
    assert len(plan.chords[-1].pitch_classes) in {len(tones) for tones in INTERVALS.values()}
    line = plan.timeline(800, 40)
    beats = np.flatnonzero((line[:, 1] == 1) & np.isin(line[:, 0], [1, 13]))
    assert np.abs(np.diff(beats) - plan.beats * 60 / plan.tempo * 40).max() <= 1


def test_a_codec_solved_from_scores_sounds_like_them(scored: Path) -> None:
    sounds = find_sounds(scored)
    voices = VoiceRanges.of(sounds, 64)
    assert voices.lowest == (60, 72)
    frames = torch.cat([torch.from_numpy(read(sound, RATE)).view(-1, HOP) for sound in sounds])
    codes = torch.cat([voices.codes(sound.notes, 80, RATE / HOP) for sound in sounds], 1)
    shapes = CodebookWaveforms(frames, codes, 64)
    errors = [shapes.sweep() for _ in range(12)]
    assert all(after <= before + 0.01 for before, after in pairwise(errors))
    model = TOY_CODEC().eval()
    assert write_waveforms(model, shapes) > 0.98
    made = decode(model, codes[None, :, :80])[0, 0].view(-1, HOP)
    assert 10 * math.log10(frames[:80].pow(2).sum() / (frames[:80] - made).pow(2).sum()) > 15
    assert decode(model, torch.zeros(1, 2, 20, dtype=torch.long)).abs().max() < 1e-3
    with torch.no_grad():
        heard = model.decoder(model.encoder(frames[:80].view(1, 1, -1)))[0, 0].view(-1, HOP)
    assert 10 * math.log10(frames[:80].pow(2).sum() / (frames[:80] - heard).pow(2).sum()) > 15


def test_a_codec_begins_linear_and_learns(scored: Path) -> None:
    torch.manual_seed(0)
    sound = torch.stack([torch.from_numpy(read(one, RATE)) for one in find_sounds(scored)]).unsqueeze(1)
    codec = CodecTrainer(TOY_CODEC())
    frames = sound.view(-1, HOP)
    assert initialise(codec.model, frames, frames[None]).share > 0.98
    codec.init_codebooks(sound)
    optimiser = torch.optim.Adam(codec.branches(), 3e-5)
    losses = []
    for _ in range(16):
        loss, parts = codec_loss(codec, sound)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(parts["loss"])
    assert losses[-1] < 0.95 * losses[1]  # the first step of Adam is the same length for every weight
    assert losses[-1] < 1.05 * losses[0]
    codec.eval()
    codes = encode(codec.model, sound)
    entries = codec.model.config.codebook_size
    assert all(len(book.unique()) > 0.4 * entries for book in codes.transpose(0, 1))
    assert codes.shape == (6, 2, 80)
    made = decode(codec.model, codes)
    assert torch.allclose(codec(sound)[0], made, atol=1e-5)
    assert 10 * torch.log10(sound.pow(2).sum() / (sound - made).pow(2).sum()) > 5


def test_training_reports_and_goes_on(toys: None, scored: Path, tmp_path: Path) -> None:
    folder, news = run_training(training(scored, tmp_path / "out"))
    assert {progress.stage for progress in news} == {"codec", "prior"}
    assert all(math.isfinite(progress.values["loss"]) for progress in news if progress.stage == "prior")
    model = load_starter(folder)
    assert model.prior is not None
    assert model.labelled
    with pytest.raises(BadInput, match="already holds"):
        run_training(training(scored, tmp_path / "out"))
    before = torch.load(tmp_path / "out" / "checkpoint.pt", weights_only=True)["step"]
    run_training(training(scored, tmp_path / "out", part="prior", resume=True))
    assert torch.load(tmp_path / "out" / "checkpoint.pt", weights_only=True)["step"] > before


def test_sounds_without_labels_do_too(toys: None, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "sub").mkdir(parents=True)
    for i in range(2):
        sf.write(data / "sub" / f"{i}.flac", tone(60 + i, 2.0).astype(np.float32), RATE * 2)
    (data / "broken.wav").write_bytes(b"RIFF no sound")
    folder, news = run_training(training(data, tmp_path / "out"))
    model = load_starter(folder)
    assert model.voices is None
    assert not model.labelled
    assert any("spectrum" in progress.values for progress in news)
    engine = MusicEngine()
    engine.load(Resources(model_of(folder)), quiet)
    assert play(engine, MusicRequest(seconds=1)).samples.shape[1] == RATE


def test_a_cancelled_training_keeps_its_model(toys: None, scored: Path, trained: Path, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        raise Cancelled

    trainer = MusicTrainer()
    trainer.load(Resources(model_of(trained)), quiet)
    with pytest.raises(Cancelled) as caught:
        trainer.run(training(scored, tmp_path / "out", part="prior", minutes=5), stop)
    (weights,) = caught.value.payloads
    assert isinstance(weights, Weights)
    assert load_starter(weights.folder).prior is not None


def test_learning_out_of_memory_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(train, "find_sounds", lambda _: [])
    monkeypatch.setattr(train, "train_codec", full)
    trainer = MusicTrainer()
    trainer.load(Resources(), quiet)
    with pytest.raises(OutOfMemory):
        trainer.run(MusicTrainRequest(out=str(tmp_path), part="codec"), quiet)


def test_what_cannot_be_learnt_from_is_named(toys: None, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="no sounds"):
        run_training(training(tmp_path / "empty", tmp_path / "out"))
    with pytest.raises(BadInput, match="no folder"):
        run_training(training(tmp_path / "missing", tmp_path / "out"))
    sf.write(tmp_path / "empty" / "a.wav", np.zeros(RATE, np.float32), RATE)
    (tmp_path / "empty" / "labels.jsonl").write_text('{"file": "a.wav"}\n{"key"', encoding="utf-8")
    with pytest.raises(BadInput, match="Line 2"):
        run_training(training(tmp_path / "empty", tmp_path / "out"))
    (tmp_path / "empty" / "labels.jsonl").unlink()
    with pytest.raises(BadInput, match="no codec"):
        run_training(training(tmp_path / "empty", tmp_path / "out", part="prior"))


@pytest.mark.parametrize(("field", "known"), [("genre", "lullaby, waltz"), ("mood", "joyful, peaceful")])
def test_a_word_that_the_starter_does_not_know_is_refused_in_words(engine: MusicEngine, field: str, known: str) -> None:
    with pytest.raises(BadInput, match=f"has no {field} 'polka'. Choose one of: any, {known}"):
        play(engine, MusicRequest(seconds=2).replace(**{field: "polka"}))


def test_the_same_request_is_the_same_sound(engine: MusicEngine) -> None:
    state = torch.random.get_rng_state()
    request = MusicRequest(seed=5, seconds=2, genre="waltz", key="C major")
    first, second = play(engine, request), play(engine, request)
    assert first.samples.shape == (2, 2 * RATE)
    assert first.samples.dtype == np.float32
    assert np.array_equal(first.samples, second.samples)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not np.array_equal(play(engine, request.replace(seed=6)).samples, first.samples)


@pytest.mark.parametrize(
    ("field", "others"),
    [
        ("key", [key for key, _ in KEYS[2:]]),
        ("tempo", (50, 70, 90, 140, 170)),
        ("genre", ("ambient", "lullaby", "waltz", "lofi")),
    ],
)
def test_every_condition_reaches_the_sound(engine: MusicEngine, field: str, others: Sequence[Any]) -> None:
    # A model this small hears its conditions faintly: one other value may draw the same notes, all of them do not.
    request = MusicRequest(seed=5, seconds=2, genre="march", mood="joyful", tempo=100, key="C major")
    sound = play(engine, request).samples
    played = (play(engine, request.replace(**{field: other})).samples for other in others)
    assert any(not np.array_equal(other, sound) for other in played)


def test_progress_rises_and_the_sound_grows(engine: MusicEngine) -> None:
    news: list[Progress] = []
    engine.run(MusicRequest(seconds=5), news.append)  # 200 frames: four windows of the toy
    steps = [progress for progress in news if progress.stage == "composing"]
    assert all(before.done <= after.done for before, after in pairwise(steps))
    assert steps[-1].done == steps[-1].total == 200
    previews = [progress.preview for progress in steps if isinstance(progress.preview, Audio)]
    assert [preview.samples.shape[1] // RATE for preview in previews] == [2, 4]
    assert np.array_equal(previews[1].samples[:, : 2 * RATE], previews[0].samples)


def test_cancel_stops_at_the_next_step(engine: MusicEngine) -> None:
    def stop_at(step: int) -> tuple[int, Cancelled]:
        seen = 0

        def report(progress: Progress) -> None:
            nonlocal seen
            seen += 1
            if seen == step:
                raise Cancelled

        with pytest.raises(Cancelled) as caught:
            engine.run(MusicRequest(seconds=4), report)
        return seen, caught.value

    seen, cancelled = stop_at(1)
    assert seen == 1
    assert cancelled.payloads == []
    seen, cancelled = stop_at(100)
    assert seen == 100
    (sound,) = cancelled.payloads
    assert isinstance(sound, Audio)
    assert sound.samples.shape[1] == 99 * HOP
    assert play(engine, MusicRequest(seconds=1)).samples.shape[1] == RATE


@pytest.mark.parametrize("victim", ["codec/model.safetensors", "prior/model.safetensors", "conditions.safetensors"])
@pytest.mark.parametrize("damage", ["cut", "removed", "noise"])
def test_damaged_weights_are_named(trained: Path, tmp_path: Path, victim: str, damage: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(trained, folder)
    path = folder / victim
    whole = path.read_bytes()
    path.unlink()
    if damage != "removed":
        path.write_bytes(whole[: len(whole) // 2] if damage == "cut" else bytes(64))
    with pytest.raises(StudioError, match="damaged"):
        MusicEngine().load(Resources(model_of(folder)), quiet)


def test_folders_that_are_no_music_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no music model"):
        MusicEngine().load(Resources(model_of(tmp_path)), quiet)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    with pytest.raises(BadInput, match="bert"):
        MusicEngine().load(Resources(model_of(tmp_path)), quiet)


@pytest.mark.parametrize("channels", [1, 2])
def test_delays_are_undone(channels: int) -> None:
    codes = torch.arange(4 * 7).view(1, 4, 7)
    columns = delay(codes, 99, channels)
    assert columns.shape[-1] == 7 + 3 // channels
    assert int((columns == 99).sum()) == columns.numel() - codes.numel()
    assert torch.equal(undelay(columns, 7, channels), codes)


@pytest.fixture(scope="module", params=["mono", "stereo"])
def musicgen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sound_models.musicgen(tmp_path_factory.mktemp("musicgen"), request.param)


def test_musicgen_models_play(musicgen: Path) -> None:
    engine = MusicEngine()
    engine.load(Resources(model_of(musicgen, "musicgen")), quiet)
    assert isinstance(engine.player.codec, EncodecModel)  # pyright: ignore[reportOptionalMemberAccess]
    sound = play(engine, MusicRequest(prompt="sad", genre="march", seconds=2))  # 80 frames: two windows and more
    assert sound.samples.shape == (engine.player.decoder.config.audio_channels, 2 * RATE)  # pyright: ignore
    assert not np.array_equal(play(engine, MusicRequest(prompt="march", seconds=2)).samples, sound.samples)


def test_mastering_is_loud_safe_and_ends_in_silence() -> None:
    rng = np.random.default_rng(0)
    time = np.arange(6 * 16000) / 16000
    for sound in (
        0.01 * np.sin(2 * np.pi * 440 * time),
        3.0 * np.sign(np.sin(2 * np.pi * 3 * time)) * rng.random(len(time)),
    ):
        made = master(sound[None].astype(np.float32), 16000, room=0.2)
        assert made.shape == (2, len(time))
        assert np.abs(made).max() <= 1
        assert abs(made[:, 0]).max() == 0
        assert np.abs(made[:, -16:]).max() < 1e-3
        assert abs(pyloudnorm.Meter(16000).integrated_loudness(made.T) - TARGET) < 2
    assert not master(np.zeros((1, 8000), np.float32), 16000).any()
    assert master(np.ones((1, 7), np.float32), 16000).shape == (1, 7)
