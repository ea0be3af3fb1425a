"""A person's picture as a network would have drawn it: square, at its size, its flat background taken away."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from torch import Tensor

from studio import clips, codecs
from studio.errors import BadInput
from studio.media import Clip, Image

SMALLEST, NARROWEST = 16, 50
LOOKED_AT = 512  # pixels a side at which the background is looked for
FLAT = 18  # levels of 255 by which a flat background may differ from itself


@dataclass(frozen=True, eq=False)
class Target:
    """picture [1, planes, size, size] in [-1, 1] (premultiplied where there are 4 planes), and how much each of its
    pixels counts [1, 1, size, size], mean 1."""

    picture: Tensor
    weight: Tensor


def target(path: str, planes: int, size: int, where: torch.device) -> Target:
    """The picture at `path` for a network of so many planes. Raises BadInput for what is no picture, or too small."""
    if not path:
        raise BadInput("There is no picture to look for.", "Choose one.")
    read = _first(Path(path).expanduser())
    height, width = read.shape[:2]
    if min(height, width) < SMALLEST or max(height, width) > NARROWEST * min(height, width):
        raise BadInput(
            f"{Path(path).name} has {width} x {height} pixels: there is no face to find.",
            f"Choose a picture of {SMALLEST} pixels a side at least.",
        )
    square = _square(read, size)
    if planes == 4:
        square = _square(cut_out(_square(read, max(size, min(LOOKED_AT, width, height)))), size)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    # The face is in the middle: what lies around it must not outvote the eyes.
    weight = 0.4 + 1.2 * np.exp(-(x**2 + y**2) / 0.5)
    if planes == 4 and square[..., 3].min() == 255:
        # Nothing says what is background here; only the middle is compared.
        weight = np.exp(-(x**2 + y**2) / 0.35)
    return Target(
        _planes(square, planes).to(where), torch.from_numpy(weight / weight.mean())[None, None].float().to(where)
    )


def _first(path: Path) -> NDArray[np.uint8]:
    """The picture in a file, or the first of moving ones."""
    read = codecs.read(path)
    if isinstance(read, Clip):
        return next(iter(clips.frames(path)))
    if not isinstance(read, Image):
        raise BadInput(f"{path.name} is no picture.", "PNG, JPEG, WebP and GIF are read.")
    return read.pixels


def cut_out(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGBA, its background cleared where that is flat: of nearly one colour along the edge and connected with it.

    A picture with transparency of its own stays as it is.
    """
    if pixels.shape[2] == 4 and pixels[..., 3].min() < 250:
        return pixels
    solid = np.concatenate([pixels[..., :3], np.full((*pixels.shape[:2], 1), 255, np.uint8)], axis=2)
    edge = np.concatenate([solid[0], solid[:, 0], solid[:, -1]])[:, :3].astype(np.int16)
    colour = np.median(edge, axis=0)
    if (np.abs(edge - colour).max(axis=1) <= FLAT).mean() < 0.7:
        return solid
    from scipy import ndimage  # only for pictures with a flat background

    flat = np.abs(solid[..., :3].astype(np.int16) - colour).max(axis=2) <= FLAT
    parts: NDArray[np.int32] = np.zeros(flat.shape, np.int32)
    ndimage.label(flat, output=parts)
    outside = np.unique(np.concatenate([parts[0], parts[:, 0], parts[:, -1]]))
    solid[np.isin(parts, outside[outside > 0]), 3] = 0
    return solid


def _square(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The middle square at `size` pixels a side, RGBA, straight alpha."""
    picture = Pillow.fromarray(pixels).convert("RGBA").convert("RGBa")
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    box = (left, top, left + side, top + side)
    resized = picture.resize((size, size), Pillow.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    return np.asarray(resized.convert("RGBA"))


def _planes(square: NDArray[np.uint8], planes: int) -> Tensor:
    """[1, planes, size, size]: premultiplied RGBA, or RGB on white."""
    x = torch.from_numpy(square.astype(np.float32) / 255).permute(2, 0, 1)[None]
    alpha = x[:, 3:]
    if planes == 4:
        return torch.cat([x[:, :3] * alpha, alpha], dim=1) * 2 - 1
    return (x[:, :3] * alpha + (1 - alpha)) * 2 - 1
