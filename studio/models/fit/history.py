"""What jobs really took on this machine: memory and seconds by family and model, in one small SQLite file."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Generator, Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

from studio.system.storage import free_path, transaction

log = logging.getLogger(__name__)

VERSION = 1
FORMULAS = 3
"""Raised whenever a family's formula changes: what was measured against another one says nothing about this."""
KEPT = 20
"""Latest runs of one kind and model, of which the median counts."""
MOST = 4000
"""Runs that are kept altogether."""
PATIENCE = 0.5
"""Seconds to wait for another studio that writes."""

COLUMNS = "kind, device, family, model, seconds, memory, foretold, running, reckoned, formulas"
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS runs (n INTEGER PRIMARY KEY, kind TEXT, device TEXT, family TEXT, model TEXT,"
    " seconds REAL, memory INTEGER, foretold INTEGER, running REAL, reckoned REAL, formulas INTEGER)"
)


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """One job that was done: `seconds` in all; bytes of `memory` at its peak and those that the formula had `foretold`;
    seconds of `running` without loading, and those that were `reckoned`. What is not known is 0.
    """

    kind: str
    device: str
    family: str
    model: str
    seconds: float
    memory: int = 0
    foretold: int = 0
    running: float = 0.0
    reckoned: float = 0.0
    formulas: int = FORMULAS


_Fits = Callable[[MeasuredRun], bool]
_Pair = Callable[[MeasuredRun], tuple[float, float]]
"""What was measured, and what had been foretold."""


def _times(run: MeasuredRun) -> tuple[float, float]:
    return run.running, run.reckoned


class RunHistory:
    """The runs in `file`, read once. A file that is damaged is renamed and a new one begun; one that cannot be used
    costs only what would have been learned. Several studios may write it. Any thread may call.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._runs: list[MeasuredRun] | None = None

    @property
    def known(self) -> bool:
        """Whether the file was read, so that every question is answered from memory."""
        return self._runs is not None

    def read(self) -> None:
        """Read the file, unless that was done: whoever asks first does it otherwise."""
        with self._lock:
            self._read()

    def typical_seconds(self, kind: str, model: str) -> float | None:
        """The median seconds of such jobs on this machine; None if there were none."""
        return _median(run.seconds for run in self._of(lambda run: (run.kind, run.model) == (kind, model)))

    def memory_ratio(self, kind: str, device: str, family: str, model: str) -> float | None:
        """How many times the foretold memory was really used: the median of this model's runs, else its family's."""
        return self._ratio(kind, device, family, model, lambda run: (run.memory, run.foretold))

    def time_ratio(self, kind: str, device: str, family: str, model: str) -> float | None:
        """The same for seconds without loading."""
        return self._ratio(kind, device, family, model, _times)

    def machine_ratio(self, device: str) -> float | None:
        """The same for the seconds of whatever has run on a device."""
        there = self._of(lambda run: run.device == device and run.formulas == FORMULAS and run.reckoned > 0)
        return _median(run.running / run.reckoned for run in there)

    def own_time_ratio(self, kind: str, device: str, model: str) -> float | None:
        """The same for the seconds of this model's own runs only."""
        there = self._of(lambda run: (run.kind, run.device, run.model, run.formulas) == (kind, device, model, FORMULAS))
        return _median(run.running / run.reckoned for run in there if run.reckoned > 0)

    def record(self, run: MeasuredRun) -> None:
        """Add a run to what is known and to the file; who asks meanwhile does not wait for the disk."""
        with self._lock:
            runs = self._read()
            runs.append(run)
            same = [at for at, each in enumerate(runs) if (each.kind, each.model) == (run.kind, run.model)]
            for at in reversed(same[:-KEPT]):
                del runs[at]
            del runs[:-MOST]
        with self._database() as database:
            if database is None:
                return
            with transaction(database):
                marks = ", ".join("?" * len(astuple(run)))
                database.execute(f"INSERT INTO runs ({COLUMNS}) VALUES ({marks})", astuple(run))
                database.execute(
                    "DELETE FROM runs WHERE kind = ? AND model = ? AND n NOT IN"
                    " (SELECT n FROM runs WHERE kind = ? AND model = ? ORDER BY n DESC LIMIT ?)",
                    (run.kind, run.model, run.kind, run.model, KEPT),
                )
                database.execute(
                    "DELETE FROM runs WHERE n NOT IN (SELECT n FROM runs ORDER BY n DESC LIMIT ?)", (MOST,)
                )

    def _ratio(self, kind: str, device: str, family: str, model: str, pair: _Pair) -> float | None:
        asked = (kind, device, family, FORMULAS)
        there = self._of(lambda run: (run.kind, run.device, run.family, run.formulas) == asked and min(pair(run)) > 0)
        own = [run for run in there if run.model == model]
        return _median(real / said for real, said in map(pair, own or there))

    def _of(self, fits: _Fits) -> list[MeasuredRun]:
        with self._lock:
            return [run for run in self._read() if fits(run)]

    def _read(self) -> list[MeasuredRun]:
        if self._runs is None:
            runs: list[MeasuredRun] = []
            if self._file.exists():
                with self._database() as database:
                    if database is not None:
                        rows = database.execute(f"SELECT {COLUMNS} FROM runs ORDER BY n").fetchall()
                        runs = [MeasuredRun(*row) for row in rows]
            self._runs = runs
        return self._runs

    @contextlib.contextmanager
    def _database(self) -> Generator[sqlite3.Connection | None]:
        """The open file; None where it cannot be used. A damaged one is put aside and begun anew."""
        try:
            database = self._open()
        except sqlite3.OperationalError as error:
            log.warning("what jobs take cannot be kept in %s: %s", self._file.name, error)
            yield None
            return
        except sqlite3.DatabaseError as error:
            log.warning("%s is damaged (%s): it is begun anew", self._file.name, error)
            database = self._anew()
        except OSError as error:
            log.warning("what jobs take cannot be kept in %s: %s", self._file.name, error.strerror)
            yield None
            return
        try:
            yield database
        except sqlite3.Error as error:
            log.warning("what jobs take cannot be kept in %s: %s", self._file.name, error)
        finally:
            if database is not None:
                database.close()

    def _anew(self) -> sqlite3.Connection | None:
        try:
            self._file.replace(free_path(self._file.with_name("runs.broken.sqlite"), "-"))
            return self._open()
        except (OSError, sqlite3.Error) as error:
            log.warning("%s cannot be begun anew: %s", self._file.name, error)
            return None

    def _open(self) -> sqlite3.Connection:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self._file, timeout=PATIENCE, isolation_level=None)
        try:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise sqlite3.OperationalError("it was written by a newer studio")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute(SCHEMA)
            database.execute(f"SELECT {COLUMNS} FROM runs LIMIT 1").fetchall()
            database.execute(f"PRAGMA user_version = {VERSION}")
        except BaseException:
            database.close()
            raise
        return database


def _median(values: Iterable[float]) -> float | None:
    ordered = sorted(values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
