"""Files of a document: snapshots with a header and a checksum, and journals of edits whose last line may be torn."""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from studio.documents.json_diff import Change, apply
from studio.errors import BadInput, StudioError
from studio.system.storage import write_atomic

SCHEMA = 1
"""The version of the files; a larger one was written by a newer studio and is left alone."""


def seal(path: Path, header: dict[str, Any], state: dict[str, Any]) -> None:
    """Write a header line and a line with the state, whole or not at all. Raises OSError."""
    head = _line({"schema": SCHEMA, "crc": fingerprint(state), **header})
    write_atomic(path, head + b"\n" + _line(state) + b"\n")


def fingerprint(state: dict[str, Any]) -> int:
    """A checksum that equal states share, whatever the order of their keys."""
    return zlib.crc32(json.dumps(state, sort_keys=True).encode())


def header(path: Path) -> dict[str, Any]:
    """The header of a sealed file. Raises BadInput for a damaged one, StudioError for one of a newer studio."""
    try:
        with path.open("rb") as file:
            found = _object(file.readline(2**20))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput("{name} is damaged.", name=path.name) from error
    schema = found.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise StudioError("This document was saved by a newer AIGC Studio.", "Update the studio to open it.")
    return found


def unseal(path: Path) -> dict[str, Any]:
    """The state of a document in a sealed file, checked against its checksum. Raises as `header` does."""
    head = header(path)
    try:
        with path.open("rb") as file:
            file.readline()
            state = checked(_object(file.read()))
        if fingerprint(state) != head.get("crc"):
            raise ValueError("wrong checksum")
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput("{name} is damaged.", name=path.name) from error
    return state


def checked(state: dict[str, Any]) -> dict[str, Any]:
    """The state, if it has the shape of a document's. Raises BadInput."""
    kinds = {"kind": str, "title": str, "works": list, "content": dict}
    if not all(isinstance(state.get(name), kind) for name, kind in kinds.items()):
        raise BadInput("This document is damaged.")
    return state


@dataclass(frozen=True, slots=True)
class JournalReplay:
    """What a journal makes of a state: `good` bytes were whole; `damaged` when whole lines follow a broken one."""

    state: dict[str, Any]
    lines: int
    good: int
    damaged: bool


def replay(path: Path, state: dict[str, Any]) -> JournalReplay:
    """Follow the journal of changes to `state`, which is changed in place, as far as it is whole and of this state.

    A missing journal changes nothing.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return JournalReplay(state, 0, 0, False)
    base = fingerprint(state)
    good = lines = 0
    while (end := data.find(b"\n", good)) >= 0:
        changes = _checked(data[good:end], lines, base)
        if changes is None:
            break
        try:
            state = cast("dict[str, Any]", apply(state, changes))
        except ValueError:
            break
        lines, good = lines + 1, end + 1
    # A torn line is the last one. Whole lines from here on are edits that have lost what they belong to.
    damaged = any(_crc_fits(line) for line in data[good:].split(b"\n")[:-1])
    return JournalReplay(state, lines, good, damaged)


class EditJournal:
    """A file of checked lines that only grows. Every line is on the disk when `append` returns."""

    def __init__(self, path: Path, base: int, lines: int = 0, good: int = 0) -> None:
        """Of a state with the fingerprint `base`. Goes on after `good` bytes; what follows, a torn line, is cut off."""
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        os.ftruncate(self._handle, good)
        self._base, self._lines = base, lines
        self.size = good

    def append(self, changes: list[Change]) -> None:
        """Raises OSError; then the journal is as it was."""
        body = _line({"base": self._base, "n": self._lines, "changes": changes})
        line = b"%08x " % zlib.crc32(body) + body + b"\n"
        try:
            os.lseek(self._handle, self.size, os.SEEK_SET)
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._handle, rest) :]
            os.fsync(self._handle)
        except OSError:
            os.ftruncate(self._handle, self.size)
            raise
        self.size += len(line)
        self._lines += 1

    def close(self) -> None:
        os.close(self._handle)


def _checked(line: bytes, number: int, base: int) -> list[Change] | None:
    """The changes in a line; None where it is torn, damaged or not the one that belongs here."""
    if not _crc_fits(line):
        return None
    try:
        found = _object(line[9:])
    except (ValueError, RecursionError):
        return None
    changes: object = found.get("changes")
    if found.get("base") != base or found.get("n") != number or not isinstance(changes, list):
        return None
    return cast("list[Change]", changes)


def _crc_fits(line: bytes) -> bool:
    return line[:9] == b"%08x " % zlib.crc32(line[9:])


def _line(value: dict[str, Any]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


def _object(data: bytes) -> dict[str, Any]:
    value: object = json.loads(data)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return cast("dict[str, Any]", value)
