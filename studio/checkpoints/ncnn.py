"""Reads networks of ncnn: a table of layers (.param) and their numbers (.bin); nothing is run.

Only layers with weights are returned. Sizes come from the table and are compared with the file before it is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.checkpoints.errors import DamagedCheckpoint, UnsupportedCheckpoint
from studio.errors import Message

MAGIC = "7767517"
TABLE_LIMIT = 4_000_000  # bytes of a .param; the largest here has 0.1 MB
LAYERS = 20_000
FP16 = 0x01306B47  # before numbers of 16 bits, which end on a multiple of 4 bytes
WEIGHTLESS = frozenset(
    {"Input", "Split", "Concat", "BinaryOp", "Eltwise", "PixelShuffle", "Interp", "ReLU", "Reorg", "Crop", "Padding"}
)


@dataclass(frozen=True, slots=True)
class NcnnLayer:
    """One layer: its kind, its settings by number, and its arrays: weight [out, in, kh, kw] and bias of a convolution,
    slopes [n] of a PReLU. All float32.
    """

    kind: str
    settings: Mapping[int, str]
    arrays: tuple[NDArray[np.float32], ...] = ()

    def number(self, key: int, otherwise: int = 0) -> int:
        """A setting as a whole number."""
        try:
            return int(self.settings.get(key, otherwise))
        except ValueError:
            raise DamagedCheckpoint(Message("its table is scrambled")) from None


def read_network(param: Path, weights: Path) -> list[NcnnLayer]:
    """The layers of a network, in order. DamagedCheckpoint, UnsupportedCheckpoint, OSError."""
    with param.open("rb") as file:
        lines = file.read(TABLE_LIMIT + 1).decode("utf-8", "replace").splitlines()
    if not lines or lines[0].strip() != MAGIC:
        raise UnsupportedCheckpoint("its table is not that of an ncnn network")
    if len(lines) > LAYERS:
        raise UnsupportedCheckpoint("it has far more layers than any upscaler")
    table = [_layer(line) for line in lines[2:] if line.strip()]
    with weights.open("rb") as file:
        data = memoryview(file.read())
    at, found = 0, list[NcnnLayer]()
    for layer in table:
        arrays: tuple[NDArray[np.float32], ...] = ()
        if layer.kind == "Convolution":
            outputs, count = layer.number(0), layer.number(6)
            wide, high = layer.number(1), layer.number(11, layer.number(1))
            inputs, rest = divmod(count, max(outputs * wide * high, 1))
            if min(outputs, count, wide, high) < 1 or rest:
                raise DamagedCheckpoint("its table is scrambled")
            weight, at = _tagged(data, at, count)
            arrays = (weight.reshape(outputs, inputs, high, wide),)
            if layer.number(5):
                bias, at = _plain(data, at, outputs)
                arrays += (bias,)
        elif layer.kind == "PReLU":
            slopes, at = _plain(data, at, layer.number(0))
            arrays = (slopes,)
        elif layer.kind not in WEIGHTLESS:
            raise UnsupportedCheckpoint(
                Message("it has a layer of the kind {kind}, which no upscaler here has", kind=layer.kind[:80])
            )
        if not all(np.isfinite(array).all() for array in arrays):
            raise UnsupportedCheckpoint("it holds values that are no numbers")
        found.append(NcnnLayer(layer.kind, layer.settings, arrays))
    if at != len(data):
        raise DamagedCheckpoint("its table and its numbers do not belong together")
    return found


def _layer(line: str) -> NcnnLayer:
    """kind, name, numbers of inputs and outputs, their names, then settings as key=value."""
    words = line.split()
    try:
        after = 4 + int(words[2]) + int(words[3])
        settings = {int(key): value for key, _, value in (word.partition("=") for word in words[after:])}
    except (IndexError, ValueError):
        raise DamagedCheckpoint("its table is scrambled") from None
    return NcnnLayer(words[0], settings)


def _tagged(data: memoryview, at: int, count: int) -> tuple[NDArray[np.float32], int]:
    """Numbers behind a tag that says how they are stored, and where the next ones begin."""
    tag = int.from_bytes(_bytes(data, at, 4), "little")
    if tag == FP16:
        numbers = np.frombuffer(_bytes(data, at + 4, 2 * count), "<f2").astype(np.float32)
        return numbers, at + 4 + (2 * count + 3) // 4 * 4
    if tag == 0:
        return _plain(data, at + 4, count)
    raise UnsupportedCheckpoint("its numbers are quantised")


def _plain(data: memoryview, at: int, count: int) -> tuple[NDArray[np.float32], int]:
    return np.frombuffer(_bytes(data, at, 4 * count), "<f4").astype(np.float32), at + 4 * count


def _bytes(data: memoryview, at: int, count: int) -> memoryview:
    if count < 0 or at + count > len(data):
        raise DamagedCheckpoint("its end is missing")
    return data[at : at + count]
