"""The layers of StyleGAN2's generator, with its up- and downsampling, in plain torch.

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

Noise = Literal["const", "random", "none"]
LEAK, GAIN = 0.2, math.sqrt(2.0)
WIDE = 9 * 256 * 128  # numbers of a kernel from which on four plain convolutions beat a transposed one on processors

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
    """`upsample` by the binomial filter, which is bilinear interpolation where the picture ends in zeros: faster on
    processors."""
    x = F.interpolate(F.pad(x, (1, 1, 1, 1)), scale_factor=2, mode="bilinear")
    return x[:, :, 2:-2, 2:-2]


def polyphase(weight: Tensor) -> tuple[Tensor, ...]:
    """A kernel [O, I, 3, 3] for `conv_transpose2d` at stride 2 as four kernels for `conv2d`, one for each parity of the
    row and column that they make."""
    turned = weight.flip(2, 3).contiguous(memory_format=torch.channels_last)
    return tuple(turned[:, :, rows, columns].clone() for rows in PARITIES for columns in PARITIES)


def polyphase_transpose(x: Tensor, kernels: tuple[Tensor, ...]) -> Tensor:
    """`conv_transpose2d(x, weight, stride=2)` by the four kernels of `polyphase`; on processors the plain convolutions
    are faster by more than what putting their results together costs.
    """
    n, _, height, width = x.shape
    y = x.new_empty(n, 2 * height + 1, 2 * width + 1, len(kernels[0])).permute(0, 3, 1, 2)
    for i, kernel in enumerate(kernels):
        pad = (kernel.shape[2] - 1, kernel.shape[3] - 1)
        y[:, :, PARITIES[i // 2], PARITIES[i % 2]] = F.conv2d(x, kernel, padding=pad)
    return y


class FullyConnected(nn.Module):
    """y = W x + b at an equalised learning rate ([2] after 1710.10196), `active` with a leaky ReLU of gain sqrt 2."""

    def __init__(self, inputs: int, outputs: int, *, active: bool = False, bias: float = 0.0, lr: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr)
        self.bias = nn.Parameter(torch.full((outputs,), bias / lr))
        self.active, self.lr = active, lr

    def forward(self, x: Tensor) -> Tensor:
        gain = self.lr / math.sqrt(self.weight.shape[1])
        y = torch.addmm(self.bias, x, self.weight.t(), beta=self.lr, alpha=gain)
        return F.leaky_relu(y, LEAK) * GAIN if self.active else y


def normalise_second_moment(x: Tensor) -> Tensor:
    """x at unit second moment along the last axis."""
    return x * (x.square().mean(dim=-1, keepdim=True) + 1e-8).rsqrt()


@dataclass(slots=True)
class FoldedWeights:
    """What a layer's forward pass needs of its parameters, and what they were then.

    `squares` [O, I] and `tiny` [O] lie under the root of the demodulation, halved, so that it brings the activation's
    gain; `bias` [O] and the noise's `strength` have it too; `blur` [O, 1, 4, 4] is the filter for every channel, `maps`
    [pixels, K] those of patterns.
    """

    weight: Tensor
    squares: Tensor
    tiny: Tensor
    bias: Tensor
    strength: Tensor
    blur: Tensor
    maps: Tensor | None = None
    phases: tuple[Tensor, ...] = ()
    key: tuple[object, ...] = ()


def channels_last(x: Tensor) -> bool:
    """Whether maps like x are to be kept channels-last: on a CPU without gradients, where convolutions are up to half
    as fast again.
    """
    return x.device.type == "cpu" and not torch.is_grad_enabled()


def conv1x1(x: Tensor, weights: Tensor) -> Tensor:
    """A 1x1 convolution of x [N, I, H, W], the same for the whole batch, with weights [N, O, I] of each."""
    n = len(weights)
    if channels_last(x):
        pixels = torch.bmm(x[0].flatten(1).t().expand(n, -1, -1), weights.transpose(1, 2))
        return pixels.unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)
    return (weights.flatten(0, 1) @ x[0].flatten(1)).reshape(n, -1, *x.shape[2:])


class Patterns(nn.Module):
    """Learned maps [K, size, size] that a layer adds before its activation, each as much as w says: s(w) [K] of them,
    through `weight` [O, K]. So thin things have their place to the pixel, which a constant of few pixels cannot say:
    the paper's noise input with many maps, and styles for its strength. At first it adds nothing, and stays so until
    maps are laid in (warm_start.py)."""

    def __init__(self, count: int, outputs: int, w_dim: int, size: int) -> None:
        super().__init__()
        self.affine = FullyConnected(w_dim, count)
        self.maps = nn.Parameter(torch.zeros(count, size, size))
        self.weight = nn.Parameter(torch.zeros(outputs, count))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """What is added to x [N, O, size, size], with the activation's gain."""
        return conv1x1(self.maps[None].to(x.dtype), self._weights(w).to(x.dtype))

    def add_to(self, x: Tensor, w: Tensor, pixels: Tensor | None) -> Tensor:
        """x with that added in place; `pixels` [size * size, K] are the maps as they are read quickest, if at hand."""
        own = x.permute(0, 2, 3, 1)
        if pixels is None or not own.is_contiguous():
            return x.add_(self(x, w))
        weights = self._weights(w).to(x.dtype).transpose(1, 2)
        if len(x) == 1:
            own[0].flatten(0, 1).addmm_(pixels, weights[0])
        else:
            own.flatten(1, 2).baddbmm_(pixels.expand(len(x), -1, -1), weights)
        return x

    def _weights(self, w: Tensor) -> Tensor:
        """[N, O, K]."""
        return (self.weight * GAIN)[None] * self.affine(w)[:, None, :]


class SynthesisLayer(nn.Module):
    """One modulated, demodulated convolution with noise, bias and leaky ReLU ([2] equations 1 to 3, figure 2 d)."""

    noise_const: Tensor
    resample_filter: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        w_dim: int,
        size: int,
        *,
        up: bool = False,
        kernel: int = 3,
        clamp: float = 0.0,
        patterns: int = 0,
    ) -> None:
        super().__init__()
        self.affine = FullyConnected(w_dim, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.patterns = Patterns(patterns, outputs, w_dim, size) if patterns else None
        self.register_buffer("noise_const", torch.randn(size, size))
        self.register_buffer("resample_filter", blur_filter())
        self.up, self.clamp, self.shared = up, clamp, False
        self._kept: FoldedWeights | None = None

    def forward(self, x: Tensor, w: Tensor, noise: Noise, generator: torch.Generator | None) -> Tensor:
        learning = torch.is_grad_enabled()
        ready = self.fold(x) if learning else self.folded(x)
        styles = self.affine(w)
        if x.dtype != torch.float32:
            styles = styles / styles.abs().amax(dim=1, keepdim=True)
        # Modulating the input and demodulating the output equals modulating the weights ([2] section 2.2), and lets
        # one convolution serve a batch of different styles. The activation's gain rides along with both.
        demodulation = F.linear(styles.square(), ready.squares, ready.tiny).rsqrt().to(x.dtype)
        styles = styles.to(x.dtype)
        if self.weight.shape[2] == 1:
            x = conv1x1(x, ready.weight[None, :, :, 0, 0] * styles[:, None, :])
            return self.finish(x, w, demodulation, ready, noise, generator)
        alone = len(x) == 1 and channels_last(x)
        if alone and not self.up and self.weight.numel() < x.numel():
            # A single picture has one set of weights, here smaller than the map.
            weight = ready.weight * styles[0][:, None, None] * demodulation[0][:, None, None, None]
            x = F.conv2d(x.contiguous(memory_format=torch.channels_last), weight, ready.bias, padding=1)
            return self.finish(x, w, None, ready, noise, generator)
        # Where nothing is learnt the map is nobody else's: it is changed in place, since fresh memory costs several
        # times the arithmetic.
        x = x * styles[:, :, None, None] if learning or self.shared else x.mul_(styles[:, :, None, None])
        if channels_last(x):
            x = x.contiguous(memory_format=torch.channels_last)
        if not self.up:
            x = F.conv2d(x, ready.weight, padding=1)
            return self.finish(x, w, demodulation, ready, noise, generator)
        x = polyphase_transpose(x, ready.phases) if ready.phases else F.conv_transpose2d(x, ready.weight, stride=2)
        if not alone:
            return self.finish(filter_channels(x, ready.blur, 1), w, demodulation, ready, noise, generator)
        # The filter demodulates a single picture on its way, and adds the bias.
        x = F.conv2d(x, ready.blur * demodulation[0][:, None, None, None], ready.bias, padding=1, groups=x.shape[1])
        return self.finish(x, w, None, ready, noise, generator)

    def fold(self, x: Tensor) -> FoldedWeights:
        """The parameters as forward uses them for maps such as x."""
        weight = self.weight
        if x.dtype != torch.float32:
            # Nothing may leave the range of 16 bits ([A] appendix D.1); demodulation takes these scales out again.
            weight = weight / (weight.abs().amax(dim=(1, 2, 3), keepdim=True) * math.sqrt(weight[0].numel()))
        squares = weight.square().sum(dim=(2, 3)) / GAIN**2
        ready = FoldedWeights(
            weight=weight.to(x.dtype),
            squares=squares,
            tiny=squares.new_full((len(squares),), 1e-8 / GAIN**2),
            bias=(self.bias * GAIN).to(x.dtype),
            strength=self.noise_strength * GAIN,
            blur=(self.resample_filter * 4).to(x.dtype).expand(len(weight), 1, -1, -1),
        )
        if self.patterns is not None and channels_last(x):
            ready.maps = self.patterns.maps.flatten(1).t().to(x.dtype).contiguous()
        if self.up and channels_last(x) and weight.numel() >= WIDE:
            ready.phases = polyphase(ready.weight)
            return ready
        if self.up:
            ready.weight = ready.weight.transpose(0, 1)
        if channels_last(x):
            ready.weight = ready.weight.contiguous(memory_format=torch.channels_last)
        return ready

    def folded(self, x: Tensor) -> FoldedWeights:
        """`ready`, made once for as long as the parameters stay what they are."""
        own = [self.weight, self.bias, self.noise_strength, self.resample_filter]
        own += [] if self.patterns is None else [self.patterns.maps]
        if any(one.is_inference() for one in own):
            return self.fold(x)
        key = (x.dtype, *((one._version, one.data_ptr()) for one in own))
        if self._kept is None or self._kept.key != key:
            self._kept = self.fold(x)
            self._kept.key = key
        return self._kept

    def finish(
        self,
        x: Tensor,
        w: Tensor,
        demodulation: Tensor | None,
        ready: FoldedWeights,
        noise: Noise,
        generator: torch.Generator | None,
    ) -> Tensor:
        """What follows the convolution: demodulation and bias, unless they are in it, noise, patterns, leaky ReLU."""
        bias, grain = ready.bias[:, None, None], None
        if noise != "none":
            grain = (self.noise(noise, x, generator) * ready.strength).to(x.dtype)
        if torch.is_grad_enabled():
            assert demodulation is not None
            bias = bias if grain is None else bias + grain
            bias = bias if self.patterns is None else bias + self.patterns(x, w)
            x = F.leaky_relu(torch.addcmul(bias, x, demodulation[:, :, None, None]), LEAK)
            return x.clamp(-self.clamp, self.clamp) if self.clamp else x
        if demodulation is not None:
            x = torch.addcmul(bias, x, demodulation[:, :, None, None], out=x)
        if self.patterns is not None:
            x = self.patterns.add_to(x, w, ready.maps)
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
        if x.is_contiguous() or not torch.is_grad_enabled():
            planes = torch.baddbmm(self.bias[:, None].to(x.dtype), weights, x.flatten(2))
            return self.bounded(planes.reshape(n, -1, height, width))
        # Channels last, and learning: gradients come back as the map lies in memory.
        pixels = x.permute(0, 2, 3, 1).reshape(n, height * width, channels)
        planes = torch.baddbmm(self.bias.to(x.dtype), pixels, weights.transpose(1, 2))
        return self.bounded(planes.reshape(n, height, width, -1).permute(0, 3, 1, 2))

    def bounded(self, planes: Tensor) -> Tensor:
        planes = planes.float()
        return planes.clamp(-self.clamp, self.clamp) if self.clamp else planes
