"""Networks that somebody brings are moved, mixed, walked and searched like the studio's own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from studio.backends import families
from studio.backends.avatar import directions
from studio.backends.avatar.requests import (
    AvatarDirectionsRequest,
    AvatarProjectRequest,
    AvatarRequest,
    AvatarWalkRequest,
    DirectionStep,
    MorphStop,
    StyleMix,
    Variation,
)
from studio.media import temp_clips
from studio.models.catalog import Catalog
from studio.schema.request import Request
from tests.backends.toys import engine_of, made
from tests.official import toy


@pytest.mark.parametrize("name", ["stylegan2-ada-64-conditional", "stylegan3-t-64"])
def test_whatever_moves_a_face_moves_those_of_networks_from_elsewhere(name: str, tmp_path: Path) -> None:
    one = toy(name)
    shelf = Catalog(bundled=tmp_path / "bundled", own=tmp_path / "own", families=families())
    model = shelf.import_(one.pickle(tmp_path / "net.pkl"), "avatar", accept_licence=True)
    engine = engine_of(model)
    face = AvatarRequest(seed=1, size="native", label=one.label)
    for method in ("sefa", "pca"):
        sheet = made(engine, AvatarDirectionsRequest(method=method, directions=1, samples=100, layers="middle"))
        assert sheet.pixels.shape == (64, 7 * 64, 3)
    assert [found.id for found in directions.directions(shelf.get(model.id))] == ["sefa-1", "pca-1"]

    other = json.dumps(face.replace(seed=2).to_json())
    plain = made(engine, face).pixels
    for change in (
        {"slides": (DirectionStep("sefa-1", 4.0),)},
        {"slides": (DirectionStep("pca-1", 4.0),)},
        {"near": (Variation(1, 0.5),)},
        {"mix": (StyleMix(other, "coarse", 1.0),)},
        {"mix": (StyleMix(other, "fine", 1.0),)},
        {"psi": 0.2, "cutoff": 3},
    ):
        changed = made(engine, face.replace(**change)).pixels
        assert (changed != plain).any(), change

    Picture.fromarray(plain).save(tmp_path / "face.png")
    found = made(engine, AvatarProjectRequest(picture=str(tmp_path / "face.png"), steps=2, size="native"))
    again = Request.from_json(json.loads(found.request))
    np.testing.assert_array_equal(made(engine, again).pixels, found.pixels)

    stations = (MorphStop(json.dumps(face.to_json())), MorphStop(other))
    for way in ("w", "z"):
        walk = AvatarWalkRequest(stations=stations, seconds=0.1, fps=20, way=way, size="native")
        clip = made(engine, walk)
        assert (clip.width, clip.frames) == (64, 4)
        temp_clips.discard(clip)
