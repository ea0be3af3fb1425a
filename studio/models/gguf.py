"""Reads the header of a GGUF file: what it says about itself and its table of tensors; weights are not read.

The format is that of llama.cpp, versions 2 and 3 (docs/gguf.md of the ggml project). Everything in a file is taken for
hostile: sizes are compared with the file before anything is read, and nothing is run.
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.errors import Flaw

MAGIC = b"GGUF"
VERSIONS = (2, 3)
ALIGNMENT = 32  # bytes, where the file names no other
LONGEST_NAME = 65_535  # characters
MOST_DIMENSIONS = 8

_NUMBERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9

BLOCKS: Mapping[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
    40: ("NVFP4", 64, 36),
}
"""Types of tensors: name, values in a block, bytes of a block."""


class DamagedGguf(Flaw):
    """What is wrong with a file, as the end of a sentence that starts with its name."""


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """The entry of one tensor: its type's name, its shape with the fastest dimension first, its bytes."""

    dtype: str
    shape: tuple[int, ...]
    size: int


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What a file says about itself: numbers, texts and lists by key, and its tensors by name."""

    metadata: Mapping[str, Any]
    tensors: Mapping[str, GgufTensor]

    @property
    def architecture(self) -> str:
        """What llama.cpp calls this kind of network; empty where the file does not say."""
        return self.text("general.architecture")

    def text(self, key: str) -> str:
        """The text under a key; empty where there is none, or something else."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else ""

    def count(self, key: str) -> int:
        """The whole number under a key, of the architecture where it begins with a dot; 0 where there is none."""
        value = self.metadata.get(self.architecture + key if key.startswith(".") else key)
        return value if type(value) is int else 0


def read_header(path: Path) -> GgufHeader:
    """The header of the file at `path`. Raises DamagedGguf where it is none, is cut or does not add up; OSError."""
    with path.open("rb") as file:
        head = file.read(8)
        if head[:4] != MAGIC:
            raise DamagedGguf("it does not begin like a GGUF file")
        version = int.from_bytes(head[4:], "little")
        if len(head) < 8:
            raise DamagedGguf("its end is missing")
        if version & 0xFFFF == 0:
            raise DamagedGguf("its numbers are big-endian, as some large computers write them")
        if version not in VERSIONS:
            raise DamagedGguf("it is of version {version}, which cannot be read", version=version)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Reader(data).header()


class _Reader:
    """Reads one value after the other from the bytes of a file."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._end = len(data)
        self._at = 8

    def header(self) -> GgufHeader:
        tensors, keys = self._count(24), self._count(12)
        metadata: dict[str, Any] = {}
        for _ in range(keys):
            name = self._name()
            if name in metadata:
                raise DamagedGguf("it says {name} twice", name=name[:80])
            metadata[name] = self._value(self._number("<I"))
        found: dict[str, GgufTensor] = {}
        furthest = 0
        for _ in range(tensors):
            name = self._name()
            tensor, start = self._tensor(name)
            if name in found:
                raise DamagedGguf("the tensor {name} comes twice", name=name[:80])
            found[name] = tensor
            furthest = max(furthest, start + tensor.size)
        alignment = metadata.get("general.alignment", ALIGNMENT)
        if type(alignment) is not int or not 0 < alignment <= 1 << 20:
            raise DamagedGguf("its alignment is no number of bytes")
        begin = math.ceil(self._at / alignment) * alignment
        if found and begin + furthest > self._end:
            raise DamagedGguf(
                "it has {there:,} bytes and should have {wanted:,}", there=self._end, wanted=begin + furthest
            )
        return GgufHeader(metadata, found)

    def _tensor(self, name: str) -> tuple[GgufTensor, int]:
        """The entry of a tensor, and where it begins behind the header."""
        dimensions = self._number("<I")
        if dimensions > MOST_DIMENSIONS:
            raise DamagedGguf("the tensor {name} has {count} dimensions", name=name[:80], count=dimensions)
        shape = tuple(int(self._number("<Q")) for _ in range(dimensions))
        kind, start = self._number("<I"), self._number("<Q")
        if kind not in BLOCKS:
            raise DamagedGguf("the tensor {name} is of type {kind}, which is not known", name=name[:80], kind=kind)
        dtype, values, size = BLOCKS[kind]
        if shape and shape[0] % values:
            raise DamagedGguf("the tensor {name} does not fit its type, {dtype}", name=name[:80], dtype=dtype)
        return GgufTensor(dtype, shape, math.prod(shape) // values * size), int(start)

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._text()
        if kind in _NUMBERS:
            return self._number(_NUMBERS[kind])
        if kind != _ARRAY:
            raise DamagedGguf("it holds a value of type {kind}, which is not known", kind=kind)
        kind = self._number("<I")
        if kind == _STRING:
            return [self._text() for _ in range(self._count(8))]
        if kind not in _NUMBERS:  # lists of lists are allowed, and used by nobody
            raise DamagedGguf("it holds a list of type {kind}, which is not known", kind=kind)
        form = _NUMBERS[kind]
        count = self._count(struct.calcsize(form))
        return list(struct.unpack(f"<{count}{form[1]}", self._bytes(count * struct.calcsize(form))))

    def _count(self, least: int) -> int:
        """A number of things that take at least that many bytes each."""
        count: int = self._number("<Q")
        if count * least > self._end - self._at:
            raise DamagedGguf("its end is missing, or it counts more than it holds")
        return count

    def _name(self) -> str:
        name = self._text()
        if len(name) > LONGEST_NAME:
            raise DamagedGguf("a name in it is far too long")
        return name

    def _text(self) -> str:
        return self._bytes(self._count(1)).decode("utf-8", "replace")

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._bytes(struct.calcsize(form)))[0]

    def _bytes(self, count: int) -> bytes:
        if count > self._end - self._at:
            raise DamagedGguf("its end is missing")
        self._at += count
        return self._data[self._at - count : self._at]
