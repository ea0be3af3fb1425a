"""The folders of a library, and crash-safe changes to them: a change takes effect as a whole, or not at all.

A change is first described: the new sidecar is written to `staging`. From then on any studio can finish it, as often as
needed: write the index row, move the files, move the sidecar. Files in `staging` without a description are deleted,
unless the studio that wrote them is running and holds their lock.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from filelock import BaseFileLock

from studio.errors import BadInput, StudioError
from studio.library import index as tables
from studio.library.asset import FOLDERS, SIDECAR_LIMIT, AssetRecord
from studio.library.index import LibraryIndex
from studio.system.storage import sync_folder, try_lock, write_atomic, write_synced

SOURCES = "sources"
"""The folder for copies of files that requests use and that are no works: <sha256>.<suffix>."""
LIBRARY_SCHEMA = 1
"""The version of the folders, in library.json; sidecars have their own."""

THUMBNAIL = 256
"""The size of the thumbnail that every work gets at once, in pixels."""

Step = Callable[[str], None]
"""Called with the name of each step before it is taken; tests kill the process in it."""

_MONTH = re.compile(r"\d{4}-\d{2}", re.ASCII)


class LibraryStore:
    """The folders of one library. Methods that change `works`, `bin` or the index need the library's lock."""

    def __init__(self, folder: Path, step: Step) -> None:
        self.folder = folder
        self.staging = folder / "staging"
        self.step = step

    def prepare(self) -> None:
        """Make the folders. Raises StudioError for a library of a newer studio, OSError where it cannot be written."""
        for room in (*FOLDERS, "staging", "thumbnails"):
            (self.folder / room).mkdir(parents=True, exist_ok=True)
        label = self.folder / "library.json"
        if not label.exists():
            write_atomic(label, json.dumps({"schema": LIBRARY_SCHEMA}).encode())
            return
        schema = _read_schema(label)
        if schema > LIBRARY_SCHEMA:
            raise StudioError(
                "This library was made by a newer AIGC Studio.", "Update the studio, or choose another folder."
            )

    def staged(self, name: str) -> Path:
        return self.staging / name

    def reserve(self, name: str) -> BaseFileLock:
        """Lock the staged files of a new work, so that other studios leave them alone."""
        held = try_lock(self.staged(name + ".lock"))
        if held is None:
            raise StudioError("Another studio is saving a work of the same name.", "Try again.")
        return held

    def release(self, name: str, held: BaseFileLock) -> None:
        held.release()
        with contextlib.suppress(OSError):
            self.staged(name + ".lock").unlink(missing_ok=True)

    def thumbnail(self, name: str, size: int = THUMBNAIL) -> Path:
        """The path of a work's thumbnail, which need not exist."""
        tail = "" if size == THUMBNAIL else f".{size}"
        return self.folder / "thumbnails" / (month_folder(name) or "other") / f"{name}{tail}.webp"

    def save_thumbnail(self, path: Path, data: bytes) -> None:
        """Write a thumbnail, without syncing: it can be made again at any time."""
        path.parent.mkdir(parents=True, exist_ok=True)
        # Two threads or studios may write the same one at the same time.
        part = self.staged(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
        part.write_bytes(data)
        part.replace(path)

    def describe(self, index: LibraryIndex, records: Sequence[AssetRecord]) -> None:
        """Write the records to `staging` and to the index: from here on the change is made, and `finish` or the next
        opening moves the files. When this raises, nothing has changed.
        """
        try:
            for record in records:
                self.step("describe")
                write_synced(self.staged(record.id + ".json"), record.to_json().encode())
            sync_folder(self.staging)
            self.step("index")
            with index.writing() as db:
                tables.upsert(db, self.folder, records)
                self.step("commit")
        except BaseException:
            for record in records:
                with contextlib.suppress(OSError):
                    self.staged(record.id + ".json").unlink(missing_ok=True)
            raise

    def finish(self, records: Iterable[AssetRecord]) -> None:
        """Move the files of described works to the places in their records. Raises OSError."""
        folders = {self.staging}
        for record in records:
            folders |= self._finish(record)
        self.step("sync")
        for folder in folders:
            sync_folder(folder)

    def withdraw(self, index: LibraryIndex, record: AssetRecord) -> None:
        """Undo the adding of a work. If this fails too, the next opening finishes the adding."""
        with index.writing() as db:
            tables.delete(db, [record.id])
        for path in (record.sidecar_in(self.folder), *record.paths_in(self.folder)):
            path.unlink(missing_ok=True)
        self.sweep(record.id)

    def remove(self, index: LibraryIndex, records: Iterable[AssetRecord]) -> None:
        """Delete works of the bin for good."""
        notes: list[Path] = []
        for record in records:
            self.step("mark")
            note = self.staged(record.id + ".gone")
            with contextlib.suppress(FileNotFoundError):
                record.sidecar_in(self.folder).replace(note)
            if not note.exists():
                write_synced(note, record.to_json().encode())
            notes.append(note)
        sync_folder(self.staging)
        self._delete_marked(index, notes)

    def recover(self, index: LibraryIndex) -> set[str]:
        """Finish or delete what crashed studios left in staging.

        Returns the ids of works whose files cannot be moved now, for example because another program has one open, or
        a newer studio described the change and must finish it.
        """
        described: list[AssetRecord] = []
        unfinished: set[str] = set()
        for note in sorted(self.staging.glob("*.json")):
            try:
                described.append(read_sidecar(note))
            except BadInput:
                note.unlink(missing_ok=True)
            except StudioError:
                unfinished.add(note.stem)
        if described:
            with index.writing() as db:
                tables.upsert(db, self.folder, described)
        for record in described:
            try:
                self.finish([record])
            except OSError:
                unfinished.add(record.id)
        self._delete_marked(index, sorted(self.staging.glob("*.gone")))
        self.sweep_dead()
        return unfinished

    def sweep_dead(self) -> None:
        """Delete what crashed studios staged of works that they had not described."""
        staged = {path.name.split(".", 1)[0] for path in self.staging.iterdir() if path.is_file()}
        described = {path.stem for path in self.staging.iterdir() if path.suffix in (".json", ".gone")}
        for name in sorted(staged - {""} - described):
            held = try_lock(self.staged(name + ".lock"))
            if held is not None:
                self.sweep(name)
                self.release(name, held)

    def sweep(self, name: str) -> None:
        """Delete the staged files of a work that was not added, except the lock."""
        for path in self.staging.glob(name + ".*"):
            if path.suffix != ".lock":
                path.unlink(missing_ok=True)
        if not any((self.folder / room / month_folder(name) / f"{name}.json").exists() for room in FOLDERS):
            self._drop_thumbnails(name)

    def _finish(self, record: AssetRecord) -> set[Path]:
        """Returns the folders that have changed."""
        path = record.path_in(self.folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        elsewhere = [self.folder / room / record.file for room in FOLDERS if room != record.folder_name]
        for file in record.paths_in(self.folder):
            self.step("place")
            if not file.exists():
                for other in (self.staged(file.name), *(other.with_name(file.name) for other in elsewhere)):
                    if other.exists():
                        other.replace(file)
                        break
        self.step("seal")
        self.staged(record.id + ".json").replace(record.sidecar_in(self.folder))
        for other in elsewhere:
            other.with_name(record.id + ".json").unlink(missing_ok=True)
        return {path.parent, *(other.parent for other in elsewhere if other.parent.is_dir())}

    def _delete_marked(self, index: LibraryIndex, notes: Sequence[Path]) -> None:
        """Delete the works in these notes: the files first, since the index can be written on a full disk only then."""
        for note in notes:
            self.step("delete")
            with contextlib.suppress(StudioError):  # it is damaged, or of a newer studio
                for path in read_sidecar(note).paths_in(self.folder):
                    path.unlink(missing_ok=True)
            self._drop_thumbnails(note.stem)
        if notes:
            self.step("unindex")
            with index.writing() as db:
                tables.delete(db, [note.stem for note in notes])
        for note in notes:
            self.step("close")
            note.unlink(missing_ok=True)

    def _drop_thumbnails(self, name: str) -> None:
        for path in self.thumbnail(name).parent.glob(name + ".*"):
            path.unlink(missing_ok=True)


def month_folder(name: str) -> str:
    """The month folder of a work by its id; empty where the name is no such id."""
    month = f"{name[:4]}-{name[4:6]}"
    return month if _MONTH.fullmatch(month) else ""


def read_sidecar(path: Path) -> AssetRecord:
    """Raises BadInput for a damaged one, StudioError for one of a newer studio."""
    try:
        with path.open("rb") as file:
            data = file.read(SIDECAR_LIMIT + 1)
    except OSError as error:
        raise BadInput("{name} cannot be read: {reason}.", name=path.name, reason=error.strerror) from error
    if len(data) > SIDECAR_LIMIT:
        raise BadInput("{name} is too large for a sidecar.", name=path.name)
    return AssetRecord.from_json(data)


def _read_schema(label: Path) -> int:
    """The version in library.json; that of this studio where the file is damaged."""
    try:
        data: object = json.loads(label.read_bytes())
    except ValueError:
        return LIBRARY_SCHEMA
    version: object = cast("dict[str, Any]", data).get("schema") if isinstance(data, dict) else None
    return version if isinstance(version, int) else LIBRARY_SCHEMA
