"""Draws each kind of element with ink."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from studio.backends.poster.scene import drawings, graphic, props
from studio.backends.poster.scene.elements import KINDS, PARTS, Element, bend, line, reach
from studio.backends.poster.scene.ink import LAMP, Colour, Ink, Point, mix, rgb, times
from studio.backends.poster.scene.light import neighbours, softened
from studio.backends.poster.scene.props import CLAY, GRASS, LEAF, PINE, RED, ROCK, SAND, SEA, SNOW, WHITE, WOOD

WALLS = tuple(rgb(c) for c in ("#f0e2c8", "#e8c8a0", "#d98f6a", "#c8d0c8", "#5f8fa8", "#d8a03c", "#c0503c", "#e6d6d0"))
ROOFS = tuple(rgb(c) for c in ("#b5543c", "#9c4438", "#7a4a48", "#c06a42"))
STONES = tuple(rgb(c) for c in ("#8a93a8", "#a8a0a4", "#76889c", "#b09a90"))
MEADOWS = tuple(rgb(c) for c in ("#5f8f52", "#7a9a4c", "#93a84e", "#b3b05a", "#c98f58"))
BLOOMS = tuple(rgb(c) for c in ("#e0584a", "#f0c04a", "#e08ab0", "#f4f0e4"))
CLIFFS = tuple(rgb(c) for c in ("#c8683e", "#d98a54", "#a84e38", "#e0a06a"))
SEAS = tuple(rgb(c) for c in ("#2f7f95", "#3a8a94", "#2fa0a8"))


KEY_LIGHT = 0.42
"""How much whiter than the hour the light on things asked for is: they are what is to be seen."""


def pick(colours: tuple[Colour, ...], tint: float) -> Colour:
    """The colour of a role: `tint` 0 to 1 along a row of them, without steps between."""
    return mix(*neighbours(colours, tint))


def choice(colours: tuple[Colour, ...], tint: float) -> Colour:
    return colours[min(len(colours) - 1, max(0, int(tint * len(colours))))]


def sky(ink: Ink, e: Element, snowy: bool) -> None:
    if ink.paper:
        graphic.ground(ink, ink.staged)
    else:
        ink.sky(e.y)


def disc(ink: Ink, e: Element, snowy: bool) -> None:
    ink.disc(e.y, e.size)


def crescent(ink: Ink, e: Element, snowy: bool) -> None:
    ink.crescent(e.y, e.size)


def stars(ink: Ink, e: Element, snowy: bool) -> None:
    ink.stars(e.y, int(100 * e.size))


def cloud(ink: Ink, e: Element, snowy: bool) -> None:
    tones = ink.palette.sky
    pale = mix(tones[-1], tones[0], 0.1) if ink.palette.lamps else mix(tones[-1], ink.palette.disc, 0.45)
    heavy = mix(mix(tones[0], tones[2], 0.55), tones[1], min(1.0, e.y))
    ink.cloud(e.x, e.y, e.size, mix(pale, heavy, min(1.0, max(0.0, e.tint))))


def mist(ink: Ink, e: Element, snowy: bool) -> None:
    ink.veil(e.y, e.size, mix(ink.palette.haze, ink.palette.sky[-1], 0.5), 0.78)


def rain(ink: Ink, e: Element, snowy: bool) -> None:
    drop = mix(ink.palette.sky[-1], (1, 1, 1), 0.35)
    for _ in range(int(46 * e.size * ink.width)):
        x, y = ink.rng.uniform(ink.left - 0.05, ink.right + 0.1), ink.rng.uniform(0, ink.height)
        length = ink.rng.uniform(0.06, 0.12)
        ink.line([(x, y), (x + length * 0.3 * e.turn, y + length)], 0.006, drop, 0.6)


def snow(ink: Ink, e: Element, snowy: bool) -> None:
    flake = mix(rgb("#ffffff"), ink.palette.haze, 0.1)
    for _ in range(int(60 * e.size * ink.width)):
        r = ink.rng.choice((0.006, 0.008, 0.011))
        ink.ellipse(ink.rng.uniform(ink.left, ink.right), ink.rng.uniform(0, ink.height), r, r, flake, 0.92)


def ridge(ink: Ink, e: Element, snowy: bool) -> None:
    white = (0.55 if snowy else 0.4) if e.depth < 0.55 else 0.3
    props.mountain(
        ink, e.x, e.y, e.size * e.wide, e.size, pick((ROCK, rgb("#8a7a78"), rgb("#6f7f8a")), e.tint), e.depth, white
    )


def mesa(ink: Ink, e: Element, snowy: bool) -> None:
    half = 0.5 * e.size * e.wide
    top = e.y - e.size
    ink.polygon(
        [(e.x - half, e.y), (e.x - half * 0.72, top), (e.x + half * 0.72, top), (e.x + half, e.y)],
        ink.tone(CLAY, e.depth),
    )
    side = 1 if ink.sun_x < e.x else -1
    shade = [
        (e.x + side * half, e.y),
        (e.x + side * half * 0.72, top),
        (e.x + side * half * 0.3, top),
        (e.x + side * half * 0.45, e.y),
    ]
    ink.polygon(shade, ink.tone(CLAY, e.depth, lit=False), 0.6)


def skyline(ink: Ink, e: Element, snowy: bool) -> None:
    x = e.x - 0.5 * e.wide
    while x < e.x + 0.5 * e.wide:
        w = ink.rng.uniform(0.05, 0.1)
        h = e.size * ink.rng.uniform(0.55, 1.25)
        ink.box(x, e.y - h, w, h, ink.tone(ink.rng.choice(STONES), e.depth))
        x += w


def water(ink: Ink, e: Element, snowy: bool) -> None:
    props.water(ink, e.y, pick(SEAS, e.tint))


def _edge(ink: Ink, e: Element) -> list[Point]:
    swing = 0.005 * (1 - e.depth)
    phase = ink.rng.uniform(0, 6)
    whole = ink.width + 0.2
    steps = round(50 * whole)
    xs = (ink.left - 0.1 + whole * i / steps for i in range(steps + 1))
    return [(x, line(e, x) + swing * math.sin(9 * x + phase)) for x in xs]


def hill(ink: Ink, e: Element, snowy: bool) -> None:
    land = SNOW if snowy else pick(MEADOWS, e.tint)
    ink.ground(_edge(ink, e), ink.tone(land, e.depth))


def dune(ink: Ink, e: Element, snowy: bool) -> None:
    edge = _edge(ink, e)
    sand = SNOW if snowy else SAND
    ink.ground(edge, ink.tone(sand, e.depth))
    if e.size < 0.03:
        return
    side = 1 if ink.sun_x < e.x else -1
    far = e.x + side * 0.7
    flank = [(x, y) for x, y in edge if 0 <= (x - e.x) * side <= 0.75]
    if side < 0:
        flank.reverse()
    top = (e.x, line(e, e.x))
    foot = ink.curve(
        [
            top,
            (e.x + side * 0.05, e.y + 0.2 * e.size),
            (e.x + side * 0.16, e.y + 1.2 * e.size),
            (far, e.y + 2.2 * e.size),
        ]
    )
    ink.polygon([top, *flank, *reversed(foot)], ink.tone(sand, e.depth, lit=False), 0.55)


def cliff(ink: Ink, e: Element, snowy: bool) -> None:
    side, rng = e.side, ink.rng
    end = max(1.1, (ink.right - e.x if side > 0 else e.x - ink.left) + 0.1)
    xs = [e.x + side * t for t in (0, 0.06, 0.14, 0.24, 0.36, 0.5, 0.75, end)]
    top = [(x, line(e, x)) for x in xs]
    face = [
        (e.x + side * (0.02 + 0.05 * t + rng.uniform(0, 0.03)), e.y + t * e.size) for t in (0.16, 0.35, 0.55, 0.8, 1.0)
    ]
    low = (e.x + side * end, e.y + e.size)
    ink.polygon([*reversed(top), *face, low], ink.tone(ROCK, e.depth, lit=(side > 0) == (ink.sun_x < e.x)))
    dark, edge = ink.tone(ROCK, e.depth, lit=False), [(e.x, e.y), *face]
    for i in range(4):
        near, far = 0.26 * i, 0.26 * i + rng.uniform(0.1, 0.16)
        crack = [(x + side * (far + 0.03 * (j % 2)), y) for j, (x, y) in enumerate(edge)]
        ink.polygon([*((x + side * near, y) for x, y in edge), *reversed(crack)], dark, 0.45 - 0.08 * i)
    cap = [(x, y + 0.055 + 0.02 * (i % 2)) for i, (x, y) in enumerate(top)]
    ink.polygon([*top, *reversed(cap)], ink.tone(SNOW if snowy else GRASS, e.depth))


def wall(ink: Ink, e: Element, snowy: bool) -> None:
    side = e.side
    outer = ink.right + 0.1 if side > 0 else ink.left - 0.1
    lit = (side < 0) == (ink.sun_x > 0.5)
    steps, foot = 7, ink.height + 0.05
    rise = (foot - e.y) / steps
    for i in range(steps):
        y = e.y + i * rise
        x = e.x - side * (0.18 * (y - e.y) / 0.5 * e.size + (0.02 if i % 2 else 0))
        ink.polygon(
            [(outer, y), (x, y), (x - side * 0.025, y + rise + 0.002), (outer, y + rise + 0.002)],
            ink.tone(CLIFFS[(i + (e.depth > 0.3)) % 4], e.depth, lit=lit),
        )


def island(ink: Ink, e: Element, snowy: bool) -> None:
    near = e.depth < 0.4
    if near:
        ink.ellipse(e.x, e.y + 0.02 * e.size, 0.62 * e.size, 0.1 * e.size, ink.tone(rgb("#7fd0c8"), 0.1), 0.5)
    top = [(x, line(e, x)) for x in (e.x + e.size * (-0.499 + 0.998 * i / 30) for i in range(31))]
    low = ink.curve(
        [
            top[-1],
            (e.x + 0.25 * e.size, e.y + 0.045 * e.size),
            (e.x, e.y + 0.06 * e.size),
            (e.x - 0.25 * e.size, e.y + 0.045 * e.size),
            top[0],
        ]
    )
    ink.polygon([*top, *low], ink.tone(rgb("#f0d8a0") if near else LEAF, e.depth))


def quay(ink: Ink, e: Element, snowy: bool) -> None:
    ink.box(ink.left - 0.1, e.y - 0.006, ink.width + 0.2, 0.03, ink.tone(SNOW if snowy else ROCK, 0.05, lit=False))


def _strip(ink: Ink, e: Element, colour: Colour) -> None:
    ys = [e.y + (ink.height + 0.05 - e.y) * (i / 24) ** 1.2 for i in range(25)]
    left = [(bend(e, y) - reach(e, y), y) for y in ys]
    right = [(bend(e, y) + reach(e, y), y) for y in ys]
    ink.polygon([*left, *reversed(right)], colour)


def path(ink: Ink, e: Element, snowy: bool) -> None:
    _strip(ink, e, ink.tone(rgb("#d8e0ea") if snowy else rgb("#d8b98a"), e.depth))


def river(ink: Ink, e: Element, snowy: bool) -> None:
    _strip(ink, e, mix(ink.tone(SEA, 0.4), ink.tone(SEA, 0.05), 0.6))


def pier(ink: Ink, e: Element, snowy: bool) -> None:
    def half(y: float) -> float:
        return 0.5 * e.size * (0.4 + (y - e.y) * 1.6)

    foot = ink.height + 0.05
    ink.polygon(
        [(e.x - half(e.y), e.y), (e.x + half(e.y), e.y), (e.x + half(foot), foot), (e.x - half(foot), foot)],
        ink.tone(WOOD, 0.02),
    )
    y, gap = e.y + 0.03, 0.04
    while y < foot:
        ink.box(e.x - half(y), y, 2 * half(y), 0.006, ink.tone(WOOD, 0.02, lit=False), 0.7)
        y, gap = y + gap, gap * 1.25
    for side in (-1, 1):
        w = 0.12 * e.size
        ink.box(e.x + side * half(e.y) - w / 2, e.y - 2 * w, w, 5 * w, ink.tone(WOOD, 0, lit=False))


def woods(ink: Ink, e: Element, snowy: bool) -> None:
    count = max(2, int(e.wide / (0.36 * e.size)))
    for i in range(count):
        x = e.x + e.wide * ((i + 0.5) / count - 0.5) + ink.rng.uniform(-0.1, 0.1) * e.size
        props.pine(ink, x, e.y + 0.02, e.size * ink.rng.uniform(0.75, 1.15), e.depth, snowy)


def pine(ink: Ink, e: Element, snowy: bool) -> None:
    props.pine(ink, e.x, e.y, e.size, e.depth, snowy)


def tree(ink: Ink, e: Element, snowy: bool) -> None:
    (props.tree if not snowy else props.pine)(ink, e.x, e.y, e.size, e.depth)


def palm(ink: Ink, e: Element, snowy: bool) -> None:
    props.palm(ink, e.x, e.y, e.size, 0.26 * e.turn)


def cactus(ink: Ink, e: Element, snowy: bool) -> None:
    green, s = rgb("#4f7a54"), e.size
    for lit, dx in ((False, 0.0), (True, (-0.035 if ink.sun_x < e.x else 0.035) * s)):
        w, colour = 0.14 * s * (0.5 if lit else 1), ink.tone(green, e.depth * 0.6, lit=lit)
        ink.line([(e.x + dx, e.y - 0.02 * s), (e.x + dx, e.y - 0.93 * s)], w, colour)
        for arm, y in ((-1, 0.42), (1, 0.56)):
            out = e.x + arm * 0.23 * s
            ink.line(
                [(e.x + dx, e.y - y * s), (out + dx, e.y - y * s), (out + dx, e.y - (y + 0.25) * s)], w * 0.75, colour
            )


def bush(ink: Ink, e: Element, snowy: bool) -> None:
    for dx, w, h, lit in ((-0.35, 0.4, 0.5, False), (0.3, 0.45, 0.6, False), (0, 0.38, 0.72, True)):
        colour = SNOW if snowy and lit else mix(LEAF, PINE, 0.4)
        ink.ellipse(
            e.x + dx * e.size, e.y - h * 0.5 * e.size, w * e.size, h * 0.55 * e.size, ink.tone(colour, e.depth, lit=lit)
        )


def rock(ink: Ink, e: Element, snowy: bool) -> None:
    s, side = e.size, -1 if ink.sun_x < e.x else 1
    outline = [(-0.7, 0.04), (-0.5, -0.42), (-0.1, -0.7), (0.4, -0.5), (0.7, 0.04)]
    ink.polygon([(e.x + dx * s, e.y + dy * s) for dx, dy in outline], ink.tone(ROCK, e.depth, lit=False))
    lit = [(-0.1, -0.7), (0.12, -0.25), (0.0, 0.04), (0.62 * side, 0.04), (0.45 * side, -0.46)]
    ink.polygon([(e.x + dx * s, e.y + dy * s) for dx, dy in lit], ink.tone(SNOW if snowy else ROCK, e.depth))


def flowers(ink: Ink, e: Element, snowy: bool) -> None:
    bloom, rng = ink.tone(choice(BLOOMS, e.tint), e.depth * 0.5), ink.rng
    for i in range(13):
        x = e.x + (i / 6 - 1) * 0.62 * e.size + rng.uniform(-0.04, 0.04) * e.size
        y, h = e.y - rng.uniform(0, 0.18) * e.size, e.size * rng.uniform(0.25, 0.42)
        ink.line([(x, y), (x, y - h)], 0.03 * e.size, ink.tone(LEAF, e.depth, lit=False))
        r = e.size * rng.uniform(0.05, 0.075)
        ink.ellipse(x, y - h, r, r, bloom)


def house(ink: Ink, e: Element, snowy: bool) -> None:
    props.house(ink, e.x, e.y, e.size, choice(WALLS, e.tint), choice(ROOFS, e.tint * 7 % 1), e.depth, snowy)


def church(ink: Ink, e: Element, snowy: bool) -> None:
    x, y, s, d = e.x, e.y, e.size, e.depth
    sun_left = ink.sun_x < x
    side = 1 if sun_left else -1
    ink.box(x - side * 0.02 * s - 0.16 * s, y - 0.3 * s, 0.36 * s, 0.3 * s, ink.tone(WHITE, d))
    roof = SNOW if snowy else ROOFS[2]
    ink.polygon(
        [
            (x - 0.2 * s, y - 0.3 * s),
            (x - 0.12 * s, y - 0.46 * s),
            (x + 0.14 * s, y - 0.46 * s),
            (x + 0.21 * s, y - 0.3 * s),
        ],
        ink.tone(roof, d),
    )
    w = 0.15 * s
    ink.box(x - w / 2, y - 0.66 * s, w, 0.66 * s, ink.tone(WHITE, d))
    ink.box(x if sun_left else x - w / 2, y - 0.66 * s, w / 2, 0.66 * s, ink.tone(WHITE, d, lit=False), 0.6)
    ink.polygon([(x - 0.66 * w, y - 0.66 * s), (x, y - s), (x + 0.66 * w, y - 0.66 * s)], ink.tone(roof, d, lit=False))
    glass = LAMP if ink.palette.lamps else ink.tone(WOOD, d, lit=False)
    ink.box(x - 0.14 * w, y - 0.58 * s, 0.28 * w, 0.1 * s, glass)
    ink.box(x - 0.17 * w, y - 0.13 * s, 0.34 * w, 0.13 * s, ink.tone(WOOD, d, lit=False))


def lighthouse(ink: Ink, e: Element, snowy: bool) -> None:
    props.lighthouse(ink, e.x, e.y, e.size)


def windmill(ink: Ink, e: Element, snowy: bool) -> None:
    x, y, s, d = e.x, e.y, e.size, e.depth
    side = 1 if ink.sun_x < x else -1
    body = [(x - 0.15 * s, y), (x - 0.09 * s, y - 0.66 * s), (x + 0.09 * s, y - 0.66 * s), (x + 0.15 * s, y)]
    ink.polygon(body, ink.tone(WHITE, d))
    ink.polygon(
        [(x, y), (x, y - 0.66 * s), (x + side * 0.09 * s, y - 0.66 * s), (x + side * 0.15 * s, y)],
        ink.tone(WHITE, d, lit=False),
        0.6,
    )
    ink.polygon(
        [(x - 0.12 * s, y - 0.65 * s), (x, y - 0.82 * s), (x + 0.12 * s, y - 0.65 * s)],
        ink.tone(SNOW if snowy else ROOFS[0], d),
    )
    ink.box(x - 0.035 * s, y - 0.14 * s, 0.07 * s, 0.14 * s, ink.tone(WOOD, d, lit=False))
    if ink.palette.lamps:
        ink.box(x - 0.03 * s, y - 0.4 * s, 0.06 * s, 0.09 * s, LAMP)
    hub, sail = (x, y - 0.72 * s), ink.tone(rgb("#efe6d2"), d)
    for i in range(4):
        a = math.pi / 2 * i + 0.5 + 0.6 * e.turn
        dx, dy = math.cos(a), math.sin(a)
        tip = (hub[0] + 0.42 * s * dx, hub[1] + 0.42 * s * dy)
        near = (hub[0] + 0.09 * s * dx, hub[1] + 0.09 * s * dy)
        off = (-0.075 * s * dy, 0.075 * s * dx)
        ink.polygon([near, tip, (tip[0] + off[0], tip[1] + off[1]), (near[0] + off[0], near[1] + off[1])], sail, 0.92)
        ink.line([hub, tip], 0.016 * s, ink.tone(WOOD, d, lit=False))


def tent(ink: Ink, e: Element, snowy: bool) -> None:
    props.tent(ink, e.x, e.y, e.size)


def campfire(ink: Ink, e: Element, snowy: bool) -> None:
    x, y, s = e.x, e.y, e.size
    ink.ellipse(x, y - 0.4 * s, 1.5 * s, 1.3 * s, LAMP, 0.3 if ink.palette.lamps else 0.12)
    for dx, high, colour in ((0, 1.15, "#e8642c"), (-0.2, 0.7, "#f0903a"), (0.2, 0.75, "#f0903a"), (0, 0.6, "#ffd678")):
        tip = (x + (dx + 0.08) * s, y - high * s)
        ink.polygon(
            [
                *ink.curve([(x + (dx - 0.22) * s, y - 0.1 * s), (x + (dx - 0.14) * s, y - 0.45 * high * s), tip]),
                *ink.curve([tip, (x + (dx + 0.2) * s, y - 0.4 * high * s), (x + (dx + 0.2) * s, y - 0.1 * s)]),
            ],
            rgb(colour),
        )
    for turn in (-1, 1):
        ink.line(
            [(x - turn * 0.42 * s, y), (x + turn * 0.42 * s, y - 0.16 * s)], 0.12 * s, ink.tone(WOOD, 0, lit=False)
        )


def _facing(e: Element) -> Callable[[float, float], Point]:
    """Points of an element that faces left or right, from its middle or foot: forwards and up, in parts of its size."""
    forwards = e.side * e.size
    return lambda dx, dy: (e.x + forwards * dx, e.y - dy * e.size)


def deer(ink: Ink, e: Element, snowy: bool) -> None:
    at, s = _facing(e), e.size
    coat, dark = ink.tone(rgb("#a8683c"), e.depth), ink.tone(rgb("#7a4a30"), e.depth, lit=False)
    for dx in (-0.27, -0.19, 0.15, 0.22):
        ink.line([at(dx, 0.4), at(dx + 0.015, 0.0)], 0.045 * s, dark)
    ink.polygon(
        ink.curve(
            [
                at(-0.34, 0.52),
                at(-0.2, 0.62),
                at(0.15, 0.58),
                at(0.27, 0.66),
                at(0.27, 0.42),
                at(0.1, 0.33),
                at(-0.25, 0.34),
                at(-0.34, 0.52),
            ]
        ),
        coat,
    )
    ink.polygon([at(0.13, 0.56), at(0.25, 0.9), at(0.34, 0.88), at(0.29, 0.5)], coat)
    ink.polygon([at(0.22, 0.92), at(0.31, 0.95), at(0.47, 0.82), at(0.44, 0.78), at(0.28, 0.8)], coat)
    for lean in (-0.07, 0.06):
        ink.line([at(0.27, 0.93), at(0.27 + lean, 1.08)], 0.026 * s, dark)
        ink.line([at(0.27 + lean * 0.6, 1.02), at(0.27 + lean * 2.2, 1.08)], 0.02 * s, dark)
    ink.ellipse(*at(-0.35, 0.53), 0.045 * s, 0.05 * s, ink.tone(WHITE, e.depth))


def terrace(ink: Ink, e: Element, snowy: bool) -> None:
    w, h, d = 0.5 * e.size * e.wide, e.size, e.depth
    x = e.x - w / 2
    ink.box(x, e.y - h, w, h, ink.tone(choice(WALLS, e.tint), d))
    cover = SNOW if snowy else choice(ROOFS, e.tint * 5 % 1)
    ink.polygon([(x - 0.006, e.y - h), (e.x, e.y - 1.4 * h), (x + w + 0.006, e.y - h)], ink.tone(cover, d, lit=snowy))
    glass = LAMP if ink.palette.lamps else ink.tone(rgb("#3f4c60"), d, lit=False)
    rows = max(2, int(h / 0.075))
    for row in range(rows):
        for column in (0.18, 0.58):
            ink.box(x + w * column, e.y - h + 0.02 + row * (h - 0.02) / rows, w * 0.22, 0.55 * h / rows, glass)


def tower(ink: Ink, e: Element, snowy: bool) -> None:
    w, h, d = 0.35 * e.size * e.wide, e.size, e.depth
    x, top, stone = e.x - w / 2, e.y - e.size, choice(STONES, e.tint)
    ink.box(x, top, w, h, ink.tone(stone, d))
    shade = ink.tone(stone, d, lit=False)
    ink.box(x + w * 0.55 if ink.sun_x < e.x else x, top, w * 0.45, h, shade, 0.8)
    style = e.tint * 8 % 1
    if style < 0.25:
        ink.polygon([(x, top), (e.x, top - w * 0.6), (x + w, top)], shade)
    elif style < 0.5:
        ink.box(x + w * 0.2, top - 0.025, w * 0.6, 0.027, shade)
        ink.box(x + w * 0.47, top - 0.08, w * 0.06, 0.07, shade)
    elif snowy:
        ink.box(x - 0.004, top - 0.012, w + 0.008, 0.02, ink.tone(SNOW, d))
    if d > 0.5:
        return
    dark, gap = ink.tone(rgb("#3c4660"), d, lit=False), 0.048
    columns = max(2, round(w / 0.04))
    for row in range(int((h - 0.03) / gap)):
        for column in range(columns):
            glow = ink.palette.lamps and ink.rng.random() < 0.6
            ink.box(
                x + w / columns * (column + 0.22),
                top + 0.022 + row * gap,
                w / columns * 0.56,
                gap * 0.52,
                LAMP if glow else dark,
                1.0 if glow else 0.7,
            )


def boat(ink: Ink, e: Element, snowy: bool) -> None:
    props.boat(ink, e.x, e.y - 0.2 * e.size, e.size)


def balloon(ink: Ink, e: Element, snowy: bool) -> None:
    props.balloon(ink, e.x, e.y - 0.25 * e.size, e.size)


def birds(ink: Ink, e: Element, snowy: bool) -> None:
    props.birds(ink, e.x, e.y - 0.1 * e.size, e.size)


def kite(ink: Ink, e: Element, snowy: bool) -> None:
    x, y, s = e.x, e.y, e.size
    top, low, left, right = (
        (x + 0.1 * s, y - 0.7 * s),
        (x - 0.1 * s, y + 0.35 * s),
        (x - 0.42 * s, y - 0.25 * s),
        (x + 0.42 * s, y - 0.1 * s),
    )
    middle = (x + 0.03 * s, y - 0.2 * s)
    one, two = ink.tone(choice(BLOOMS[:3], e.tint), 0.03), ink.tone(WHITE, 0.03)
    for i, (a, b) in enumerate(((top, left), (left, low), (low, right), (right, top))):
        ink.polygon([a, b, middle], two if i % 2 else one)
    tail = ink.curve([low, (x - 0.28 * s, y + 0.45 * s), (x - 0.1 * s, y + 0.55 * s), (x - 0.3 * s, y + 0.7 * s)])
    ink.line(tail, 0.03 * s, two)
    for t in (12, 22, 30):
        px, py = tail[min(t, len(tail) - 1)]
        ink.polygon(
            [
                (px - 0.06 * s, py - 0.04 * s),
                (px + 0.06 * s, py + 0.04 * s),
                (px + 0.06 * s, py - 0.04 * s),
                (px - 0.06 * s, py + 0.04 * s),
            ],
            two,
        )


def plane(ink: Ink, e: Element, snowy: bool) -> None:
    at = _facing(e)
    body, dark = (
        ink.tone(RED if e.tint < 0.5 else WHITE, 0.03),
        ink.tone(WHITE if e.tint < 0.5 else RED, 0.03, lit=False),
    )
    ink.polygon(
        ink.curve(
            [
                at(-0.5, 0.06),
                at(-0.1, 0.13),
                at(0.3, 0.11),
                at(0.48, 0.0),
                at(0.3, -0.08),
                at(-0.2, -0.06),
                at(-0.5, 0.06),
            ]
        ),
        body,
    )
    ink.polygon([at(-0.36, 0.06), at(-0.5, 0.24), at(-0.56, 0.24), at(-0.5, 0.03)], dark)
    ink.polygon([at(0.14, 0.0), at(-0.12, -0.22), at(-0.24, -0.22), at(-0.08, 0.0)], dark)
    glass = LAMP if ink.palette.lamps else ink.tone(rgb("#46536a"), 0.03)
    ink.polygon([at(0.18, 0.12), at(0.3, 0.1), at(0.34, 0.05), at(0.2, 0.05)], glass)


def thing(ink: Ink, e: Element, snowy: bool) -> None:
    """What a prompt asked for, in the light of the scene: its colours lean to the palette, one side lies in shade, and
    it throws a shadow on the ground."""
    if not e.drawing:
        return
    whole, *shapes = drawings.shapes(e.drawing)
    scale, flip = e.size / drawings.SIDE, -e.side if drawings.drawings()[e.drawing].turns else 1
    high = e.size * min(1.0, 1 / e.aspect)
    foot = e.y + 0.5 * high if e.kind.startswith("flyer") else e.y

    def trace(shape: drawings.FilledOutline) -> None:
        for command, numbers in shape.commands:
            at = [v * scale * flip + e.x if i % 2 == 0 else v * scale + foot for i, v in enumerate(numbers)]
            {"M": ink.pen.move_to, "L": ink.pen.line_to, "C": ink.pen.curve_to, "Z": ink.pen.close_path}[command](*at)

    if KINDS[e.kind].on != "air":
        wide = 0.5 * e.size * min(1.0, e.aspect)
        dark = mix(ink.palette.shade, (0.05, 0.05, 0.1), 0.6)
        ink.ellipse(e.x, foot - 0.004 * e.size, 1.05 * wide, 0.11 * wide, dark, 0.32 * (1 - 0.6 * e.depth))
    lit = mix(ink.palette.light, (1.0, 1.0, 1.0), KEY_LIGHT)
    for shape in shapes:
        trace(shape)
        colour = times(softened(rgb(shape.colour), ink.palette.haze, e.depth), lit)
        ink.pen.fill(mix(colour, ink.palette.haze, 0.55 * e.depth))
    ink.pen.save()
    trace(whole)
    ink.pen.clip()
    away = 1 if ink.sun_x < e.x else -1
    reach_ = e.size
    dark = times(ink.palette.shade, (0.8, 0.75, 0.95))
    ink.pen.ellipse(e.x - 0.62 * away * reach_, foot - 0.62 * high, 1.02 * reach_, 1.0 * reach_)
    ink.pen.rectangle(e.x - 2 * reach_, foot - 3 * reach_, 4 * reach_, 4 * reach_)
    ink.pen.fill_apart(dark, 0.26)
    ink.pen.restore()


def scatter(ink: Ink, e: Element, snowy: bool) -> None:
    """Many small ones around a point, none on another."""
    if not e.drawing:
        return
    rng, placed = ink.rng, list[Point]()
    for _ in range(60):
        a, r = rng.uniform(0, 2 * math.pi), e.size * math.sqrt(rng.uniform(0.12, 1.0)) * 0.5
        x, y = e.x + r * math.cos(a), e.y + 0.9 * r * math.sin(a)
        if 0.05 < x < 0.95 and 0.06 < y < ink.height - 0.1 and all(math.hypot(x - p, y - q) > 0.14 for p, q in placed):
            placed.append((x, y))
    colour = ink.palette.sky[2] if len(ink.palette.sky) > 2 else ink.palette.disc
    whole = drawings.shapes(e.drawing)[0]
    for x, y in placed[:9]:
        size = rng.uniform(0.035, 0.06)
        scale, lean = size / drawings.SIDE, rng.uniform(-0.4, 0.4)
        c, s = math.cos(lean) * scale, math.sin(lean) * scale
        for command, n in whole.commands:
            at = [v for i in range(0, len(n), 2) for v in (x + c * n[i] - s * n[i + 1], y + s * n[i] + c * n[i + 1])]
            {"M": ink.pen.move_to, "L": ink.pen.line_to, "C": ink.pen.curve_to, "Z": ink.pen.close_path}[command](*at)
        ink.pen.fill(colour, 0.85)


DRAW: dict[str, Callable[[Ink, Element, bool], None]] = {
    **dict.fromkeys(("dawn", "day", "sunset", "night"), sky),
    **dict.fromkeys(("sun", "moon"), disc),
    "crescent": crescent,
    "stars": stars,
    "cloud": cloud,
    "mist": mist,
    "rain": rain,
    "snow": snow,
    "ridge": ridge,
    "mesa": mesa,
    "skyline": skyline,
    "water": water,
    "hill": hill,
    "dune": dune,
    "cliff": cliff,
    "wall": wall,
    "island": island,
    "quay": quay,
    "path": path,
    "river": river,
    "pier": pier,
    "woods": woods,
    "pine": pine,
    "tree": tree,
    "palm": palm,
    "cactus": cactus,
    "bush": bush,
    "rock": rock,
    "flowers": flowers,
    "house": house,
    "church": church,
    "lighthouse": lighthouse,
    "windmill": windmill,
    "tent": tent,
    "campfire": campfire,
    "deer": deer,
    "terrace": terrace,
    "tower": tower,
    "boat": boat,
    "balloon": balloon,
    "birds": birds,
    "kite": kite,
    "plane": plane,
    "scatter": scatter,
    **graphic.DRAW,
    **dict.fromkeys(PARTS, thing),
}


def draw(ink: Ink, e: Element, snowy: bool) -> None:
    """One element. The ink's rng decides its loose details."""
    lamp = e.kind in ("sun", "moon", "crescent")
    before, ink.sun_x = ink.sun_x, e.x if lamp else ink.sun_x
    DRAW[e.kind](ink, e if e.kind != "water" else replace(e, x=ink.sun_x), snowy)
    ink.sun_x = before
