"""The target of a projection: a picture at the network's size, and a distance to it.

The measure needs no network trained on photographs: absolute differences at every scale, of gradients, and of what
random convolutions make of both (random features keep the geometry of patches: Saxe et al., ICML 2011).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image as Pillow
from torch import Tensor

from studio.errors import BadInput
from studio.media import clips, codecs
from studio.media.images import READ
from studio.media.payloads import Clip, Image

SMALLEST, NARROWEST = 16, 50
SHORT, LONG = 512, 1024  # pixels of its sides that a picture is looked at with, at most


@dataclass(frozen=True, eq=False)
class ProjectionTarget:
    """picture [N, planes, size, size] in [-1, 1] (premultiplied where there are 4 planes), and how much each of its
    pixels counts [1, 1, size, size], mean 1."""

    picture: Tensor
    weight: Tensor


class PictureDistance:
    """The distance of pictures [N, planes, S, S] to one target, or each to its own: 0 where they are the same."""

    def __init__(self, target: ProjectionTarget) -> None:
        random = torch.Generator().manual_seed(1905)
        planes = target.picture.shape[1]
        self.filters = [
            F.normalize(torch.randn(outputs, inputs, 3, 3, generator=random).flatten(1)).view(outputs, inputs, 3, 3)
            for inputs, outputs in ((planes, 24), (24, 32), (32, 48))
        ]
        self.filters = [kernel.to(target.picture.device) for kernel in self.filters]
        self.weight = target.weight
        self.wanted = self._features(target.picture)

    def __call__(self, picture: Tensor) -> Tensor:
        """[N]."""
        total = torch.zeros(len(picture), device=picture.device)
        for (made, weight), (wanted, _) in zip(self._features(picture), self.wanted, strict=True):
            total = total + ((made - wanted).abs() * weight).mean(dim=(1, 2, 3))
        return total

    def _features(self, picture: Tensor) -> list[tuple[Tensor, Tensor]]:
        """(features, weight of their pixels): the picture and its gradients at every scale, then random features."""
        found: list[tuple[Tensor, Tensor]] = []
        x, weight = picture, self.weight
        while True:
            found += [(x, weight), (x.diff(dim=3), weight[..., 1:]), (x.diff(dim=2), weight[..., 1:, :])]
            if x.shape[2] <= 8:
                break
            x, weight = F.avg_pool2d(x, 2), F.avg_pool2d(weight, 2)
        x, weight = picture, self.weight
        for kernel in self.filters:
            x = F.relu(F.conv2d(x, kernel, padding=1))
            found.append((x, weight))
            x, weight = F.avg_pool2d(x, 2), F.avg_pool2d(weight, 2)
        return found


def open_picture(path: str) -> NDArray[np.uint8]:
    """The picture at `path`, uint8 [H, W, 3 or 4], no larger than it is looked at. Raises BadInput for what is no
    picture, or too small."""
    if not path:
        raise BadInput("There is no picture to match.", "Choose one.")
    read = _first(Path(path).expanduser())
    height, width = read.shape[:2]
    if min(height, width) < SMALLEST or max(height, width) > NARROWEST * min(height, width):
        raise BadInput(
            "{name} has {width} x {height} pixels: there is no face to find.",
            "Choose a picture of {smallest} pixels a side at least.",
            name=Path(path).name,
            width=width,
            height=height,
            smallest=SMALLEST,
        )
    picture = Pillow.fromarray(read)
    long = min(max(width, height), 3 * min(width, height))  # of a panorama, its middle
    across, down = min(width, long), min(height, long)
    left, top = (width - across) // 2, (height - down) // 2
    scale = min(1.0, SHORT / min(across, down), LONG / max(across, down))
    if picture.mode == "RGBA":
        picture = picture.convert("RGBa")
    size = (max(1, round(across * scale)), max(1, round(down * scale)))
    box = (left, top, left + across, top + down)
    picture = picture.resize(size, Pillow.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    return np.asarray(picture.convert("RGBA") if picture.mode == "RGBa" else picture)


def make_target(square: NDArray[np.uint8], planes: int, where: torch.device) -> ProjectionTarget:
    """A square, RGBA [size, size, 4] straight, for a network of so many planes."""
    open_ = planes == 4 and square[..., 3].min() == 255
    return ProjectionTarget(to_planes(square, planes).to(where), pixel_weights(square.shape[0], middle=open_).to(where))


def pixel_weights(size: int, *, middle: bool = False) -> Tensor:
    """How much pixels count [1, 1, size, size], mean 1: what lies around the face must not outvote the eyes. Where
    nothing says what is background, only the `middle` counts."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    weight = np.exp(-(x**2 + y**2) / 0.35) if middle else 0.4 + 1.2 * np.exp(-(x**2 + y**2) / 0.5)
    return torch.from_numpy(weight / weight.mean())[None, None].float()


def to_planes(square: NDArray[np.uint8], planes: int) -> Tensor:
    """[1, planes, size, size] of RGBA [size, size, 4] straight: premultiplied RGBA, or RGB on white."""
    x = torch.from_numpy(square.astype(np.float32) / 255).permute(2, 0, 1)[None]
    alpha = x[:, 3:]
    if planes == 4:
        return torch.cat([x[:, :3] * alpha, alpha], dim=1) * 2 - 1
    return (x[:, :3] * alpha + (1 - alpha)) * 2 - 1


def _first(path: Path) -> NDArray[np.uint8]:
    """The picture in a file, or the first of moving ones."""
    read = codecs.read(path)
    if isinstance(read, Clip):
        return next(iter(clips.frames(path)))
    if not isinstance(read, Image):
        raise BadInput("{name} is no picture.", READ, name=path.name)
    return read.pixels
