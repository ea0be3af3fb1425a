"""The queue on disk: kept over a kill, set aside when broken, one studio at a time, never in a person's way."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from studio.backends import MEDIA
from studio.jobs.io.imports import ModelGetRequest
from studio.jobs.queue_store import VERSION, QueueEntry, QueueStore

STORY = next(medium for medium in MEDIA if medium.name == "story").default_task.request


def entries(*seeds: int, running: int | None = None) -> list[QueueEntry]:
    return [
        QueueEntry(f"job{seed}", STORY(seed=seed), ("parent",), "running" if seed == running else "queued")
        for seed in seeds
    ]


def test_what_is_written_is_read_back_in_order(tmp_path: Path) -> None:
    first = QueueStore(tmp_path / "queue.sqlite")
    first.replace(entries(3, 1, 2, running=3))
    first.close()
    second = QueueStore(tmp_path / "queue.sqlite")
    assert second.entries() == entries(3, 1, 2, running=3)
    second.replace([])
    assert second.entries() == []
    second.close()


def test_the_key_in_an_address_is_not_written(tmp_path: Path) -> None:
    asked = ModelGetRequest(source="https://host/fox.gguf?v=2&token=hush", target="story")
    store = QueueStore(tmp_path / "queue.sqlite")
    store.replace([QueueEntry("job", asked, (), "queued")])
    assert [entry.request for entry in store.entries()] == [asked.replace(source="https://host/fox.gguf?v=2")]
    store.close()
    assert [path.name for path in tmp_path.iterdir() if b"hush" in path.read_bytes()] == []


def test_a_kill_loses_nothing(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from studio.jobs.queue_store import QueueStore\n"
        "from tests.core.test_queue_store import entries\n"
        "store = QueueStore(Path(sys.argv[1])); store.replace(entries(1, 2, running=1))\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    file = tmp_path / "queue.sqlite"
    assert subprocess.run([sys.executable, "-c", code, str(file)], check=False).returncode == -9
    store = QueueStore(file)
    assert store.entries() == entries(1, 2, running=1)
    store.close()


@pytest.mark.parametrize("damage", [b"", b"not a database at all, but long enough to look at" * 100])
def test_a_broken_file_is_set_aside_and_named(tmp_path: Path, damage: bytes) -> None:
    file = tmp_path / "queue.sqlite"
    file.write_bytes(damage)
    store = QueueStore(file)
    assert store.owned
    store.replace(entries(1))
    assert store.entries() == entries(1)
    store.close()
    aside = list(tmp_path.glob("queue.broken*"))
    assert [path.read_bytes() for path in aside] == ([damage] if damage else [])
    assert bool(store.warning) == bool(damage)


def test_a_broken_file_that_cannot_be_set_aside_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    file = tmp_path / "queue.sqlite"
    file.write_bytes(b"not a database at all, but long enough to look at" * 100)
    monkeypatch.setattr(Path, "replace", refused)
    store = QueueStore(file)
    assert not store.owned
    assert "cannot be started" in str(store.warning)
    assert store.entries() == []
    store.close()


def test_tables_of_another_kind_stop_nobody(tmp_path: Path) -> None:
    file = tmp_path / "queue.sqlite"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE jobs (something TEXT)")
    database.close()
    store = QueueStore(file)
    assert store.entries() == []
    assert "could not be read" in str(store.warning)
    store.close()


def test_damage_in_the_middle_does_not_stop_anybody(tmp_path: Path) -> None:
    file = tmp_path / "queue.sqlite"
    store = QueueStore(file)
    store.replace(entries(*range(200)))
    store.close()
    data = bytearray(file.read_bytes())
    data[4096 : len(data)] = b"\xff" * (len(data) - 4096)
    file.write_bytes(data)
    again = QueueStore(file)
    assert again.entries() == []
    again.replace(entries(1))
    again.close()


def test_what_could_not_be_written_is_said_and_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "queue.sqlite"
    store = QueueStore(file)
    assert store.replace(entries(1))
    full = "CREATE TRIGGER full BEFORE INSERT ON jobs BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
    with store._lock:
        assert store._database is not None
        store._database.execute(full)
    assert not store.replace(entries(1, 2))
    assert "disk is full" in str(store.warning)
    assert store.entries() == entries(1)
    with store._lock:
        store._database.execute("DROP TRIGGER full")
    assert store.replace(entries(1, 2))
    store.close()


def test_only_one_studio_keeps_it(tmp_path: Path) -> None:
    file = tmp_path / "queue.sqlite"
    mine, other = QueueStore(file), QueueStore(file)
    mine.replace(entries(1))
    assert not other.owned
    assert "Another studio" in str(other.warning)
    other.replace(entries(2))
    assert mine.entries() == entries(1)
    other.close()
    mine.close()


def test_a_newer_studio_s_queue_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "queue.sqlite"
    with sqlite3.connect(file) as database:
        database.execute(f"PRAGMA user_version = {VERSION + 1}")
    database.close()
    before = file.read_bytes()
    store = QueueStore(file)
    assert not store.owned
    assert "newer" in str(store.warning)
    store.close()
    assert file.read_bytes() == before


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file stands here")
    store = QueueStore(tmp_path / "state" / "queue.sqlite")
    assert not store.owned
    assert store.warning
    store.replace(entries(1))
    assert store.entries() == []
    store.close()


def test_a_request_that_cannot_be_read_costs_only_itself(tmp_path: Path) -> None:
    file = tmp_path / "queue.sqlite"
    store = QueueStore(file)
    store.replace(entries(1, 2))
    store.close()
    with sqlite3.connect(file) as database:
        database.execute("UPDATE jobs SET request = '{\"kind\": \"cathedral\"}' WHERE id = 'job1'")
    database.close()
    again = QueueStore(file)
    assert again.entries() == entries(2)
    again.close()


def test_that_the_queue_is_paused_is_remembered(tmp_path: Path) -> None:
    for before, after in ((False, True), (True, False), (False, False)):
        store = QueueStore(tmp_path / "queue.sqlite")
        assert store.paused is before
        store.paused = after
        store.close()


def test_only_the_rows_that_differ_are_written(tmp_path: Path) -> None:
    store = QueueStore(tmp_path / "queue.sqlite")
    waiting = entries(*range(50))
    store.replace(waiting)
    assert store._database is not None

    def rows_written(order: list[QueueEntry]) -> int:
        before = store._database.total_changes  # type: ignore[union-attr]
        assert store.replace(order)
        assert store.entries() == order
        return store._database.total_changes - before  # type: ignore[union-attr]

    assert rows_written(waiting) == 0
    added = [*waiting, *entries(50)]
    assert rows_written(added) == 1
    moved = [added[40], *added[:40], *added[41:]]
    assert rows_written(moved) == 1
    into_the_middle = [*moved[1:20], moved[0], *moved[20:]]
    assert rows_written(into_the_middle) == 1
    assert rows_written(into_the_middle[:10] + into_the_middle[11:]) == 1
    store.close()


def test_the_order_survives_any_number_of_moves_to_one_place(tmp_path: Path) -> None:
    store = QueueStore(tmp_path / "queue.sqlite")
    order = entries(*range(5))
    for at in range(200):  # halves the gap each time: the numbers between two neighbours run out
        order = [order[0], order[-1], *order[1:-1]]
        store.replace(order)
        if at % 20 == 0:
            assert store.entries() == order
    assert store.entries() == order
    store.close()


def test_random_changes_are_read_back_in_order(tmp_path: Path) -> None:
    store = QueueStore(tmp_path / "queue.sqlite")
    random, pool = Random(1), entries(*range(12))
    for _ in range(100):
        order = random.sample(pool, random.randrange(len(pool)))
        store.replace(order)
        assert store.entries() == order
    store.close()
