"""Size, sampling rate and band of each StyleGAN3 layer, from which its tensors' names and shapes follow.

Karras et al., "Alias-Free Generative Adversarial Networks" (arXiv 2106.12423), section 3.2 and appendix C: cutoffs and
stopbands grow geometrically from layer to layer until the last, critically sampled ones reach the picture's own band.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class StyleGAN3Shape:
    """What decides every tensor's shape of a StyleGAN3. `channels[i]` is what layer i makes; the last is the picture.

    `kernel` is 3 for the -T networks, 1 for -R, whose filters are `radial`. Frequencies are cycles per picture:
    `cutoff` and `stopband` those of the first layer, `reach` the last stopband over the last cutoff. `margin` is
    pixels around the picture, `taps` a filter's length for each factor of its resampling, `clamp` the bound of
    activations (0: none), `scale` what the last layer's output is multiplied by.
    """

    size: int
    channels: tuple[int, ...]
    z_dim: int = 512
    w_dim: int = 512
    c_dim: int = 0
    layers: int = 2
    kernel: int = 3
    radial: bool = False
    critical: int = 2
    cutoff: float = 2.0
    stopband: float = 2.0**2.1
    reach: float = 2.0**0.3
    margin: int = 10
    taps: int = 6
    clamp: float = 256.0
    scale: float = 0.25
    mapping_lr: float = 0.01

    @property
    def planes(self) -> int:
        return self.channels[-1]

    @property
    def num_ws(self) -> int:
        """One w for each layer, and one for the Fourier features."""
        return len(self.channels) + 1

    @property
    def classes(self) -> int:
        return 0

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises TypeError or ValueError for what is no shape."""
        shape = cls(**{**data, "channels": tuple(int(count) for count in data["channels"])})
        whole = (*shape.channels, shape.z_dim, shape.w_dim, shape.layers)
        if not (
            3 <= len(shape.channels) <= 40
            and all(1 <= count <= 4096 for count in whole)
            and 0 <= shape.c_dim <= 4096
            and 16 <= shape.size <= 2048
            and shape.kernel in (1, 3)
            and 1 <= shape.critical < len(shape.channels) - 1
            and 0.5 <= shape.cutoff < shape.stopband <= shape.size
            and 1 < shape.reach <= 4
            and 0 <= shape.margin <= 64
            and 2 <= shape.taps <= 16
        ):
            raise ValueError("impossible layer sizes")
        return shape

    def steps(self) -> list[LayerSpec]:
        """The layers, first to last; the last is toRGB."""
        count = len(self.channels) - 1
        last = self.size / 2
        bands: list[FrequencyBand] = []
        for i in range(count + 1):
            share = min(i / (count - self.critical), 1.0)
            cutoff = self.cutoff * (last / self.cutoff) ** share
            stopband = self.stopband * (last * self.reach / self.stopband) ** share
            rate = 2 ** math.ceil(math.log2(min(stopband * 2, self.size)))
            size = self.size if i >= count - 1 else rate + 2 * self.margin
            bands.append(FrequencyBand(cutoff, max(stopband, rate / 2) - cutoff, rate, size))
        return [
            LayerSpec(
                name=f"L{i}_{bands[i].size}_{self.channels[i]}",
                inputs=self.channels[max(i - 1, 0)],
                outputs=self.channels[i],
                before=bands[max(i - 1, 0)],
                after=bands[i],
                last=i == count,
                radial=self.radial and i < count - self.critical,
            )
            for i in range(count + 1)
        ]

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Every tensor of the synthesis network by name, with its shape."""
        first = self.channels[0]
        found: dict[str, tuple[int, ...]] = {
            "synthesis.input.affine.weight": (4, self.w_dim),
            "synthesis.input.affine.bias": (4,),
            "synthesis.input.weight": (first, first),
            "synthesis.input.freqs": (first, 2),
            "synthesis.input.phases": (first,),
            "synthesis.input.transform": (3, 3),
        }
        for step in self.steps():
            kernel = 1 if step.last else self.kernel
            found[f"synthesis.{step.name}.affine.weight"] = (step.inputs, self.w_dim)
            found[f"synthesis.{step.name}.affine.bias"] = (step.inputs,)
            found[f"synthesis.{step.name}.weight"] = (step.outputs, step.inputs, kernel, kernel)
            found[f"synthesis.{step.name}.bias"] = (step.outputs,)
            found[f"synthesis.{step.name}.magnitude_ema"] = ()
            if not step.last:
                down = self.taps * step.down
                found[f"synthesis.{step.name}.up_filter"] = (self.taps * step.up,)
                found[f"synthesis.{step.name}.down_filter"] = (down, down) if step.radial else (down,)
        return found


@dataclass(frozen=True, slots=True)
class FrequencyBand:
    """Where a signal lives: cutoff and half the width of its transition, samples per picture, pixels with margins."""

    cutoff: float
    width: float
    rate: int
    size: int


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """One layer: what comes in, what goes out, and by how much it is enlarged and reduced around the nonlinearity."""

    name: str
    inputs: int
    outputs: int
    before: FrequencyBand
    after: FrequencyBand
    last: bool
    radial: bool

    @property
    def between(self) -> int:
        """The rate at which the nonlinearity works: twice the higher one; the last layer has none."""
        return max(self.before.rate, self.after.rate) * (1 if self.last else 2)

    @property
    def up(self) -> int:
        return self.between // self.before.rate

    @property
    def down(self) -> int:
        return self.between // self.after.rate
