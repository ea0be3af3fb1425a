"""The real models that the studio offers first, where they are there: `run.py test` fetches them if it can."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from studio.backends.medium import Resources
from studio.backends.story.engine.engine import StoryEngine
from studio.backends.story.engine.llama_cpp import LlamaCpp
from studio.backends.story.requests import StoryRequest
from studio.backends.upscale.engine.engine import UpscaleEngine
from studio.backends.upscale.requests import UpscaleRequest
from studio.jobs.job import Progress
from studio.media.payloads import Image, Text
from studio.models.catalog import Catalog
from studio.models.model import Model
from studio.schema.fields import WorkKey
from studio.system.paths import RESOURCES

PROMPT = "The dragon looked at the spaceship and"


def real(id: str) -> Model:
    """The model of that id in `STUDIO_REAL_MODELS`; the test is skipped where it is not there."""
    folder = os.environ.get("STUDIO_REAL_MODELS")
    found = Catalog(RESOURCES / "models", Path(folder)).listed(id) if folder else None
    if found is None:
        pytest.skip(f"{id} is not there")
    return found


def test_the_writer_writes_english_as_llama_cpp_alone_does() -> None:
    model = real("smollm2-135m-instruct")
    engine = StoryEngine()
    engine.load(Resources(model), lambda _: None)
    reports = list[Progress]()
    request = StoryRequest(prompt=PROMPT, tokens=40, temperature=0.0, whole_sentences=False)
    (text,) = engine.run(request, reports.append)
    assert isinstance(text, Text)
    writer = engine.model
    assert isinstance(writer, LlamaCpp)
    alone = list[str]()
    asked = {
        "prompt": writer.prefix + PROMPT,
        "n_predict": 40,
        "temperature": 0.0,
        "top_k": 0,
        "min_p": 0.0,
        "stream": True,
        "cache_prompt": False,
    }
    writer._server.handle_completions(asked, lambda answer: alone.append(answer["choices"][0]["text"]) and None)
    engine.close()
    assert text.text.strip() == (PROMPT + "".join(alone)).strip()
    words = text.text.lower().split()
    assert len(words) > 25
    assert {"the", "a", "and"} & set(words[7:])
    assert reports[-1].done == 40


def test_the_upscaler_draws_edges_nearer_to_the_original_than_lanczos(tmp_path: Path) -> None:
    model = real("realesr-animevideov3")
    sheet = PIL.Image.open(RESOURCES / "models" / "avatar-starter" / "sheet.png").convert("RGBA")
    ground = PIL.Image.new("RGBA", sheet.size, "white")
    drawing = PIL.Image.alpha_composite(ground, sheet).convert("RGB").crop((0, 0, 384, 384))
    small = drawing.resize((96, 96), PIL.Image.Resampling.LANCZOS)
    small.save(tmp_path / "small.png")
    engine = UpscaleEngine()
    engine.load(Resources(model), lambda _: None)
    (made,) = engine.run(UpscaleRequest(picture=WorkKey(path=str(tmp_path / "small.png")), factor="4"), lambda _: None)
    engine.close()
    assert isinstance(made, Image)
    ours = made.pixels[..., :3].astype(float)
    plain = np.asarray(small.resize((384, 384), PIL.Image.Resampling.LANCZOS), float)
    right = np.asarray(drawing, float)
    edges = np.abs(np.diff(right.mean(2), axis=0))[:, :-1] + np.abs(np.diff(right.mean(2), axis=1))[:-1] > 24
    assert ours.shape == right.shape
    assert np.abs(ours - right)[:-1, :-1][edges].mean() < np.abs(plain - right)[:-1, :-1][edges].mean()


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_the_upscaler_is_nearer_to_a_disc_than_lanczos_and_keeps_flat_colours(factor: int, tmp_path: Path) -> None:
    engine = UpscaleEngine()
    engine.load(Resources(real("realesr-animevideov3")), lambda _: None)
    at = np.arange(800)
    disc = (at[:, None] - 400) ** 2 + (at - 380) ** 2 < 240**2
    drawn = PIL.Image.fromarray(np.where(disc[..., None], *np.array([[230, 80, 40], [20, 60, 90]], np.uint8)))
    small = drawn.resize((48, 48), PIL.Image.Resampling.BOX)
    small.save(tmp_path / "small.png")
    size = (48 * factor, 48 * factor)
    right = np.asarray(drawn.resize(size, PIL.Image.Resampling.BOX), float)
    request = UpscaleRequest(picture=WorkKey(path=str(tmp_path / "small.png")), factor=str(factor))
    (made,) = engine.run(request, lambda _: None)
    engine.close()
    assert isinstance(made, Image)
    plain = np.asarray(small.resize(size, PIL.Image.Resampling.LANCZOS))
    assert np.square(made.pixels - right).mean() < np.square(plain - right).mean()
    assert np.array_equal(made.pixels[: 4 * factor], right[: 4 * factor])
