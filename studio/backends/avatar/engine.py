"""Makes faces: seed, style and psi through a StyleGAN2 generator to a picture with real alpha; knows no windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.backends.avatar import AvatarRequest
from studio.backends.avatar.files import Config, load_into, read_config, straight
from studio.backends.avatar.network import Generator, Noise, truncated
from studio.backends.device import device, generator, memory_in_words
from studio.catalog import Model
from studio.errors import BadInput, StudioError
from studio.job import Progress, Report
from studio.media import Image, Payload
from studio.request import Request

LARGE = 512


class AvatarEngine:
    """Holds one generator between requests."""

    def __init__(self) -> None:
        self._generator: Generator | None = None
        self._config: Config | None = None

    def load(self, model: Model | None, report: Report) -> None:
        """Raises StudioError for weights that are missing, damaged or do not fit their config."""
        if model is None:
            raise StudioError("There is no avatar model to use.", "`studio models list` shows the models there are.")
        report(Progress("loading", 0, 1))
        config = read_config(model.folder)
        with memory_in_words():
            network = Generator(config.shape)
            load_into(network, model.folder, config)
            self._generator = network.to(device()).eval().requires_grad_(False)
        self._config = config
        report(Progress("loading", 1, 1))

    def run(self, request: Request, report: Report) -> Sequence[Payload]:
        """One picture, [size, size, 4]: as the network draws it, or enlarged to at least 512."""
        assert isinstance(request, AvatarRequest)
        if self._generator is None or self._config is None:
            raise StudioError("No avatar model is loaded.", "Try again.")
        report(Progress("mapping", 0, 3))
        z, c, which = latents(self._config, request.style, request.seed)
        network = self._generator
        with torch.inference_mode(), memory_in_words():
            w = truncated(network.mapping(z, c), network.mapping.centre(which), request.psi)
            report(Progress("synthesis", 1, 3))
            noise = cast(Noise, request.noise)
            picture = network.synthesis(network.broadcast(w), noise, generator(request.seed))
            times = LARGE // picture.shape[2]
            if request.size == "large" and times > 1:
                report(Progress("enlarging", 2, 3))
                picture = crisp(picture, times)
        report(Progress("enlarging", 3, 3))
        return [Image(straight(picture)[0])]

    def close(self) -> None:
        self._generator = self._config = None


def latents(config: Config, style: str, seed: int) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """What a seed means: z [1, z_dim], condition [1, c_dim] and style [1], the latter two None for plain models.

    The style is drawn even where it is asked for, so that asking for the one a seed draws changes nothing.
    """
    rng = np.random.default_rng(seed)
    table = config.table
    if table is None:
        if style != "any":
            raise BadInput(f"This model knows no style {style[:60]!r}.", "Choose any.")
        z = rng.standard_normal((1, config.shape.z_dim), dtype=np.float32)
        return torch.from_numpy(z).to(device()), None, None
    if style not in ("any", *config.styles):
        raise BadInput(f"This model knows no style {style[:60]!r}.", f"Choose one of: any, {', '.join(config.styles)}.")
    drawn = table.draw_style(rng)
    which = drawn if style == "any" else table.style(style)
    z = rng.standard_normal((1, config.shape.z_dim), dtype=np.float32)
    c = table.vector(which, table.draw(which, rng))[None]
    return torch.from_numpy(z).to(device()), torch.from_numpy(c).to(device()), torch.tensor([which], device=device())


def crisp(picture: Tensor, times: int) -> Tensor:
    """A drawing enlarged `times`: bicubic, then every slope between two colours made steeper about its middle.

    It adds no detail: within the lightest and darkest values that the original has around a place, it only decides
    where the border between them runs. Works on premultiplied planes, so that no colour bleeds out of clear areas.
    """

    def enlarged(x: Tensor, mode: str) -> Tensor:
        return F.interpolate(x, scale_factor=times, mode=mode, align_corners=False)

    plain = enlarged(picture, "bicubic")
    upper = enlarged(F.max_pool2d(picture, 3, 1, 1), "bilinear")
    lower = enlarged(-F.max_pool2d(-picture, 3, 1, 1), "bilinear")
    span = upper - lower
    height = (plain - lower) / span.clamp(min=1e-3)
    steep = ((height.clamp(0, 1) - 0.5) * 2 + 0.5).clamp(0, 1)
    steep = torch.addcmul(lower, span, steep * steep * (3 - 2 * steep))
    # What differs little is a shade, not an edge.
    return torch.lerp(plain, steep, ((span - 0.15) * 2.5).clamp(0, 1)).clamp(-1, 1)
