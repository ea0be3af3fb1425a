"""Ink: colours by time of day, and the shapes that posters are built from.

Coordinates: x from 0 to 1 across the sheet, y from 0 at the top to `height` (1.5 for a 2:3 sheet) at the foot. A
sheet may show more to its sides, from `left` to `right`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from studio.backends.poster.scene.pen import Colour, Pen, document
from studio.backends.poster.scene.raster import pixels

Point = tuple[float, float]


def rgb(text: str) -> Colour:
    """ "#rrggbb" as three numbers in 0..1."""
    red, green, blue = (int(text[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def mix(a: Colour, b: Colour, t: float) -> Colour:
    red, green, blue = (x + (y - x) * t for x, y in zip(a, b, strict=True))
    return red, green, blue


def times(a: Colour, b: Colour) -> Colour:
    red, green, blue = (x * y for x, y in zip(a, b, strict=True))
    return red, green, blue


@dataclass(frozen=True)
class Palette:
    """The light of one hour: sky from zenith to horizon, the sun or moon, and what light and shade do to a surface."""

    sky: tuple[Colour, ...]
    disc: Colour
    light: Colour
    shade: Colour
    haze: Colour
    lamps: bool


def _palette(sky: str, disc: str, light: Colour, shade: Colour, haze: str, lamps: bool = False) -> Palette:
    return Palette(tuple(rgb(c) for c in sky.split()), rgb(disc), light, shade, rgb(haze), lamps)


_DAWN = ((1.0, 0.88, 0.86), (0.56, 0.56, 0.74))
_DAY = ((1.0, 1.0, 0.96), (0.62, 0.70, 0.82))
_SUNSET = ((1.0, 0.62, 0.42), (0.42, 0.20, 0.36))
_NIGHT = ((0.36, 0.47, 0.72), (0.16, 0.21, 0.40))

PALETTES: dict[str, tuple[Palette, ...]] = {
    "dawn": (
        _palette("#7fa8c9 #c9c3d9 #f6c9c4 #fde3c0", "#fff4d8", *_DAWN, "#f3d2cc"),
        _palette("#8fbcc4 #d3d6d6 #f7c8b8 #fbe8cd", "#fff6e0", *_DAWN, "#f2d6c8"),
    ),
    "day": (
        _palette("#2f86c1 #6db5dc #b4dcea #f1f1dc", "#fffbe6", *_DAY, "#cfe6ea"),
        _palette("#1f93ae #63bcc8 #b2e0d8 #f5f2d8", "#fffbe6", *_DAY, "#cdeae2"),
    ),
    "sunset": (
        _palette("#5b2a63 #b03a5e #ee6a42 #fbb04a", "#fff0b0", *_SUNSET, "#ef8248"),
        _palette("#3f2a66 #9c3f70 #e8604c #ffbc5e", "#fff3c0", *_SUNSET, "#e87a54"),
    ),
    "night": (
        _palette("#0b1433 #142552 #244273 #3f6690", "#f6f1d4", *_NIGHT, "#34568a", True),
        _palette("#15103a #261e5a #40387e #645ea2", "#f8f0d8", *_NIGHT, "#4e4a90", True),
    ),
}
LAMP = rgb("#ffd678")


def overcast(palette: Palette, grey: float) -> Palette:
    """The same hour under cloud: `grey` from 0 to 1 takes colour out of the sky and contrast out of the light."""

    def dull(colour: Colour) -> Colour:
        level = 0.3 * colour[0] + 0.55 * colour[1] + 0.15 * colour[2]
        return mix(colour, (level * 0.93, level * 0.98, level * 1.04), grey)

    return replace(
        palette,
        sky=tuple(dull(c) for c in palette.sky),
        haze=dull(palette.haze),
        light=mix(palette.light, palette.shade, grey * 0.4),
        shade=mix(palette.shade, palette.light, grey * 0.2),
    )


class Ink:
    """A sheet being printed, layer on layer. `rng` decides every loose detail; the light falls from `sun_x`; `height`
    is that of the sheet over its width. On `paper` there is no sky; a `staged` one is dark."""

    def __init__(
        self,
        height: float,
        palette: Palette,
        rng: random.Random,
        sun_x: float,
        left: float = 0.0,
        right: float = 1.0,
        paper: bool = False,
        staged: bool = False,
    ) -> None:
        self.pen = Pen()
        self.pen.begin("ink")
        self.height, self.left, self.right = height, left, right
        self.palette, self.rng, self.sun_x = palette, rng, sun_x
        self.paper, self.staged = paper, staged

    @property
    def width(self) -> float:
        """How much of the ground is shown from side to side."""
        return self.right - self.left

    def svg(self, width: int, height: int, body: Sequence[str] | None = None) -> str:
        """What was drawn, or `body`, as an SVG of so many pixels."""
        shown = self.pen.marks if body is None else body
        return document(shown, (width, height), self.left, 0, self.width, self.height)

    def pixels(self, width: int, height: int) -> NDArray[np.uint8]:
        """What was drawn: uint8 [height, width, 3], RGB."""
        return pixels(self.svg(width, height))

    def tone(self, surface: Colour, depth: float, lit: bool = True) -> Colour:
        """A surface colour in this light, `depth` (0 near, 1 at the horizon) lost in haze."""
        colour = times(surface, self.palette.light if lit else self.palette.shade)
        return mix(colour, self.palette.haze, depth * 0.82)

    def polygon(self, points: Sequence[Point], colour: Colour, alpha: float = 1.0) -> None:
        self.pen.polygon(points)
        self.pen.fill(colour, alpha)

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour, alpha: float = 1.0) -> None:
        self.pen.ellipse(x, y, rx, ry)
        self.pen.fill(colour, alpha)

    def box(self, x: float, y: float, w: float, h: float, colour: Colour, alpha: float = 1.0) -> None:
        self.pen.rectangle(x, y, w, h)
        self.pen.fill(colour, alpha)

    def pill(self, x: float, y: float, w: float, h: float, colour: Colour, alpha: float = 1.0) -> None:
        """A bar with round ends, its middle at x, y."""
        r = h / 2
        left, right = x - w / 2 + r, x + w / 2 - r
        self.pen.arc(right, y, r, -math.pi / 2, math.pi / 2)
        self.pen.arc(left, y, r, math.pi / 2, 3 * math.pi / 2)
        self.pen.close_path()
        self.pen.fill(colour, alpha)

    def line(self, points: Sequence[Point], width: float, colour: Colour, alpha: float = 1.0) -> None:
        self.pen.polyline(points)
        self.pen.stroke(width, colour, alpha)

    def curve(self, points: Sequence[Point]) -> list[Point]:
        """A smooth line through `points` (Catmull and Rom), to be drawn as a polygon."""
        ends = [points[0], *points, points[-1]]
        out: list[Point] = []
        for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
            for i in range(10):
                t = i / 10
                x, y = (
                    0.5 * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t**2 + (3 * q - p - 3 * r + s) * t**3)
                    for p, q, r, s in zip(a, b, c, d, strict=True)
                )
                out.append((x, y))
        return [*out, points[-1]]

    def waves(self, y: float, swing: float, count: int) -> list[Point]:
        """A soft skyline from side to side around `y`, with `count` waves on the width of a sheet."""
        rng, whole = self.rng, self.width + 0.2
        count = max(1, round(count * whole / 1.2))
        xs = [self.left - 0.1 + whole * i / count for i in range(count + 1)]
        return self.curve([(x, y + swing * rng.uniform(-1, 1)) for x in xs])

    def ground(self, top: Sequence[Point], colour: Colour) -> None:
        """Everything below the line `top`."""
        self.polygon([*top, (self.right + 0.1, self.height + 0.1), (self.left - 0.1, self.height + 0.1)], colour)

    def at(self, line: Sequence[Point], x: float) -> float:
        """The height of `line` at x."""
        return float(np.interp(x, [p[0] for p in line], [p[1] for p in line]))

    def sky(self, horizon: float) -> None:
        last = len(self.palette.sky) - 1
        self.pen.rectangle(self.left - 0.1, -0.1, self.width + 0.2, self.height + 0.2)
        self.pen.fill_down(0, horizon, [(i / last, colour, 1.0) for i, colour in enumerate(self.palette.sky)])

    def disc(self, y: float, radius: float) -> None:
        """The sun or the full moon, with three rings of glow."""
        glow = mix(self.palette.disc, self.palette.sky[-1], 0.3)
        for ring, alpha in ((3.4, 0.10), (2.3, 0.14), (1.5, 0.22)):
            self.ellipse(self.sun_x, y, radius * ring, radius * ring, glow, alpha * (0.5 if self.palette.lamps else 1))
        self.ellipse(self.sun_x, y, radius, radius, self.palette.disc)

    def crescent(self, y: float, radius: float) -> None:
        x, pen = self.sun_x, self.pen
        pen.arc(x, y, radius, math.radians(-60), math.radians(150))
        pen.arc(x - radius * 0.36, y - radius * 0.36, radius * 0.86, math.radians(128), math.radians(-38))
        pen.close_path()
        pen.fill(self.palette.disc)

    def stars(self, below: float, count: int) -> None:
        """`count` on the width of a sheet."""
        for _ in range(round(count * self.width)):
            y = self.rng.uniform(0.03, below) * self.rng.uniform(0.4, 1)
            r = self.rng.choice((0.0035, 0.0045, 0.006))
            x = self.rng.uniform(self.left + 0.02, self.right - 0.02)
            self.ellipse(x, y, r, r, self.palette.disc, 0.9)

    def veil(self, middle: float, half: float, colour: Colour, alpha: float) -> None:
        """A band of mist across the sheet, thickest at `middle`, gone at `half` above and below it."""
        self.pen.rectangle(self.left - 0.1, middle - half, self.width + 0.2, 2 * half)
        shares = ((0, 0.0), (0.25, 0.55), (0.5, 1.0), (0.75, 0.55), (1, 0.0))
        self.pen.fill_down(middle - half, middle + half, [(stop, colour, alpha * share) for stop, share in shares])

    def cloud(self, x: float, y: float, size: float, colour: Colour, alpha: float = 1.0) -> None:
        """A flat cloud: three bars with round ends, one on the other."""
        lean = self.rng.uniform(-0.15, 0.15)
        for dx, dy, width in ((0, 0, 1.0), (0.08 + lean, -0.1, 0.66), (-0.14 + lean, 0.1, 0.6)):
            self.pill(x + dx * size, y + dy * size, width * size, 0.115 * size, colour, alpha)
