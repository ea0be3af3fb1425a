"""Scenes as the rows of numbers that a scene model sees, and back.

A scene is SLOTS rows in the order of `places`. A row holds the kind as one-hot of -1 and 1 (with "none") and the
fields, scaled to about -2 to 2.
"""

from __future__ import annotations

import math
import random

import numpy as np

from studio.backends.poster.scene.elements import (
    BACKDROPS,
    FIELDS,
    HOURS,
    KINDS,
    MOST,
    ORDER,
    PARTS,
    Element,
    Scene,
    same,
)
from studio.backends.poster.scene.words import THINGS

NAMES = (*KINDS, "none")
ROWS = {
    **dict.fromkeys(HOURS, 0),
    **dict.fromkeys(("sun", "moon", "crescent", "planet", *BACKDROPS), 1),
    **dict.fromkeys(("stars", "scatter"), 2),
    **dict.fromkeys(("rain", "snow", "window"), 3),
    **dict.fromkeys(("water", "river", "floor", "tabletop", "street", "deep"), 4),
    **dict.fromkeys(("quay", "path", "curtain"), 5),
}
"""Kinds of which a scene has one at most, and their row; those that share a row exclude each other."""
ASKED = (*sorted(PARTS, key=lambda kind: PARTS[kind][1]), *(kind for kind in THINGS if kind not in ROWS))
SMALL = ("spotlight", "bush", "rock", "tree", "pine", "terrace", "tower", "cloud", "mist")
LARGE = ("woods", "mesa", "skyline", "ridge", "island", "cliff", "wall", "dune", "hill")
SLOTS = MOST + len(set(ROWS.values())) - 1
"""Rows of a scene: a sky is always there, each other row of ROWS may be empty."""
RANK = {kind: i for i, kind in enumerate((*ROWS, *ASKED, *SMALL, *LARGE))}
ALLOWED = np.array(
    [
        [*((ROWS.get(kind, -1) == row) if row in ROWS.values() else kind not in ROWS for kind in KINDS), row > 0]
        for row in range(SLOTS)
    ]
)
"""Which of NAMES a row may hold."""
WIDTH = len(NAMES) + len(FIELDS)
# Field = value of the row / scale + middle; sizes and widths are logarithms. Heights weigh more: what floats
# is off by a hundredth or two.
MIDDLE = np.array([0.5, 0.6, -1.9, 0.0, 0.3, 0.0, 0.5], np.float32)
SCALE = np.array([4.0, 9.0, 2.0, 1.6, 5.0, 2.0, 3.5], np.float32)


def encode(scene: Scene) -> np.ndarray:
    """float32 [SLOTS, WIDTH]."""
    rows = np.zeros((SLOTS, WIDTH), np.float32)
    rows[:, : len(NAMES)] = -1
    rows[:, len(NAMES) - 1] = 1
    for row, e in zip(places(scene), ordered(scene), strict=True):
        rows[row, (ORDER[e.kind], len(NAMES) - 1)] = 1, -1
        size, wide = math.log(e.size / scene.short), math.log(e.wide)
        fields = np.array((e.x, e.y / scene.height, size, wide, e.depth, e.turn, e.tint), np.float32)
        rows[row, len(NAMES) :] = (fields - MIDDLE) * SCALE
    return rows


def ordered(scene: Scene) -> list[Element]:
    """By kind as the rows go, then from the left."""
    return sorted(scene.elements, key=lambda e: (RANK[e.kind], e.x))


def places(scene: Scene) -> list[int]:
    """The row of each element of `ordered`: its own for what there is one of at most, things from the first free row
    forwards, the rest from the last row backwards, so that neither moves when the number of the other changes."""
    kinds = [e.kind for e in ordered(scene)]
    rows = [ROWS[kind] for kind in kinds if kind in ROWS]
    things = sum(kind in ASKED for kind in kinds)
    first = len(set(ROWS.values()))
    return [*rows, *range(first, first + things), *range(SLOTS - (len(kinds) - len(rows) - things), SLOTS)]


def decode(rows: np.ndarray, height: float, seed: int) -> Scene:
    """The scene nearest to [SLOTS, WIDTH] numbers, the surest elements first. One that lies on another of its kind is
    the same, and of each kind there are at most as many as KINDS says. Which pattern a backdrop has is up to the seed:
    each goes with anything, and the surest would be the same one every time."""
    short, made = min(1.0, height), list[Element]()
    names = np.where(ALLOWED, rows[:, : len(NAMES)], -np.inf)
    for row in np.argsort(-names.max(1), kind="stable"):
        kind = NAMES[int(names[row].argmax())]
        if kind == "none":
            continue
        if kind in BACKDROPS:
            kind = random.Random(f"backdrop {seed}").choice(BACKDROPS)
        x, y, size, wide, depth, turn, tint = (rows[row, len(NAMES) :] / SCALE + MIDDLE).tolist()
        size, wide = short * math.exp(min(size, 1.0)), math.exp(min(wide, 3.0))
        depth, turn, tint = min(1.0, max(0.0, depth)), min(1.0, max(-1.0, turn)), min(1.0, max(0.0, tint))
        e = Element(kind, x, y * height, size, wide, depth, turn, tint)
        alike = [other for other in made if other.kind == kind]
        if len(alike) < KINDS[kind].most and not any(same(e, other) for other in alike):
            made.append(e)
    return Scene(tuple(made), height, seed)
