"""Upscalers of other programs: ESRGAN and Real-ESRGAN as state dicts or ncnn files, converted to safetensors."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from studio.checkpoints import ncnn
from studio.checkpoints.checkpoint import describe_errors, mapped, pickled_value, safetensors, write_tensors
from studio.checkpoints.errors import UnsupportedCheckpoint
from studio.checkpoints.ncnn import NcnnLayer
from studio.checkpoints.torch_files import PickledTensor, numbers
from studio.errors import BadInput, Message, StudioError
from studio.models import weights
from studio.system import storage

STATES = ("params_ema", "params", "state_dict", "model")
"""The keys of the state dict in a checkpoint, best first: its running average, then the one in training."""

SCALES = (2, 3, 4, 8)
WIDEST, DEEPEST = 1024, 256  # features, and layers or blocks, beyond those of any upscaler

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class UpscalerLayout:
    """A network as its config.json describes it, and where each of its tensors is in the file: our name to theirs.

    "srvgg" has features, layers and scale; "rrdb" features, blocks, growth, squares and scale, see the networks.
    """

    family: str
    sizes: Mapping[str, int]
    names: Mapping[str, str]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor, by our names."""
        return network_shapes(self.family, self.sizes)


@dataclass(frozen=True)
class UpscalerCheckpoint:
    """An upscaler in a file, which can be written as a model folder. `licence` may be empty."""

    path: Path
    layout: UpscalerLayout
    licence: str
    read: Callable[[str], NDArray[np.float32]]

    @property
    def family(self) -> str:
        return self.layout.family

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the file says that a model.toml keeps."""
        return {}

    @property
    def size(self) -> int:
        """Bytes of the converted weights."""
        return 4 * sum(int(np.prod(shape)) for shape in self.layout.shapes().values())

    def write(self, folder: Path, medium: str, licence: str, step: Callable[[int], object]) -> None:
        """Write model.safetensors (float32) and config.json into the folder; `step` gets the bytes of each tensor.

        Raises StudioError for a file that is cut short, BadInput for weights that are not finite, and OSError; then
        part of it may be written.
        """
        with describe_errors(self.path):
            tensors = {ours: lambda theirs=theirs: self._checked(theirs) for ours, theirs in self.layout.names.items()}
            write_tensors(folder / "model.safetensors", self.layout.shapes(), tensors, step)
        config = {"medium": medium, "model_type": self.family, "licence": licence, "version": 1, **self.layout.sizes}
        storage.write_synced(folder / "config.json", (json.dumps(config, indent=1) + "\n").encode("utf-8"))

    def _checked(self, name: str) -> NDArray[np.float32]:
        array = self.read(name)
        if not np.isfinite(array).all():
            raise UnsupportedCheckpoint("{name} holds values that are no numbers", name=name[:80])
        return array


def read_upscaler(path: Path) -> UpscalerCheckpoint | None:
    """The upscaler in the file at `path`, its numbers not read yet; None for a file that holds none.

    An ncnn network is given by its .param or its .bin. Raises BadInput for an upscaler that is not read here, and
    StudioError for a damaged ncnn file; other damaged files are not told from those that hold none.
    """
    if path.suffix.lower() in (".param", ".bin"):
        return _from_ncnn(path)
    try:
        tensors, licence = _tensors(path)
    except StudioError:
        return None
    with describe_errors(path):
        layout = find_layout({name: tensor.shape for name, tensor in tensors.items()})
    if layout is None:
        return None
    return UpscalerCheckpoint(path, layout, licence, lambda name: numbers(tensors[name]))


def find_layout(shapes: Shapes) -> UpscalerLayout | None:
    """The network of a state dict, by the names and shapes of its tensors; None where it is no upscaler.

    Raises UnsupportedCheckpoint for one of another kind than the studio reads.
    """
    names = _srvgg_names(shapes) or _rrdb_names(shapes)
    if names is None:
        return None
    family, ours = names
    enter, leave = shapes[ours["enter.weight"]], shapes[ours["leave.weight"]]
    if len(enter) != 4 or len(leave) != 4 or not 0 < enter[0] <= WIDEST:
        raise UnsupportedCheckpoint("it is an upscaler of a kind that is not read here")
    features = enter[0]
    if family == "srvgg":
        layers = _count(ours, r"body\.(\d+)\.weight")
        scale = round((leave[0] / 3) ** 0.5)
        sizes = {"features": features, "layers": layers, "scale": scale}
    else:
        blocks, ups = _count(ours, r"blocks\.(\d+)\.0\.layers\.0\.weight"), _count(ours, r"ups\.(\d+)\.weight")
        growth = shapes[ours["blocks.0.0.layers.0.weight"]][0]
        squares = round((enter[1] / 3) ** 0.5)
        sizes = {"features": features, "blocks": blocks, "growth": growth, "squares": squares}
        sizes["scale"] = 2**ups // max(squares, 1)
    layout = UpscalerLayout(family, sizes, ours)
    problem = wrong_sizes(family, sizes)
    if problem:
        raise UnsupportedCheckpoint(problem)
    wanted = layout.shapes()
    unknown = set(shapes) - set(ours.values())
    if set(wanted) != set(ours) or unknown or any(shapes[ours[name]] != shape for name, shape in wanted.items()):
        raise UnsupportedCheckpoint("it is an upscaler of a kind that is not read here")
    return layout


def wrong_sizes(family: str, sizes: Mapping[str, Any]) -> Message | None:
    """What is wrong with the sizes of a network, as the end of a sentence that starts with its file, if anything."""
    named = {"srvgg": ("features", "layers", "scale"), "rrdb": ("features", "blocks", "growth", "squares", "scale")}
    if any(type(sizes.get(name)) is not int or not 0 < sizes[name] <= WIDEST for name in named[family]):
        return Message("its sizes are those of no upscaler")
    if sizes["scale"] == 1:
        return Message("it leaves pictures at their size")
    if sizes["scale"] not in SCALES:
        return Message("it enlarges {scale} times, and 2, 3, 4 or 8 times is known here", scale=sizes["scale"])
    if max(sizes.get("layers", 0), sizes.get("blocks", 0)) > DEEPEST:
        return Message("its sizes are those of no upscaler")
    if family == "rrdb" and (sizes["squares"] not in (1, 2, 4) or sizes["scale"] == 3):
        return Message("its sizes are those of no upscaler")
    return None


def network_shapes(family: str, sizes: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor of a network, by our names. The sizes were checked by `wrong_sizes`."""
    found: dict[str, tuple[int, ...]] = {}

    def convolution(name: str, inputs: int, outputs: int) -> None:
        found[f"{name}.weight"], found[f"{name}.bias"] = (outputs, inputs, 3, 3), (outputs,)

    features, scale = sizes["features"], sizes["scale"]
    if family == "srvgg":
        convolution("enter", 3, features)
        for i in range(sizes["layers"]):
            convolution(f"body.{i}", features, features)
        found |= {f"slopes.{i}.weight": (features,) for i in range(sizes["layers"] + 1)}
        convolution("leave", features, 3 * scale * scale)
        return found
    growth, squares = sizes["growth"], sizes["squares"]
    convolution("enter", 3 * squares * squares, features)
    for i in range(sizes["blocks"]):
        for j in range(3):
            for k in range(5):
                convolution(f"blocks.{i}.{j}.layers.{k}", features + k * growth, growth if k < 4 else features)
    convolution("body", features, features)
    for i in range((scale * squares).bit_length() - 1):
        convolution(f"ups.{i}", features, features)
    convolution("fine", features, features)
    convolution("leave", features, 3)
    return found


def _count(names: Mapping[str, str], pattern: str) -> int:
    return sum(re.fullmatch(pattern, name) is not None for name in names)


def _srvgg_names(shapes: Shapes) -> tuple[str, dict[str, str]] | None:
    """Convolutions and PReLUs in turn, body.0 to body.2n, as SRVGGNetCompact is published."""
    indices = sorted(int(found[1]) for name in shapes if (found := re.fullmatch(r"body\.(\d{1,4})\.weight", name)))
    if len(indices) < 3 or indices != list(range(len(indices))) or len(shapes.get("body.1.weight", ())) != 1:
        return None
    if not len(indices) % 2:
        return None
    last = indices[-1]
    convolutions = ["enter", *(f"body.{i}" for i in range(last // 2 - 1)), "leave"]
    ours: dict[str, str] = {}
    for at, name in enumerate(convolutions):
        ours |= {f"{name}.{part}": f"body.{2 * at}.{part}" for part in ("weight", "bias")}
    ours |= {f"slopes.{i}.weight": f"body.{2 * i + 1}.weight" for i in range(last // 2)}
    return "srvgg", ours


def _rrdb_names(shapes: Shapes) -> tuple[str, dict[str, str]] | None:
    """RRDBNet under the names of Real-ESRGAN, or one of the two that ESRGAN was published with."""
    numbers_of: Callable[[str], list[int]] = lambda pattern: sorted(  # noqa: E731
        {int(found[1]) for name in shapes if (found := re.fullmatch(pattern + r"\.weight", name))}
    )
    if "conv_first.weight" in shapes:
        old = any(name.startswith("RRDB_trunk.") for name in shapes)
        block = "RRDB_trunk.{i}.RDB{j}.conv{k}" if old else "body.{i}.rdb{j}.conv{k}"
        body, up, fine = ("trunk_conv", "upconv", "HRconv") if old else ("conv_body", "conv_up", "conv_hr")
        blocks = len(numbers_of(r"RRDB_trunk\.(\d{1,4})\.RDB1\.conv1" if old else r"body\.(\d{1,4})\.rdb1\.conv1"))
        ups = [f"{up}{i}" for i in numbers_of(up + r"(\d)")]
        names = {"enter": "conv_first", "body": body, "fine": fine, "leave": "conv_last"}
    elif "model.0.weight" in shapes and any(name.startswith("model.1.sub.") for name in shapes):
        block = "model.1.sub.{i}.RDB{j}.conv{k}.0"
        blocks = len(numbers_of(r"model\.1\.sub\.(\d{1,4})\.RDB1\.conv1\.0"))
        found = [i for i in numbers_of(r"model\.(\d{1,3})") if i > 0]
        ups = [f"model.{i}" for i in found[:-2]]
        if len(found) < 2:
            return None
        names = {"enter": "model.0", "body": f"model.1.sub.{blocks}"}
        names |= {"fine": f"model.{found[-2]}", "leave": f"model.{found[-1]}"}
    else:
        return None
    names |= {f"ups.{i}": theirs for i, theirs in enumerate(ups)}
    for i in range(blocks):
        for j in range(3):
            for k in range(5):
                names[f"blocks.{i}.{j}.layers.{k}"] = block.format(i=i, j=j + 1, k=k + 1)
    parts = ("weight", "bias")
    ours = {f"{name}.{part}": f"{theirs}.{part}" for name, theirs in names.items() for part in parts}
    if not blocks or any(theirs not in shapes for theirs in ours.values()):
        raise UnsupportedCheckpoint("it is an upscaler of a kind that is not read here")
    return "rrdb", ours


def _tensors(path: Path) -> tuple[dict[str, PickledTensor], str]:
    """The tensors of a state dict, and the licence that a header names."""
    data = mapped(path)
    with describe_errors(path):
        if path.suffix == ".safetensors":
            header = weights.read_header(path)
            return safetensors(path, data), header.metadata.get("modelspec.license", "").strip()
        value = pickled_value(path, data)
    state = cast("dict[Any, Any]", value) if isinstance(value, dict) else {}
    for key in STATES:
        if isinstance(state.get(key), dict):
            state = cast("dict[Any, Any]", state[key])
            break
    return {
        name.removeprefix("module."): tensor
        for name, tensor in state.items()
        if isinstance(name, str) and isinstance(tensor, PickledTensor)
    }, ""


def _from_ncnn(path: Path) -> UpscalerCheckpoint | None:
    param, numbers_file = path.with_suffix(".param"), path.with_suffix(".bin")
    for each in (param, numbers_file):
        if not each.is_file():
            if path.suffix.lower() == ".bin":
                return None
            raise BadInput(
                "{name} is one of two files, and {other} is not beside it.",
                "Download or copy both.",
                name=path.name,
                other=each.name,
            )
    try:
        with describe_errors(path):
            layers = ncnn.read_network(param, numbers_file)
            arrays = _ncnn_names(layers)
            layout = find_layout({name: array.shape for name, array in arrays.items()})
            if layout is None:
                raise UnsupportedCheckpoint("it is an upscaler of a kind that is not read here")
    except OSError as error:
        raise StudioError(
            "{path} cannot be read: {reason}.", "Check that the file is there.", path=path, reason=error.strerror
        ) from error
    return UpscalerCheckpoint(path, layout, "", arrays.__getitem__)


def _ncnn_names(layers: Sequence[NcnnLayer]) -> dict[str, NDArray[np.float32]]:
    """The arrays of an ncnn network under the names of a state dict: its layers come in the order of the network."""
    weighted = [layer for layer in layers if layer.arrays]
    convolutions = [layer for layer in weighted if layer.kind == "Convolution"]
    slopes = len(weighted) > len(convolutions)
    for layer in convolutions:
        whole = len(layer.arrays) == 2 and layer.number(2, 1) == layer.number(3, 1) == layer.number(4, 0) == 1
        if not whole or layer.number(9) not in (0, 2) or (layer.number(9) == 2 and not _leaks(layer)):
            raise UnsupportedCheckpoint("it is an upscaler of a kind that is not read here")
    if slopes:
        return {
            f"body.{at}.{part}": array
            for at, layer in enumerate(weighted)
            for part, array in zip(("weight", "bias"), layer.arrays, strict=False)
        }
    ups = sum(layer.kind == "Interp" for layer in layers)
    blocks, rest = divmod(len(convolutions) - 4 - ups, 15)
    if rest or blocks < 1:
        raise UnsupportedCheckpoint("it is an upscaler of a kind that is not read here")
    names = ["conv_first"]
    names += [f"body.{i}.rdb{j}.conv{k}" for i in range(blocks) for j in (1, 2, 3) for k in (1, 2, 3, 4, 5)]
    names += ["conv_body", *(f"conv_up{i + 1}" for i in range(ups)), "conv_hr", "conv_last"]
    if convolutions[0].arrays[0].shape[1] != 3:
        raise UnsupportedCheckpoint("it is an upscaler of a kind that is not read here")
    return {
        f"{name}.{part}": array
        for name, layer in zip(names, convolutions, strict=True)
        for part, array in zip(("weight", "bias"), layer.arrays, strict=True)
    }


def _leaks(layer: NcnnLayer) -> bool:
    """Whether the leaky ReLU that is part of a convolution has the slope of ESRGAN's."""
    with contextlib.suppress(ValueError):
        count, _, slope = layer.settings.get(-23310, "").partition(",")
        return count == "1" and abs(float(slope) - 0.2) < 1e-4
    return False
