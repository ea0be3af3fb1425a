"""The inert values of a checkpoint: storages, tensors, networks, and the names a pickle may use.

Imports no torch, and reads no files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from studio.checkpoints.errors import DamagedCheckpoint, UnsupportedCheckpoint
from studio.checkpoints.pickle_machine import AllowedNames, PickledName, Value, fill, unique
from studio.errors import Message

RANK = 8  # sides of one tensor
KINDS = {
    "FloatStorage": "f4", "HalfStorage": "f2", "DoubleStorage": "f8", "BFloat16Storage": "bf16",
    "LongStorage": "i8", "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1",
    "BoolStorage": "?",
}  # fmt: skip
"""NumPy's names of the numbers in a storage; bf16 has none and is read as the upper half of f4."""


@dataclass(slots=True, eq=False)
class TensorStorage:
    """A row of numbers. `places` knows by `key` where its bytes are, once the whole file was looked through."""

    kind: str
    key: str
    count: int
    buffers: dict[str, memoryview]


@dataclass(slots=True, eq=False)
class NestedTorchFile:
    """A torch file inside a pickle, holding one storage. It is read when its numbers are asked for, and not before."""

    data: memoryview


@dataclass(slots=True, eq=False)
class PickledTensor:
    """A tensor as the file describes it; nothing is believed of its shape until its numbers are asked for."""

    storage: TensorStorage | NestedTorchFile
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(slots=True, eq=False)
class PickledNetwork:
    """A module that was pickled with the source of its class; the source is never run, nor kept."""

    class_name: str
    state: dict[Value, Value]


def storage(value: Value, places: dict[str, memoryview]) -> TensorStorage:
    """What torch keeps outside a pickle: ("storage", kind, key, device, count[, view])."""
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
    return TensorStorage(KINDS[kind.name], key, count, places)


def _tensor(args: tuple[Value, ...]) -> PickledTensor:
    storage, offset, shape, stride = args[:4] if len(args) >= 4 else (None, 0, (), ())
    if not isinstance(storage, TensorStorage | NestedTorchFile) or type(offset) is not int or offset < 0:
        raise DamagedCheckpoint("a tensor in it is scrambled")
    sides, steps = _counts(shape), _counts(stride)
    if len(sides) != len(steps):
        raise DamagedCheckpoint("a tensor in it is scrambled")
    return PickledTensor(storage, offset, sides, steps)


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
    made: dict[Value, Value] = {}
    if args:
        pairs = args[0]
        if not isinstance(pairs, list) or not all(
            isinstance(pair, list | tuple) and len(cast("list[Value]", pair)) == 2
            for pair in cast("list[Value]", pairs)
        ):
            raise DamagedCheckpoint("its pickle is scrambled")
        fill(made, pairs)
    return made


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
    """`_codecs.encode(text, "latin1")`: how the second protocol writes bytes."""
    if len(args) != 2 or not isinstance(args[0], str) or args[1] not in ("latin1", "latin-1"):
        raise UnsupportedCheckpoint("it wants _codecs.encode to be called in a way that no checkpoint does")
    try:
        return memoryview(args[0].encode("latin-1"))
    except UnicodeEncodeError:
        raise DamagedCheckpoint("its pickle is scrambled") from None


def _words(name: PickledName) -> Message | None:
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
    words=_words,
)
"""What checkpoints of StyleGAN networks name. Storages and dtypes are words; classes of torch.nn only mark a place."""
