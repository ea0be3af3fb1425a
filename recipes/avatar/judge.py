"""How far made pictures are from drawings as a whole: two distances between sets, and the nearest drawing of each.

Sliced Wasserstein distance on patches of a Laplacian pyramid (Karras et al., arXiv 1710.10196, section 5), and kernel
distance (Binkowski et al., arXiv 1801.01401, equation 4) on features of a fixed random convolutional network, since no
trained one belongs to this recipe. Neither has a unit: read them beside the same distance between two halves of the
drawings. Pictures are uint8 [N, H, W, 4]; everything is reckoned on premultiplied planes.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from studio.backends.avatar.engine.training.batches import premultiplied

PATCH, PATCHES, DIRECTIONS, SMALLEST = 7, 64, 512, 16
FEATURES, SUBSET, ROUNDS = 256, 200, 20
Pixels = NDArray[np.uint8]


def sliced_wasserstein(a: Pixels, b: Pixels, seed: int = 0) -> dict[str, float]:
    """Times 1000, for each resolution of the pyramid and their mean. The sets must have as many pictures."""
    found: dict[str, float] = {}
    x, y = premultiplied(torch.from_numpy(a)), premultiplied(torch.from_numpy(b))
    while x.shape[2] >= SMALLEST:
        last = x.shape[2] // 2 < SMALLEST
        random = torch.Generator().manual_seed(seed)
        detail = [_patches(z if last else _detail(z), random) for z in (x, y)]
        directions = F.normalize(torch.randn(detail[0].shape[1], DIRECTIONS, generator=random), dim=0)
        p, q = ((d @ directions).sort(dim=0).values for d in detail)
        found[str(x.shape[2])] = float((p - q).abs().mean() * 1000)
        x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
    return {**found, "mean": sum(found.values()) / len(found)}


def kernel_distance(a: Pixels, b: Pixels, seed: int = 0) -> dict[str, float]:
    """Unbiased squared maximum mean discrepancy with a cubic kernel, times 1000: its mean and deviation over subsets.

    Being unbiased it may be below 0; within a deviation or two of 0 the sets cannot be told apart.
    """
    x, y = _features(a, seed), _features(b, seed)
    spread = torch.cat([x, y]).std(dim=0).clamp(min=1e-6)
    x, y = x / spread, y / spread
    centre = torch.cat([x, y]).mean(dim=0)
    x, y = x - centre, y - centre
    random = torch.Generator().manual_seed(seed)
    size = min(SUBSET, len(x), len(y))
    rounds = []
    for _ in range(ROUNDS):
        p = x[torch.randperm(len(x), generator=random)[:size]]
        q = y[torch.randperm(len(y), generator=random)[:size]]
        own = sum((_kernel(z, z).sum() - _kernel(z, z).diagonal().sum()) / (size * (size - 1)) for z in (p, q))
        rounds.append(float(own - 2 * _kernel(p, q).mean()))
    found = 1000 * np.array(rounds)
    return {"mean": float(found.mean()), "deviation": float(found.std())}


def nearest(made: Pixels, drawings: Pixels, side: int = 32) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each made picture the index of the drawing most like it at `side` px, and their mean difference, 0 to 255."""
    x, y = _reduced(made, side), _reduced(drawings, side)
    far = torch.cdist(x, y, p=1) / x.shape[1] * 127.5
    best = far.min(dim=1)
    return best.indices.numpy(), best.values.double().numpy()


def _reduced(pixels: Pixels, side: int) -> Tensor:
    batches = (premultiplied(torch.from_numpy(pixels[i : i + 256])) for i in range(0, len(pixels), 256))
    return torch.cat([F.adaptive_avg_pool2d(batch, side).flatten(1) for batch in batches])


def _detail(x: Tensor) -> Tensor:
    """What a picture has beyond its half-sized copy: one level of a Laplacian pyramid."""
    return x - F.interpolate(F.avg_pool2d(x, 2), scale_factor=2, mode="bilinear")


def _patches(x: Tensor, random: torch.Generator) -> Tensor:
    """[N * PATCHES, planes * PATCH * PATCH], every plane at mean 0 and deviation 1 over the set."""
    n, planes, side, _ = x.shape
    at = torch.randint(side - PATCH + 1, (n, PATCHES, 2), generator=random)
    rows = at[..., 0, None] + torch.arange(PATCH)
    columns = at[..., 1, None] + torch.arange(PATCH)
    which = torch.arange(n)[:, None, None, None]
    cut = x.permute(0, 2, 3, 1)[which, rows[..., :, None], columns[..., None, :]]  # [N, PATCHES, P, P, planes]
    cut = cut.reshape(-1, PATCH * PATCH, planes)
    cut = (cut - cut.mean(dim=(0, 1))) / cut.std(dim=(0, 1)).clamp(min=1e-6)
    return cut.flatten(1)


@torch.inference_mode()
def _features(pixels: Pixels, seed: int) -> Tensor:
    """[N, 2 * FEATURES]: mean and deviation over the picture of what a fixed random network sees."""
    random = torch.Generator().manual_seed(seed)
    widths = (4, 64, 128, FEATURES)
    layers = [torch.randn(o, i, 5, 5, generator=random) / (i * 25) ** 0.5 for i, o in itertools.pairwise(widths)]
    seen = []
    for i in range(0, len(pixels), 64):
        x = F.adaptive_avg_pool2d(premultiplied(torch.from_numpy(pixels[i : i + 64])), 64)
        for layer in layers:
            x = F.relu(F.conv2d(x, layer, stride=2, padding=2)) * 2**0.5
        seen.append(torch.cat([x.mean(dim=(2, 3)), x.std(dim=(2, 3))], dim=1))
    return torch.cat(seen)


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3
