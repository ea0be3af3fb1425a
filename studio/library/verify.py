"""Keeps the library's index true to its files: rebuilds and syncs it, and finds missing, changed and orphaned files.

The only change it makes to files is to write a new sidecar for a work that lost its own.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from studio.errors import BadInput, Message, StudioError, counted
from studio.library import index as tables
from studio.library.asset import FOLDERS, AssetRecord, PartRecord, part_role
from studio.library.index import DamagedIndex, LibraryIndex
from studio.library.store import SOURCES, read_sidecar
from studio.media import codecs
from studio.media.payloads import Audio, Clip, Image, Text
from studio.media.provenance import parse_note
from studio.schema.request import Request
from studio.system.storage import FileLock, disk_errors_as, sha256_of, write_atomic

T = TypeVar("T")
OnProgress = Callable[[int, int], None]
"""Called with (works done, works in all)."""


REBUILD = Message("Run `studio library rebuild`.")


@dataclass(frozen=True, slots=True)
class LibraryProblem:
    """A problem with one file of the library, and what to do about it. `path` is relative to the library."""

    kind: Literal["missing", "changed", "orphan", "sidecar", "newer", "index"]
    path: str
    message: Message
    hint: Message
    id: str = ""


@dataclass(frozen=True, slots=True)
class _FoundSidecar:
    """A sidecar in the library: its record, or why it has none."""

    path: Path
    record: AssetRecord | None
    error: StudioError | None = None


def rebuild_records(folder: Path, on_progress: OnProgress | None = None) -> list[AssetRecord]:
    """The records of all works, read from the files, oldest first.

    A work whose sidecar is missing or damaged gets a new one if the studio's note is embedded in its file, or if there
    is a damaged sidecar; that one is renamed to `.json.damaged`.
    """
    records: list[AssetRecord] = []
    sidecars = list(_sidecars(folder))
    for done, path in enumerate(sidecars):
        found = _read_sidecar(path)
        if found.record:
            records.append(found.record)
        elif isinstance(found.error, BadInput):
            path.replace(path.with_name(path.name + ".damaged"))
        if on_progress:
            on_progress(done + 1, len(sidecars))
    known = {path for record in records for path in record.paths_in(folder)}
    # The shortest names first: a work's main file comes before its further files, which become part of the work.
    for media in sorted(_media_files(folder), key=lambda path: len(path.name)):
        if media not in known and not media.with_suffix(".json").exists():
            record = _adopt(folder, media)
            if record:
                records.append(record)
                known.update(record.paths_in(folder))
    return sorted(_without_duplicates(records), key=lambda record: (record.order, record.created, record.id))


def sidecar_records(folder: Path) -> list[AssetRecord]:
    """The records of all works whose sidecars can be read, oldest first. Writes nothing."""
    records = read_records(_sidecars(folder))
    return sorted(_without_duplicates(records), key=lambda record: (record.order, record.created, record.id))


def sidecar_folders(folder: Path) -> dict[str, str]:
    """The folder of every sidecar, by the id of its work. Reads names only, so that many thousand take milliseconds."""
    found: dict[str, str] = {}
    for room in FOLDERS:
        for month in os.scandir(folder / room):
            if month.is_dir():
                for name in os.listdir(month.path):  # noqa: PTH208 - makes no Path of each
                    if name.endswith(".json") and name[0] != ".":
                        found[name[:-5]] = month.path
    return found


def unindexed_texts(folder: Path, ids: Collection[str]) -> Iterator[str]:
    """The texts of sidecars that the index does not hold: of other works than `ids`, damaged, or not in place yet."""
    for pattern in ("works/*/*.json*", "bin/*/*.json*", "staging/*.json", "staging/*.gone"):
        for path in folder.glob(pattern):
            if path.suffix != ".json" or path.stem not in ids:
                with contextlib.suppress(FileNotFoundError):  # another studio has moved it
                    yield path.read_text("utf-8", "replace")


def read_records(paths: Iterable[Path]) -> list[AssetRecord]:
    """The records in these sidecars; damaged ones and those of a newer studio are skipped."""
    return [found.record for found in (_read_sidecar(path) for path in paths) if found.record]


def find_problems(
    folder: Path, rows: Sequence[AssetRecord], index_ok: bool, on_progress: OnProgress | None = None
) -> list[LibraryProblem]:
    """What differs between files, sidecars and the index's `rows`; `index_ok`: SQLite's own check passed."""
    problems: list[LibraryProblem] = []
    if not index_ok:
        problems.append(LibraryProblem("index", "index.sqlite", Message("The index is damaged."), REBUILD))
    indexed = {record.id: record for record in rows}
    seen: set[str] = set()
    known: set[Path] = set()
    sidecars = list(_sidecars(folder))
    for done, path in enumerate(sidecars):
        found = _read_sidecar(path)
        seen.add(path.stem)
        if found.record:
            known.update(found.record.paths_in(folder))
        problems += _sidecar_problems(folder, found)
        if found.record and indexed.get(path.stem) != found.record:
            problems.append(_stale_index(folder, path))
        if on_progress:
            on_progress(done + 1, len(sidecars))
    for name in sorted(indexed.keys() - seen):
        record = indexed[name]
        path = record.path_in(folder)
        if path.exists():
            continue
        problems.append(
            LibraryProblem(
                "missing",
                _relative(folder, path),
                Message("This work is in the index, but its file and sidecar are missing."),
                Message("Restore both from a backup, or run `studio library rebuild` to remove the work."),
                name,
            )
        )
    for media in _media_files(folder):
        if media.stem not in seen and media not in known:
            problems.append(
                LibraryProblem(
                    "orphan",
                    _relative(folder, media),
                    Message("This file has no sidecar."),
                    Message(
                        "Run `studio library rebuild`, which adds it again if the studio made it; otherwise move it out"
                        " of the folder and import it."
                    ),
                )
            )
    return problems + [problem for problem in map(_copy_problem, _copies(folder)) if problem]


def medium_of(request: dict[str, Any], payload: Image | Clip | Audio | Text) -> str:
    """The medium of a work found in a file: its request's, else "picture", "clip", "sound" or "text"."""
    kind = request.get("kind")
    known = Request.kinds.get(str(kind))
    if isinstance(kind, str) and kind and not (known is not None and known.keeps_medium):
        return kind.split(".", 1)[0][:40]
    return {Image: "picture", Clip: "clip", Audio: "sound", Text: "text"}[type(payload)]


def measures(payload: Image | Clip | Audio | Text) -> dict[str, Any]:
    """Width and height, or seconds, or for a clip both, as AssetRecord has them."""
    if isinstance(payload, Clip):
        return {"width": payload.width, "height": payload.height, "seconds": payload.seconds}
    if isinstance(payload, Image):
        return {"width": int(payload.pixels.shape[1]), "height": int(payload.pixels.shape[0])}
    if isinstance(payload, Audio):
        return {"seconds": payload.samples.shape[1] / payload.rate}
    return {}


class SelfHealingIndex:
    """Runs queries on the `index` of the library in `folder`, and adds messages for the user to `notices`.

    Rebuilding takes the library's `lock`.
    """

    def __init__(self, folder: Path, index: LibraryIndex, lock: FileLock, notices: list[Message]) -> None:
        self._folder, self._index, self._lock, self._notices = folder, index, lock, notices

    def sync_with_folder(self, unfinished: set[str]) -> None:
        """Index works that were copied into the folder, and drop those whose sidecars are not there any more.

        `unfinished` are works whose files could not be moved to their places yet.
        """
        there, known = sidecar_folders(self._folder), self.query(tables.ids)
        new = read_records(Path(there[name], name + ".json") for name in sorted(there.keys() - known))
        missing = known - there.keys() - unfinished
        if unfinished:
            self._notices.append(
                counted(
                    len(unfinished),
                    "The files of 1 work could not be moved. It is tried again at the next start.",
                    "The files of {n} works could not be moved. It is tried again at the next start.",
                )
            )
        if new or missing:
            with self._index.writing() as db:
                tables.upsert(db, self._folder, new)
                tables.delete(db, missing)
        if missing:
            self._notices.append(
                counted(
                    len(missing),
                    "1 work is no longer listed: its details are missing from the library's folder.",
                    "{n} works are no longer listed: their details are missing from the library's folder.",
                )
            )

    def query(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """The result of a query. Raises StudioError where the disk cannot be read."""

        def run() -> T:
            with self._index.connection() as db:
                return query(db)

        with disk_errors_as("The library could not be read"):
            return self.retry(run)

    def retry(self, action: Callable[[], T]) -> T:
        """Run an action on the index; if the index is damaged, rebuild it and run the action again."""
        with contextlib.suppress(DamagedIndex):
            return action()
        with self._lock:
            with contextlib.suppress(DamagedIndex):
                return action()  # another studio has rebuilt it meanwhile
            self.rebuild()
            return action()

    def rebuild(self, on_progress: OnProgress | None = None) -> int:
        """Rename the damaged index and build a new one; returns the number of works. Call with the lock held."""
        aside = self._index.set_aside(time.strftime("index.damaged-%Y%m%d-%H%M%S.sqlite"))
        self._notices.append(
            Message(
                "The library's index was damaged. It was renamed to {name}, and a new index was built.",
                name=aside.name,
            )
        )
        return self._index.prepare(lambda: rebuild_records(self._folder, on_progress))


def _sidecars(folder: Path) -> Iterator[Path]:
    for room in FOLDERS:
        yield from sorted(path for path in (folder / room).glob("*/*.json") if path.name[0] != ".")


def _media_files(folder: Path) -> Iterator[Path]:
    for room in FOLDERS:
        for path in sorted((folder / room).glob("*/*")):
            # Systems leave files whose names begin with a dot beside those that they copy.
            if path.suffix.lower() in codecs.SUFFIXES and path.name[0] != "." and path.is_file():
                yield path


def _read_sidecar(path: Path) -> _FoundSidecar:
    """The record in a sidecar, its place replaced by that of the sidecar."""
    try:
        record = read_sidecar(path)
        if record.id != path.stem:
            raise BadInput("This sidecar is of another work.")
    except StudioError as error:
        return _FoundSidecar(path, None, error)
    file = f"{path.parent.name}/{Path(record.file).name}"
    parts = tuple(replace(part, file=f"{path.parent.name}/{Path(part.file).name}") for part in record.parts)
    binned = path.parent.parent.name == "bin"
    return _FoundSidecar(path, replace(record, file=file, parts=parts, binned=binned))


def _sidecar_problems(folder: Path, found: _FoundSidecar) -> list[LibraryProblem]:
    where = _relative(folder, found.path)
    if found.record is None:
        trouble = found.error
        assert trouble is not None
        if isinstance(trouble, BadInput):
            hint = Message("Run `studio library rebuild`, which makes a new one from the data in the file.")
            return [LibraryProblem("sidecar", where, trouble.said, hint, found.path.stem)]
        return [LibraryProblem("newer", where, trouble.whole, Message("Update the studio."), found.path.stem)]
    record = found.record
    problems = [_file_problem(folder, record.path_in(folder), record.size, record.sha256, record.id)]
    for part in record.parts:
        path = folder / record.folder_name / part.file
        problems.append(_file_problem(folder, path, part.size, part.sha256, record.id))
    return [problem for problem in problems if problem]


def _file_problem(folder: Path, path: Path, size: int, sha256: str, id: str) -> LibraryProblem | None:
    """What is wrong with one file of a work; None if nothing is."""
    where = _relative(folder, path)
    if not path.exists():
        main = path.stem == id
        hint = (
            Message("Restore it from a backup, or delete the sidecar beside it to remove the work.")
            if main
            else Message("Restore it from a backup.")
        )
        message = Message("The file of this work is missing.") if main else Message("A file of this work is missing.")
        return LibraryProblem("missing", where, message, hint, id)
    try:
        same = path.stat().st_size == size and sha256_of(path) == sha256
    except OSError as error:
        return _unreadable(where, error, id)
    if same:
        return None
    hint = Message("If you edited it, import it as another work; otherwise restore it from a backup.")
    return LibraryProblem("changed", where, Message("This file has changed since the work was made."), hint, id)


def _copies(folder: Path) -> list[Path]:
    """The copies of files that requests use and that are no works."""
    return sorted((folder / SOURCES).glob("[!.]*"))


def _copy_problem(path: Path) -> LibraryProblem | None:
    """What is wrong with a copy, whose name is its sha256; None if nothing is."""
    where = f"{SOURCES}/{path.name}"
    try:
        if sha256_of(path) == path.stem:
            return None
    except OSError as error:
        return _unreadable(where, error)
    message = Message("This copy of a file that works use has changed.")
    return LibraryProblem("changed", where, message, Message("Delete it, and import the original file."))


def _unreadable(where: str, error: OSError, id: str = "") -> LibraryProblem:
    message = Message("This file cannot be read: {reason}.", reason=error.strerror)
    return LibraryProblem("changed", where, message, Message("Check the disk and the file's permissions."), id)


def _stale_index(folder: Path, path: Path) -> LibraryProblem:
    message = Message("The index differs from this sidecar.")
    return LibraryProblem("index", _relative(folder, path), message, REBUILD, path.stem)


def _adopt(folder: Path, media: Path) -> AssetRecord | None:
    """A record, and a sidecar, for a file that has none; None where nothing shows that it is a work of the library."""
    damaged = media.with_name(media.stem + ".json.damaged").exists()
    try:
        note = codecs.read_note(media)
        if note is None and not damaged:
            return None
        payload = codecs.read(media)
        request, provenance = parse_note(note)
        created = _time_made(media)
        record = AssetRecord(
            id=media.stem,
            order=int(created * 1e6),
            medium=medium_of(request, payload),
            file=f"{media.parent.name}/{media.name}",
            created=created,
            sha256=sha256_of(media),
            size=media.stat().st_size,
            binned=media.parent.parent.name == "bin",
            request=request,
            provenance=provenance,
            parts=_adopted_parts(media),
            **measures(payload),
        )
        # The same checks as for a sidecar that is read, for example of the file name.
        text = record.to_json()
        record = AssetRecord.from_json(text)
    except (StudioError, TypeError):
        return None
    write_atomic(record.sidecar_in(folder), text.encode())
    return record


def _adopted_parts(media: Path) -> tuple[PartRecord, ...]:
    """The further files of the work whose main file is `media`, by their names."""
    found: dict[str, PartRecord] = {}
    for path in sorted(media.parent.iterdir()):
        role = part_role(path.name, media.stem)
        if role and role not in found and not path.with_suffix(".json").exists():
            file = f"{media.parent.name}/{path.name}"
            found[role] = PartRecord(role, file, sha256_of(path), path.stat().st_size)
    return tuple(found.values())


def _time_made(media: Path) -> float:
    """When a work was made, by its id, else by the time of its file."""
    try:
        return time.mktime(time.strptime(media.stem[:15], "%Y%m%d-%H%M%S"))
    except (ValueError, OverflowError):
        return media.stat().st_mtime


def _without_duplicates(records: list[AssetRecord]) -> list[AssetRecord]:
    """The records, without those in the bin of works that are also in works, as after a crash between two moves."""
    chosen: dict[str, AssetRecord] = {}
    for record in records:
        known = chosen.get(record.id)
        if known is None or known.binned:
            chosen[record.id] = record
    return list(chosen.values())


def _relative(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()
