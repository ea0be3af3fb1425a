"""Composing pictures for export: outlines, backgrounds, placement, edges and unusual sizes."""

from __future__ import annotations

import io

import cairosvg
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from studio.errors import BadInput
from studio.export import shapes
from studio.export.compose import SIDE_LIMIT, PictureStyle, flatten, place, render, transparent
from studio.media.payloads import Image


def bust(side: int = 64, wide: int = 64) -> Image:
    """A head on shoulders that reach the lower edge, the rest clear."""
    down, across = np.mgrid[:side, :wide]
    head = (across - wide / 2) ** 2 + (down - side * 0.4) ** 2 < (side * 0.25) ** 2
    body = (down > side * 0.75) & (np.abs(across - wide / 2) < wide * 0.35)
    pixels = np.zeros((side, wide, 4), np.uint8)
    pixels[head] = (210, 160, 120, 255)
    pixels[body] = (60, 90, 160, 255)
    return Image(pixels)


def supersampled(shape: shapes.Shape, width: int, height: int, times: int = 24) -> NDArray[np.float64]:
    """Coverage by counting points of a fine grid, from the shape's own inequality."""
    down, across = (np.mgrid[: height * times, : width * times] + 0.5) / times
    x, y = across - width / 2, down - height / 2
    a, b = width / 2, height / 2
    if shape == "circle":
        inside = x**2 + y**2 <= min(a, b) ** 2
    elif shape == "squircle":
        inside = np.abs(x / a) ** 5 + np.abs(y / b) ** 5 <= 1
    else:
        r = 0.225 * min(width, height)
        over = np.hypot(np.maximum(0, np.abs(x) - (a - r)), np.maximum(0, np.abs(y) - (b - r)))
        inside = over <= r
    return inside.reshape(height, times, width, times).mean(axis=(1, 3))


@pytest.mark.parametrize("size", [(16, 16), (33, 33), (48, 31), (1, 1), (2, 3)])
@pytest.mark.parametrize("shape", ["circle", "squircle", "rounded"])
def test_edges_are_antialiased(shape: shapes.Shape, size: tuple[int, int]) -> None:
    made = shapes.coverage(shape, *size).astype(float) / 255
    assert made.shape == size[::-1]
    assert np.abs(made - supersampled(shape, *size)).max() < 0.03
    assert np.array_equal(made, made[::-1])
    assert np.array_equal(made, made[:, ::-1])


def test_alpha_along_a_circle_is_exact() -> None:
    made = render(Image(np.full((10, 10, 3), 80, np.uint8)), PictureStyle(shape="circle"), 40, 40).pixels
    exact = supersampled("circle", 40, 40, 40)
    assert np.abs(made[..., 3] / 255 - exact).max() < 0.015
    assert (made[..., :3][made[..., 3] > 0] == 80).all()  # no dark rim: colours are not mixed with what is clear
    assert (made[made[..., 3] == 0] == 0).all()


@pytest.mark.parametrize("shape", shapes.SHAPES)
def test_svg_outline_matches_the_mask(shape: shapes.Shape) -> None:
    source = '<svg xmlns="http://www.w3.org/2000/svg" width="120" height="120"><path d="{}"/></svg>'
    drawn = cairosvg.svg2png(source.format(shapes.outline(shape, 120, 120)).encode())
    alpha = np.asarray(Pillow.open(io.BytesIO(drawn or b"")).convert("RGBA"))[..., 3].astype(float)
    assert np.abs(alpha - shapes.coverage(shape, 120, 120)).max() < 18


def test_a_bust_stands_on_the_lower_edge_and_a_photograph_covers() -> None:
    for padding in (0.0, 0.2):
        where = place(bust(), PictureStyle(padding=padding), 100, 100)
        assert where.top + where.height == pytest.approx(100)
        assert where.height == pytest.approx(100 * (1 - 2 * padding))
    tall = place(bust(), PictureStyle(), 100, 300)
    assert (tall.width, tall.top + tall.height) == (pytest.approx(100), pytest.approx(300))
    covers = place(Image(np.zeros((80, 120, 3), np.uint8)), PictureStyle(), 100, 100)
    assert (covers.width, covers.height, covers.left) == (150, 100, -25)
    floating = bust()
    floating.pixels[48:] = 0
    assert place(floating, PictureStyle(padding=0.2), 100, 100).top == pytest.approx(20)
    moved = place(floating, PictureStyle(across=0.25, down=-0.1), 100, 100)
    assert (moved.left, moved.top) == (25, -10)


@pytest.mark.parametrize("size", [(900, 383), (1500, 500), (383, 900)])
def test_a_banner_is_filled_and_the_figure_whole(size: tuple[int, int]) -> None:
    plain = np.full((100, 100, 3), 200, np.uint8)
    plain[40:60, 40:60] = 9
    where = place(Image(plain), PictureStyle(), *size)
    assert where.left >= 0
    assert where.top >= 0
    assert max(where.width / size[0], where.height / size[1]) == pytest.approx(1)
    made = render(Image(plain), PictureStyle(), *size).pixels
    assert (made[..., 3] == 255).all()
    assert tuple(made[1, 1]) == (200, 200, 200, 255), "one background goes on"
    drawn = render(Image(plain), PictureStyle(ground="colour", colour="#102030"), *size).pixels
    assert tuple(drawn[1, 1]) == (16, 32, 48, 255)
    mixed = np.zeros((100, 100, 3), np.uint8)
    mixed[:, 50:] = 250
    blurred = render(Image(mixed), PictureStyle(), *size).pixels
    assert (blurred[..., 3] == 255).all()
    assert blurred[1, 1, 0] < 60 < 190 < blurred[-2, -2, 0]


def test_a_cut_out_on_a_banner_has_a_background_of_its_own() -> None:
    banner = render(bust(), PictureStyle(), 1500, 500).pixels
    assert (banner[..., 3] == 255).all()
    assert (render(bust(), PictureStyle(), 500, 500).pixels[0, 0] == 0).all(), "anything else stays transparent"


def test_backgrounds_show_through_transparency() -> None:
    made = render(bust(), PictureStyle(ground="colour", colour="#102030"), 64, 64).pixels
    assert tuple(made[2, 2]) == (16, 32, 48, 255)
    assert tuple(made[25, 32]) == (210, 160, 120, 255)
    for angle, near, far in ((90, (0, 32), (63, 32)), (180, (32, 0), (32, 63)), (0, (32, 63), (32, 0))):
        look = PictureStyle(ground="gradient", colour="#000000", second="#ffffff", angle=angle)
        slope = render(Image(np.zeros((1, 1, 4), np.uint8)), look, 64, 64).pixels
        assert slope[near[1], near[0], 0] < 4
        assert slope[far[1], far[0], 0] > 251
    look = PictureStyle(ground="gradient", colour="#000000", second="#ffffff")
    steps = render(Image(np.zeros((1, 1, 4), np.uint8)), look, 3, 64)
    assert (np.diff(steps.pixels[:, 1, 0].astype(int)) >= 0).all()
    other = Image(np.full((20, 40, 3), 99, np.uint8))
    behind = render(bust(), PictureStyle(ground="work", shape="circle"), 64, 64, other).pixels
    assert tuple(behind[6, 32]) == (99, 99, 99, 255)
    assert behind[0, 0, 3] == 0
    with pytest.raises(BadInput, match="background"):
        render(bust(), PictureStyle(ground="work"), 64, 64)


def test_half_transparent_pixels_leave_no_dark_rim() -> None:
    soft = np.zeros((8, 8, 4), np.uint8)
    soft[..., :3], soft[..., 3] = 200, 128
    soft[4:, :, 3] = 0
    made = render(Image(soft), PictureStyle(ground="colour", colour="#000000"), 8, 8).pixels
    assert abs(int(made[1, 1, 0]) - 100) <= 1
    large = render(Image(soft), PictureStyle(), 64, 64).pixels
    edge = large[..., 3] > 8  # below that, eight bits of a colour times its alpha say little of it
    assert (large[..., :3][edge] >= 190).all()


def test_sizes_from_one_pixel_to_the_limit() -> None:
    dot = Image(np.full((1, 1, 4), (9, 8, 7, 255), np.uint8))
    for look in (
        PictureStyle(),
        PictureStyle(shape="circle", ground="gradient"),
        PictureStyle(padding=0.4),
        PictureStyle(padding=-0.4),
    ):
        for size in ((1, 1), (1, 700), (3, 2)):
            assert render(dot, look, *size).pixels.shape == (size[1], size[0], 4)
    strip = Image(np.zeros((2, 20_000, 3), np.uint8))
    assert render(strip, PictureStyle(), 64, 64).pixels.shape == (64, 64, 4)
    long = Image(np.zeros((3, SIDE_LIMIT + 8, 3), np.uint8))
    assert render(long, PictureStyle(), SIDE_LIMIT + 8, 3).pixels.shape == (3, SIDE_LIMIT + 8, 4), "as large as it is"
    with pytest.raises(BadInput):
        render(strip, PictureStyle(), 20_000, 2)
    for size in ((0, 5), (SIDE_LIMIT + 1, 5)):
        with pytest.raises(BadInput):
            render(dot, PictureStyle(), *size)


def test_invalid_styles_name_the_field() -> None:
    for wrong in (
        {"shape": "star"}, {"ground": "sky"}, {"colour": "red"}, {"second": "#12345"}, {"padding": 0.9},
        {"across": float("nan")}, {"angle": "90"}, {"down": True},
    ):  # fmt: skip
        with pytest.raises(BadInput):
            PictureStyle(**wrong)  # type: ignore[arg-type]


def test_flattening_puts_the_picture_on_a_colour() -> None:
    pixels = np.array([[[200, 100, 0, 255], [200, 100, 0, 0], [255, 255, 255, 128]]], np.uint8)
    made = flatten(Image(pixels), "#000000").pixels
    assert made.tolist() == [[[200, 100, 0], [0, 0, 0], [128, 128, 128]]]
    assert not transparent(Image(made))
