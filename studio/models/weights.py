"""Headers of safetensors files: names, shapes and sizes of tensors, without loading them.

The format (huggingface.co/docs/safetensors): eight bytes little-endian N, N bytes of JSON, then the tensors' bytes.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from studio.errors import Flaw, StudioError

HEADER_LIMIT = 100_000_000  # bytes; the limit of the format's own readers
RANK_LIMIT = 64  # sides of one tensor; no library goes beyond this
JSON_LIMIT = 8_000_000  # bytes of a config.json or model_index.json; they have a few thousand

BITS = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), 64),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}


@dataclass(frozen=True, slots=True)
class TensorHeader:
    """What a header says of one tensor; `begin` and `end` are bytes after the header."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class SafetensorsHeader:
    """All a safetensors file says of itself."""

    tensors: Mapping[str, TensorHeader]
    metadata: Mapping[str, str]


class DamagedWeights(Flaw):
    """What is wrong with a file, as the end of a sentence that starts with its name."""


def check_safetensors(path: Path) -> None:
    """Return if `path` is a whole safetensors file; otherwise raise StudioError that names it and says what to do.

    Reads the header only: every tensor must lie in the file, none over another, none missing bytes.
    """
    read_header(path)


def read_header(path: Path) -> SafetensorsHeader:
    """The checked header of a safetensors file. Raises StudioError as `check_safetensors` does."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            return _header(file.read(8), file.read, size)
    except OSError as error:
        raise StudioError(
            "{path} cannot be read: {reason}.", "Check that the file is there.", path=path, reason=error.strerror
        ) from error
    except DamagedWeights as error:
        raise StudioError(
            "{path} is damaged: {reason}.", "Download or copy it again.", path=path, reason=error
        ) from error


def _header(first: bytes, read: Any, size: int) -> SafetensorsHeader:
    if len(first) < 8:
        raise DamagedWeights("it is too short to be a safetensors file")
    length = int.from_bytes(first, "little")
    if length > HEADER_LIMIT or length > size - 8:
        raise DamagedWeights("it does not begin like a safetensors file, or its end is missing")
    table = parse(cast(bytes, read(length)))
    metadata = table.pop("__metadata__", {})
    if not isinstance(metadata, dict):
        raise DamagedWeights("its metadata is no table")
    said = {str(key): str(value) for key, value in cast(dict[Any, Any], metadata).items()}
    tensors = {name: _tensor(name, entry) for name, entry in table.items()}
    _check_places(tensors, size - 8 - length)
    return SafetensorsHeader(tensors, said)


def _tensor(name: str, entry: Any) -> TensorHeader:
    label = repr(name[:80])
    if not isinstance(entry, dict):
        raise DamagedWeights("its entry {label} is no table", label=label)
    fields = cast(dict[str, Any], entry)
    dtype, shape, offsets = fields.get("dtype"), fields.get("shape"), fields.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in BITS:
        raise DamagedWeights("the numbers of {label} are of an unknown type", label=label)
    sides, place = _counts(shape), _counts(offsets)
    if sides is None or place is None or len(place) != 2:
        raise DamagedWeights("the shape or the place of {label} is no list of whole numbers", label=label)
    begin, end = place
    if math.prod(sides) * BITS[dtype] != (end - begin) * 8:
        raise DamagedWeights("the size of {label} does not match its shape", label=label)
    return TensorHeader(dtype, tuple(sides), begin, end)


def _counts(value: Any) -> list[int] | None:
    if not isinstance(value, list):
        return None
    items = cast(list[Any], value)
    if len(items) > RANK_LIMIT or not all(type(item) is int and 0 <= item < 2**63 for item in items):
        return None
    return items


def _check_places(tensors: Mapping[str, TensorHeader], size: int) -> None:
    """The tensors fill the `size` bytes after the header exactly: no gap, no overlap."""
    at = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        if tensor.begin != at:
            raise DamagedWeights("{name!r} overlaps another tensor or leaves a gap", name=name[:80])
        at = tensor.end
    if at > size:
        raise DamagedWeights("{count:,} bytes are missing at its end", count=at - size)
    if at < size:
        raise DamagedWeights("it has {count:,} bytes that belong to no tensor", count=size - at)


def parse(raw: bytes) -> dict[str, Any]:
    """A JSON object from a file nobody vouches for. Raises DamagedWeights; a key that comes twice is refused."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise DamagedWeights("a name comes twice in its JSON")
        return found

    try:
        value = json.loads(raw, object_pairs_hook=once)
    except RecursionError as error:
        raise DamagedWeights("its JSON is nested too deeply") from error
    except ValueError as error:
        if isinstance(error, DamagedWeights):
            raise
        raise DamagedWeights("its JSON is not valid") from error
    if not isinstance(value, dict):
        raise DamagedWeights("its JSON is no object")
    return cast(dict[str, Any], value)


def read_json(path: Path) -> dict[str, Any]:
    """A small JSON object beside the weights, such as config.json. Raises StudioError that names the file."""
    try:
        with path.open("rb") as file:
            raw = file.read(JSON_LIMIT + 1)
        if len(raw) > JSON_LIMIT:
            raise DamagedWeights("it is far too large")
        return parse(raw)
    except OSError as error:
        raise StudioError(
            "{path} cannot be read: {reason}.", "Check that the file is there.", path=path, reason=error.strerror
        ) from error
    except DamagedWeights as error:
        raise StudioError(
            "{path} is damaged: {reason}.", "Download or copy it again.", path=path, reason=error
        ) from error


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files under a folder, sorted by their relative paths."""
    return sorted((path for path in folder.rglob("*.safetensors") if path.is_file()), key=lambda path: path.as_posix())


def fingerprint(folder: Path, files: Iterable[Path] | None = None) -> tuple[int, str]:
    """(bytes, sha256) of the weights in a folder: the hash is that of the sorted lines "<sha256>  <relative path>"."""
    size, lines = 0, list[str]()
    for path in weight_files(folder) if files is None else files:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size += path.stat().st_size
        lines.append(f"{digest}  {path.relative_to(folder).as_posix()}\n")
    return size, hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
