"""Directions in W: found as the papers say, saved beside the model, named, deleted, found again."""

from __future__ import annotations

import dataclasses
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.backends.avatar import directions
from studio.backends.avatar.engine import engine, find_directions
from studio.backends.avatar.engine.latents import groups
from studio.backends.avatar.engine.network import Generator
from studio.backends.avatar.requests import AvatarDirectionsRequest, AvatarRequest, DirectionStep
from studio.errors import BadInput, StudioError
from studio.jobs.job import Cancelled, Progress
from studio.media import images
from studio.models.catalog import Catalog
from studio.models.model import Model
from tests.backends.toys import SHAPE, engine_of, made, toy_model


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return toy_model(tmp_path / "toy")


def find(model: Model, **fields: object) -> np.ndarray:
    return made(engine_of(model), AvatarDirectionsRequest(**{"directions": 3, "samples": 200, **fields})).pixels  # type: ignore[arg-type]


def test_sefa_finds_what_the_weights_amplify_most() -> None:
    torch.manual_seed(0)
    network = Generator(SHAPE)
    strong = torch.zeros(16)
    strong[3] = 50.0
    with torch.no_grad():
        for layer, weight in find_directions.affines(network):
            if layer in groups(SHAPE)["coarse"]:
                weight[0] += strong
    (vector, std), *_ = find_directions.sefa(network, groups(SHAPE)["coarse"], torch.randn(400, 16) * 3, 1)
    assert vector[3] > 0.99
    assert 2.5 < std < 3.5
    (other, _), *_ = find_directions.sefa(network, groups(SHAPE)["fine"], torch.randn(400, 16), 1)
    assert abs(other[3]) < 0.9


def test_each_layer_reads_the_w_that_synthesis_gives_it() -> None:
    network = Generator(SHAPE)
    ws = torch.randn(1, SHAPE.num_ws, SHAPE.w_dim)
    read: dict[int, torch.Tensor] = {}
    for module in network.synthesis.modules():
        affine = getattr(module, "affine", None)
        if affine is not None:
            affine.register_forward_hook(lambda own, given, _: read.update({own.weight.data_ptr(): given[0]}))
    network.synthesis(ws)
    found = find_directions.affines(network)
    assert [layer for layer, _ in found] == [0, 1, 2, 3, 4]
    for layer, weight in found:
        assert torch.equal(read[weight.data_ptr()], ws[:, layer])


def test_pca_finds_where_samples_vary_most() -> None:
    generator = torch.Generator().manual_seed(0)
    samples = torch.randn(3000, 16, generator=generator)
    samples[:, 5] *= 7
    samples[:, 2] *= 4
    (first, first_std), (second, second_std) = find_directions.pca(samples, 2)
    assert first[5] > 0.99
    assert second[2] > 0.99
    assert first_std == pytest.approx(7, rel=0.1)
    assert second_std == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("method", ["sefa", "pca"])
def test_they_are_shown_saved_and_found_at_the_next_start(model: Model, method: str) -> None:
    sheet = find(model, method=method, layers="middle")
    assert sheet.shape == (3 * 16, 7 * 16, 4)
    found = directions.directions(model)
    assert [one.id for one in found] == [f"{method}-1", f"{method}-2", f"{method}-3"]
    assert {one.layers for one in found} == {"middle"}
    assert all(one.preview.is_file() for one in found)
    assert all(np.linalg.norm(one.vector) == pytest.approx(1, abs=1e-5) for one in found)
    # The middle column is the face itself, and the row what slides along the direction give.
    used = engine_of(model)
    face = AvatarRequest(size="native", slides=(DirectionStep(f"{method}-2", -3.0),))
    np.testing.assert_array_equal(made(used, face).pixels, sheet[16:32, :16])
    np.testing.assert_array_equal(made(used, face.replace(slides=())).pixels, sheet[16:32, 48:64])


def test_what_was_found_before_keeps_its_name(model: Model) -> None:
    find(model, method="sefa")
    directions.rename(model, "sefa-1", "  Smile \n wide ")
    find(model, method="sefa", directions=4)
    assert [one.name for one in directions.directions(model)] == [
        "Smile wide",
        "Direction 2",
        "Direction 3",
        "Direction 4",
    ]


def test_deleting_one_leaves_the_others(model: Model) -> None:
    find(model, method="pca")
    gone = directions.directions(model)[1]
    directions.remove(model, gone.id)
    left = directions.directions(model)
    assert [one.id for one in left] == ["pca-1", "pca-3"]
    assert not gone.preview.exists()
    for call in (lambda: directions.remove(model, gone.id), lambda: directions.rename(model, gone.id, "x")):
        with pytest.raises(BadInput, match="no direction 'pca-2'"):
            call()
    with pytest.raises(BadInput, match="needs a name"):
        directions.rename(model, "pca-1", " ")


def test_weights_are_not_taken_for_changed(model: Model) -> None:
    from studio.models import weights

    before = weights.fingerprint(model.folder)
    find(model)
    assert weights.fingerprint(model.folder) == before


def test_a_model_that_came_with_the_studio_gets_its_own_in_the_persons_folder(tmp_path: Path) -> None:
    bundled, own = tmp_path / "bundled", tmp_path / "own"
    made_model = toy_model(bundled / "avatar-starter")
    (made_model.folder / "model.toml").write_text('medium = "avatar"\nfamily = "stylegan2"\n', encoding="utf-8")
    before = sorted(path.name for path in made_model.folder.iterdir())
    model = Catalog(bundled, own).get("avatar-starter")
    find(model)
    assert len(directions.directions(Catalog(bundled, own).get("avatar-starter"))) == 3
    assert sorted(path.name for path in model.folder.iterdir()) == before
    assert [one.id for one in Catalog(bundled, own).models()] == ["avatar-starter"]
    nowhere = dataclasses.replace(model, bundled=True, beside=None)
    with pytest.raises(StudioError, match="no folder to save"):
        find(nowhere)


def test_the_number_of_one_that_was_deleted_is_not_given_again(model: Model) -> None:
    """A face that was moved along it would be another one when it is made again."""
    find(model, method="pca")
    directions.remove(model, "pca-3")
    find(model, method="pca", layers="coarse")
    assert [one.id for one in directions.directions(model)] == ["pca-1", "pca-2", "pca-4", "pca-5", "pca-6"]
    for one in directions.directions(model):
        directions.remove(model, one.id)
    find(model, method="pca", directions=1)
    assert [one.id for one in directions.directions(model)] == ["pca-7"]


def test_a_name_that_is_given_while_others_are_found_is_kept(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    find(model)
    one = directions.directions(model)[0]
    naming = threading.Thread(target=directions.rename, args=(model, one.id, "Smile"))
    real = directions._write

    def between(*args: Any) -> None:
        monkeypatch.setattr(directions, "_write", real)
        naming.start()
        naming.join(0.2)
        real(*args)

    monkeypatch.setattr(directions, "_write", between)
    find(model, layers="fine")
    naming.join()
    listed = directions.directions(model)
    assert (len(listed), listed[0].name) == (6, "Smile")


def test_directions_of_another_network_are_named(model: Model) -> None:
    """A model that came with the studio keeps what was found on it when another version takes its place."""
    find(model)
    directions.add(model, "pca", "all", [(np.ones(5, np.float32), 1.0)])
    odd = directions.directions(model)[-1]
    with pytest.raises(BadInput, match=f"{odd.name} was found on another network"):
        made(engine_of(model), AvatarRequest(slides=(DirectionStep(odd.id, 1.0),)))


def test_large_pictures_are_shown_smaller(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "SHOWN", 8)
    assert find(model).shape == (3 * 8, 7 * 8, 4)
    assert 7 * 256 * 40 * 256 < images.PIXEL_LIMIT < 7 * 1024 * 40 * 1024


@pytest.mark.parametrize("harm", ["text", "endless", "vector", "nan", "layers", "std"])
def test_a_damaged_list_is_named(model: Model, harm: str) -> None:
    find(model)
    path = model.folder / directions.LIST
    said = json.loads(path.read_text())
    row = said["directions"][0]
    if harm == "vector":
        row["vector"] = "AAA"
    elif harm == "nan":
        row["vector"] = "AADAfw=="
    elif harm == "layers":
        row["layers"] = "hat"
    elif harm == "std":
        row["std"] = -1
    elif harm == "endless":
        row["std"] = 10**400
    path.write_text(json.dumps(said) if harm != "text" else "{")
    with pytest.raises(StudioError, match=r"directions\.json is damaged"):
        directions.directions(model)


def test_cancelled_between_two_rows_it_has_saved_them(model: Model) -> None:
    def stop(progress: Progress) -> None:
        if progress.stage == "drawing":
            raise Cancelled

    with pytest.raises(Cancelled):
        engine_of(model).run(AvatarDirectionsRequest(directions=2, samples=100), stop)
    assert len(directions.directions(model)) == 2


def vectors(*at: int) -> list[tuple[np.ndarray, float]]:
    return [(np.eye(SHAPE.w_dim, dtype=np.float32)[each], 1.0) for each in at]


def test_no_two_directions_begin_with_the_same_name(model: Model) -> None:
    directions.add(model, "pca", "all", vectors(0, 1, 2))
    directions.remove(model, "pca-1")
    directions.add(model, "pca", "all", vectors(3, 4))
    names = [one.name for one in directions.directions(model)]
    assert len(set(names)) == len(names) == 4


def test_a_name_of_odd_bytes_is_kept_with_question_marks(model: Model) -> None:
    directions.add(model, "pca", "all", vectors(0))
    assert directions.rename(model, "pca-1", "Smile \udcff").name == "Smile ?"
    assert directions.directions(model)[0].name == "Smile ?"


def test_a_preview_that_cannot_go_keeps_no_direction(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    directions.add(model, "pca", "all", vectors(0, 1))

    def used(*_: Any, **__: Any) -> None:
        raise PermissionError("in use")

    monkeypatch.setattr(Path, "unlink", used)
    directions.remove(model, "pca-1")
    assert [one.id for one in directions.directions(model)] == ["pca-2"]
