"""Documents of earlier studios, read to be migrated: snapshots, journals of edits and version files in a folder."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from studio.documents.database import (
    DocumentRows,
    VersionRow,
    checked,
    damaged,
    decode,
    encode,
    fingerprint,
    newer,
    unsealed,
)
from studio.documents.json_diff import Change, apply
from studio.errors import BadInput, Message, StudioError
from studio.system.storage import free_path

SCHEMA = 1
"""The version of these files; a newer studio's have a larger one and are not changed."""

ASIDE = "old"
"""The sub-folder that they are moved to once the database is written."""


def generations(folder: Path) -> list[int]:
    """Numbers of the snapshots, ascending; none where the folder holds no document of an earlier studio."""
    numbers = [path.name.removeprefix("snapshot.") for path in folder.glob("snapshot.*")]
    return sorted(int(number) for number in numbers if number.isascii() and number.isdigit())


def header(path: Path) -> dict[str, Any]:
    """The header of a sealed file. Raises BadInput for a damaged one, StudioError for one of a newer studio."""
    try:
        with path.open("rb") as file:
            found = decode(file.readline(2**20))
    except (OSError, ValueError) as error:
        raise BadInput("{name} is damaged.", name=path.name) from error
    schema = found.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise newer()
    return found


def heading(folder: Path) -> dict[str, Any]:
    """Kind and title of the document. Raises as `header` does."""
    return header(folder / f"snapshot.{generations(folder)[-1]}")


def saved_at(folder: Path) -> float:
    """Seconds since 1970 when the document was last saved."""
    files = [folder / f"{name}.{generations(folder)[-1]}" for name in ("snapshot", "journal")]
    return max(path.stat().st_mtime for path in files if path.exists())


def read(folder: Path) -> DocumentRows:
    """The newest state that can be read and the intact versions. Changes nothing.

    Raises StudioError where a newer studio wrote it or it is damaged beyond its versions.
    """
    numbers, notices = generations(folder), list[Message]()
    state: dict[str, Any] | None = None
    first = numbers[-1]
    for first in reversed(numbers):
        try:
            state = _unseal(folder / f"snapshot.{first}")
            break
        except BadInput:
            notices.append(
                Message("snapshot.{number} was damaged; the one before it and its journal were used.", number=first)
            )
    versions = _versions(folder / "versions")
    if state is None:
        if not versions:
            raise damaged(folder)
        # The version itself must not change with the state.
        state = decode(encode(versions[-1].state))
        notices.append(Message("The document was damaged; version {number} was used.", number=versions[-1].number))
        first = numbers[-1]
    # Each journal leads from its snapshot to the next one.
    for number in range(first, numbers[-1] + 1):
        path = folder / f"journal.{number}"
        state, broken = _replay(path, state)
        if broken and number == numbers[-1]:
            notices.append(Message("{name} was damaged; what came after the damage is kept in it.", name=path.name))
    return DocumentRows(checked(state), versions, notices)


def set_aside(folder: Path, step: Callable[[str], None]) -> None:
    """Move the old files into a sub-folder. The database must have been written."""
    names = ("snapshot.*", "journal.*", "damaged-journal.*", "versions")
    for path in [path for name in names for path in sorted(folder.glob(name))]:
        step("set aside")
        (folder / ASIDE).mkdir(exist_ok=True)
        path.replace(free_path(folder / ASIDE / path.name))


def _versions(folder: Path) -> list[VersionRow]:
    found: list[VersionRow] = []
    for path in folder.glob("*.version"):
        with contextlib.suppress(StudioError, KeyError, ValueError, TypeError):
            head, state = header(path), _unseal(path)
            name, automatic = str(head.get("name", "")), head.get("automatic") is True
            found.append(VersionRow(int(path.stem), name, automatic, float(head["saved"]), state))
    return sorted(found, key=lambda version: version.number)


def _unseal(path: Path) -> dict[str, Any]:
    """The state of a document in a sealed file, checked against its checksum. Raises as `header` does."""
    head = header(path)
    try:
        return unsealed(path.read_bytes().split(b"\n", 1)[1], head.get("crc"))
    except (OSError, ValueError, IndexError) as error:
        raise BadInput("{name} is damaged.", name=path.name) from error


def _replay(path: Path, state: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Apply a journal to `state`, which is changed in place; also returns whether intact lines follow a broken one.

    Stops at the first line that is damaged or of another state. A missing journal changes nothing.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return state, False
    base = fingerprint(state)
    good = count = 0
    while (end := data.find(b"\n", good)) >= 0:
        changes = _changes(data[good:end], count, base)
        if changes is None:
            break
        try:
            state = cast("dict[str, Any]", apply(state, changes))
        except ValueError:
            break
        count, good = count + 1, end + 1
    # A crash can only tear the last line. Intact lines after a broken one are edits that cannot be applied.
    return state, any(_crc_fits(line) for line in data[good:].split(b"\n")[:-1])


def _changes(line: bytes, number: int, base: int) -> list[Change] | None:
    """The changes in a line; None where it is torn, damaged or not the one that belongs here."""
    if not _crc_fits(line):
        return None
    try:
        found = decode(line[9:])
    except ValueError:
        return None
    changes: object = found.get("changes")
    if found.get("base") != base or found.get("n") != number or not isinstance(changes, list):
        return None
    return cast("list[Change]", changes)


def _crc_fits(line: bytes) -> bool:
    return line[:9] == b"%08x " % zlib.crc32(line[9:])
