"""Draws a scene as an SVG in which each element is a named group, for a sheet of any proportions."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from studio.backends.poster.scene.draw import draw
from studio.backends.poster.scene.elements import (
    AIR,
    BACKDROPS,
    CLOUD,
    HOURS,
    KINDS,
    LIGHT,
    PARTS,
    UPRIGHT,
    Element,
    Scene,
    box,
    drawn,
)
from studio.backends.poster.scene.ink import Ink, Palette
from studio.backends.poster.scene.light import light, paper, turned
from studio.backends.poster.scene.pen import group
from studio.backends.poster.scene.words import FORMATS

SKY_SHARE = 0.7
"""Of the height that a sheet has beyond its scene: what goes to the sky; the rest goes to the ground in front."""
PAPER = (*BACKDROPS, "floor", "tabletop")
"""Kinds of graphic posters: they have plain paper for a sky."""
REPEATED = (
    "cloud", "ridge", "mesa", "skyline", "hill", "dune", "woods", "pine", "tree", "bush", "rock", "terrace", "tower",
)  # fmt: skip
"""Kinds that go on beside the scene where the sheet is wider than it, mirrored; what was asked for stands once."""


def format_for(width: float, height: float) -> str:
    """The format whose proportions are nearest to those of a sheet."""
    return min(FORMATS, key=lambda name: abs(math.log(FORMATS[name] * width / height)))


def svg(scene: Scene, width: int, height: int) -> str:
    """The scene as an SVG of `width` x `height` pixels: one <g> for each element, its id and title the element's name
    ("pine-2"). A taller sheet has more sky and foreground, a wider one more land to the sides; nothing is cut off or
    stretched.
    """
    scene = taller(scene, height / width)
    beside = max(0.0, 0.5 * (scene.height * width / height - 1))
    palette, sun = _light(scene)
    paper_, staged = bool(scene.having(*PAPER)), bool(scene.having("floor"))
    ink = Ink(scene.height, palette, random.Random(), sun, -beside, 1 + beside, paper_, staged)
    body: list[str] = []
    snowy = bool(scene.having("snow"))
    for name, e in named(scene):
        ink.pen.begin(name)
        parts = [(-1, e), *_mirrored(e, beside)] if beside > 0 and e.kind in REPEATED else [(-1, e)]
        for edge, part in parts:
            ink.rng = random.Random(f"{scene.seed} {name}")
            ink.pen.save()
            if len(parts) > 1 and not _whole(e):
                _clip(ink, edge)
            draw(ink, part, snowy)
            ink.pen.restore()
        body.append(group(name, name, ink.pen.marks))
    return ink.svg(width, height, body)


def taller(scene: Scene, height: float) -> Scene:
    """The scene on a sheet of this height over its width, if that is more: what flies and shines spreads over the
    larger sky, what stands moves down with the horizon.
    """
    more = height - scene.height
    horizon = scene.sky.y if scene.sky else 0.65 * scene.height
    if more <= 0 or horizon <= 0:
        return scene
    down = SKY_SHARE * more
    stretch = (horizon + down) / horizon
    if scene.having(*BACKDROPS):
        down, stretch = 0.55 * more, 1.0

    def moved(e: Element) -> Element:
        if stretch == 1:
            return replace(e, y=e.y + down)
        above = KINDS[e.kind].layer in (LIGHT, CLOUD, AIR) and e.y <= horizon
        return replace(e, y=e.y * stretch if above else e.y + down)

    return replace(scene, elements=tuple(moved(e) for e in scene.elements), height=height)


def named(scene: Scene) -> Iterator[tuple[str, Element]]:
    """The elements from back to front, each with a name of its own: its kind, numbered from the left, or that of its
    drawing, numbered where there are several."""
    names: dict[int, str] = {}
    often = Counter(e.drawing for e in scene.elements if e.kind in PARTS)
    count = Counter[str]()
    for e in sorted(scene.elements, key=lambda e: e.x):
        name = e.drawing if e.kind in PARTS and e.drawing else e.kind
        count[name] += 1
        names[id(e)] = name if often[name] == 1 else f"{name}-{count[name]}"
    for e in drawn(scene):
        yield names[id(e)], e


def _light(scene: Scene) -> tuple[Palette, float]:
    """The palette, and the x the light comes from."""
    sky = scene.sky or Element("day", y=0.65 * scene.height)
    lamps = scene.having("sun", "moon", "crescent")
    assert sky.kind in HOURS
    kinds = {e.kind for e in scene.elements}
    made = paper(sky.kind, sky.tint) if kinds & set(PAPER) else light(sky.kind, sky.tint, kinds)
    return turned(made, scene.hue), (lamps[0] if lamps else sky).x


def _whole(e: Element) -> bool:
    """Whether it has an outline of its own, which no edge of the scene may cut."""
    return e.kind in UPRIGHT or e.kind in ("cloud", "terrace", "tower")


def _mirrored(e: Element, beside: float) -> list[tuple[int, Element]]:
    """The same beyond the left edge of the scene (0) and the right one (1), as far as the sheet shows it."""
    found: list[tuple[int, Element]] = []
    for edge in (0, 1):
        # The slope of a hill goes by its height at the middle of the sheet.
        tilt = 0.12 * e.turn * (-1 if edge == 0 else 1) if e.kind in ("hill", "dune") else 0.0
        other = replace(e, x=2 * edge - e.x, turn=-e.turn, y=e.y + tilt)
        half = 0.55 * e.size if e.kind == "cloud" else 0.5 * (box(e)[2] - box(e)[0])
        if _whole(e) and (abs(e.x - edge) < half or not -beside - half < other.x < 1 + beside + half):
            continue
        found.append((edge, other))
    return found


def _clip(ink: Ink, edge: int) -> None:
    """Draw only the left (0) or right (1) of the scene, or only it (-1): what goes on in a mirror meets there."""
    left = {-1: 0.0, 0: ink.left - 0.1, 1: 1.0}[edge]
    right = {-1: 1.0, 0: 0.0, 1: ink.right + 0.1}[edge]
    ink.pen.rectangle(left, -0.1, right - left, ink.height + 0.3)
    ink.pen.clip()
