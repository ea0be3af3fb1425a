"""Turns an SVG that the studio wrote into pixels, by resvg; text is not drawn, for want of fonts."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import resvg_py
from numpy.typing import NDArray


def pixels(svg: str) -> NDArray[np.uint8]:
    """uint8 [H, W, 3], of the size that the document says; what it leaves open is black."""
    png = resvg_py.svg_to_bytes(svg_string=svg, background="black", skip_system_fonts=True)
    return np.asarray(PIL.Image.open(io.BytesIO(bytes(png))).convert("RGB"))
