"""Composes a picture for export: background, position, and the shape it is cut to.

Sizes are pixels. Colours are "#rrggbb", mixed as sRGB values, as browsers do. Alpha is straight in and out.
"""

from __future__ import annotations

import colorsys
import math
import re
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageFilter, ImageOps

from studio.errors import BadInput
from studio.export.shapes import SHAPES, Shape, coverage
from studio.media.payloads import Image

Ground = Literal["none", "colour", "gradient", "work"]
GROUNDS: tuple[Ground, ...] = get_args(Ground)

SIDE_LIMIT = 8192
"""Pixels of the longest side that is made, but for a picture of its own size."""
OWN_LIMIT = 16_383
"""Pixels of the longest side of a picture that is exported as large as it is: no format takes more in all programs."""

GRADIENT_STEPS = 4096
"""Steps of a gradient: more than any two colours have tones between them."""

PADDING = (-0.4, 0.4)
SHIFT = (-0.5, 0.5)
STANDS_FROM = 0.08
"""Share of the lowest row that must be covered for a cut-out to stand on the lower edge."""

MOST_CUT = 0.4
"""Share of a picture that is cut off at most so that it covers a canvas of other proportions: what would lose more, as
on a banner, is seen whole before a background."""
BANNER = 2.0
"""How many times wider than high a canvas is a banner, which is never left transparent: networks make that black."""
BLUR_SIDE = 192
"""Pixels of the longer side at which a background is blurred."""
EVEN = 12.0
"""Levels by which the colours along a picture's edge differ at most where they are one background."""

WHITE_AND_BLACK = ("#ffffff", "#111111")

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True, slots=True)
class PictureStyle:
    """The shape that a picture is cut to, its background and its position.

    Checked on construction; BadInput names the field.

    `ground` is the background: nothing, `colour`, a gradient from `colour` to `second` along `angle` (degrees
    clockwise, 0 upwards, 90 to the right, as in CSS), or another work. `padding` is the share of the shorter side left
    free around the picture; negative comes nearer. `across` and `down` move it by shares of the sides.
    """

    shape: Shape = "square"
    ground: Ground = "none"
    colour: str = "#f2e9dc"
    second: str = "#c9dbe6"
    angle: float = 180.0
    padding: float = 0.0
    across: float = 0.0
    down: float = 0.0

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise BadInput(
                "There is no shape {shape!r:.40}.", "The shapes are {names}.", shape=self.shape, names=", ".join(SHAPES)
            )
        if self.ground not in GROUNDS:
            raise BadInput(
                "There is no background {ground!r:.40}.",
                "There are {names}.",
                ground=self.ground,
                names=", ".join(GROUNDS),
            )
        for name in ("colour", "second"):
            colour_of(getattr(self, name))
        for name, (low, high) in (("padding", PADDING), ("across", SHIFT), ("down", SHIFT), ("angle", (-360, 360))):
            value: object = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise BadInput("{name} must be a number from {low:g} to {high:g}.", name=name, low=low, high=high)


def colour_of(text: str) -> tuple[int, int, int]:
    """Red, green and blue of "#rrggbb". Raises BadInput for anything else."""
    if not _COLOUR.fullmatch(text):
        raise BadInput("{text!r} is not a colour.", "Write it as #rrggbb, such as #f2e9dc.", text=text[:40])
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the picture lies on the canvas: its left upper corner and its size, in pixels and parts of pixels."""

    left: float
    top: float
    width: float
    height: float


def place(image: Image, style: PictureStyle, width: int, height: int) -> Placement:
    """Where the picture lies: one without transparency covers the canvas where that cuts off no more than MOST_CUT, a
    cut-out is seen whole.

    A cut-out that reaches the lower edge of its own picture, as a bust does, stands on the canvas's lower edge whatever
    the padding.
    """
    high, wide = image.pixels.shape[:2]
    cut = transparent(image)
    scale = times_larger((wide, high), style, width, height, cut=cut)
    size = (wide * scale, high * scale)
    left = (width - size[0]) / 2 + style.across * width
    top = (height - size[1]) / 2
    if cut and size[1] <= height and bool((image.pixels[-1, :, 3] >= 128).mean() >= STANDS_FROM):
        top = height - size[1]
    return Placement(left, top + style.down * height, *size)


def times_larger(size: tuple[int, int], style: PictureStyle, width: int, height: int, *, cut: bool) -> float:
    """How many times larger than its `size` a picture is drawn; `cut`: a part of it is transparent. See `place`."""
    free = 2 * style.padding * min(width, height)
    across, down = (width - free) / size[0], (height - free) / size[1]
    return min(across, down) if cut or _cuts_much(size, width, height) else max(across, down)


def _cuts_much(size: tuple[int, int], width: int, height: int) -> bool:
    """Whether a picture of that size would lose more than MOST_CUT if it covered the canvas."""
    across, down = width / size[0], height / size[1]
    return min(across, down) / max(across, down) < 1 - MOST_CUT


def transparent(image: Image) -> bool:
    """Whether any pixel is transparent."""
    return image.pixels.shape[2] == 4 and bool((image.pixels[..., 3] < 250).any())


def hides_ground(image: Image, style: PictureStyle) -> bool:
    """Whether nothing is seen of the background on a square canvas."""
    at = place(image, style, 1000, 1000)
    inside = at.left > 0.5 or at.top > 0.5 or at.left + at.width < 999.5 or at.top + at.height < 999.5
    return not inside and not transparent(image)


def render(image: Image, style: PictureStyle, width: int, height: int, ground: Image | None = None) -> Image:
    """The picture as RGBA uint8 `[height, width, 4]`. `ground` is the background where the style asks for a work.

    Raises BadInput for a size that cannot be made or a missing work.
    """
    limit = OWN_LIMIT if image.pixels.shape[:2] == (height, width) else SIDE_LIMIT
    if not (1 <= width <= limit and 1 <= height <= limit):
        raise BadInput(
            "A picture cannot be {width} x {height} pixels.",
            "Sides go from 1 to {limit:,}.",
            width=width,
            height=height,
            limit=limit,
        )
    made = _own_ground(image, width, height) if needs_ground(image, style, width, height) else None
    if made is None:
        made = _ground(style, width, height, ground)
    _paste(made, image, place(image, style, width, height))
    if style.shape != "square":
        made[..., 3] = (made[..., 3].astype(np.uint16) * coverage(style.shape, width, height) + 127) // 255
    made *= made[..., 3:] > 0  # no colour where nothing is seen: smaller files, and no ghost where alpha is ignored
    return Image(made)


def flatten(image: Image, colour: str = "#ffffff") -> Image:
    """The picture without alpha, on a colour."""
    if image.pixels.shape[2] == 3:
        return image
    alpha = image.pixels[..., 3:].astype(np.uint32)
    under = np.array(colour_of(colour), np.uint32)
    return Image(((image.pixels[..., :3] * alpha + under * (255 - alpha) + 127) // 255).astype(np.uint8))


def needs_ground(image: Image, style: PictureStyle, width: int, height: int) -> bool:
    """Whether no background was chosen for a canvas that the picture cannot fill and that must be filled."""
    if style.ground != "none":
        return False
    high, wide = image.pixels.shape[:2]
    return width >= BANNER * height if transparent(image) else _cuts_much((wide, high), width, height)


def own_colour(image: Image) -> str | None:
    """The one colour of a picture's edge as "#rrggbb", that of a cut-out a light tone of its own; None where the edge
    is of several.
    """
    if transparent(image):
        return suggest_colours(image)[0]
    pixels = image.pixels[..., :3].astype(np.float64)
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    if edge.std(axis=0).max() > EVEN:
        return None
    return "#" + "".join(f"{round(level):02x}" for level in np.median(edge, axis=0))


def _own_ground(image: Image, width: int, height: int) -> NDArray[np.uint8]:
    """The colour of the picture's edge, or else the picture itself, large and blurred."""
    made = np.full((height, width, 4), 255, np.uint8)
    colour = own_colour(image)
    if colour is not None:
        made[..., :3] = colour_of(colour)
        return made
    small = Pillow.fromarray(np.ascontiguousarray(image.pixels[..., :3]))
    scale = BLUR_SIDE / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    blurred = ImageOps.fit(small, size).filter(ImageFilter.GaussianBlur(BLUR_SIDE / 24))
    made[..., :3] = np.asarray(blurred.resize((width, height), Pillow.Resampling.BICUBIC))
    return made


def _ground(style: PictureStyle, width: int, height: int, ground: Image | None) -> NDArray[np.uint8]:
    made = np.zeros((height, width, 4), np.uint8)
    if style.ground == "none":
        return made
    made[..., 3] = 255
    if style.ground == "colour":
        made[..., :3] = colour_of(style.colour)
    elif style.ground == "gradient":
        made[..., :3] = gradient(style, width, height)
    else:
        if ground is None:
            raise BadInput("No work is chosen for the background.", "Choose one, or another background.")
        made[..., :3] = 255
        high, wide = ground.pixels.shape[:2]
        scale = max(width / wide, height / high)
        size = (wide * scale, high * scale)
        _paste(made, ground, Placement((width - size[0]) / 2, (height - size[1]) / 2, *size))
    return made


def gradient(style: PictureStyle, width: int, height: int) -> NDArray[np.uint8]:
    """The two colours of the style along its angle, `[height, width, 3]`; corner to corner, as CSS draws it."""
    turn = math.radians(style.angle)
    sine, cosine = math.sin(turn), math.cos(turn)
    long = abs(width * sine) + abs(height * cosine)
    across = ((np.arange(width) + 0.5 - width / 2) * (sine / long * GRADIENT_STEPS)).astype(np.float32)
    up = ((height / 2 - np.arange(height) - 0.5) * (cosine / long * GRADIENT_STEPS) + GRADIENT_STEPS / 2).astype(
        np.float32
    )
    first, second = (np.array(colour_of(each), np.float64) for each in (style.colour, style.second))
    shares = (np.arange(GRADIENT_STEPS) + 0.5)[:, None] / GRADIENT_STEPS
    tones = np.rint(first + (second - first) * shares).astype(np.uint8)
    return tones[np.clip(across[None] + up[:, None], 0, GRADIENT_STEPS - 1).astype(np.uint16)]


def _paste(made: NDArray[np.uint8], image: Image, where: Placement) -> None:
    """Put the picture over what is there, in place, scaled with alpha taken into account."""
    height, width = made.shape[:2]
    left, top = max(0, math.floor(where.left + 1e-6)), max(0, math.floor(where.top + 1e-6))
    right = min(width, math.ceil(where.left + where.width - 1e-6))
    bottom = min(height, math.ceil(where.top + where.height - 1e-6))
    if right <= left or bottom <= top:
        return
    source = Pillow.fromarray(np.ascontiguousarray(image.pixels)).convert("RGBA")
    scale = (source.width / where.width, source.height / where.height)
    box = (
        max(0.0, (left - where.left) * scale[0]),
        max(0.0, (top - where.top) * scale[1]),
        min(float(source.width), (right - where.left) * scale[0]),
        min(float(source.height), (bottom - where.top) * scale[1]),
    )
    if box[2] - box[0] < 1e-3 or box[3] - box[1] < 1e-3:
        return
    # Pillow multiplies by alpha before it mixes pixels, and divides after.
    exact = (source.width, source.height) == (right - left, bottom - top) and box == (0, 0, *source.size)
    scaled = source if exact else source.resize((right - left, bottom - top), Pillow.Resampling.LANCZOS, box)
    under = made[top:bottom, left:right]
    under[:] = np.asarray(Pillow.alpha_composite(Pillow.fromarray(np.ascontiguousarray(under)), scaled))


def suggest_colours(picture: Image, count: int = 8) -> tuple[str, ...]:
    """At most `count` colours as "#rrggbb": light tones of the picture's own hues, a deep one of its main hue, and
    white and near black last.
    """
    source = Pillow.fromarray(np.ascontiguousarray(picture.pixels)).convert("RGBA")
    source.thumbnail((96, 96))
    pixels = np.asarray(source)
    seen = pixels[pixels[..., 3] >= 128][:, :3]
    found: list[str] = []
    hues: list[float] = []
    if len(seen):
        sheet = Pillow.fromarray(np.ascontiguousarray(seen[None]))
        few = sheet.quantize(12, Pillow.Quantize.MEDIANCUT, kmeans=1, dither=Pillow.Dither.NONE)
        listed = np.array(few.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
        counts = np.bincount(np.asarray(few).ravel(), minlength=len(listed))
        for at in np.argsort(-counts[: len(listed)]):
            hue, lightness, richness = colorsys.rgb_to_hls(*(float(level) / 255 for level in listed[at]))
            vivid = richness * (1 - abs(2 * lightness - 1))
            if vivid < 0.12 or any(min(abs(hue - other), 1 - abs(hue - other)) < 0.04 for other in hues):
                continue
            hues.append(hue)
            found.append(_hex(hue, 0.88, min(0.7, richness)))
            if len(hues) == 1:
                found.append(_hex(hue, 0.24, min(0.6, richness)))
                found.append(_hex((hue + 0.5) % 1, 0.86, 0.5))  # what stands out against it
    return (*tuple(dict.fromkeys(found))[: count - len(WHITE_AND_BLACK)], *WHITE_AND_BLACK)


def _hex(hue: float, lightness: float, richness: float) -> str:
    return "#" + "".join(f"{round(level * 255):02x}" for level in colorsys.hls_to_rgb(hue, lightness, richness))
