"""Every family of every medium: its values are those of its fields, and its engine uses what it says."""

from __future__ import annotations

import dataclasses
import inspect
import json
from pathlib import Path
from typing import Any

import diffusers
import pytest

from studio.backends import MEDIA, medium
from studio.backends.music.requests import MusicRequest
from studio.backends.poster.families import from_picture
from studio.backends.poster.requests import PosterRequest
from studio.models.catalog import Catalog
from studio.models.families import Family
from studio.models.model import Model
from tests.core.test_catalog import tensors

FAMILIES = [(each, family) for each in MEDIA for family in each.families]
NAMES = [f"{each.name}-{family.name}" for each, family in FAMILIES]
CALLED = {
    "prompt": "prompt",
    "negative": "negative_prompt",
    "width": "width",
    "height": "height",
    "steps": "num_inference_steps",
    "guidance": "guidance_scale",
}
UNUSED = {("flux", "negative")}
"""Arguments that a pipeline has and that change nothing as the engine calls it."""
TRUE = {"qwen-image"}
"""Families whose guidance is a true one."""


def model_of(kind: str, of: str, folder: Path, **config: Any) -> Model:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return Model("toy", kind, of, "Toy", "mit", folder)


@pytest.mark.parametrize(("kind", "family"), FAMILIES, ids=NAMES)
def test_its_values_are_those_of_its_fields(kind: Any, family: Family) -> None:
    request = kind.default_task.request
    fields = dict(request.fields())
    assert set(family.defaults) <= set(fields)
    assert set(family.limits) <= set(fields)
    assert (family.controls or set()) <= set(fields)
    assert family.suited(request) == dict(family.defaults), "each is a value that the field takes"
    family.check(request(**family.suited(request)))
    assert not set(family.defaults) & family.without_effect(request), "no value for what is not used"
    assert bool(family.title) == bool(family.name)


PIPELINES = [
    (family, mark.text) for family in medium("poster").families for mark in family.marks if mark.kind == "pipeline"
]


@pytest.mark.parametrize(("family", "pipeline"), PIPELINES, ids=[name for _, name in PIPELINES])
def test_a_picture_family_is_as_its_pipeline(family: Family, pipeline: str) -> None:
    called = inspect.signature(getattr(diffusers, pipeline).__call__).parameters
    assert {"prompt", "generator"} <= set(called), "the engine can run it"
    used = {name for name, argument in CALLED.items() if argument in called and (family.name, name) not in UNUSED}
    assert family.controls == used | from_picture(pipeline)
    assert family.defaults.keys() == used - {"prompt", "negative"}
    for name in used - {"prompt", "negative", "width", "height"}:
        given = "true_cfg_scale" if name == "guidance" and family.name in TRUE else CALLED[name]
        assert family.defaults[name] == called[given].default


def test_the_starter_has_values_of_its_own() -> None:
    starter = Catalog().default("poster")
    assert starter.id == medium("poster").starter
    suited = medium("poster").family(starter.family).suited(PosterRequest, starter)
    assert suited == {"width": 512, "height": 768, "steps": 60, "guidance": 1.5, "variety": 0.7}


def test_values_that_cannot_be_are_left_out(tmp_path: Path) -> None:
    family = medium("poster").family("sd")
    model = Model(
        "toy", "poster", "sd", "Toy", "mit", tmp_path, defaults={"steps": 900, "guidance": "much", "width": 256, "x": 1}
    )
    suited = family.suited(PosterRequest, model)
    assert suited == {"width": 256, "height": 512, "steps": 50, "guidance": 7.5}


def test_a_folder_brings_its_values_along(tmp_path: Path) -> None:
    folder = tmp_path / "Quick"
    tensors(folder / "unet" / "model.safetensors")
    (folder / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}', encoding="utf-8")
    (folder / "model.toml").write_text('licence = "mit"\n[defaults]\nsteps = 4\n', encoding="utf-8")
    catalog = Catalog(tmp_path / "none", tmp_path / "own", {"poster": medium("poster").families})
    assert catalog.import_(folder, "poster").defaults == {"steps": 4}


def test_what_changes_nothing_is_said_in_a_template(tmp_path: Path) -> None:
    flux = medium("poster").family("flux")
    model = model_of("poster", "flux", tmp_path / "flux")
    message = flux.ignored(PosterRequest(negative="rain"), model)
    assert message is not None
    assert message.params == {"n": 1, "model": "Toy", "names": "negative"}
    assert str(message) == "Toy does not use negative, which changes nothing."
    assert flux.ignored(PosterRequest(steps=5), model) is None


def test_music_without_labels_has_no_plan(tmp_path: Path) -> None:
    kind = medium("music")
    family, request = kind.family("studio-music"), MusicRequest
    plain = model_of("music", "studio-music", tmp_path / "plain", labelled=False)
    message = family.ignored(request(genre="waltz", tempo=80, seconds=5), plain)
    assert str(message) == "Toy does not use genre, tempo, which change nothing."
    planned = model_of("music", "studio-music", tmp_path / "planned", labelled=True)
    assert family.ignored(request(genre="waltz"), planned) is None


@pytest.mark.parametrize(("name", "noise"), [("stylegan2", True), ("stylegan3", False)])
def test_a_face_family_has_noise_or_not(tmp_path: Path, name: str, noise: bool) -> None:
    kind = medium("avatar")
    model = model_of("avatar", name, tmp_path / name, family=name)
    assert name in {each.name for each in kind.families}
    hidden = {field for field, each in kind.family(name).fields(kind.default_task.request, model) if each.hidden}
    assert ("noise" not in hidden) is noise


DISTILLED = {
    "flux": ("FluxPipeline", {}, "transformer/config.json", {"guidance_embeds": False}, {"steps": 4}, True),
    "flux2": ("Flux2KleinPipeline", {"is_distilled": True}, "vae/config.json", {}, {"steps": 4}, True),
    "z-image": (
        "ZImagePipeline",
        {},
        "scheduler/scheduler_config.json",
        {"shift": 3.0},
        {"steps": 8, "guidance": 0.0},
        False,
    ),
}


@pytest.mark.parametrize("name", DISTILLED)
def test_models_of_few_steps_are_known_by_their_files(tmp_path: Path, name: str) -> None:
    pipeline, index, file, config, suits, unguided = DISTILLED[name]
    family, model = medium("poster").family(name), model_of("poster", name, tmp_path / name)
    (model.folder / "model_index.json").write_text(json.dumps({"_class_name": pipeline}), encoding="utf-8")
    assert family.suited(PosterRequest, model) == dict(family.defaults)
    assert "guidance" not in family.without_effect(PosterRequest, model)
    (model.folder / "model_index.json").write_text(json.dumps({"_class_name": pipeline, **index}), encoding="utf-8")
    (model.folder / file).parent.mkdir()
    (model.folder / file).write_text(json.dumps(config), encoding="utf-8")
    assert family.suited(PosterRequest, model) == {**family.defaults, **suits}
    assert ("guidance" in family.without_effect(PosterRequest, model)) is unguided
    own = dataclasses.replace(model, defaults={"steps": 6})
    assert family.suited(PosterRequest, own)["steps"] == 6, "its model.toml counts most"
