"""What a document can go back to: steps of undo, and versions, named by a person or automatic."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from studio.documents.database import (
    WITHOUT_UNDO,
    DocumentDatabase,
    VersionRow,
    decode,
    encode,
    fingerprint,
    insert_version,
    read_version,
    row_crc,
    state_now,
    version_list,
)
from studio.documents.json_diff import apply, between, plain
from studio.errors import BadInput

UNDO_LIMIT = 500
"""How many steps can be undone, and as many redone."""

UNDO_SIZE = 4 * 2**20
"""Bytes that the steps to undo may take, and those to redo; the nearest step stays, however large it is."""

AUTOMATIC_LIMIT = 40
"""How many automatic versions stay; versions that a person named stay."""

_Row = tuple[int, bool, bytes]


@dataclass(frozen=True, slots=True)
class DocumentUndo:
    """The steps around a state, each as the encoded changes that lead over it; the nearest are the last of `undo` and
    the first of `redo`. `first` is the number of the oldest one; `group` is the one that the last edit belongs to."""

    undo: tuple[bytes, ...] = ()
    redo: tuple[bytes, ...] = ()
    first: int = 0
    group: str = ""

    def edited(self, before: dict[str, Any], after: dict[str, Any], group: str = "") -> DocumentUndo:
        """The history after an edit: a step of its own, or a part of the last one if that is of the same group."""
        undo = self.undo
        if group and undo and group == self.group:
            before, undo = _over(undo[-1], before), undo[:-1]
        changes = between(after, before)
        if not changes:
            return DocumentUndo(undo, (), self.first)
        return DocumentUndo((*undo, _encoded(changes)), (), self.first, group)._bounded()

    def undone(self, state: dict[str, Any]) -> tuple[dict[str, Any], DocumentUndo]:
        """The state before the last step, and the history there. Raises IndexError where there is no step."""
        earlier = _over(self.undo[-1], state)
        redo = (_encoded(between(earlier, state)), *self.redo)
        return earlier, DocumentUndo(self.undo[:-1], redo, self.first)._bounded()

    def redone(self, state: dict[str, Any]) -> tuple[dict[str, Any], DocumentUndo]:
        """The state after the step that was undone last, and the history there. Raises IndexError as `undone` does."""
        later = _over(self.redo[0], state)
        undo = (*self.undo, _encoded(between(later, state)))
        return later, DocumentUndo(undo, self.redo[1:], self.first)._bounded()

    def rows(self) -> list[_Row]:
        """Number, whether it is undone, and changes of every step, as in the table."""
        steps = [(False, step) for step in self.undo] + [(True, step) for step in self.redo]
        return [(number, *step) for number, step in enumerate(steps, self.first)]

    def _bounded(self) -> DocumentUndo:
        undo = self.undo[len(self.undo) - _fitting(self.undo[::-1]) :]
        redo = self.redo[: _fitting(self.redo)]
        return DocumentUndo(undo, redo, self.first + len(self.undo) - len(undo), self.group)


def states(db: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    """The state of a document now, those of its versions, and those that undo and redo lead to. Raises sqlite3.Error or
    ValueError.
    """
    now = state_now(db)
    yield now
    for number, *_ in version_list(db):
        version = read_version(db, number)
        if version is not None:
            yield version.state
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'undo'").fetchone():
        return
    undo, _ = read_undo(db)
    for steps, leads in ((undo.undo[::-1], DocumentUndo.undone), (undo.redo, DocumentUndo.redone)):
        state, left = now, undo
        for _ in steps:
            state, left = leads(left, state)
            yield state


def write_undo(db: sqlite3.Connection, old: DocumentUndo | None, new: DocumentUndo) -> None:
    """Make the table, which has the rows of `old` or unknown ones, that of `new`. Call it in a transaction."""
    rows, known = new.rows(), set(old.rows() if old else ())
    db.execute("DELETE FROM undo WHERE number < ? OR number >= ?", (new.first, new.first + len(rows)))
    if old is None:
        db.execute("UPDATE edits SET kind = 'edit' WHERE kind = ?", (WITHOUT_UNDO,))
    changed = [(number, undone, _crc(number, undone, data), data) for number, undone, data in rows
               if (number, undone, data) not in known]  # fmt: skip
    db.executemany("INSERT OR REPLACE INTO undo VALUES (?, ?, ?, ?)", changed)


def read_undo(db: sqlite3.Connection) -> tuple[DocumentUndo, bool]:
    """The steps in the table, on either side up to the first damaged one, and whether none is damaged."""
    if db.execute("SELECT 1 FROM edits WHERE kind = ? LIMIT 1", (WITHOUT_UNDO,)).fetchone():
        return DocumentUndo(), False
    rows = db.execute("SELECT number, undone, crc, changes FROM undo ORDER BY number").fetchall()
    if not rows:
        return DocumentUndo(), True
    changes = {number: data for number, _, _, data in rows}
    undone = {number: bool(flag) for number, flag, crc, data in rows if crc == _crc(number, flag, data)}
    # The number of the first step to redo, whether or not there is one: the state is just before it.
    here = 1 + max((number for number, flag in undone.items() if not flag), default=rows[0][0] - 1)
    first = end = here
    if undone.get(here) or here == rows[-1][0] + 1:  # else the step nearest to the state is lost
        while undone.get(first - 1) is False:
            first -= 1
        while undone.get(end) is True:
            end += 1
    undo = tuple(changes[number] for number in range(first, here))
    redo = tuple(changes[number] for number in range(here, end))
    return DocumentUndo(undo, redo, first), end - first == len(rows)


def _over(step: bytes, state: dict[str, Any]) -> dict[str, Any]:
    return cast("dict[str, Any]", apply(plain(state), decode(step)["changes"]))


def _encoded(changes: Sequence[dict[str, Any]]) -> bytes:
    return encode({"changes": changes})


def _fitting(steps: Sequence[bytes]) -> int:
    """How many of the steps may stay, from the first on."""
    size = 0
    for count, step in enumerate(steps[:UNDO_LIMIT]):
        size += len(step)
        if count and size > UNDO_SIZE:
            return count
    return min(len(steps), UNDO_LIMIT)


def _crc(number: int, undone: bool, changes: bytes) -> int:
    # Changes that undo must not be taken for changes that redo.
    return row_crc(2 * number + undone, changes)


@dataclass(frozen=True, slots=True)
class DocumentVersion:
    """A state to go back to. `saved` is seconds since 1970; `name` is empty for automatic ones."""

    number: int
    name: str
    automatic: bool
    saved: float


class VersionStore:
    """The versions in a document's database, numbered in the order in which they were saved.

    Its methods raise OSError or sqlite3.Error where the disk fails; then nothing has changed.
    """

    def __init__(self, database: DocumentDatabase) -> None:
        self._database = database

    def all(self) -> list[DocumentVersion]:
        """Newest first."""
        with self._database.reading() as db:
            return [DocumentVersion(*row) for row in version_list(db)]

    def add(self, state: dict[str, Any], name: str) -> DocumentVersion:
        """Save a version that is never deleted automatically."""
        return self._insert(state, name, automatic=False)

    def add_automatic(self, state: dict[str, Any]) -> None:
        """Save the state unless it is empty or equals the newest version; delete automatic ones beyond the limit."""
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

    def delete(self, number: int) -> None:
        with self._database.transaction("delete version") as db:
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
