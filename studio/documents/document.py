"""A document that a person edits, with autosave and versions.

Its content is JSON. Its folder holds a database with its state, the edits since then, at most one second behind, and
versions to go back to. One studio at a time has it open. Folders of earlier studios are migrated when they are opened.
"""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from studio.documents import database, journal_folder
from studio.documents.database import DocumentDatabase, DocumentRows
from studio.documents.json_diff import between, plain
from studio.documents.versions import DocumentVersion, VersionStore
from studio.errors import BadInput, Message, StudioError
from studio.system.storage import disk_error, disk_errors_as, try_lock

PACE = 1.0
"""Seconds from one write to the next: what a killed program may lose."""

VERSION_SECONDS = 600.0
"""Seconds of editing between automatic versions."""

_COMPACT = 256 * 2**10

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

    `content` is JSON-able and belongs to the document: give `edit` a changed copy. `trouble` is the reason why the
    last edits could not be saved yet; it is tried again every second. `notices` says what was mended at opening.
    Raises StudioError where it is open elsewhere, made by a newer studio, or damaged beyond its versions.
    `step` is called with the name of each write before it is made.
    """

    _state: dict[str, Any]

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
        self.trouble: StudioError | None = None
        self._pace, self._version_seconds = pace, version_seconds
        self._step: Callable[[str], None] = step or _go_on
        self._news = threading.Condition()
        self._writing = threading.RLock()
        self._closing = False
        with disk_errors_as("The document could not be opened"):
            if not _is_document(self.folder):
                raise BadInput("There is no document in {folder}.", folder=self.folder)
            held = try_lock(self.folder / ".lock")
            if held is None:
                raise StudioError("This document is already open.", "Close it in the other window first.")
            self._held = held
            try:
                self._database = self._load()
            except BaseException:
                held.release()
                raise
        self._versions = VersionStore(self._database)
        self._state = self._written = self._database.state
        self._version_due = time.monotonic()
        self._writer = threading.Thread(target=self._write_on, name=f"document {self.folder.name}", daemon=True)
        self._writer.start()

    @classmethod
    def make(cls, parent: Path, kind: str, title: str, content: Mapping[str, Any] | None = None) -> Self:
        """A new document in a folder of its own below `parent`, opened."""
        state: dict[str, Any] = {"kind": kind, "title": title, "works": [], "content": plain(dict(content or {}))}
        with disk_errors_as("The document could not be made"):
            folder = parent / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}"
            folder.mkdir(parents=True)
            database.create(folder / database.NAME, DocumentRows(state, []), _go_on)
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
        return self._written is self._state

    def edit(self, content: Mapping[str, Any], *, works: Iterable[str] | None = None) -> None:
        """Take the content as it is now; it is on the disk within a second. Raises BadInput for what is not JSON."""
        new = plain(dict(content))
        with self._news:
            self._open()
            kept = self._state["works"] if works is None else list(dict.fromkeys(works))
            self._state = {**self._state, "content": new, "works": kept}
            self._news.notify_all()

    def rename(self, title: str) -> None:
        with self._news:
            self._open()
            self._state = {**self._state, "title": " ".join(title.split())[:200]}
        with self._writing, disk_errors_as("The document could not be renamed"):
            self._save("rename")
            self._database.seal(self._written)

    def flush(self) -> None:
        """Return once everything is on the disk. Raises StudioError where it cannot be."""
        with self._writing, disk_errors_as("The document could not be saved"):
            self._save()

    def close(self) -> None:
        """Save, and let others open it. Raises StudioError where the last edits could not be saved."""
        with self._news:
            if self._closing:
                return
            self._closing = True
            self._news.notify_all()
        self._writer.join()
        try:
            self.flush()
            self._step("close")
        finally:
            self._database.close()
            self._held.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def versions(self) -> list[DocumentVersion]:
        """What one can go back to, newest first."""
        with disk_errors_as("The versions could not be read"):
            return self._versions.all()

    def keep(self, name: str = "") -> DocumentVersion:
        """A version of the document as it is now, under a name of the person's own; it is never thinned out."""
        with self._writing, disk_errors_as("The version could not be saved"):
            self._save()
            return self._versions.keep(self._written, " ".join(name.split())[:200])

    def look(self, number: int) -> dict[str, Any]:
        """The content of a version. Raises BadInput where it is gone or damaged."""
        with disk_errors_as("The version could not be read"):
            return self._versions.state(number)["content"]

    def restore(self, number: int) -> None:
        """Go back to the content and works of a version; how it was before becomes a version too."""
        with self._writing, disk_errors_as("The version could not be restored"):
            old = self._versions.state(number)
            self._save()
            self._versions.keep_by_itself(self._written)
            self.edit(old["content"], works=old["works"])
            self._save("restore")

    def forget(self, number: int) -> None:
        with disk_errors_as("The version could not be deleted"):
            self._versions.forget(number)

    def _open(self) -> None:
        if self._closing:
            raise RuntimeError("the document is closed")

    def _write_on(self) -> None:
        """The writer's thread: at once after the first edit, then at most once in `pace` seconds."""
        while True:
            with self._news:
                self._news.wait_for(lambda: self._closing or not self.saved)
                if self._closing:
                    return
            start = time.monotonic()
            try:
                with self._writing:
                    self._save()
            except (OSError, sqlite3.Error, StudioError) as error:
                # A full disk may have room again in a second: told to whoever asks, and tried again.
                words = (
                    error if isinstance(error, StudioError) else disk_error("The document could not be saved", error)
                )
                self.trouble = words
            with self._news:
                self._news.wait_for(lambda: self._closing, timeout=max(0.0, start + self._pace - time.monotonic()))

    def _save(self, kind: str = "edit") -> None:
        """Write what changed; the first time after each `version_seconds`, what stood before it becomes a version."""
        before, state = self._written, self._state
        changes = between(before, state)
        if changes:
            self._database.append(changes, kind)
        self._written = state
        self.trouble = None
        if self._database.edits_size > max(_COMPACT, 2 * self._database.sealed_size):
            self._database.seal(state)
        if changes and time.monotonic() >= self._version_due:
            self._versions.keep_by_itself(before)
            self._version_due = time.monotonic() + self._version_seconds

    def _load(self) -> DocumentDatabase:
        """The database, made from the files of an earlier studio where there is none yet."""
        if not database.exists(self.folder):
            old = journal_folder.read(self.folder)
            self.notices += old.notices
            database.create(self.folder / database.NAME, old, self._step)
        opened = DocumentDatabase(self.folder, self._step)
        self.notices += opened.notices
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


def _is_document(folder: Path) -> bool:
    return database.exists(folder) or bool(journal_folder.generations(folder))


def _go_on(_step: str) -> None:
    """The step that nobody stops."""
