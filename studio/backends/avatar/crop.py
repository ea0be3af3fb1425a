"""Prepares one picture for training: read safely, turned upright, cropped square, resampled.

What cannot be used is refused with a reason that people can be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from studio.errors import Message
from studio.media import images

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")  # others call programs, or draw what is no picture
PIXEL_LIMIT = 60_000_000
"""Pixels of the largest picture that is unpacked; JPEG files are unpacked at a fraction of their size first."""
NARROW = 3.0  # times as long as wide: a square would show only a part
CLEAR = 8  # alpha up to which nothing is seen
MARGIN = 1.08  # of the square around a cut-out, where it touches no edge

REASONS = {
    "broken": Message("Could not be opened as an image."),
    "copy": Message("Duplicate file."),
    "alike": Message("Looks the same as another picture."),
    "small": Message("Too small."),
    "large": Message("Too large to open."),
    "narrow": Message("Too long and narrow: a square would show only a part."),
    "clear": Message("Completely transparent."),
}
"""Why a picture is not used."""

NOTES = {
    "turned": Message("Rotated upright."),
    "moving": Message("Animated: the first frame is used."),
    "cut": Message("Cropped to the part that is not transparent."),
    "middle": Message("The middle is used."),
    "enlarged": Message("Smaller than the training size, so it is blurry."),
}
"""What was done to a picture that is used."""


class UnusablePicture(Exception):
    """This picture cannot be used; `reason` is a key of REASONS, `detail` a few words more."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, eq=False)
class CroppedPicture:
    """uint8 [size, size, 4], straight alpha, and what was done to it: keys of NOTES."""

    pixels: NDArray[np.uint8]
    notes: tuple[str, ...]


def crop_file(path: Path, size: int) -> CroppedPicture:
    """The picture in a file as a square of `size` pixels. Raises UnusablePicture."""
    try:
        with Pillow.open(path, formats=FORMATS) as opened:
            return _crop(opened, size)
    except Pillow.DecompressionBombError as error:
        raise UnusablePicture("large") from error
    except MemoryError as error:
        raise UnusablePicture("large") from error
    except UnusablePicture:
        raise
    except Exception as error:
        # Whatever a broken or hostile file makes a reader say, it is one file that cannot be used.
        raise UnusablePicture("broken", str(error).split("\n")[0][:120]) from error


def _crop(opened: Pillow.Image, size: int) -> CroppedPicture:
    wide, high = opened.size
    if min(wide, high) < max(8, size // 2):
        raise UnusablePicture("small", f"{wide} x {high}")
    if max(wide, high) > NARROW * min(wide, high):
        raise UnusablePicture("narrow", f"{wide} x {high}")
    opened.draft(None, (2 * size, 2 * size))
    if opened.size[0] * opened.size[1] > PIXEL_LIMIT:
        raise UnusablePicture("large", f"{wide:,} x {high:,}")
    notes: list[str] = []
    if getattr(opened, "is_animated", False) and opened.format != "MPO":  # a photograph with its small copy
        notes.append("moving")
    if opened.getexif().get(0x0112, 1) not in (0, 1):
        notes.append("turned")
    picture = images.to_srgb8(opened)
    box = _square_of(picture, notes)
    if box[2] - box[0] < size:
        notes.append("enlarged")
    # Premultiplied while it is resampled, so that hidden colours do not bleed into the edges.
    premultiplied = picture.convert("RGBA").convert("RGBa")
    inside = (max(0, box[0]), max(0, box[1]), min(picture.width, box[2]), min(picture.height, box[3]))
    if inside == box:
        made = premultiplied.resize((size, size), Pillow.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    else:
        canvas = Pillow.new("RGBa", (box[2] - box[0], box[3] - box[1]))
        canvas.paste(premultiplied.crop(inside), (inside[0] - box[0], inside[1] - box[1]))
        made = canvas.resize((size, size), Pillow.Resampling.LANCZOS, reducing_gap=3.0)
    return CroppedPicture(np.asarray(made.convert("RGBA")), tuple(notes))


def _square_of(picture: Pillow.Image, notes: list[str]) -> tuple[int, int, int, int]:
    """The square to use: the middle, or for a cut-out the one around it, which may reach beyond the picture."""
    wide, high = picture.size
    if picture.mode == "RGBA":
        seen = picture.getchannel("A").point([0] * (CLEAR + 1) + [255] * (255 - CLEAR))
        box = seen.getbbox()
        if box is None:
            raise UnusablePicture("clear")
        if box != (0, 0, wide, high):
            notes.append("cut")
            return _square_around(box, wide, high)
    side = min(wide, high)
    if wide != high:
        notes.append("middle")
    left, top = (wide - side) // 2, (high - side) // 2
    return left, top, left + side, top + side


def _square_around(box: tuple[int, int, int, int], wide: int, high: int) -> tuple[int, int, int, int]:
    """A square around a box; an edge of the picture that the box touches, as a bust does at its foot, stays one."""
    left, top, right, bottom = box
    side = min(round(max(right - left, bottom - top) * MARGIN), max(wide, high))
    side = max(side, right - left, bottom - top)

    def along(low: int, up: int, length: int) -> int:
        if low <= 0 and up >= length:
            return (length - side) // 2
        if up >= length:
            return length - side
        if low <= 0:
            return 0
        return (low + up - side) // 2

    x, y = along(left, right, wide), along(top, bottom, high)
    return x, y, x + side, y + side
