"""The StyleGAN2 discriminator in plain torch.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (arXiv 1912.04958), called [2] below; conditional
as in "Training Generative Adversarial Networks with Limited Data" (arXiv 2006.06676), called [A].
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.backends.avatar.engine.layers import (
    GAIN,
    LEAK,
    FullyConnected,
    blur_filter,
    filter_channels,
    normalise_second_moment,
)
from studio.backends.avatar.engine.network import GeneratorShape


class DownsamplingConv(nn.Module):
    """A plain convolution at an equalised learning rate; `down` halves the size behind the low-pass filter."""

    resample_filter: Tensor

    def __init__(self, inputs: int, outputs: int, kernel: int, *, down: bool = False, linear: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        if not linear:
            self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("resample_filter", blur_filter())
        self.down, self.linear = down, linear

    def forward(self, x: Tensor, gain: float = 1.0) -> Tensor:
        kernel = self.weight.shape[2]
        # The activation is homogeneous: its gain goes into the weights instead of a pass over the map.
        gain = gain * (1.0 if self.linear else GAIN)
        weight = self.weight * (gain / math.sqrt(self.weight[0].numel()))
        bias = None if self.linear else self.bias * gain
        if self.down and kernel == 1:
            return F.conv2d(filter_channels(x, self.resample_filter, 1, down=2), weight, bias)
        if self.down:
            x = F.conv2d(filter_channels(x, self.resample_filter, 2), weight, bias, stride=2)
        else:
            x = F.conv2d(x, weight, bias, padding=kernel // 2)
        return x if self.linear else F.leaky_relu(x, LEAK)


class DiscriminatorBlock(nn.Module):
    """One resolution of the residual discriminator ([2] figure 7 c)."""

    def __init__(self, inputs: int, outputs: int, planes: int = 0) -> None:
        super().__init__()
        if planes:
            self.fromrgb = DownsamplingConv(planes, inputs, 1)
        self.conv0 = DownsamplingConv(inputs, inputs, 3)
        self.conv1 = DownsamplingConv(inputs, outputs, 3, down=True)
        self.skip = DownsamplingConv(inputs, outputs, 1, down=True, linear=True)
        self.top = bool(planes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.fromrgb(x) if self.top else x
        half = math.sqrt(0.5)
        return self.skip(x, half) + self.conv1(self.conv0(x), half)


class DiscriminatorEpilogue(nn.Module):
    """Minibatch standard deviation (1710.10196), one convolution and two dense layers at 4x4."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.conv = DownsamplingConv(channels + 1, channels, 3)
        self.fc = FullyConnected(channels * 16, channels, active=True)
        self.out = FullyConnected(channels, outputs)

    def forward(self, x: Tensor) -> Tensor:
        n = len(x)
        group = math.gcd(n, 4)
        spread = x.reshape(group, n // group, *x.shape[1:]).var(dim=0, unbiased=False)
        level = (spread + 1e-8).sqrt().mean(dim=(1, 2, 3)).repeat(group)
        x = torch.cat([x, level[:, None, None, None].expand(n, 1, *x.shape[2:])], dim=1)
        return self.out(self.fc(self.conv(x).flatten(1)))


class Discriminator(nn.Module):
    """picture [N, planes, size, size], c [N, c_dim] -> one score each [N]; with c, by projection ([A], 1802.05637).

    `shape.start` is 4, where its last layers work.
    """

    def __init__(self, shape: GeneratorShape) -> None:
        super().__init__()
        self.shape = shape
        width = shape.w_dim if shape.c_dim else 1
        for i in range(len(shape.channels) - 1, 0, -1):
            top = i == len(shape.channels) - 1
            block = DiscriminatorBlock(shape.channels[i], shape.channels[i - 1], shape.planes if top else 0)
            self.add_module(f"b{4 * 2**i}", block)
        self.b4 = DiscriminatorEpilogue(shape.channels[0], width)
        if shape.c_dim:
            self.mapping = FullyConnected(shape.c_dim, width)

    def forward(self, picture: Tensor, c: Tensor | None = None) -> Tensor:
        x = picture
        for i in range(len(self.shape.channels) - 1, 0, -1):
            x = self.get_submodule(f"b{4 * 2**i}")(x)
        x = self.b4(x)
        if c is None:
            return x[:, 0]
        return (x * normalise_second_moment(self.mapping(c))).sum(dim=1) / math.sqrt(x.shape[1])
