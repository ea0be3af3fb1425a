"""The layers that StyleGAN2's generator is made of, in plain torch; they know no network.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (arXiv 1912.04958), called [2] below; 16-bit
numbers as in "Training Generative Adversarial Networks with Limited Data" (arXiv 2006.06676), called [A]. Gains of the
equalised learning rate are folded into weights and per-channel factors, since passes over whole maps are what costs
time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.backends.avatar.resample import blur_filter, filtered, interleaved, phases

Noise = Literal["const", "random", "none"]
LEAK, GAIN = 0.2, math.sqrt(2.0)
WIDE = 9 * 256 * 128  # numbers of a kernel from which on four plain convolutions beat a transposed one on processors


class FullyConnected(nn.Module):
    """y = W x + b at an equalised learning rate ([2] after 1710.10196), `active` with a leaky ReLU of gain sqrt 2."""

    def __init__(self, inputs: int, outputs: int, *, active: bool = False, bias: float = 0.0, lr: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr)
        self.bias = nn.Parameter(torch.full((outputs,), bias / lr))
        self.active, self.lr = active, lr

    def forward(self, x: Tensor) -> Tensor:
        gain = self.lr / math.sqrt(self.weight.shape[1])
        y = F.linear(x, self.weight * gain, self.bias * self.lr)
        return F.leaky_relu(y, LEAK) * GAIN if self.active else y


def normalised(x: Tensor) -> Tensor:
    """x at unit second moment along the last axis."""
    return x * (x.square().mean(dim=-1, keepdim=True) + 1e-8).rsqrt()


@dataclass(slots=True)
class Ready:
    """Weights of a layer as its forward pass uses them, and what they were made from."""

    squares: Tensor
    weight: Tensor
    phases: tuple[Tensor, ...] = ()
    key: tuple[int, int, torch.dtype] | None = None


class SynthesisLayer(nn.Module):
    """One modulated, demodulated convolution with noise, bias and leaky ReLU ([2] equations 1 to 3, figure 2 d)."""

    noise_const: Tensor
    resample_filter: Tensor

    def __init__(
        self, inputs: int, outputs: int, w_dim: int, size: int, *, up: bool = False, kernel: int = 3, clamp: float = 0.0
    ) -> None:
        super().__init__()
        self.affine = FullyConnected(w_dim, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.register_buffer("noise_const", torch.randn(size, size))
        self.register_buffer("resample_filter", blur_filter())
        self.up, self.clamp, self.shared = up, clamp, False
        self._kept: Ready | None = None

    def forward(self, x: Tensor, w: Tensor, noise: Noise, generator: torch.Generator | None) -> Tensor:
        learning = torch.is_grad_enabled()
        ready = self.ready(x.dtype, x.device.type == "cpu") if learning else self.kept(x.dtype, x.device.type == "cpu")
        styles = self.affine(w)
        if x.dtype != torch.float32:
            styles = styles / styles.abs().amax(dim=1, keepdim=True)
        # Modulating the input and demodulating the output equals modulating the weights ([2] section 2.2), and lets
        # one convolution serve a batch of different styles. The activation's gain rides along with both.
        demodulation = ((F.linear(styles.square(), ready.squares) + 1e-8).rsqrt() * GAIN).to(x.dtype)
        styles = styles.to(x.dtype)
        if self.weight.shape[2] == 1:
            # The map is the same for the whole batch here (the constant): modulated weights make it one product.
            weights = (ready.weight[None, :, :, 0, 0] * styles[:, None, :]).flatten(0, 1)
            x = (weights @ x[0].flatten(1)).reshape(len(styles), -1, *x.shape[2:])
            return self.finish(x, demodulation, noise, generator)
        # Where nothing is learnt the map is nobody else's: it is changed in place, since fresh memory costs several
        # times the arithmetic.
        x = x * styles[:, :, None, None] if learning or self.shared else x.mul_(styles[:, :, None, None])
        if self.up:
            x = interleaved(x, ready.phases) if ready.phases else F.conv_transpose2d(x, ready.weight, stride=2)
            x = filtered(x, self.resample_filter * 4, 1)
        else:
            x = F.conv2d(x, ready.weight, padding=1)
        return self.finish(x, demodulation, noise, generator)

    def ready(self, dtype: torch.dtype, cpu: bool) -> Ready:
        """The weights as forward uses them."""
        weight = self.weight
        if dtype != torch.float32:
            # Nothing may leave the range of 16 bits ([A] appendix D.1); demodulation takes these scales out again.
            weight = weight / (weight.abs().amax(dim=(1, 2, 3), keepdim=True) * math.sqrt(weight[0].numel()))
        squares = weight.square().sum(dim=(2, 3))
        weight = weight.to(dtype)
        if not self.up:
            return Ready(squares, weight)
        if torch.is_grad_enabled() or not cpu or weight.numel() < WIDE:
            return Ready(squares, weight.transpose(0, 1))
        return Ready(squares, weight, phases(weight))

    def kept(self, dtype: torch.dtype, cpu: bool) -> Ready:
        """`ready`, made once for as long as the weights stay what they are."""
        if self.weight.is_inference():
            return self.ready(dtype, cpu)
        key = (self.weight._version, self.weight.data_ptr(), dtype)
        if self._kept is None or self._kept.key != key:
            self._kept = self.ready(dtype, cpu)
            self._kept.key = key
        return self._kept

    def finish(self, x: Tensor, demodulation: Tensor, noise: Noise, generator: torch.Generator | None) -> Tensor:
        """What follows the convolution: demodulation, noise, bias and leaky ReLU."""
        bias, demodulation = (self.bias * GAIN).to(x.dtype)[None, :, None, None], demodulation[:, :, None, None]
        grain = None
        if noise != "none":
            grain = (self.noise(noise, x, generator) * (self.noise_strength * GAIN)).to(x.dtype)
        if torch.is_grad_enabled():
            x = F.leaky_relu(torch.addcmul(bias if grain is None else bias + grain, x, demodulation), LEAK)
            return x.clamp(-self.clamp, self.clamp) if self.clamp else x
        x = torch.addcmul(bias, x, demodulation, out=x)
        x = F.leaky_relu_(x if grain is None else x.add_(grain), LEAK)
        return x.clamp_(-self.clamp, self.clamp) if self.clamp else x

    def noise(self, noise: Noise, x: Tensor, generator: torch.Generator | None) -> Tensor:
        if noise == "const":
            return self.noise_const
        # Drawn where the generator lives, so that a seed means the same on every device.
        where = generator.device if generator is not None else x.device
        return torch.randn(x.shape[0], 1, *x.shape[2:], generator=generator, device=where).to(x)


class ToRGB(nn.Module):
    """A modulated 1x1 convolution without demodulation that adds to the picture ([2] figure 7 b)."""

    def __init__(self, inputs: int, planes: int, w_dim: int, clamp: float = 0.0) -> None:
        super().__init__()
        self.clamp = clamp
        self.affine = FullyConnected(w_dim, inputs, bias=1.0)
        # Small, so that a resolution that joins late does not shake the picture.
        self.weight = nn.Parameter(torch.randn(planes, inputs, 1, 1) * 0.1)
        self.bias = nn.Parameter(torch.zeros(planes))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        n, channels, height, width = x.shape
        styles = self.affine(w) / math.sqrt(channels)
        weights = (self.weight[None, :, :, 0, 0] * styles[:, None, :]).to(x.dtype)
        if x.is_contiguous():
            planes = torch.baddbmm(self.bias[:, None].to(x.dtype), weights, x.flatten(2))
            return self.bounded(planes.reshape(n, -1, height, width))
        # Channels last: pixels by channels is the map as it lies in memory.
        pixels = x.permute(0, 2, 3, 1).reshape(n, height * width, channels)
        planes = torch.baddbmm(self.bias.to(x.dtype), pixels, weights.transpose(1, 2))
        return self.bounded(planes.reshape(n, height, width, -1).permute(0, 3, 1, 2))

    def bounded(self, planes: Tensor) -> Tensor:
        planes = planes.float()
        return planes.clamp(-self.clamp, self.clamp) if self.clamp else planes
