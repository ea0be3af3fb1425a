"""Resizes a picture to the size asked for; enlarging keeps edges sharp."""

from __future__ import annotations

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter

Pixels = NDArray[np.uint8]


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
