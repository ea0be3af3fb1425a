"""Recognises StyleGAN generators by the names and shapes of their tensors.

Official names are those of the published PyTorch networks (mapping.fc0.weight, synthesis.b4.const,
synthesis.L0_36_512.weight), which the studio's own networks share. Community StyleGAN2 trainers use others
(style.1.weight, conv1.conv.weight, convs.N.conv.weight, to_rgbs.N.conv.weight) for the same numbers; they are renamed.
Reads no numbers, and imports no torch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from studio.checkpoints.errors import UnsupportedCheckpoint
from studio.checkpoints.stylegan3_layers import StyleGAN3Shape
from studio.checkpoints.torch_files import PickledNetwork, PickledTensor
from studio.errors import Message

Tensors = Mapping[str, PickledTensor]
DEPTH, PARTS = 12, 20_000  # nested modules; modules and tensors of one generator
PLANES = (3, 4)
SIDE, SIDES = 4096, (16, 1024)  # channels of a layer; pixels of a picture

# Options of the official networks that ours fix, and the values they may have.
FIXED = {
    "architecture": ("skip",), "activation": ("lrelu",), "resample_filter": ([1, 3, 3, 1],),
    "lrelu_upsampling": (2,), "normalize_c": (True,),
}  # fmt: skip
STYLEGAN3_OPTIONS = {
    "num_critical": "critical", "first_cutoff": "cutoff", "first_stopband": "stopband", "last_stopband_rel": "reach",
    "margin_size": "margin", "output_scale": "scale", "filter_size": "taps",
}  # fmt: skip
"""Options of StyleGAN3 that no tensor shows, and the fields of StyleGAN3Shape."""

# Tensors of a convolution: community name, official name, and the axes of length one that only the former has.
COMMUNITY_LAYER = (
    ("conv.weight", "weight", (0,)),
    ("conv.modulation.weight", "affine.weight", ()),
    ("conv.modulation.bias", "affine.bias", ()),
    ("activate.bias", "bias", ()),
    ("noise.weight", "noise_strength", (0,)),
)
COMMUNITY_TORGB = (
    ("conv.weight", "weight", (0,)),
    ("conv.modulation.weight", "affine.weight", ()),
    ("conv.modulation.bias", "affine.bias", ()),
    ("bias", "bias", (0, 2, 3)),
)
COMMUNITY_FILTERS = re.compile(r"(.*\.)?(blur|upsample)\.kernel")


@dataclass(frozen=True)
class GeneratorLayout:
    """A generator: its family, the `shape` object of its config.json, and its tensors under their official names.

    `w_avg` is False where the average of W is missing. `blank` are the shapes of tensors to be filled with zeros.
    """

    family: str
    shape: dict[str, Any]
    tensors: Tensors
    blank: Mapping[str, tuple[int, ...]]
    size: int
    w_avg: bool


def network_tensors(network: PickledNetwork) -> tuple[dict[str, PickledTensor], dict[str, Any]]:
    """The tensors of a pickled official network under their full names, and the options of its constructor."""
    found: dict[str, PickledTensor] = {}
    parts = 0
    # Not recursive: a closure would keep the tensors, and with them the file, until garbage is collected.
    left = [(network, "", 0)]
    while left:
        module, prefix, depth = left.pop()
        parts += 1 + sum(len(_raw(module.state.get(kind))) for kind in ("_parameters", "_buffers", "_modules"))
        if depth > DEPTH or parts > PARTS:
            raise UnsupportedCheckpoint("its networks are nested far deeper than any StyleGAN")
        for kind in ("_parameters", "_buffers"):
            for name, value in _dict(module.state.get(kind)).items():
                if isinstance(value, PickledTensor):
                    found[f"{prefix}{name}"] = value
        for name, part in _dict(module.state.get("_modules")).items():
            if isinstance(part, PickledNetwork):
                left.append((part, f"{prefix}{name}.", depth + 1))
    return found, _dict(network.state.get("_init_kwargs"))


def detect_layout(tensors: Tensors, options: Mapping[str, Any]) -> GeneratorLayout:
    """The generator that these tensors make up. Raises UnsupportedCheckpoint for shapes and options that no StyleGAN of
    ours has.
    """
    tensors = {name: tensor for name, tensor in tensors.items() if name.startswith(("mapping.", "synthesis."))}
    if len(tensors) > PARTS:
        raise UnsupportedCheckpoint("it has far more tensors than any StyleGAN")
    nested = _dict(options.get("synthesis_kwargs"))
    given = {**options, **nested}
    for name, allowed in FIXED.items():
        if name in given and given[name] not in allowed:
            raise UnsupportedCheckpoint(
                "its {name} is {value}, which the studio's networks do not have", name=name, value=_shown(given[name])
            )
    mapping, wanted = _mapping(tensors, _dict(options.get("mapping_kwargs")))
    if "synthesis.input.freqs" in tensors:
        layers = _stylegan3(tensors, mapping, given)
        if layers.planes not in PLANES:
            raise UnsupportedCheckpoint(
                "its pictures have {planes} colour planes; the studio's have 3", planes=layers.planes
            )
        wanted |= layers.tensors()
        family, size = "stylegan3", layers.size
        shape = {name: getattr(layers, name) for name in StyleGAN3Shape.__dataclass_fields__}
        shape["channels"] = list(layers.channels)
        blank: dict[str, tuple[int, ...]] = {}
    elif "synthesis.b4.const" in tensors:
        shape, size, needed, blank = _stylegan2(tensors, mapping, given, bool(nested))
        wanted |= needed
        family = "stylegan2"
    else:
        raise UnsupportedCheckpoint("it holds no generator of a StyleGAN2 or StyleGAN3")
    w_avg = "mapping.w_avg" in tensors
    _compare(tensors, wanted, set() if w_avg else {"mapping.w_avg"})
    return GeneratorLayout(family, shape, tensors, blank, size, w_avg)


def _mapping(tensors: Tensors, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, tuple[int, ...]]]:
    """The part of the shape that the mapping network decides, and the tensors it must have."""
    layers = sum(re.fullmatch(r"mapping\.fc\d+\.weight", name) is not None for name in tensors)
    if not 1 <= layers <= 32:
        raise UnsupportedCheckpoint("it holds no mapping network of a StyleGAN")
    inputs, w_dim = _side(tensors, "mapping.fc0.weight", 1), _side(tensors, "mapping.fc0.weight", 0)
    c_dim = _side(tensors, "mapping.embed.weight", 1) if "mapping.embed.weight" in tensors else 0
    z_dim = inputs - (w_dim if c_dim else 0)
    if min(z_dim, w_dim) < 1 or max(z_dim, w_dim, c_dim) > SIDE:
        raise UnsupportedCheckpoint("its mapping network is of an impossible size")
    wanted: dict[str, tuple[int, ...]] = {"mapping.w_avg": (w_dim,)}
    if c_dim:
        wanted |= {"mapping.embed.weight": (w_dim, c_dim), "mapping.embed.bias": (w_dim,)}
    for i in range(layers):
        wanted |= {f"mapping.fc{i}.weight": (w_dim, inputs if i == 0 else w_dim), f"mapping.fc{i}.bias": (w_dim,)}
    rate = float(_number(options.get("lr_multiplier", 0.01)))
    return {"z_dim": z_dim, "w_dim": w_dim, "c_dim": c_dim, "layers": layers, "mapping_lr": rate}, wanted


def _stylegan2(
    tensors: Tensors, mapping: dict[str, Any], given: Mapping[str, Any], nested: bool
) -> tuple[dict[str, Any], int, dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    sizes = [4]
    while f"synthesis.b{sizes[-1] * 2}.conv1.weight" in tensors:
        sizes.append(sizes[-1] * 2)
    if not SIDES[0] <= sizes[-1] <= SIDES[1]:
        raise UnsupportedCheckpoint(
            "its pictures are {size} px wide; the studio's networks make {low} to {high}",
            size=sizes[-1],
            low=SIDES[0],
            high=SIDES[1],
        )
    channels = [_side(tensors, f"synthesis.b{size}.conv1.weight", 0) for size in sizes]
    planes, w_dim = _side(tensors, "synthesis.b4.torgb.weight", 0), int(mapping["w_dim"])
    if planes not in PLANES:
        raise UnsupportedCheckpoint(
            "its pictures have {planes} colour planes; the studio's have 3, or 4 with transparency", planes=planes
        )
    wanted: dict[str, tuple[int, ...]] = {"synthesis.b4.const": (channels[0], 4, 4)}
    for i, size in enumerate(sizes):
        block, inputs, outputs = f"synthesis.b{size}", channels[max(i - 1, 0)], channels[i]
        layers = [("conv1", outputs)] if i == 0 else [("conv0", inputs), ("conv1", outputs)]
        for name, before in layers:
            wanted |= {
                f"{block}.{name}.weight": (outputs, before, 3, 3),
                f"{block}.{name}.bias": (outputs,),
                f"{block}.{name}.affine.weight": (before, w_dim),
                f"{block}.{name}.affine.bias": (before,),
                f"{block}.{name}.noise_const": (size, size),
                f"{block}.{name}.noise_strength": (),
                f"{block}.{name}.resample_filter": (4, 4),
            }
        wanted |= {
            f"{block}.torgb.weight": (planes, outputs, 1, 1),
            f"{block}.torgb.bias": (planes,),
            f"{block}.torgb.affine.weight": (outputs, w_dim),
            f"{block}.torgb.affine.bias": (outputs,),
            f"{block}.resample_filter": (4, 4),
        }
    # Networks that were trained without noise have no tensors of it.
    no_noise = not any(name.endswith(".noise_strength") for name in tensors)
    blank = {name: shape for name, shape in wanted.items() if no_noise and ".noise_" in name}
    for name in blank:
        del wanted[name]
    clamp = given.get("conv_clamp", None if nested or "channel_base" not in given else 256)
    shape = {"channels": channels, **mapping, "planes": planes, "clamp": float(_number(clamp or 0))}
    return shape, sizes[-1], wanted, blank


def _stylegan3(tensors: Tensors, mapping: dict[str, Any], given: Mapping[str, Any]) -> StyleGAN3Shape:
    found = (re.fullmatch(r"synthesis\.L(\d+)_(\d+)_(\d+)\.weight", name) for name in tensors)
    layers = sorted((int(match[1]), int(match[2]), int(match[3])) for match in found if match)
    if [number for number, _, _ in layers] != list(range(len(layers))) or len(layers) < 3:
        raise UnsupportedCheckpoint("its layers are not those of a StyleGAN3")
    first = layers[0]
    name = f"synthesis.L0_{first[1]}_{first[2]}"
    filters = tensors.get(f"{name}.down_filter")
    try:
        return StyleGAN3Shape.from_json(
            {
                "size": layers[-1][1],
                "channels": [channels for _, _, channels in layers],
                **mapping,
                "kernel": _side(tensors, f"{name}.weight", 3),
                "radial": filters is not None and len(filters.shape) == 2,
                "clamp": float(_number(given.get("conv_clamp", 256) or 0)),
                **{ours: _number(given[theirs]) for theirs, ours in STYLEGAN3_OPTIONS.items() if theirs in given},
            }
        )
    except (ValueError, TypeError) as error:
        if isinstance(error, UnsupportedCheckpoint):
            raise
        raise UnsupportedCheckpoint("its layers are of impossible sizes") from None


def _compare(tensors: Tensors, wanted: Mapping[str, tuple[int, ...]], free: set[str]) -> None:
    """Raises UnsupportedCheckpoint unless names and shapes are as `wanted`; those in `free` may be missing."""
    for name in sorted(wanted.keys() - tensors.keys() - free):
        raise UnsupportedCheckpoint("its generator lacks {name}", name=name[:80])
    for name in sorted(tensors.keys() - wanted.keys()):
        raise UnsupportedCheckpoint(
            "its generator has {name}, which no StyleGAN of the usual layout has", name=name[:80]
        )
    for name, tensor in tensors.items():
        if tensor.shape != wanted[name]:
            raise UnsupportedCheckpoint(
                "{name} is {shape} where its network needs {needed}",
                name=name[:80],
                shape=_sides(tensor.shape),
                needed=_sides(wanted[name]),
            )


def _side(tensors: Tensors, name: str, axis: int) -> int:
    tensor = tensors.get(name)
    if tensor is None:
        raise UnsupportedCheckpoint("its generator lacks {name}", name=name[:80])
    if len(tensor.shape) <= axis or not 1 <= tensor.shape[axis] <= SIDE:
        raise UnsupportedCheckpoint(
            "{name} is {shape}, which no StyleGAN has", name=name[:80], shape=_sides(tensor.shape)
        )
    return tensor.shape[axis]


def _shown(value: Any) -> str | Message:
    """An option as an error message quotes it; of a container only the length, since it may be endless."""
    if isinstance(value, str | int | float | None):
        return str(value)[:60]
    if isinstance(value, list | tuple | dict | set):
        return Message("something of {count} parts", count=len(value))
    return Message("no plain value")


def _sides(shape: tuple[int, ...]) -> str | Message:
    return " x ".join(map(str, shape)) or Message("one number")


def _number(value: Any) -> int | float:
    if type(value) not in (int, float) or not abs(value) < 1e9:
        raise UnsupportedCheckpoint("one of its options is {value} where a number is needed", value=_shown(value))
    return value


def _dict(value: Any) -> dict[str, Any]:
    return {name: item for name, item in _raw(value).items() if isinstance(name, str)}


def _raw(value: Any) -> dict[Any, Any]:
    return cast("dict[Any, Any]", value) if isinstance(value, dict) else {}


def is_community(tensors: Mapping[str, PickledTensor]) -> bool:
    """Whether the names are those of community trainers."""
    return {"style.1.weight", "input.input", "conv1.conv.weight"} <= tensors.keys()


def official_names(tensors: Mapping[str, PickledTensor]) -> tuple[dict[str, PickledTensor], set[str]]:
    """The tensors of a community checkpoint under official names, and the names of its low-pass filters (binomial)."""
    left = {name: tensor for name, tensor in tensors.items() if not COMMUNITY_FILTERS.fullmatch(name)}
    found: dict[str, PickledTensor] = {}

    def rename(name: str, official: str, axes: tuple[int, ...] = ()) -> None:
        if name not in left:
            raise UnsupportedCheckpoint("its generator lacks {name}", name=name[:80])
        found[official] = _without_axes(name, left.pop(name), axes)

    layers = sum(re.fullmatch(r"style\.\d+\.weight", name) is not None for name in left)
    for i in range(layers):  # style.0 normalises, and has no tensors
        rename(f"style.{i + 1}.weight", f"mapping.fc{i}.weight")
        rename(f"style.{i + 1}.bias", f"mapping.fc{i}.bias")
    rename("input.input", "synthesis.b4.const", (0,))
    pairs = sum(re.fullmatch(r"to_rgbs\.\d+\.bias", name) is not None for name in left)
    convolutions = [("conv1", "synthesis.b4.conv1", 0)]
    convolutions += [(f"convs.{i}", f"synthesis.b{8 * 2 ** (i // 2)}.conv{i % 2}", i + 1) for i in range(2 * pairs)]
    for name, official, noise in convolutions:
        for part, official_part, axes in COMMUNITY_LAYER:
            rename(f"{name}.{part}", f"{official}.{official_part}", axes)
        rename(f"noises.noise_{noise}", f"{official}.noise_const", (0, 1))
    filters = {f"{official}.resample_filter" for _, official, _ in convolutions}
    for i in range(pairs + 1):
        block = f"synthesis.b{4 * 2**i}"
        for part, official_part, axes in COMMUNITY_TORGB:
            rename(f"{f'to_rgbs.{i - 1}' if i else 'to_rgb1'}.{part}", f"{block}.torgb.{official_part}", axes)
        filters.add(f"{block}.resample_filter")
    for name in sorted(left):
        raise UnsupportedCheckpoint(
            "its generator has {name}, which no StyleGAN2 of the usual layout has", name=name[:80]
        )
    return found, filters


def _without_axes(name: str, tensor: PickledTensor, axes: tuple[int, ...]) -> PickledTensor:
    """The tensor without these axes, which must be of length one."""
    if any(axis >= len(tensor.shape) or tensor.shape[axis] != 1 for axis in axes):
        raise UnsupportedCheckpoint("{name} is of an unusual shape", name=name[:80])
    rest = [axis for axis in range(len(tensor.shape)) if axis not in axes]
    return replace(tensor, shape=tuple(tensor.shape[i] for i in rest), stride=tuple(tensor.stride[i] for i in rest))


def elements(tensors: Mapping[str, PickledTensor]) -> int:
    """How many numbers the tensors have in all, by their shapes."""
    return sum(math.prod(tensor.shape) for tensor in tensors.values())
