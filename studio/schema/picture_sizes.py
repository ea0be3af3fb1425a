"""Sizes of pictures that people ask for by name, such as a square or a banner, fitted to what a model paints."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from studio.errors import BadInput
from studio.schema.fields import Checked, Range

SIDES = ("width", "height")
TYPED = re.compile(r"\s*(\d{1,6})\s*[x×*]\s*(\d{1,6})\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PictureSize:
    """A size in pixels; `name` is what a command calls it, `label` what a form does, in English."""

    name: str
    label: str
    width: int
    height: int


PICTURE_SIZES = (
    PictureSize("square", "Square", 1024, 1024),
    PictureSize("portrait", "Portrait 2:3", 1024, 1536),
    PictureSize("landscape", "Landscape 3:2", 1536, 1024),
    PictureSize("feed", "Feed 4:5", 1080, 1350),
    PictureSize("stories", "Stories 9:16", 1080, 1920),
    PictureSize("wide", "Wide 16:9", 1920, 1080),
    PictureSize("banner", "Banner 3:1", 1500, 500),
    PictureSize("cover", "Article cover 2.35:1", 900, 383),
    PictureSize("a4", "A4 upright", 1240, 1754),
    PictureSize("a4-wide", "A4 wide", 1754, 1240),
)
"""A4 has 150 pixels an inch."""


def fitted(
    sizes: Iterable[PictureSize], width: Range, height: Range, area: int = 0, step: int = 1
) -> Iterator[PictureSize]:
    """The sizes within the limits of both sides. With an `area` in pixels, each proportion at about that area, with
    sides that are multiples of `step`, and each size once.
    """
    seen: set[tuple[int, int]] = set()
    for size in sizes:
        wide, high = _scaled(size, area, step) if area else (size.width, size.height)
        if width.low <= wide <= width.high and height.low <= high <= height.high and (wide, high) not in seen:
            seen.add((wide, high))
            yield dataclasses.replace(size, width=wide, height=high)


def _scaled(size: PictureSize, area: int, step: int) -> tuple[int, int]:
    """Its proportions at about an area, in steps; never slimmer, since a picture may be only so slim."""
    scale = math.sqrt(area / (size.width * size.height)) / step
    wide, high = (max(1, round(side * scale)) for side in (size.width, size.height))
    slimmest = max(size.width, size.height) / min(size.width, size.height)
    if max(wide, high) > slimmest * min(wide, high):
        longest = max(1, math.floor(slimmest * min(wide, high) + 1e-9))
        wide, high = min(wide, longest), min(high, longest)
    return wide * step, high * step


def has_sides(kind: type[Checked]) -> bool:
    """Whether a request asks for a width and a height in pixels."""
    return set(SIDES) <= {name for name, each in kind.fields() if isinstance(each, Range)}


def size_of(text: str, sizes: Iterable[PictureSize]) -> tuple[int, int]:
    """Width and height that a text asks for: the name of one of `sizes`, or such as 1024x1536. BadInput for another."""
    known = {size.name: size for size in sizes}
    if text in known:
        return known[text].width, known[text].height
    typed = TYPED.fullmatch(text)
    if typed is None:
        raise BadInput(
            "The size cannot be {text!r}.",
            "Give a size such as 1024x1536, or one of: {names}.",
            text=text[:60],
            names=", ".join(known),
        )
    return int(typed[1]), int(typed[2])
