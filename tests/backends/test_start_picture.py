"""Pictures painted from pictures: as diffusers paints them, with a mask that leaves the rest as it is, or refused."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import diffusers as diffusers_library
import numpy as np
import PIL.Image
import pytest
import torch

from studio.backends.poster.engine.engine import PosterEngine
from studio.backends.poster.engine.start_picture import StartPicture, read_start
from studio.backends.poster.families import FROM_PICTURE
from studio.backends.poster.requests import PosterRequest
from studio.errors import BadInput
from studio.jobs.job import Cancelled, Progress
from studio.media.payloads import Image
from studio.models.model import Model
from studio.models.resources import Resources
from studio.schema.fields import WorkKey
from tests.backends.picture_models import PROMPT, picture_model
from tests.backends.test_picture_models import ASKED
from tests.backends.toys import quiet

diffusers: Any = diffusers_library  # which does not say what it exports
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # diffusers, of itself

WIDTH, HEIGHT = 64, 96
STARTING = {
    "sd": "StableDiffusionPipeline",
    "lcm": "LatentConsistencyModelPipeline",
    "sdxl": "StableDiffusionXLPipeline",
    "sd3": "StableDiffusion3Pipeline",
    "flux": "FluxPipeline",
    "flux2-klein": "Flux2KleinPipeline",
    "qwen-image": "QwenImagePipeline",
    "z-image": "ZImagePipeline",
    "chroma": "ChromaPipeline",
}
MASKED = [name for name, kind in STARTING.items() if FROM_PICTURE[kind][1]]


def shades(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray[Any, Any]:
    """A picture in which no two neighbours are alike."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    return np.stack([x * 255 // width, y * 255 // height, (x * 7 + y * 13) % 256], 2).astype(np.uint8)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "start.png"
    PIL.Image.fromarray(shades()).save(path)
    return path


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    """White below, black above, and soft between."""
    path = tmp_path / "mask.png"
    rows = np.clip((np.arange(HEIGHT) - 40) * 32, 0, 255).astype(np.uint8)
    PIL.Image.fromarray(np.broadcast_to(rows[:, None], (HEIGHT, WIDTH)).copy()).save(path)
    return path


def loaded(folder: Path, name: str) -> PosterEngine:
    engine = PosterEngine()
    engine.load(Resources(Model("toy", "poster", name.removesuffix("-klein"), "Toy", "", folder)), quiet)
    return engine


def asked(picture: Path | None, **changes: Any) -> PosterRequest:
    given = {"prompt": PROMPT, "negative": "rain", "guidance": 4, "steps": 4, "seed": 5, "width": WIDTH}
    key = WorkKey(path=str(picture or ""))
    return PosterRequest(**{**given, "height": HEIGHT, "picture": key, **changes})


def made(engine: PosterEngine, request: PosterRequest) -> np.ndarray[Any, Any]:
    (image,) = engine.run(request, quiet)
    assert isinstance(image, Image)
    return image.pixels


def by_diffusers(folder: Path, kind: str, **given: Any) -> np.ndarray[Any, Any]:
    """The picture that its own call makes, told the size where it takes one and the strength where it has one."""
    pipe = diffusers.DiffusionPipeline.from_pretrained(folder, use_safetensors=True)
    other = getattr(diffusers, kind).from_pipe(pipe)
    other.set_progress_bar_config(disable=True)
    calls = inspect.signature(other.__call__).parameters
    given = {name: value for name, value in {"width": WIDTH, "height": HEIGHT, **given}.items() if name in calls}
    with torch.inference_mode():
        drawn = other(prompt=PROMPT, num_inference_steps=4, generator=torch.Generator().manual_seed(5), **given)
    return np.asarray(drawn.images[0])


@pytest.mark.parametrize("name", STARTING)
def test_a_picture_from_a_picture_is_that_of_diffusers(tmp_path: Path, picture: Path, name: str) -> None:
    folder = picture_model(tmp_path / name, name)
    engine = loaded(folder, name)
    found = made(engine, asked(picture, strength=0.5))
    kind = FROM_PICTURE[STARTING[name]][0]
    there = by_diffusers(folder, kind, image=PIL.Image.open(picture), strength=0.5, **ASKED[name])
    assert there.std() > 10
    assert np.abs(found.astype(int) - there).max() <= 1


@pytest.mark.parametrize("name", MASKED)
def test_a_part_painted_anew_is_that_of_diffusers_and_the_rest_stays_bit_by_bit(
    tmp_path: Path, picture: Path, mask: Path, name: str
) -> None:
    folder = picture_model(tmp_path / name, name)
    engine = loaded(folder, name)
    found = made(engine, asked(picture, mask=WorkKey(path=str(mask)), strength=0.75))
    soft = np.asarray(PIL.Image.open(mask))
    hard = PIL.Image.fromarray(np.where(soft > 0, np.uint8(255), np.uint8(0)))
    kind = FROM_PICTURE[STARTING[name]][1]
    there = by_diffusers(folder, kind, image=PIL.Image.open(picture), mask_image=hard, strength=0.75, **ASKED[name])
    assert np.array_equal(found[soft == 0], shades()[soft == 0])
    assert np.abs(found.astype(int) - there)[soft == 255].max() <= 1
    assert np.abs(found.astype(int) - shades())[soft == 255].mean() > 5, "it is painted anew"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> PosterEngine:
    return loaded(picture_model(tmp_path_factory.mktemp("models") / "toy", "sd"), "sd")


def test_more_strength_moves_further_away(engine: PosterEngine, picture: Path) -> None:
    pipe = engine._pipe  # pyright: ignore[reportPrivateUsage]
    start = torch.from_numpy(shades().astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
    with torch.inference_mode():  # the picture as the codec keeps it, which a toy's does badly
        kept = pipe.vae.decode(pipe.vae.encode(start).latent_dist.mode()).sample[0]
    there = kept.clamp(-1, 1).add(1).mul(127.5).permute(1, 2, 0).numpy()
    far = [np.abs(made(engine, asked(picture, steps=20, strength=s)) - there).mean() for s in (0.05, 0.5, 1)]
    assert far == sorted(set(far))


def test_few_steps_and_little_strength_paint_at_least_one_step(engine: PosterEngine, picture: Path, mask: Path) -> None:
    for steps in (1, 2, 3):
        seen: list[Progress] = []
        engine.run(asked(picture, steps=steps, strength=0.05, mask=WorkKey(path=str(mask))), seen.append)
        assert [(p.done, p.total) for p in seen if p.stage == "painting"] == [(0, 1), (1, 1)]


def test_any_size_that_is_asked_for_comes_out(engine: PosterEngine, picture: Path, mask: Path) -> None:
    for size in ((67, 101), (128, 64)):
        request = asked(picture, width=size[0], height=size[1], strength=0.3)
        assert made(engine, request).shape == (size[1], size[0], 3)
        start = read_start(request.replace(mask=WorkKey(path=str(mask))))
        assert start is not None
        painted = made(engine, request.replace(mask=WorkKey(path=str(mask))))
        assert start.mask is not None
        assert np.array_equal(painted[start.mask == 0], start.pixels[start.mask == 0])


def test_steps_are_counted_as_many_as_there_are_and_a_cancel_leaves_the_engine_well(
    engine: PosterEngine, picture: Path
) -> None:
    seen: list[Progress] = []
    engine.run(asked(picture, steps=10, strength=0.5), seen.append)
    assert [(p.done, p.total) for p in seen if p.stage == "painting"] == [(i, 5) for i in range(6)]

    def stop(progress: Progress) -> None:
        if progress.stage == "painting" and progress.done == 1:
            raise Cancelled

    before = made(engine, asked(picture))
    with pytest.raises(Cancelled):
        engine.run(asked(picture), stop)
    assert np.array_equal(made(engine, asked(picture)), before)


def test_words_alone_paint_after_a_picture_as_before_it(engine: PosterEngine, picture: Path) -> None:
    plain = asked(None)
    before = made(engine, plain)
    made(engine, asked(picture))
    assert np.array_equal(made(engine, plain), before)


def test_a_mask_that_cannot_be_used_is_refused(tmp_path: Path, picture: Path, mask: Path) -> None:
    with pytest.raises(BadInput, match="needs the picture"):
        read_start(asked(None, mask=WorkKey(path=str(mask))))
    other, empty = tmp_path / "other.png", tmp_path / "empty.png"
    PIL.Image.new("L", (WIDTH, HEIGHT - 1), 255).save(other)
    with pytest.raises(BadInput, match="The mask has 64 x 95 pixels, and its picture 64 x 96"):
        read_start(asked(picture, mask=WorkKey(path=str(other))))
    PIL.Image.new("LA", (WIDTH, HEIGHT), (255, 0)).save(empty)
    with pytest.raises(BadInput, match="marks nothing"):
        read_start(asked(picture, mask=WorkKey(path=str(empty))))


def test_what_is_transparent_takes_the_nearest_colours(tmp_path: Path) -> None:
    path = tmp_path / "clear.png"
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    pixels[:, : WIDTH // 2] = (200, 40, 10, 255)
    PIL.Image.fromarray(pixels).save(path)
    start = read_start(asked(path))
    assert start is not None
    assert (start.pixels == (200, 40, 10)).all()
    PIL.Image.new("RGBA", (WIDTH, HEIGHT)).save(path)
    with pytest.raises(BadInput, match="all transparent"):
        read_start(asked(path))


def test_a_mask_made_smaller_loses_no_mark() -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[50, 31] = 1
    _, reduced = StartPicture(shades(), mask).scaled(16, 24)
    assert reduced is not None
    assert np.asarray(reduced)[12, 7] == 255
    assert (np.asarray(reduced) > 0).sum() == 1


def test_a_model_that_cannot_start_from_a_picture_paints_from_words(
    tmp_path: Path, picture: Path, engine: PosterEngine
) -> None:
    other = loaded(picture_model(tmp_path / "pixart", "pixart-sigma"), "pixart")
    assert np.array_equal(made(other, asked(picture)), made(other, asked(None)))


def test_every_pipeline_that_starts_from_a_picture_is_tried() -> None:
    assert {*FROM_PICTURE} == {*STARTING.values(), "Flux2Pipeline"}, "whose toy is that of its small sister"


def test_each_pair_of_pipelines_takes_the_same_parts() -> None:
    for name, others in FROM_PICTURE.items():
        parts = set(inspect.signature(getattr(diffusers, name).__init__).parameters)
        for other in filter(None, others):
            needed = inspect.signature(getattr(diffusers, other).__init__).parameters.values()
            assert {one.name for one in needed if one.default is one.empty} <= parts, other
