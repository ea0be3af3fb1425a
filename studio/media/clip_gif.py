"""Writes a GIF frame by frame, each with its own palette.

GIF89a specification: logical screen, Netscape's looping extension, graphic control extensions, image descriptors.
Pillow chooses colours and packs the codes; it cannot write a GIF without holding all frames, so the file is put
together here.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

TRANSPARENT = 255
"""The colour number that stands for nothing, in frames that have clear pixels."""

ALPHA_THRESHOLD = 128
"""Alpha from which on a pixel is there."""

SAMPLE_LIMIT = 40_000
"""Pixels that the colours of a frame are chosen from."""

DITHER_ABOVE = 2.0
"""Mean distance from the palette, in levels of 255, up to which nothing is gained by mixing dots of two colours."""


class GifWriter:
    """Frames uint8 `[H, W, 3|4]` of one size, each with how long it stands in seconds."""

    def __init__(self, path: Path, size: tuple[int, int], loop: bool) -> None:
        self._file: BinaryIO = path.open("wb")
        self._size = size
        self._file.write(b"GIF89a" + struct.pack("<HHBBB", *size, 0x70, 0, 0))
        if loop:
            self._file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0")

    def add(self, frame: NDArray[np.uint8], stand: float) -> None:
        # Each says which colour is none, even where it has no clear pixels: the one before it may have been solid.
        clear = frame[..., 3] < ALPHA_THRESHOLD if frame.shape[2] == 4 else None
        numbers, colours = to_palette(frame[..., :3], clear)
        # After a frame that may have clear pixels the ground is wiped: what the next does not cover must not stay.
        wiped, through = (2, 1) if clear is not None else (1, 0)
        control = struct.pack("<BHB", wiped << 2 | through, max(2, round(stand * 100)), TRANSPARENT if through else 0)
        self._file.write(b"\x21\xf9\x04" + control + b"\0" + _picture(numbers, colours))

    def close(self) -> None:
        self._file.write(b"\x3b")
        self._file.close()

    def abort(self) -> None:
        self._file.close()


def to_palette(
    pixels: NDArray[np.uint8], clear: NDArray[np.bool_] | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Colour numbers `[H, W]` and the palette `[256, 3]` they are of; pixels that are `clear` get CLEAR.

    The palette is chosen for what is seen, and dots are mixed only where its colours are too few.
    """
    height, width = pixels.shape[:2]
    seen = pixels if clear is None else pixels[~clear]
    if not seen.size:
        return np.full((height, width), TRANSPARENT, np.uint8), np.zeros((256, 3), np.uint8)
    flat = seen.reshape(-1, 3)
    flat = flat[:: max(1, len(flat) // SAMPLE_LIMIT)]
    side = int(np.ceil(np.sqrt(len(flat))))
    sheet = np.resize(flat, (side, side, 3))  # as a square: Pillow counts colours of pictures, not of lists
    most = 256 if clear is None else 255
    chosen = Pillow.fromarray(sheet).quantize(most, Pillow.Quantize.MEDIANCUT, kmeans=2, dither=Pillow.Dither.NONE)
    listed: Any = chosen.getpalette("RGB")
    palette = np.zeros((256, 3), np.uint8)
    given = np.array(listed, np.uint8).reshape(-1, 3)[:most]
    palette[: len(given)] = given
    palette[len(given) :] = given[0]
    picture = Pillow.fromarray(np.ascontiguousarray(pixels))
    numbers = np.array(picture.quantize(palette=chosen, dither=Pillow.Dither.NONE))
    off = np.abs(palette[numbers].astype(np.int16) - pixels).mean(axis=2)
    if float(off.mean() if clear is None else off[~clear].mean()) > DITHER_ABOVE:
        numbers = np.array(picture.quantize(palette=chosen, dither=Pillow.Dither.FLOYDSTEINBERG))
    if clear is not None:
        numbers = np.where(clear, TRANSPARENT, numbers)
    return numbers.astype(np.uint8), palette


def _picture(numbers: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    """An image descriptor with its own palette and the packed codes, which Pillow's own GIF holds in that order."""
    picture = Pillow.fromarray(numbers, "P")
    picture.putpalette(palette.tobytes())
    packed = io.BytesIO()
    picture.save(packed, "GIF", optimize=False, interlace=0)
    data = packed.getvalue()
    at = 13 + (3 * 2 ** ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    while data[at] == 0x21:  # extensions that Pillow puts before the picture
        at += 2
        while data[at]:
            at += 1 + data[at]
        at += 1
    box, local = data[at : at + 9], data[at + 9]
    codes = at + 10 + (3 * 2 ** ((local & 7) + 1) if local & 0x80 else 0)
    return box + b"\x87" + palette.tobytes() + data[codes:-1]
