"""Finds latent directions in W: from the weights (SeFa) or by PCA over many faces.

SeFa: Shen and Zhou, "Closed-Form Factorization of Latent Semantics in GANs" (arXiv 2007.06600).
GANSpace: Härkönen et al., "GANSpace: Discovering Interpretable GAN Controls" (arXiv 2004.02546).
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Found = list[tuple[NDArray[np.float32], float]]
"""Unit vectors [w_dim], each with the standard deviation of W along it; the strongest first."""


def sefa(network: Any, layers: range, samples: Tensor, count: int) -> Found:
    """The eigenvectors of A^T A with the largest eigenvalues, A being the weights that turn w into the styles of the
    convolutions in `layers` (2007.06600 equation 7). `samples` [N, w_dim] give the deviations."""
    rows = [weight for layer, weight in affines(network) if layer in layers]
    a = torch.cat(rows).double().cpu()
    _, vectors = torch.linalg.eigh(a.T @ a)
    chosen = vectors.flip(1).T[:count].float()
    spread = (samples - samples.mean(dim=0)).cpu() @ chosen.T
    return [(_signed(v), float(std)) for v, std in zip(chosen, spread.std(dim=0), strict=True)]


def pca(samples: Tensor, count: int) -> Found:
    """The principal components of w [N, w_dim] (2004.02546 section 3.1)."""
    x = (samples - samples.mean(dim=0)).double().cpu()
    values, vectors = torch.linalg.eigh(x.T @ x / (len(x) - 1))
    strongest = zip(vectors.flip(1).T[:count].float(), values.flip(0)[:count].clamp(min=0).sqrt(), strict=True)
    return [(_signed(v), float(std)) for v, std in strongest]


def affines(network: Any) -> list[tuple[int, Tensor]]:
    """(layer, weight [styles, w_dim]) of every convolution whose style comes from w; `layer` counts as ws does.

    Those of toRGB are left out: they colour the picture at hand and shape nothing that follows.
    """
    found: list[tuple[int, Tensor]] = []
    at = 0
    sizes: list[int] = list(getattr(network.shape, "sizes", ()))
    for name, module in network.synthesis.named_modules():
        affine = getattr(module, "affine", None)
        if affine is None:
            continue
        block = re.fullmatch(r"b(\d+)\.(conv0|conv1|torgb)", name)
        if block is None:
            layer, at = at, at + 1  # one after another, as StyleGAN3 has them
        else:
            i = sizes.index(int(block.group(1)))
            layer = {"conv0": 2 * i - 1, "conv1": 2 * i, "torgb": 2 * i + 1}[block.group(2)]
        if "torgb" not in name.lower():
            found.append((layer, affine.weight.detach()))
    return found


def _signed(vector: Tensor) -> NDArray[np.float32]:
    """The vector or its opposite, so that the same weights always give the same one."""
    numbers = (vector / vector.norm()).numpy()
    return numbers if numbers[np.abs(numbers).argmax()] > 0 else -numbers
