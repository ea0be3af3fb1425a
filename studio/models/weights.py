"""Headers of weights: names, shapes and types of tensors, without loading them; JSON beside them; hashes.

The library's own reader checks a header: that the tensors fill the file exactly, and fit their shapes. What it finds
wrong is put into words here.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from studio.errors import Flaw, Message, StudioError
from studio.models import gguf
from studio.models.gguf import DamagedGguf, GgufHeader
from studio.system.storage import sha256_of

SETTINGS = (".json", ".jinja", ".txt", ".model", ".tiktoken")
"""The suffixes of configs, tokenizers and templates."""
ADDED = "directions.json"
"""A file of a model that a person adds to and changes."""
ADDED_PREVIEWS = "directions"
"""The folder of its pictures."""

GGUF = ".gguf"
JSON_LIMIT = 8_000_000  # bytes of a config.json or model_index.json; they have a few thousand

_WORDS = {
    "header too small": Message("it is too short to be a safetensors file"),
    "header too large": Message("it does not begin like a safetensors file, or its end is missing"),
    "incomplete metadata": Message("its end is missing, or there is something after it"),
    "invalid offset": Message("its tensors overlap, leave gaps or do not fit their shapes"),
    "overflow": Message("its tensors overlap, leave gaps or do not fit their shapes"),
}
"""What the library's errors mean, by a part of their text."""


OTHER_FORMATS = {
    b"\x1f\x8b": Message("a compressed archive (gzip)"),
    b"BZh": Message("a compressed archive (bzip2)"),
    b"\xfd7zXZ": Message("a compressed archive (xz)"),
    b"7z\xbc\xaf": Message("a compressed archive (7z)"),
    b"Rar!": Message("a compressed archive (rar)"),
    b"version https://git-lfs": Message("only a pointer to a file (Git LFS)"),
    **dict.fromkeys((b"<!DOCTYPE", b"<!doctype", b"<html"), Message("a web page")),
    b"\x89HDF": Message("an HDF5 file"),
    b"\x93NUMPY": Message("a NumPy file"),
    b"\x89PNG": Message("a picture"),
}
"""The first bytes of files of other kinds, and what these are."""

WEIGHTS_OF_OTHERS = {
    b"PK": Message("a zip archive"),
    b"\x80": Message("a pickle"),
}
"""The same for files that may hold weights, under the name of another format."""


def other_format(head: bytes, more: Mapping[bytes, Message] = MappingProxyType({})) -> Message | None:
    """What a file with these first bytes is, if it is of another kind; `more` are further kinds."""
    return next((said for magic, said in {**OTHER_FORMATS, **more}.items() if head.startswith(magic)), None)


@dataclass(frozen=True, slots=True)
class TensorHeader:
    """The entry of one tensor in a header; `dtype` is the format's own name, such as "BF16"."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SafetensorsHeader:
    """The header of a safetensors file. `tensors` are in the order of their bytes, which follow without gaps."""

    tensors: Mapping[str, TensorHeader]
    metadata: Mapping[str, str]


class DamagedWeights(Flaw):
    """What is wrong with a file, as the end of a sentence that starts with its name."""


def check_file(path: Path) -> None:
    """Return if `path` is a whole safetensors or GGUF file; otherwise raise StudioError that names it and says what to
    do.

    Reads the header only.
    """
    if path.suffix == GGUF:
        read_gguf(path)
        return
    with _opened(path):
        pass


def read_gguf(path: Path) -> GgufHeader:
    """The checked header of a GGUF file. Raises StudioError as `check_file` does."""
    with _errors_named(path):
        if (what := _other_kind(path)) is not None:
            raise DamagedWeights("it is {what} and no GGUF file", what=what)
        return gguf.read_header(path)


def read_header(path: Path) -> SafetensorsHeader:
    """The checked header of a safetensors file. Raises StudioError as `check_file` does."""
    with _opened(path) as file:
        slices = {name: file.get_slice(name) for name in file.offset_keys()}
        tensors = {name: TensorHeader(one.get_dtype(), tuple(one.get_shape())) for name, one in slices.items()}
        return SafetensorsHeader(tensors, file.metadata() or {})


@contextlib.contextmanager
def _opened(path: Path) -> Generator[Any]:
    """The file in the library's reader, a `safe_open`. Raises as `check_file` does."""
    from safetensors import SafetensorError, safe_open  # only reading weights pays for it: the window starts without

    with _errors_named(path):
        path.open("rb").close()  # whose errors say more than the library's
        try:
            file: Any = safe_open(path, framework="np")
        except SafetensorError as error:
            if (what := _other_kind(path, {b"GGUF": Message("a GGUF file")})) is not None:
                raise DamagedWeights("it is {what} and no safetensors file", what=what) from error
            words = (said for part, said in _WORDS.items() if part in str(error))
            raise DamagedWeights(next(words, Message("its header is not valid"))) from error
    with file:
        yield file


def _other_kind(path: Path, more: Mapping[bytes, Message] = MappingProxyType({})) -> Message | None:
    with path.open("rb") as file:
        return other_format(file.read(64), {**WEIGHTS_OF_OTHERS, **more})


@contextlib.contextmanager
def _errors_named(path: Path) -> Generator[None]:
    """Raises StudioError, which names the file, for errors of the disk and for damaged weights."""
    try:
        yield
    except OSError as error:
        raise StudioError(
            "{path} cannot be read: {reason}.",
            "Check that the file is there.",
            path=path,
            reason=error.strerror or error,
        ) from error
    except (DamagedWeights, DamagedGguf) as error:
        raise StudioError(
            "{path} is damaged: {reason}.", "Download or copy it again.", path=path, reason=error
        ) from error


def parse(raw: bytes) -> dict[str, Any]:
    """A JSON object from an untrusted file. Raises DamagedWeights, also for a key that occurs twice."""

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
    with _errors_named(path):
        with path.open("rb") as file:
            raw = file.read(JSON_LIMIT + 1)
        if len(raw) > JSON_LIMIT:
            raise DamagedWeights("it is far too large")
        return parse(raw)


def json_or_empty(path: Path) -> Mapping[str, Any]:
    """The same; empty where it cannot be read, which whoever loads the model says."""
    try:
        return read_json(path)
    except StudioError:
        return {}


def weight_files(folder: Path) -> list[Path]:
    """The files of weights under a folder, sorted by their relative paths."""
    found = (path for path in folder.rglob("*") if path.suffix in (".safetensors", GGUF) and path.is_file())
    return sorted(found, key=lambda path: path.as_posix())


def settings_files(folder: Path) -> dict[str, str]:
    """The sha256 of the files under a folder that decide what comes of its weights, by their relative paths."""
    found = [path for path in folder.rglob("*") if path.suffix in SETTINGS and path.name != ADDED and path.is_file()]
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in sorted(found)}


def fingerprint(
    folder: Path, files: Iterable[Path] | None = None, on_chunk: Callable[[int], object] = lambda _bytes: None
) -> tuple[int, str]:
    """(bytes, sha256) of the weights in a folder: the hash is that of the sorted lines "<sha256>  <relative path>".

    `on_chunk(bytes)` is called after each part that was read; what it raises passes through.
    """
    size, lines = 0, list[str]()
    for path in weight_files(folder) if files is None else files:
        size += path.stat().st_size
        lines.append(f"{sha256_of(path, on_chunk)}  {path.relative_to(folder).as_posix()}\n")
    return size, hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
