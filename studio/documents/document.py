"""A document that a person edits, with autosave and versions.

Its content is JSON. Its folder holds a snapshot, a journal of the edits since then, at most one second behind, and
versions to go back to. One studio at a time has it open.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from studio.documents.files import EditJournal, checked, fingerprint, header, replay, seal, unseal
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
        self._versions = VersionStore(self.folder / "versions", self._step)
        self._news = threading.Condition()
        self._writing = threading.RLock()
        self._closing = False
        with disk_errors_as("The document could not be opened"):
            if not _generations(self.folder):
                raise BadInput("There is no document in {folder}.", folder=self.folder)
            held = try_lock(self.folder / ".lock")
            if held is None:
                raise StudioError("This document is already open.", "Close it in the other window first.")
            self._held = held
            try:
                self._state, self._journal = self._load()
            except BaseException:
                held.release()
                raise
        self._written = self._state
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
            seal(folder / "snapshot.1", _heading(state), state)
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
            self._save()
            self._compact()

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
        finally:
            self._journal.close()
            self._held.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def versions(self) -> list[DocumentVersion]:
        """What one can go back to, newest first. Damaged ones and those of a newer studio are passed over."""
        return self._versions.all()

    def keep(self, name: str = "") -> DocumentVersion:
        """A version of the document as it is now, under a name of the person's own; it is never thinned out."""
        with self._writing, disk_errors_as("The version could not be saved"):
            self._save()
            return self._versions.keep(self._written, " ".join(name.split())[:200])

    def look(self, number: int) -> dict[str, Any]:
        """The content of a version. Raises BadInput where it is gone or damaged."""
        return self._versions.state(number)["content"]

    def restore(self, number: int) -> None:
        """Go back to the content and works of a version; how it was before becomes a version too."""
        old = self._versions.state(number)
        with self._writing, disk_errors_as("The version could not be restored"):
            self._save()
            self._versions.keep_by_itself(self._written)
            self.edit(old["content"], works=old["works"])
            self._save()

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
            except (OSError, StudioError) as error:
                # A full disk may have room again in a second: told to whoever asks, and tried again.
                words = (
                    error if isinstance(error, StudioError) else disk_error("The document could not be saved", error)
                )
                self.trouble = words
            with self._news:
                self._news.wait_for(lambda: self._closing, timeout=max(0.0, start + self._pace - time.monotonic()))

    def _save(self) -> None:
        """Write what changed; the first time after each `version_seconds`, what stood before it becomes a version."""
        before, state = self._written, self._state
        changes = between(before, state)
        if changes:
            self._step("append")
            self._journal.append(changes)
        self._written = state
        self.trouble = None
        if self._journal.size > max(_COMPACT, 2 * self._sealed):
            self._compact()
        if changes and time.monotonic() >= self._version_due:
            self._versions.keep_by_itself(before)
            self._version_due = time.monotonic() + self._version_seconds

    def _compact(self) -> None:
        """Seal the state as the next generation; the one before stays beside it, in case this one is damaged."""
        number = _generations(self.folder)[-1] + 1
        self._step("journal")
        journal = EditJournal(self.folder / f"journal.{number}", fingerprint(self._written))
        try:
            self._seal(number, self._written)
        except BaseException:
            # Where the snapshot stands in spite of the error, edits belong to its journal from now on.
            if not (self.folder / f"snapshot.{number}").exists():
                journal.close()
                raise
        self._journal.close()
        self._journal = journal
        self._step("sweep")
        for old in _generations(self.folder)[:-2]:
            for name in ("snapshot", "journal"):
                (self.folder / f"{name}.{old}").unlink(missing_ok=True)

    def _seal(self, number: int, state: dict[str, Any]) -> None:
        self._step("seal")
        path = self.folder / f"snapshot.{number}"
        seal(path, _heading(state), state)
        self._sealed = path.stat().st_size

    def _load(self) -> tuple[dict[str, Any], EditJournal]:
        """The newest state that can be had, and the journal to go on with."""
        numbers = _generations(self.folder)
        state: dict[str, Any] | None = None
        first = numbers[-1]
        for first in reversed(numbers):
            try:
                state = unseal(self.folder / f"snapshot.{first}")
                break
            except BadInput:
                self.notices.append(
                    Message("snapshot.{number} was damaged; the one before it and its journal were used.", number=first)
                )
        if state is None:
            state = self._last_resort()
        else:
            # Each journal leads from its snapshot to the next one.
            for number in range(first, numbers[-1]):
                state = replay(self.folder / f"journal.{number}", state).state
        path = self.folder / f"journal.{numbers[-1]}"
        base = fingerprint(state)
        played = replay(path, state)
        checked(played.state)
        if not played.damaged and first == numbers[-1] and not self.notices:
            self._sealed = (self.folder / f"snapshot.{first}").stat().st_size
            return played.state, EditJournal(path, base, played.lines, played.good)
        if played.damaged:
            self.notices.append(
                Message("{name} was damaged; what came after the damage is kept in it.", name=path.name)
            )
            path.replace(path.with_name(f"damaged-{path.name}"))
        number = numbers[-1] + 1
        self._seal(number, played.state)
        return played.state, EditJournal(self.folder / f"journal.{number}", fingerprint(played.state))

    def _last_resort(self) -> dict[str, Any]:
        for version in self._versions.all():
            with contextlib.suppress(BadInput):
                state = self._versions.state(version.number)
                self.notices.append(
                    Message("The document was damaged; version {number} was used.", number=version.number)
                )
                return state
        raise StudioError(
            "The document in {folder} is damaged.", "Bring the folder back from a backup.", folder=self.folder
        )


def listing(parent: Path) -> list[DocumentSummary]:
    """The documents below `parent`, the last saved first. Damaged ones and those of a newer studio are listed too."""
    found: list[DocumentSummary] = []
    for folder in parent.iterdir() if parent.is_dir() else ():
        numbers = _generations(folder)
        if not numbers:
            continue
        head: dict[str, Any] = {}
        with contextlib.suppress(StudioError):
            head = header(folder / f"snapshot.{numbers[-1]}")
        files = [folder / f"{name}.{numbers[-1]}" for name in ("snapshot", "journal")]
        saved = max(path.stat().st_mtime for path in files if path.exists())
        found.append(DocumentSummary(folder, str(head.get("kind", "")), str(head.get("title", "")), saved))
    return sorted(found, key=lambda summary: summary.saved, reverse=True)


def _generations(folder: Path) -> list[int]:
    numbers = [path.name.removeprefix("snapshot.") for path in folder.glob("snapshot.*")]
    return sorted(int(number) for number in numbers if number.isascii() and number.isdigit())


def _heading(state: dict[str, Any]) -> dict[str, Any]:
    return {"kind": state["kind"], "title": state["title"]}


def _go_on(_step: str) -> None:
    """The step that nobody stops."""
