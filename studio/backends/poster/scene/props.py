"""Props: what stands in a poster scene, from a pine to a lighthouse; drawn with Ink, placed by the scenes."""

from __future__ import annotations

from studio.backends.poster.scene.ink import LAMP, Colour, Ink, Point, mix, rgb

WHITE = rgb("#f6f2e8")
SNOW = rgb("#f4f7fb")
RED = rgb("#c8402f")
WOOD = rgb("#6b4a35")
PINE = rgb("#2f5a48")
LEAF = rgb("#4f7d43")
ROCK = rgb("#7c7a80")
SAND = rgb("#e2b878")
CLAY = rgb("#b8623c")
GRASS = rgb("#7a9a4c")
SEA = rgb("#2f7f95")


def mountain(
    ink: Ink, x: float, base: float, width: float, height: float, rock: Colour, depth: float, snow: float
) -> None:
    """A peak with a lit and a shaded flank; `snow` is the share of its height that is white."""
    rng = ink.rng
    top = (x, base - height)
    sun_left = ink.sun_x < x
    left, right = (x - width / 2, base), (x + width / 2, base)
    spine: list[Point] = [top]
    for i in range(1, 6):
        t = i / 5
        swing = (0.09 if i % 2 else -0.05) * width * rng.uniform(0.6, 1.2) * (1 if sun_left else -1)
        spine.append((x + swing * (0.4 + t), base - height * (1 - t)))
    lit, dark = ink.tone(rock, depth), ink.tone(rock, depth, lit=False)
    ink.polygon([top, right, left], lit if not sun_left else dark)
    ink.polygon([*spine, left if sun_left else right], lit)
    if snow > 0:
        edge = base - height * (1 - snow)
        half = width / 2 * snow
        teeth: list[Point] = []
        count = 6
        for i in range(count + 1):
            sx = x - half + 2 * half * i / count
            drop = height * 0.07 * (1 if i % 2 else -1) * rng.uniform(0.5, 1.3) if 0 < i < count else 0
            teeth.append((sx, edge + drop))
        white, grey = ink.tone(SNOW, depth * 0.7), ink.tone(SNOW, depth * 0.7, lit=False)
        pen = ink.pen
        pen.save()
        pen.move_to(*top)
        pen.line_to(*right)
        pen.line_to(*left)
        pen.close_path()
        pen.clip()
        ink.polygon([top, *teeth], white if not sun_left else grey)
        pen.move_to(*top)
        for point in teeth:
            pen.line_to(*point)
        pen.close_path()
        pen.clip()
        ink.polygon([*spine, left if sun_left else right], white)
        pen.restore()


def pine(ink: Ink, x: float, foot: float, size: float, depth: float, snowy: bool = False) -> None:
    """Three tiers of boughs, lit on the side of the sun."""
    lit, dark = ink.tone(PINE, depth), ink.tone(PINE, depth, lit=False)
    side = -1 if ink.sun_x < x else 1
    ink.box(x - 0.025 * size, foot - 0.16 * size, 0.05 * size, 0.16 * size, ink.tone(WOOD, depth, lit=False))
    for low, high, half in ((0.10, 0.52, 0.27), (0.32, 0.76, 0.21), (0.56, 1.0, 0.145)):
        tip, foot_y = (x, foot - high * size), foot - low * size
        ink.polygon([tip, (x + half * size, foot_y), (x - half * size, foot_y)], dark)
        ink.polygon([tip, (x + side * half * size, foot_y), (x, foot_y)], lit)
        if snowy:
            cut = 0.55
            mid = foot_y - (high - low) * size * (1 - cut)
            ink.polygon(
                [tip, (x + half * size * cut, mid), (x, mid - 0.04 * size), (x - half * size * cut, mid)],
                ink.tone(SNOW, depth * 0.7),
            )


def tree(ink: Ink, x: float, foot: float, size: float, depth: float) -> None:
    """A round tree."""
    side = -1 if ink.sun_x < x else 1
    ink.box(x - 0.04 * size, foot - 0.45 * size, 0.08 * size, 0.45 * size, ink.tone(WOOD, depth, lit=False))
    ink.ellipse(x, foot - 0.65 * size, 0.30 * size, 0.35 * size, ink.tone(LEAF, depth, lit=False))
    ink.ellipse(x + side * 0.06 * size, foot - 0.68 * size, 0.22 * size, 0.28 * size, ink.tone(LEAF, depth))


def palm(ink: Ink, x: float, foot: float, size: float, lean: float) -> None:
    """A leaning trunk with seven fronds."""
    top = (x + lean * size, foot - size)
    bend = (x + lean * size * 0.25, foot - size * 0.55)
    ink.line(ink.curve([(x, foot), bend, top]), 0.055 * size, ink.tone(WOOD, 0.05, lit=False))
    for i, (dx, dy, sag) in enumerate(
        (
            (-0.46, 0.12, -0.22),
            (-0.40, -0.10, -0.22),
            (-0.20, -0.24, -0.12),
            (0.20, -0.24, -0.12),
            (0.40, -0.10, -0.22),
            (0.46, 0.12, -0.22),
            (0.05, 0.26, 0.0),
        )
    ):
        tip = (top[0] + dx * size, top[1] + dy * size)
        over = (top[0] + dx * size * 0.5, top[1] + (dy * 0.5 + sag) * size)
        under = (top[0] + dx * size * 0.5, top[1] + (dy * 0.5 + sag * 0.35) * size + 0.02 * size)
        ink.polygon([*ink.curve([top, over, tip]), *ink.curve([tip, under, top])], ink.tone(LEAF, 0.02, lit=i % 2 == 0))


def house(ink: Ink, x: float, foot: float, size: float, wall: Colour, roof: Colour, depth: float, snowy: bool) -> None:
    """A gabled house with two windows; they glow at night."""
    w, h = size, size * 0.62
    sun_left = ink.sun_x < x
    ink.box(x - w / 2, foot - h, w, h, ink.tone(wall, depth))
    shade = (x if sun_left else x - w / 2, foot - h, w / 2, h)
    ink.box(*shade, ink.tone(wall, depth, lit=False), 0.55)
    cover = SNOW if snowy else roof
    ink.polygon([(x - w * 0.6, foot - h), (x, foot - h - size * 0.5), (x + w * 0.6, foot - h)], ink.tone(cover, depth))
    half = 0.6 if sun_left else -0.6
    ink.polygon(
        [(x, foot - h), (x, foot - h - size * 0.5), (x + w * half, foot - h)], ink.tone(cover, depth, lit=False), 0.6
    )
    glass = LAMP if ink.palette.lamps else ink.tone(rgb("#46536a"), depth, lit=False)
    for wx in (-0.24, 0.24):
        ink.box(x + w * wx - w * 0.1, foot - h * 0.72, w * 0.2, h * 0.4, glass)


def lighthouse(ink: Ink, x: float, foot: float, size: float) -> None:
    """A striped tower; at night its beam crosses the sky."""
    if ink.palette.lamps:
        y = foot - size * 0.97
        for far in (-4.0, 4.0):  # beyond the edge of the widest sheet
            up, down = (abs(far) * slope for slope in (0.123, 0.077))
            ink.polygon([(x, y), (x + far, y - up), (x + far, y + down)], LAMP, 0.30)
    half = 0.11 * size
    slope = 0.35

    def edge(t: float) -> float:
        return half * (1 - slope * t)

    stripes = 5
    for i in range(stripes):
        a, b = i / stripes, (i + 1) / stripes
        colour = RED if i % 2 == 0 else WHITE
        ya, yb = foot - a * size * 0.86, foot - b * size * 0.86
        ink.polygon(
            [(x - edge(a), ya), (x + edge(a), ya), (x + edge(b), yb), (x - edge(b), yb)], ink.tone(colour, 0.03)
        )
        dark = 1 if ink.sun_x < x else -1
        ink.polygon(
            [
                (x + dark * edge(a), ya),
                (x + dark * edge(a) * 0.2, ya),
                (x + dark * edge(b) * 0.2, yb),
                (x + dark * edge(b), yb),
            ],
            ink.tone(colour, 0.03, lit=False),
            0.6,
        )
    deck = foot - size * 0.86
    ink.box(x - half * 0.95, deck - 0.025 * size, half * 1.9, 0.035 * size, ink.tone(rgb("#3d3a45"), 0, lit=False))
    ink.box(
        x - half * 0.5, deck - 0.14 * size, half, 0.115 * size, LAMP if ink.palette.lamps else ink.tone(WHITE, 0.05)
    )
    ink.polygon(
        [(x - half * 0.75, deck - 0.14 * size), (x, deck - 0.25 * size), (x + half * 0.75, deck - 0.14 * size)],
        ink.tone(RED, 0.02, lit=False),
    )


def boat(ink: Ink, x: float, y: float, size: float) -> None:
    """A small sailing boat."""
    lit = -1 if ink.sun_x < x else 1
    ink.polygon(
        [
            (x - 0.5 * size, y),
            (x + 0.5 * size, y),
            (x + 0.32 * size, y + 0.2 * size),
            (x - 0.32 * size, y + 0.2 * size),
        ],
        ink.tone(RED, 0.03),
    )
    ink.polygon(
        [(x + 0.03 * size, y - 0.05 * size), (x + 0.03 * size, y - 1.05 * size), (x + 0.46 * size, y - 0.05 * size)],
        ink.tone(WHITE, 0.03, lit=lit > 0),
    )
    ink.polygon(
        [(x - 0.03 * size, y - 0.05 * size), (x - 0.03 * size, y - 0.85 * size), (x - 0.36 * size, y - 0.05 * size)],
        ink.tone(WHITE, 0.03, lit=lit < 0),
    )


def tent(ink: Ink, x: float, foot: float, size: float) -> None:
    """A ridge tent; lit from inside at night."""
    front = LAMP if ink.palette.lamps else ink.tone(rgb("#e8963c"), 0)
    ink.polygon([(x - 0.5 * size, foot), (x, foot - 0.7 * size), (x + 0.5 * size, foot)], front)
    ink.polygon(
        [
            (x, foot - 0.7 * size),
            (x + 0.5 * size, foot),
            (x + 0.85 * size, foot - 0.12 * size),
            (x + 0.4 * size, foot - 0.72 * size),
        ],
        ink.tone(rgb("#c9652c"), 0, lit=False),
    )
    ink.polygon(
        [(x - 0.12 * size, foot), (x, foot - 0.45 * size), (x + 0.12 * size, foot)], ink.tone(WOOD, 0, lit=False)
    )


def balloon(ink: Ink, x: float, y: float, size: float) -> None:
    """A hot-air balloon with upright stripes."""
    skin = (RED, WHITE)
    pen = ink.pen
    pen.save()
    pen.move_to(x - 0.12 * size, y + 0.68 * size)
    pen.curve_to(x - 0.30 * size, y + 0.45 * size, x - 0.5 * size, y + 0.3 * size, x - 0.5 * size, y)
    pen.curve_to(x - 0.5 * size, y - 0.66 * size, x + 0.5 * size, y - 0.66 * size, x + 0.5 * size, y)
    pen.curve_to(x + 0.5 * size, y + 0.3 * size, x + 0.30 * size, y + 0.45 * size, x + 0.12 * size, y + 0.68 * size)
    pen.close_path()
    pen.clip()
    ink.box(x - size, y - size, 2 * size, 2 * size, ink.tone(skin[0], 0.05))
    for inner in (0.36, 0.12):
        ink.ellipse(x, y, inner * size, 0.9 * size, ink.tone(skin[1] if inner > 0.2 else skin[0], 0.05))
    side = 0.42 if ink.sun_x < x else -0.42
    ink.ellipse(x + side * size, y + 0.1 * size, 0.26 * size, 0.8 * size, ink.tone(RED, 0.05, lit=False), 0.45)
    pen.restore()
    for dx in (-0.1, 0.1):
        ink.line(
            [(x + dx * size, y + 0.66 * size), (x + dx * 0.8 * size, y + 0.86 * size)],
            0.02 * size,
            ink.tone(WOOD, 0, lit=False),
        )
    ink.box(x - 0.1 * size, y + 0.84 * size, 0.2 * size, 0.17 * size, ink.tone(WOOD, 0))


def birds(ink: Ink, x: float, y: float, size: float) -> None:
    """A loose flock of seven."""
    colour = WHITE if ink.palette.lamps else mix(ink.palette.shade, (0.1, 0.1, 0.16), 0.55)
    for dx, dy in ((0, 0), (-0.6, 0.35), (0.65, 0.28), (-1.2, 0.8), (1.25, 0.62), (0.2, 0.85), (-0.5, -0.5)):
        cx, cy, w = x + dx * size, y + dy * size * 0.7, size * ink.rng.uniform(0.26, 0.36)
        wing = ink.curve(
            [
                (cx - w, cy - w * 0.35),
                (cx - w * 0.45, cy - w * 0.42),
                (cx, cy),
                (cx + w * 0.45, cy - w * 0.42),
                (cx + w, cy - w * 0.35),
            ]
        )
        ink.line(wing, 0.0075, colour)


def water(ink: Ink, top: float, surface: Colour, glitter: float = 1.0) -> None:
    """Flat water from `top` to the foot of the sheet: bands that darken towards us and the sun's path on it."""
    rng = ink.rng
    far = mix(ink.tone(surface, 0.55), ink.palette.sky[-1], 0.45)
    near = ink.tone(surface, 0.0, lit=False)
    bands = 6
    for i in range(bands):
        t = i / (bands - 1)
        y = top + (ink.height - top) * (i / bands) ** 1.4
        colour = mix(far, near, t)
        flat = [(ink.left - 0.1, y), (ink.right + 0.1, y)]
        ink.ground(flat if i == 0 else ink.waves(y, 0.006 + 0.008 * t, 5), colour)
    for i in range(9):
        t = (i + 0.6) / 9
        y = top + (ink.height - top) * t**1.3
        length = (0.30 - 0.20 * t) * rng.uniform(0.6, 1.2) * glitter
        if length > 0:
            ink.pill(
                ink.sun_x + rng.uniform(-0.04, 0.04), y, length, 0.008 + 0.012 * t, ink.palette.disc, 0.55 - 0.25 * t
            )
