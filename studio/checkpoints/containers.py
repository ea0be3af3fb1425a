"""Reads the files that torch writes, without torch: the zip format and the older row of pickles.

Two are read: the zip that torch.save writes since version 1.6 (data.pkl and one entry a storage), and the older row of
pickles with the storages behind it, which official networks also carry inside, once a tensor. Tensors are views of
the file until somebody asks for their numbers.
"""

from __future__ import annotations

import math
import struct
import zipfile
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from studio.checkpoints.errors import DamagedCheckpoint, UnsupportedCheckpoint
from studio.checkpoints.pickle_machine import OPCODES, PickleMachine, Value
from studio.checkpoints.tensors import TABLE, PickledTensor, TensorStorage, storage

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # how older torch files begin
ENTRIES = 100_000  # of a zip
NESTED = 500  # steps of a pickle that holds one storage; it has some 30


def numbers(tensor: PickledTensor) -> NDArray[np.float32]:
    """A tensor's numbers, [*shape]; a view of the file where that stores them so. Raises UnsupportedCheckpoint or
    DamagedCheckpoint.
    """
    kept = tensor.storage if isinstance(tensor.storage, TensorStorage) else _read_nested(tensor.storage.data)
    row = _row(kept)
    count = math.prod(tensor.shape)
    last = tensor.offset + sum((side - 1) * step for side, step in zip(tensor.shape, tensor.stride, strict=True))
    if count and (last >= len(row) or count > len(row)):
        raise DamagedCheckpoint("a tensor claims more numbers than there are")
    steps = tuple(step * row.itemsize for step in tensor.stride)
    view = np.lib.stride_tricks.as_strided(row[tensor.offset :], tensor.shape, steps, writeable=False)
    if kept.kind == "bf16":
        return (np.asarray(view, np.uint32, order="C") << 16).view(np.float32)
    return np.asarray(view, np.float32, order="C")


def read_zip(path: Path, data: memoryview) -> Value:
    """The value that torch.save put into a zip. `data` is the whole file. Raises UnsupportedCheckpoint or
    DamagedCheckpoint.
    """
    entries = _entries(path, data)
    pickles = [name for name in entries if name.rpartition("/")[2] == "data.pkl"]
    if not pickles:
        raise UnsupportedCheckpoint("it is a zip and no checkpoint: torch's have a data.pkl inside")
    prefix = min(pickles, key=len).removesuffix("data.pkl")
    if prefix + "constants.pkl" in entries:
        raise UnsupportedCheckpoint("it is a compiled TorchScript program and no checkpoint")
    if bytes(entries.get(prefix + "byteorder", memoryview(b"little"))[:10]).strip() != b"little":
        raise UnsupportedCheckpoint("its numbers are stored in the order of big-endian machines")
    places = {name.removeprefix(prefix + "data/"): part for name, part in entries.items()}
    return PickleMachine(entries[prefix + "data.pkl"], TABLE, lambda value: storage(value, places)).load()[0]


def read_pickle(data: memoryview, steps: int = OPCODES) -> Value:
    """The value of a plain pickle, or of an older torch file, of so many steps. Raises UnsupportedCheckpoint or
    DamagedCheckpoint.
    """
    places: dict[str, memoryview] = {}
    kinds: dict[str, str] = {}

    def persistent(value: Value) -> Value:
        found = storage(value, places)
        kinds[found.key] = found.kind
        return found

    machine = PickleMachine(data, TABLE, persistent, steps)
    value, at = machine.load()
    if value != MAGIC or type(value) is not int:
        return value
    protocol, at = machine.load(at)
    if protocol != PROTOCOL:
        raise UnsupportedCheckpoint("it is a torch file of an unknown version")
    about, at = machine.load(at)
    if isinstance(about, dict) and cast("dict[Value, Value]", about).get("little_endian") is False:
        raise UnsupportedCheckpoint("its numbers are stored in the order of big-endian machines")
    value, at = machine.load(at)
    keys, at = machine.load(at)
    if not isinstance(keys, list):
        raise DamagedCheckpoint("it is no whole torch file")
    for key in cast("list[Value]", keys):
        if not isinstance(key, str) or key not in kinds or at + 8 > len(data):
            raise DamagedCheckpoint("its end is missing")
        count = struct.unpack("<q", data[at : at + 8])[0]
        size = count * _width(kinds[key])
        if not 0 <= size <= len(data) - at - 8:
            raise DamagedCheckpoint("its end is missing")
        places[key] = data[at + 8 : at + 8 + size]
        at += 8 + size
    return value


def _read_nested(data: memoryview) -> TensorStorage:
    if bytes(data[:2]) == b"PK":
        raise UnsupportedCheckpoint("a tensor in it lies in a zip of its own, which no official network does")
    kept = read_pickle(data, NESTED)
    if not isinstance(kept, TensorStorage):
        raise UnsupportedCheckpoint("a tensor in it holds something else than numbers")
    return kept


def _entries(path: Path, data: memoryview) -> dict[str, memoryview]:
    """The entries of a zip as parts of its memory; torch stores them as they are."""
    try:
        with zipfile.ZipFile(path) as file:
            infos = file.infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError, struct.error, EOFError):
        raise DamagedCheckpoint("it begins like a zip, and its table of contents is missing or scrambled") from None
    if len(infos) > ENTRIES:
        raise UnsupportedCheckpoint("it holds far more parts than any checkpoint")
    found: dict[str, memoryview] = {}
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
            raise UnsupportedCheckpoint(
                "it is a compressed zip; checkpoints are zips whose parts are stored as they are"
            )
        head = data[info.header_offset : info.header_offset + 30]
        if len(head) < 30 or bytes(head[:4]) != b"PK\x03\x04":
            raise DamagedCheckpoint("its table of contents points nowhere")
        name, extra = struct.unpack("<HH", head[26:30])
        begin = info.header_offset + 30 + name + extra
        if begin + info.file_size > len(data):
            raise DamagedCheckpoint("its end is missing")
        found[info.filename] = data[begin : begin + info.file_size]
    return found


def _width(kind: str) -> int:
    return 2 if kind == "bf16" else np.dtype(kind).itemsize


def _row(kept: TensorStorage) -> NDArray[Any]:
    """All numbers of a storage."""
    data = kept.buffers.get(kept.key)
    if data is None:
        raise DamagedCheckpoint("the numbers of a tensor are missing")
    width = _width(kept.kind)
    if kept.count < 0 or kept.count * width > len(data):
        raise DamagedCheckpoint("the numbers of a tensor are cut short")
    return np.frombuffer(data, "<u2" if kept.kind == "bf16" else f"<{kept.kind}", kept.count)
