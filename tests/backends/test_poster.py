"""Posters at toy size with the real classes: what is asked is made, stopped, learned and refused as it should be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from studio.backends.engine import pipelines
from studio.backends.poster.engine.engine import PosterEngine
from studio.backends.poster.engine.network import PosterShape, train_tokenizer
from studio.backends.poster.engine.train import PosterTrainer
from studio.backends.poster.enlarge import fit
from studio.backends.poster.requests import MEDIUM, PosterRequest, PosterTrainRequest
from studio.errors import BadInput, StudioError
from studio.jobs.job import Cancelled, Progress
from studio.media.payloads import Image, Weights
from studio.models.model import Model
from studio.models.resources import Resources

TOY = PosterShape(codec=8, latent=4, denoiser=(8, 16), groups=2, words=16, word_layers=1, vocabulary=560, length=16)
STEPS = 3


class Diary(list[Progress]):
    """A report that keeps everything, and cancels when `stop` says so."""

    def __init__(self, stop: Any = lambda _: False) -> None:
        super().__init__()
        self._stop = stop

    def __call__(self, progress: Progress) -> None:
        self.append(progress)
        if self._stop(progress):
            raise Cancelled


def pictures(folder: Path, count: int = 6) -> Path:
    """Flat scenes of 32 x 48: a colour above, another below."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    with (folder / "captions.jsonl").open("w") as lines:
        for i in range(count):
            pixels = np.zeros((48, 32, 3), np.uint8)
            pixels[:24], pixels[24:] = rng.integers(0, 255, 3), rng.integers(0, 255, 3)
            PIL.Image.fromarray(pixels).save(folder / f"{i}.png")
            lines.write(json.dumps({"file": f"{i}.png", "caption": f"sea at {'dawn' if i % 2 else 'night'}"}) + "\n")
    return folder


def trainer(preview_seconds: float = 1e9) -> PosterTrainer:
    made = PosterTrainer()
    made.shape, made.preview_seconds = TOY, preview_seconds
    return made


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The out folder of a training: two steps of the codec, one that encodes, two of the denoiser."""
    root = tmp_path_factory.mktemp("poster")
    common: dict[str, Any] = {"data": str(pictures(root / "data")), "out": str(root / "out"), "minutes": 60, "batch": 2}
    with pytest.raises(Cancelled):
        trainer().run(PosterTrainRequest(part="codec", **common), Diary(lambda p: p.values["step"] == 2))
    request = PosterTrainRequest(part="denoiser", resume=True, **common)
    with pytest.raises(Cancelled):
        trainer().run(request, Diary(lambda p: p.values["step"] == 5))
    return root / "out"


@pytest.fixture(scope="module")
def engine(trained: Path) -> PosterEngine:
    made = PosterEngine()
    made.load(Resources(model(trained / "model")), Diary())
    return made


def model(folder: Path) -> Model:
    return Model("toy", "poster", "sd", "Toy", "Apache-2.0", folder)


def paint(engine: PosterEngine, report: Any = None, **changes: Any) -> np.ndarray:
    settings: dict[str, Any] = {"prompt": "sea at dawn", "width": 64, "height": 96, "steps": STEPS, **changes}
    (made,) = engine.run(PosterRequest(**settings), Diary() if report is None else report)
    assert isinstance(made, Image)
    return made.pixels


def kinds(payloads: Sequence[object]) -> list[type]:
    return [type(payload) for payload in payloads]


def test_the_medium_names_what_exists() -> None:
    import importlib

    for task in MEDIUM.tasks:
        module, _, attribute = task.engine.partition(":")
        assert hasattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("size", [(64, 96), (32, 48), (100, 75), (300, 130)])
def test_a_picture_has_the_size_that_was_asked_for(engine: PosterEngine, size: tuple[int, int]) -> None:
    pixels = paint(engine, width=max(64, size[0]), height=max(64, size[1]))
    assert pixels.shape == (max(64, size[1]), max(64, size[0]), 3)
    assert pixels.dtype == np.uint8


def test_the_same_request_gives_the_same_pixels_and_another_seed_others(engine: PosterEngine) -> None:
    first = paint(engine, seed=7)
    assert np.array_equal(first, paint(engine, seed=7))
    assert not np.array_equal(first, paint(engine, seed=8))


def test_words_matter_and_so_do_unwanted_ones(engine: PosterEngine) -> None:
    plain = paint(engine)
    assert not np.array_equal(plain, paint(engine, prompt="sea at night"))
    assert not np.array_equal(plain, paint(engine, negative="night"))


def test_every_step_is_reported_once_with_a_preview(engine: PosterEngine) -> None:
    diary = Diary()
    paint(engine, diary)
    steps = [(p.done, p.total) for p in diary if p.stage == "painting"]
    assert steps == [(i, STEPS) for i in range(STEPS + 1)]
    previews = [p.preview for p in diary if p.stage == "painting"][1:]
    assert all(isinstance(preview, Image) and preview.pixels.shape == (256, 171, 3) for preview in previews)


def test_a_model_without_latent_colours_is_previewed_by_its_decoder(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    shutil.copytree(trained / "model", folder)
    (folder / "config.json").unlink()
    other = PosterEngine()
    other.load(Resources(model(folder)), Diary())
    diary = Diary()
    assert paint(other, diary).shape == (96, 64, 3)
    assert any(p.preview is not None for p in diary)
    other.close()


def test_cancel_at_the_first_step_stops_there_and_leaves_the_engine_well(engine: PosterEngine) -> None:
    diary = Diary(lambda p: p.stage == "painting" and p.done == 1)
    before = paint(engine, seed=3)
    with pytest.raises(Cancelled):
        paint(engine, diary, seed=3)
    assert [p.done for p in diary if p.stage == "painting"] == [0, 1]
    assert np.array_equal(before, paint(engine, seed=3))


@pytest.mark.parametrize("done", [0, 1, STEPS])
def test_a_cancel_is_heard_before_each_block_of_encoder_denoiser_and_decoder(
    engine: PosterEngine, done: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = paint(engine, seed=3)
    monkeypatch.setattr(pipelines, "PATIENCE", -1.0)
    seen: list[int] = []

    def again(progress: Progress) -> bool:
        if progress.stage == "painting" and progress.done == done:
            seen.append(done)
        return len(seen) == 2  # not the step itself, but what is told within it

    with pytest.raises(Cancelled):
        paint(engine, Diary(again), seed=3)
    monkeypatch.undo()
    assert np.array_equal(before, paint(engine, seed=3))


def test_a_cancel_is_heard_while_parts_are_loaded(trained: Path) -> None:
    other = PosterEngine()
    with pytest.raises(Cancelled):
        other.load(Resources(model(trained / "model")), Diary(lambda p: p.stage == "loading" and p.done == 1))
    other.close()


@pytest.mark.parametrize("change", [{"width": 2000, "height": 64}, {"width": 64, "height": 2000}])
def test_a_picture_too_slim_is_refused(engine: PosterEngine, change: dict[str, int]) -> None:
    with pytest.raises(BadInput, match="too slim"):
        paint(engine, **change)


@pytest.mark.parametrize("change", [{"width": 0}, {"height": 60_000}, {"steps": 0}, {"guidance": float("nan")}])
def test_values_out_of_range_are_refused_by_name(change: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=next(iter(change))):
        PosterRequest(**change)


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        " ",
        "sea " * 499,
        "zzxqv blorp",
        "<|endoftext|><|startoftext|>",
        "\ud800 \x00 \u202e",
        "海边的灯塔 🌅",
        "{}%s\\n../",
    ],
)
def test_any_prompt_makes_a_picture(engine: PosterEngine, prompt: str) -> None:
    assert paint(engine, prompt=prompt, negative=prompt, steps=1).std() > 0


def test_zero_and_high_guidance_make_pictures(engine: PosterEngine) -> None:
    assert not np.array_equal(paint(engine, guidance=0.0), paint(engine, guidance=30.0))


def test_tokens_have_the_same_numbers_every_time() -> None:
    captions = ["a lighthouse at dawn, with birds", "city at night; snow", "forest & lake"] * 3
    first, second = (train_tokenizer(captions, TOY).get_vocab() for _ in range(2))
    assert first == second
    assert sorted(first.values()) == list(range(len(first)))


def test_unknown_words_have_tokens_and_known_ones_few() -> None:
    tokens = train_tokenizer(["a lighthouse at dawn"] * 3, TOY)
    known = tokens("lighthouse").input_ids
    assert len(known) == 3
    assert tokens.decode(known, skip_special_tokens=True).strip() == "lighthouse"
    strange = tokens("灯塔 qzx").input_ids
    assert tokens.eos_token_id not in strange[1:-1]


def test_training_makes_a_pipeline_that_diffusers_reads(trained: Path) -> None:
    from diffusers import DiffusionPipeline

    pipe = DiffusionPipeline.from_pretrained(trained / "model", local_files_only=True, use_safetensors=True)
    assert type(pipe).__name__ == "StableDiffusionPipeline"
    notes = json.loads((trained / "model" / "config.json").read_text())
    assert notes["native"] == [32, 48]
    assert np.array(notes["latent_rgb"]["matrix"]).shape == (TOY.latent, 3)


def test_training_reports_losses_and_shows_what_it_can(tmp_path: Path) -> None:
    request = PosterTrainRequest(
        data=str(pictures(tmp_path / "data")), out=str(tmp_path / "out"), part="codec", minutes=0.01, batch=2
    )
    diary = Diary()
    assert kinds(trainer(preview_seconds=0).run(request, diary)) == [Image, Weights]
    assert [p.done for p in diary] == sorted(p.done for p in diary)
    assert all(p.values["loss"] > 0 for p in diary)
    assert any(isinstance(p.preview, Image) for p in diary)


def test_training_goes_on_where_it_stopped(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(trained, out)
    stop = Diary(lambda _: True)
    data = str(trained.parent / "data")
    request = PosterTrainRequest(data=data, out=str(out), part="denoiser", minutes=1, batch=2, resume=True)
    with pytest.raises(Cancelled) as cancelled:
        trainer().run(request, stop)
    assert kinds(cancelled.value.payloads) == [Weights]
    first = stop[0].values
    again = Diary(lambda p: len(again) == 2)
    with pytest.raises(Cancelled):
        trainer().run(request, again)
    assert again[0].values["step"] == first["step"] + 1
    assert again[1].values["step"] == first["step"] + 2


def test_a_cancelled_training_keeps_codec_and_says_so(tmp_path: Path) -> None:
    request = PosterTrainRequest(
        data=str(pictures(tmp_path / "data")), out=str(tmp_path / "out"), part="both", minutes=5, batch=2
    )
    with pytest.raises(Cancelled) as cancelled:
        trainer().run(request, Diary(lambda p: p.values["step"] == 2))
    (made,) = cancelled.value.payloads
    assert isinstance(made, Weights)
    assert (made.folder / "vae").is_dir()
    with pytest.raises(BadInput, match="already holds a training"):
        trainer().run(request, Diary())


def test_a_denoiser_wants_a_codec(tmp_path: Path) -> None:
    request = PosterTrainRequest(data=str(pictures(tmp_path / "data")), out=str(tmp_path / "out"), part="denoiser")
    with pytest.raises(BadInput, match="needs a codec"):
        trainer().run(request, Diary())


def test_a_damaged_checkpoint_is_named(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "checkpoint.pt").write_bytes((trained / "checkpoint.pt").read_bytes()[:5000])
    with pytest.raises(BadInput, match=r"checkpoint\.pt is damaged"):
        trainer().run(PosterTrainRequest(data=str(trained.parent / "data"), out=str(out), resume=True), Diary())


def test_data_without_captions_is_refused_and_text_files_will_do(tmp_path: Path) -> None:
    data = pictures(tmp_path / "data")
    (data / "captions.jsonl").unlink()
    request = PosterTrainRequest(data=str(data), out=str(tmp_path / "out"), part="codec", minutes=0.01, batch=2)
    with pytest.raises(BadInput, match="0 pictures with captions"):
        trainer().run(request, Diary())
    for path in data.glob("*.png"):
        path.with_suffix(".txt").write_text("sea at dawn")
    assert kinds(trainer().run(request, Diary())) == [Image, Weights]


@pytest.mark.parametrize(
    "line", ["{", '{"file": "../x.png", "caption": "x"}', '{"file": "none.png", "caption": "x"}', "[]"]
)
def test_a_broken_caption_file_is_named_by_line(tmp_path: Path, line: str) -> None:
    data = pictures(tmp_path / "data")
    with (data / "captions.jsonl").open("a") as lines:
        lines.write(line + "\n")
    with pytest.raises(BadInput, match="Line 7"):
        trainer().run(PosterTrainRequest(data=str(data), out=str(tmp_path / "out")), Diary())


def test_a_picture_that_is_none_is_named(tmp_path: Path) -> None:
    data = pictures(tmp_path / "data")
    (data / "3.png").write_bytes(b"no picture")
    with pytest.raises(BadInput, match=r"3\.png"):
        trainer().run(PosterTrainRequest(data=str(data), out=str(tmp_path / "out")), Diary())


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
@pytest.mark.parametrize("harm", ["cut", "header", "gone"])
def test_damaged_weights_are_said_to_be_so(trained: Path, tmp_path: Path, part: str, harm: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(trained / "model", folder)
    (weights,) = (folder / part).glob("*.safetensors")
    whole = weights.read_bytes()
    if harm == "gone":
        weights.unlink()
    else:
        weights.write_bytes(whole[: len(whole) // 2] if harm == "cut" else b"\xff" * 64 + whole[64:])
    with pytest.raises(StudioError, match=r"damaged|cannot be loaded"):
        PosterEngine().load(Resources(model(folder)), Diary())


def test_a_model_with_code_of_its_own_is_refused(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(trained / "model", folder)
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps({**index, "unet": ["my_code", "Net"]}))
    with pytest.raises(StudioError, match="code of its own"):
        PosterEngine().load(Resources(model(folder)), Diary())
    (folder / "model_index.json").write_text("not json")
    with pytest.raises(StudioError, match=r"model_index\.json is damaged: its JSON is not valid"):
        PosterEngine().load(Resources(model(folder)), Diary())
    (folder / "model_index.json").unlink()
    with pytest.raises(StudioError, match="not a diffusers pipeline"):
        PosterEngine().load(Resources(model(folder)), Diary())


def test_enlarging_keeps_flat_areas_and_makes_no_halo() -> None:
    small = np.zeros((24, 16, 3), np.uint8)
    small[:, :8], small[:, 8:] = (40, 80, 120), (200, 160, 90)
    large = fit(small, 64, 96)
    assert large.shape == (96, 64, 3)
    assert np.array_equal(large[:, :26], np.broadcast_to(small[0, 0], (96, 26, 3)))
    assert (large.min((0, 1)) >= small.min((0, 1))).all()
    assert (large.max((0, 1)) <= small.max((0, 1))).all()
    plain = np.asarray(PIL.Image.fromarray(small).resize((64, 96), PIL.Image.Resampling.BICUBIC))
    ramp = [len(np.unique(picture[0, :, 0])) for picture in (large, plain)]
    assert ramp[0] < ramp[1]


def test_fitting_to_the_same_size_changes_nothing_and_cuts_evenly() -> None:
    pixels = np.arange(12 * 8 * 3, dtype=np.uint8).reshape(12, 8, 3)
    assert np.array_equal(fit(pixels, 8, 12), pixels)
    assert np.array_equal(fit(pixels, 8, 8), pixels[2:10])
