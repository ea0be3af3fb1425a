"""Previews of latents while they are denoised: a linear map to RGB, or a small decoder."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from studio.media.payloads import Image

SIDE = 256  # pixels of a preview's longer side
SMALL = 24  # latents of the longer side that a small decode looks at
SHARE = 0.1  # of the time that small decodes may take


class LatentPreview:
    """`preview(latents)`: the picture so far as an Image, or None where there is nothing to show or no time.

    `colours` is {"matrix": latent channels x 3, "bias": 3} for latents as the pipeline holds them; without it the
    pipeline's own decoder looks at a reduced copy, as often as SHARE of the time allows.
    """

    def __init__(self, pipe: Any, colours: Any, aspect: float) -> None:
        self._pipe, self._aspect = pipe, aspect
        self._map = _check_linear_map(colours)
        self._free = time.monotonic()

    def __call__(self, latents: torch.Tensor | None) -> Image | None:
        if latents is None or latents.ndim != 4:
            return None
        if self._map is not None and len(self._map) == latents.shape[1] + 1:
            matrix, bias = self._map[:-1], self._map[-1]
            picture = torch.einsum("chw,cd->dhw", latents[0].float().cpu(), matrix) + bias[:, None, None]
            return self._image(picture)
        return self._decode(latents)

    def _decode(self, latents: torch.Tensor) -> Image | None:
        now = time.monotonic()
        vae = getattr(self._pipe, "vae", None)
        if vae is None or now < self._free:
            return None
        shrink = max(1, max(latents.shape[2:]) // SMALL)
        small = F.avg_pool2d(latents[:1], shrink) if shrink > 1 else latents[:1]
        shift = getattr(vae.config, "shift_factor", None) or 0.0
        try:
            picture = vae.decode((small / vae.config.scaling_factor + shift).to(vae.dtype)).sample[0].float().cpu()
        except (RuntimeError, AttributeError, ValueError, TypeError):
            self._free = float("inf")  # a codec that wants its latents otherwise: no previews, the work goes on
            return None
        self._free = time.monotonic() + (time.monotonic() - now) / SHARE
        return self._image(picture)

    def _image(self, picture: torch.Tensor) -> Image:
        wide = self._aspect >= 1
        size = (round(SIDE / self._aspect), SIDE) if wide else (SIDE, round(SIDE * self._aspect))
        large = F.interpolate(picture[None], size=size, mode="bicubic", align_corners=False)[0]
        pixels = large.clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8).permute(1, 2, 0).numpy()
        return Image(np.ascontiguousarray(pixels))


def _check_linear_map(colours: Any) -> torch.Tensor | None:
    """`[channels + 1, 3]`, the bias last; None for what is not such a map."""
    try:
        rows = [*colours["matrix"], colours["bias"]]
        made = torch.tensor(rows, dtype=torch.float32)
    except (TypeError, KeyError, ValueError):
        return None
    return made if made.ndim == 2 and made.shape[1] == 3 else None
