"""Adaptive discriminator augmentation (arXiv 2006.06676): the transforms and their strength.

Karras et al., "Training Generative Adversarial Networks with Limited Data" (arXiv 2006.06676), appendix B: geometric
and colour transforms, which that paper finds to help; filters, noise and cut-outs are left out. Each is drawn for
each picture with probability p below 1, so that the generator's own pictures stay as they are (section 2.2): what a
critic sees of an unchanged set can only be the set's own transforms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

LIMIT = 0.8  # strength above which even these transforms begin to leak into what is drawn (figure 4)
REFLECTED = 8  # pixels around the picture that are mirrored before it is enlarged; beyond them it is mirrored again
TAPS = 12
SYM6 = (
    0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633, 0.4910559419267466,
    0.787641141030194, 0.3379294217276218, -0.07263752278646252, -0.021060292512300564, 0.04472490177066578,
    0.0017677118642428036, -0.007800708325034148,
)  # fmt: skip
"""The low-pass filter of the wavelet sym6: enlarging with it and shrinking again changes nothing."""
ASIDE = ((TAPS - 1) / 2 - sum(k * tap for k, tap in enumerate(SYM6)) / math.sqrt(2)) / 2
"""Pixels by which what the filter makes lies beside the middle of its taps: it is not quite symmetric."""


@dataclass
class AugmentStrength:
    """How often each transform is applied, steered by the sign of the critic's scores of real pictures (equation 1).

    Where the critic is surer of real pictures than `target`, it knows them by heart: p rises, from 0 to 1 within
    `images` pictures at the fastest; else it falls. The paper's half million pictures are for days on many graphics
    cards; small sets and slow machines need it sooner. It is looked at on every fourth step.
    """

    target: float = 0.6
    images: float = 100_000.0
    every: int = 4
    p: float = 0.0
    sureness: float = 0.0
    _signs: list[float] = field(default_factory=list[float])
    _pictures: int = 0

    def update(self, scores: Tensor) -> None:
        """The critic's scores [N] of one batch of real pictures."""
        self._signs.append(float(scores.detach().sign().mean()))
        self._pictures += len(scores)
        if len(self._signs) == self.every:
            self.sureness = sum(self._signs) / self.every
            step = math.copysign(self._pictures / self.images, self.sureness - self.target)
            self.p = min(LIMIT, max(0.0, self.p + step))
            self._signs.clear()
            self._pictures = 0

    def state(self) -> dict[str, float | int | list[float]]:
        return {"p": self.p, "sureness": self.sureness, "signs": list(self._signs), "pictures": self._pictures}

    def restore(self, state: dict[str, float | int | list[float]]) -> None:
        signs = state["signs"]
        assert isinstance(signs, list)
        assert not isinstance(state["p"], list)
        assert not isinstance(state["sureness"], list)
        assert not isinstance(state["pictures"], list)
        self.p, self.sureness, self._signs = float(state["p"]), float(state["sureness"]), list(signs)
        self._pictures = int(state["pictures"])


def augment(x: Tensor, p: float, random: torch.Generator) -> Tensor:
    """Pictures [N, 3 or 4, S, S] in [-1, 1], colour premultiplied where there is alpha, each transformed by chance.

    Differentiable once. At p = 0 they are returned as they are.
    """
    if p <= 0:
        return x
    places = sample_geometry(len(x), x.shape[-1], p, random).to(x)
    tints = sample_colours(len(x), p, random).to(x)
    return recolour(warp(x, places), tints)


def sample_geometry(n: int, size: int, p: float, random: torch.Generator) -> Tensor:
    """[N, 2, 3]: where in the original a place of the result lies, in pixels from the middle (algorithm 1)."""
    draw = _TransformSampler(n, p, random)
    whole = torch.eye(3).repeat(n, 1, 1)
    flip = draw.whole(2).float() * -2 + 1
    whole = whole @ _scaling(flip, torch.ones(n))
    whole = whole @ _rotation(draw.whole(4) * (math.pi / 2))
    steps = ((draw.uniform(2) * 2 - 1) * 0.125 * size).round()
    whole = whole @ _translation(draw.chosen(steps, 0.0))
    grow = draw.log_normal(0.2)
    whole = whole @ _scaling(grow, grow)
    # Turned before and after the stretching; together they happen with probability p.
    half = 1 - math.sqrt(1 - p)
    whole = whole @ _rotation(draw.chosen(draw.angle(), 0.0, half))
    stretch = draw.log_normal(0.2)
    whole = whole @ _scaling(stretch, 1 / stretch)
    whole = whole @ _rotation(draw.chosen(draw.angle(), 0.0, half))
    whole = whole @ _translation(draw.chosen(draw.normal(2) * 0.125 * size, 0.0))
    return whole[:, :2]


def warp(x: Tensor, places: Tensor) -> Tensor:
    """Pictures [N, C, S, S] moved by [N, 2, 3]: enlarged twice with a wavelet, sampled, shrunk again.

    What lies outside is mirrored; where a clear ground surrounds the figure, it goes on.
    """
    n, channels, size, _ = x.shape
    pad = min(REFLECTED, size - 1)
    line = torch.tensor(SYM6, dtype=x.dtype, device=x.device) / math.sqrt(2)
    kernel = torch.outer(line, line).expand(channels, 1, -1, -1)
    large = F.conv_transpose2d(F.pad(x, [pad] * 4, mode="reflect"), kernel * 4, stride=2, groups=channels)
    edge = TAPS - 2  # samples that the filter reaches only in part
    large = large[..., edge:-edge, edge:-edge]
    # Half extents in pixels of the original, of what is sampled from and of what is sampled.
    inside, outside = large.shape[-1] / 4, (2 * size + TAPS - 2) / 4
    theta = places.clone()
    theta[:, :, 2] += (theta[:, :, :2].sum(dim=2) - 1) * ASIDE
    theta[:, :, :2] *= outside / inside
    theta[:, :, 2] /= inside
    side = 2 * size + TAPS - 2
    grid = F.affine_grid(theta, [n, channels, side, side], align_corners=False)
    sampled = F.grid_sample(large, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return F.conv2d(sampled, kernel, stride=2, groups=channels)


def sample_colours(n: int, p: float, random: torch.Generator) -> Tensor:
    """[N, 3, 4]: matrices on colours in [-1, 1] with a fourth coordinate of 1 (algorithm 1, colour)."""
    draw = _TransformSampler(n, p, random)
    grey = torch.full((3, 3), 1 / 3)  # the projection onto the axis of greys
    eye = torch.eye(3)
    shift = draw.chosen(draw.normal(1) * 0.2, 0.0)
    contrast = draw.log_normal(0.5)[:, None, None]
    flip = draw.whole(2).float()[:, None, None]
    turn = draw.chosen(draw.angle(), 0.0)
    saturation = draw.log_normal(1.0)[:, None, None]
    matrix = (eye - 2 * grey * flip) @ (eye * contrast)
    offset = (eye - 2 * grey * flip) @ (contrast * shift[:, :, None]).expand(-1, 3, 1)
    rest = _about_grey(turn) @ (grey + (eye - grey) * saturation)
    return torch.cat([rest @ matrix, rest @ offset], dim=2)


def recolour(x: Tensor, tints: Tensor) -> Tensor:
    """Pictures [N, 3 or 4, S, S] in [-1, 1] with their colours changed by [N, 3, 4]; alpha stays.

    On premultiplied colours alpha is the fourth coordinate, so that what is clear stays so.
    """
    n, planes, size, _ = x.shape
    matrix, offset = tints[:, :, :3], tints[:, :, 3]
    colour = (x[:, :3] + 1) / 2
    alpha = (x[:, 3:] + 1) / 2 if planes == 4 else torch.ones_like(colour[:, :1])
    # v' = M v + b on [-1, 1] is s' = M s + (1 - M 1 + b) / 2 on [0, 1].
    lift = (1 - matrix.sum(dim=2) + offset) / 2
    changed = torch.bmm(matrix, colour.flatten(2)).reshape(n, 3, size, size)
    changed = changed + lift[:, :, None, None] * alpha
    return torch.cat([changed * 2 - 1, x[:, 3:]], dim=1)


class _TransformSampler:
    """Numbers for n pictures from a generator on the processor, each kind left out for a picture with chance 1 - p."""

    def __init__(self, n: int, p: float, random: torch.Generator) -> None:
        self._n, self._p, self._random = n, p, random

    def uniform(self, columns: int) -> Tensor:
        return torch.rand(self._n, columns, generator=self._random)

    def normal(self, columns: int) -> Tensor:
        return torch.randn(self._n, columns, generator=self._random)

    def chosen(self, drawn: Tensor, instead: float, p: float | None = None) -> Tensor:
        kept = torch.rand(self._n, generator=self._random) < (self._p if p is None else p)
        kept = kept if drawn.ndim == 1 else kept[:, None]
        return torch.where(kept, drawn, torch.full_like(drawn, instead))

    def whole(self, count: int) -> Tensor:
        """0 to count - 1."""
        return self.chosen((self.uniform(1)[:, 0] * count).floor(), 0.0)

    def angle(self) -> Tensor:
        return (self.uniform(1)[:, 0] * 2 - 1) * math.pi

    def log_normal(self, octaves: float) -> Tensor:
        return self.chosen(torch.exp2(self.normal(1)[:, 0] * octaves), 1.0)


def _matrix(rows: list[list[Tensor]]) -> Tensor:
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def _scaling(x: Tensor, y: Tensor) -> Tensor:
    """The inverse of growing by x and y."""
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return _matrix([[1 / x, zero, zero], [zero, 1 / y, zero], [zero, zero, one]])


def _rotation(angle: Tensor) -> Tensor:
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    c, s = angle.cos(), angle.sin()
    return _matrix([[c, s, zero], [-s, c, zero], [zero, zero, one]])


def _translation(by: Tensor) -> Tensor:
    x, y = by[:, 0], by[:, 1]
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return _matrix([[one, zero, -x], [zero, one, -y], [zero, zero, one]])


def _about_grey(angle: Tensor) -> Tensor:
    """[N, 3, 3]: colours turned about the axis of greys (Rodrigues)."""
    axis = 1 / math.sqrt(3)
    across = torch.tensor([[0.0, -axis, axis], [axis, 0.0, -axis], [-axis, axis, 0.0]])
    grey = torch.full((3, 3), 1 / 3)
    c, s = angle.cos()[:, None, None], angle.sin()[:, None, None]
    return torch.eye(3) * c + across * s + grey * (1 - c)
