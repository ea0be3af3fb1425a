"""The library's index: an SQLite database with full-text search, and the queries on it.

It holds nothing that the sidecars do not, and can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path
from typing import Any

from studio.errors import Message, StudioError
from studio.library.asset import FOLDERS, AssetRecord, LibraryQuery, search_text, without_surrogates
from studio.media import codecs
from studio.media.payloads import Text
from studio.system.storage import transaction, try_writing

SHA256 = re.compile(r'"([0-9a-f]{64})', re.ASCII)
"""A sha256 in JSON, also in a JSON text inside of it. The quote makes the search nine times as fast."""

VERSION = 2
"""The version of the tables below; an older index is rebuilt, a newer one is refused."""

_TABLES = """
CREATE TABLE works (
    seq INTEGER PRIMARY KEY,  -- the library's order, newest largest
    id TEXT NOT NULL UNIQUE,
    medium TEXT NOT NULL,
    model TEXT NOT NULL,
    favourite INTEGER NOT NULL,
    binned INTEGER NOT NULL,
    created REAL NOT NULL,
    sha256 TEXT NOT NULL
);
CREATE INDEX by_binned ON works (binned);
CREATE INDEX by_medium ON works (binned, medium);
CREATE INDEX by_model ON works (binned, model);
CREATE INDEX by_favourite ON works (binned, favourite);
CREATE INDEX by_created ON works (binned, created);
CREATE INDEX by_sha256 ON works (sha256);
CREATE TABLE bodies (seq INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE texts (seq INTEGER PRIMARY KEY, folded TEXT NOT NULL);
CREATE VIRTUAL TABLE words USING fts5 (title, prompt, tags, model, content, tokenize = 'trigram');
CREATE TABLE labels (kind TEXT, name TEXT, seq INTEGER, PRIMARY KEY (kind, name, seq)) WITHOUT ROWID;
CREATE INDEX labels_of ON labels (seq);
"""
CONTENT = 1_000_000  # characters of a text that are searched
ROOM = 2**16
"""Bytes without which SQLite cannot open the index: its shared memory alone, a file beside it, takes half of them."""
RETRY = 2.0  # seconds between two looks at whether a full disk has room again
# `words` holds works outside the bin only, so that a search over them need not look at `works`.
_DATA_TABLES = ("works", "bodies", "texts", "words", "labels")


class DamagedIndex(StudioError):
    """The index is damaged and must be rebuilt; a person sees this only where rebuilding fails."""

    def __init__(self, why: str | Message) -> None:
        super().__init__(
            "The library's index is damaged ({reason}).",
            "Check the disk, then run `studio library rebuild`.",
            reason=why,
        )


class LibraryIndex:
    """The index file and its connections. Any thread may use it; each query borrows a connection of its own.

    On a full disk SQLite cannot even read the file, since it needs room for its shared memory. Queries then read a copy
    in memory (`copy_to_memory`), until there is room again; nothing can be written meanwhile.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._copy: _MemoryCopy | None = None
        self._idle: list[sqlite3.Connection] = []
        self._idle_lock = threading.Lock()
        self._closed = False
        self._opened_inode = 0  # the inode, so that another studio's new index is noticed

    def prepare(self, records: Callable[[], Iterable[AssetRecord]]) -> int:
        """Where the tables are missing or older, make them, filled with `records`; returns how many these were."""
        with self.connection(must_exist=False) as db:
            if _version(db) == VERSION:
                return 0
            with transaction(db):
                return _fill(db, self.path.parent, records())

    def replace_all(self, records: Iterable[AssetRecord]) -> int:
        """Replace all works by these; returns how many they are."""
        with self.writing() as db:
            for table in _DATA_TABLES:
                db.execute(f"DELETE FROM {table}")
            return upsert(db, self.path.parent, records)

    def copy_to_memory(self, records: Callable[[], Iterable[AssetRecord]]) -> None:
        """Read a copy in memory from now on. Where the file cannot be read even so, it is made from the `records`."""
        self._release()
        self._copy = _MemoryCopy(self.path, records)

    @contextlib.contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """A connection for one transaction: all of it or nothing. Raises OSError on a full disk."""
        if self._copy is not None:
            self._leave_copy()
        with self.connection() as db, transaction(db):
            yield db

    @contextlib.contextmanager
    def connection(self, must_exist: bool = True) -> Generator[sqlite3.Connection]:
        """A connection for one query or one transaction. Raises DamagedIndex where the file is damaged, or lacks
        its tables and `must_exist` is set.
        """
        copy = self._copy
        if copy is not None:
            if copy.is_due():
                with contextlib.suppress(OSError, sqlite3.Error):
                    self._leave_copy()
            with copy.lock:
                if not copy.closed:  # another thread may have left it meanwhile
                    yield copy.connection()
                    return
        db = self._borrow(must_exist)
        try:
            yield db
        except sqlite3.DatabaseError as error:
            db.close()
            if _is_damage(error):
                raise DamagedIndex(str(error)) from error
            raise
        except BaseException:
            db.close()
            raise
        with self._idle_lock:
            if not self._closed:
                self._idle.append(db)
                return
        db.close()

    def close(self) -> None:
        with self._idle_lock:
            self._closed = True
        self._release()

    def inode(self) -> int:
        """The inode of the index file, by which a file that replaced it is noticed; 0 if there is none."""
        try:
            return self.path.stat().st_ino
        except FileNotFoundError:
            return 0

    def set_aside(self, name: str) -> Path:
        """Rename the damaged file; returns its new path."""
        self._release()
        aside = self.path.with_name(name)
        self.path.replace(aside)
        for tail in ("-wal", "-shm"):
            self.path.with_name(self.path.name + tail).unlink(missing_ok=True)
        return aside

    def _leave_copy(self) -> None:
        """Use the file again. Raises OSError or sqlite3.OperationalError where there is still no room for that."""
        try_writing(self.path.parent, ROOM)
        db = self._connect(must_exist=False)
        with self._idle_lock:
            self._idle.append(db)
            copy, self._copy = self._copy, None
        if copy is not None:
            copy.close()

    def _release(self) -> None:
        with self._idle_lock:
            idle, self._idle = self._idle, []
            copy, self._copy = self._copy, None
        for db in idle:
            db.close()
        if copy is not None:
            copy.close()

    def _borrow(self, must_exist: bool) -> sqlite3.Connection:
        now = self.inode()
        with self._idle_lock:
            if self._closed:
                raise RuntimeError("the library is closed")
            if now != self._opened_inode:
                stale, self._idle = self._idle, []
                self._opened_inode = now
            else:
                stale = []
            db = self._idle.pop() if self._idle else None
        for old in stale:
            old.close()
        return db or self._connect(must_exist)

    def _connect(self, must_exist: bool) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=20.0, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA cache_size = -16000")
            # 400 KB of log at most, not four megabytes: the last room of a full disk belongs to works.
            db.execute("PRAGMA wal_autocheckpoint = 100")
            version = _version(db)
        except sqlite3.DatabaseError as error:
            db.close()
            if _is_damage(error):
                raise DamagedIndex(str(error)) from error
            raise
        if version > VERSION or (must_exist and version != VERSION):
            db.close()
            if version < VERSION:
                raise DamagedIndex(Message("it is empty"))
            raise _newer()
        with self._idle_lock:
            self._opened_inode = self.inode()
        return db


class _MemoryCopy:
    """A copy of the index in memory, taken again when another studio has changed the file; used with `lock` held."""

    def __init__(self, path: Path, records: Callable[[], Iterable[AssetRecord]]) -> None:
        self._path, self._records = path, records
        self.lock = threading.RLock()
        self.closed = False
        self._take()

    def is_due(self) -> bool:
        """Whether it is time to look whether there is room again; the caller then does."""
        with self.lock:
            due = time.monotonic() >= self._next_look
            if due:
                self._next_look = time.monotonic() + RETRY
            return due

    def connection(self) -> sqlite3.Connection:
        """The copy as the file is now; for who holds the lock, until it is released."""
        if self._stamp != self._file_stamp():
            self._db.close()
            self._take()
        return self._db

    def close(self) -> None:
        with self.lock:
            self.closed = True
            self._db.close()

    def _take(self) -> None:
        self._next_look = time.monotonic() + RETRY
        self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        # In the second mode SQLite needs no shared memory, but no other studio may have the file open.
        version = self._read_file("NORMAL") or self._read_file("EXCLUSIVE")
        if version > VERSION:
            self._db.close()
            raise _newer()
        if version < VERSION:
            self._db.close()
            self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            with transaction(self._db):
                _fill(self._db, self._path.parent, self._records())
        self._stamp = self._file_stamp()

    def _read_file(self, locking: str) -> int:
        """Copy the file; returns its version, 0 where it cannot be read."""
        try:
            with contextlib.closing(sqlite3.connect(f"{self._path.as_uri()}?mode=rw", uri=True, timeout=5.0)) as file:
                file.execute(f"PRAGMA locking_mode = {locking}")
                if _version(file):  # which takes the lock: `backup` would wait for it without end
                    file.backup(self._db)
            return _version(self._db)
        except sqlite3.DatabaseError:
            return 0

    def _file_stamp(self) -> tuple[int, ...]:
        """Changes when the file or its log does."""
        stamp: list[int] = []
        for path in (self._path, self._path.with_name(f"{self._path.name}-wal")):
            with contextlib.suppress(OSError):
                stat = path.stat()
                stamp += (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        return tuple(stamp)


def _fill(db: sqlite3.Connection, folder: Path, records: Iterable[AssetRecord]) -> int:
    """Make the tables anew, filled with `records`; returns how many these are. Within `transaction`."""
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        if not name.startswith(("sqlite_", "words_")):
            db.execute(f"DROP TABLE {name}")
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            db.execute(statement)
    filled = upsert(db, folder, records)
    db.execute(f"PRAGMA user_version = {VERSION}")
    return filled


def upsert(db: sqlite3.Connection, folder: Path, records: Iterable[AssetRecord]) -> int:
    """Insert or update the rows of works of the library in `folder`; returns how many. Within `transaction`."""
    done = 0
    for record in records:
        done += 1
        seq = _order(db, record)
        content = _content(db, folder, record)
        delete(db, [record.id])
        labels_text = " ".join((*record.tags, *record.collections))
        texts = (
            record.title,
            search_text(record.request),
            labels_text,
            record.model,
            without_surrogates(content),
        )
        db.execute(
            "INSERT INTO works VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                seq,
                record.id,
                record.medium,
                record.model,
                record.favourite,
                record.binned,
                record.created,
                record.sha256,
            ),
        )
        db.execute("INSERT INTO bodies VALUES (?, ?)", (seq, record.to_json(indent=None)))
        db.execute("INSERT INTO texts VALUES (?, ?)", (seq, "\n".join(texts).casefold()))
        if not record.binned:
            db.execute(
                "INSERT INTO words (rowid, title, prompt, tags, model, content) VALUES (?, ?, ?, ?, ?, ?)",
                (seq, *texts),
            )
        labels = [("tag", name) for name in record.tags] + [("collection", name) for name in record.collections]
        labels += [("parent", name) for name in record.parents]
        db.executemany("INSERT OR IGNORE INTO labels VALUES (?, ?, ?)", [(*label, seq) for label in labels])
    return done


def _content(db: sqlite3.Connection, folder: Path, record: AssetRecord) -> str:
    """What a text says; empty for other works, and where its file cannot be read. It is read once for each content."""
    if Path(record.file).suffix not in codecs.TEXT_SUFFIXES:
        return ""
    indexed = "SELECT content FROM words JOIN works ON words.rowid = works.seq WHERE works.id = ? AND works.sha256 = ?"
    row = db.execute(indexed, (record.id, record.sha256)).fetchone()
    if row is not None and row[0]:
        return str(row[0])
    # Until a change of the work is written down here, the file lies where it was before.
    places = [folder / "staging" / Path(record.file).name, *(folder / room / record.file for room in FOLDERS)]
    path = next((path for path in places if path.exists()), None)
    if path is None:
        return ""
    try:
        payload = codecs.read(path)
    except (StudioError, OSError):
        return ""
    return payload.text[:CONTENT] if isinstance(payload, Text) else ""


def delete(db: sqlite3.Connection, ids: Iterable[str]) -> None:
    """Delete the rows of works. Within `transaction`."""
    for name in ids:
        for (seq,) in db.execute("SELECT seq FROM works WHERE id = ?", (name,)).fetchall():
            for table in _DATA_TABLES:
                db.execute(f"DELETE FROM {table} WHERE {'rowid' if table == 'words' else 'seq'} = ?", (seq,))


def last_order(db: sqlite3.Connection) -> int:
    """The largest number in the library's order; 0 if there are no works."""
    return _one(db, "SELECT coalesce(max(seq), 0) FROM works")


def records(db: sqlite3.Connection, ids: Sequence[str]) -> dict[str, AssetRecord]:
    """The records of those of these works that are indexed, by id."""
    found: dict[str, AssetRecord] = {}
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        marks = ", ".join("?" * len(some))
        rows = db.execute(f"SELECT body FROM works JOIN bodies USING (seq) WHERE id IN ({marks})", some)
        for (body,) in rows:
            record = _record(body)
            found[record.id] = record
    return found


def ids(db: sqlite3.Connection) -> set[str]:
    """The ids of all indexed works, including those in the bin."""
    return {name for (name,) in db.execute("SELECT id FROM works")}


def page(db: sqlite3.Connection, query: LibraryQuery, offset: int, limit: int) -> list[AssetRecord]:
    """The works that the query names, newest first."""
    tables, where, values, order = _sql(query)
    inner = f"SELECT {order} AS seq FROM {tables} WHERE {where} ORDER BY {order} DESC LIMIT ? OFFSET ?"
    rows = db.execute(
        f"SELECT body FROM ({inner}) AS chosen JOIN bodies ON bodies.seq = chosen.seq ORDER BY chosen.seq DESC",
        [*values, limit, offset],
    )
    return [_record(body) for (body,) in rows]


def count(db: sqlite3.Connection, query: LibraryQuery) -> int:
    tables, where, values, _ = _sql(query)
    return _one(db, f"SELECT count(*) FROM {tables} WHERE {where}", values)


def ids_matching(db: sqlite3.Connection, query: LibraryQuery) -> list[str]:
    """The ids of all works that the query names, newest first."""
    tables, where, values, key = _sql(query)
    if tables == "works":  # a scan of the table: with an index each of the many works would be looked up by itself
        statement = f"SELECT id FROM works NOT INDEXED WHERE {where} ORDER BY seq DESC"
    else:
        chosen = f"SELECT {key} AS seq FROM {tables} WHERE {where}"
        statement = f"SELECT id FROM ({chosen}) AS chosen JOIN works USING (seq) ORDER BY seq DESC"
    return [name for (name,) in db.execute(statement, values)]


def count_made_with(db: sqlite3.Connection, model: str) -> int:
    """How many works, those in the bin included, a model has made or has helped to make."""
    further = "EXISTS (SELECT 1 FROM json_each(body, '$.provenance.models') WHERE json_extract(value, '$.id') = ?)"
    return _one(db, f"SELECT count(*) FROM works JOIN bodies USING (seq) WHERE model = ? OR {further}", [model, model])


def models(db: sqlite3.Connection) -> dict[str, int]:
    """The ids of the models that works outside the bin were made with, and of how many; in alphabetical order."""
    rows = db.execute("SELECT model, count(*) FROM works WHERE binned = 0 AND model != '' GROUP BY model")
    return dict(sorted(rows))


def all_records(db: sqlite3.Connection) -> list[AssetRecord]:
    """Every work, those in the bin included, oldest first."""
    return [_record(body) for (body,) in db.execute("SELECT body FROM bodies ORDER BY seq")]


def hashes(db: sqlite3.Connection) -> set[str]:
    """Every sha256 that a work names: its own, its model's, and those of the works and files that it uses."""
    found: set[str] = set()
    for (body,) in db.execute("SELECT body FROM bodies"):
        found.update(SHA256.findall(body))
    return found


def records_labelled(db: sqlite3.Connection, kind: str, name: str) -> list[AssetRecord]:
    """Works outside the bin that carry the label, oldest first."""
    rows = db.execute(
        "SELECT body FROM labels JOIN works USING (seq) JOIN bodies USING (seq)"
        " WHERE kind = ? AND name = ? AND NOT binned ORDER BY seq",
        (kind, without_surrogates(name)),
    )
    return [_record(body) for (body,) in rows]


def labels(db: sqlite3.Connection, kind: str) -> dict[str, int]:
    """Every label of a kind with the number of works outside the bin that carry it, in alphabetical order."""
    rows = db.execute(
        "SELECT name, count(*) FROM labels JOIN works USING (seq) WHERE kind = ? AND NOT binned GROUP BY name", (kind,)
    )
    return dict(sorted(rows, key=lambda row: str(row[0]).casefold()))


def same_bytes(db: sqlite3.Connection, sha256: str) -> AssetRecord | None:
    """The newest work whose file has these bytes."""
    row = db.execute(
        "SELECT body FROM works JOIN bodies USING (seq) WHERE sha256 = ? ORDER BY seq DESC LIMIT 1", (sha256,)
    ).fetchone()
    return _record(row[0]) if row else None


def index_ok(db: sqlite3.Connection) -> bool:
    """Whether SQLite finds its own file in order."""
    return db.execute("PRAGMA quick_check").fetchone()[0] == "ok"


def _sql(query: LibraryQuery) -> tuple[str, str, list[Any], str]:
    """The query as (tables, condition, values, the column that gives the order)."""
    conditions: list[tuple[str, Any]] = [
        ("works.medium = ?", query.medium),
        ("works.model = ?", query.model),
        ("works.favourite = ?", None if query.favourite is None else int(query.favourite)),
        ("works.created >= ?", query.since),
        ("works.created < ?", query.until),
        ("works.seq IN (SELECT seq FROM labels WHERE kind = 'tag' AND name = ?)", query.tag),
        ("works.seq IN (SELECT seq FROM labels WHERE kind = 'collection' AND name = ?)", query.collection),
    ]
    chosen = [(c, without_surrogates(v) if isinstance(v, str) else v) for c, v in conditions if v is not None]
    terms = without_surrogates(query.text[:1000]).replace("\0", " ").split()[:20]
    # A trigram index finds nothing shorter than three characters, and holds nothing of the bin.
    long = [term for term in terms if len(term) >= 3 and not query.binned]
    rest = [term for term in terms if term not in long]
    tables = [name for name, needed in (("words", long), ("texts", rest)) if needed]
    if long:
        chosen.insert(0, ("words MATCH ?", " AND ".join('"' + term.replace('"', '""') + '"' for term in long)))
    for term in rest:
        literal = "".join("\\" + c if c in "\\%_" else c for c in term.casefold())
        chosen.append(("texts.folded LIKE ? ESCAPE '\\'", f"%{literal}%"))
    if not long or any(condition.startswith("works.") for condition, _ in chosen):
        tables.append("works")
        chosen.append(("works.binned = ?", int(query.binned)))
    keys = ["words.rowid" if name == "words" else f"{name}.seq" for name in tables]
    joined = [tables[0], *(f"{name} ON {key} = {keys[0]}" for name, key in zip(tables[1:], keys[1:], strict=True))]
    return (
        " CROSS JOIN ".join(joined),
        " AND ".join(condition for condition, _ in chosen),
        [value for _, value in chosen],
        keys[0],
    )


def _record(body: str) -> AssetRecord:
    try:
        return AssetRecord.from_json(body)
    except StudioError as error:
        raise DamagedIndex(str(error)) from error


def _one(db: sqlite3.Connection, statement: str, values: Sequence[Any] = ()) -> int:
    return int(db.execute(statement, values).fetchone()[0])


def _order(db: sqlite3.Connection, record: AssetRecord) -> int:
    """The work's number in the library's order: the one it has, else the one in its record, else the next free one."""
    row = db.execute("SELECT seq FROM works WHERE id = ?", (record.id,)).fetchone()
    if row:
        return int(row[0])
    seq = record.order
    while db.execute("SELECT 1 FROM works WHERE seq = ?", (seq,)).fetchone():
        seq += 1
    return seq


def _newer() -> StudioError:
    return StudioError(
        "This library was opened by a newer AIGC Studio.", "Update the studio, or choose another folder."
    )


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or "malformed" in str(error)
