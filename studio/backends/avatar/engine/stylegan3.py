"""StyleGAN3-T and -R generators in plain torch, for imported weights.

Karras et al., "Alias-Free Generative Adversarial Networks" (arXiv 2106.12423), called [3] below. Every layer treats
its maps as samples of a continuous signal: they are enlarged by a windowed sinc before the nonlinearity and filtered
again after it. Parameters carry the names that published checkpoints use. There is no noise, so a noise mode is
accepted and means nothing.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.backends.avatar.engine.layers import GAIN, LEAK, FullyConnected, Noise
from studio.backends.avatar.engine.network import MappingNetwork
from studio.checkpoints.stylegan3_layers import FrequencyBand, LayerSpec, StyleGAN3Shape


def low_pass(taps: int, band: FrequencyBand, rate: int, *, radial: bool = False) -> Tensor:
    """A Kaiser-windowed sinc, [taps], or radially symmetric jinc, [taps, taps]; sum 1 ([3] section 3.1, appendix C).

    It passes `band.cutoff` and stops beyond cutoff + width of a signal with `rate` samples per picture.
    """
    if taps == 1:
        return torch.ones(1)
    # Kaiser's formulas for the window whose transition is as wide as the band's.
    attenuation = 2.285 * (taps - 1) * math.pi * (2 * band.width / (rate / 2)) + 7.95
    beta = 0.0
    if attenuation > 50:
        beta = 0.1102 * (attenuation - 8.7)
    elif attenuation > 21:
        beta = 0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21)
    window = torch.kaiser_window(taps, periodic=False, beta=beta, dtype=torch.float64)
    t = (torch.arange(taps, dtype=torch.float64) - (taps - 1) / 2) / rate
    if radial:
        r = torch.hypot(t[:, None], t[None, :])
        filter = torch.special.bessel_j1(2 * math.pi * band.cutoff * r) / (math.pi * r) * torch.outer(window, window)
    else:
        filter = torch.sinc(2 * band.cutoff * t) * window
    return (filter / filter.sum()).float()


class FourierFeatures(nn.Module):
    """w [N, w_dim] -> the first map [N, C, H, W]: sinusoids moved and turned as w says ([3] section 3.2, F.1)."""

    freqs: Tensor
    phases: Tensor
    transform: Tensor

    def __init__(self, shape: StyleGAN3Shape, band: FrequencyBand) -> None:
        super().__init__()
        channels = shape.channels[0]
        self.band = band
        # Frequencies spread evenly over the disc that the band passes.
        angles, radii = torch.rand(channels) * (2 * math.pi), torch.rand(channels).sqrt() * band.cutoff
        self.register_buffer("freqs", torch.stack([angles.cos(), angles.sin()], dim=1) * radii[:, None])
        self.register_buffer("phases", torch.rand(channels) - 0.5)
        self.register_buffer("transform", torch.eye(3))
        self.weight = nn.Parameter(torch.randn(channels, channels))
        self.affine = FullyConnected(shape.w_dim, 4)
        with torch.no_grad():
            self.affine.weight.zero_()
            self.affine.bias.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0]))

    def forward(self, w: Tensor) -> Tensor:
        t = self.affine(w)
        t = t / t[:, :2].norm(dim=1, keepdim=True)
        turn = torch.eye(3, device=w.device).repeat(len(w), 1, 1)
        turn[:, 0, 0], turn[:, 0, 1] = t[:, 0], -t[:, 1]
        turn[:, 1, 0], turn[:, 1, 1] = t[:, 1], t[:, 0]
        move = torch.eye(3, device=w.device).repeat(len(w), 1, 1)
        move[:, :2, 2] = -t[:, 2:]
        moved = turn @ move @ self.transform
        phases = self.phases + (self.freqs @ moved[:, :2, 2:])[:, :, 0]
        freqs = self.freqs @ moved[:, :2, :2]
        # What turning and scaling lifted out of the band fades away.
        over = (freqs.norm(dim=2) - self.band.cutoff) / (self.band.rate / 2 - self.band.cutoff)
        amplitudes = (1 - over).clamp(0, 1)
        side = self.band.size
        places = ((torch.arange(side, device=w.device) + 0.5) / side - 0.5) * (side / self.band.rate)
        grid = torch.stack(torch.meshgrid(places, places, indexing="xy"), dim=-1).reshape(1, -1, 2)
        x = torch.sin((grid @ freqs.transpose(1, 2) + phases[:, None]) * (2 * math.pi)) * amplitudes[:, None]
        x = x @ (self.weight / math.sqrt(len(self.weight))).t()
        return x.transpose(1, 2).reshape(len(w), -1, side, side)


class StyleGAN3Layer(nn.Module):
    """A modulated convolution and a nonlinearity that makes no frequencies it cannot keep ([3] figure 4 b, c)."""

    magnitude_ema: Tensor
    up_filter: Tensor
    down_filter: Tensor

    def __init__(self, shape: StyleGAN3Shape, step: LayerSpec) -> None:
        super().__init__()
        self.step = step
        self.clamp = shape.clamp
        kernel = 1 if step.last else shape.kernel
        self.affine = FullyConnected(shape.w_dim, step.inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(step.outputs, step.inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(step.outputs))
        self.register_buffer("magnitude_ema", torch.ones([]))
        if not step.last:
            up, down, between = shape.taps * step.up, shape.taps * step.down, step.between
            self.register_buffer("up_filter", low_pass(up, step.before, between))
            self.register_buffer("down_filter", low_pass(down, step.after, between, radial=step.radial))
            # The convolution pads fully; what is too much then is cut where the signal is enlarged.
            enlarged = (step.before.size + kernel - 1) * step.up
            pad = (step.after.size - 1) * step.down + 1 - enlarged + up + down - 2
            low = (pad + step.up) // 2
            self.cut = (up - 1 - low, up - 1 - (pad - low) - (step.up - 1))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        styles = self.affine(w)
        weight, gain = self.weight, self.magnitude_ema.rsqrt()
        if self.step.last:
            x = x * (styles * (gain / math.sqrt(self.step.inputs)))[:, :, None, None].to(x.dtype)
            x = F.conv2d(x, weight.to(x.dtype), self.bias.to(x.dtype))
            return x.clamp(-self.clamp, self.clamp) if self.clamp else x
        # Weights and styles of unit size keep half precision within its range; demodulation takes both out again.
        weight = weight * weight.square().mean(dim=(1, 2, 3), keepdim=True).rsqrt()
        styles = styles * styles.square().mean(dim=1, keepdim=True).rsqrt()
        demodulation = (F.linear(styles.square(), weight.square().sum(dim=(2, 3))) + 1e-8).rsqrt() * (gain * GAIN)
        x = F.conv2d(x * styles[:, :, None, None].to(x.dtype), weight.to(x.dtype), padding=weight.shape[2] - 1)
        bias = (self.bias * GAIN)[None, :, None, None].to(x.dtype)
        x = torch.addcmul(bias, x, demodulation[:, :, None, None].to(x.dtype))
        x = F.leaky_relu_(upsample(x, self.up_filter, self.step.up, self.cut), LEAK)
        if self.clamp:
            x = x.clamp_(-self.clamp, self.clamp) if not x.requires_grad else x.clamp(-self.clamp, self.clamp)
        return downsample(x, self.down_filter, self.step.down)


def upsample(x: Tensor, filter: Tensor, times: int, cut: tuple[int, int]) -> Tensor:
    """x [N, C, H, W] at `times` the rate, its edges cut by so many samples, or widened where that is negative."""
    y = F.conv_transpose2d(x, _each(x, filter * times), stride=times, groups=x.shape[1])
    return F.pad(y, (-cut[0], -cut[1], -cut[0], -cut[1]))


def downsample(x: Tensor, filter: Tensor, times: int) -> Tensor:
    """x [N, C, H, W] filtered, every `times`-th sample kept; the filter lies wholly inside."""
    return F.conv2d(x, _each(x, filter).flip(2, 3), stride=times, groups=x.shape[1])


def _each(x: Tensor, filter: Tensor) -> Tensor:
    """The filter [taps] or [taps, taps] as a kernel for every channel of x. On processors one pass with the whole
    square is several times faster than two with its sides."""
    square = torch.outer(filter, filter) if filter.ndim == 1 else filter
    return square.to(x.dtype).expand(x.shape[1], 1, -1, -1)


class StyleGAN3Synthesis(nn.Module):
    """ws [N, num_ws, w_dim] -> picture [N, planes, size, size], about [-1, 1] ([3] figure 4 a).

    `halved` is how many of the highest resolutions are computed in `low`, 16-bit numbers.
    """

    def __init__(self, shape: StyleGAN3Shape) -> None:
        super().__init__()
        self.shape = shape
        self.halved, self.low = 0, torch.float16
        self.steps = shape.steps()
        self.input = FourierFeatures(shape, self.steps[0].before)
        for step in self.steps:
            self.add_module(step.name, StyleGAN3Layer(shape, step))

    def forward(
        self, ws: Tensor, noise: Noise = "const", generator: torch.Generator | None = None, size: int = 0
    ) -> Tensor:
        """Noise, its generator and `size` are those of other families, and change nothing."""
        x = self.input(ws[:, 0])
        for i, step in enumerate(self.steps):
            low = step.after.rate * 2**self.halved > self.shape.size
            x = self.get_submodule(step.name)(x.to(self.low if low else torch.float32), ws[:, i + 1])
        return x.float() * self.shape.scale


class StyleGAN3Generator(nn.Module):
    """Mapping and synthesis; `synthesis` takes a w for each layer."""

    def __init__(self, shape: StyleGAN3Shape) -> None:
        super().__init__()
        self.shape = shape
        self.mapping = MappingNetwork(shape)
        self.synthesis = StyleGAN3Synthesis(shape)

    def broadcast(self, w: Tensor) -> Tensor:
        """[N, w_dim] -> [N, num_ws, w_dim], the same w for every layer."""
        return w[:, None].expand(-1, self.shape.num_ws, -1)
