"""The queue on disk (SQLite): unfinished jobs and their groups, and whether it is paused.

Only one studio at a time opens the file.
"""

from __future__ import annotations

import bisect
import itertools
import json
import logging
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.errors import BadInput, Message
from studio.jobs.job import Group, State
from studio.schema.request import Request
from studio.system.storage import free_path, transaction

log = logging.getLogger(__name__)

VERSION = 2

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, place INTEGER, running INTEGER, request TEXT, parents TEXT);
CREATE TABLE IF NOT EXISTS groups (id TEXT PRIMARY KEY, kind TEXT, title TEXT);
CREATE TABLE IF NOT EXISTS flags (name TEXT PRIMARY KEY, value INTEGER);
"""
ADDED = {"state": "TEXT", "group_id": "TEXT", "member": "INTEGER", "after": "TEXT", "works": "TEXT"}
"""Columns of `jobs` since version 2; empty in the rows of version 1."""


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """One job of the queue file: one that has not ended, or one that belongs to a group with others that have not.

    `member` is its position in the group. `after` are ids of jobs that it waits for, each with the field of the request
    that gets its work, or nothing. `works` are ids of what it has made.
    """

    id: str
    request: Request
    parents: tuple[str, ...] = ()
    state: State = "queued"
    group: Group | None = None
    member: int = 0
    after: Mapping[str, str] = field(default_factory=dict[str, str])
    works: tuple[str, ...] = ()

    @property
    def running(self) -> bool:
        return self.state == "running"


class QueueStore:
    """`file` is created if missing, renamed and replaced if damaged, and not touched while another studio uses it.

    A file that cannot be used never stops the studio: `owned` is then False, nothing is stored, and `warning` says why.
    """

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._file = file
        self._stored: dict[str, tuple[float, QueueEntry]] | None = None  # rows by id; None before the first `replace`
        self._groups: dict[str, Group] = {}
        self.warning: Message | None = None
        self._database: sqlite3.Connection | None = None
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._database = self._open()
        except sqlite3.OperationalError as error:
            self.warning = (
                Message("Another studio is using the queue; this one's queue is not saved.")
                if "locked" in str(error)
                else Message("The queue cannot be saved in {path}: {reason}.", path=file, reason=error)
            )
        except sqlite3.DatabaseError:
            self._replace_broken_file()
        except OSError as error:
            self.warning = Message(
                "The queue cannot be saved in {path}: {reason}.", path=file.parent, reason=error.strerror
            )
        if self.warning:
            log.warning("%s", self.warning)

    @property
    def owned(self) -> bool:
        """Whether this studio holds the queue file."""
        return self._database is not None

    def close(self) -> None:
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None

    def entries(self) -> list[QueueEntry]:
        """The stored jobs in order. Requests that this version cannot read are logged and left out."""
        found: list[QueueEntry] = []
        groups = {id: Group(kind, title, id) for id, kind, title in self._read("SELECT id, kind, title FROM groups")}
        rows = self._read(
            "SELECT id, request, parents, coalesce(state, CASE WHEN running THEN 'running' ELSE 'queued' END),"
            " group_id, member, after, works FROM jobs ORDER BY place"
        )
        for id, request, parents, state, group, member, after, works in rows:
            try:
                found.append(
                    QueueEntry(
                        id,
                        Request.from_json(json.loads(request)),
                        tuple(json.loads(parents)),
                        state,
                        groups.get(group),
                        member or 0,
                        dict(json.loads(after or "{}")),
                        tuple(json.loads(works or "[]")),
                    )
                )
            except (BadInput, ValueError, TypeError) as error:
                log.warning("a stored request was left out: %s", error)
        return found

    def replace(self, entries: Sequence[QueueEntry]) -> bool:
        """Store these jobs in this order, in one transaction. Returns False where that failed and nothing changed.

        The first call rewrites the file, later ones only the rows that differ. Not for several threads at once.
        """
        known, known_groups = self._stored or {}, self._groups
        places = _places([entry.id for entry in entries], {id: place for id, (place, _) in known.items()})
        stored = {entry.id: (place, entry) for place, entry in zip(places, entries, strict=True)}
        groups = {entry.group.id: entry.group for entry in entries if entry.group is not None}
        changed = [_row(*row) for id, row in stored.items() if known.get(id) != row]
        gone = [(id,) for id in known if id not in stored]
        added = [(id, group.kind, group.title) for id, group in groups.items() if id not in known_groups]
        left = [(id,) for id in known_groups if id not in groups]
        statements = [
            ("DELETE FROM jobs WHERE id = ?", gone),
            ("DELETE FROM groups WHERE id = ?", left),
            ("INSERT OR REPLACE INTO groups (id, kind, title) VALUES (?, ?, ?)", added),
            (
                "INSERT OR REPLACE INTO jobs (id, place, running, request, parents, state, group_id, member,"
                " after, works) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                changed,
            ),
        ]
        if self._stored is None:
            statements[:2] = [("DELETE FROM jobs", [()]), ("DELETE FROM groups", [()])]
        statements = [(statement, rows) for statement, rows in statements if rows]
        if statements and not self._write(*statements):
            return False
        self._stored, self._groups = stored, groups
        return True

    @property
    def paused(self) -> bool:
        """Whether the user paused the queue, in this session or an earlier one."""
        return any(value for (value,) in self._read("SELECT value FROM flags WHERE name = 'paused'"))

    @paused.setter
    def paused(self, on: bool) -> None:
        self._write(("INSERT OR REPLACE INTO flags (name, value) VALUES ('paused', ?)", [(on,)]))

    def _replace_broken_file(self) -> None:
        """Rename the damaged file and open a new one."""
        aside = free_path(self._file.with_name("queue.broken.sqlite"), "-")
        try:
            self._file.replace(aside)
            for rest in ("-wal", "-shm"):
                self._file.with_name(self._file.name + rest).unlink(missing_ok=True)
            self._database = self._open()
            self.warning = Message(
                "The queue was damaged. It was renamed to {name}, and a new one was started.", name=aside.name
            )
        except (OSError, sqlite3.Error) as error:
            self.warning = Message("The queue is damaged, and a new one cannot be started: {reason}.", reason=error)

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._file, timeout=0.2, check_same_thread=False, isolation_level=None)
        try:
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise sqlite3.OperationalError("it was written by a newer studio")
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            (health,) = database.execute("PRAGMA quick_check(1)").fetchone()
            if health != "ok":
                raise sqlite3.DatabaseError(health)
            with transaction(database):
                for statement in filter(str.strip, SCHEMA.split(";")):
                    database.execute(statement)
                there = {column for _, column, *_ in database.execute("PRAGMA table_info(jobs)")}
                for column, kind in ADDED.items():
                    if column not in there:
                        database.execute(f"ALTER TABLE jobs ADD COLUMN {column} {kind}")
                database.execute(f"PRAGMA user_version = {VERSION}")
        except BaseException:
            database.close()
            raise
        return database

    def _read(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            if self._database is None:
                return []
            try:
                return self._database.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                self.warning = Message("The queue could not be read: {reason}.", reason=error)
                log.warning("%s", self.warning)
                return []

    def _write(self, *statements: tuple[str, list[tuple[Any, ...]]]) -> bool:
        """Run all statements in one transaction. True if it was committed or this studio has no queue file."""
        with self._lock:
            if self._database is None:
                return True
            try:
                with transaction(self._database):
                    for statement, rows in statements:
                        self._database.executemany(statement, rows)
                return True
            except sqlite3.Error as error:
                self.warning = Message("The queue could not be saved: {reason}.", reason=error)
                log.warning("%s", self.warning)
                return False


def _row(place: float, entry: QueueEntry) -> tuple[Any, ...]:
    return (
        *(entry.id, place, entry.state == "running", json.dumps(entry.request.storable.to_json())),
        *(json.dumps(entry.parents), entry.state, entry.group.id if entry.group else None, entry.member),
        *(json.dumps(dict(entry.after)), json.dumps(entry.works)),
    )


def _places(ids: Sequence[str], known: Mapping[str, float]) -> list[float]:
    """A number for each id, ascending; as many as possible keep the number that is known: a move changes one."""
    kept = _longest_ascending([(at, known[id]) for at, id in enumerate(ids) if id in known])
    places: list[float] = []
    for (low_at, low), (high_at, high) in itertools.pairwise([(-1, None), *kept, (len(ids), None)]):
        steps = high_at - low_at
        first = low if low is not None else high - steps if high is not None else -1.0
        last = high if high is not None else first + steps
        places += [first + (last - first) * step / steps for step in range(1, steps)]
        if high is not None:
            places.append(high)
    if any(low >= high for low, high in itertools.pairwise(places)):  # no number is left between two neighbours
        return [float(at) for at in range(len(ids))]
    return places


def _longest_ascending(pairs: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """The longest part of `pairs` in which the second values ascend (patience sorting)."""
    lowest: list[float] = []  # the lowest last value of an ascending part of each length
    ends: list[int] = []  # where in `pairs` that part ends
    before: list[int] = []  # for each pair, the one before it in its part
    for at, (_, value) in enumerate(pairs):
        length = bisect.bisect_left(lowest, value)
        before.append(ends[length - 1] if length else -1)
        lowest[length : length + 1] = [value]
        ends[length : length + 1] = [at]
    found: list[tuple[int, float]] = []
    at = ends[-1] if ends else -1
    while at >= 0:
        found.append(pairs[at])
        at = before[at]
    return found[::-1]
