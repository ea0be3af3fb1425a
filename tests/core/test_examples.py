"""The examples that empty pages show: small files, each of a request that a bundled model answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from studio.backends import MEDIA, medium
from studio.models.examples import INDEX, examples_of
from studio.models.model import Model, read_model
from studio.system.paths import RESOURCES

EXAMPLES = RESOURCES / "examples"
LARGEST, ALL = 20_000, 600_000  # bytes of a file, and of all of them


def starter(name: str) -> Model:
    return read_model(RESOURCES / "models" / medium(name).starter, bundled=True)


@pytest.mark.parametrize("name", [each.name for each in MEDIA])
def test_every_page_has_examples_of_its_starter(name: str) -> None:
    found = examples_of(starter(name))
    assert len(found) >= 6
    assert len({each.request for each in found}) == len(found)
    for each in found:
        assert type(each.request) is medium(name).default_task.request
        assert not each.request.model, "it goes to the model that is chosen"
        assert bool(each.text) != (each.file is not None)
        if each.file is not None:
            assert 0 < each.file.stat().st_size <= LARGEST
            assert bool(each.peaks) == (each.file.suffix == ".ogg")


@pytest.mark.parametrize("name", [each.name for each in MEDIA])
def test_examples_were_made_by_the_starter_that_is_there(name: str) -> None:
    told = json.loads((EXAMPLES / name / INDEX).read_text(encoding="utf-8"))
    assert told["sha256"] == starter(name).sha256, f"run `python -m recipes.examples.make {name}`"


def test_all_examples_together_are_small() -> None:
    listed = {each.file for one in MEDIA for each in examples_of(starter(one.name))} - {None}
    files = {path for path in EXAMPLES.rglob("*") if path.is_file()}
    assert sum(path.stat().st_size for path in files) <= ALL
    assert {path for path in files if path.name != INDEX} == listed, "no file is left over"


def test_examples_are_of_the_model_that_made_them(tmp_path: Path) -> None:
    made = starter("poster")
    assert examples_of(made)
    assert not examples_of(replace(made, id="another"))
    assert not examples_of(read_model(made.folder, bundled=False)), "one that a person brought has another folder"
    assert not examples_of(made, tmp_path)


@pytest.mark.parametrize(
    "told", ["", "[]", "{", '{"model": "poster-scenes"}', '{"model": "poster-scenes", "examples": 3}']
)
def test_a_damaged_list_is_no_list(tmp_path: Path, told: str) -> None:
    (tmp_path / "poster").mkdir()
    (tmp_path / "poster" / INDEX).write_text(told, encoding="utf-8")
    assert examples_of(starter("poster"), tmp_path) == ()


def test_a_damaged_example_costs_only_itself(tmp_path: Path) -> None:
    (tmp_path / "poster").mkdir()
    good = {"request": {"kind": "poster", "prompt": "a lake"}, "file": "1.webp"}
    listed = [good, 3, {}, {"request": {"kind": "poster", "width": "wide"}}, {"request": {"kind": "nothing"}}]
    told = json.dumps({"model": "poster-scenes", "examples": listed})
    (tmp_path / "poster" / INDEX).write_text(told, encoding="utf-8")
    (found,) = examples_of(starter("poster"), tmp_path)
    assert found.file == tmp_path / "poster" / "1.webp"
