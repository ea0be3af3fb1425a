"""Finds pictures that look the same, by a perceptual hash.

A perceptual hash (signs of the low frequencies of a small grey copy about their median) finds candidates quickly, and a
small colour copy decides: drawings of one hand share their composition, and differ in an eye.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

GREY, LOW, COLOUR = 32, 8, 16  # sides of the grey copy, of the frequencies that are kept, of the colour copy
BITS = 4  # of 64 that may differ
MEAN, MOST = 3.0, 24  # levels of 255 by which the colour copies may differ: on average, and anywhere


def _cosines() -> NDArray[np.float32]:
    """[LOW, GREY]: the first rows of the discrete cosine transform."""
    k, n = np.arange(LOW)[:, None], np.arange(GREY)[None]
    return np.cos(np.pi * (2 * n + 1) * k / (2 * GREY)).astype(np.float32)


COSINES = _cosines()


def perceptual_hash(pixels: NDArray[np.uint8]) -> np.uint64:
    """64 bits of a picture [size, size, 4], laid on grey."""
    alpha = pixels[..., 3:].astype(np.float32) / 255
    laid = (pixels[..., :3] * alpha + 128 * (1 - alpha)).mean(axis=2).astype(np.uint8)
    small = np.asarray(Pillow.fromarray(laid).resize((GREY, GREY), Pillow.Resampling.BOX), np.float32)
    waves = (COSINES @ small @ COSINES.T).ravel()
    bits = waves > np.median(waves[1:])
    return np.packbits(bits).view(np.uint64)[0]


def small_copy(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[COLOUR, COLOUR, 4], premultiplied."""
    picture = Pillow.fromarray(pixels).convert("RGBa")
    small = picture.resize((COLOUR, COLOUR), Pillow.Resampling.BOX)
    return np.frombuffer(small.tobytes(), np.uint8).reshape(COLOUR, COLOUR, 4)


class DuplicateFinder:
    """The pictures so far; `same_as` finds the one that a new picture looks like."""

    def __init__(self) -> None:
        self._hashes = np.empty(256, np.uint64)
        self._copies = np.empty((256, COLOUR, COLOUR, 4), np.uint8)
        self._count = 0

    def same_as(self, pixels: NDArray[np.uint8]) -> int | None:
        """The place of the first picture that looks the same; None adds this one as the next place."""
        own, copy = perceptual_hash(pixels), small_copy(pixels)
        near = np.flatnonzero(np.bitwise_count(self._hashes[: self._count] ^ own) <= BITS)
        for start in range(0, len(near), 4096):
            some = near[start : start + 4096]
            apart = np.abs(self._copies[some].astype(np.int16) - copy)
            same = (apart.mean(axis=(1, 2, 3)) <= MEAN) & (apart.max(axis=(1, 2, 3)) <= MOST)
            if same.any():
                return int(some[same.argmax()])
        self._remember(own, copy)
        return None

    def _remember(self, own: np.uint64, copy: NDArray[np.uint8]) -> None:
        if self._count == len(self._hashes):
            self._hashes = np.concatenate([self._hashes, np.empty_like(self._hashes)])
            self._copies = np.concatenate([self._copies, np.empty_like(self._copies)])
        self._hashes[self._count], self._copies[self._count] = own, copy
        self._count += 1
