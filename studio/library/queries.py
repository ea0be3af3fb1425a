"""Read-only SQL queries on the library's index: works by id, query or label, and counts."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from studio.errors import StudioError
from studio.library.asset import AssetRecord, LibraryQuery, without_surrogates
from studio.library.index import DamagedIndex


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
    if tables == "works":  # read as they lie: an index would look up each of the many works by itself
        asked = f"SELECT id FROM works NOT INDEXED WHERE {where} ORDER BY seq DESC"
    else:
        chosen = f"SELECT {key} AS seq FROM {tables} WHERE {where}"
        asked = f"SELECT id FROM ({chosen}) AS chosen JOIN works USING (seq) ORDER BY seq DESC"
    return [name for (name,) in db.execute(asked, values)]


def models(db: sqlite3.Connection) -> dict[str, int]:
    """The ids of the models that works outside the bin were made with, and of how many; in alphabetical order."""
    rows = db.execute("SELECT model, count(*) FROM works WHERE binned = 0 AND model != '' GROUP BY model")
    return dict(sorted(rows))


def all_records(db: sqlite3.Connection) -> list[AssetRecord]:
    """Every work, those in the bin included, oldest first."""
    return [_record(body) for (body,) in db.execute("SELECT body FROM bodies ORDER BY seq")]


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
