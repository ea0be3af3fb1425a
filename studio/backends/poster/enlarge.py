"""Resizes a picture to the size asked for, if that is not too slim; enlarging keeps edges sharp."""

from __future__ import annotations

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter

from studio.errors import BadInput

Pixels = NDArray[np.uint8]
SLIMMEST = 3.0
"""How many times longer than wide a picture may be."""


def refuse_slim(width: int, height: int) -> None:
    """Raises BadInput for a picture that is longer and slimmer than one can be made."""
    if max(width, height) > SLIMMEST * min(width, height):
        raise BadInput(
            "{width} x {height} is too slim a picture.",
            "One side may be at most {limit:g} times the other.",
            width=width,
            height=height,
            limit=SLIMMEST,
        )


def fit(pixels: Pixels, width: int, height: int) -> Pixels:
    """`pixels` `[H, W, 3]` as `[height, width, 3]`: scaled to cover, then cut evenly at both sides."""
    high, wide = pixels.shape[:2]
    scale = max(width / wide, height / high)
    size = max(width, round(wide * scale)), max(height, round(high * scale))
    scaled = pixels if size == (wide, high) else _scale(pixels, size, scale)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return np.ascontiguousarray(scaled[top : top + height, left : left + width])


def _scale(pixels: Pixels, size: tuple[int, int], scale: float) -> Pixels:
    picture = PIL.Image.fromarray(pixels)
    if scale <= 1:
        return np.asarray(picture.resize(size, PIL.Image.Resampling.LANCZOS))
    return _sharpen_edges(pixels, size, scale)


def _sharpen_edges(pixels: Pixels, size: tuple[int, int], scale: float) -> Pixels:
    """Enlarged by `scale` to `size`, with soft edges made about as steep as they were.

    What lies above the local mean moves up, what lies below moves down, and nothing leaves the range that its
    neighbours had before enlarging: so edges tighten without halos, and flat areas stay as they are.
    """
    values = _resize(pixels, size, PIL.Image.Resampling.BICUBIC)
    low = _resize(np.asarray(minimum_filter(pixels, size=(3, 3, 1)), np.uint8), size, PIL.Image.Resampling.BILINEAR)
    high = _resize(np.asarray(maximum_filter(pixels, size=(3, 3, 1)), np.uint8), size, PIL.Image.Resampling.BILINEAR)
    mean = gaussian_filter(values, sigma=(scale * 0.6, scale * 0.6, 0))
    return np.round(np.clip(values + 1.8 * (values - mean), low, high)).astype(np.uint8)


def _resize(pixels: Pixels, size: tuple[int, int], how: PIL.Image.Resampling) -> NDArray[np.float32]:
    return np.asarray(PIL.Image.fromarray(pixels).resize(size, how)).astype(np.float32)
