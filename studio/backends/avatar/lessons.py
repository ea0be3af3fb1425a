"""What an avatar model learns from, as tensors: batches of pictures, and where in drawings their attributes show.

Knows no networks and reads no files.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.backends.avatar.data import Pictures
from studio.backends.device import generator

EDGE = 4.0
"""Weight added along the edge. Convolutions see zeros beyond it, which are half clear here: what must be wholly clear
there has to be learnt against them, and nothing else would say so."""


def premultiplied(pixels: Tensor) -> Tensor:
    """uint8 [N, H, W, 4] with straight alpha -> float [N, 4, H, W] in [-1, 1], colour premultiplied."""
    x = pixels.permute(0, 3, 1, 2).float() / 255
    return torch.cat([x[:, :3] * x[:, 3:], x[:, 3:]], dim=1) * 2 - 1


class Drawings:
    """The training set as tensors, and where in the picture each style's attributes show."""

    def __init__(self, pictures: Pictures, seed: int) -> None:
        keep = np.ones(len(pictures.pixels), bool) if pictures.held_out is None else ~pictures.held_out
        self.pixels = torch.from_numpy(pictures.pixels[keep])
        self.table = pictures.table
        self.random = generator(seed)
        if pictures.conditions is None or pictures.style is None:
            self.c, self.style, self.weights = None, None, None
            return
        self.c = torch.from_numpy(pictures.conditions[keep])
        self.style = torch.from_numpy(pictures.style[keep])
        self.weights = self._weights()

    def batch(self, size: int) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Pictures [N, 4, H, W], conditions [N, c_dim] and pixel weights [N, 1, H, W], drawn at random."""
        pick = torch.randint(len(self.pixels), (size,), generator=self.random)
        real = premultiplied(self.pixels[pick])
        if self.c is None or self.style is None or self.weights is None:
            return real, None, None
        return real, self.c[pick], self.weights[self.style[pick]]

    def _weights(self) -> Tensor:
        """[styles, 1, H, W], mean 1: every attribute counts alike, however small the area it draws.

        An attribute shows where the mean pictures of its values differ by more than chance would let them. The edge
        counts more than what lies within.
        """
        assert self.table is not None
        assert self.c is not None
        assert self.style is not None
        maps = []
        for s, style in enumerate(self.table.styles):
            mine = torch.nonzero(self.style == s)[:, 0]
            size = self.pixels.shape[1]
            total = torch.zeros(size, size)
            at = self.table.starts[s]
            pictures = premultiplied(self.pixels[mine]) if len(mine) else torch.zeros(0, 4, size, size)
            for one in style.attributes:
                codes = self.c[mine][:, at : at + one.width]
                at += one.width
                if len(mine):
                    seen = _between(pictures, codes)
                    total += seen / seen.sum().clamp(min=1e-6)
            weight = 0.4 + F.avg_pool2d(total[None, None], 3, 1, 1)[0] * size * size / max(1, len(style.attributes))
            weight = weight.clamp(max=12.0)
            rim, inner = torch.full_like(weight, EDGE), max(1, size // 64)
            rim[:, inner:-inner, inner:-inner] = 0
            weight = weight + rim
            maps.append(weight / weight.mean())
        return torch.stack(maps)


def _between(pictures: Tensor, codes: Tensor) -> Tensor:
    """[H, W]: the variance of the mean pictures of each value (none included), less what chance gives."""
    values, value = codes.unique(dim=0, return_inverse=True)
    groups = [pictures[value == k] for k in range(len(values))]
    groups = [group for group in groups if len(group) > 3]
    if len(groups) < 2:
        return torch.zeros(pictures.shape[2:])
    means = torch.stack([group.mean(dim=0) for group in groups])
    chance = torch.stack([group.var(dim=0) / len(group) for group in groups]).mean(dim=0)
    return (means.var(dim=0) - chance).clamp(min=0).mean(dim=0).sqrt()


def unlike(made: Tensor, real: Tensor, weights: Tensor) -> Tensor:
    """How far pictures are from their originals: L1, L2 and the L1 of their gradients, weighted by place."""
    d = made - real
    across, down = (d[..., 1:] - d[..., :-1]), (d[..., 1:, :] - d[..., :-1, :])
    edges = (across.abs() * weights[..., 1:]).mean() + (down.abs() * weights[..., 1:, :]).mean()
    return ((d.abs() + d.square()) * weights).mean() + 0.5 * edges
