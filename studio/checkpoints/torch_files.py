"""Reads the files that torch writes, without torch: inert values, and the numbers of their tensors.

Two formats are read: the zip that torch.save writes since version 1.6 (data.pkl and an entry for each storage), and the
older sequence of pickles with the storages behind it, which official networks also contain, once for each tensor.
Tensors are views of the file until their numbers are asked for.
"""

from __future__ import annotations

import math
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from studio.checkpoints.errors import DamagedCheckpoint, UnsupportedCheckpoint
from studio.checkpoints.pickle_machine import OPCODES, AllowedNames, PickledName, PickleMachine, Value, fill, unique
from studio.errors import Message

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # the first values of an older torch file
ENTRIES = 100_000  # of a zip
NESTED = 500  # steps of a pickle with one storage; usually about 30
RANK = 8  # dimensions of one tensor
KINDS = {
    "FloatStorage": "f4", "HalfStorage": "f2", "DoubleStorage": "f8", "BFloat16Storage": "bf16",
    "LongStorage": "i8", "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1",
    "BoolStorage": "?",
}  # fmt: skip
"""NumPy's dtypes of storages; bf16 has none and is read as the upper half of f4."""


@dataclass(slots=True, eq=False)
class TensorStorage:
    """The numbers of one or more tensors. `buffers` has their bytes under `key` once the whole file was read."""

    kind: str
    key: str
    count: int
    buffers: dict[str, memoryview]


@dataclass(slots=True, eq=False)
class NestedTorchFile:
    """A torch file inside a pickle, with one storage. It is read when its numbers are asked for."""

    data: memoryview


@dataclass(slots=True, eq=False)
class PickledTensor:
    """A tensor as the file describes it; its shape is checked when its numbers are asked for."""

    storage: TensorStorage | NestedTorchFile
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(slots=True, eq=False)
class PickledNetwork:
    """A module that was pickled with the source of its class; the source is neither run nor stored."""

    class_name: str
    state: dict[Value, Value]


def numbers(tensor: PickledTensor) -> NDArray[np.float32]:
    """A tensor's numbers, `[*shape]`; a view of the file where it stores float32 in that order.

    Raises UnsupportedCheckpoint or DamagedCheckpoint.
    """
    stored = tensor.storage if isinstance(tensor.storage, TensorStorage) else _read_nested(tensor.storage.data)
    row = _row(stored)
    count = math.prod(tensor.shape)
    last = tensor.offset + sum((side - 1) * step for side, step in zip(tensor.shape, tensor.stride, strict=True))
    if count and (last >= len(row) or count > len(row)):
        raise DamagedCheckpoint("a tensor claims more numbers than there are")
    steps = tuple(step * row.itemsize for step in tensor.stride)
    view = np.lib.stride_tricks.as_strided(row[tensor.offset :], tensor.shape, steps, writeable=False)
    if stored.kind == "bf16":
        return (np.asarray(view, np.uint32, order="C") << 16).view(np.float32)
    return np.asarray(view, np.float32, order="C")


def read_zip(path: Path, data: memoryview) -> Value:
    """The value that torch.save wrote as a zip; `data` is the whole file.

    Raises UnsupportedCheckpoint or DamagedCheckpoint.
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
    buffers = {name.removeprefix(prefix + "data/"): part for name, part in entries.items()}
    return PickleMachine(entries[prefix + "data.pkl"], TABLE, lambda value: _persistent_storage(value, buffers)).load()[
        0
    ]


def read_pickle(data: memoryview, steps: int = OPCODES) -> Value:
    """The value of a plain pickle or of an older torch file; `steps` bounds the opcodes of each pickle in it.

    Raises UnsupportedCheckpoint or DamagedCheckpoint.
    """
    buffers: dict[str, memoryview] = {}
    kinds: dict[str, str] = {}

    def persistent(value: Value) -> Value:
        found = _persistent_storage(value, buffers)
        kinds[found.key] = found.kind
        return found

    machine = PickleMachine(data, TABLE, persistent, steps)
    value, at = machine.load()
    if value != MAGIC or type(value) is not int:
        return value
    protocol, at = machine.load(at)
    if protocol != PROTOCOL:
        raise UnsupportedCheckpoint("it is a torch file of an unknown version")
    system, at = machine.load(at)
    if isinstance(system, dict) and cast("dict[Value, Value]", system).get("little_endian") is False:
        raise UnsupportedCheckpoint("its numbers are stored in the order of big-endian machines")
    value, at = machine.load(at)
    keys, at = machine.load(at)
    if not isinstance(keys, list):
        raise DamagedCheckpoint("it is not a complete torch file")
    for key in cast("list[Value]", keys):
        if not isinstance(key, str) or key not in kinds or at + 8 > len(data):
            raise DamagedCheckpoint("its end is missing")
        count = struct.unpack("<q", data[at : at + 8])[0]
        size = count * _width(kinds[key])
        if not 0 <= size <= len(data) - at - 8:
            raise DamagedCheckpoint("its end is missing")
        buffers[key] = data[at + 8 : at + 8 + size]
        at += 8 + size
    return value


def _read_nested(data: memoryview) -> TensorStorage:
    if bytes(data[:2]) == b"PK":
        raise UnsupportedCheckpoint("a tensor in it lies in a zip of its own, which no official network does")
    stored = read_pickle(data, NESTED)
    if not isinstance(stored, TensorStorage):
        raise UnsupportedCheckpoint("a tensor in it holds something else than numbers")
    return stored


def _entries(path: Path, data: memoryview) -> dict[str, memoryview]:
    """The entries of a zip as views of its bytes; torch stores them uncompressed."""
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


def _row(stored: TensorStorage) -> NDArray[Any]:
    """All numbers of a storage."""
    data = stored.buffers.get(stored.key)
    if data is None:
        raise DamagedCheckpoint("the numbers of a tensor are missing")
    width = _width(stored.kind)
    if stored.count < 0 or stored.count * width > len(data):
        raise DamagedCheckpoint("the numbers of a tensor are cut short")
    return np.frombuffer(data, "<u2" if stored.kind == "bf16" else f"<{stored.kind}", stored.count)


def _persistent_storage(value: Value, buffers: dict[str, memoryview]) -> TensorStorage:
    """A reference to a storage outside the pickle: ("storage", kind, key, device, count[, view])."""
    parts: tuple[Value, ...] = cast("tuple[Value, ...]", value) if isinstance(value, tuple) else ()
    if not 5 <= len(parts) <= 6 or parts[0] != "storage":
        raise UnsupportedCheckpoint("it refers to data that is not in it")
    kind, key, count = parts[1], parts[2], parts[4]
    if len(parts) == 6 and parts[5] is not None:
        raise UnsupportedCheckpoint("it was written by a torch of before 2018, whose files are not read")
    if (
        not isinstance(kind, PickledName)
        or kind.name not in KINDS
        or not isinstance(key, str)
        or type(count) is not int
    ):
        raise UnsupportedCheckpoint("it holds numbers of an unknown kind")
    return TensorStorage(KINDS[kind.name], key, count, buffers)


def _tensor(args: tuple[Value, ...]) -> PickledTensor:
    storage, offset, shape, stride = args[:4] if len(args) >= 4 else (None, 0, (), ())
    if not isinstance(storage, TensorStorage | NestedTorchFile) or type(offset) is not int or offset < 0:
        raise DamagedCheckpoint("a tensor in it is scrambled")
    sizes, strides = _counts(shape), _counts(stride)
    if len(sizes) != len(strides):
        raise DamagedCheckpoint("a tensor in it is scrambled")
    return PickledTensor(storage, offset, sizes, strides)


def _counts(value: Value) -> tuple[int, ...]:
    items: tuple[Value, ...] = cast("tuple[Value, ...]", value) if isinstance(value, tuple) else (None,)
    if len(items) > RANK or not all(type(item) is int and 0 <= item < 2**40 for item in items):
        raise DamagedCheckpoint("a tensor in it has an impossible shape")
    return items


def _nested_file(args: tuple[Value, ...]) -> NestedTorchFile:
    if len(args) != 1 or not isinstance(args[0], memoryview):
        raise DamagedCheckpoint("a tensor in it is scrambled")
    return NestedTorchFile(args[0])


def _network(args: tuple[Value, ...]) -> PickledNetwork:
    meta = cast("dict[Value, Value]", args[0]) if args and isinstance(args[0], dict) else {}
    state, name = meta.get("state"), meta.get("class_name")
    if not isinstance(state, dict) or not isinstance(name, str):
        raise DamagedCheckpoint("a network in it is scrambled")
    return PickledNetwork(name, cast("dict[Value, Value]", state))


def _dict(args: tuple[Value, ...]) -> dict[Value, Value]:
    result: dict[Value, Value] = {}
    if args:
        pairs = args[0]
        if not isinstance(pairs, list) or not all(
            isinstance(pair, list | tuple) and len(cast("list[Value]", pair)) == 2
            for pair in cast("list[Value]", pairs)
        ):
            raise DamagedCheckpoint("its pickle is scrambled")
        fill(result, pairs)
    return result


def _set(args: tuple[Value, ...]) -> set[Value]:
    items: Value = args[0] if args else []
    if not isinstance(items, list | tuple):
        raise DamagedCheckpoint("its pickle is scrambled")
    return set(unique(cast("list[Value]", items)))


def _parameter(args: tuple[Value, ...]) -> Value:
    if not args:
        raise DamagedCheckpoint("a tensor in it is scrambled")
    return args[0]


def _text_bytes(args: tuple[Value, ...]) -> memoryview:
    """`_codecs.encode(text, "latin1")`, which is how protocol 2 writes bytes."""
    if len(args) != 2 or not isinstance(args[0], str) or args[1] not in ("latin1", "latin-1"):
        raise UnsupportedCheckpoint("it wants _codecs.encode to be called in a way that no checkpoint does")
    try:
        return memoryview(args[0].encode("latin-1"))
    except UnicodeEncodeError:
        raise DamagedCheckpoint("its pickle is scrambled") from None


def _reason(name: PickledName) -> Message | None:
    if name.module.startswith("dnnlib.tflib"):
        return Message(
            "it was written by the TensorFlow version of StyleGAN, and such a file cannot be read without running the "
            "program inside; the official tools convert it to the PyTorch version"
        )
    if name.module.startswith(("training.", "torch_utils.", "dnnlib", "pytorch_lightning", "omegaconf")):
        return Message(
            "it holds a {name} of {module}, which is no StyleGAN that the studio reads",
            name=name.name[:60],
            module=name.module[:60],
        )
    return None


TABLE = AllowedNames(
    makers={
        ("torch_utils.persistence", "_reconstruct_persistent_obj"): _network,
        ("torch._utils", "_rebuild_tensor_v2"): _tensor,
        ("torch._utils", "_rebuild_tensor"): _tensor,
        ("torch._utils", "_rebuild_parameter"): _parameter,
        ("torch.storage", "_load_from_bytes"): _nested_file,
        ("torch", "Size"): lambda args: tuple(args[0]) if args and isinstance(args[0], list | tuple) else (),
        ("torch", "device"): lambda _args: None,
        ("collections", "OrderedDict"): _dict,
        ("dnnlib.util", "EasyDict"): _dict,
        ("_codecs", "encode"): _text_bytes,
        **{(module, name): _set for module in ("builtins", "__builtin__") for name in ("set", "frozenset")},
    },
    inert=frozenset(
        {
            *(("torch", name) for name in KINDS),
            *(("torch", name) for name in ("float32", "float16", "float64", "bfloat16", "int64", "int32", "uint8")),
            ("argparse", "Namespace"),
            # Sizes and gains of official layers are NumPy's; none of them is needed.
            *(("numpy", name) for name in ("dtype", "ndarray")),
            *(
                (f"{core}.multiarray", name)
                for core in ("numpy.core", "numpy._core")
                for name in ("scalar", "_reconstruct")
            ),
            *((f"{core}.numeric", "_frombuffer") for core in ("numpy.core", "numpy._core")),
        }
    ),
    prefixes=("torch.nn.modules.",),
    reason=_reason,
)
"""The names in checkpoints of StyleGAN networks. Storages, dtypes and classes of torch.nn may be named, not called."""
