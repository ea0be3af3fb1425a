"""A document that a person edits, with autosave, undo and versions.

Its content is JSON. Its folder holds a database with its state, the edits since then, at most one second behind, what
can be undone and redone, and versions. One studio at a time has it open. Folders of earlier studios are migrated when
they are opened.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from studio.documents import database, journal_folder
from studio.documents.database import WITHOUT_UNDO, DocumentDatabase, DocumentRows
from studio.documents.history import DocumentUndo, DocumentVersion, VersionStore, read_undo, states, write_undo
from studio.documents.json_diff import between, plain
from studio.errors import BadInput, Message, StudioError
from studio.system.storage import disk_error, disk_errors_as, try_lock

PACE = 1.0
"""Seconds from one write to the next: the most that is lost if the program is killed."""

VERSION_SECONDS = 600.0
"""Seconds of editing between automatic versions."""

_COMPACT = 256 * 2**10  # bytes of edits from which on the state is sealed

__all__ = ["Document", "DocumentSummary", "DocumentVersion", "listing"]


@dataclass(frozen=True, slots=True)
class DocumentSummary:
    """A document in a list, seen without opening it."""

    folder: Path
    kind: str
    title: str
    saved: float


class Document:
    """The document in `folder`, held until `close`. Any thread may use it.

    `content` can be written as JSON and belongs to the document: give `edit` a changed copy. `save_error` is why the
    last edits could not be saved yet; it is tried again every second. `notices` says what was repaired at opening.
    Raises StudioError where it is open elsewhere, made by a newer studio, or damaged beyond its versions.
    `step` is called with the name of each write before it is made.
    """

    _state: dict[str, Any]
    _history: DocumentUndo
    _written_history: DocumentUndo | None

    def __init__(
        self,
        folder: Path,
        *,
        pace: float = PACE,
        version_seconds: float = VERSION_SECONDS,
        step: Callable[[str], None] | None = None,
    ) -> None:
        self.folder = Path(folder).absolute()
        self.notices: list[Message] = []
        self.save_error: StudioError | None = None
        self._pace, self._version_seconds = pace, version_seconds
        self._step: Callable[[str], None] = step or _no_step
        self._changed = threading.Condition()
        self._writing = threading.RLock()
        self._closing = False
        with disk_errors_as("The document could not be opened"):
            if not _is_document(self.folder):
                raise BadInput("There is no document in {folder}.", folder=self.folder)
            lock = try_lock(self.folder / ".lock")
            if lock is None:
                raise StudioError("This document is already open.", "Close it in the other window first.")
            self._lock_file = lock
            try:
                self._database = self._load()
            except BaseException:
                lock.release()
                raise
        self._versions = VersionStore(self._database)
        self._state = self._written_state = self._database.state
        self._saved_history = self._history
        self._version_due = time.monotonic()
        self._writer = threading.Thread(target=self._write_on, name=f"document {self.folder.name}", daemon=True)
        self._writer.start()

    @classmethod
    def create(cls, parent: Path, kind: str, title: str, content: Mapping[str, Any] | None = None) -> Self:
        """A new document in a folder of its own below `parent`, opened."""
        state: dict[str, Any] = {"kind": kind, "title": title, "works": [], "content": plain(dict(content or {}))}
        with disk_errors_as("The document could not be created"):
            folder = parent / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}"
            folder.mkdir(parents=True)
            making = try_lock(folder / ".lock")  # which tells `sweep` that its maker lives
            try:
                database.create(folder / database.NAME, DocumentRows(state, []), _no_step)
            finally:
                if making is not None:
                    making.release()
        return cls(folder)

    @property
    def kind(self) -> str:
        return str(self._state["kind"])

    @property
    def title(self) -> str:
        return str(self._state["title"])

    @property
    def works(self) -> tuple[str, ...]:
        """Ids of the library's works that it uses."""
        return tuple(self._state["works"])

    @property
    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = self._state["content"]
        return content

    @property
    def saved(self) -> bool:
        """Whether everything is on the disk."""
        return self._written_state is self._state and self._saved_history is self._history

    @property
    def can_undo(self) -> bool:
        return bool(self._history.undo)

    @property
    def can_redo(self) -> bool:
        return bool(self._history.redo)

    def edit(self, content: Mapping[str, Any], *, works: Iterable[str] | None = None, group: str = "") -> None:
        """Take the content as it is now; it is on the disk within a second. Raises BadInput for what is not JSON.

        It is one step of undo. Edits that follow each other and share a `group`, such as those of one drag, are one
        step together.
        """
        new = plain(dict(content))
        with self._changed:
            used = self._state["works"] if works is None else list(dict.fromkeys(works))
            state = {**self._state, "content": new, "works": used}
            self._change(state, self._history.edited(self._state, state, group))

    def undo(self) -> bool:
        """Take back the last step, as `edit` would, also one of an earlier session; False where there is none.

        The steps are bounded in number and size. A new edit discards what was undone. The title is no part of a step.
        """
        with self._changed:
            if self._history.undo:
                self._change(*self._history.undone(self._state))
                return True
        return False

    def redo(self) -> bool:
        """Bring back the step that was undone last; False where there is none."""
        with self._changed:
            if self._history.redo:
                self._change(*self._history.redone(self._state))
                return True
        return False

    def rename(self, title: str) -> None:
        with self._changed:
            self._change({**self._state, "title": " ".join(title.split())[:200]}, self._history)
        with self._writing, disk_errors_as("The document could not be renamed"):
            self._save("rename")
            self._database.seal(self._written_state)

    def flush(self) -> None:
        """Return once everything is on the disk. Raises StudioError where it cannot be."""
        with self._writing, disk_errors_as("The document could not be saved"):
            self._save()

    def close(self) -> None:
        """Save, and release the lock. Raises StudioError where the last edits could not be saved."""
        with self._changed:
            if self._closing:
                return
            self._closing = True
            self._changed.notify_all()
        self._writer.join()
        try:
            self.flush()
            self._step("close")
        finally:
            self._database.close()
            self._lock_file.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def versions(self) -> list[DocumentVersion]:
        """The versions that can be restored, newest first."""
        with disk_errors_as("The versions could not be read"):
            return self._versions.all()

    def save_version(self, name: str = "") -> DocumentVersion:
        """Save the document as it is now as a version, which is never deleted automatically."""
        with self._writing, disk_errors_as("The version could not be saved"):
            self._save()
            return self._versions.add(self._written_state, " ".join(name.split())[:200])

    def version_content(self, number: int) -> dict[str, Any]:
        """The content of a version. Raises BadInput where it is gone or damaged."""
        with disk_errors_as("The version could not be read"):
            return self._versions.state(number)["content"]

    def restore(self, number: int) -> None:
        """Go back to the content and works of a version, in one step of undo; the present ones become a version too."""
        with self._writing, disk_errors_as("The version could not be restored"):
            old = self._versions.state(number)
            self._save()
            self._versions.add_automatic(self._written_state)
            self.edit(old["content"], works=old["works"])
            self._save("restore")

    def delete_version(self, number: int) -> None:
        with disk_errors_as("The version could not be deleted"):
            self._versions.delete(number)

    def _change(self, state: dict[str, Any], history: DocumentUndo) -> None:
        if self._closing:
            raise RuntimeError("the document is closed")
        self._state, self._history = state, history
        self._changed.notify_all()

    def _write_on(self) -> None:
        """The writer's thread: at once after the first edit, then at most once in `pace` seconds."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or not self.saved)
                if self._closing:
                    return
            start = time.monotonic()
            try:
                with self._writing:
                    self._save()
            except (OSError, sqlite3.Error, StudioError) as error:
                # A full disk may have room again in a second.
                known = isinstance(error, StudioError)
                self.save_error = error if known else disk_error("The document could not be saved", error)
            with self._changed:
                self._changed.wait_for(lambda: self._closing, timeout=max(0.0, start + self._pace - time.monotonic()))

    def _save(self, kind: str = "edit") -> None:
        """Write what changed; the first time after each `version_seconds`, the state before it becomes a version."""
        before, old = self._written_state, self._written_history
        with self._changed:
            state, history = self._state, self._history
        changes = between(before, state)
        if changes or history is not old:
            try:
                self._database.append(changes, kind, lambda db: write_undo(db, old, history))
                self._written_history = history
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                    raise
                # What was written matters more than what can be undone after a restart. The next edit tries again.
                self._database.append(changes, WITHOUT_UNDO)
                self._written_history = None
        self._written_state, self._saved_history = state, history
        self.save_error = None
        if self._database.edits_size > max(_COMPACT, 2 * self._database.sealed_size):
            self._database.seal(state)
        if changes and time.monotonic() >= self._version_due:
            self._versions.add_automatic(before)
            self._version_due = time.monotonic() + self._version_seconds

    def _load(self) -> DocumentDatabase:
        """The database, made from the files of an earlier studio where there is none yet."""
        if not database.exists(self.folder):
            old = journal_folder.read(self.folder)
            self.notices += old.notices
            database.create(self.folder / database.NAME, old, self._step)
        opened = DocumentDatabase(self.folder, self._step)
        self.notices += opened.notices
        with opened.reading() as db:
            self._history, whole = read_undo(db)
        self._written_history = self._history if whole else None
        if not whole:
            self.notices.append(Message("Some earlier edits can no longer be undone; their record is incomplete."))
        with contextlib.suppress(OSError):  # they do no harm beside it, and it is tried again the next time
            journal_folder.set_aside(self.folder, self._step)
        return opened


def listing(parent: Path) -> list[DocumentSummary]:
    """The documents below `parent`, the last saved first. Damaged ones and those of a newer studio are listed too."""
    found: list[DocumentSummary] = []
    for folder in parent.iterdir() if parent.is_dir() else ():
        if not _is_document(folder):
            continue
        files = database if database.exists(folder) else journal_folder
        head: dict[str, Any] = {}
        with contextlib.suppress(StudioError, sqlite3.Error, ValueError):
            head = files.heading(folder)
        kind, title = str(head.get("kind", "")), str(head.get("title", ""))
        found.append(DocumentSummary(folder, kind, title, files.saved_at(folder)))
    return sorted(found, key=lambda summary: summary.saved, reverse=True)


def naming(parent: Path, word: str) -> list[DocumentSummary]:
    """The documents below `parent` in one of whose states a text is `word`; one that cannot be read counts as none."""
    quoted = json.dumps(word)
    found: list[DocumentSummary] = []
    for summary in listing(parent):
        with contextlib.suppress(StudioError, sqlite3.Error, ValueError, OSError):
            if any(quoted in text for text in _states(summary.folder)):
                found.append(summary)
    return found


def texts(parent: Path) -> Iterator[str]:
    """The JSON of every state that a document at any depth below `parent` has or can go back to. Raises OSError,
    sqlite3.Error, ValueError or StudioError where one cannot be read.
    """
    folders = list(parent.iterdir()) if parent.is_dir() else []
    while folders:
        folder = folders.pop()
        if _is_document(folder):
            yield from _states(folder)
        elif folder.is_dir():
            folders += folder.iterdir()


def _states(folder: Path) -> Iterator[str]:
    """The JSON of every state that a document has or can go back to. Raises as `texts` does."""
    if database.exists(folder):
        with contextlib.closing(database.connect_to_read(folder)) as db:
            db.execute("BEGIN")
            for state in states(db):
                yield json.dumps(state)
        return
    rows = journal_folder.read(folder)
    for state in (rows.state, *(version.state for version in rows.versions)):
        yield json.dumps(state)


def sweep(parent: Path) -> None:
    """Remove folders at any depth below `parent` whose maker was killed before there was a document. Raises OSError."""
    for part in list(parent.rglob(database.UNFINISHED)):
        folder = part.parent
        held = try_lock(folder / ".lock")
        if held is not None:
            if not _is_document(folder):
                shutil.rmtree(folder, ignore_errors=True)
            held.release()


def _is_document(folder: Path) -> bool:
    return database.exists(folder) or bool(journal_folder.generations(folder))


def _no_step(_step: str) -> None:
    """Nothing happens before a write."""
