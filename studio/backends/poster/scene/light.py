"""The light of an hour: palettes between the painter's and a few more, mixed in OKLab."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from studio.backends.poster.scene.ink import PALETTES, Colour, Palette, overcast, rgb

T = TypeVar("T")

PAPERS = {
    "dawn": (
        "#f6dfe0 #eebfc3 #fff3e0 #6b5b8c",
        "#e4e0f2 #c9bfe4 #fbe3d2 #514b86",
        "#dfeade #bcd7c4 #fbefd4 #3f6a66",
        "#fde8d2 #f7cba9 #fffaf0 #8a4f5f",
    ),
    "day": (
        "#f6e7c8 #f2bf5e #fff8e6 #1f5a6b",
        "#d3e9e5 #8ccac1 #fdf3d8 #23606f",
        "#ffe0cf #ff9f7f #fff6ea #3c4a7a",
        "#f9da66 #f4b945 #fff6da #c04a30",
    ),
    "sunset": (
        "#e9603c #f08a3e #ffd27a #5a1f4a",
        "#d9455f #ee7a5b #ffc46b #3a1f52",
        "#f2a03d #f7c565 #fff0c4 #8c2f39",
        "#b23a5e #d9605f #f7b267 #2d1a45",
    ),
    "night": (
        "#1a2747 #2b3f6e #f2c14e #0e1730",
        "#241f47 #43367c #ff8f73 #14102c",
        "#12384a #1f566a #f2d7a0 #0a2230",
        "#45183a #6d2850 #ffb35c #260d22",
    ),
}
"""The papers of graphic posters by hour: ground, pattern, light, depth."""
_PAPER_LIGHT = {
    "dawn": ((1.0, 0.97, 0.96), (0.74, 0.68, 0.78)),
    "day": ((1.0, 1.0, 0.98), (0.72, 0.72, 0.78)),
    "sunset": ((1.0, 0.9, 0.8), (0.66, 0.46, 0.5)),
    "night": ((0.94, 0.92, 1.0), (0.5, 0.5, 0.68)),
}

MORE = {
    "dawn": (
        ("#5f7fb0 #a9a5cf #eab4c6 #f9d3bd", "#fff1dc", "#e6c3cd"),
        ("#9bb7a8 #cfdcc0 #f5e2b8 #fdf0d0", "#fffbe8", "#eee2c4"),
    ),
    "day": (
        ("#4a9ad0 #8cc8e4 #cfe8ea #fdf3d6", "#fffdf0", "#dcebe6"),
        ("#2c6f9e #5fa3bf #a9d2cc #f2e6c4", "#fff8dc", "#cddfd2"),
    ),
    "sunset": (
        ("#274060 #7a5c7e #d98a6c #f6cf8a", "#fff2c8", "#d99a78"),
        ("#7a2048 #c8404c #f07a3c #ffc45a", "#ffeaa0", "#f0904c"),
    ),
    "night": (
        ("#071a24 #10343f #1f5560 #3c7a7c", "#f2f4dc", "#2c6468"),
        ("#180c28 #381a48 #642c62 #96507a", "#fbeeda", "#76406c"),
    ),
}


def _oklab(colours: np.ndarray) -> np.ndarray:
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ _LMS.T) @ _LAB.T


def _srgb(lab: np.ndarray) -> np.ndarray:
    linear = np.clip((lab @ np.linalg.inv(_LAB).T) ** 3 @ np.linalg.inv(_LMS).T, 0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


# Ottosson 2020, https://bottosson.github.io/posts/oklab/
_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def blend(a: Colour, b: Colour, t: float) -> Colour:
    """A colour between two, in OKLab: no grey middle, no dark band."""
    one, two = _oklab(np.array([a, b]))
    red, green, blue = _srgb(one + (two - one) * t).tolist()
    return red, green, blue


def palettes(hour: str) -> list[Palette]:
    """The skies of an hour, in an order in which neighbours mix well."""
    known = PALETTES[hour]
    made = [
        replace(known[0], sky=tuple(rgb(c) for c in sky.split()), disc=rgb(disc), haze=rgb(haze))
        for sky, disc, haze in MORE[hour]
    ]
    return [made[0], known[0], known[1], made[1]]


def neighbours(row: Sequence[T], tint: float) -> tuple[T, T, float]:
    """The two between which `tint`, 0 to 1 along a row, lies, and how far it is from the first, 0 to 1."""
    place = min(1.0, max(0.0, tint)) * (len(row) - 1)
    i = min(int(place), len(row) - 2)
    return row[i], row[i + 1], place - i


def turned(palette: Palette, hue: float) -> Palette:
    """The palette with its colours turned around the grey axis of OKLab, by a share of a turn; as bright as before. Sun
    and moon keep theirs: nobody has seen a green sun.
    """
    if not hue:
        return palette
    cosine, sine = math.cos(2 * math.pi * hue), math.sin(2 * math.pi * hue)

    def turn(colour: Colour) -> Colour:
        bright, a, b = _oklab(np.array(colour)).tolist()
        red, green, blue = _srgb(np.array([bright, cosine * a - sine * b, sine * a + cosine * b])).tolist()
        return red, green, blue

    return replace(
        palette,
        sky=tuple(turn(c) for c in palette.sky),
        **{name: turn(getattr(palette, name)) for name in ("light", "shade", "haze")},
    )


def light(hour: str, tint: float, weather: set[str]) -> Palette:
    """The palette at `tint`, 0 to 1, along those of the hour, dulled by mist, rain or snow."""
    a, b, t = neighbours(palettes(hour), tint)
    mixed = replace(
        a,
        sky=tuple(blend(x, y, t) for x, y in zip(a.sky, b.sky, strict=True)),
        disc=blend(a.disc, b.disc, t),
        haze=blend(a.haze, b.haze, t),
    )
    grey = max((g for name, g in (("mist", 0.3), ("rain", 0.62), ("snow", 0.4)) if name in weather), default=0.0)
    return overcast(mixed, grey) if grey else mixed


def paper(hour: str, tint: float) -> Palette:
    """The colours of a graphic poster at `tint`, 0 to 1, along those of the hour, as a palette: its sky is ground,
    pattern, light and depth."""
    rows = [tuple(rgb(c) for c in row.split()) for row in PAPERS[hour]]
    ground, pattern, bright, deep = rows[min(len(rows) - 1, max(0, int(tint * len(rows))))]
    lit, shade = _PAPER_LIGHT[hour]
    return Palette((ground, pattern, bright, deep), bright, lit, shade, ground, False)


def softened(colour: Colour, towards: Colour, depth: float) -> Colour:
    """A drawing's own colour on a poster: less pure, and leaning to the scene's."""
    lab, other = _oklab(np.array([colour, towards]))
    lab[1:] *= 0.86
    lean = 0.08 + 0.1 * depth
    lab[1:] += lean * (other[1:] - lab[1:])
    lab[0] += 0.04 * (0.55 - lab[0])
    red, green, blue = _srgb(lab).tolist()
    return red, green, blue
