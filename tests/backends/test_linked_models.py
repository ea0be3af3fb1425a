"""Models of other programs, read through links by the real engines, make what copies of them make."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from studio.backends import families
from studio.backends.avatar import directions
from studio.backends.avatar.requests import AvatarRequest
from studio.backends.music.engine.engine import MusicEngine
from studio.backends.music.requests import MusicRequest
from studio.backends.poster.engine.engine import PosterEngine
from studio.backends.poster.requests import PosterRequest
from studio.backends.story.engine import trial as story_trial
from studio.backends.story.engine.engine import StoryEngine
from studio.backends.story.requests import StoryRequest
from studio.models import trial
from studio.models.catalog import Catalog
from studio.models.model import Model
from studio.models.resources import Resources
from studio.models.sources import program_folders
from tests.backends.gguf_models import gguf_model
from tests.backends.language_models import PROMPT, language_model
from tests.backends.picture_models import picture_model
from tests.backends.sound_models import musicgen
from tests.backends.test_upscale import SRVGG, published, toy
from tests.backends.toys import engine_of, quiet, toy_model
from tests.backends.toys import made as face
from tests.core.test_programs import contents, in_hub, in_ollama

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # diffusers, of itself


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(bundled=tmp_path / "bundled", own=tmp_path / "Ящик 図 é" / "models", families=families())


def only(catalog: Catalog, folder: Path) -> Model:
    """The one model below a folder, linked."""
    (found,) = catalog.scan([folder], usual=False).models
    assert found.why_not is None, str(found.why_not)
    return catalog.link(found, accept_licence=True)


def made(engine: Any, model: Model, request: Any) -> Any:
    engine.load(Resources(model), quiet)
    try:
        (payload,) = engine.run(request, quiet)
    finally:
        engine.close()
    return payload


def test_a_language_model_of_a_hub(tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    # Without the process of its own that the language models' tests start.
    monkeypatch.setattr(trial, "run", lambda module, folder, shown, report: story_trial.try_out(folder))
    source = language_model(tmp_path / "source")
    snapshot = in_hub(tmp_path / "hub", "owner/writer", source)
    before = contents(tmp_path / "hub")
    linked = only(catalog, tmp_path / "hub")
    request = StoryRequest(prompt=PROMPT, tokens=16, seed=3)
    text = made(StoryEngine(), linked, request).text
    assert len(text) > len(PROMPT)
    assert text == made(StoryEngine(), Model("toy", "story", "", "", "", source), request).text
    assert snapshot.is_dir()
    assert contents(tmp_path / "hub") == before


def test_a_blob_of_ollama(tmp_path: Path, catalog: Catalog) -> None:
    source = gguf_model(language_model(tmp_path / "source"), tmp_path / "writer.gguf")
    in_ollama(tmp_path / "ollama", "writer", "1b", source)
    request = StoryRequest(prompt=PROMPT, tokens=16, seed=3)
    linked = only(catalog, tmp_path / "ollama")
    text = made(StoryEngine(), linked, request).text
    assert len(text) > len(PROMPT)
    (found,) = catalog.scan([tmp_path / "ollama"], usual=False).models
    assert found.installed == linked.id
    catalog.remove(linked.id)
    copied = catalog.import_(found.path, "story", accept_licence=True)
    assert copied.sha256 == linked.sha256
    assert not any(path.is_symlink() for path in copied.folder.iterdir())
    assert made(StoryEngine(), copied, request).text == text


def test_a_pipeline_of_diffusers_also_after_a_move(tmp_path: Path, catalog: Catalog) -> None:
    picture_model(tmp_path / "comfy" / "models" / "diffusers" / "my sd", "sd")
    request = PosterRequest(prompt="a fox", width=64, height=64, steps=2, seed=3)
    linked = only(catalog, tmp_path / "comfy")
    pixels = made(PosterEngine(), linked, request).pixels
    catalog.remove(linked.id)
    copied = catalog.import_(tmp_path / "comfy" / "models" / "diffusers" / "my sd", "poster", accept_licence=True)
    assert copied.fingerprint == linked.fingerprint
    moved = catalog.move(copied.id, tmp_path / "disk")
    assert np.array_equal(made(PosterEngine(), moved, request).pixels, pixels)


def test_a_musicgen(tmp_path: Path, catalog: Catalog) -> None:
    source = musicgen(tmp_path / "source")
    in_hub(tmp_path / "hub", "owner/music", source)
    linked = only(catalog, tmp_path / "hub")
    request = MusicRequest(prompt="calm piano", seconds=1, seed=3)
    sound = made(MusicEngine(), linked, request)
    assert np.array_equal(
        sound.samples, made(MusicEngine(), Model("toy", "music", "musicgen", "", "", source), request).samples
    )


def test_faces_and_their_directions(tmp_path: Path, catalog: Catalog) -> None:
    source = toy_model(tmp_path / "disk" / "faces").folder
    before = contents(source)
    linked = only(catalog, tmp_path / "disk")
    request = AvatarRequest(seed=7)
    pixels = face(engine_of(linked), request).pixels
    assert np.array_equal(pixels, face(engine_of(Model("toy", "avatar", "stylegan2", "", "", source)), request).pixels)
    vector = np.eye(1, 16, dtype=np.float32)[0]
    directions.add(linked, "pca", "all", [(vector, 1.0)])
    assert [one.id for one in directions.directions(linked)] == ["pca-1"]
    assert catalog.verify(catalog.get(linked.id)) == []
    catalog.remove(linked.id)
    assert contents(source) == before


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_an_upscaler_is_converted_and_says_so(tmp_path: Path, catalog: Catalog, suffix: str) -> None:
    path = tmp_path / "comfy" / "models" / "upscale_models" / f"sharp{suffix}"
    path.parent.mkdir(parents=True)
    state = published(toy(**SRVGG), "srvgg")
    save_file(state, path) if suffix == ".safetensors" else torch.save({"params": state}, path)
    (found,) = catalog.scan([tmp_path / "comfy"], usual=False).models
    assert (found.medium, found.converted, found.why_not) == ("upscale", True, None)
    model = catalog.link(found, accept_licence=True)
    assert (model.linked, dict(model.links)) == ("", {})
    path.unlink()
    assert catalog.verify(catalog.get(model.id)) == []


def test_other_pickles_are_named_and_never_opened(tmp_path: Path, catalog: Catalog) -> None:
    class Attack:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "hacked",)

    path = tmp_path / "webui" / "models" / "Stable-diffusion" / "old.ckpt"
    path.parent.mkdir(parents=True)
    path.write_bytes(pickle.dumps(Attack()))
    path.with_suffix(".pt").write_bytes(pickle.dumps([Attack()]))
    found = catalog.scan([tmp_path / "webui"], usual=False).models
    assert len(found) == 2
    assert all(one.why_not is not None for one in found)
    assert "is a pickle" in " ".join(str(one.why_not) for one in found)
    assert not (tmp_path / "hacked").exists()
    assert program_folders.A1111 in {one.program for one in found}
