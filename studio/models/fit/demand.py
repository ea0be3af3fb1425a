"""What a request takes of a machine: the facts of a model, the machine, and the memory and work that follow from them.

A family's formula (`Family.demand`) makes a `Demand` of these. It counts bytes and operations from the sizes that
config.json and the headers of the weights give; what no config says is a constant that was fitted to measurements
(`studio bench fit`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from studio.errors import StudioError
from studio.models import weights
from studio.models.model import Model
from studio.models.pipelines import INDEX, VARIANTS
from studio.models.weights import DamagedWeights

PROCESS = 240_000_000
"""Bytes of an engine's process with torch imported and nothing loaded, measured with the build for processors."""
SMALL = 500_000_000
"""Bytes of weights below which a processor always runs in 32 bits: they cost nothing worth the question."""
HALF_TIME = 0.6
"""16 bits are used where they take less than this share of the time of 32."""
IN_LAYERS = "studio.values_in_layers"
"""What the config of a GGUF file says beside its metadata: how many values its layers have, by the type of tensor."""
SCORE = 100
"""Operations of products that take as long as one score of attention beside these, measured on a processor."""
PACKED = 1
"""The bytes of a value under which a machine has the speed of llama.cpp, whatever its weights are packed into."""
HEADER_LIMIT = 100_000_000
"""Bytes of a safetensors header; the format's own limit."""


@dataclass(frozen=True, slots=True)
class Part:
    """One network of a model: its config, how many values its weights have, their bytes on the disk, and those of its
    largest file. The config of a GGUF file is its metadata.
    """

    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    values: int = 0
    size: int = 0
    largest: int = 0

    def count(self, *names: str, usual: int = 0) -> int:
        """The first whole number in the config under one of these names, also inside `text_config`."""
        for name in names:
            for place in (self.config, self.inside("text_config").config):
                value = place.get(name)
                if type(value) is int and value > 0:
                    return value
        return usual

    def inside(self, name: str) -> Part:
        """The config that is nested under this name, as a part of its own without weights."""
        found: Any = self.config.get(name)
        return Part(cast("Mapping[str, Any]", found)) if isinstance(found, dict) else Part()

    def counts(self, *names: str) -> tuple[int, ...]:
        """The first list of whole numbers under one of these names; empty where there is none."""
        for name in names:
            found: Any = self.config.get(name)
            if isinstance(found, list) and found and all(type(each) is int for each in cast("list[Any]", found)):
                return tuple(cast("list[int]", found))
        return ()


NOTHING = Part()


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the files of a model say of its size: its networks by the folder they lie in ("" for the model's own).

    `offered` where there are no files yet: the formulas then take the sizes that models of so many values usually have.
    `picture` is the size of the one that the request enlarges, in pixels, zeros where it is not known.
    """

    parts: Mapping[str, Part]
    gguf: bool = False
    native: tuple[int, int] = (0, 0)
    offered: bool = False
    picture: tuple[int, int] = (0, 0)

    @property
    def size(self) -> int:
        """Bytes of all weights on the disk."""
        return sum(part.size for part in self.parts.values())

    @property
    def largest(self) -> int:
        """Bytes of the largest file, which lies in memory beside what is made of it while it is loaded."""
        return max((part.largest for part in self.parts.values()), default=0)

    @property
    def values(self) -> int:
        return sum(part.values for part in self.parts.values())

    def part(self, *names: str) -> Part:
        """The first of these parts that there is; one without sizes where there is none."""
        return next((self.parts[name] for name in names if name in self.parts), NOTHING)


@dataclass(frozen=True, slots=True)
class Speed:
    """What a device reaches in one dtype: operations per second in products of matrices and in convolutions of 3 x 3,
    bytes per second of weights that are multiplied by one vector, and the seconds of one small operation.
    """

    matrices: float = 50e9
    convolutions: float = 50e9
    bandwidth: float = 10e9
    call: float = 4e-6


@dataclass(frozen=True, slots=True)
class Machine:
    """Where models run: "cpu", "cuda" or "mps", its memory in bytes, what of that is free, and how fast it is.

    `half` says that large models run in 16 bits. `speeds` are those it reaches by the bytes of a value, 4, 2 or PACKED,
    and `measured` says that they were measured here; else they are those of a usual one of its kind. `context` is the
    number of tokens that language models look back at, as the settings say; 0 is each engine's own.

    Of a graphics card, `ram_total` and `ram_free` are the bytes of the memory beside it, `llama_card` says that
    llama.cpp as it is installed computes on it, `gpu_layers` how many layers it puts there, -1 for as many as fit.
    """

    device: str
    total: int
    free: int
    half: bool = False
    speeds: Mapping[int, Speed] = field(default_factory=lambda: {4: Speed()}, hash=False)
    measured: bool = False
    context: int = 0
    ram_total: int = 0
    ram_free: int = 0
    llama_card: bool = False
    gpu_layers: int = -1

    def for_model(self, facts: ModelFacts) -> Machine:
        """As the engine of a model sees it: one in GGUF stays in the memory beside the card where llama.cpp does not
        use that.
        """
        if self.device != "cuda" or not facts.gguf or (self.llama_card and self.gpu_layers):
            return self
        return replace(self, device="cpu", total=self.ram_total, free=self.ram_free)

    def speed(self, value: int) -> Speed:
        """In a dtype whose values have so many bytes; where that is not known, in another one."""
        return self.speeds.get(value) or next(iter(self.speeds.values()))

    def bytes_per_value(self, facts: ModelFacts) -> int:
        """Of the weights and of what is computed with them."""
        if not self.half or (self.device == "cpu" and facts.size < SMALL):
            return 4
        return 2


@dataclass(frozen=True, slots=True)
class Demand:
    """What a request takes. `weights` are bytes of the loaded model, `working` those of what the work makes at its
    peak, `loading` those that only loading needs; `libraries` those of what the medium imports beside torch.

    `flops` are operations of products of matrices, `convolutions` those of convolutions, `traffic` the bytes of weights
    that are read again and again, `calls` how many small operations take as long as starting all of these does, with
    the Python around them, `value` the bytes of a value that is computed with: of these follow the seconds.
    `ram` are bytes in the memory beside a graphics card, where a part of the model stays there.
    """

    weights: int
    working: int
    loading: int = 0
    libraries: int = 0
    flops: float = 0.0
    convolutions: float = 0.0
    traffic: float = 0.0
    calls: float = 0.0
    value: int = 4
    ram: int = 0

    def memory(self, *, loaded: bool = False) -> int:
        """Bytes that the engine's process holds at most; without what loading needs where the model is `loaded`."""
        return PROCESS + self.libraries + self.weights + max(self.working, 0 if loaded else self.loading)

    def beside_card(self) -> int:
        """Bytes that the engine's process holds in the memory beside a graphics card, where a part of the model is
        there; else 0.
        """
        return PROCESS + self.libraries + self.ram if self.ram else 0

    def seconds(self, machine: Machine) -> float:
        """Of the work without loading, on a machine that nothing else keeps busy."""
        speed = machine.speed(self.value)
        return (
            self.flops / speed.matrices
            + self.convolutions / speed.convolutions
            + self.traffic / speed.bandwidth
            + self.calls * speed.call
        )


def attention_layers(tokens: int, width: int, layers: int, inner: int, heads: int) -> float:
    """Operations of one pass through transformer layers: four square maps and two of the feed-forward part, two
    operations for each value, and the attention of all tokens to all.
    """
    return layers * (2.0 * tokens * (4 * width * width + 2 * width * inner) + attention(tokens, width, heads))


def attention(tokens: int, width: int, heads: int) -> float:
    """Operations of all tokens' attention to all: two products, and the scores of each head brought to a sum of one."""
    return float(tokens) * tokens * (4.0 * width + SCORE * heads)


def conv(side: int, high: int, entering: int, leaving: int, kernel: int = 3) -> float:
    """Operations of a convolution over side x high pixels."""
    return 2.0 * side * high * entering * leaving * kernel * kernel


def read_facts(model: Model) -> ModelFacts:
    """The facts of an installed model, from headers and JSON. Files that cannot be read count nothing: loading says
    why. Reads the disk.
    """
    folder = model.folder
    chosen: dict[str, list[Path]] = {}
    try:
        for path in weights.weight_files(folder):
            chosen.setdefault(path.parent.relative_to(folder).as_posix(), []).append(path)
    except OSError:
        return ModelFacts({}, native=model.native)
    parts = {"": Part(weights.json_or_empty(folder / "config.json"))}
    gguf = False
    for place, files in chosen.items():
        name = "" if place == "." else place
        if files[0].suffix == weights.GGUF:
            parts[name], gguf = _gguf_part(files[0]), True
            continue
        if (folder / INDEX).is_file():
            files = _one_variant(files)
        values = sum(_values(path) for path in files)
        sizes = [_size(path) for path in files]
        parts[name] = Part(
            weights.json_or_empty(folder / place / "config.json"), values, sum(sizes), max(sizes, default=0)
        )
    return ModelFacts(parts, gguf, model.native)


def _one_variant(files: list[Path]) -> list[Path]:
    """Of a part that lies there in several precisions, the one that is loaded: the plain one where there is one."""
    return [path for path in files if not any(f".{variant}." in path.name for variant in VARIANTS)] or files


def _gguf_part(path: Path) -> Part:
    try:
        header = weights.read_gguf(path)
    except StudioError:
        return NOTHING
    values = sum(math.prod(tensor.shape) for tensor in header.tensors.values())
    size = sum(tensor.size for tensor in header.tensors.values())
    # Lists of a hundred thousand tokens are of no use here, but their number is.
    config = {name.removeprefix(f"{header.architecture}."): each for name, each in _plain(header.metadata)}
    inside = Counter[str]()
    for name, tensor in header.tensors.items():
        inside[tensor.dtype] += math.prod(tensor.shape) if name.startswith("blk.") else 0
    config[IN_LAYERS] = dict(inside)
    return Part(config, values, size, size)


def _plain(metadata: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, value in metadata.items():
        if isinstance(value, list):
            yield f"{name}.count", len(cast("list[Any]", value))
        else:
            yield name, value


def _values(path: Path) -> int:
    """How many numbers a safetensors file holds, as its header says: read here, since the library brings numpy."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = weights.parse(file.read(length)) if length <= HEADER_LIMIT else {}
    except (OSError, DamagedWeights):
        return 0
    found = 0
    for name, entry in header.items():
        shape = cast("dict[str, Any]", entry).get("shape") if isinstance(entry, dict) else None
        sides = cast("list[Any]", shape) if isinstance(shape, list) else []
        if name != "__metadata__" and all(type(side) is int for side in sides):
            found += math.prod(sides)
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
