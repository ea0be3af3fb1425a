"""Maps the tensor names of community StyleGAN2 trainers to the official ones.

Their state dicts speak of `style.1.weight`, `conv1.conv.weight`, `convs.N.conv.weight`, `to_rgbs.N.conv.weight`. The
numbers mean the same: equalised learning rates, transposed convolutions that enlarge, one noise a layer. No files.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace

from studio.checkpoints.errors import UnsupportedCheckpoint
from studio.checkpoints.tensors import PickledTensor

# Parts of one convolution: their name, the official one, and the sides of length one that only they have.
LAYER = (
    ("conv.weight", "weight", (0,)),
    ("conv.modulation.weight", "affine.weight", ()),
    ("conv.modulation.bias", "affine.bias", ()),
    ("activate.bias", "bias", ()),
    ("noise.weight", "noise_strength", (0,)),
)
TORGB = (
    ("conv.weight", "weight", (0,)),
    ("conv.modulation.weight", "affine.weight", ()),
    ("conv.modulation.bias", "affine.bias", ()),
    ("bias", "bias", (0, 2, 3)),
)
FILTERS = re.compile(r"(.*\.)?(blur|upsample)\.kernel")


def is_community(tensors: Mapping[str, PickledTensor]) -> bool:
    """Whether these are the names of such a generator."""
    return {"style.1.weight", "input.input", "conv1.conv.weight"} <= tensors.keys()


def official_names(tensors: Mapping[str, PickledTensor]) -> tuple[dict[str, PickledTensor], set[str]]:
    """The same tensors under official names, and the names of the low-pass filters, which are the binomial one."""
    left = {name: one for name, one in tensors.items() if not FILTERS.fullmatch(name)}
    found: dict[str, PickledTensor] = {}

    def take(name: str, official: str, ones: tuple[int, ...] = ()) -> None:
        if name not in left:
            raise UnsupportedCheckpoint("its generator lacks {name}", name=name[:80])
        found[official] = _without(name, left.pop(name), ones)

    layers = sum(re.fullmatch(r"style\.\d+\.weight", name) is not None for name in left)
    for i in range(layers):  # style.0 normalises, and has no numbers
        take(f"style.{i + 1}.weight", f"mapping.fc{i}.weight")
        take(f"style.{i + 1}.bias", f"mapping.fc{i}.bias")
    take("input.input", "synthesis.b4.const", (0,))
    pairs = sum(re.fullmatch(r"to_rgbs\.\d+\.bias", name) is not None for name in left)
    places = [("conv1", "synthesis.b4.conv1", 0)]
    places += [(f"convs.{i}", f"synthesis.b{8 * 2 ** (i // 2)}.conv{i % 2}", i + 1) for i in range(2 * pairs)]
    for name, official, noise in places:
        for part, named, ones in LAYER:
            take(f"{name}.{part}", f"{official}.{named}", ones)
        take(f"noises.noise_{noise}", f"{official}.noise_const", (0, 1))
    filters = {f"{official}.resample_filter" for _, official, _ in places}
    for i in range(pairs + 1):
        block = f"synthesis.b{4 * 2**i}"
        for part, named, ones in TORGB:
            take(f"{f'to_rgbs.{i - 1}' if i else 'to_rgb1'}.{part}", f"{block}.torgb.{named}", ones)
        filters.add(f"{block}.resample_filter")
    for name in sorted(left):
        raise UnsupportedCheckpoint(
            "its generator has {name}, which no StyleGAN2 of the usual layout has", name=name[:80]
        )
    return found, filters


def _without(name: str, tensor: PickledTensor, axes: tuple[int, ...]) -> PickledTensor:
    """The tensor without these sides, which must be one long."""
    if any(axis >= len(tensor.shape) or tensor.shape[axis] != 1 for axis in axes):
        raise UnsupportedCheckpoint("{name} is of an unusual shape", name=name[:80])
    kept = [axis for axis in range(len(tensor.shape)) if axis not in axes]
    return replace(tensor, shape=tuple(tensor.shape[i] for i in kept), stride=tuple(tensor.stride[i] for i in kept))


def elements(tensors: Mapping[str, PickledTensor]) -> int:
    """How many numbers the tensors claim to have in all."""
    return sum(math.prod(tensor.shape) for tensor in tensors.values())
