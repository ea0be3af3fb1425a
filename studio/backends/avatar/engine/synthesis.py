"""From W+ to pixels: synthesis, enlarging, contact sheets."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from studio.backends.avatar.engine.files import to_straight_alpha
from studio.backends.avatar.engine.layers import Noise
from studio.backends.avatar.engine.upscaler import TIMES, Upscaler
from studio.backends.engine.device import generator

LARGE = 512
SMALL = 128  # pixels of a side up to which one thread draws: two save a quarter, and wait for each other on a busy day


@contextlib.contextmanager
def single_thread(size: int) -> Generator[None]:
    """A block in which pictures of `size` pixels are drawn, by one thread where they are small.

    Measured at 64 px on two cores that others use too: 45 pictures a second on one thread, 19 on two, the slowest 77
    and 640 ms.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1 if size <= SMALL else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def render(network: Any, ws: Tensor, noise: str, seed: int) -> Tensor:
    """ws [N, num_ws, w_dim] -> picture [N, planes, size, size] in about [-1, 1], as the network draws it."""
    return network.synthesis(ws, cast(Noise, noise), generator(seed))


def enlarge(picture: Tensor, size: str, upscaler: Upscaler | None = None) -> Tensor:
    """The picture at the size that a request asks for: "native", or "large" for at least LARGE pixels a side.

    A model's own upscaler goes first, where it has one; what is missing after it is only made crisp.
    """
    if size != "large":
        return picture
    if upscaler is not None and LARGE // picture.shape[2] >= TIMES:
        picture = upscaler(picture)
    times = LARGE // picture.shape[2]
    return enlarge_drawing(picture, times) if times > 1 else picture


def to_pixels(picture: Tensor) -> NDArray[np.uint8]:
    """[N, 4, H, W] premultiplied or [N, 3, H, W], in [-1, 1] -> uint8 [N, H, W, 4] (straight alpha) or [N, H, W, 3]."""
    if picture.shape[1] == 4:
        return to_straight_alpha(picture)
    levels = (picture.detach().float() * 127.5 + 128).clamp(0, 255).to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous().cpu().numpy()


def contact_sheet(rows: Sequence[Sequence[NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """Pictures [H, W, C], all alike in shape, as one picture of rows."""
    return np.concatenate([np.concatenate(row, axis=1) for row in rows], axis=0)


def enlarge_drawing(picture: Tensor, times: int) -> Tensor:
    """A drawing enlarged `times`: bicubic, then every slope between two colours made steeper about its middle.

    It adds no detail: within the lightest and darkest values that the original has around a place, it only decides
    where the border between them runs. Works on premultiplied planes, so that no colour bleeds out of clear areas.
    """

    def scaled(x: Tensor, mode: str) -> Tensor:
        return F.interpolate(x, scale_factor=times, mode=mode, align_corners=False)

    plain = scaled(picture, "bicubic")
    upper = scaled(F.max_pool2d(picture, 3, 1, 1), "bilinear")
    lower = scaled(-F.max_pool2d(-picture, 3, 1, 1), "bilinear")
    span = upper - lower
    height = (plain - lower) / span.clamp(min=1e-3)
    steep = ((height.clamp(0, 1) - 0.5) * 2 + 0.5).clamp(0, 1)
    steep = torch.addcmul(lower, span, steep * steep * (3 - 2 * steep))
    # What differs little is a shade, not an edge.
    return torch.lerp(plain, steep, ((span - 0.15) * 2.5).clamp(0, 1)).clamp(-1, 1)
