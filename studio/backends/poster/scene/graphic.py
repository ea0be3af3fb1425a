"""Draws what graphic posters are made of: patterns behind, a stage, a table, outer space and the sea from below."""

from __future__ import annotations

import math
from collections.abc import Callable

from studio.backends.poster.scene.elements import Element
from studio.backends.poster.scene.ink import Ink, Point, mix, rgb
from studio.backends.poster.scene.light import blend, neighbours
from studio.backends.poster.scene.props import WOOD

VELVETS = tuple(rgb(c) for c in ("#8c2233", "#5b2a63", "#1f4e5f", "#a03a2a"))
PLANETS = tuple(rgb(c) for c in ("#e08a5a", "#c9b26a", "#7fa8c9", "#b07ac0"))
SEAS = (("#8fe0dc", "#2a9db0", "#125a7c"), ("#9ad8f0", "#2f7fc0", "#173a78"), ("#b8e8c8", "#2f9a94", "#0f4a5c"))


def ground(ink: Ink, staged: bool = False) -> None:
    """Plain paper: the ground colour, a little lighter towards the top; behind a stage it is dark."""
    base, pattern, _, deep = ink.palette.sky
    if staged:
        base, pattern = blend(base, deep, 0.82), blend(pattern, deep, 0.7)
    ink.pen.rectangle(ink.left - 0.1, -0.1, ink.width + 0.2, ink.height + 0.2)
    ink.pen.fill_down(0, ink.height, [(0.0, blend(base, pattern, 0.06), 1.0), (1.0, base, 1.0)])


def sunburst(ink: Ink, e: Element, snowy: bool) -> None:
    """Rays from the middle to beyond the edges, a disc where they meet."""
    base, pattern, bright, _ = ink.palette.sky
    rays, far = 12 + 2 * int(4 * e.tint), 3 * (ink.width + ink.height)
    step = 2 * math.pi / rays
    for i in range(rays):
        a = i * step + 0.5 * step * e.turn
        ends = [(e.x + far * math.cos(b), e.y + far * math.sin(b)) for b in (a, a + 0.5 * step)]
        ink.polygon([(e.x, e.y), *ends], blend(base, pattern, 0.5))
    ink.ellipse(e.x, e.y, 0.82 * e.size, 0.82 * e.size, blend(base, bright, 0.75))


def rings(ink: Ink, e: Element, snowy: bool) -> None:
    """Circles within circles."""
    base, pattern, bright, _ = ink.palette.sky
    count = 4
    for i in range(count, 0, -1):
        r = e.size * (0.45 + 0.4 * i)
        ink.ellipse(e.x, e.y, r, r, blend(base, pattern, 0.75 * (1 - (i - 1) / count)))
    ink.ellipse(e.x, e.y, 0.85 * e.size, 0.85 * e.size, blend(pattern, bright, 0.8))


def halves(ink: Ink, e: Element, snowy: bool) -> None:
    """Two colours that meet at a level line, a disc behind."""
    base, pattern, bright, _ = ink.palette.sky
    ink.ellipse(e.x, e.y - 0.1 * e.size, 0.86 * e.size, 0.86 * e.size, blend(base, bright, 0.8))
    slope = 0.06 * e.turn
    ends = [(ink.left - 0.1, e.y + slope * (ink.left - 0.6)), (ink.right + 0.1, e.y + slope * (ink.right - 0.4))]
    ink.ground(ends, pattern)


def dots(ink: Ink, e: Element, snowy: bool) -> None:
    """A halftone: dots on a slanted grid, larger towards the foot, and a disc."""
    base, pattern, bright, _ = ink.palette.sky
    gap = 0.062
    rows, columns = int(ink.height / (0.866 * gap)) + 2, int(ink.width / gap) + 3
    for row in range(rows):
        y = row * 0.866 * gap
        r = 0.46 * gap * max(0.0, y / ink.height - 0.3) / 0.7
        if r < 0.002:
            continue
        for column in range(columns):
            ink.ellipse(ink.left + (column - 0.5 * (row % 2)) * gap, y, r, r, blend(base, pattern, 0.7))
    ink.ellipse(e.x, e.y, 0.88 * e.size, 0.88 * e.size, blend(pattern, bright, 0.85))


def waves(ink: Ink, e: Element, snowy: bool) -> None:
    """Bands of soft waves from the middle down, a disc above them."""
    base, pattern, bright, deep = ink.palette.sky
    ink.ellipse(e.x, e.y - 0.35 * e.size, 0.8 * e.size, 0.8 * e.size, blend(base, bright, 0.8))
    count = 4
    for i in range(count):
        t = i / count
        y = e.y - 0.06 + (ink.height - e.y + 0.06) * t
        phase, whole = 2.6 * i + 3 * e.turn, ink.width + 0.2
        steps = round(60 * whole)
        xs = [ink.left - 0.1 + whole * j / steps for j in range(steps + 1)]
        edge = [(x, y + 0.035 * math.sin(5.2 * x + phase)) for x in xs]
        ink.ground(edge, blend(blend(base, pattern, 0.55), blend(pattern, deep, 0.45), t))


def arch(ink: Ink, e: Element, snowy: bool) -> None:
    """Arches within arches that stand on the foot of the sheet."""
    base, pattern, bright, _deep = ink.palette.sky
    foot = ink.height + 0.05
    tones = (blend(base, pattern, 0.55), pattern, blend(pattern, bright, 0.8))
    for i, colour in enumerate(tones):
        half = e.size * (1.28 - 0.22 * i)
        top = e.y - 0.15 * e.size
        ink.pen.arc(e.x, top, half, math.pi, 2 * math.pi)
        ink.pen.line_to(e.x + half, foot)
        ink.pen.line_to(e.x - half, foot)
        ink.pen.close_path()
        ink.pen.fill(colour)


def floor(ink: Ink, e: Element, snowy: bool) -> None:
    """The boards of a stage, that run to a point behind it."""
    base, pattern, _bright, deep = ink.palette.sky
    near, far = blend(deep, pattern, 0.35), blend(deep, base, 0.35)
    ink.pen.rectangle(ink.left - 0.1, e.y, ink.width + 0.2, ink.height - e.y + 0.1)
    ink.pen.fill_down(e.y, ink.height, [(0.0, far, 1.0), (1.0, near, 1.0)])
    seam, deepness = blend(deep, near, 0.4), ink.height + 0.1 - e.y
    for i in range(-9, 10):
        x = 0.5 + 0.13 * i
        ink.line([(x, e.y), (0.5 + (x - 0.5) * (1 + 1.6 * deepness), e.y + deepness)], 0.004, seam, 0.6)
    ink.box(ink.left - 0.1, e.y - 0.008, ink.width + 0.2, 0.012, blend(deep, base, 0.15))


def spotlight(ink: Ink, e: Element, snowy: bool) -> None:
    """A beam from a lamp above the sheet to its pool of light."""
    _, _, bright, _ = ink.palette.sky
    lamp = (e.x + 0.55 * e.turn * ink.height, -0.12)
    half, high = 0.5 * e.size, 0.12 * e.size
    ink.polygon(
        [(lamp[0] - 0.015, lamp[1]), (lamp[0] + 0.015, lamp[1]), (e.x + half, e.y), (e.x - half, e.y)], bright, 0.16
    )
    inner = 0.62 * half
    ink.polygon(
        [(lamp[0] - 0.01, lamp[1]), (lamp[0] + 0.01, lamp[1]), (e.x + inner, e.y), (e.x - inner, e.y)], bright, 0.12
    )
    ink.ellipse(e.x, e.y, half, high, bright, 0.4)
    ink.ellipse(e.x, e.y, 0.7 * half, 0.7 * high, bright, 0.5)


def curtain(ink: Ink, e: Element, snowy: bool) -> None:
    """Folds at both sides and a valance above."""
    velvet = ink.tone(VELVETS[min(3, int(4 * e.tint))], 0.0)
    dark, folds = mix(velvet, ink.palette.sky[3], 0.55), 4
    for side in (-1, 1):
        edge = ink.left if side < 0 else ink.right
        for i in range(folds):
            a, b = (edge - side * e.size * k / folds for k in (i, i + 1.02))
            sway = 0.02 * (i % 2)
            ink.polygon(
                [(a, -0.05), (b, -0.05), (b, ink.height * 0.93 + sway), (a, ink.height * 0.95 + sway)],
                dark if i % 2 else velvet,
            )
    count = max(4, round(7 * ink.width))
    w = ink.width / count
    for i in range(count):
        x = ink.left + (i + 0.5) * w
        ink.ellipse(x, 0.0, 0.52 * w, 0.075 * min(1.0, ink.height) + 0.012, dark if i % 2 else velvet)


def tabletop(ink: Ink, e: Element, snowy: bool) -> None:
    """A table seen a little from above, its cloth or wood, and a disc on the wall behind it."""
    base, pattern, bright, deep = ink.palette.sky
    ink.ellipse(e.x, e.y - 0.45 * e.size, 1.12 * e.size, 1.12 * e.size, blend(base, pattern, 0.45))
    ink.ellipse(e.x, e.y - 0.45 * e.size, 0.9 * e.size, 0.9 * e.size, blend(blend(base, pattern, 0.4), bright, 0.6))
    top = blend(pattern, deep, 0.25) if e.tint < 0.5 else ink.tone(mix(WOOD, rgb("#c98f5a"), 0.7), 0.0)
    ink.box(ink.left - 0.1, e.y, ink.width + 0.2, ink.height - e.y + 0.1, top)
    ink.box(ink.left - 0.1, e.y, ink.width + 0.2, 0.012, blend(top, bright, 0.35))
    y, gap = e.y + 0.05, 0.06
    while y < ink.height:
        ink.box(ink.left - 0.1, y, ink.width + 0.2, 0.004, blend(top, deep, 0.25), 0.5)
        y, gap = y + gap, gap * 1.4


def window(ink: Ink, e: Element, snowy: bool) -> None:
    """A window with four panes, the light of the hour in it."""
    base, pattern, bright, deep = ink.palette.sky
    w, h = 0.72 * e.size, e.size
    x, y = e.x - w / 2, e.y - h / 2
    frame = blend(base, bright, 0.9)
    ink.box(x - 0.018, y - 0.018, w + 0.036, h + 0.036, frame)
    ink.pen.rectangle(x, y, w, h)
    ink.pen.fill_down(y, y + h, [(0.0, blend(pattern, deep, 0.35), 1.0), (1.0, blend(pattern, bright, 0.5), 1.0)])
    ink.ellipse(x + 0.66 * w, y + 0.34 * h, 0.1 * h, 0.1 * h, blend(bright, pattern, 0.1))
    ink.box(x + w / 2 - 0.007, y, 0.014, h, frame)
    ink.box(x, y + 0.45 * h - 0.007, w, 0.014, frame)
    ink.box(x - 0.04, y + h + 0.014, w + 0.08, 0.024, blend(frame, deep, 0.12))


def street(ink: Ink, e: Element, snowy: bool) -> None:
    """A pavement, and a road with a broken line."""
    paving = ink.tone(rgb("#e4e8ee") if snowy else rgb("#b0a8a4"), 0.12)
    road = ink.tone(rgb("#c4ccd8") if snowy else rgb("#5c5f70"), 0.05)
    ink.box(ink.left - 0.1, e.y, ink.width + 0.2, ink.height - e.y + 0.1, paving)
    top = e.y + 0.24 * (ink.height - e.y)
    ink.box(ink.left - 0.1, top, ink.width + 0.2, ink.height - top + 0.1, road)
    ink.box(ink.left - 0.1, top, ink.width + 0.2, 0.012, ink.tone(rgb("#8f8a8a"), 0.05, lit=False))
    y, x = top + 0.42 * (ink.height - top), ink.left - 0.05
    while x < ink.right:
        ink.polygon(
            [(x, y), (x + 0.11, y), (x + 0.1, y + 0.012), (x - 0.012, y + 0.012)], ink.tone(rgb("#f0ead8"), 0.1)
        )
        x += 0.2


def planet(ink: Ink, e: Element, snowy: bool) -> None:
    """A banded planet; half of them have a ring."""
    colour = PLANETS[min(3, int(4 * e.tint))]
    night = ink.palette.sky[0]
    pen, r = ink.pen, e.size
    pen.save()
    pen.ellipse(e.x, e.y, r, r)
    pen.clip()
    ink.box(e.x - r, e.y - r, 2 * r, 2 * r, mix(colour, night, 0.12))
    for y, h, t in ((-0.5, 0.22, 0.35), (-0.05, 0.16, 0.2), (0.35, 0.3, 0.3)):
        ink.box(e.x - r, e.y + y * r, 2 * r, h * r, mix(colour, night, t))
    side = -1 if ink.sun_x > e.x else 1
    ink.ellipse(e.x + 0.55 * side * r, e.y + 0.2 * r, 1.05 * r, 1.25 * r, night, 0.35)
    pen.restore()
    if e.tint * 8 % 1 < 0.5:
        tilt = 0.35
        ring = [
            (
                e.x + 1.75 * r * math.cos(a) * math.cos(tilt) + 0.3 * r * math.sin(a) * math.sin(tilt),
                e.y - 1.75 * r * math.cos(a) * math.sin(tilt) + 0.3 * r * math.sin(a) * math.cos(tilt),
            )
            for a in (math.pi * (-0.13 + 1.26 * i / 40) for i in range(41))
        ]
        ink.line(ring, 0.09 * r, mix(colour, (1, 1, 1), 0.35))


def deep(ink: Ink, e: Element, snowy: bool) -> None:
    """The sea from below: darker downwards, rays of light from the surface."""
    a, b, t = neighbours(SEAS, e.tint)
    light, middle, dark = (blend(rgb(p), rgb(q), t) for p, q in zip(a, b, strict=True))
    if ink.palette.lamps:
        light, middle, dark = (mix(c, rgb("#061428"), 0.55) for c in (light, middle, dark))
    ink.pen.rectangle(ink.left - 0.1, -0.1, ink.width + 0.2, ink.height + 0.2)
    ink.pen.fill_down(0, ink.height, [(0.0, light, 1.0), (0.35, middle, 1.0), (1.0, dark, 1.0)])
    for i in range(5):
        x = e.x + (i - 2) * 0.16 + 0.03 * math.sin(5 * i)
        drift = 0.16 * (i - 2) + 0.12
        end: list[Point] = [(x + drift + 0.09, 0.72 * ink.height), (x + drift - 0.05, 0.72 * ink.height)]
        ink.polygon([(x - 0.02, -0.05), (x + 0.03, -0.05), *end], light, 0.13)
    for _ in range(16):
        r = ink.rng.choice((0.004, 0.006, 0.009))
        ink.ellipse(ink.rng.uniform(ink.left, ink.right), ink.rng.uniform(0.2, 0.9) * ink.height, r, r, light, 0.45)


Draw = Callable[[Ink, Element, bool], None]
DRAW: dict[str, Draw] = {
    "sunburst": sunburst,
    "rings": rings,
    "halves": halves,
    "dots": dots,
    "waves": waves,
    "arch": arch,
    "floor": floor,
    "spotlight": spotlight,
    "curtain": curtain,
    "tabletop": tabletop,
    "window": window,
    "street": street,
    "planet": planet,
    "deep": deep,
}
