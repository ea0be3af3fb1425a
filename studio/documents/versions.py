"""Versions of a document: saved states to go back to, named by a person or automatic."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from studio.documents.database import DocumentDatabase, VersionRow, insert_version, read_version, version_list
from studio.documents.state import fingerprint
from studio.errors import BadInput

AUTOMATIC_LIMIT = 40
"""How many automatic versions stay; versions that a person named stay."""


@dataclass(frozen=True, slots=True)
class DocumentVersion:
    """A state to go back to. `saved` is seconds since 1970; `name` is empty for automatic ones."""

    number: int
    name: str
    automatic: bool
    saved: float


class VersionStore:
    """The versions in a document's database, numbered in the order in which they were saved, whatever the clock says.

    Its methods raise OSError or sqlite3.Error where the disk fails; then nothing has changed.
    """

    def __init__(self, database: DocumentDatabase) -> None:
        self._database = database

    def all(self) -> list[DocumentVersion]:
        """Newest first."""
        with self._database.reading() as db:
            return [DocumentVersion(*row) for row in version_list(db)]

    def keep(self, state: dict[str, Any], name: str) -> DocumentVersion:
        return self._insert(state, name, automatic=False)

    def keep_by_itself(self, state: dict[str, Any]) -> None:
        """Keep the state unless it is empty or the newest version says the same; thin out the oldest automatic ones."""
        with self._database.reading() as db:
            newest = db.execute("SELECT crc FROM versions ORDER BY number DESC LIMIT 1").fetchone()
        if state["content"] and newest != (fingerprint(state),):
            self._insert(state, "", automatic=True)

    def state(self, number: int) -> dict[str, Any]:
        """Raises BadInput where it is gone or damaged."""
        with self._database.reading() as db:
            try:
                version = read_version(db, number)
            except ValueError as error:
                raise BadInput("Version {number} is damaged.", number=number) from error
        if version is None:
            raise BadInput("There is no version {number}.", number=number)
        return version.state

    def forget(self, number: int) -> None:
        with self._database.transaction("forget") as db:
            db.execute("DELETE FROM versions WHERE number = ?", (number,))

    def _insert(self, state: dict[str, Any], name: str, *, automatic: bool) -> DocumentVersion:
        with self._database.transaction("version") as db:
            number = db.execute("SELECT IFNULL(MAX(number), 0) + 1 FROM versions").fetchone()[0]
            version = DocumentVersion(number, name, automatic, time.time())
            insert_version(db, VersionRow(number, name, automatic, version.saved, state))
            if automatic:
                db.execute(
                    "DELETE FROM versions WHERE automatic AND number NOT IN"
                    " (SELECT number FROM versions WHERE automatic ORDER BY number DESC LIMIT ?)",
                    (AUTOMATIC_LIMIT,),
                )
        return version
