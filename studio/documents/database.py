"""The SQLite file of a document: its state, the edits since then, steps of undo, and versions.

Every row has a checksum. The last two sealed states are stored, with the edits since the older one, so that nothing is
lost where one is damaged. Only the holder of the document's lock may open it for writing.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
import urllib.parse
import zlib
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from studio.documents.json_diff import Change, apply
from studio.errors import BadInput, Message, StudioError
from studio.system.storage import free_path, sync_folder, transaction

SCHEMA = 3
"""The version of the tables; a newer studio's file has a larger one and is not changed. Folders had version 1."""

WITHOUT_UNDO = "without undo"
"""The kind of an edit that was written to a full disk, where its step of undo had no room: the table lacks it."""

_SCHEMA_BEFORE_UNDO = 2

NAME = "document.sqlite"
UNFINISHED = f".{NAME}.part"  # what a killed `create` leaves

_RECOVERED = "recovered.sqlite"
_UNDO_TABLE = (
    "CREATE TABLE undo (number INTEGER PRIMARY KEY, undone INTEGER NOT NULL, crc INTEGER NOT NULL,"
    " changes BLOB NOT NULL)"
)
_TABLES = (
    "CREATE TABLE state (edit INTEGER PRIMARY KEY, heading BLOB NOT NULL, crc INTEGER NOT NULL, value BLOB NOT NULL)",
    "CREATE TABLE edits (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, time REAL NOT NULL, crc INTEGER NOT NULL,"
    " changes BLOB NOT NULL)",
    "CREATE TABLE versions (number INTEGER PRIMARY KEY, name BLOB NOT NULL, automatic INTEGER NOT NULL,"
    " saved REAL NOT NULL, crc INTEGER NOT NULL, state BLOB NOT NULL)",
    _UNDO_TABLE,
)


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version with its state, as in the table."""

    number: int
    name: str
    automatic: bool
    saved: float
    state: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DocumentRows:
    """What could be read of a document, to be written into a new database; `notices` say what could not."""

    state: dict[str, Any]
    versions: list[VersionRow]
    notices: list[Message] = field(default_factory=list[Message])


def encode(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


def decode(data: bytes) -> dict[str, Any]:
    """Raises ValueError where the bytes are no JSON object."""
    try:
        value: object = json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return cast("dict[str, Any]", value)


def fingerprint(state: dict[str, Any]) -> int:
    """A checksum that equal states share, whatever the order of their keys."""
    return zlib.crc32(json.dumps(state, sort_keys=True).encode())


def checked(state: dict[str, Any]) -> dict[str, Any]:
    """The state, if it has the shape of a document's. Raises BadInput."""
    kinds = {"kind": str, "title": str, "works": list, "content": dict}
    if not all(isinstance(state.get(name), kind) for name, kind in kinds.items()):
        raise BadInput("This document is damaged.")
    return state


def unsealed(data: bytes, crc: object) -> dict[str, Any]:
    """The state in `data`. Raises ValueError where it does not fit its checksum or is no document's."""
    try:
        state = checked(decode(data))
    except BadInput as error:
        raise ValueError("not a document") from error
    if fingerprint(state) != crc:
        raise ValueError("wrong checksum")
    return state


def exists(folder: Path) -> bool:
    """Whether the folder has a database, also one that was just rebuilt and is not in its place yet."""
    return (folder / NAME).exists() or (folder / _RECOVERED).exists()


def connect_to_read(folder: Path) -> sqlite3.Connection:
    """The database of a document, which may be open elsewhere. Raises sqlite3.Error."""
    path = folder / NAME
    # Without a log, reading must not create one, which a reader cannot remove again.
    mode = "ro" if any(size for _, size in _times(folder / f"{NAME}-wal")) else "ro&immutable=1"
    return _connect(path if path.exists() else folder / _RECOVERED, mode)


def heading(folder: Path) -> dict[str, Any]:
    """Kind and title of the document, which may be open elsewhere. Raises sqlite3.Error or ValueError."""
    with contextlib.closing(connect_to_read(folder)) as db:
        row = db.execute("SELECT heading FROM state ORDER BY edit DESC LIMIT 1").fetchone()
    return decode(row[0]) if row else {}


def state_now(db: sqlite3.Connection) -> dict[str, Any]:
    """The state with all edits since it was sealed. Raises sqlite3.Error or ValueError."""
    last, value = db.execute("SELECT edit, value FROM state ORDER BY edit DESC LIMIT 1").fetchone() or (0, b"{}")
    state = decode(value)
    for (changes,) in db.execute("SELECT changes FROM edits WHERE number > ? ORDER BY number", (last,)):
        state = apply(state, decode(changes)["changes"])
    return state


def saved_at(folder: Path) -> float:
    """Seconds since 1970 when the database was last written to."""
    # An open database may have an empty log, whose time means nothing.
    logs = [changed for changed, size in _times(folder / f"{NAME}-wal") if size]
    return max([*logs, *(changed for changed, _ in _times(folder / NAME, folder / _RECOVERED))], default=0.0)


def create(path: Path, rows: DocumentRows, step: Callable[[str], None]) -> None:
    """Write a new database: all of it or nothing. Raises OSError or sqlite3.Error."""
    part = path.with_name(f".{path.name}.part")
    journal = part.with_name(f"{part.name}-journal")
    step("create")
    try:
        for left in (journal, part):
            left.unlink(missing_ok=True)
        # Not yet in WAL mode: all of it must be in this one file when it takes its place.
        with contextlib.closing(_connect(part, "rwc")) as db, transaction(db):
            for table in _TABLES:
                db.execute(table)
            _insert_state(db, 0, rows.state)
            for version in rows.versions:
                insert_version(db, version)
            db.execute(f"PRAGMA user_version = {SCHEMA}")
            step("commit")
        step("place")
        part.replace(path)
    except BaseException:
        for left in (journal, part):
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


class DocumentDatabase:
    """The database in `folder`, open until `close`. Any thread may use it.

    A damaged one is rebuilt from what can be read of it, and its file renamed; `notices` say so. Raises StudioError,
    with the file unchanged, where it is of a newer studio or nothing can be read.
    """

    def __init__(self, folder: Path, step: Callable[[str], None]) -> None:
        self.folder, self._step = folder, step
        self.notices: list[Message] = []
        self._lock = threading.RLock()
        _finish_recovery(folder, step)
        rows = self._open()
        if rows is not None:
            create(folder / _RECOVERED, rows, step)
            _finish_recovery(folder, step)
            if self._open() is not None:
                raise damaged(folder)
            self.notices = rows.notices

    def append(
        self, changes: list[Change], kind: str, also: Callable[[sqlite3.Connection], None] | None = None
    ) -> None:
        """Add an edit, unless it changes nothing, and do `also` in the same transaction.

        It is on the disk when this returns. Raises OSError or sqlite3.Error, with nothing added.
        """
        data, number = encode({"changes": changes}), self._last + 1
        with self.transaction("append") as db:
            if changes:
                values = (number, kind, time.time(), row_crc(number, data), data)
                db.execute("INSERT INTO edits VALUES (?, ?, ?, ?, ?)", values)
            if also is not None:
                also(db)
        if changes:
            self._last = number
            self.edits_size += len(data)

    def seal(self, state: dict[str, Any]) -> None:
        """Store the state after the last edit; the one sealed before stays, with the edits between them."""
        with self.transaction("seal") as db:
            size = _insert_state(db, self._last, state)
            db.execute("DELETE FROM undo WHERE EXISTS (SELECT 1 FROM edits WHERE kind = ?)", (WITHOUT_UNDO,))
            older = "(SELECT MIN(edit) FROM (SELECT edit FROM state ORDER BY edit DESC LIMIT 2))"
            db.execute(f"DELETE FROM state WHERE edit < {older}")
            db.execute("DELETE FROM edits WHERE number <= (SELECT MIN(edit) FROM state)")
        self.sealed_size, self.edits_size = size, 0

    @contextlib.contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """Raises StudioError where the database turns out to be damaged, sqlite3.Error where the disk fails."""
        with self._lock:
            try:
                yield self._db
            except sqlite3.DatabaseError as error:
                if _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                    raise damaged(self.folder) from error
                raise

    @contextlib.contextmanager
    def transaction(self, name: str) -> Generator[sqlite3.Connection]:
        """All that is done in it, or nothing; it is on the disk when this returns."""
        with self.reading() as db:
            self._step(name)
            with transaction(db):
                yield db
                self._step("commit")

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _open(self) -> DocumentRows | None:
        """Open and read the database. Where it is damaged, it is closed again and what could be read is returned."""
        self._db = db = _connect(self.folder / NAME, "rw")
        try:
            found, whole = self._read(db)
            if whole:
                if db.execute("PRAGMA user_version").fetchone()[0] == _SCHEMA_BEFORE_UNDO:
                    self._add_undo(db)
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA synchronous = FULL")
                self.state = found
                return None
            if not found:
                # Lets SQLite read a file that is shorter than its header says.
                db.execute("PRAGMA writable_schema = ON")
                found, _ = self._read(db)
            rows = _salvage(db, found, self.folder)
        except BaseException:
            db.close()
            raise
        db.close()
        return rows

    def _add_undo(self, db: sqlite3.Connection) -> None:
        self._step("migrate")
        with transaction(db):
            db.execute(_UNDO_TABLE)
            db.execute(f"PRAGMA user_version = {SCHEMA}")
            self._step("commit")

    def _read(self, db: sqlite3.Connection) -> tuple[dict[str, Any], bool]:
        """The newest state that can be read, empty where there is none, and whether nothing is damaged."""
        state: dict[str, Any] = {}
        try:
            schema = db.execute("PRAGMA user_version").fetchone()[0]
            if schema > SCHEMA:
                raise newer()
            sealed = [edit for (edit,) in db.execute("SELECT edit FROM state ORDER BY edit DESC")]
            whole = schema in (_SCHEMA_BEFORE_UNDO, SCHEMA) and _quick_check(db)
        except sqlite3.DatabaseError as error:
            _raise_of_disk(error)
            return {}, False
        for start in sealed:
            try:
                crc, value = db.execute("SELECT crc, value FROM state WHERE edit = ?", (start,)).fetchone()
                state = unsealed(value, crc)
            except (sqlite3.DatabaseError, ValueError, TypeError) as error:
                _raise_of_disk(error)
                whole = False
                continue
            self._last, self.edits_size, self.sealed_size = start, 0, len(value)
            return self._replay(db, state, whole)
        return {}, False

    def _replay(self, db: sqlite3.Connection, state: dict[str, Any], whole: bool) -> tuple[dict[str, Any], bool]:
        """The state after the edits that follow `_last`, up to the first damaged one."""
        query = "SELECT number, crc, changes FROM edits WHERE number > ? ORDER BY number"
        try:
            for number, crc, data in db.execute(query, (self._last,)):
                if number != self._last + 1 or crc != row_crc(number, data):
                    return state, False
                state = checked(cast("dict[str, Any]", apply(state, decode(data)["changes"])))
                self._last, self.edits_size = number, self.edits_size + len(data)
        except (sqlite3.DatabaseError, ValueError, KeyError, TypeError, BadInput) as error:
            _raise_of_disk(error)
            return state, False
        return state, whole


def read_version(db: sqlite3.Connection, number: int) -> VersionRow | None:
    """None where there is no such version. Raises ValueError where it is damaged."""
    query = "SELECT name, automatic, saved, crc, state FROM versions WHERE number = ?"
    row = db.execute(query, (number,)).fetchone()
    if row is None:
        return None
    name, automatic, saved, crc, state = row
    return VersionRow(number, _text(name), bool(automatic), saved, unsealed(state, crc))


def version_list(db: sqlite3.Connection) -> list[tuple[int, str, bool, float]]:
    """Number, name, whether it is automatic and when it was saved, of every version, newest first."""
    rows = db.execute("SELECT number, name, automatic, saved FROM versions ORDER BY number DESC")
    return [(number, _text(name), bool(automatic), saved) for number, name, automatic, saved in rows]


def insert_version(db: sqlite3.Connection, version: VersionRow) -> None:
    name = version.name.encode("utf-8", "surrogatepass")
    values = (version.number, name, version.automatic, version.saved, fingerprint(version.state))
    db.execute("INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?)", (*values, encode(version.state)))


def _times(*paths: Path) -> list[tuple[float, int]]:
    """When each file that there is was last written to, and its size."""
    found: list[tuple[float, int]] = []
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            stat = path.stat()
            found.append((stat.st_mtime, stat.st_size))
    return found


def _quick_check(db: sqlite3.Connection) -> bool:
    try:
        return db.execute("PRAGMA quick_check").fetchall() == [("ok",)]
    except sqlite3.DatabaseError as error:
        _raise_of_disk(error)
        return False


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _insert_state(db: sqlite3.Connection, edit: int, state: dict[str, Any]) -> int:
    """Returns its size in bytes."""
    head, value = encode({"kind": state["kind"], "title": state["title"]}), encode(state)
    db.execute("INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?)", (edit, head, fingerprint(state), value))
    return len(value)


def row_crc(number: int, changes: bytes) -> int:
    """The checksum of a row of changes; it differs under another number."""
    return zlib.crc32(changes, number & 0xFFFFFFFF)


def _salvage(db: sqlite3.Connection, state: dict[str, Any], folder: Path) -> DocumentRows:
    """What can be read of a damaged database. Without a state, that of the newest version is taken."""
    aside = _aside(folder / NAME).name
    notices = [Message("The document was damaged and rebuilt; the damaged file is kept as {name}.", name=aside)]
    numbers: list[int] = []
    versions: list[VersionRow] = []
    with contextlib.suppress(sqlite3.DatabaseError):
        for (number,) in db.execute("SELECT number FROM versions ORDER BY number"):
            numbers.append(number)  # one by one, so that those before an error are there
    for number in numbers:
        with contextlib.suppress(sqlite3.DatabaseError, ValueError, TypeError, AttributeError):
            version = read_version(db, number)
            versions += [version] if version else []
    if not state:
        if not versions:
            raise damaged(folder)
        state = versions[-1].state
        notices.append(Message("The document was damaged; version {number} was used.", number=versions[-1].number))
    return DocumentRows(state, versions, notices)


def _finish_recovery(folder: Path, step: Callable[[str], None]) -> None:
    """Replace the damaged database by the rebuilt one, also where a killed studio had begun to."""
    if not (folder / _RECOVERED).exists():
        return
    for suffix in ("", "-wal", "-journal"):
        path = folder / f"{NAME}{suffix}"
        if path.exists():
            step("set aside")
            path.replace(_aside(path))
    (folder / f"{NAME}-shm").unlink(missing_ok=True)
    step("place")
    (folder / _RECOVERED).replace(folder / NAME)
    sync_folder(folder)


def _aside(path: Path) -> Path:
    return free_path(path.with_name(f"damaged-{path.name}"), "-")


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    # Not Path.as_uri: SQLite takes no host name, so a network path of Windows needs its two slashes.
    place = urllib.parse.quote(os.fsencode(path.absolute().as_posix()))
    uri = f"file://{'' if place.startswith('/') else '/'}{place}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=5.0, check_same_thread=False, isolation_level=None)


def _raise_of_disk(error: Exception) -> None:
    """Raise the error again where the disk failed and the file may be intact."""
    if isinstance(error, sqlite3.OperationalError) and _code(error) != sqlite3.SQLITE_ERROR:
        raise error


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def damaged(folder: Path) -> StudioError:
    return StudioError("The document in {folder} is damaged.", "Restore the folder from a backup.", folder=folder)


def newer() -> StudioError:
    return StudioError("This document was saved by a newer AIGC Studio.", "Update the studio to open it.")
