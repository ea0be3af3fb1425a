"""Scenes: ten places, each drawn layer on layer with Ink; knows the season only as `snowy`, and no captions."""

from __future__ import annotations

from collections.abc import Callable

from studio.backends.poster.scene import props
from studio.backends.poster.scene.ink import LAMP, Ink, mix, rgb
from studio.backends.poster.scene.props import CLAY, GRASS, PINE, ROCK, SAND, SEA, SNOW, WHITE, WOOD

WALLS = tuple(rgb(c) for c in ("#f0e2c8", "#e8c8a0", "#d98f6a", "#c8d0c8", "#e6d6d0"))
ROOFS = tuple(rgb(c) for c in ("#b5543c", "#9c4438", "#7a4a48", "#c06a42"))
Spot = tuple[float, float, float]


def mountains(ink: Ink, snowy: bool) -> dict[str, Spot]:
    rng, foot = ink.rng, 1.06
    for x in (0.12, 0.55, 0.95):
        props.mountain(ink, x + rng.uniform(-0.08, 0.08), foot, 0.75, rng.uniform(0.30, 0.40), ROCK, 0.72, 0.35)
    peak = rng.uniform(0.32, 0.68)
    props.mountain(ink, peak + rng.choice((-0.36, 0.36)), foot + 0.04, 0.8, rng.uniform(0.40, 0.5), ROCK, 0.42, 0.42)
    props.mountain(ink, peak, foot + 0.06, 1.05, rng.uniform(0.62, 0.74), ROCK, 0.18, 0.6 if snowy else 0.42)
    land = SNOW if snowy else GRASS
    hill = ink.waves(1.06, 0.03, 3)
    ink.ground(hill, ink.tone(land, 0.4))
    for i in range(16):
        x = i / 15 + rng.uniform(-0.02, 0.02)
        props.pine(ink, x, ink.at(hill, x) + 0.03, rng.uniform(0.08, 0.12), 0.35, snowy)
    near = ink.waves(1.25, 0.05, 2)
    ink.ground(near, ink.tone(land, 0.05))
    for side in (-1, 1):
        for i in range(3):
            x = 0.5 + side * (0.30 + 0.10 * i) + rng.uniform(-0.03, 0.03)
            props.pine(ink, x, ink.at(near, x) + 0.04 + 0.03 * i, rng.uniform(0.22, 0.34), 0.02, snowy)
    return {"tent": (0.5, 1.34, 0.17), "balloon": (0.24, 0.36, 0.20), "birds": (0.66, 0.32, 0.075)}


def coast(ink: Ink, snowy: bool) -> dict[str, Spot]:
    rng, horizon = ink.rng, 0.92
    props.water(ink, horizon, SEA)
    side = rng.choice((-1, 1))

    def across(x: float) -> float:
        return 0.5 + side * (x - 0.5)

    for reach, top, depth in ((0.48, 0.86, 0.45), (0.62, 0.98, 0.12)):
        edge = [across(x) for x in (1.1, 0.98, 0.86, 0.74, 1 - reach + 0.06, 1 - reach)]
        heights = (top - 0.05, top - 0.03, top, top + 0.01, top + 0.05, top + 0.16)
        cliff = [(x, y + rng.uniform(-0.01, 0.01)) for x, y in zip(edge, heights, strict=True)]
        foot = [(across(1 - reach + 0.04), top + 0.30), (across(0.8), top + 0.42), (across(1.1), top + 0.62)]
        ink.polygon([*cliff, *foot], ink.tone(ROCK, depth, lit=False))
        cap = [(x, y + 0.055 + 0.03 * (i % 2)) for i, (x, y) in enumerate(cliff)]
        ink.polygon([*cliff[:5], cliff[4], *reversed(cap[:5])], ink.tone(SNOW if snowy else GRASS, depth))
    props.lighthouse(ink, across(0.78), 1.0, rng.uniform(0.50, 0.60))
    rock = ink.curve([(across(1.1), 1.2), (across(0.86), 1.24), (across(0.72), 1.36), (across(0.66), 1.6)])
    ink.polygon(
        [*rock, (across(1.2), 1.6)],
        ink.tone(SNOW if snowy else ROCK, 0.0, lit=False),
    )
    return {
        "boat": (across(0.26), 1.14, 0.17),
        "birds": (across(0.3), 0.42, 0.075),
        "balloon": (across(0.26), 0.40, 0.18),
    }


def desert(ink: Ink, snowy: bool) -> dict[str, Spot]:
    rng = ink.rng
    for x in (0.1, 0.3, 0.86):
        w, h, top = rng.uniform(0.12, 0.2), rng.uniform(0.06, 0.13), 0.97
        x += rng.uniform(-0.05, 0.05)
        ink.polygon(
            [(x - w, top + 0.03), (x - w * 0.72, top - h), (x + w * 0.72, top - h), (x + w, top + 0.03)],
            ink.tone(CLAY, 0.55),
        )
    for y, depth, peak in ((0.96, 0.5, 0.3), (1.05, 0.28, 0.72), (1.2, 0.06, 0.36)):
        x = peak + rng.uniform(-0.12, 0.12)
        lift = 0.07 + 0.06 * (1 - depth)
        crest = ink.curve(
            [
                (-0.1, y + lift * 0.6),
                (x * 0.5, y + lift * 0.5),
                (x, y - lift * 0.6),
                (x + (1 - x) * 0.5, y + lift * 0.25),
                (1.1, y + lift * 0.2),
            ]
        )
        dark_right = ink.sun_x < x
        ink.ground(crest, ink.tone(SAND, depth))
        foot = x + (0.16 if dark_right else -0.16)
        ridge = ink.curve(
            [
                (x, y - lift * 0.6),
                (x + (foot - x) * 0.25, y + lift * 0.7),
                (foot, y + lift * 1.6),
                (foot + (0.2 if dark_right else -0.2), y + 0.55),
            ]
        )
        side = [p for p in crest if (p[0] >= x) == dark_right]
        far = [(1.1, 1.6)] if dark_right else [(-0.1, 1.6)]
        outline = side if dark_right else list(reversed(side))
        ink.polygon([*outline, *far, *reversed(ridge)], ink.tone(SAND, depth, lit=False), 0.75)
    green = rgb("#4f7a54")
    cx, s = rng.choice((0.14, 0.86)), rng.uniform(0.9, 1.2)
    for lit, dx in ((False, 0.0), (True, -0.012 if ink.sun_x < cx else 0.012)):
        w = 0.05 * s * (1 if not lit else 0.5)
        colour = ink.tone(green, 0.02, lit=lit)
        ink.line([(cx + dx, 1.40), (cx + dx, 1.40 - 0.34 * s)], w, colour)
        for arm, y in ((-1, 0.16), (1, 0.21)):
            out = cx + arm * 0.085 * s
            ink.line(
                [(cx + dx, 1.40 - y * s), (out + dx, 1.40 - y * s), (out + dx, 1.40 - (y + 0.09) * s)], w * 0.75, colour
            )
    return {"tent": (0.52, 1.36, 0.17), "balloon": (0.70 if cx < 0.5 else 0.28, 0.40, 0.22), "birds": (0.5, 0.5, 0.07)}


def city(ink: Ink, snowy: bool) -> dict[str, Spot]:
    rng, quay = ink.rng, 1.2
    stone = (rgb("#8a93a8"), rgb("#a8a0a4"), rgb("#76889c"), rgb("#b09a90"))
    for depth, low, high, width in ((0.62, 0.30, 0.55, 0.085), (0.32, 0.22, 0.46, 0.11), (0.05, 0.10, 0.30, 0.14)):
        x = -0.04
        while x < 1.02:
            w = width * rng.uniform(0.8, 1.25)
            h = rng.uniform(low, high)
            colour = rng.choice(stone)
            top = quay - h
            ink.box(x, top, w, h, ink.tone(colour, depth))
            dark = x + w * 0.55 if ink.sun_x < x + w / 2 else x
            ink.box(dark, top, w * 0.45, h, ink.tone(colour, depth, lit=False), 0.8)
            style = rng.random()
            if style < 0.25:
                ink.polygon([(x, top), (x + w / 2, top - w * 0.7), (x + w, top)], ink.tone(colour, depth, lit=False))
            elif style < 0.45:
                ink.box(x + w * 0.2, top - 0.03, w * 0.6, 0.032, ink.tone(colour, depth, lit=False))
                ink.box(x + w * 0.47, top - 0.10, w * 0.06, 0.08, ink.tone(colour, depth, lit=False))
            elif snowy:
                ink.box(x - 0.004, top - 0.012, w + 0.008, 0.02, ink.tone(SNOW, depth))
            if depth < 0.5:
                _windows(ink, x, top, w, h, depth)
            x += w + rng.choice((0.0, 0.0, 0.012))
    props.water(ink, quay, SEA, 0.5)
    for i in range(7):
        x = (i + 0.5) / 7 + rng.uniform(-0.05, 0.05)
        shine = LAMP if ink.palette.lamps else ink.tone(WHITE, 0.3)
        for j in range(3):
            ink.pill(x, quay + 0.04 + 0.05 * j, 0.05 - 0.01 * j, 0.012, shine, 0.5 - 0.1 * j)
    ink.box(-0.1, quay - 0.012, 1.2, 0.026, ink.tone(SNOW if snowy else ROCK, 0.05, lit=False))
    return {"boat": (rng.choice((0.28, 0.7)), 1.34, 0.16), "balloon": (0.25, 0.33, 0.20), "birds": (0.6, 0.4, 0.075)}


def _windows(ink: Ink, x: float, top: float, w: float, h: float, depth: float) -> None:
    columns = 3
    pitch, gap = w / columns, 0.05
    rows = int((h - 0.04) / gap)
    dark = ink.tone(rgb("#3c4660"), depth, lit=False)
    for row in range(rows):
        for column in range(columns):
            glow = ink.palette.lamps and ink.rng.random() < 0.6
            ink.box(
                x + pitch * (column + 0.22),
                top + 0.025 + row * gap,
                pitch * 0.56,
                gap * 0.52,
                LAMP if glow else dark,
                1.0 if glow else 0.7,
            )


def forest(ink: Ink, snowy: bool) -> dict[str, Spot]:
    rng = ink.rng
    land = SNOW if snowy else mix(GRASS, PINE, 0.3)
    for y, depth, size, count in ((0.80, 0.72, 0.24, 15), (0.92, 0.5, 0.32, 12), (1.06, 0.28, 0.42, 9)):
        hill = ink.waves(y, 0.03, 3)
        for i in range(count):
            x = (i + 0.5) / count + rng.uniform(-0.02, 0.02)
            props.pine(ink, x, ink.at(hill, x) + 0.03, size * rng.uniform(0.8, 1.15), depth, snowy)
        ink.ground(hill, ink.tone(land, depth))
    bend = rng.choice((-0.12, 0.12))
    left = ink.curve([(0.49, 1.06), (0.47 + bend, 1.18), (0.40, 1.33), (0.26, 1.55)])
    right = ink.curve([(0.51, 1.06), (0.55 + bend, 1.18), (0.58, 1.33), (0.70, 1.55)])
    ink.polygon([*left, *reversed(right)], ink.tone(rgb("#d8e0ea") if snowy else rgb("#d8b98a"), 0.15))
    for side in (-1, 1):
        for x, foot, size in ((0.31, 1.28, 0.5), (0.47, 1.42, 0.78)):
            props.pine(
                ink, 0.5 + side * (x + rng.uniform(-0.02, 0.03)), foot, size * rng.uniform(0.9, 1.1), 0.02, snowy
            )
    return {"tent": (0.52, 1.30, 0.15), "balloon": (0.5, 0.36, 0.20), "birds": (0.5, 0.36, 0.075)}


def lake(ink: Ink, snowy: bool) -> dict[str, Spot]:
    rng, shore = ink.rng, 0.98
    peaks = [
        (rng.uniform(0.1, 0.3), rng.uniform(0.28, 0.38), 0.5),
        (rng.uniform(0.7, 0.95), rng.uniform(0.26, 0.4), 0.5),
        (rng.uniform(0.42, 0.6), rng.uniform(0.40, 0.48), 0.3),
    ]
    for x, height, depth in peaks:
        props.mountain(ink, x, shore, 0.8, height, ROCK, depth, 0.5 if snowy else 0.3)
    for i in range(22):
        x = i / 21 + rng.uniform(-0.015, 0.015)
        props.pine(ink, x, shore + 0.01, rng.uniform(0.07, 0.12), 0.25, snowy)
    props.water(ink, shore, rgb("#3a8a94"))
    for x, height, _ in peaks:
        ink.polygon(
            [(x - 0.3, shore), (x + 0.3, shore), (x, shore + height * 0.6)], ink.tone(ROCK, 0.3, lit=False), 0.28
        )
    near = ink.curve([(-0.1, 1.36), (0.2, 1.38), (0.5, 1.46), (0.8, 1.41), (1.1, 1.37)])
    ink.ground(near, ink.tone(SNOW if snowy else GRASS, 0.02))
    side = rng.choice((-1, 1))
    for x, size in ((0.33, 0.42), (0.44, 0.6)):
        props.pine(ink, 0.5 + side * x, 1.45, size * rng.uniform(0.9, 1.1), 0.02, snowy)
    return {
        "boat": (0.5 - side * 0.18, 1.18, 0.16),
        "tent": (0.5 - side * 0.30, 1.44, 0.16),
        "balloon": (0.28, 0.30, 0.19),
        "birds": (0.62, 0.30, 0.07),
    }


def village(ink: Ink, snowy: bool) -> dict[str, Spot]:
    rng = ink.rng
    land = SNOW if snowy else GRASS
    for y, depth in ((0.86, 0.7), (0.96, 0.5)):
        ink.ground(ink.waves(y, 0.05, 3), ink.tone(land, depth))
    hill = ink.curve([(-0.1, 1.16), (0.2, 1.06), (0.5, 0.98), (0.8, 1.06), (1.1, 1.16)])
    ink.ground(hill, ink.tone(land, 0.25))
    church = rng.uniform(0.42, 0.58)
    tower_top = 0.74
    ink.box(church - 0.045, tower_top, 0.09, 0.30, ink.tone(WHITE, 0.1))
    ink.box(
        church if ink.sun_x < church else church - 0.045, tower_top, 0.045, 0.30, ink.tone(WHITE, 0.1, lit=False), 0.6
    )
    ink.polygon(
        [(church - 0.06, tower_top), (church, tower_top - 0.22), (church + 0.06, tower_top)],
        ink.tone(ROOFS[2], 0.08, lit=False),
    )
    ink.box(church - 0.015, tower_top + 0.06, 0.03, 0.06, LAMP if ink.palette.lamps else ink.tone(WOOD, 0.1, lit=False))
    for row, (count, size, depth) in enumerate(((6, 0.135, 0.2), (5, 0.165, 0.1), (4, 0.20, 0.02))):
        for i in range(count):
            x = (i + 0.5 + 0.25 * (row % 2)) / count + rng.uniform(-0.02, 0.02)
            foot = ink.at(hill, x) + 0.07 + 0.13 * row
            if rng.random() < 0.18:
                (props.pine if snowy else props.tree)(ink, x, foot, size * 1.2, depth)
            else:
                props.house(ink, x, foot, size, rng.choice(WALLS), rng.choice(ROOFS), depth, snowy)
    near = ink.waves(1.38, 0.02, 3)
    ink.ground(near, ink.tone(land, 0.0, lit=False))
    return {"balloon": (rng.choice((0.24, 0.76)), 0.36, 0.20), "birds": (0.5, 0.34, 0.075)}


def harbour(ink: Ink, snowy: bool) -> dict[str, Spot]:
    rng, quay = ink.rng, 1.04
    ink.ground(ink.waves(0.80, 0.05, 3), ink.tone(SNOW if snowy else GRASS, 0.55))
    ink.ground(ink.waves(0.88, 0.03, 3), ink.tone(SNOW if snowy else GRASS, 0.4))
    x = -0.02
    while x < 1.0:
        w, h = rng.uniform(0.12, 0.16), rng.uniform(0.2, 0.30)
        wall, roof = rng.choice((*WALLS, rgb("#5f8fa8"), rgb("#d8a03c"), rgb("#c0503c"))), rng.choice(ROOFS)
        ink.box(x, quay - h, w, h, ink.tone(wall, 0.12))
        cover = ink.tone(SNOW if snowy else roof, 0.1, lit=snowy)
        ink.polygon([(x - 0.006, quay - h), (x + w / 2, quay - h - w * 0.6), (x + w + 0.006, quay - h)], cover)
        glass = LAMP if ink.palette.lamps else ink.tone(rgb("#3f4c60"), 0.1, lit=False)
        for row in range(3):
            for column in (0.2, 0.6):
                ink.box(x + w * column, quay - h + 0.025 + row * 0.065, w * 0.2, 0.038, glass)
        x += w
    ink.box(-0.1, quay - 0.01, 1.2, 0.035, ink.tone(ROCK, 0.1, lit=False))
    props.water(ink, quay + 0.02, SEA, 0.7)
    for bx, by, size in ((0.16, 1.14, 0.14), (0.84, 1.17, 0.16)):
        props.boat(ink, bx + rng.uniform(-0.03, 0.03), by, size)
    ink.polygon([(0.36, 1.6), (0.44, 1.22), (0.56, 1.22), (0.64, 1.6)], ink.tone(WOOD, 0.02))
    for y in (1.27, 1.34, 1.43):
        ink.box(0.36, y, 0.28, 0.008, ink.tone(WOOD, 0.02, lit=False), 0.7)
    for side in (-1, 1):
        ink.box(0.5 + side * 0.085 - 0.011, 1.17, 0.022, 0.12, ink.tone(WOOD, 0, lit=False))
    return {"balloon": (0.26, 0.34, 0.20), "birds": (0.6, 0.36, 0.075), "boat": (rng.choice((0.22, 0.78)), 1.34, 0.22)}


def island(ink: Ink, snowy: bool) -> dict[str, Spot]:
    rng, horizon = ink.rng, 0.94
    props.water(ink, horizon, rgb("#2fa0a8"))
    ink.polygon(
        ink.curve([(0.02, horizon), (0.14, horizon - 0.07), (0.26, horizon - 0.03), (0.4, horizon)]),
        ink.tone(LEAFY, 0.6),
    )
    cx = rng.uniform(0.44, 0.60)
    ink.ellipse(cx, 1.26, 0.48, 0.075, ink.tone(rgb("#7fd0c8"), 0.1), 0.55)
    top = ink.curve([(cx - 0.40, 1.25), (cx - 0.24, 1.19), (cx, 1.155), (cx + 0.24, 1.19), (cx + 0.40, 1.25)])
    low = ink.curve([(cx + 0.40, 1.25), (cx + 0.2, 1.285), (cx, 1.295), (cx - 0.2, 1.285), (cx - 0.40, 1.25)])
    ink.polygon([*top, *low], ink.tone(rgb("#f0d8a0"), 0.02))
    for dx, width, height in ((-0.16, 0.15, 0.07), (0.12, 0.2, 0.09), (0.0, 0.13, 0.06)):
        ink.ellipse(cx + dx, 1.20, width * 0.6, height, ink.tone(LEAFY, 0.03, lit=dx < 0.05))
    for dx, size, lean in ((-0.10, 0.50, -0.22), (0.10, 0.62, 0.2), (0.0, 0.42, 0.06)):
        props.palm(ink, cx + dx + rng.uniform(-0.02, 0.02), 1.20, size * rng.uniform(0.9, 1.08), lean)
    return {"boat": (rng.choice((0.15, 0.86)), 1.09, 0.14), "birds": (0.3, 0.36, 0.07), "balloon": (0.22, 0.34, 0.18)}


LEAFY = rgb("#3f8358")


def canyon(ink: Ink, snowy: bool) -> dict[str, Spot]:
    rng = ink.rng
    bands = (rgb("#c8683e"), rgb("#d98a54"), rgb("#a84e38"), rgb("#e0a06a"))
    ink.ground([(-0.1, 0.98), (1.1, 0.98)], ink.tone(bands[1], 0.7))
    for depth, reach, top in ((0.6, 0.40, 0.80), (0.34, 0.31, 0.66), (0.06, 0.22, 0.50)):
        for side in (-1, 1):
            width = reach + rng.uniform(-0.04, 0.04)
            rim = top + rng.uniform(-0.05, 0.05)
            steps = 6
            inner = [
                (width * (0.62 + 0.10 * i + (0.05 if i % 2 else 0)), rim + (1.4 - rim) * i / steps)
                for i in range(steps + 1)
            ]
            lit = (side < 0) == (ink.sun_x > 0.5)
            edge = 0.0 if side < 0 else 1.0
            outer = -0.1 if side < 0 else 1.1
            for i in range(steps):
                (wa, ya), yb = inner[i], inner[i + 1][1]
                ink.polygon(
                    [(outer, ya), (edge - side * wa, ya), (edge - side * (wa + 0.02), yb + 0.002), (outer, yb + 0.002)],
                    ink.tone(bands[(i + (depth > 0.3)) % 4], depth, lit=lit),
                )
            ink.polygon(
                [
                    (edge, inner[-1][1]),
                    (edge - side * (inner[-1][0] + 0.05), inner[-1][1]),
                    (edge - side * 0.6, 1.6),
                    (edge, 1.6),
                ],
                ink.tone(bands[2], depth, lit=lit),
            )
            if snowy and depth < 0.5:
                ink.box(min(edge, edge - side * inner[0][0]), rim - 0.012, inner[0][0], 0.03, ink.tone(SNOW, depth))
    far, near = ink.tone(SEA, 0.4), ink.tone(SEA, 0.05)
    bend = rng.choice((-0.08, 0.08))
    left = ink.curve([(0.48, 1.0), (0.44 + bend, 1.12), (0.50, 1.26), (0.34, 1.55)])
    right = ink.curve([(0.52, 1.0), (0.54 + bend, 1.12), (0.66, 1.26), (0.68, 1.55)])
    ink.polygon([*left, *reversed(right)], mix(far, near, 0.6))
    return {"balloon": (0.5, 0.44, 0.2), "birds": (0.5, 0.40, 0.07), "tent": (0.2, 1.42, 0.15)}


SCENES: dict[str, Callable[[Ink, bool], dict[str, Spot]]] = {
    "mountains": mountains,
    "coast": coast,
    "desert": desert,
    "city": city,
    "forest": forest,
    "lake": lake,
    "village": village,
    "harbour": harbour,
    "island": island,
    "canyon": canyon,
}
