"""Where a face stands in a picture: its background is told, and it is found whatever its place, scale and ground."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image as Picture
from torch import Tensor

from studio.backends.avatar.background import cut_out, fill_holes, remove_backdrop
from studio.backends.avatar.engine.detect_face import FaceDetector, figure_boxes
from studio.backends.avatar.engine.target import to_planes
from studio.backends.avatar.face_crops import CropSource, CropSquare, candidate_squares, cut_outs, drop_near_duplicates

SIDE = 160
Pixels = NDArray[np.uint8]


def face(size: int = 64) -> Pixels:
    """A round head on shoulders that go on beyond the picture, eyes and a mouth, as a network frames it."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    drawn = np.zeros((size, size, 4), np.uint8)
    drawn[(x / 0.8) ** 2 + ((y - 1) / 0.6) ** 2 < 1] = (40, 160, 90, 255)
    drawn[x**2 + (y + 0.1) ** 2 < 0.36] = (240, 190, 150, 255)
    for eye in (-0.25, 0.25):
        drawn[(x - eye) ** 2 + (y + 0.2) ** 2 < 0.01] = (20, 20, 30, 255)
    drawn[(abs(x) < 0.25) & (abs(y - 0.15) < 0.05)] = (180, 40, 50, 255)
    return drawn


def ground(kind: str) -> Pixels:
    y, x = np.mgrid[0 : 1 : SIDE * 1j, 0 : 1 : SIDE * 1j]
    one, other = np.array([60, 90, 200.0]), np.array([200, 220, 90.0])
    shares = {"plain": 0 * x, "gradient": (x + y) / 2, "two tones": (x * 0.3 + y > 0.6) * 1.0}
    share = shares.get(kind, 0 * x)[..., None]
    return (one + (other - one) * share).round().astype(np.uint8)


def put(drawn: Pixels, kind: str, left: int, top: int, side: int) -> Pixels:
    """The face on a larger ground; on a disc it is clipped by that."""
    under = Picture.fromarray(ground(kind))
    large = Picture.fromarray(drawn).resize((side, side), Picture.Resampling.LANCZOS)
    if kind == "disc":
        y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
        whole = Picture.new("RGBA", (side, side), (230, 120, 60, 255))
        whole.alpha_composite(large)
        under.paste(whole, (left, top), Picture.fromarray(((x**2 + y**2 < 1) * 255).astype(np.uint8)))
    else:
        under.paste(large, (left, top), large)
    return np.asarray(under)


class Known:
    """An eye that knows one face only."""

    def __init__(self, drawn: Pixels, planes: int = 4) -> None:
        self.picture = to_planes(drawn, planes)

    def redraw(self, pictures: Tensor) -> Tensor:
        return self.picture.expand(len(pictures), -1, -1, -1)


def found(picture: Pixels) -> tuple[CropSource, CropSquare]:
    eye = Known(face())
    aligning = FaceDetector(eye, 4, 64, torch.device("cpu"), better=0.9)
    one = aligning.find(picture, [figure_boxes(eye.picture)], lambda done, total: None)
    return one.canvas, one.place


@pytest.mark.parametrize("kind", ["plain", "gradient", "two tones", "disc"])
@pytest.mark.parametrize(("left", "top", "side"), [(10, 20, 72), (60, 50, 96), (5, 15, 140)])
def test_a_face_is_found_wherever_it_stands(kind: str, left: int, top: int, side: int) -> None:
    _, place = found(put(face(), kind, left, top, side))
    assert place.side == pytest.approx(side, rel=0.08)
    assert (place.left, place.top) == pytest.approx((left, top), abs=0.06 * side)


@pytest.mark.parametrize("size", [64, 200])
def test_a_face_in_its_place_stays_there(size: int) -> None:
    drawn = np.asarray(Picture.fromarray(face()).resize((size, size), Picture.Resampling.LANCZOS))
    canvas, place = found(drawn)
    assert place == CropSquare(0, 0, size)
    np.testing.assert_array_equal(canvas.pixels, drawn)


def test_text_beside_a_face_is_left_out() -> None:
    picture = put(face(), "plain", 40, 30, 80).copy()
    picture[135:145, 20:140:4] = 250
    canvas, place = found(picture)
    assert canvas.pixels[140, 20, 3] == 0
    assert place.side == pytest.approx(80, rel=0.08)


def test_a_picture_of_nothing_is_looked_at_as_it_is() -> None:
    for picture in (np.full((40, 60, 3), 90, np.uint8), np.zeros((40, 60, 4), np.uint8)):
        assert found(picture)[1] == CropSquare(10, 0, 40)


@pytest.mark.parametrize("kind", ["plain", "gradient", "two tones"])
def test_background_is_told_and_nothing_else(kind: str) -> None:
    picture = put(face(), kind, 40, 40, 80)
    truth = np.zeros((SIDE, SIDE), np.bool_)
    truth[40:120, 40:120] = np.asarray(Picture.fromarray(face()).resize((80, 80)))[..., 3] > 128
    assert ((cut_out(picture)[..., 3] > 128) != truth).mean() < 0.01


def test_what_is_like_the_wall_between_the_parts_of_a_figure_is_given_back() -> None:
    under = np.full((160, 160, 3), (236, 188, 150), np.uint8)
    y, x = np.mgrid[-1:1:160j, -1:1:160j]
    under[(x**2 + y**2 < 0.36) & (abs(x % 0.2 - 0.1) > 0.03)] = (
        30,
        20,
        20,
    )  # strands
    cut = cut_out(under)
    assert (cut[80, 40:120, 3] == 0).any()
    back = fill_holes(cut)
    assert back is not None
    assert back[80, 40:120, 3].min() == 255
    assert back[5, 5, 3] == 0
    assert fill_holes(cut_out(put(face(), "plain", 40, 40, 80))) is None


def test_noise_has_no_background() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (80, 80, 3)).astype(np.uint8)
    assert cut_out(noise)[..., 3].min() == 255


def test_what_has_many_colours_at_its_rim_is_no_disc() -> None:
    drawn = face()
    drawn[..., :3] = np.random.default_rng(0).integers(0, 255, (64, 64, 3))
    assert remove_backdrop(drawn) is None
    on_card = np.dstack([put(face(), "plain", 40, 40, 80), np.full((SIDE, SIDE), 255, np.uint8)])
    on_card[:20] = on_card[-20:] = 0
    bare = remove_backdrop(on_card)
    assert bare is not None
    assert bare[30, 30, 3] == 0
    assert bare[75, 80, 3] == 255


def test_what_is_cut_off_by_the_edge_is_not_moved_away_from_it() -> None:
    cut = CropSource(np.dstack([np.full((40, 40, 3), 90), np.full((40, 40), 255)]).astype(np.uint8))
    assert cut.contains(CropSquare(0, 0, 40))
    assert cut.contains(CropSquare(0, 10, 40)), "a bust goes on below"
    assert not cut.contains(CropSquare(-10, -10, 60))


def test_networks_without_transparency_keep_the_background() -> None:
    picture = put(face(), "plain", 40, 40, 80)
    (canvas,) = cut_outs(picture, cut=False)
    assert canvas.figure() is not None
    np.testing.assert_array_equal(canvas.crop(CropSquare(0, 0, SIDE), SIDE)[..., :3], picture)


def test_places_reach_beyond_the_picture_and_are_clear_there() -> None:
    canvas = CropSource(np.full((20, 20, 4), 255, np.uint8))
    seen = canvas.crop(CropSquare(-10, 0, 20), 20)
    assert seen[:, :9, 3].max() == 0
    assert seen[:, 11:, 3].min() == 255


def test_figures_are_put_where_those_of_the_network_stand() -> None:
    pixels = np.zeros((100, 100, 4), np.uint8)
    pixels[20:60, 30:50] = 255
    (place,) = candidate_squares(CropSource(pixels), [(0.25, 0.2, 0.75, 1.0)])
    left, top, right, bottom = (30 - place.left, 20 - place.top, 50 - place.left, 60 - place.top)
    assert (left + right) / 2 / place.side == pytest.approx(0.5)
    assert bottom / place.side == pytest.approx(1.0)
    assert (right - left) * (bottom - top) / place.side**2 == pytest.approx(0.4)
    assert drop_near_duplicates([place, place.moved(0.01, 0, 0), place.moved(0.2, 0, 0)]) == [
        place,
        place.moved(0.2, 0, 0),
    ]
