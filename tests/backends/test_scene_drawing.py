"""The pen that writes SVG, its pixels, and scenes drawn on sheets of any proportions."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from studio.backends.poster.scene.elements import Element, Scene
from studio.backends.poster.scene.pen import Pen, document
from studio.backends.poster.scene.raster import pixels
from studio.backends.poster.scene.render import format_for, named, svg, taller

RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
SIDE = 200
SCENE = Scene(
    (
        Element("day", 0.3, 0.9),
        Element("sun", 0.3, 0.3, 0.07),
        Element("ridge", 0.6, 0.92, 0.3, 1.8, 0.5),
        Element("hill", 0.2, 1.0, 0.1, 1.0, 0.3, 0.6),
        Element("lighthouse", 0.5, 1.1, 0.4),
        Element("balloon", 0.75, 0.4, 0.15),
    ),
    seed=3,
)


def shown(draw: Callable[[Pen], None]) -> np.ndarray:
    """What a pen draws on a square of SIDE pixels."""
    pen = Pen()
    pen.begin("test")
    draw(pen)
    return pixels(document(pen.marks, (SIDE, SIDE), 0, 0, 1, 1))


def area(picture: np.ndarray, channel: int = 0) -> float:
    """Share of the sheet that is covered, by one channel of a pure colour."""
    return float(picture[..., channel].mean() / 255)


def test_a_disc_and_a_quarter_have_the_areas_of_geometry() -> None:
    def disc(pen: Pen) -> None:
        pen.ellipse(0.5, 0.5, 0.4, 0.2)
        pen.fill(RED)

    def quarter(pen: Pen) -> None:
        pen.move_to(0.1, 0.1)
        pen.arc(0.1, 0.1, 0.8, 0, math.pi / 2)
        pen.close_path()
        pen.fill(RED)

    assert area(shown(disc)) == pytest.approx(math.pi * 0.4 * 0.2, abs=5e-4)
    assert area(shown(quarter)) == pytest.approx(math.pi * 0.64 / 4, abs=5e-4)


def test_clips_lie_within_each_other_and_end_with_restore() -> None:
    def draw(pen: Pen) -> None:
        pen.save()
        pen.rectangle(0, 0, 0.5, 1)
        pen.clip()
        pen.rectangle(0, 0.5, 1, 0.5)
        pen.clip()
        pen.rectangle(0, 0, 1, 1)
        pen.fill(RED)
        pen.restore()
        pen.rectangle(0.5, 0, 0.5, 0.5)
        pen.fill(BLUE)

    picture = shown(draw)
    assert area(picture, 0) == pytest.approx(0.25, abs=1e-3)
    assert area(picture, 2) == pytest.approx(0.25, abs=1e-3)
    assert tuple(picture[150, 50]) == (255, 0, 0)
    assert tuple(picture[50, 150]) == (0, 0, 255)


def test_strokes_and_gradients_are_as_wide_and_as_dark_as_asked() -> None:
    def stroke(pen: Pen) -> None:
        pen.polyline([(0.2, 0.5), (0.8, 0.5)])
        pen.stroke(0.1, RED)

    def gradient(pen: Pen) -> None:
        pen.rectangle(0, 0, 1, 1)
        pen.fill_down(0, 1, [(0, RED, 1.0), (1, BLUE, 1.0)])

    assert area(shown(stroke)) == pytest.approx(0.6 * 0.1 + math.pi * 0.05**2, abs=1e-3)
    middle = shown(gradient)[SIDE // 2, 0]
    assert abs(int(middle[0]) - int(middle[2])) < 4


@pytest.mark.parametrize("size", [(200, 300), (300, 100), (180, 77), (120, 120), (108, 192), (64, 190)])
def test_a_scene_fills_a_sheet_of_any_proportions_to_the_pixel(size: tuple[int, int]) -> None:
    picture = pixels(svg(SCENE, *size))
    assert picture.shape == (size[1], size[0], 3)
    assert (picture.reshape(-1, 3).max(1) > 0).all()  # what nothing covers is black


@pytest.mark.parametrize("size", [(300, 100), (100, 300)])
def test_on_another_sheet_a_circle_stays_round_and_things_stand_once(size: tuple[int, int]) -> None:
    text = svg(SCENE, *size)
    sun = next(g for g in ET.fromstring(text) if g.get("id") == "sun-1")
    numbers = [float(n) for n in sun[-1].get("d", "").replace("M", " ").replace("C", " ").replace("Z", " ").split()]
    assert max(numbers[::2]) - min(numbers[::2]) == pytest.approx(max(numbers[1::2]) - min(numbers[1::2]), abs=0.1)
    left, top, width, height = map(float, ET.fromstring(text).get("viewBox", "").split())
    assert width / height == pytest.approx(size[0] / size[1], rel=1e-3)
    assert left <= 0
    assert left + width >= 1000
    assert top == 0
    assert text.count("<title>lighthouse-1</title>") == text.count("<title>balloon-1</title>") == 1


def test_water_reaches_both_sides_of_a_wide_sheet() -> None:
    scene = Scene((Element("day", 0.5, 0.9), Element("water", 0.5, 0.9)))
    picture = pixels(svg(scene, 1200, 400))
    row = picture[round(400 * 0.92 / scene.height)]
    assert (row[:500] == row[500]).all()
    assert (row[-500:] == row[500]).all()


def test_a_taller_sheet_moves_what_stands_with_the_horizon_and_keeps_what_flies_above_it() -> None:
    tall = taller(SCENE, 2.5)
    assert tall.height == 2.5
    moved = {e.kind: e.y for e in tall.elements}
    assert moved["lighthouse"] - moved["day"] == pytest.approx(0.2)
    assert 0.4 < moved["balloon"] < moved["day"]
    assert taller(SCENE, 1.2) is SCENE


def test_a_sheet_is_composed_for_the_format_nearest_to_it() -> None:
    asked = ((512, 768), (1080, 1920), (1080, 1080), (1500, 500), (900, 383), (1200, 1000))
    formats = ["portrait", "portrait", "square", "landscape", "landscape", "square"]
    assert [format_for(*size) for size in asked] == formats


def test_each_element_is_a_named_group_and_the_picture_lacks_what_is_taken_out() -> None:
    groups = [g.get("id") for g in ET.fromstring(svg(SCENE, 64, 96)) if g.tag.endswith("}g")]
    assert groups == [name for name, _ in named(SCENE)]
    without = replace(SCENE, elements=tuple(e for e in SCENE.elements if e.kind != "balloon"))
    changed = (pixels(svg(SCENE, 64, 96)) != pixels(svg(without, 64, 96))).any(-1)
    assert 0 < changed.mean() < 0.1


def test_the_same_scene_is_the_same_drawing() -> None:
    assert svg(SCENE, 64, 96) == svg(SCENE, 64, 96)
