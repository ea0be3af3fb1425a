"""Enlarges a picture of any size by a network, tile by tile, with its transparency kept and no seams."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from studio.backends.upscale.engine.networks import RrdbNet, SrvggNet

BLEND = 4  # pixels on each side of a border between tiles within which one turns into the other
SLACK = 0.5  # of colours; alpha has none, which would be a haze around what is drawn

Pixels = NDArray[np.uint8]


def enlarge(
    network: SrvggNet | RrdbNet,
    pixels: Pixels,
    factor: int,
    tile: int,
    report: Callable[[int, int], object] = lambda done, total: None,
) -> Pixels:
    """[H, W, 3 or 4] with straight alpha -> [factor H, factor W, the same].

    `tile` is the side of a tile in pixels of the picture, on which memory depends. `report(done, total)` is called
    before the first tile and after each; what it raises passes through. Beyond its edges the picture is mirrored.
    """
    height, width = pixels.shape[:2]
    clear = pixels.shape[2] == 4 and bool((pixels[..., 3] < 255).any())
    colours = _filled(pixels) if clear else pixels[..., :3]
    tiles = _Tiles(network, factor, tile, SLACK)
    total = (2 if clear else 1) * tiles.count(height, width)
    report(0, total)
    made = tiles.enlarge(colours, lambda done: report(done, total))
    if pixels.shape[2] == 3:
        return made
    alpha = np.full((made.shape[0], made.shape[1], 1), 255, np.uint8)
    if clear:
        before = total // 2
        planes = np.broadcast_to(pixels[..., 3:], (height, width, 3))
        alpha = _Tiles(network, factor, tile, 0.0).enlarge(planes, lambda done: report(before + done, total))
        alpha = np.rint(alpha.mean(axis=2, keepdims=True, dtype=np.float32)).astype(np.uint8)
    return np.concatenate([made, alpha], axis=2)


class _Tiles:
    """The tiles of pictures that one network enlarges."""

    def __init__(self, network: SrvggNet | RrdbNet, factor: int, tile: int, slack: float) -> None:
        self._network, self._factor, self._slack = network, factor, slack
        self._passes = 1
        while network.scale**self._passes < factor:
            self._passes += 1
        self._blend = 0 if network.exact else BLEND
        # Reductions and enlargements see two pixels each; a second pass sees its own field at a larger size.
        around = self._blend + network.field * self._passes + 8
        self._step = 4 * -(-tile // 4)
        self._around = 4 * -(-around // 4)
        parameter = next(network.parameters())
        self._device, self._dtype = parameter.device, parameter.dtype

    def count(self, height: int, width: int) -> int:
        return -(-height // self._step) * -(-width // self._step)

    def enlarge(self, picture: Pixels, report: Callable[[int], object]) -> Pixels:
        """[H, W, 3] -> [factor H, factor W, 3]. `report` gets how many tiles are done."""
        height, width = picture.shape[:2]
        factor, blend = self._factor, self._blend
        whole = np.zeros((factor * height, factor * width, 3), np.uint8)
        done = 0
        for top in range(0, height, self._step):
            bottom = min(top + self._step, height)
            for left in range(0, width, self._step):
                right = min(left + self._step, width)
                # A tile covers the next ones a little, which are then drawn over it, ever more opaque.
                up, down = max(top - blend, 0), min(bottom + blend, height)
                back, on = max(left - blend, 0), min(right + blend, width)
                made = self._tile(picture, up, down, back, on)
                place = whole[factor * up : factor * down, factor * back : factor * on]
                ramp = np.arange(1, 2 * blend * factor + 1, dtype=np.float32) / (2 * blend * factor + 1)
                mask = np.ones((made.shape[0], made.shape[1]), np.float32)
                if top and blend:
                    mask[: len(ramp)] *= ramp[: len(mask), None]
                if left and blend:
                    mask[:, : len(ramp)] *= ramp[None, : mask.shape[1]]
                place[...] = np.rint(place + (made - place) * mask[..., None])
                done += 1
                report(done)
        return whole

    def _tile(self, picture: Pixels, top: int, bottom: int, left: int, right: int) -> NDArray[np.float32]:
        """The part [top:bottom, left:right] of the picture enlarged, [factor h, factor w, 3] in 0 to 255."""
        around, factor = self._around, self._factor
        # Squares of the network begin at multiples of 4 of the whole picture, wherever the tile does.
        rows = range(4 * ((top - around) // 4), 4 * -(-(bottom + around) // 4))
        columns = range(4 * ((left - around) // 4), 4 * -(-(right + around) // 4))
        part = picture[_mirrored(rows, picture.shape[0])][:, _mirrored(columns, picture.shape[1])]
        x = torch.from_numpy(part).to(self._device).permute(2, 0, 1)[None]
        given = x.float().div(255)
        x = given.to(self._dtype).contiguous(memory_format=torch.channels_last)
        for _ in range(self._passes):
            x = self._network(x).clamp(0, 1)
        x = _faithful(_resized(x.float(), factor * len(rows), factor * len(columns)), given, self._slack)
        y0, x0 = factor * (top - rows.start), factor * (left - columns.start)
        x = x[0, :, y0 : y0 + factor * (bottom - top), x0 : x0 + factor * (right - left)]
        return x.clamp(0, 1).mul(255).permute(1, 2, 0).cpu().numpy()


def _faithful(x: Tensor, picture: Tensor, slack: float) -> Tensor:
    """`x` brought closer to what reduces to the picture: a step of back-projection (Irani and Peleg, 1991).

    The networks shift flat colours by some levels, and thin lines; this gives both back. Each pixel stays between the
    darkest and the lightest of the 9 around it in the picture, or beyond by a part of their distance, the `slack`.
    """
    height, width = picture.shape[-2:]
    x = x + _resized(picture - _resized(x, height, width), *x.shape[-2:])
    around = F.pad(picture, (1, 1, 1, 1), mode="replicate")
    highest, lowest = F.max_pool2d(around, 3, 1), -F.max_pool2d(-around, 3, 1)
    more = slack * (highest - lowest)
    low, high = (F.interpolate(each, size=x.shape[-2:], mode="nearest") for each in (lowest - more, highest + more))
    return x.clamp(low, high)


def _resized(x: Tensor, height: int, width: int) -> Tensor:
    if x.shape[-2:] == (height, width):
        return x
    return F.interpolate(x, size=(height, width), mode="bicubic", align_corners=False, antialias=True)


def _mirrored(positions: range, size: int) -> NDArray[np.int64]:
    """Where in a row of `size` pixels each position lies, beyond its ends mirrored at the last pixel."""
    if size == 1:
        return np.zeros(len(positions), np.int64)
    at = np.abs(np.asarray(positions)) % (2 * size - 2)
    return np.minimum(at, 2 * size - 2 - at)


def _filled(pixels: Pixels) -> Pixels:
    """The colours, [H, W, 3], of a picture with alpha, where transparent pixels continue those of visible ones.

    So no hidden colour, mostly black, shows at the rim. Colours count by their alpha (premultiplied) and spread from
    ever smaller copies of the picture.
    """
    x = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float()
    alpha = x[:, 3:] / 255
    levels = [torch.cat([x[:, :3] * alpha, alpha], 1)]
    while max(levels[-1].shape[-2:]) > 1:
        levels.append(F.avg_pool2d(levels[-1], 2, ceil_mode=True, count_include_pad=False))
    spread = torch.zeros_like(levels[-1][:, :3])
    for level in reversed(levels):
        spread = F.interpolate(spread, scale_factor=2.0, mode="nearest")[..., : level.shape[-2], : level.shape[-1]]
        seen = level[:, 3:] > 0
        spread = torch.where(seen, level[:, :3] / level[:, 3:].clamp(min=1e-6), spread)
    colours = torch.where(alpha > 0, x[:, :3], spread)
    return colours[0].permute(1, 2, 0).round().clamp(0, 255).byte().numpy()
