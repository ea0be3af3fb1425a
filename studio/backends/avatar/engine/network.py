"""The StyleGAN2 generator in plain torch.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (arXiv 1912.04958), called [2] below; conditional
as in "Training Generative Adversarial Networks with Limited Data" (arXiv 2006.06676), called [A]. Parameters carry the
names that published [A] checkpoints use, so their state dicts load unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, Self

import torch
from torch import Tensor, nn

from studio.backends.avatar.engine.layers import (
    FullyConnected,
    Noise,
    SynthesisLayer,
    ToRGB,
    blur_filter,
    channels_last,
    normalise_second_moment,
    upsample,
    upsample_bilinear,
)


@dataclass(frozen=True, slots=True)
class GeneratorShape:
    """What decides every tensor's shape. `channels[i]` belongs to resolution start * 2**i; the last is the picture's.

    `start` is the side of the learned constant, 4 in the paper. A larger one knows from the first step where in the
    picture it is, which is what portraits in one pose need; its network learns several times faster. `constant` is how
    many channels it has, where they are not channels[0], and `first` the kernel of the layer that reads it, 3 in the
    paper. With 1 and many channels the constant is a dictionary of patterns that the styles weigh, at the price of one
    matrix product. `patterns` counts the maps that the second layer of each resolution above the first adds besides
    (layers.Patterns; none where it is empty, as in the paper).
    `c_dim` is the length of the condition vector (0: none). `classes` counts the styles that keep an average of their
    own for truncation. `mapping_lr` is the learning rate multiplier of the mapping network's layers. `clamp` bounds
    activations ([A] appendix D.1; 0: not at all).
    """

    channels: tuple[int, ...]
    z_dim: int = 512
    w_dim: int = 512
    c_dim: int = 0
    layers: int = 8
    classes: int = 0
    planes: int = 4
    mapping_lr: float = 0.01
    start: int = 4
    constant: int = 0
    first: int = 3
    clamp: float = 0.0
    patterns: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        return self.sizes[-1]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The resolutions, smallest first."""
        return tuple(self.start * 2**i for i in range(len(self.channels)))

    @property
    def num_ws(self) -> int:
        """How many layers read a w of their own: two a resolution, one at the first, one for the last toRGB."""
        return 2 * len(self.channels)

    def patterns_of(self, size: int) -> int:
        """How many patterns the resolution has."""
        return dict(zip(self.sizes[1:], self.patterns, strict=False)).get(size, 0)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Raises TypeError or ValueError for what is no shape."""
        lists = {name: tuple(int(n) for n in data.get(name, ())) for name in ("channels", "patterns")}
        shape = cls(**{**data, **lists})
        whole = (*shape.channels, shape.z_dim, shape.w_dim, shape.layers, shape.planes)
        if (
            shape.start not in (4, 8, 16, 32)
            or shape.first not in (1, 3)
            or not 0 <= shape.constant <= 4096
            or not 1 <= len(shape.channels) <= 9
            or min(whole) < 1
            or max(whole) > 4096
            or shape.c_dim < 0
            or not 0 <= shape.clamp <= 1e6
            or len(shape.patterns) not in (0, len(shape.channels) - 1)
            or not all(0 <= count <= 4096 for count in shape.patterns)
        ):
            raise ValueError("impossible layer sizes")
        return shape


class MappingShape(Protocol):
    """What a mapping network needs of its family's shape."""

    @property
    def z_dim(self) -> int: ...
    @property
    def w_dim(self) -> int: ...
    @property
    def c_dim(self) -> int: ...
    @property
    def layers(self) -> int: ...
    @property
    def classes(self) -> int: ...
    @property
    def mapping_lr(self) -> float: ...


class MappingNetwork(nn.Module):
    """z [N, z_dim] and condition c [N, c_dim] -> w [N, w_dim] ([2] figure 2, [A] appendix for c)."""

    w_avg: Tensor
    w_avg_of: Tensor

    def __init__(self, shape: MappingShape) -> None:
        super().__init__()
        self.layers = shape.layers
        if shape.c_dim:
            self.embed = FullyConnected(shape.c_dim, shape.w_dim)
        inputs = shape.z_dim + (shape.w_dim if shape.c_dim else 0)
        for i in range(shape.layers):
            layer = FullyConnected(inputs if i == 0 else shape.w_dim, shape.w_dim, active=True, lr=shape.mapping_lr)
            self.add_module(f"fc{i}", layer)
        self.register_buffer("w_avg", torch.zeros(shape.w_dim))
        if shape.classes:
            self.register_buffer("w_avg_of", torch.zeros(shape.classes, shape.w_dim))

    def forward(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        x = normalise_second_moment(z)
        if c is not None:
            x = torch.cat([x, normalise_second_moment(self.embed(c))], dim=1)
        for i in range(self.layers):
            x = self.get_submodule(f"fc{i}")(x)
        return x

    def centre(self, which: Tensor | None) -> Tensor:
        """The average w that truncation pulls towards: of the classes `which` [N], or of all."""
        return self.w_avg if which is None else self.w_avg_of[which]


def truncate(w: Tensor, centre: Tensor, psi: float) -> Tensor:
    """The truncation trick: w pulled towards its average; psi 1 leaves it, 0 is the average ([2] section 2)."""
    return w if psi == 1.0 else torch.lerp(centre.expand_as(w), w, psi)


class SynthesisBlock(nn.Module):
    """One resolution: a learned constant or an enlarging layer, one layer, and what they add to the picture."""

    resample_filter: Tensor

    def __init__(self, inputs: int, outputs: int, shape: GeneratorShape, size: int) -> None:
        super().__init__()
        patterns = shape.patterns_of(size)
        if inputs:
            self.conv0 = SynthesisLayer(inputs, outputs, shape.w_dim, size, up=True, clamp=shape.clamp)
            self.conv1 = SynthesisLayer(outputs, outputs, shape.w_dim, size, clamp=shape.clamp, patterns=patterns)
        else:
            constant = shape.constant or outputs
            self.const = nn.Parameter(torch.randn(constant, size, size))
            self.conv1 = SynthesisLayer(constant, outputs, shape.w_dim, size, kernel=shape.first, clamp=shape.clamp)
            self.conv1.shared = True
        self.torgb = ToRGB(outputs, shape.planes, shape.w_dim, shape.clamp)
        self.register_buffer("resample_filter", blur_filter())

    def forward(
        self, x: Tensor | None, picture: Tensor | None, ws: Tensor, noise: Noise, generator: torch.Generator | None
    ) -> tuple[Tensor, Tensor]:
        """`ws` [N, 2 or 3, w_dim]: one for each layer, and one for toRGB, which the next block's first layer shares."""
        w = iter(ws.unbind(dim=1))
        if x is None or picture is None:
            y: Tensor = self.conv1(self.const.expand(len(ws), -1, -1, -1), next(w), noise, generator)
            return y, self.torgb(y, next(w))
        y = self.conv1(self.conv0(x, next(w), noise, generator), next(w), noise, generator)
        larger = upsample_bilinear(picture) if channels_last(y) else upsample(picture, self.resample_filter)
        return y, larger + self.torgb(y, next(w))


class SynthesisNetwork(nn.Module):
    """ws [N, num_ws, w_dim] -> picture [N, planes, size, size], about [-1, 1] ([2] figure 7 b, the skip generator).

    `halved` is how many of the highest resolutions are computed in `low`, 16-bit numbers ([A] appendix D.1).
    """

    def __init__(self, shape: GeneratorShape) -> None:
        super().__init__()
        self.shape = shape
        self.halved, self.low = 0, torch.float16
        for i, channels in enumerate(shape.channels):
            block = SynthesisBlock(shape.channels[i - 1] if i else 0, channels, shape, shape.sizes[i])
            self.add_module(f"b{shape.sizes[i]}", block)

    def forward(
        self, ws: Tensor, noise: Noise = "const", generator: torch.Generator | None = None, size: int = 0
    ) -> Tensor:
        """`size` stops at a smaller resolution, which the skip generator has a picture for: cheap early training."""
        sizes = self.shape.sizes
        x, picture = self.get_submodule(f"b{sizes[0]}")(None, None, ws[:, :2], noise, generator)
        for i in range(1, len(sizes)):
            if size and sizes[i] > size:
                break
            if i >= len(sizes) - self.halved:
                x = x.to(self.low)
            block = self.get_submodule(f"b{sizes[i]}")
            x, picture = block(x, picture, ws[:, 2 * i - 1 : 2 * i + 2], noise, generator)
        return picture


class Generator(nn.Module):
    """z, c -> picture. For style mixing or W+, call `mapping` and `synthesis` with a w for each layer."""

    def __init__(self, shape: GeneratorShape) -> None:
        super().__init__()
        self.shape = shape
        self.mapping = MappingNetwork(shape)
        self.synthesis = SynthesisNetwork(shape)

    def forward(
        self,
        z: Tensor,
        c: Tensor | None = None,
        *,
        psi: float = 1.0,
        which: Tensor | None = None,
        noise: Noise = "const",
        generator: torch.Generator | None = None,
    ) -> Tensor:
        w = truncate(self.mapping(z, c), self.mapping.centre(which), psi)
        return self.synthesis(self.broadcast(w), noise, generator)

    def broadcast(self, w: Tensor) -> Tensor:
        """One w for every layer: [N, w_dim] -> [N, num_ws, w_dim]."""
        return w[:, None].expand(-1, self.shape.num_ws, -1)
