"""Antialiased masks of the shapes that pictures are cut to.

Every shape is symmetric about both axes and meets each row in one stretch, so that a pixel's share is the mean, over
SLICES lines across it, of the exact length that lies inside.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Shape = Literal["square", "circle", "squircle", "rounded"]
SHAPES: tuple[Shape, ...] = get_args(Shape)

EXPONENT = 5.0
"""Of the squircle, the superellipse |x / a|^n + |y / b|^n <= 1 with a and b half the sides."""

CORNER = 0.225
"""Radius of the rounded square's corners, of its shorter side."""

SLICES = 32
_BLOCK = 4_000_000


def coverage(shape: Shape, width: int, height: int) -> NDArray[np.uint8]:
    """Coverage uint8 `[H, W]`, 255 inside. The circle is as large as fits, in the middle; the others fill the box."""
    whole = np.full((height, width), 255, np.uint8)
    if shape == "square":
        return whole
    quarter = _quarter(shape, width, height)
    rows, columns = quarter.shape
    # The quarters meet in the middle; of an odd side the middle line belongs to both.
    left = np.concatenate([quarter, quarter[::-1][height % 2 :]], axis=0)
    return np.concatenate([left, left[:, ::-1][:, width % 2 :]], axis=1)[: rows * 2, : columns * 2]


def _quarter(shape: Shape, width: int, height: int) -> NDArray[np.uint8]:
    """The upper left quarter, the middle row and column of odd sides included."""
    rows, columns = (height + 1) // 2, (width + 1) // 2
    edges = np.arange(columns, dtype=np.float64)
    made = np.empty((rows, columns), np.uint8)
    step = max(1, _BLOCK // (SLICES * columns))
    for start in range(0, rows, step):
        stop = min(rows, start + step)
        lines = start + (np.arange((stop - start) * SLICES, dtype=np.float64) + 0.5) / SLICES
        begin = width / 2 - half_width(shape, width, height, height / 2 - lines)
        ends = np.minimum(edges[None] + 1, width - begin[:, None])
        inside = np.clip(ends - np.maximum(edges[None], begin[:, None]), 0.0, 1.0)
        shares = inside.reshape(stop - start, SLICES, columns).mean(axis=1)
        made[start:stop] = np.rint(shares * 255)
    return made


def half_width(shape: Shape, width: float, height: float, up: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half the length inside the shape of the line that lies `up` pixels above the middle; negative where none does."""
    a, b = width / 2, height / 2
    up = np.abs(up)
    if shape == "circle":
        radius = min(a, b)
        return np.where(up < radius, np.sqrt(np.maximum(0.0, radius**2 - up**2)), -1.0)
    if shape == "squircle":
        return a * np.maximum(0.0, 1 - (up / b) ** EXPONENT) ** (1 / EXPONENT)
    if shape == "rounded":
        radius = CORNER * min(width, height)
        over = np.maximum(0.0, up - (b - radius))
        return a - radius + np.sqrt(np.maximum(0.0, radius**2 - over**2))
    return np.full_like(up, a)


def outline(shape: Shape, width: float, height: float) -> str:
    """The shape as the data of an SVG path, the superellipse as 96 curves."""
    w, h = width, height
    if shape == "circle":
        r = min(w, h) / 2
        return f"M{_n(w / 2 - r)} {_n(h / 2)}a{_n(r)} {_n(r)} 0 1 0 {_n(2 * r)} 0a{_n(r)} {_n(r)} 0 1 0 {_n(-2 * r)} 0Z"
    if shape == "rounded":
        r = CORNER * min(w, h)
        arc = f"A{_n(r)} {_n(r)} 0 0 1 "
        return (
            f"M{_n(r)} 0H{_n(w - r)}{arc}{_n(w)} {_n(r)}V{_n(h - r)}{arc}{_n(w - r)} {_n(h)}"
            f"H{_n(r)}{arc}0 {_n(h - r)}V{_n(r)}{arc}{_n(r)} 0Z"
        )
    if shape == "squircle":
        return _superellipse(w / 2, h / 2)
    return f"M0 0H{_n(w)}V{_n(h)}H0Z"


def _superellipse(a: float, b: float, parts: int = 96) -> str:
    """Cubic curves through points of the outline, with its own tangents there (Hermite to Bezier)."""
    turn = np.linspace(0.0, 2 * np.pi, parts + 1)
    power = 2 / EXPONENT
    # Steps grow near the axes, where the parameter crawls along the flat sides.
    turn = turn - np.sin(4 * turn) / 4.6
    c, s = np.cos(turn), np.sin(turn)
    x = a + a * np.sign(c) * np.abs(c) ** power
    y = b + b * np.sign(s) * np.abs(s) ** power
    # The gradient of the implicit form, turned by a quarter, is the direction of travel.
    u, v = (x - a) / a, (y - b) / b
    tx = -np.sign(v) * np.abs(v) ** (EXPONENT - 1) / b
    ty = np.sign(u) * np.abs(u) ** (EXPONENT - 1) / a
    long = np.hypot(tx, ty)
    tx, ty = tx / long, ty / long
    third = np.hypot(np.diff(x), np.diff(y)) / 3
    path = [f"M{_n(x[0])} {_n(y[0])}"]
    for i, d in enumerate(third):
        path.append(
            f"C{_n(x[i] + tx[i] * d)} {_n(y[i] + ty[i] * d)} "
            f"{_n(x[i + 1] - tx[i + 1] * d)} {_n(y[i + 1] - ty[i + 1] * d)} {_n(x[i + 1])} {_n(y[i + 1])}"
        )
    return "".join(path) + "Z"


def _n(value: float) -> str:
    """A number as short as a hundredth of a unit allows."""
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"
