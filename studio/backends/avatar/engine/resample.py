"""StyleGAN2's up- and downsampling: low-pass filters and transposed convolutions.

Karras et al. (arXiv 1912.04958, section 3 and figure 7). Knows no networks.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

PARITIES = (slice(0, None, 2), slice(1, None, 2))  # even and odd places


def blur_filter() -> Tensor:
    """The 4x4 binomial low-pass filter, sum 1."""
    line = torch.tensor([1.0, 3.0, 3.0, 1.0])
    return torch.outer(line, line) / 64


def filter_channels(x: Tensor, kernel: Tensor, pad: int, down: int = 1) -> Tensor:
    """Every channel of x through one small kernel, `pad` pixels of zeros on every side, every `down`-th pixel kept."""
    channels = x.shape[1]
    return F.conv2d(x, kernel.expand(channels, 1, -1, -1).to(x.dtype), stride=down, padding=pad, groups=channels)


def upsample(x: Tensor, kernel: Tensor) -> Tensor:
    """x at twice its size: zeros between the pixels, then the low-pass filter."""
    channels = x.shape[1]
    kernel = kernel.expand(channels, 1, -1, -1).to(x.dtype) * 4
    return F.conv_transpose2d(x, kernel, stride=2, padding=1, groups=channels)


def upsample_bilinear(x: Tensor) -> Tensor:
    """`enlarged` by the binomial filter, which is bilinear interpolation where the picture ends in zeros: faster on
    processors."""
    x = F.interpolate(F.pad(x, (1, 1, 1, 1)), scale_factor=2, mode="bilinear")
    return x[:, :, 2:-2, 2:-2]


def polyphase(weight: Tensor) -> tuple[Tensor, ...]:
    """A kernel [O, I, 3, 3] for `conv_transpose2d` at stride 2 as four kernels for `conv2d`, one for each parity of the
    row and column that they make."""
    turned = weight.flip(2, 3).contiguous(memory_format=torch.channels_last)
    return tuple(turned[:, :, rows, columns].clone() for rows in PARITIES for columns in PARITIES)


def polyphase_transpose(x: Tensor, kernels: tuple[Tensor, ...]) -> Tensor:
    """`conv_transpose2d(x, weight, stride=2)` by the four kernels of `phases`; on processors the plain convolutions are
    faster by more than what putting their results together costs."""
    n, _, height, width = x.shape
    y = x.new_empty(n, 2 * height + 1, 2 * width + 1, len(kernels[0])).permute(0, 3, 1, 2)
    for i, kernel in enumerate(kernels):
        pad = (kernel.shape[2] - 1, kernel.shape[3] - 1)
        y[:, :, PARITIES[i // 2], PARITIES[i % 2]] = F.conv2d(x, kernel, padding=pad)
    return y
