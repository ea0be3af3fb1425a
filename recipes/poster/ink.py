"""Ink: colours by time of day, and the shapes that posters are built from; knows nothing of scenes or captions.

Coordinates: x from 0 to 1 across the sheet, y from 0 at the top to `height` (1.5 for a 2:3 sheet) at the foot.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cairocffi as cairo
import numpy as np

Colour = tuple[float, float, float]
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
    """A sheet being printed, layer on layer. `rng` decides every loose detail; the light falls from `sun_x`."""

    def __init__(self, width: int, height: int, palette: Palette, rng: random.Random, sun_x: float) -> None:
        self.surface = cairo.ImageSurface(cairo.FORMAT_RGB24, width, height)
        self.pen = cairo.Context(self.surface)
        self.pen.scale(width, width)
        self.height = height / width
        self.palette, self.rng, self.sun_x = palette, rng, sun_x

    def pixels(self) -> np.ndarray:
        """uint8 [H, W, 3], RGB."""
        self.surface.flush()
        height, width, stride = self.surface.get_height(), self.surface.get_width(), self.surface.get_stride()
        raw = np.frombuffer(bytes(self.surface.get_data()), np.uint8).reshape(height, stride // 4, 4)
        return np.ascontiguousarray(raw[:, :width, 2::-1])

    def tone(self, surface: Colour, depth: float, lit: bool = True) -> Colour:
        """A surface colour in this light, `depth` (0 near, 1 at the horizon) lost in haze."""
        colour = times(surface, self.palette.light if lit else self.palette.shade)
        return mix(colour, self.palette.haze, depth * 0.82)

    def polygon(self, points: Sequence[Point], colour: Colour, alpha: float = 1.0) -> None:
        self.pen.move_to(*points[0])
        for point in points[1:]:
            self.pen.line_to(*point)
        self.pen.close_path()
        self._fill(colour, alpha)

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour, alpha: float = 1.0) -> None:
        self.pen.save()
        self.pen.translate(x, y)
        self.pen.scale(rx, ry)
        self.pen.arc(0, 0, 1, 0, 2 * math.pi)
        self.pen.restore()
        self._fill(colour, alpha)

    def box(self, x: float, y: float, w: float, h: float, colour: Colour, alpha: float = 1.0) -> None:
        self.pen.rectangle(x, y, w, h)
        self._fill(colour, alpha)

    def pill(self, x: float, y: float, w: float, h: float, colour: Colour, alpha: float = 1.0) -> None:
        """A bar with round ends, its middle at x, y."""
        r = h / 2
        left, right = x - w / 2 + r, x + w / 2 - r
        self.pen.new_sub_path()
        self.pen.arc(right, y, r, -math.pi / 2, math.pi / 2)
        self.pen.arc(left, y, r, math.pi / 2, 3 * math.pi / 2)
        self.pen.close_path()
        self._fill(colour, alpha)

    def line(self, points: Sequence[Point], width: float, colour: Colour, alpha: float = 1.0) -> None:
        self.pen.set_line_width(width)
        self.pen.set_line_cap(cairo.LINE_CAP_ROUND)
        self.pen.set_line_join(cairo.LINE_JOIN_ROUND)
        self.pen.move_to(*points[0])
        for point in points[1:]:
            self.pen.line_to(*point)
        self.pen.set_source_rgba(*colour, alpha)  # pyright: ignore[reportArgumentType]
        self.pen.stroke()

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
        """A soft skyline across the sheet around `y`."""
        rng = self.rng
        xs = [-0.1 + 1.2 * i / count for i in range(count + 1)]
        return self.curve([(x, y + swing * rng.uniform(-1, 1)) for x in xs])

    def ground(self, top: Sequence[Point], colour: Colour) -> None:
        """Everything below the line `top`."""
        self.polygon([*top, (1.1, self.height + 0.1), (-0.1, self.height + 0.1)], colour)

    def at(self, line: Sequence[Point], x: float) -> float:
        """The height of `line` at x."""
        return float(np.interp(x, [p[0] for p in line], [p[1] for p in line]))

    def sky(self, horizon: float) -> None:
        fade = cairo.LinearGradient(0, 0, 0, horizon)
        last = len(self.palette.sky) - 1
        for i, colour in enumerate(self.palette.sky):
            fade.add_color_stop_rgb(i / last, *colour)
        self.pen.set_source(fade)
        self.pen.paint()

    def disc(self, y: float, radius: float) -> None:
        """The sun or the full moon, with three rings of glow."""
        glow = mix(self.palette.disc, self.palette.sky[-1], 0.3)
        for ring, alpha in ((3.4, 0.10), (2.3, 0.14), (1.5, 0.22)):
            self.ellipse(self.sun_x, y, radius * ring, radius * ring, glow, alpha * (0.5 if self.palette.lamps else 1))
        self.ellipse(self.sun_x, y, radius, radius, self.palette.disc)

    def crescent(self, y: float, radius: float) -> None:
        x, pen = self.sun_x, self.pen
        pen.new_path()
        pen.arc(x, y, radius, math.radians(-60), math.radians(150))
        pen.arc_negative(x - radius * 0.36, y - radius * 0.36, radius * 0.86, math.radians(128), math.radians(-38))
        pen.close_path()
        self._fill(self.palette.disc, 1)

    def stars(self, below: float, count: int) -> None:
        for _ in range(count):
            y = self.rng.uniform(0.03, below) * self.rng.uniform(0.4, 1)
            r = self.rng.choice((0.0035, 0.0045, 0.006))
            self.ellipse(self.rng.uniform(0.02, 0.98), y, r, r, self.palette.disc, 0.9)

    def veil(self, middle: float, half: float, colour: Colour, alpha: float) -> None:
        """A band of mist across the sheet, thickest at `middle`, gone at `half` above and below it."""
        fade = cairo.LinearGradient(0, middle - half, 0, middle + half)
        for stop, share in ((0, 0.0), (0.25, 0.55), (0.5, 1.0), (0.75, 0.55), (1, 0.0)):
            fade.add_color_stop_rgba(stop, *colour, alpha * share)  # pyright: ignore[reportArgumentType]
        self.pen.set_source(fade)
        self.pen.rectangle(-0.1, middle - half, 1.2, 2 * half)
        self.pen.fill()

    def cloud(self, x: float, y: float, size: float, colour: Colour, alpha: float = 1.0) -> None:
        """A flat cloud: three bars with round ends, one on the other."""
        lean = self.rng.uniform(-0.15, 0.15)
        for dx, dy, width in ((0, 0, 1.0), (0.08 + lean, -0.1, 0.66), (-0.14 + lean, 0.1, 0.6)):
            self.pill(x + dx * size, y + dy * size, width * size, 0.115 * size, colour, alpha)

    def _fill(self, colour: Colour, alpha: float) -> None:
        self.pen.set_source_rgba(*colour, alpha)  # pyright: ignore[reportArgumentType]
        self.pen.fill()
