"""Fitting a picture to the asked size; enlarging keeps edges clean and invents nothing. Numpy and Pillow only."""

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
    scaled = pixels if size == (wide, high) else _scaled(pixels, size, scale)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return np.ascontiguousarray(scaled[top : top + height, left : left + width])


def _scaled(pixels: Pixels, size: tuple[int, int], scale: float) -> Pixels:
    picture = PIL.Image.fromarray(pixels)
    if scale <= 1:
        return np.asarray(picture.resize(size, PIL.Image.Resampling.LANCZOS))
    return _steepened(np.asarray(picture.resize(size, PIL.Image.Resampling.BICUBIC)), scale)


def _steepened(pixels: Pixels, scale: float) -> Pixels:
    """Soft edges made as steep as they were before enlarging by `scale`.

    What lies above the local mean moves up, what lies below moves down, and nothing leaves the range that its own
    neighbourhood has: so edges tighten without halos and flat areas stay as they are.
    """
    values = pixels.astype(np.float32)
    reach = 2 * round(scale * 0.75) + 1
    low = minimum_filter(values, size=(reach, reach, 1))
    high = maximum_filter(values, size=(reach, reach, 1))
    mean = gaussian_filter(values, sigma=(scale * 0.6, scale * 0.6, 0))
    sharp = np.clip(values + 1.8 * (values - mean), low, high)
    return np.round(sharp).astype(np.uint8)
