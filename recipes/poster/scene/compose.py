"""The composer: makes a scene for an ask by the rules of a poster artist, without fixed layouts.

A low horizon; the focal point on a third; the light on the other side; smaller, paler things further away; nothing but
sky in the top fifth, where type goes; every foot on ground that carries it.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from recipes.poster.scene.asks import Ask, Part
from studio.backends.poster.scene.elements import (
    BACKDROPS,
    KINDS,
    MOST,
    ORDER,
    Box,
    Element,
    Scene,
    box,
    depth_at,
    drawn,
    faults,
    ground,
    line,
    overlap,
    scale_at,
)
from studio.backends.poster.scene.words import CLEAR, CLOUDS, MIST, RAIN, SIZES, SNOW

CALM = 0.2
"""Share of the sheet's height, from the top, that is kept for type."""


class NoRoom(Exception):
    """Something asked for found no place; another composition may have one."""


class Sketch:
    """A scene being composed. `focus` is the x of the focal point, `side` -1 or 1 from the middle towards it."""

    def __init__(self, what: Ask, rng: random.Random) -> None:
        self.what, self.rng, self.height = what, rng, what.height
        self.short = min(1.0, self.height)
        self.side = rng.choice((-1, 1))
        self.focus = 0.5 + self.side * rng.uniform(0.1, 0.22)
        self.horizon = self.height * rng.uniform(0.58, 0.68)
        self.elements: list[Element] = []
        self.taken: list[tuple[str, Box]] = []

    @property
    def room(self) -> float:
        """How high above the horizon things may rise."""
        return self.horizon - (CALM + 0.02) * self.height

    def down(self, t: float) -> float:
        """The height of a point `t` of the way from the horizon (0) to the foot of the sheet (1)."""
        return self.horizon + t * (self.height - self.horizon)

    def across(self, x: float) -> float:
        """x on the side of the focal point when `x` is above 0.5."""
        return 0.5 + self.side * (x - 0.5)

    def between(self, low: float, high: float) -> float:
        return self.rng.uniform(low, high)

    def add(
        self,
        kind: str,
        x: float,
        y: float,
        size: float = 0.1,
        wide: float = 1.0,
        depth: float | None = None,
        turn: float = 0.0,
        tint: float | None = None,
    ) -> Element:
        """Without a depth, that of level ground at y; without a tint, any."""
        deep = depth_at(self.height, self.horizon, y) if depth is None else depth
        e = Element(kind, x, y, size, wide, deep, turn, self.rng.random() if tint is None else tint)
        self.elements.append(e)
        return e

    def nearest(self, *kinds: str) -> Element:
        """The one of these kinds that lies lowest on the sheet."""
        return max((e for e in self.elements if e.kind in kinds), key=lambda e: e.y)

    def free(self, area: Box, kind: str, most: float) -> bool:
        """Whether `area` lies on the sheet, below the calm room, and shares at most `most` with any other thing's."""
        left, top, right, bottom = area
        inside = left > -0.01 and right < 1.01 and top > CALM * self.height and bottom < self.height
        return inside and all(
            overlap(area, other) <= (most, 0.3, 0.08)[2 - (kind in GREEN) - (name in GREEN)]
            for name, other in self.taken
        )

    def stand(
        self,
        kind: str,
        xs: tuple[float, float],
        ys: tuple[float, float],
        count: int = 1,
        *,
        depth: float | None = None,
        most: float = 0.08,
        needed: bool = False,
        larger: float = 1.0,
        edge: Element | None = None,
    ) -> list[Element]:
        """Put `count` of a kind where the ground carries it, its foot within xs and ys (below the line of `edge`, if
        given); fewer where there is no room, unless they are `needed`."""
        about, made = KINDS[kind], []
        order = drawn(Scene(tuple(self.elements), self.height))
        for _ in range(count):
            for _ in range(60):
                x, y = self.between(*xs), self.between(*ys)
                if edge is not None:
                    y += line(edge, x)
                deep = depth_at(self.height, self.horizon, y) if depth is None else depth
                size = about.nominal * self.short * scale_at(deep) * larger * self.between(0.85, 1.15)
                e = Element(kind, x, y, size, 1.0, deep, self.between(-1, 1), self.rng.random())
                area = box(e)
                if self.free(area, kind, most) and all(ground(order, at, y + 0.012) == about.on for at in _feet(e)):
                    self.elements.append(e)
                    self.taken.append((kind, area))
                    made.append(e)
                    break
            else:
                if needed:
                    raise NoRoom(kind)
        return made

    def clear(self, area: Box, most: float) -> bool:
        """Whether `area` lies on the sheet, below the calm room, and shares at most `most` with what stands there;
        before the rows of houses behind it may be all of it."""
        left, top, right, bottom = area
        inside = left > 0.0 and right < 1.0 and top > CALM * self.height and bottom < self.height
        behind = ("terrace", "tower")
        return inside and all(overlap(area, other) <= most for name, other in self.taken if name not in behind)

    def put(
        self,
        slot: int,
        part: Part,
        xs: tuple[float, float],
        ys: tuple[float, float],
        *,
        edge: Element | None = None,
        depth: float | None = None,
        larger: float = 1.0,
        bound: bool = True,
        most: float = 0.06,
        widest: float = 0.8,
    ) -> None:
        """Put a part where the ground carries it, its foot (of what flies, its middle) within xs and ys; NoRoom where
        nothing does. Its size goes by its class and depth, unless it is not `bound` to them."""
        kind, count = f"{part.role}-{slot}", part.count or 1
        flies = part.role == "flyer"
        order = drawn(Scene(tuple(self.elements), self.height))
        larger *= self.between(0.9, 1.15) * (1.0, 1.0, 0.85, 0.75)[count]
        row = self.rng.random() < 0.6
        for i in range(count):
            for attempt in range(80):
                x, y = self.between(*xs), self.between(*ys)
                if row and i:
                    first = self.elements[-1]
                    y = first.y + self.between(-0.02, 0.02)
                    if attempt < 30:
                        x = first.x + self.rng.choice((-1, 1)) * first.size * min(1.0, part.aspect) * self.between(
                            1.0, 1.4
                        )
                elif edge is not None:
                    y += line(edge, x)
                deep = depth_at(self.height, self.horizon, y) if depth is None else depth
                if flies:
                    deep = self.between(0.0, 0.25)
                nominal = SIZES[part.size]
                size = nominal * self.short * (1 - deep if flies else scale_at(deep)) * larger
                if part.aspect > 1:
                    size = min(size, widest)
                e = Element(
                    kind,
                    x,
                    y,
                    size,
                    1.0,
                    deep,
                    self.between(-1, 1),
                    self.rng.random(),
                    aspect=part.aspect,
                    nominal=nominal if bound else 0.0,
                )
                area = box(e)
                if not self.clear(area, most):
                    continue
                if flies:
                    fits = area[3] < self.horizon - 0.02
                else:
                    half = 0.28 * (area[2] - area[0])
                    on = KINDS[kind].on
                    fits = on == "any" or all(ground(order, at, y + 0.012) == on for at in (x - half, x, x + half))
                if fits:
                    self.elements.append(e)
                    self.taken.append((kind, area))
                    break
            else:
                raise NoRoom(kind)

    def fly(self, kind: str, count: int, size: tuple[float, float]) -> None:
        for _ in range(count):
            for _ in range(60):
                deep = self.between(0.0, 0.3)
                e = Element(
                    kind,
                    self.between(0.08, 0.92),
                    self.between(CALM * self.height, self.horizon),
                    self.short * self.between(*size) * (1 - deep) * (1.0 if count == 1 else 0.8),
                    1.0,
                    deep,
                    self.between(-1, 1),
                    self.rng.random(),
                )
                area = box(e)
                if area[3] < self.horizon - 0.02 and self.free(area, kind, 0.0):
                    self.elements.append(e)
                    self.taken.append((kind, area))
                    break
            else:
                raise NoRoom(kind)

    def frame(self, kind: str, count: int, ys: tuple[float, float], both: bool = False) -> None:
        """Near trees that frame the view, away from the focal point."""
        for i in range(count):
            far = self.side if both and i % 2 else -self.side
            x = 0.5 + far * 0.36
            self.stand(kind, (x - 0.12, x + 0.12), ys, most=0.55)

    def ridges(self, base: float, main: float, count: int) -> None:
        """A far range and, over it, the main peak at the focal point, `main` of the room high."""
        for i in range(count):
            x = (i + 0.5) / count + self.between(-0.08, 0.08)
            high = self.room * self.between(0.3, 0.55) * main
            self.add("ridge", x, base, high, self.between(1.6, 2.2), self.between(0.6, 0.75))
        shoulder = self.focus + self.rng.choice((-1, 1)) * self.between(0.25, 0.38)
        self.add("ridge", shoulder, base, self.room * main * self.between(0.55, 0.7), self.between(1.5, 1.9), 0.42)
        self.add("ridge", self.focus, base, self.room * main * self.between(0.85, 1.0), self.between(1.35, 1.7), 0.2)

    def hill(self, t: float, rise: float, depth: float, x: float | None = None, tint: float | None = None) -> Element:
        """Grass whose flat part begins `t` of the way down from the horizon."""
        at = self.between(0.1, 0.9) if x is None else x
        wide, slope = self.between(0.8, 1.8), self.between(-0.4, 0.4)
        return self.add("hill", at, self.down(t), rise * self.short, wide, depth, slope, tint)

    def woods(self, edge: Element, size: float, depth: float) -> None:
        """A row of trees along the line of a hill."""
        self.add("woods", 0.5, edge.y, size * self.short, 1.1, depth)


def _feet(e: Element) -> tuple[float, float, float]:
    """Where it touches the ground: its middle and near its ends; of what stands on one leg, the middle."""
    half = 0.3 * KINDS[e.kind].box[0] * e.size * (e.kind not in ("pine", "tree", "palm"))
    return e.x - half, e.x, e.x + half


GREEN = ("pine", "tree", "palm", "bush", "rock", "house", "cactus")
"""What may overlap its like."""


def mountains(s: Sketch) -> None:
    s.ridges(s.horizon + 0.04, 1.0, s.rng.randint(2, 3))
    s.hill(0.05, 0.05, 0.4)
    s.woods(s.elements[-1], s.between(0.07, 0.1), 0.36)
    s.hill(s.between(0.35, 0.5), s.between(0.04, 0.09), 0.06, s.across(s.between(0.0, 0.4)))


def coast(s: Sketch) -> None:
    s.add("water", 0.5, s.horizon, depth=0.3)
    turn = float(s.side)
    reach, drop = s.between(0.36, 0.46), s.height
    if s.rng.random() < 0.7:
        s.add("cliff", s.across(1 - reach * 0.75), s.horizon - 0.06 * s.short, 0.25 * s.short, 1.0, 0.45, turn)
    s.add("cliff", s.across(1 - reach * 1.3), s.horizon + s.between(0.03, 0.1) * s.short, drop, 1.0, 0.1, turn)
    if s.rng.random() < 0.5:
        s.hill(0.92, s.between(0.06, 0.12), 0.02, s.across(0.9), 0.1)


def desert(s: Sketch) -> None:
    for i in range(s.rng.randint(1, 3)):
        x = s.across((0.25, 0.8, 0.5)[i] + s.between(-0.12, 0.12))
        s.add("mesa", x, s.horizon + 0.03, s.room * s.between(0.15, 0.4), s.between(1.6, 3.0), 0.55)
    for t, depth, rise in ((0.02, 0.5, 0.05), (0.22, 0.28, 0.09), (0.52, 0.06, 0.13)):
        x = s.focus if depth == 0.28 else s.between(0.1, 0.9)
        s.add(
            "dune", x, s.down(t), rise * s.short * s.between(0.7, 1.3), s.between(0.9, 1.7), depth, s.between(-0.4, 0.4)
        )


def city(s: Sketch) -> None:
    """Towers by the water; where something is to stand, on a street."""
    y = s.horizon + 0.01
    s.add("street" if _standing(s) else "water", 0.5, y + 0.015, depth=0.3)
    s.add("quay", 0.5, y, depth=0.1)
    s.add("skyline", 0.5, y + 0.01, s.room * s.between(0.4, 0.55), 1.2, 0.62)
    for depth, low, width in ((0.34, 0.3, 0.125), (0.06, 0.18, 0.16)):
        x = s.between(0.0, 0.06)
        while x < 0.96:
            w = width * s.between(0.8, 1.25)
            near = max(0.0, 1 - abs(x + w / 2 - s.focus) / 0.38)
            high = s.room * min(
                0.98, low + s.between(0.0, 0.2) + near * s.between(0.25, 0.5) * (1.0 if depth > 0.1 else 0.7)
            )
            s.add("tower", x + w / 2, y, high, w / (0.35 * high), depth)
            x += w + s.rng.choice((0.0, 0.01, 0.03)) + (0.1 if s.rng.random() < 0.15 else 0.0)
    s.taken += [(e.kind, box(e)) for e in s.elements if e.kind == "tower"]


def _standing(s: Sketch) -> bool:
    """Whether something asked for stands, and nothing asked for floats."""
    return any(part.role == "stander" for part in s.what.parts)


def forest(s: Sketch) -> None:
    for t, size, depth in ((-0.25, 0.2, 0.7), (0.0, 0.28, 0.5), (0.28, 0.34, 0.3)):
        edge = s.hill(t, s.between(0.03, 0.08), depth)
        s.woods(edge, size * s.between(0.85, 1.15), depth - 0.04)


def lake(s: Sketch) -> None:
    s.ridges(s.horizon + 0.02, s.between(0.6, 0.85), s.rng.randint(1, 2))
    s.hill(-0.06, 0.03, 0.4, tint=0.2)
    s.add("woods", 0.5, s.horizon - 0.004, s.between(0.07, 0.11) * s.short, 1.1, 0.28)
    s.add("water", 0.5, s.horizon, depth=0.3)
    s.hill(s.between(0.8, 0.9), s.between(0.06, 0.12), 0.02, s.across(s.between(-0.05, 0.3)))


def village(s: Sketch) -> None:
    s.hill(-0.2, s.between(0.05, 0.12), 0.65)
    s.hill(-0.05, s.between(0.05, 0.1), 0.5)
    main = s.hill(0.22, s.between(0.12, 0.2), 0.25, s.focus)
    at = s.focus + s.between(-0.04, 0.04)
    s.stand("church", (at, at + 0.01), (0.02, 0.05), needed=True, edge=main, depth=0.3)
    for row in (0.05, 0.3, 0.55):
        s.stand("house", (0.06, 0.94), (0.02 + 0.4 * row, 0.1 + 0.4 * row), s.rng.randint(3, 5), edge=main, most=0.12)
    s.stand("tree", (0.05, 0.95), (0.02, 0.3), s.rng.randint(1, 3), edge=main, most=0.12)
    if s.rng.random() < 0.7:
        s.hill(0.85, s.between(0.02, 0.06), 0.0)


def harbour(s: Sketch) -> None:
    y = s.horizon + 0.05
    s.hill(-0.35, s.between(0.05, 0.12), 0.55)
    s.hill(-0.15, s.between(0.03, 0.08), 0.4)
    s.add("water", 0.5, y + 0.02, depth=0.3)
    s.add("quay", 0.5, y, depth=0.1)
    x = s.between(-0.03, 0.03)
    while x < 0.95:
        high = s.room * s.between(0.45, 0.7)
        w = s.between(0.12, 0.16)
        s.add("terrace", x + w / 2, y, high / 1.4, w / (0.5 * high / 1.4), 0.12)
        x += w
    s.taken += [(e.kind, box(e)) for e in s.elements if e.kind == "terrace"]
    if _standing(s):
        s.hill(0.62, s.between(0.03, 0.08), 0.04, s.across(s.between(0.5, 0.9)))


def island(s: Sketch) -> None:
    s.add("water", 0.5, s.horizon, depth=0.3)
    if s.rng.random() < 0.6:
        s.add("island", s.across(s.between(0.1, 0.3)), s.horizon + 0.004, s.between(0.25, 0.4), 1.0, 0.6)
    size = s.between(0.6, 0.8)
    s.add("island", 0.5 + 0.6 * (s.focus - 0.5), s.down(s.between(0.35, 0.55)), size, 1.0, 0.05)


def canyon(s: Sketch) -> None:
    s.hill(0.0, 0.01, 0.6, tint=1.0)
    for depth, reach, top in ((0.55, 0.33, 0.35), (0.3, 0.24, 0.6), (0.06, 0.15, 0.9)):
        for turn in (-1.0, 1.0):
            if depth == 0.3 and s.rng.random() < 0.5:
                continue
            inner = reach + s.between(-0.04, 0.04)
            rim = s.horizon - s.room * min(0.98, top + s.between(-0.12, 0.08))
            s.add("wall", 0.5 + turn * (0.5 - inner), rim, 1.0, 1.0, depth, turn)
    s.add(
        "river",
        0.5 + s.side * s.between(0.0, 0.06),
        s.horizon + 0.005,
        s.between(0.1, 0.16),
        1.0,
        0.3,
        s.between(-1, 1),
    )


def beach(s: Sketch) -> None:
    s.add("water", 0.5, s.horizon, depth=0.3)
    if s.rng.random() < 0.5:
        s.add("island", s.across(s.between(0.1, 0.3)), s.horizon + 0.004, s.between(0.25, 0.45), 1.0, 0.6)
    sand = s.add(
        "dune",
        s.across(s.between(0.7, 1.0)),
        s.down(s.between(0.5, 0.7)),
        s.between(0.04, 0.1) * s.short,
        s.between(1.6, 2.6),
        0.1,
        s.side * -0.3,
    )
    s.stand("rock", (0.1, 0.9), (0.02, 0.2), s.rng.randint(0, 2), edge=sand)


def hills(s: Sketch) -> None:
    for t, depth in ((-0.12, 0.65), (0.02, 0.5), (0.2, 0.32), (0.45, 0.16))[s.rng.randint(0, 1) :]:
        s.hill(t, s.between(0.05, 0.13), depth)
    if s.rng.random() < 0.5:
        s.woods(s.elements[0], s.between(0.05, 0.08), s.elements[0].depth - 0.03)
    s.hill(s.between(0.68, 0.8), s.between(0.04, 0.1), 0.03, s.across(s.between(0.0, 0.4)))


def plain(s: Sketch) -> None:
    """One, two or three things large before a pattern; nothing else."""
    s.horizon = s.height * s.between(0.55, 0.68)
    number = sum(part.count or 1 for part in s.what.parts)
    middle = s.height * s.between(0.56, 0.62)
    x = 0.5 + s.side * s.between(0.0, 0.1) * (number < 3)
    if not s.what.parts:
        x, middle = s.focus, s.height * s.between(0.5, 0.65)
    kind = s.rng.choice(BACKDROPS)
    y = s.height * s.between(0.55, 0.75) if kind in ("halves", "waves") else middle
    reach = s.short * {"arch": s.between(0.34, 0.42), "rings": s.between(0.3, 0.42)}.get(kind, s.between(0.4, 0.5))
    s.add(kind, x, y, reach, depth=0.5, turn=s.between(-1, 1))
    _heroes(s, x, middle)


def _heroes(s: Sketch, x: float, middle: float) -> None:
    """The things of a graphic poster: one in the middle; two side by side or one behind the other; more in a row or
    stepped."""
    wanted = [(slot, part) for slot, part in enumerate(s.what.parts, 1) for _ in range(part.count or 1)]
    number = len(wanted)
    if number == 0:
        return
    tall = (1 - CALM - 0.08) * s.height
    if number == 1:
        slot, part = wanted[0]
        high = s.between(0.78, 0.95) * min(tall * 0.9, 0.8)
        _hero(s, slot, part, x, middle + 0.5 * high * min(1.0, 1 / part.aspect), high)
        return
    upright = s.height > 1.2
    columns = (1 if number == 2 else 2 if number < 7 else 3) if upright else min(number, 3)
    rows = -(-number // columns)
    cell = min(0.9 / columns, tall / rows, 0.56)
    low = middle + 0.5 * cell * rows
    short = number - columns * (rows - 1)
    sizes = [columns] * rows
    sizes[0 if s.rng.random() < 0.5 else -1] = short
    swing = 0.17 * s.side * (columns == 1)
    lift = 0.1 * cell * s.rng.choice((-1, 0, 1)) * (not upright)
    places = [(row, column, sizes[row]) for row in range(rows) for column in range(sizes[row])]
    for i, ((slot, part), (row, column, inside)) in enumerate(zip(wanted, places, strict=True)):
        at = 0.5 + (column - (inside - 1) / 2) * cell + swing * (-1) ** row
        foot = low - (rows - 1 - row) * cell + lift * (-1) ** i
        size = cell * s.between(0.86, 0.93)
        _hero(s, slot, part, at, foot - 0.5 * (size - size * min(1.0, 1 / part.aspect)), size)


def _hero(s: Sketch, slot: int, part: Part, x: float, foot: float, size: float) -> None:
    e = Element(f"hero-{slot}", x, foot, size, 1.0, 0.0, s.between(-1, 1), s.rng.random(), aspect=part.aspect)
    area = box(e)
    if area[1] < CALM * s.height or area[3] > s.height - 0.02 or area[0] < 0.01 or area[2] > 0.99:
        raise NoRoom(e.kind)
    s.elements.append(e)
    s.taken.append((e.kind, area))


def stage(s: Sketch) -> None:
    """A floor and curtain, beams of light, the first thing large in one of them; the others beside it."""
    s.horizon = s.height * s.between(0.72, 0.8)
    parts = s.what.parts
    s.add("floor", 0.5, s.horizon, depth=0.3)
    s.add("curtain", 0.5, s.height, s.between(0.1, 0.16), depth=0.1)
    x = 0.5 + s.side * s.between(0.02, 0.14)
    foot = s.down(s.between(0.35, 0.6))
    s.add("spotlight", x, foot, s.short * s.between(0.42, 0.55), depth=0.1, turn=s.between(-1, 1))
    others = s.rng.randint(1, 3)
    for i in range(others):
        at = 0.5 + (i - (others - 1) / 2) * s.between(0.3, 0.45) + s.between(-0.05, 0.05)
        s.add(
            "spotlight",
            at,
            s.down(s.between(0.1, 0.6)),
            s.short * s.between(0.2, 0.4),
            depth=0.2,
            turn=s.between(-1, 1),
        )
    if parts and parts[0].role == "hero":
        number = parts[0].count or 1
        high = min(0.7 * s.short, foot - (CALM + 0.03) * s.height) * s.between(0.82, 0.98)
        if number > 1:
            high *= (0.7, 0.52)[number - 2]
        gap = high * min(1.0, parts[0].aspect) * 1.08
        if gap * number > 0.84:
            high, gap = high * 0.84 / (gap * number), 0.84 / number
        start = min(max(x, 0.08 + gap * number / 2), 0.92 - gap * number / 2) - gap * (number - 1) / 2
        for i in range(number):
            _hero(s, 1, parts[0], start + i * gap, foot + s.between(-0.005, 0.005), high)
    for slot, part in enumerate(parts, 1):
        if part.role == "stander":
            larger = {"tall": 0.62, "large": 0.8}.get(part.size, 1.05)
            s.put(
                slot, part, (0.12, 0.88), (s.down(0.2), s.down(0.9)), depth=0.1, larger=larger, bound=False, most=0.25
            )
        elif part.role == "flyer":
            s.put(slot, part, (0.15, 0.85), (0.25 * s.height, 0.6 * s.horizon), bound=False, larger=0.8, most=0.2)


def table(s: Sketch) -> None:
    """A still life: things large on a table, a window at times."""
    s.horizon = s.height * s.between(0.6, 0.7)
    s.add("tabletop", s.focus, s.horizon, s.short * s.between(0.34, 0.42), depth=0.3)
    if s.rng.random() < 0.4:
        high = s.between(0.24, 0.32) * s.height
        s.add("window", s.across(s.between(0.22, 0.3)), s.height * s.between(0.34, 0.4), high, depth=0.5)
    for slot, part in enumerate(s.what.parts, 1):
        alone = len(s.what.parts) == 1 and (part.count or 1) == 1
        larger = (2.8 if alone else 2.0) if part.size == "small" else (2.0 if alone else 1.4)
        larger = {"large": 1.25, "tall": 0.95}.get(part.size, larger)
        xs = (max(0.1, s.focus - 0.1), min(0.9, s.focus + 0.1)) if slot == 1 else (0.12, 0.88)
        s.put(slot, part, xs, (s.down(0.18), s.down(0.7)), depth=0.0, larger=larger, bound=False, most=0.16, widest=0.6)


def space(s: Sketch) -> None:
    """Stars, a planet, and the ground of a moon."""
    s.horizon = s.height * s.between(0.76, 0.84)
    s.add("stars", 0.5, s.horizon * 0.95, s.between(0.5, 0.8), depth=0.6)
    s.add(
        "planet",
        s.across(s.between(0.12, 0.3)),
        s.height * s.between(0.26, 0.42),
        s.short * s.between(0.1, 0.2),
        depth=0.6,
    )
    for t, depth, rise in ((0.0, 0.4, 0.05), (0.4, 0.1, 0.08)):
        s.add("dune", s.between(0.1, 0.9), s.down(t), rise * s.short, s.between(0.9, 1.7), depth, s.between(-0.4, 0.4))
    _freely(s)


def underwater(s: Sketch) -> None:
    """Below the surface: a sandy ground, stones, and what swims."""
    s.horizon = s.height * s.between(0.78, 0.86)
    s.add("deep", 0.5 - s.side * s.between(0.1, 0.3), s.height * s.between(0.1, 0.18), depth=0.5)
    s.add("dune", s.between(0.2, 0.8), s.down(0.05), 0.04 * s.short, s.between(1.2, 2.0), 0.3, s.between(-0.3, 0.3))
    sand = s.add(
        "dune", s.between(0.1, 0.9), s.down(0.45), 0.06 * s.short, s.between(1.2, 2.2), 0.05, s.between(-0.3, 0.3)
    )
    _freely(s)
    s.stand("rock", (0.1, 0.9), (0.02, 0.08), s.rng.randint(0, 2), edge=sand)


def _freely(s: Sketch) -> None:
    for slot, part in enumerate(s.what.parts, 1):
        larger = 1.6 if slot == 1 and (part.count or 1) < 3 else 1.1
        if part.role == "flyer":
            xs = (max(0.15, s.focus - 0.2), min(0.85, s.focus + 0.2)) if slot == 1 else (0.12, 0.88)
            s.put(slot, part, xs, (0.3 * s.height, s.horizon), larger=larger, bound=False)
        else:
            s.put(slot, part, (0.12, 0.88), (s.down(0.15), s.down(0.85)), depth=0.1, larger=1.1, bound=False)


GRAPHIC: dict[str, Callable[[Sketch], None]] = {
    "plain": plain,
    "stage": stage,
    "table": table,
    "space": space,
    "underwater": underwater,
}
PLACES: dict[str, Callable[[Sketch], None]] = {
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
    "beach": beach,
    "hills": hills,
}
TREES = {"mountains": "pine", "forest": "pine", "lake": "pine", "hills": "tree"}


def _sky(s: Sketch) -> None:
    rng, what = s.rng, s.what
    light = 0.5 - s.side * s.between(0.1, 0.3)
    s.add(what.hour, light, s.horizon, 1.0, depth=0.6)
    height = s.height
    if what.weather in (CLEAR, CLOUDS):
        if what.hour == "night":
            kind = rng.choice(("moon", "crescent"))
            s.add(kind, light, height * s.between(0.14, 0.24), s.short * s.between(0.055, 0.085), depth=0.6)
            if what.weather == CLEAR:
                s.add("stars", 0.5, s.horizon * 0.75, s.between(0.25, 0.45), depth=0.6)
        else:
            low, high = {"dawn": (0.4, 0.56), "day": (0.12, 0.24), "sunset": (0.38, 0.55)}[what.hour]
            radius = {"dawn": 0.075, "day": 0.065, "sunset": 0.12}[what.hour]
            s.add(
                "sun",
                light,
                min(height * s.between(low, high), s.horizon),
                s.short * radius * s.between(0.9, 1.2),
                depth=0.6,
            )
    heavy = what.weather in (RAIN, SNOW)
    if heavy or what.weather == CLOUDS:
        count = 4 if heavy else rng.randint(2, 4)
        for i in range(count):
            x = (i % 2) * 0.5 + s.between(0.1, 0.4)
            y = height * (0.07 + 0.3 * i / count + s.between(-0.02, 0.03))
            size = s.short * s.between(0.6, 0.95) if heavy else s.short * s.between(0.3, 0.5)
            s.add("cloud", x, y, size, depth=0.6, tint=1.0 if heavy else 0.0)
    if what.weather == MIST:
        for t, half in ((-0.25, 0.2), (0.1, 0.14), (0.5, 0.12))[: rng.randint(2, 3)]:
            s.add("mist", 0.5, s.down(t + s.between(-0.08, 0.08)), s.short * half, depth=0.5)
    elif heavy:
        s.add(what.weather, 0.5, height * 0.5, s.between(0.7, 1.3), depth=0.0, turn=s.between(-1, 1))


def _wall(s: Sketch) -> None:
    """What a graphic poster has for a sky: colours, and what falls."""
    s.add(s.what.hour, 0.5 - s.side * s.between(0.1, 0.3), s.horizon, 1.0, depth=0.6)
    if s.what.weather in (RAIN, SNOW):
        s.add(s.what.weather, 0.5, s.height * 0.5, s.between(0.7, 1.3), depth=0.0, turn=s.between(-1, 1))


def _scatter(s: Sketch, chance: float) -> None:
    if s.what.scattered or s.rng.random() < chance:
        first = s.taken[0][1] if s.taken else (0.3, 0.4 * s.height, 0.7, 0.6 * s.height)
        x, y = 0.5 * (first[0] + first[2]), 0.5 * (first[1] + first[3])
        s.add(
            "scatter", x + s.between(-0.05, 0.05), y + s.between(-0.08, 0.0) * s.height, s.between(0.7, 1.0), depth=0.0
        )


def _path(s: Sketch) -> None:
    """From the line of the nearest hill to the foot of the sheet."""
    edge = s.nearest("hill", "dune")
    x = s.across(s.between(0.4, 0.6))
    s.add("path", x, line(edge, x) + 0.004, s.between(0.12, 0.2), 1.0, edge.depth, s.between(-1, 1))


def _thing(s: Sketch, name: str, count: int) -> None:
    """Put what is asked for where this place has room for it, near enough to be seen."""
    place, near = s.what.place, (s.down(0.2), s.down(0.95))
    focal = (max(0.05, s.focus - 0.3), min(0.95, s.focus + 0.3))
    number = count or (s.rng.choice((1, 1, 2, 3)) if name == "cactus" else s.rng.randint(2, 3) if name == "palm" else 1)
    if name in ("balloon", "birds", "kite", "plane"):
        s.fly(
            name,
            number,
            {"balloon": (0.13, 0.24), "birds": (0.06, 0.085), "kite": (0.09, 0.14), "plane": (0.12, 0.19)}[name],
        )
    elif name == "path":
        _path(s)
    elif name == "pier":
        s.add("pier", s.across(s.between(0.35, 0.65)), s.down(s.between(0.4, 0.55)), s.between(0.1, 0.15), 1.0, 0.02)
        s.taken.append(("pier", (s.elements[-1].x - 0.15, s.elements[-1].y - 0.05, s.elements[-1].x + 0.15, s.height)))
    elif name == "boat":
        water = next(e for e in s.elements if e.kind == "water")
        s.stand("boat", (0.1, 0.9), (water.y + 0.015, s.down(0.85)), number, needed=True)
    elif place in ("coast", "island"):
        land = s.nearest("cliff" if place == "coast" else "island")
        deep = max(land.depth, 0.1)
        x = (
            (land.x + land.turn * 0.06, land.x + land.turn * 0.5)
            if place == "coast"
            else (land.x - 0.3 * land.size, land.x + 0.3 * land.size)
        )
        xs = (max(0.05, min(x)), min(0.95, max(x)))
        s.stand(name, xs, (0.012, 0.045), number, edge=land, depth=deep, needed=True, larger=0.8, most=0.6)
    elif name in ("house", "church", "windmill", "lighthouse"):
        s.stand(name, focal, (s.down(0.05), s.down(0.9)), number, needed=True)
    else:
        s.stand(name, (0.08, 0.92), near, number, needed=True)


def _part(s: Sketch, slot: int, part: Part) -> None:
    """Put a part in a landscape, near enough to be seen; the first one near the focal point."""
    place = s.what.place
    focal = (max(0.12, s.focus - 0.22), min(0.88, s.focus + 0.22)) if slot == 1 else (0.1, 0.9)
    larger = 1.3 if slot == 1 else 1.0
    if part.role == "flyer":
        s.put(slot, part, focal, ((CALM + 0.05) * s.height, s.horizon - 0.05), larger=1.1 * larger, most=0.0)
    elif part.role == "floater":
        water = next(e for e in s.elements if e.kind == "water")
        s.put(slot, part, focal, (water.y + 0.015, s.down(0.85)), larger=larger)
    elif place in ("coast", "island"):
        land = s.nearest("cliff" if place == "coast" else "island")
        xs = (
            (land.x + land.turn * 0.08, land.x + land.turn * 0.5)
            if place == "coast"
            else (land.x - 0.32 * land.size, land.x + 0.32 * land.size)
        )
        inside = (max(0.06, min(xs)), min(0.94, max(xs)))
        s.put(slot, part, inside, (0.012, 0.045), edge=land, depth=max(land.depth, 0.1), larger=0.75, most=0.3)
    else:
        foot = 0.55 if part.size == "tall" else 0.92
        s.put(slot, part, focal, (s.down(0.12), s.down(foot)), larger=larger)


def _dress(s: Sketch) -> None:
    """Trees that frame, bushes and stones: what nobody asked for."""
    place, rng = s.what.place, s.rng
    if place in TREES:
        top = 0.8 if place == "lake" else 0.45
        s.frame(
            TREES[place],
            rng.randint(2, 5) + 2 * (place == "forest"),
            (s.down(top), s.down(1.0)),
            both=rng.random() < 0.5,
        )
    if place in ("mountains", "hills", "desert"):
        s.stand(rng.choice(("bush", "rock")), (0.05, 0.95), (s.down(0.5), s.down(0.98)), rng.randint(0, 2))
    if place == "coast":
        cliff = s.nearest("cliff")
        xs = sorted((cliff.x + cliff.turn * 0.1, cliff.x + cliff.turn * 0.4))
        s.stand("tree", (max(0.06, xs[0]), min(0.94, xs[1])), (0.015, 0.04), rng.randint(0, 2), edge=cliff, depth=0.3)
    if place == "island":
        home = s.nearest("island")
        xs = (home.x - 0.32 * home.size, home.x + 0.32 * home.size)
        s.stand("palm", xs, (0.01, 0.035), edge=home, most=0.7, depth=0.1, needed=True)
        s.stand("palm", xs, (0.01, 0.035), rng.randint(0, 3), edge=home, most=0.7, depth=0.1)
        s.stand("bush", xs, (0.01, 0.035), rng.randint(1, 3), edge=home, most=0.7, depth=0.1)


# Wide and tall things first, while there is room.
FIRST = ("path", "pier", "lighthouse", "church", "windmill", "house", "palm", "balloon", "boat")


def compose(what: Ask, seed: int) -> Scene:
    """A scene that shows what is asked, without faults; the same ask and seed give the same scene."""
    for attempt in range(80):
        rng = random.Random(f"compose {what} {seed} {attempt}")
        s = Sketch(what, rng)
        try:
            if what.graphic:
                GRAPHIC[what.place](s)
                _wall(s)
                chance = {"stage": 0.5}.get(what.place, 0.0)
                _scatter(s, chance)
                made = sorted(s.elements, key=lambda e: (ORDER[e.kind], e.x))
                scene = Scene(tuple(made), s.height, rng.randrange(2**31))
                if not faults(scene):
                    return scene
                continue
            _sky(s)
            s.taken = [
                (e.kind, (e.x - e.size, e.y - e.size, e.x + e.size, e.y + e.size))
                for e in s.elements
                if e.kind in ("sun", "moon", "crescent") and not what.parts
            ]
            PLACES[what.place](s)
            for slot, part in sorted(enumerate(what.parts, 1), key=lambda each: -SIZES[each[1].size]):
                _part(s, slot, part)
            for name, count in sorted(what.things, key=lambda t: FIRST.index(t[0]) if t[0] in FIRST else len(FIRST)):
                _thing(s, name, count)
            _dress(s)
        except NoRoom:
            continue
        made = sorted(s.elements, key=lambda e: (ORDER[e.kind], e.x))
        scene = Scene(tuple(made), s.height, rng.randrange(2**31))
        if len(made) <= MOST and not faults(scene):
            return scene
    raise ValueError(f"no composition for {what}")
