"""Square crops of a picture that may frame a face as the network frames its own.

A place is a square of the picture, which may reach beyond it. Candidates put what is no background where figures of the
network stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from studio.backends.avatar import background

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""

BEYOND = 0.06  # of a side that a place may reach beyond where a figure is cut off
ALIKE = 0.05  # of a side: places nearer to each other are one


@dataclass(frozen=True, slots=True)
class CropSquare:
    """A square of a canvas, in its pixels."""

    left: float
    top: float
    side: float

    def moved(self, right: float, down: float, larger: float) -> CropSquare:
        """By shares of its side, and scaled about its middle."""
        side = self.side * (1 + larger)
        away = (self.side - side) / 2
        return CropSquare(self.left + self.side * right + away, self.top + self.side * down + away, side)

    def near(self, other: CropSquare) -> bool:
        reach = ALIKE * min(self.side, other.side)
        ends = (self.left, self.top, self.side), (other.left, other.top, other.side)
        return all(abs(one - two) <= reach for one, two in zip(*ends, strict=True))


class CropSource:
    """A picture, RGBA [H, W, 4] straight, from which squares are taken. `whole` is the same with its background, where
    squares are to keep that."""

    def __init__(self, pixels: NDArray[np.uint8], whole: NDArray[np.uint8] | None = None) -> None:
        self.pixels = pixels
        self.height, self.width = pixels.shape[:2]
        self._picture = Pillow.fromarray(pixels if whole is None else whole).convert("RGBA").convert("RGBa")

    def crop(self, place: CropSquare, size: int) -> NDArray[np.uint8]:
        """What is in a place, RGBA [size, size, 4], straight alpha; clear beyond the canvas."""
        left, top = int(np.floor(place.left)), int(np.floor(place.top))
        right, bottom = int(np.ceil(place.left + place.side)), int(np.ceil(place.top + place.side))
        cut = self._picture.crop((left, top, right, bottom))
        x, y = place.left - left, place.top - top
        box = (x, y, min(x + place.side, cut.width), min(y + place.side, cut.height))
        resized = cut.resize((size, size), Pillow.Resampling.LANCZOS, box=box, reducing_gap=3.0)
        return np.asarray(resized.convert("RGBA"))

    def middle(self) -> CropSquare:
        """Its middle square."""
        side = min(self.width, self.height)
        return CropSquare((self.width - side) // 2, (self.height - side) // 2, side)

    def contains(self, place: CropSquare) -> bool:
        """Whether the figure ends within the square wherever it reaches the canvas's sides or top."""
        there = self.pixels[..., 3] > 128
        beyond = BEYOND * place.side
        sides = (
            (-place.left, there[:, 0]),
            (-place.top, there[0]),
            (place.left + place.side - self.width, there[:, -1]),
        )
        return not any(over > beyond and bool(edge.any()) for over, edge in sides)

    def figure(self) -> Box | None:
        """Around all that is there; None where there is no background."""
        there = self.pixels[..., 3] > 128
        if there.mean() > 0.99 or not there.any():
            return None
        rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
        return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def cut_outs(pixels: NDArray[np.uint8], *, cut: bool) -> list[CropSource]:
    """The picture cut out in every way that may be right, the likeliest first: without its background, then with its
    largest figure only, then without the disc or the card that this stands on, last with what is like its background
    but lies within. Where it is not to be `cut`, with what it has."""
    first = background.cut_out(pixels)
    if not cut:
        return [
            CropSource(first if first.shape[2] == 4 else np.dstack([first, np.full_like(first[..., 0], 255)]), pixels)
        ]
    ways = [first]
    if background.is_transparent(first):
        for further in (background.largest_figure, background.remove_backdrop):
            more = further(ways[-1])
            if more is not None:
                ways.append(more)
        back = None if background.is_transparent(pixels) else background.fill_holes(first)
        if back is not None:
            ways.append(back)
    return [CropSource(way) for way in ways]


def candidate_squares(canvas: CropSource, frames: Sequence[Box], around: Box | None = None) -> list[CropSquare]:
    """Where the figure of a canvas would stand as one of the network's own: `frames` are the boxes around those, in
    shares of their pictures. `around` is the disc or the card on which it stands."""
    found: list[CropSquare] = []
    box = canvas.figure()
    if box is not None:
        left, top, right, bottom = box
        shape = np.log((right - left) / (bottom - top))
        wide = [frame[2] - frame[0] for frame in frames]
        high = [frame[3] - frame[1] for frame in frames]
        for at in np.argsort(np.abs(np.log(np.array(wide) / np.array(high)) - shape), kind="stable"):
            side = float(np.sqrt((right - left) * (bottom - top) / (wide[at] * high[at])))
            middle = (frames[at][0] + frames[at][2]) / 2
            found.append(CropSquare((left + right) / 2 - side * middle, bottom - side * frames[at][3], side))
    if around is not None:
        left, top, right, bottom = around
        side = max(right - left, bottom - top)
        whole = CropSquare((left + right - side) / 2, (top + bottom - side) / 2, side)
        found += [whole, whole.moved(0, 0, 0.2), whole.moved(0, 0, -0.2)]
    return found


def drop_near_duplicates(found: Sequence[CropSquare]) -> list[CropSquare]:
    """Without those that are near to one before."""
    kept: list[CropSquare] = []
    for place in found:
        if not any(place.near(other) for other in kept):
            kept.append(place)
    return kept


def neighbours(place: CropSquare, step: float) -> Iterator[CropSquare]:
    """The places next to one."""
    for sign in (1, -1):
        yield place.moved(sign * step, 0, 0)
        yield place.moved(0, sign * step, 0)
        larger = 2 * sign * step
        yield place.moved(0, 0, larger)
        yield place.moved(0, -larger / 2, larger)  # about its foot
