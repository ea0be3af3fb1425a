"""`studio upscale`: many pictures at once, from files and the library, with copies named after them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from studio.checkpoints.upscalers import network_shapes
from tests.core.cli_runs import Runs

SIZES = {"features": 4, "layers": 1, "scale": 2}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Runs:
    return Runs(capsys)


def install(folder: Path) -> None:
    """Put an upscaler among the user's models."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True)
    tensors = {name: np.zeros(shape, np.float32) for name, shape in network_shapes("srvgg", SIZES).items()}
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"model_type": "srvgg", **SIZES}), encoding="utf-8")


def test_pictures_are_enlarged_and_copied_under_their_own_names(run: Runs, tmp_path: Path) -> None:
    install(tmp_path / "toy")
    assert run("models", "import", tmp_path / "toy", "--medium", "upscale", "--licence", "mit").status == 0
    for name in ("house.png", "图 é.jpg"):
        Pillow.new("RGB", (8, 6), "red").save(tmp_path / name)
    pictures = [tmp_path / "house.png", tmp_path / "图 é.jpg"]
    ended = run("upscale", *pictures, "--factor", "3", "--out", tmp_path / "out", "--json")
    assert ended.status == 0, ended.err
    assert [Path(each["path"]).name for each in ended.json["assets"]] == ["house-3x.png", "图 é-3x.png"]
    assert {each["medium"] for each in ended.json["assets"]} == {"picture"}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["house-3x.png", "图 é-3x.png"]


def test_a_work_is_enlarged_beside_itself(run: Runs, tmp_path: Path) -> None:
    install(tmp_path / "toy")
    run("models", "import", tmp_path / "toy", "--medium", "upscale", "--licence", "mit")
    run("make", "poster", "--seed", "7")
    work = run("library", "list", "--json").json["assets"][0]
    ended = run("upscale", work["id"], "--json")
    assert ended.status == 0, ended.err
    assert ended.json["assets"][0]["medium"] == "poster"
    shown = run("library", "show", ended.json["assets"][0]["path"], "--json")
    assert shown.json["parents"] == [work["id"]]


def test_without_a_model_it_says_how_to_import_one(run: Runs, tmp_path: Path) -> None:
    Pillow.new("RGB", (8, 6)).save(tmp_path / "house.png")
    ended = run("upscale", tmp_path / "house.png")
    assert ended.status == 3
    assert "There is no model for upscale. Add one with `studio models import PATH --medium upscale`." in ended.err


def test_what_is_no_picture_is_refused_before_anything_runs(run: Runs, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("a note", encoding="utf-8")
    ended = run("upscale", tmp_path / "note.txt")
    assert ended.status == 2
    assert "note.txt is not a picture." in ended.err
    assert run("upscale", tmp_path / "gone.png").status == 2
    Pillow.new("RGB", (8, 6)).save(tmp_path / "house.png")
    ended = run("upscale", tmp_path / "house.png", "--factor", "5")
    assert ended.status == 2
    assert "factor cannot be '5'." in ended.err
