"""A pen that writes SVG: paths of lines, curves and arcs, filled or stroked with colours and linear gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

Colour = tuple[float, float, float]
Stop = tuple[float, Colour, float]
"""Of a gradient: how far along it, 0 to 1, the colour, and its opacity."""

UNITS = 1000
"""Units of the SVG for one of the pen's own, the width of the sheet."""


class Pen:
    """Draws on a sheet 1 wide; what is drawn is collected in `marks`, as lines of SVG.

    The path is built by move_to, line_to, curve_to, arc, ellipse and rectangle, and is gone once it was filled,
    stroked or made the clip, which holds until `restore`. Names of clips and gradients begin with `name`.
    """

    def __init__(self) -> None:
        self.marks: list[str] = []
        self.name, self._defined = "", 0
        self._path: list[str] = []
        self._clips: list[tuple[str, ...]] = [()]

    def begin(self, name: str) -> None:
        """Start anew: `marks` are empty, and all that is defined from now on has a name that begins with this one."""
        self.marks, self.name, self._defined = [], name, 0

    def save(self) -> None:
        self._clips.append(self._clips[-1])

    def restore(self) -> None:
        """Back to the clip at the last `save`."""
        self._clips.pop()

    def move_to(self, x: float, y: float) -> None:
        self._path.append(f"M{_n(x)} {_n(y)}")

    def line_to(self, x: float, y: float) -> None:
        self._path.append(f"L{_n(x)} {_n(y)}")

    def curve_to(self, x1: float, y1: float, x2: float, y2: float, x: float, y: float) -> None:
        """A cubic curve by two points that pull it, to x, y."""
        self._path.append(f"C{_n(x1)} {_n(y1)} {_n(x2)} {_n(y2)} {_n(x)} {_n(y)}")

    def close_path(self) -> None:
        self._path.append("Z")

    def arc(self, x: float, y: float, radius: float, start: float, end: float) -> None:
        """Around x, y between two angles in radians, clockwise on the sheet where `end` is larger; joined by a line to
        what is there of the path.
        """
        go = self.line_to if self._path and self._path[-1] != "Z" else self.move_to
        go(x + radius * math.cos(start), y + radius * math.sin(start))
        self._arc(x, y, radius, radius, start, end)

    def ellipse(self, x: float, y: float, rx: float, ry: float) -> None:
        self.move_to(x + rx, y)
        self._arc(x, y, rx, ry, 0, 2 * math.pi)
        self.close_path()

    def rectangle(self, x: float, y: float, width: float, height: float) -> None:
        self.polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])

    def polygon(self, points: Sequence[tuple[float, float]]) -> None:
        """A closed figure through the points."""
        self.polyline(points)
        self.close_path()

    def polyline(self, points: Sequence[tuple[float, float]]) -> None:
        self.move_to(*points[0])
        for point in points[1:]:
            self.line_to(*point)

    def fill(self, colour: Colour, alpha: float = 1.0) -> None:
        self._mark(f'fill="{_hex(colour)}"{_opacity("fill-opacity", alpha)}')

    def fill_apart(self, colour: Colour, alpha: float = 1.0) -> None:
        """Fill what lies within an odd number of the path's figures."""
        self._mark(f'fill="{_hex(colour)}" fill-rule="evenodd"{_opacity("fill-opacity", alpha)}')

    def fill_down(self, top: float, foot: float, stops: Sequence[Stop]) -> None:
        """Fill with a gradient from the height `top` down to `foot`."""
        mark = self._define()
        listed = "".join(
            f'<stop offset="{offset:g}" stop-color="{_hex(colour)}"{_opacity("stop-opacity", alpha)}/>'
            for offset, colour, alpha in stops
        )
        ends = f'x1="0" y1="{_n(top)}" x2="0" y2="{_n(foot)}"'
        self.marks.append(
            f'<linearGradient id="{mark}" gradientUnits="userSpaceOnUse" {ends}>{listed}</linearGradient>'
        )
        self._mark(f'fill="url(#{mark})"')

    def stroke(self, width: float, colour: Colour, alpha: float = 1.0) -> None:
        """Draw along the path with round ends and corners."""
        how = f'stroke-width="{_n(width)}" stroke-linecap="round" stroke-linejoin="round"'
        self._mark(f'fill="none" stroke="{_hex(colour)}" {how}{_opacity("stroke-opacity", alpha)}')

    def clip(self) -> None:
        """From now on, until `restore`, only what lies within the path is drawn, and within the clips before it."""
        mark = self._define()
        self.marks.append(f'<clipPath id="{mark}"><path d="{"".join(self._path)}"/></clipPath>')
        self._path = []
        self._clips[-1] = (*self._clips[-1], mark)

    def _arc(self, x: float, y: float, rx: float, ry: float, start: float, end: float) -> None:
        """In cubic curves of at most a quarter turn, which lie within 0.03 % of the radius from the circle."""
        pieces = max(1, math.ceil(abs(end - start) / (math.pi / 2) - 1e-9))
        step = (end - start) / pieces
        pull = 4 / 3 * math.tan(step / 4)
        for i in range(pieces):
            a, b = start + i * step, start + (i + 1) * step
            self.curve_to(
                x + rx * (math.cos(a) - pull * math.sin(a)),
                y + ry * (math.sin(a) + pull * math.cos(a)),
                x + rx * (math.cos(b) + pull * math.sin(b)),
                y + ry * (math.sin(b) - pull * math.cos(b)),
                x + rx * math.cos(b),
                y + ry * math.sin(b),
            )

    def _define(self) -> str:
        self._defined += 1
        return f"{self.name}-{self._defined}"

    def _mark(self, how: str) -> None:
        within = "".join(f'<g clip-path="url(#{mark})">' for mark in self._clips[-1])
        self.marks.append(f'{within}<path d="{"".join(self._path)}" {how}/>{"</g>" * len(self._clips[-1])}')
        self._path = []


def group(name: str, title: str, marks: Sequence[str]) -> str:
    """Marks as a named group."""
    return "\n".join([f"<g id={quoteattr(name)}><title>{title}</title>", *marks, "</g>"])


def document(body: Sequence[str], size: tuple[int, int], left: float, top: float, width: float, height: float) -> str:
    """An SVG of `size` pixels that shows `width` x `height` of the pen's sheet from `left`, `top` on."""
    box = f"{_n(left)} {_n(top)} {_n(width)} {_n(height)}"
    head = f'width="{size[0]}" height="{size[1]}" viewBox="{box}" preserveAspectRatio="none"'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {head}>', *body, "</svg>", ""])


def _n(value: float) -> str:
    text = f"{UNITS * value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _hex(colour: Colour) -> str:
    return "#" + "".join(f"{round(255 * min(1.0, max(0.0, c))):02x}" for c in colour)


def _opacity(name: str, alpha: float) -> str:
    return f' {name}="{alpha:.3g}"' if alpha < 1 else ""
