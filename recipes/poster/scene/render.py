"""Renders a scene: as a picture, or as an SVG in which each element is a named group."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import quoteattr

import cairocffi as cairo
import numpy as np

from recipes.poster.ink import Ink, Palette
from recipes.poster.scene.draw import draw
from recipes.poster.scene.elements import HOURS, Element, Scene, drawn
from recipes.poster.scene.light import light


def picture(scene: Scene, width: int = 512) -> np.ndarray:
    """The scene as uint8 [H, W, 3]."""
    palette, sun = _light(scene)
    ink = Ink(width, max(1, round(width * scene.height)), palette, random.Random(), sun)
    for name, e in named(scene):
        ink.rng = random.Random(f"{scene.seed} {name}")
        draw(ink, e, bool(scene.having("snow")))
    return ink.pixels()


def svg(scene: Scene, width: int = 1000) -> str:
    """The scene as an SVG document: one <g> for each element, its id and title the element's name ("pine-2")."""
    palette, sun = _light(scene)
    height = round(width * scene.height)
    ink = Ink(width, height, palette, random.Random(), sun)
    pen = SvgPen(ink.surface, width)
    pen.scale(width, width)
    ink.pen = pen
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">']
    for name, e in named(scene):
        ink.rng = random.Random(f"{scene.seed} {name}")
        pen.begin(name)
        draw(ink, e, bool(scene.having("snow")))
        out += [f"<g id={quoteattr(name)}><title>{name}</title>", *pen.marks, "</g>"]
    return "\n".join([*out, "</svg>", ""])


def named(scene: Scene) -> Iterator[tuple[str, Element]]:
    """The elements from back to front, each with a name of its own: its kind, numbered from the left."""
    names: dict[int, str] = {}
    count = Counter[str]()
    for e in sorted(scene.elements, key=lambda e: e.x):
        count[e.kind] += 1
        names[id(e)] = f"{e.kind}-{count[e.kind]}"
    for e in drawn(scene):
        yield names[id(e)], e


def _light(scene: Scene) -> tuple[Palette, float]:
    """The palette, and the x the light comes from."""
    sky = scene.sky or Element("day", y=0.65 * scene.height)
    lamps = scene.having("sun", "moon", "crescent")
    assert sky.kind in HOURS
    return light(sky.kind, sky.tint, {e.kind for e in scene.elements}), (lamps[0] if lamps else sky).x


class SvgPen(cairo.Context):
    """A Cairo context that writes what is filled and stroked as SVG elements into `marks`, and paints nothing."""

    def __init__(self, target: Any, width: int) -> None:
        super().__init__(target)
        self.width, self.marks, self.name, self.defined = width, list[str](), "", 0
        self.paint_as, self.alpha = "#000", 1.0
        self.clips: list[tuple[str, ...]] = [()]

    def begin(self, name: str) -> None:
        self.marks, self.name, self.defined = [], name, 0

    def save(self) -> None:
        super().save()
        self.clips.append(self.clips[-1])

    def restore(self) -> None:
        super().restore()
        self.clips.pop()

    def set_source_rgba(self, red: float, green: float, blue: float, alpha: float = 1.0) -> None:
        self.paint_as, self.alpha = _hex(red, green, blue), alpha

    def set_source(self, source: Any) -> None:
        x0, y0, x1, y1 = (f"{self.width * v:.2f}" for v in source.get_linear_points())
        stops = "".join(
            f'<stop offset="{offset:g}" stop-color="{_hex(r, g, b)}"{_opacity("stop-opacity", a)}/>'
            for offset, r, g, b, a in source.get_color_stops()
        )
        mark = self._define()
        ends = f'x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}"'
        self.marks.append(f'<linearGradient id="{mark}" gradientUnits="userSpaceOnUse" {ends}>{stops}</linearGradient>')
        self.paint_as, self.alpha = f"url(#{mark})", 1.0

    def fill(self) -> None:
        self._mark(f'fill="{self.paint_as}"{_opacity("fill-opacity", self.alpha)}')

    def stroke(self) -> None:
        width = (
            f'stroke-width="{self.get_line_width() * self.width:.2f}" stroke-linecap="round" stroke-linejoin="round"'
        )
        self._mark(f'fill="none" stroke="{self.paint_as}" {width}{_opacity("stroke-opacity", self.alpha)}')

    def paint(self) -> None:
        self.rectangle(-0.1, -0.1, 1.2, 2.2)
        self.fill()

    def clip(self) -> None:
        mark = self._define()
        self.marks.append(f'<clipPath id="{mark}"><path d="{self._path()}"/></clipPath>')
        self.clips[-1] += (mark,)
        self.new_path()

    def _define(self) -> str:
        self.defined += 1
        return f"{self.name}-{self.defined}"

    def _mark(self, how: str) -> None:
        within = "".join(f'<g clip-path="url(#{mark})">' for mark in self.clips[-1])
        self.marks.append(f'{within}<path d="{self._path()}" {how}/>{"</g>" * len(self.clips[-1])}')
        self.new_path()

    def _path(self) -> str:
        letters = {
            cairo.PATH_MOVE_TO: "M",
            cairo.PATH_LINE_TO: "L",
            cairo.PATH_CURVE_TO: "C",
            cairo.PATH_CLOSE_PATH: "Z",
        }
        steps = list(self.copy_path())
        # Cairo begins a new figure after each closed one.
        while len(steps) > 1 and steps[-1][0] == cairo.PATH_MOVE_TO:
            steps.pop()
        return "".join(letters[kind] + " ".join(f"{self.width * v:.1f}" for v in points) for kind, points in steps)


def _hex(*colour: float) -> str:
    return "#" + "".join(f"{round(255 * min(1.0, max(0.0, c))):02x}" for c in colour)


def _opacity(name: str, alpha: float) -> str:
    return f' {name}="{alpha:.3g}"' if alpha < 1 else ""
