"""StyleGAN checkpoints of other programs: what a file holds, and its conversion to safetensors.

Reads official pickles, torch files of state dicts and safetensors; nothing in them is run, and no torch is needed. The
file is memory-mapped, so that networks which are not imported are never read from the disk.
"""

from __future__ import annotations

import contextlib
import json
import math
import mmap
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from studio.checkpoints.errors import CheckpointError, DamagedCheckpoint, UnsupportedCheckpoint
from studio.checkpoints.layouts import (
    GeneratorLayout,
    detect_layout,
    elements,
    is_community,
    network_tensors,
    official_names,
)
from studio.checkpoints.pickle_machine import Value
from studio.checkpoints.torch_files import PickledNetwork, PickledTensor, TensorStorage, numbers, read_pickle, read_zip
from studio.errors import BadInput, StudioError
from studio.models import weights
from studio.system import storage

SUFFIXES = frozenset({".pkl", ".pickle", ".pt", ".pth"})
NVIDIA = "Nvidia Source Code License, research and evaluation only"
"""The licence of the networks that NVIDIA published, and of the classes that the official files name."""

EMA = ("G_ema", "g_ema", "generator_ema", "ema", "G", "g", "generator", "state_dict", "model")
"""The keys of the generator in a checkpoint, best first: its running average, then the one in training."""

AVERAGED = 4096  # latents whose average replaces a missing average of W


@dataclass(frozen=True)
class ForeignCheckpoint:
    """A generator in a checkpoint, which can be written as a model folder. `licence` may be empty; `filters` are the
    names of low-pass filters that its own format leaves out."""

    path: Path
    layout: GeneratorLayout
    licence: str
    filters: frozenset[str]

    @property
    def family(self) -> str:
        return self.layout.family

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the file says that a model.toml keeps."""
        return {"native": [self.layout.size] * 2}

    @property
    def size(self) -> int:
        """Bytes of the converted weights."""
        count = elements(self.layout.tensors) + sum(map(math.prod, self.layout.blank.values()))
        return 4 * (count + 16 * len(self.filters))

    def write(self, folder: Path, medium: str, licence: str, step: Callable[[int], object]) -> None:
        """Write model.safetensors (float32) and config.json into the folder; `step` gets the bytes of each tensor.

        Raises StudioError for a file that is cut short, BadInput for weights that are not finite, and OSError; then
        part of it may be written.
        """
        with describe_errors(self.path):
            tensors: dict[str, Callable[[], NDArray[np.float32]]] = {
                name: lambda name=name, tensor=tensor: _checked(name, numbers(tensor))
                for name, tensor in self.layout.tensors.items()
            }
            tensors |= {name: lambda shape=shape: _zeros(shape) for name, shape in self.layout.blank.items()}
            tensors |= dict.fromkeys(self.filters, _binomial)
            shapes = {name: tensor.shape for name, tensor in self.layout.tensors.items()} | dict(self.layout.blank)
            shapes |= dict.fromkeys(self.filters, (4, 4))
            if not self.layout.w_avg:
                shapes["mapping.w_avg"] = (int(self.layout.shape["w_dim"]),)
                tensors["mapping.w_avg"] = lambda: _average(self.layout)
            write_tensors(folder / "model.safetensors", shapes, tensors, step)
            strengths = [tensor for name, tensor in self.layout.tensors.items() if name.endswith(".noise_strength")]
            noise = any(bool(numbers(tensor).any()) for tensor in strengths)
        config = {
            "medium": medium,
            "family": self.layout.family,
            "licence": licence,
            "version": 1,
            "z": "randomstate",
            "noise": noise,
            "native": [self.layout.size, self.layout.size],
            "shape": self.layout.shape,
        }
        storage.write_synced(folder / "config.json", (json.dumps(config, indent=1) + "\n").encode("utf-8"))


@contextlib.contextmanager
def describe_errors(path: Path) -> Generator[None]:
    """Turn errors of the checkpoint at `path` into BadInput where it is unsupported, StudioError where damaged."""
    try:
        yield
    except DamagedCheckpoint as error:
        raise StudioError(
            "{name} is damaged: {reason}.", "Download or copy it again.", name=path.name, reason=error
        ) from error
    except CheckpointError as error:
        raise BadInput("{name} is refused: {reason}.", HINT, name=path.name, reason=error) from error
    except (RecursionError, MemoryError) as error:
        raise BadInput("{name} is refused: it asks for far too much.", HINT, name=path.name) from error


HINT = "The studio reads generators of StyleGAN2 and StyleGAN3, and upscalers; nothing in the file was run."


def read_checkpoint(path: Path) -> ForeignCheckpoint:
    """The generator in the checkpoint at `path`; its numbers are not read yet.

    Raises BadInput for what is no StyleGAN generator or asks for code to be run, StudioError for damaged files.
    """
    data = mapped(path)
    with describe_errors(path):
        return _from_safetensors(path, data) if path.suffix == ".safetensors" else _pickled(path, data)


def mapped(path: Path) -> memoryview:
    """The bytes of a file, which are read where they are used. Raises StudioError."""
    try:
        with path.open("rb") as file:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except OSError as error:
        raise StudioError(
            "{path} cannot be read: {reason}.", "Check that the file is there.", path=path, reason=error.strerror
        ) from error
    except ValueError:
        raise StudioError("{name} is damaged: it is empty.", "Download or copy it again.", name=path.name) from None


def pickled_value(path: Path, data: memoryview) -> Value:
    """The value in a pickle or a torch file with these bytes. Raises UnsupportedCheckpoint or DamagedCheckpoint."""
    head = bytes(data[:512])
    if (what := weights.other_format(head)) is not None:
        raise UnsupportedCheckpoint("it is {what} and no checkpoint", what=what)
    if head[257:262] == b"ustar":
        raise UnsupportedCheckpoint("it is a tar archive and no checkpoint")
    if head.startswith(b"PK"):
        return read_zip(path, data)
    if head[:1] == b"\x80":
        return read_pickle(data)
    raise UnsupportedCheckpoint("it is neither a pickle nor a file that torch wrote")


def _pickled(path: Path, data: memoryview) -> ForeignCheckpoint:
    generator, w_avg = _generator(pickled_value(path, data))
    if isinstance(generator, PickledNetwork):
        tensors, options = network_tensors(generator)
        return _foreign_checkpoint(path, data, detect_layout(tensors, options), NVIDIA)
    tensors = _tensors(generator)
    if w_avg is not None and is_community(tensors):
        tensors["latent_avg"] = w_avg
    return _from_state_dict(path, data, tensors, {}, "")


def safetensors(path: Path, data: memoryview) -> dict[str, PickledTensor]:
    """The tensors of a safetensors file, as views of its bytes `data`. Raises StudioError and UnsupportedCheckpoint."""
    header = weights.read_header(path)
    kinds = {"F32": ("f4", 4), "F16": ("f2", 2), "BF16": ("bf16", 2), "F64": ("f8", 8)}
    end = 8 + int.from_bytes(data[:8], "little")
    tensors: dict[str, PickledTensor] = {}
    for name, entry in header.tensors.items():
        if entry.dtype not in kinds:
            raise UnsupportedCheckpoint(
                "the numbers of {name} are {dtype}, which no such network is made of", name=name[:80], dtype=entry.dtype
            )
        strides = tuple(math.prod(entry.shape[i + 1 :]) for i in range(len(entry.shape)))
        kind, width = kinds[entry.dtype]
        count = math.prod(entry.shape)
        start, end = end, end + count * width
        storage = TensorStorage(kind, name, count, {name: data[start:end]})
        tensors[name] = PickledTensor(storage, 0, entry.shape, strides)
    return tensors


def _from_safetensors(path: Path, data: memoryview) -> ForeignCheckpoint:
    header, tensors = weights.read_header(path), safetensors(path, data)
    try:
        options = cast("dict[str, Any]", weights.parse(header.metadata.get("init_kwargs", "{}").encode()))
    except weights.DamagedWeights:
        options = {}
    licence = header.metadata.get("modelspec.license", "").strip()
    return _from_state_dict(path, data, tensors, options, licence)


def _from_state_dict(
    path: Path, data: memoryview, tensors: dict[str, PickledTensor], options: Mapping[str, Any], licence: str
) -> ForeignCheckpoint:
    """The checkpoint of a plain state dict, under official or community names."""
    if not is_community(tensors):
        return _foreign_checkpoint(path, data, detect_layout(tensors, options), licence)
    w_avg = tensors.pop("latent_avg", None)
    found, filters = official_names(tensors)
    if w_avg is not None:
        found["mapping.w_avg"] = replace(w_avg, shape=w_avg.shape[-1:], stride=w_avg.stride[-1:])
    # The filters are needed for the layout; their numbers are known.
    placeholder = PickledTensor(TensorStorage("f4", "", 0, {}), 0, (4, 4), (4, 1))
    layout = detect_layout(found | dict.fromkeys(filters, placeholder), options)
    tensors = {name: tensor for name, tensor in layout.tensors.items() if name not in filters}
    return _foreign_checkpoint(path, data, replace(layout, tensors=tensors), licence, frozenset(filters))


def _foreign_checkpoint(
    path: Path, data: memoryview, layout: GeneratorLayout, licence: str, filters: frozenset[str] = frozenset()
) -> ForeignCheckpoint:
    if elements(layout.tensors) * 2 > len(data):
        raise UnsupportedCheckpoint("its tensors claim more numbers than the file can hold")
    return ForeignCheckpoint(path, layout, licence, filters)


def _generator(value: Any) -> tuple[Any, PickledTensor | None]:
    """The generator in a checkpoint, and the average of W where that is stored beside it."""
    if isinstance(value, PickledNetwork):
        return value, None
    if not isinstance(value, dict):
        raise UnsupportedCheckpoint("it holds no network")
    found = cast("dict[Any, Any]", value)
    w_avg = found.get("latent_avg")
    for name in EMA:
        if isinstance(found.get(name), PickledNetwork | dict):
            return found[name], w_avg if isinstance(w_avg, PickledTensor) else None
    return found, None


def _tensors(state: Mapping[Any, Any]) -> dict[str, PickledTensor]:
    """The tensors of a state dict, without the prefix of distributed training."""
    return {
        name.removeprefix("module."): tensor
        for name, tensor in state.items()
        if isinstance(name, str) and isinstance(tensor, PickledTensor)
    }


def _checked(name: str, array: NDArray[np.float32]) -> NDArray[np.float32]:
    if not np.isfinite(array).all():
        raise UnsupportedCheckpoint("{name} holds values that are no numbers", name=name)
    if name.endswith(".magnitude_ema") and not array > 0:
        raise UnsupportedCheckpoint("{name} is not positive", name=name)
    if name.endswith("resample_filter") and not np.allclose(array, _binomial(), atol=1e-3):
        raise UnsupportedCheckpoint("{name} is another low-pass filter than that of the paper", name=name)
    return array


def _zeros(shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.zeros(shape, np.float32)


def _binomial() -> NDArray[np.float32]:
    line = np.array([1, 3, 3, 1], np.float32)
    return np.outer(line, line) / np.float32(64)


def _average(layout: GeneratorLayout) -> NDArray[np.float32]:
    """The average w of many latents, `[w_dim]`: what truncation pulls towards."""
    shape = layout.shape
    random = np.random.RandomState(0)
    x = _normalised(random.randn(AVERAGED, shape["z_dim"]).astype(np.float32))
    if shape["c_dim"]:
        classes = random.randint(shape["c_dim"], size=AVERAGED)
        embed = numbers(layout.tensors["mapping.embed.weight"]) / np.float32(math.sqrt(shape["c_dim"]))
        c = embed.T[classes] + numbers(layout.tensors["mapping.embed.bias"])
        x = np.concatenate([x, _normalised(c)], axis=1)
    rate = np.float32(shape["mapping_lr"])
    for i in range(shape["layers"]):
        weight = numbers(layout.tensors[f"mapping.fc{i}.weight"])
        x = x @ weight.T * (rate / np.float32(math.sqrt(weight.shape[1])))
        x += numbers(layout.tensors[f"mapping.fc{i}.bias"]) * rate
        x = np.where(x > 0, x, x * np.float32(0.2)) * np.float32(math.sqrt(2))
    return _checked("mapping.w_avg", x.mean(axis=0))


def _normalised(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return x / np.sqrt(np.square(x).mean(axis=1, keepdims=True) + np.float32(1e-8))


def write_tensors(
    path: Path,
    shapes: Mapping[str, tuple[int, ...]],
    tensors: Mapping[str, Callable[[], NDArray[np.float32]]],
    step: Callable[[int], object],
) -> None:
    """Write a safetensors file, one tensor in memory at a time; `step` gets the bytes of each."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name in sorted(shapes):
        end = at + 4 * math.prod(shapes[name])
        header[name] = {"dtype": "F32", "shape": list(shapes[name]), "data_offsets": [at, end]}
        at = end
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file, np.errstate(over="ignore", invalid="ignore"):
        file.write(len(text).to_bytes(8, "little") + text)
        for name in sorted(shapes):
            array = tensors[name]()
            assert array.shape == shapes[name], name
            step(file.write(np.ascontiguousarray(array).data if array.ndim else array.tobytes()))
        file.flush()
    storage.sync_file(path)
