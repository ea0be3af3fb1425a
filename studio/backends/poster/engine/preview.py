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
    pipeline's own decoder looks at a reduced copy, as often as SHARE of the time allows. `width` and `height` are what
    the pipeline paints, in pixels; latents that it holds as a row of tokens are laid out by them.
    """

    def __init__(self, pipe: Any, colours: Any, width: int, height: int) -> None:
        self._pipe, self._width, self._height = pipe, width, height
        self._map = _check_linear_map(colours)
        self._free = time.monotonic()

    def __call__(self, latents: torch.Tensor | None) -> Image | None:
        if latents is None or latents.ndim not in (3, 4):
            return None
        if latents.ndim == 4 and self._map is not None and len(self._map) == latents.shape[1] + 1:
            matrix, bias = self._map[:-1], self._map[-1]
            picture = torch.einsum("chw,cd->dhw", latents[0].float().cpu(), matrix) + bias[:, None, None]
            return self._image(picture)
        return self._decode(latents)

    def _decode(self, latents: torch.Tensor) -> Image | None:
        now = time.monotonic()
        vae = getattr(self._pipe, "vae", None)
        if vae is None or now < self._free:
            return None
        try:
            laid = self._laid_out(latents[:1])
            shrink = max(1, max(laid.shape[2:]) // SMALL)
            small = F.avg_pool2d(laid, shrink) if shrink > 1 else laid
            normed = latents.ndim == 3 and hasattr(vae, "bn")
            given = (small if normed else _as_encoded(small, vae.config)).to(vae.dtype)
            film = hasattr(vae.config, "temperal_downsample")  # a codec of films: the picture is one of a single frame
            seen = vae.decode(given[:, :, None] if film else given).sample
            picture = (seen[:, :, 0] if film else seen)[0].float().cpu()
        except (RuntimeError, AttributeError, ValueError, TypeError):
            self._free = float("inf")  # a codec that wants its latents otherwise: no previews, the work goes on
            return None
        self._free = time.monotonic() + (time.monotonic() - now) / SHARE
        return self._image(picture)

    def _laid_out(self, latents: torch.Tensor) -> torch.Tensor:
        """[1, C, h, w], of tokens too: as FLUX.1 and those after it pack four latents, or as FLUX.2 does, whose codec
        norms each of the four by itself: these are as it gives them.
        """
        if latents.ndim == 4:
            return latents
        vae = self._pipe.vae
        if hasattr(vae, "bn"):
            unit = 2 * self._pipe.vae_scale_factor
            rows = latents.transpose(1, 2).unflatten(2, (self._height // unit, self._width // unit))
            mean, spread = vae.bn.running_mean, torch.sqrt(vae.bn.running_var + vae.config.batch_norm_eps)
            return self._pipe._unpatchify_latents(rows * spread[:, None, None] + mean[:, None, None])
        laid = self._pipe._unpack_latents(latents, self._height, self._width, self._pipe.vae_scale_factor)
        return laid[:, :, 0] if laid.ndim == 5 else laid

    def _image(self, picture: torch.Tensor) -> Image:
        wide, aspect = self._width >= self._height, self._width / self._height
        size = (round(SIDE / aspect), SIDE) if wide else (SIDE, round(SIDE * aspect))
        large = F.interpolate(picture[None], size=size, mode="bicubic", align_corners=False)[0]
        pixels = large.clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8).permute(1, 2, 0).numpy()
        return Image(np.ascontiguousarray(pixels))


def _as_encoded(latents: torch.Tensor, config: Any) -> torch.Tensor:
    """Latents as the codec gives them, of those that the denoiser works with."""
    scale = getattr(config, "scaling_factor", None) or 1.0
    mean, spread = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
    if mean and spread:
        wide, middle = (torch.tensor(each).to(latents)[:, None, None] for each in (spread, mean))
        return latents * wide / scale + middle
    return latents / scale + (getattr(config, "shift_factor", None) or 0.0)


def _check_linear_map(colours: Any) -> torch.Tensor | None:
    """`[channels + 1, 3]`, the bias last; None for what is not such a map."""
    try:
        rows = [*colours["matrix"], colours["bias"]]
        made = torch.tensor(rows, dtype=torch.float32)
    except (TypeError, KeyError, ValueError):
        return None
    return made if made.ndim == 2 and made.shape[1] == 3 else None
