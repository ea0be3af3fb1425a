"""The networks of Real-ESRGAN (arXiv 2107.10833): the compact SRVGG, and ESRGAN's RRDB (arXiv 1809.00219)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2  # of ESRGAN's leaky ReLU
RESIDUAL = 0.2  # what a block adds to its input
SEEN = 16  # pixels around an RRDB's own that matter; it sees hundreds


class SrvggNet(nn.Module):
    """picture [N, 3, H, W] in [0, 1] -> [N, 3, scale H, scale W].

    Convolutions at the picture's own size, each with a PReLU; the last makes all pixels of the enlargement at once,
    which is added to the picture enlarged by its nearest pixels. `field` is how many pixels around its own one sees.
    """

    squares, exact = 1, True

    def __init__(self, features: int, layers: int, scale: int) -> None:
        super().__init__()
        self.scale, self.field = scale, layers + 2
        self.enter = nn.Conv2d(3, features, 3, padding=1)
        self.body = nn.ModuleList(nn.Conv2d(features, features, 3, padding=1) for _ in range(layers))
        self.slopes = nn.ModuleList(nn.PReLU(features) for _ in range(layers + 1))
        self.leave = nn.Conv2d(features, 3 * scale * scale, 3, padding=1)

    def forward(self, picture: Tensor) -> Tensor:
        first, *slopes = self.slopes
        x = first(self.enter(picture))
        for layer, slope in zip(self.body, slopes, strict=True):
            x = slope(layer(x))
        near = F.interpolate(picture, scale_factor=float(self.scale), mode="nearest")
        return F.pixel_shuffle(self.leave(x), self.scale) + near


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees what all before it made; [N, features, H, W] -> the same."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(features + i * growth, growth if i < 4 else features, 3, padding=1) for i in range(5)
        )

    def forward(self, x: Tensor) -> Tensor:
        *layers, last = self.layers
        made = [x]
        for layer in layers:
            made.append(F.leaky_relu(layer(torch.cat(made, 1)), SLOPE))
        return x + RESIDUAL * last(torch.cat(made, 1))


class RrdbNet(nn.Module):
    """picture [N, 3, H, W] in [0, 1] -> [N, 3, scale H, scale W].

    Residual blocks of three dense blocks each, then steps of doubling. With `squares` 2 or 4, each square of that side
    is laid into the planes first, so that the body works at a smaller size; H and W are then multiples of it. `field`
    is how many pixels around its own count: it sees more, and they change next to nothing, so it is not `exact`.
    """

    exact = False

    def __init__(self, features: int, growth: int, blocks: int, scale: int, squares: int) -> None:
        super().__init__()
        self.scale, self.squares, self.field = scale, squares, SEEN * squares
        self.enter = nn.Conv2d(3 * squares**2, features, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.ModuleList(DenseBlock(features, growth) for _ in range(3)) for _ in range(blocks)
        )
        self.body, self.fine = (nn.Conv2d(features, features, 3, padding=1) for _ in range(2))
        doublings = (scale * squares).bit_length() - 1
        self.ups = nn.ModuleList(nn.Conv2d(features, features, 3, padding=1) for _ in range(doublings))
        self.leave = nn.Conv2d(features, 3, 3, padding=1)

    def forward(self, picture: Tensor) -> Tensor:
        first = self.enter(F.pixel_unshuffle(picture, self.squares) if self.squares > 1 else picture)
        x = first
        for block in self.blocks:
            y = x
            for dense in cast("nn.ModuleList", block):
                y = dense(y)
            x = x + RESIDUAL * y
        x = first + self.body(x)
        for up in self.ups:
            x = F.leaky_relu(up(F.interpolate(x, scale_factor=2.0, mode="nearest")), SLOPE)
        return self.leave(F.leaky_relu(self.fine(x), SLOPE))


def network(family: str, sizes: Mapping[str, int]) -> SrvggNet | RrdbNet:
    """An untrained network of the sizes in a config.json."""
    if family == "srvgg":
        return SrvggNet(sizes["features"], sizes["layers"], sizes["scale"])
    return RrdbNet(sizes["features"], sizes["growth"], sizes["blocks"], sizes["scale"], sizes["squares"])
