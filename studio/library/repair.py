"""Runs queries on the library's index; rebuilds it if it is damaged, and syncs it with the folder at start."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from studio.errors import Message, counted
from studio.library import index as tables
from studio.library import queries as questions
from studio.library.index import DamagedIndex, LibraryIndex
from studio.library.verify import OnProgress, read_records, rebuild_records, sidecar_folders
from studio.system.storage import FileLock, disk_errors_as

T = TypeVar("T")


class SelfHealingIndex:
    """Runs queries on the `index` of the library in `folder`, and adds to `notices` what a person should know.

    Rebuilding takes the library's `lock`.
    """

    def __init__(self, folder: Path, index: LibraryIndex, lock: FileLock, notices: list[Message]) -> None:
        self._folder, self._index, self._lock, self._notices = folder, index, lock, notices

    def sync_with_folder(self, unfinished: set[str]) -> None:
        """Index works that were copied into the folder, and drop those whose sidecars are gone from it.

        `unfinished` are works whose files could not be moved to their places yet.
        """
        there, known = sidecar_folders(self._folder), self.query(questions.ids)
        new = read_records(Path(there[name], name + ".json") for name in sorted(there.keys() - known))
        gone = known - there.keys() - unfinished
        if unfinished:
            self._notices.append(
                counted(
                    len(unfinished),
                    "The files of 1 work could not be moved. It is tried again at the next start.",
                    "The files of {n} works could not be moved. It is tried again at the next start.",
                )
            )
        if new or gone:
            with self._index.connection() as db, tables.transaction(db):
                tables.upsert(db, new)
                tables.delete(db, gone)
        if gone:
            self._notices.append(
                counted(
                    len(gone),
                    "1 work is gone from the library's folder, with all that was known of them.",
                    "{n} works are gone from the library's folder, with all that was known of them.",
                )
            )

    def query(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """The result of a query. Raises StudioError where the disk cannot be read."""

        def asked() -> T:
            with self._index.connection() as db:
                return question(db)

        with disk_errors_as("The library could not be read"):
            return self.retry(asked)

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
