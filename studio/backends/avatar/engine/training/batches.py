"""Training batches of drawings as tensors, with weights for rare attributes and for where they show.

Knows no networks and reads no files.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.backends.avatar.dataset import FaceDataset
from studio.backends.engine.device import generator

EDGE = 4.0
"""Weight added along the edge. Convolutions see zeros beyond it, which are half clear here: what must be wholly clear
there has to be learnt against them, and nothing else would say so."""

OFTENER, HEAVIER = 4.0, 6.0
"""A drawing with a rare value is learnt from up to so many times as often as others of its style, and the place where
the value shows counts up to so many times as much. Glasses that one drawing in fifty wears fade otherwise."""

BATCH = 256  # pictures looked at together


def premultiplied(pixels: Tensor) -> Tensor:
    """uint8 [N, H, W, 4] with straight alpha -> float [N, 4, H, W] in [-1, 1], colour premultiplied."""
    x = pixels.permute(0, 3, 1, 2).float() / 255
    return torch.cat([x[:, :3] * x[:, 3:], x[:, 3:]], dim=1) * 2 - 1


class BatchSampler:
    """The training set as tensors, what is rare in it, and where in the picture each style's attributes show."""

    def __init__(self, pictures: FaceDataset, seed: int) -> None:
        keep = np.ones(len(pictures.pixels), bool) if pictures.held_out is None else ~pictures.held_out
        self.pixels = torch.from_numpy(pictures.pixels[keep])
        self.table = pictures.table
        self.random = generator(seed)
        self.c: Tensor | None = None
        self.style: Tensor | None = None
        if pictures.conditions is None or pictures.style is None:
            return
        self.c = torch.from_numpy(pictures.conditions[keep])
        self.style = torch.from_numpy(pictures.style[keep])
        self._measure_rarity()

    def batch(self, size: int) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Pictures [N, 4, H, W], conditions [N, c_dim] and pixel weights [N, 1, H, W], drawn at random."""
        if self.c is None or self.style is None:
            pick = torch.randint(len(self.pixels), (size,), generator=self.random)
            return premultiplied(self.pixels[pick]), None, None
        pick = torch.multinomial(self.often, size, replacement=True, generator=self.random)
        style = self.style[pick]
        more = torch.einsum("na,nahw->nhw", self.rare[pick].square().clamp(max=HEAVIER) - 1, self.shows[style])
        return premultiplied(self.pixels[pick]), self.c[pick], self.weights[style] + more[:, None]

    def _measure_rarity(self) -> None:
        """Find what is rare, and where attributes show.

        `often` [N] is how often a drawing is learnt from, `rare` [N, attributes] the root of how rare its values are,
        `shows` [styles, attributes, H, W] where each attribute shows, and `weights` [styles, 1, H, W], mean 1, the sum
        over attributes, each alike however small the area it draws; the edge counts more than what lies within.
        """
        assert self.table is not None
        assert self.c is not None
        assert self.style is not None
        styles, size = self.table.styles, self.pixels.shape[1]
        most = max(1, *(len(style.attributes) for style in styles))
        self.often = torch.ones(len(self.pixels))
        self.rare = torch.ones(len(self.pixels), most)
        self.shows = torch.zeros(len(styles), most, size, size)
        for s, style in enumerate(styles):
            mine = torch.nonzero(self.style == s)[:, 0]
            if not len(mine) or not style.attributes:
                continue
            c = self.c[mine]
            values = [c[:, span].unique(dim=0, return_inverse=True)[1] for span in self.table.spans[s].values()]
            counts = [value.bincount() for value in values]
            rare = [(count.max() / count[value]).sqrt() for count, value in zip(counts, values, strict=True)]
            self.rare[mine, : len(rare)] = torch.stack(rare, dim=1).clamp(max=OFTENER)
            often = self.rare[mine].amax(dim=1)
            self.often[mine] = often / often.mean()
            for a, seen in enumerate(_between_class_spread(self.pixels[mine], values)):
                self.shows[s, a] = seen / seen.sum().clamp(min=1e-6) * size * size / len(style.attributes)
        self.shows = F.avg_pool2d(self.shows, 3, 1, 1)
        weights = (0.4 + self.shows.sum(dim=1, keepdim=True)).clamp(max=12.0)
        inner = max(1, size // 64)
        rim = torch.full((size, size), EDGE)
        rim[inner:-inner, inner:-inner] = 0
        weights = weights + rim
        mean = weights.mean(dim=(2, 3), keepdim=True)
        self.weights, self.shows = weights / mean, self.shows.clamp(max=12.0) / mean


def _between_class_spread(pixels: Tensor, values: list[Tensor]) -> list[Tensor]:
    """Of each attribute [H, W]: how far the mean pictures of its values (none included) lie apart, less what chance
    gives. `pixels` [N, H, W, 4] as in a file, `values` [N] each.
    """
    which = torch.cat([F.one_hot(value) for value in values], dim=1).float()
    n = which.sum(dim=0)[:, None]
    sums = squares = torch.zeros(1)
    for some, one in zip(pixels.split(BATCH), which.split(BATCH), strict=True):
        flat = premultiplied(some).flatten(1)
        sums, squares = sums + one.T @ flat, squares + one.T @ flat.square()
    mean = sums / n
    chance = (squares / n - mean.square()) / (n - 1).clamp(min=1)
    shape = (4, *pixels.shape[1:3])
    found, at = [], 0
    for value in values:
        own = torch.arange(at, at := at + int(value.max()) + 1)
        own = own[n[own, 0] > 3]
        if len(own) < 2:
            found.append(torch.zeros(shape[1:]))
            continue
        apart = mean[own].var(dim=0) - chance[own].mean(dim=0)
        found.append(apart.clamp(min=0).unflatten(0, shape).mean(dim=0).sqrt())
    return found


def picture_loss(made: Tensor, real: Tensor, weights: Tensor) -> Tensor:
    """How far pictures are from their originals: L1, L2 and the L1 of their gradients, weighted by place."""
    d = made - real
    across, down = (d[..., 1:] - d[..., :-1]), (d[..., 1:, :] - d[..., :-1, :])
    edges = (across.abs() * weights[..., 1:]).mean() + (down.abs() * weights[..., 1:, :]).mean()
    return ((d.abs() + d.square()) * weights).mean() + 0.5 * edges
