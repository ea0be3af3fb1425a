"""StyleGAN2's synthesis written down plainly from the paper, as the reference to measure against.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (arXiv 1912.04958): weights are modulated and
demodulated for each picture and applied as a grouped convolution, signals are enlarged by putting zeros between their
samples before a filter, and every gain is a multiplication of its own.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def synthesis(tensors: dict[str, Tensor], shape: Any, ws: Tensor) -> Tensor:
    """ws [N, num_ws, w_dim] -> picture [N, planes, size, size] of the network with this state dict, constant noise."""
    x = picture = None
    i = 0
    for size in shape.sizes:
        block = f"synthesis.b{size}"
        if x is None:
            x = tensors[f"{block}.const"].repeat(len(ws), 1, 1, 1)
        else:
            x = layer(tensors, f"{block}.conv0", x, ws[:, i], up=True)
            i += 1
        x = layer(tensors, f"{block}.conv1", x, ws[:, i])
        i += 1
        styles = affine(tensors, f"{block}.torgb", ws[:, i]) * (1 / math.sqrt(x.shape[1]))
        y = modulated(x, tensors[f"{block}.torgb.weight"], styles, demodulate=False)
        y = y + tensors[f"{block}.torgb.bias"][None, :, None, None]
        picture = y if picture is None else upsampled(picture, tensors[f"{block}.resample_filter"]) + y
    assert picture is not None
    return picture


def layer(tensors: dict[str, Tensor], name: str, x: Tensor, w: Tensor, *, up: bool = False) -> Tensor:
    styles = affine(tensors, name, w)
    x = modulated(x, tensors[f"{name}.weight"], styles, up=up)
    if up:
        x = filtered(x, tensors[f"{name}.resample_filter"] * 4, 1, 1)
    x = x + tensors[f"{name}.noise_const"] * tensors[f"{name}.noise_strength"]
    x = x + tensors[f"{name}.bias"][None, :, None, None]
    if f"{name}.patterns.maps" in tensors:
        maps, weight = tensors[f"{name}.patterns.maps"], tensors[f"{name}.patterns.weight"]
        weights = weight[None] * affine(tensors, f"{name}.patterns", w)[:, None, :]
        x = x + F.conv2d(maps[None], weights.flatten(0, 1)[:, :, None, None]).reshape(x.shape)
    return F.leaky_relu(x, 0.2) * math.sqrt(2)


def affine(tensors: dict[str, Tensor], name: str, w: Tensor) -> Tensor:
    weight = tensors[f"{name}.affine.weight"] * (1 / math.sqrt(w.shape[1]))
    return w @ weight.t() + tensors[f"{name}.affine.bias"]


def modulated(x: Tensor, weight: Tensor, styles: Tensor, *, demodulate: bool = True, up: bool = False) -> Tensor:
    """Equations 1 to 3: every picture has weights of its own."""
    n, channels, height, width = x.shape
    weights = weight[None] * styles[:, None, :, None, None]
    if demodulate:
        weights = weights * (weights.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8).rsqrt()
    x = x.reshape(1, n * channels, height, width)
    if up:
        weights = weights.transpose(1, 2).reshape(n * channels, -1, *weight.shape[2:])
        x = F.conv_transpose2d(x, weights, stride=2, groups=n)
    else:
        x = F.conv2d(x, weights.flatten(0, 1), padding=weight.shape[2] // 2, groups=n)
    return x.reshape(n, -1, *x.shape[2:])


def upsampled(x: Tensor, kernel: Tensor) -> Tensor:
    """Zeros between the pixels, then the low-pass filter."""
    n, channels, height, width = x.shape
    spread = torch.zeros(n, channels, height, 2, width, 2, dtype=x.dtype, device=x.device)
    spread[:, :, :, 0, :, 0] = x
    return filtered(spread.reshape(n, channels, height * 2, width * 2), kernel * 4, 2, 1)


def filtered(x: Tensor, kernel: Tensor, before: int, after: int) -> Tensor:
    """Every channel through one kernel, with so many zeros before and after."""
    n, channels = x.shape[:2]
    x = F.pad(x, (before, after, before, after)).reshape(n * channels, 1, *[s + before + after for s in x.shape[2:]])
    x = F.conv2d(x, kernel.flip(0, 1)[None, None])
    return x.reshape(n, channels, *x.shape[2:])
