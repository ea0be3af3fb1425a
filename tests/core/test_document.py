"""Documents: what is written stays written, whatever happens to the program, the disk or the files."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from studio.documents import database, history
from studio.documents import document as document_module
from studio.documents.document import Document, listing
from studio.documents.json_diff import apply, between, plain
from studio.errors import BadInput, StudioError
from tests.core.crashes import Refusal, ended, in_child, killed_at, quick_folder, small_disk

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a child that shares the test's code")


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with quick_folder() as folder:
        yield folder


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.002)


def reopened(folder: Path) -> dict[str, Any]:
    with Document(folder) as opened:
        assert opened.notices == []
        return opened.content


@pytest.mark.parametrize(
    ("old", "new", "most"),
    [
        ({}, {}, 0),
        ({"a": 1}, {"a": 1}, 0),
        ({"a": 1}, {"a": 1.0}, 1),
        ({"a": True}, {"a": 1}, 1),
        ({"a": None}, {}, 1),
        ({"a": [1, 2, 3]}, {"a": [1, 3]}, 1),
        ({"a": [1, 1]}, {"a": [True, 1, 1]}, 1),
        ({"a": [{"t": "x"}, {"t": "y"}]}, {"a": [{"t": "x"}, {"t": "z"}]}, 1),
        ({"a": [{"t": "x"}]}, {"a": [{"t": "n"}, {"t": "x"}]}, 1),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {"d": 1}}}, 2),
        ({"a": "short"}, {"a": "shorter"}, 1),
        ({"a": [1]}, {"a": "1"}, 1),
        ({"a": ""}, {"a": []}, 1),
        ({"": {"": 1}}, {"": {"": 2}}, 1),
    ],
)
def test_changes_turn_one_value_into_another(old: Any, new: Any, most: int) -> None:
    changes = json.loads(json.dumps(between(old, new)))
    assert len(changes) <= most
    turned = apply(plain(old), changes)
    assert json.dumps(turned, sort_keys=True) == json.dumps(new, sort_keys=True)
    assert between(turned, new) == []


def test_a_keystroke_in_a_long_text_is_a_short_change() -> None:
    text = "从前有座山 " * 50_000
    changes = between({"text": text}, {"text": text[:99_999] + "!" + text[99_999:]})
    assert changes == [{"at": ["text"], "cut": [99_999, 0], "put": "!"}]
    repeated = between({"text": "a" * 100}, {"text": "a" * 101})
    assert len(json.dumps(repeated)) < 60


def test_changes_of_random_values() -> None:
    chance = random.Random(7)

    def value(depth: int) -> Any:
        kind = chance.randrange(7 if depth else 4)
        if kind >= 5:
            return {chance.choice("abcd"): value(depth - 1) for _ in range(chance.randrange(4))}
        if kind == 4:
            return [value(depth - 1) for _ in range(chance.randrange(4))]
        return [chance.randrange(3), "ab" * chance.randrange(60), None, True][kind]

    for _ in range(300):
        old, new = {"x": value(3)}, {"x": value(3)}
        turned = apply(plain(old), json.loads(json.dumps(between(old, new))))
        assert json.dumps(turned, sort_keys=True) == json.dumps(new, sort_keys=True)


@pytest.mark.parametrize(
    "changes",
    [
        [{"at": ["gone", "b"], "put": 1}],
        [{"at": ["gone"], "drop": True}],
        [{"at": ["text"], "cut": [90, 1], "put": ""}],
        [{"at": ["text"], "cut": [-1, 1], "put": ""}],
        [{"at": ["text"], "cut": [0, 1], "put": [1]}],
        [{"at": 7, "put": 1}],
        [{"put": 1}],
        [7],
    ],
)
def test_changes_of_another_value_are_refused(changes: Any) -> None:
    with pytest.raises(ValueError, match="another value"):
        apply({"text": "short"}, changes)


@pytest.mark.parametrize("value", [{"a": float("nan")}, {"a": {1: 2}}, {"a": b"bytes"}, {"a": object()}])
def test_content_that_is_not_json_is_refused(tmp_path: Path, value: dict[str, Any]) -> None:
    with Document.create(tmp_path, "manuscript", "A") as made:
        made.edit({"fine": True})
        with pytest.raises(BadInput, match="cannot hold"):
            made.edit(value)
        assert made.content == {"fine": True}


def test_too_large_a_number_is_refused_and_the_writer_goes_on(tmp_path: Path) -> None:
    with Document.create(tmp_path, "story", "Tale", {"n": 2**63 - 1}) as document:
        for large in (10**5000, -(2**63) - 1):
            with pytest.raises(BadInput, match="so large a number"):
                document.edit({"n": large})
        document.edit({"n": -(2**63)})
        document.flush()
        assert document.saved


def test_content_nested_without_end_is_refused(tmp_path: Path) -> None:
    endless: dict[str, Any] = {}
    endless["again"] = endless
    with pytest.raises(BadInput, match="too deeply"):
        Document.create(tmp_path, "manuscript", "A", endless)


def test_edits_are_there_after_reopening(tmp_path: Path) -> None:
    made = Document.create(tmp_path, "manuscript", "My 小说", {"text": "Once"})
    chapters = ["one"]
    made.edit({"text": "Once upon a time", "chapters": chapters}, works=["w1", "w2", "w1"])
    chapters.append("not given to the document")
    made.edit({"text": "\ud800 half a pair", "chapters": ["one"]})
    made.rename("  A better\ntitle ")
    made.close()
    made.close()
    with Document(made.folder) as again:
        assert again.content == {"text": "\ud800 half a pair", "chapters": ["one"]}
        assert (again.kind, again.title, again.works) == ("manuscript", "A better title", ("w1", "w2"))
        assert (again.notices, again.saved, again.save_error) == ([], True, None)
        again.edit({}, works=[])
    with Document(made.folder) as last:
        assert (last.content, last.works) == ({}, ())
    with pytest.raises(RuntimeError, match="closed"):
        made.edit({})


def test_edits_are_saved_automatically_at_the_given_pace(tmp_path: Path) -> None:
    writes: list[float] = []

    def step(name: str) -> None:
        if name == "append":
            writes.append(time.monotonic())

    made = Document.create(tmp_path, "manuscript", "A")
    made.close()
    with Document(made.folder, pace=0.1, step=step) as opened:
        number = 0
        while len(writes) < 4:
            number += 1
            opened.edit({"number": number})
            time.sleep(0.001)
        until(lambda: opened.saved)
        assert all(later - earlier >= 0.099 for earlier, later in pairwise(writes))
        assert number > len(writes)
    assert reopened(made.folder) == {"number": number}


@needs_fork
def test_a_killed_writer_loses_at_most_the_last_second(tmp_path: Path) -> None:
    made = Document.create(tmp_path, "manuscript", "A", {"text": ""})
    made.close()
    reader, writer = os.pipe()

    def write() -> None:
        opened = Document(made.folder)
        for number in range(1_000_000):
            now = time.time()
            opened.edit({"text": "word " * number, "at": now})
            os.write(writer, f"{now}\n".encode())
            time.sleep(0.01)

    child = in_child(write)
    edits: list[float] = []
    while not edits or edits[-1] - edits[0] < 4.0:
        edits += [float(line) for line in os.read(reader, 2**16).split()]
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(writer)
    while rest := os.read(reader, 2**16):
        edits += [float(line) for line in rest.split()]
    os.close(reader)
    # A second of waiting, and room for a write on a machine that is busy with other things.
    assert edits[-1] - reopened(made.folder)["at"] < 1.0 + 1.0


@needs_fork
def test_a_killed_studio_loses_nothing_that_was_flushed(tmp_path: Path) -> None:
    made = Document.create(tmp_path, "manuscript", "A", {"number": -1})
    made.close()
    chance = random.Random(3)
    flushed = -1
    for _ in range(8):
        reader, writer = os.pipe()

        def write(first: int = flushed + 1, writer: int = writer) -> None:
            opened = Document(made.folder)
            for number in range(first, 1_000_000):
                opened.edit({"number": number, "text": f"{number} " * 400})
                opened.flush()
                if number % 7 == 0:
                    opened.rename(str(number))
                os.write(writer, f"{number}\n".encode())

        child = in_child(write)
        os.close(writer)
        numbers = os.read(reader, 2**16).split()
        time.sleep(chance.random() * 0.05)  # any moment will do
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while rest := os.read(reader, 2**16):
            numbers += rest.split()
        os.close(reader)
        assert int(numbers[-1]) > flushed
        flushed = reopened(made.folder)["number"]
        assert flushed >= int(numbers[-1])


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    odd = tmp_path / "a b#c%41 文&=" if os.name == "nt" else tmp_path / "a b#c?d%41 文&=\udcff"
    with Document.create(odd, "manuscript", "A", {"text": "one"}) as made:
        made.edit({"text": "two"})
    assert reopened(made.folder) == {"text": "two"}
    assert [(summary.folder, summary.title) for summary in listing(odd)] == [(made.folder, "A")]


@needs_fork
def test_a_kill_between_any_two_steps_of_a_write_loses_nothing_written(tmp_path: Path) -> None:
    seed = Document.create(tmp_path / "seed", "manuscript", "A", {"text": "before"})
    seed.save_version("first")
    seed.close()

    outcomes: list[tuple[str, str, int]] = []
    for at in range(50):
        folder = tmp_path / f"killed-{at}"
        shutil.copytree(seed.folder, folder)

        def act(step: Callable[[str], None], folder: Path = folder) -> None:
            opened = Document(folder, step=step, pace=60)
            with opened._writing:  # the writer's thread waits, so that the steps come in one order
                opened.edit({"text": "after"})
                opened.flush()
                opened.save_version("second")
                opened.rename("B")
            opened.close()

        if not killed_at(at, act):
            break
        with Document(folder) as opened:
            assert opened.notices == []
            outcomes.append((opened.content["text"], opened.title, len(opened.versions())))
    assert len(outcomes) >= 6
    stages = [("before", "A", 1), ("after", "A", 1), ("after", "A", 2), ("after", "B", 2)]
    assert set(outcomes) == set(stages)
    assert outcomes == sorted(outcomes, key=stages.index)


@pytest.mark.parametrize("at", range(6))
def test_a_full_disk_raises_and_nothing_is_lost(tmp_path: Path, at: int) -> None:
    made = Document.create(tmp_path, "manuscript", "A", {"text": "before"})
    made.close()
    refusal = Refusal(at)
    opened = Document(made.folder, step=refusal, pace=60)
    failed = 0
    actions: list[Callable[[], object]] = [
        lambda: opened.edit({"text": "one"}),
        opened.flush,
        lambda: opened.save_version("kept"),
        lambda: opened.edit({"text": "two"}),
        lambda: opened.rename("B"),
        lambda: opened.edit({"text": "three"}),
        opened.flush,
    ]
    with opened._writing:  # the writer's thread waits, so that the steps come in one order
        for action in actions:
            message = None
            try:
                action()
            except StudioError as error:
                message = error.message
            if message:
                assert "disk is full" in message
                failed += 1
                action()
    opened.close()
    assert failed == 1
    with Document(made.folder) as again:
        assert again.content == {"text": "three"}
        assert again.title == "B"
        assert "kept" in [version.name for version in again.versions()]
        assert again.notices == []


def test_an_error_of_the_autosave_is_reported_and_tried_again(tmp_path: Path) -> None:
    made = Document.create(tmp_path, "manuscript", "A")
    made.close()
    full = True

    def step(_name: str) -> None:
        if full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    opened = Document(made.folder, step=step, pace=0.01)
    opened.edit({"text": "words"})
    until(lambda: opened.save_error is not None)
    assert "disk is full" in opened.save_error.message  # type: ignore[union-attr]
    assert not opened.saved
    with pytest.raises(StudioError, match="disk is full"):
        opened.flush()
    full = False
    until(lambda: opened.saved)
    assert opened.save_error is None
    full = True
    opened.edit({"text": "more"})
    with pytest.raises(StudioError, match="disk is full"):
        opened.close()
    full = False
    # The lock is released although the last edit could not be saved.
    assert reopened(made.folder) == {"text": "words"}


def test_a_disk_that_fills_up_while_writing_loses_nothing_written(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "400k") as disk:
        opened = Document.create(disk, "manuscript", "A", {"text": "start"})
        kept = "start"

        def fill() -> None:
            nonlocal kept
            for number in range(100):
                opened.edit({"text": f"{number} " * 8000})
                opened.flush()
                kept = opened.content["text"]

        with pytest.raises(StudioError, match="disk is full"):
            fill()
        folder = opened.folder
        copied = tmp_path / "copied"
        shutil.copytree(folder, copied)
        assert reopened(copied)["text"] == kept
        opened.edit({"text": "little"})
        opened.close()
        with Document(folder) as again:
            assert again.content == {"text": "little"}
            # There was no room for its step of undo, so those before it fit no more.
            assert not again.can_undo
            assert "can no longer be undone" in str(again.notices)


def written(tmp_path: Path, texts: list[str]) -> Path:
    made = Document.create(tmp_path, "manuscript", "A", {"text": "start"})
    made.close()
    with Document(made.folder) as opened:
        opened._version_due = time.monotonic() + 1e9  # no automatic version
        for text in texts:
            opened.edit({"text": text})
            opened.flush()
    return made.folder


def alter(folder: Path, statement: str, values: tuple[object, ...] = ()) -> None:
    with contextlib.closing(sqlite3.connect(folder / "document.sqlite")) as db, db:
        assert db.execute(statement, values).rowcount != 0


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(folder / "document.sqlite")) as db:
        return db.execute(query).fetchall()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def test_a_damaged_edit_is_reported_and_its_file_kept(tmp_path: Path) -> None:
    folder = written(tmp_path, ["one", "two", "three"])
    path = folder / "document.sqlite"
    path.write_bytes(path.read_bytes().replace(b'"two"', b'"TWO"'))
    with Document(folder) as opened:
        assert opened.content == {"text": "one"}
        assert "damaged-document.sqlite" in str(opened.notices[0])
        opened.edit({"text": "on"})
    assert reopened(folder) == {"text": "on"}
    assert b'"three"' in (folder / "damaged-document.sqlite").read_bytes()


@pytest.mark.parametrize(
    ("statement", "left"),
    [("DELETE FROM edits WHERE number = 2", "one"), ("UPDATE edits SET changes = x'7b7d'", "start")],
)
def test_a_missing_or_empty_edit_is_damage(tmp_path: Path, statement: str, left: str) -> None:
    folder = written(tmp_path, ["one", "two", "three"])
    alter(folder, statement)
    with Document(folder) as opened:
        assert opened.content == {"text": left}
        assert len(opened.notices) == 1


@pytest.mark.parametrize("value", [b"", b"{}", b"\0" * 300, None])
def test_a_damaged_state_loses_nothing(tmp_path: Path, value: bytes | None) -> None:
    folder = written(tmp_path, ["one", "two"])
    with Document(folder) as opened:
        opened.rename("B")  # seals a second state
        opened.save_version("safe")
        opened.edit({"text": "three"}, works=["w"])
    (_, (newest,)) = rows(folder, "SELECT edit FROM state ORDER BY edit")
    if value is None:
        alter(folder, "UPDATE state SET crc = crc + 1 WHERE edit = ?", (newest,))
    else:
        alter(folder, "UPDATE state SET value = ? WHERE edit = ?", (value, newest))
    with Document(folder) as opened:
        assert (opened.content, opened.title, opened.works) == ({"text": "three"}, "B", ("w",))
        assert len(opened.notices) == 1
        assert "safe" in [version.name for version in opened.versions()]
        opened.edit({"text": "four"})
    assert reopened(folder) == {"text": "four"}


def test_without_a_state_the_newest_version_is_used(tmp_path: Path) -> None:
    folder = written(tmp_path, ["one"])
    with Document(folder) as opened:
        opened.save_version("safe")
        opened.edit({"text": "lost"})
    alter(folder, "UPDATE state SET value = x'00'")
    with Document(folder) as opened:
        assert opened.content == {"text": "one"}
        assert any("version 1 was used" in str(notice) for notice in opened.notices)
        assert opened.versions()[0].name == "safe"
    assert (folder / "damaged-document.sqlite").exists()


@pytest.mark.parametrize("damage", [b"", b"damaged", b"SQLite format 3\0" + b"\0" * 5000])
def test_an_unreadable_database_is_refused_and_not_changed(tmp_path: Path, damage: bytes) -> None:
    folder = written(tmp_path, ["one"])
    (folder / "document.sqlite").write_bytes(damage)
    for _ in range(2):
        with pytest.raises(StudioError, match="damaged") as caught:
            Document(folder)
        assert "backup" in caught.value.hint
        assert contents(folder) == {"document.sqlite": damage}
    assert len(listing(tmp_path)) == 1


def test_damaged_pages_are_never_taken_for_the_whole_document(tmp_path: Path) -> None:
    folder = written(tmp_path / "whole", [f"{number} " * 900 for number in range(6)])
    with Document(folder) as opened:
        opened.save_version("safe")
        opened.rename("B")
        whole = opened.content
    data = (folder / "document.sqlite").read_bytes()
    rebuilt = 0
    refused: list[str] = []
    for at in range(0, len(data), 4096):
        copied = tmp_path / f"page-{at}"
        shutil.copytree(folder, copied)
        (copied / "document.sqlite").write_bytes(data[:at] + b"\xa5" * 4096 + data[at + 4096 :])
        try:
            with Document(copied) as opened:
                assert opened.content == whole or opened.notices
                rebuilt += bool(opened.notices)
            assert reopened(copied)
        except StudioError as error:
            refused.append(error.message)
        shutil.rmtree(copied)
    assert rebuilt >= 3
    assert refused  # the page with the tables' names
    assert all("is damaged" in message for message in refused)


def test_a_database_cut_short_is_rebuilt_from_the_rest(tmp_path: Path) -> None:
    folder = written(tmp_path, ["word " * 5000])
    data = (folder / "document.sqlite").read_bytes()
    assert len(data) > 6 * 4096
    (folder / "document.sqlite").write_bytes(data[: 5 * 4096])
    with Document(folder) as opened:
        assert opened.content == {"text": "start"}
        assert len(opened.notices) == 1
    assert (folder / "damaged-document.sqlite").read_bytes() == data[: 5 * 4096]


def test_listing_leaves_no_files_and_reads_open_documents(tmp_path: Path) -> None:
    with Document.create(tmp_path, "manuscript", "A") as made:
        made.rename("B")
        assert [summary.title for summary in listing(tmp_path)] == ["B"]
    assert [summary.title for summary in listing(tmp_path)] == ["B"]
    assert list(contents(made.folder)) == ["document.sqlite"]


@needs_fork
def test_a_kill_while_a_damaged_database_is_rebuilt_loses_nothing(tmp_path: Path) -> None:
    seed = written(tmp_path / "seed", ["one"])
    with Document(seed) as opened:
        opened.rename("B")
    alter(seed, "UPDATE state SET value = x'00' WHERE edit = (SELECT MAX(edit) FROM state)")
    damaged = (seed / "document.sqlite").read_bytes()
    kills = 0
    for at in range(50):
        folder = tmp_path / f"killed-{at}"
        shutil.copytree(seed, folder)
        if not killed_at(at, lambda step, folder=folder: Document(folder, step=step).close()):
            break
        kills += 1
        with Document(folder) as opened:
            assert (opened.content, opened.title) == ({"text": "one"}, "B")
        assert (folder / "damaged-document.sqlite").read_bytes() == damaged
    assert kills >= 5


def test_a_long_history_is_sealed_and_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_module, "_COMPACT", 2000)
    monkeypatch.setattr(history, "UNDO_LIMIT", 20)
    made = Document.create(tmp_path, "manuscript", "A")
    for number in range(300):
        made.edit({"text": f"draft {number} " * 10})
        made.flush()
    made.close()
    assert rows(made.folder, "SELECT COUNT(*) FROM state") == [(2,)]
    assert rows(made.folder, "SELECT SUM(LENGTH(changes)) < 6000 FROM edits") == [(1,)]
    assert (made.folder / "document.sqlite").stat().st_size < 60_000
    assert reopened(made.folder) == {"text": "draft 299 " * 10}


def test_named_versions_are_restored(tmp_path: Path) -> None:
    made = Document.create(tmp_path, "manuscript", "A", {"text": "one"})
    first = made.save_version(" First\ndraft ")
    made.edit({"text": "two"}, works=["w"])
    second = made.save_version("Second")
    made.edit({"text": "three"})
    assert [version.name for version in made.versions() if not version.automatic] == ["Second", "First draft"]
    assert made.version_content(first.number) == {"text": "one"}
    made.restore(first.number)
    assert (made.content, made.works) == ({"text": "one"}, ())
    # What stood before the restore can be had again.
    before = made.versions()[0]
    assert before.automatic
    made.restore(before.number)
    assert (made.content, made.works) == ({"text": "three"}, ("w",))
    made.restore(second.number)
    made.close()
    with Document(made.folder) as again:
        assert again.content == {"text": "two"}
        again.delete_version(first.number)
        assert "First draft" not in [version.name for version in again.versions()]
        for method in (again.version_content, again.restore):
            with pytest.raises(BadInput, match="no version"):
                method(first.number)


def test_automatic_versions_are_saved_and_limited_in_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "AUTOMATIC_LIMIT", 3)
    made = Document.create(tmp_path, "manuscript", "A", {"text": "0"})
    made.close()
    with Document(made.folder, pace=0.001, version_seconds=0.0) as opened:
        named = opened.save_version("mine")
        for number in range(1, 8):
            opened.edit({"text": str(number)})
            until(lambda: opened.saved)
            assert opened.version_content(opened.versions()[0].number) == {"text": str(number - 1)}
        versions = opened.versions()
        assert [opened.version_content(version.number)["text"] for version in versions] == ["6", "5", "4", "0"]
        assert versions[-1] == named
    count = len(versions)
    with Document(made.folder, pace=0.001) as again:
        again.edit({"text": "8"})
        until(lambda: again.version_content(again.versions()[0].number) == {"text": "7"})
        assert len(again.versions()) == count


def test_an_automatic_version_is_the_state_before_the_first_edit_of_an_interval(tmp_path: Path) -> None:
    made = Document.create(tmp_path, "manuscript", "A", {"text": "yesterday"})
    made.close()
    for again in range(20):  # the writer is as often as not a step behind who flushes
        with Document(made.folder, pace=0.0) as opened:
            for number in range(5):
                opened.edit({"text": f"{again}, {number}"})
                opened.flush()
            kept = opened.versions()
            assert len(kept) == again + 1
            assert opened.version_content(kept[0].number) == {"text": f"{again - 1}, 4" if again else "yesterday"}


def test_a_damaged_version_is_refused(tmp_path: Path) -> None:
    with Document.create(tmp_path, "manuscript", "A", {"text": "one"}) as made:
        numbers = [made.save_version(str(number)).number for number in range(3)]
    alter(made.folder, "UPDATE versions SET state = x'00' WHERE number = ?", (numbers[0],))
    alter(made.folder, "UPDATE versions SET crc = crc + 1 WHERE number = ?", (numbers[1],))
    with Document(made.folder) as opened:
        for number in numbers[:2]:
            with pytest.raises(BadInput, match="damaged"):
                opened.restore(number)
        assert opened.content == {"text": "one"}
        assert opened.version_content(numbers[2]) == {"text": "one"}


def test_a_document_is_open_in_one_studio_at_a_time(tmp_path: Path) -> None:
    made = Document.create(tmp_path, "manuscript", "A")
    with pytest.raises(StudioError, match="already open"):
        Document(made.folder)
    made.close()
    Document(made.folder).close()


@needs_fork
def test_a_killed_studio_releases_its_lock(tmp_path: Path) -> None:
    made = Document.create(tmp_path, "manuscript", "A", {"text": "mine"})
    made.close()
    ended(in_child(lambda: os._exit(0 if Document(made.folder) else 1)))
    assert reopened(made.folder) == {"text": "mine"}


def test_a_document_of_a_newer_studio_is_refused_and_not_changed(tmp_path: Path) -> None:
    folder = written(tmp_path, ["one"])
    alter(folder, f"PRAGMA user_version = {database.SCHEMA + 1}")
    before = contents(folder)
    with pytest.raises(StudioError, match="newer AIGC Studio"):
        Document(folder)
    assert contents(folder) == before
    assert len(listing(tmp_path)) == 1


def test_a_folder_without_a_document_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no document"):
        Document(tmp_path / "nowhere")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StudioError, match="a file where a folder is needed"):
        Document.create(tmp_path / "file", "manuscript", "A")


def test_documents_are_listed_the_last_saved_first(tmp_path: Path) -> None:
    assert listing(tmp_path / "none") == []
    made = [Document.create(tmp_path, kind, f"{kind} 标题") for kind in ("manuscript", "composition")]
    assert sorted(summary.kind for summary in listing(tmp_path)) == ["composition", "manuscript"]
    for seconds, each in enumerate(made):
        each.close()
        for path in each.folder.iterdir():
            os.utime(path, (1e9 - seconds, 1e9 - seconds))
    (tmp_path / "not a document").mkdir()
    (tmp_path / "file").write_bytes(b"")
    found = listing(tmp_path)
    assert [(summary.kind, summary.title, summary.saved) for summary in found] == [
        ("manuscript", "manuscript 标题", 1e9),
        ("composition", "composition 标题", 1e9 - 1),
    ]
    assert [summary.folder for summary in found] == [each.folder for each in made]
    assert listing(tmp_path) == found
