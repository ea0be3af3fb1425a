"""Undo and redo of documents: steps outlive a close and a kill, are bounded, and never lead to a state that was not."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from studio.documents import history
from studio.documents.document import Document
from studio.errors import StudioError
from tests.core.crashes import Refusal, in_child, killed_at, quick_folder, small_disk

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a child that shares the test's code")


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with quick_folder() as folder:
        yield folder


def new_document(parent: Path) -> Document:
    return Document.create(parent, "manuscript", "A", {"text": "start"})


def text(document: Document) -> str:
    return document.content["text"]


def write(document: Document, *texts: str, group: str = "") -> None:
    for each in texts:
        document.edit({"text": each}, group=group)


def walk_back(document: Document) -> list[str]:
    """Every text that undo leads to, the nearest first; the document is as it was afterwards."""
    back: list[str] = []
    while document.undo():
        back.append(text(document))
    for _ in back:
        assert document.redo()
    return back


def walk_forward(document: Document) -> list[str]:
    forward: list[str] = []
    while document.redo():
        forward.append(text(document))
    for _ in forward:
        assert document.undo()
    return forward


def alter(folder: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(folder / "document.sqlite")) as db, db:
        for statement in statements:
            db.execute(statement)


def undo_rows(folder: Path) -> list[tuple[int, int, int]]:
    with contextlib.closing(sqlite3.connect(folder / "document.sqlite")) as db:
        return db.execute("SELECT number, undone, LENGTH(changes) FROM undo ORDER BY number").fetchall()


def test_steps_are_undone_and_redone_after_a_restart(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        assert (document.can_undo, document.can_redo) == (False, False)
        assert not document.undo()
        assert not document.redo()
        write(document, "one", "two", "three")
        folder = document.folder
    with Document(folder) as document:
        assert document.undo()
        assert text(document) == "two"
        assert document.undo()
        assert (text(document), document.can_undo, document.can_redo) == ("one", True, True)
    with Document(folder) as document:
        assert text(document) == "one"
        assert walk_forward(document) == ["two", "three"]
        assert walk_back(document) == ["start"]
        assert document.redo()
        write(document, "other")
        assert not document.can_redo
    with Document(folder) as document:
        assert text(document) == "other"
        assert walk_back(document) == ["two", "one", "start"]
        assert not document.redo()


def test_edits_that_are_saved_together_stay_steps_of_their_own(tmp_path: Path) -> None:
    new_document(tmp_path).close()
    (folder,) = tmp_path.iterdir()
    with Document(folder, pace=60) as document:
        write(document, "one", "two", "three")
        assert document.undo()
        write(document, "four")
        assert document.undo()
        document.flush()
    with Document(folder) as document:
        assert (text(document), walk_back(document), walk_forward(document)) == ("two", ["one", "start"], ["four"])


def test_an_edit_that_changes_nothing_is_no_step(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        write(document, "one", "one")
        assert walk_back(document) == ["start"]
        document.undo()
        write(document, "start")
        assert not document.can_undo


def test_edits_of_one_group_are_one_step(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        write(document, "drag 1", "drag 2", group="drag")
        document.flush()
        write(document, "drag 3", group="drag")
        assert walk_back(document) == ["start"]
        write(document, "drag 4", group="drag")  # what was undone and redone is a step that is over
        write(document, "typed", group="typing")
        write(document, "single", "single 2")
        write(document, "typed again", group="typing")
        folder = document.folder
        steps = ["single 2", "single", "typed", "drag 4", "drag 3", "start"]
        assert walk_back(document) == steps
    with Document(folder) as document:
        write(document, "after the restart", group="typing")
        assert walk_back(document) == ["typed again", *steps]


def test_a_drag_back_to_where_it_began_is_no_step(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        write(document, "one")
        write(document, "away", "one", group="drag")
        assert walk_back(document) == ["start"]
        write(document, "away again", group="drag")
        assert walk_back(document) == ["one", "start"]


def test_works_are_part_of_a_step_and_the_title_is_not(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit({"text": "one"}, works=["w1"])
        document.edit({"text": "one"}, works=["w1", "w2"])
        document.rename("B")
        assert document.undo()
        assert (document.works, document.title) == (("w1",), "B")
        assert document.undo()
        assert (text(document), document.works, document.title) == ("start", (), "B")
        document.rename("C")
        assert document.redo()
        assert document.redo()
        assert (text(document), document.works, document.title) == ("one", ("w1", "w2"), "C")


def test_restoring_a_version_is_one_step(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        version = document.save_version("first")
        write(document, "one", "two")
        document.restore(version.number)
        assert text(document) == "start"
        assert walk_back(document) == ["two", "one", "start"]


def test_a_state_from_before_an_undo_does_not_change(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit({"list": [{"a": 1}, {"b": 2}]})
        document.edit({"list": [{"a": 1}, {"b": 3}]})
        held = document.content
        assert document.undo()
        assert document.content == {"list": [{"a": 1}, {"b": 2}]}
        assert held == {"list": [{"a": 1}, {"b": 3}]}


def test_a_closed_document_takes_no_undo(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    write(document, "one")
    document.close()
    with pytest.raises(RuntimeError, match="closed"):
        document.undo()


def test_the_steps_are_bounded_in_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "UNDO_LIMIT", 3)
    with new_document(tmp_path) as document:
        folder = document.folder
        for number in range(10):
            write(document, str(number))
            document.flush()
        assert len(undo_rows(folder)) == 3
        assert walk_back(document) == ["8", "7", "6"]
    with Document(folder) as document:
        assert walk_back(document) == ["8", "7", "6"]


def test_the_steps_are_bounded_in_size_and_the_nearest_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "UNDO_SIZE", 2000)
    long = [letter * 900 for letter in "abcdefgh"]
    with new_document(tmp_path) as document:
        folder = document.folder
        write(document, *long)
        document.flush()
        assert sum(size for _, _, size in undo_rows(folder)) <= 2000
        assert walk_back(document) == [long[6], long[5]]
        write(document, "x" * 90_000, "short")
        assert walk_back(document) == ["x" * 90_000]
        assert document.undo()
        # To redo takes a few bytes now: what can be undone again is what there was room for.
        assert walk_back(document) == []
        assert document.redo()
        assert text(document) == "short"
        # What is added costs nothing to undo, and much to redo.
        write(document, *["short" + "y" * size for size in range(900, 9000, 900)])
        while document.undo():
            pass
        document.flush()
        assert sum(size for _, undone, size in undo_rows(folder) if undone) <= 2000


@dataclass
class ExpectedHistory:
    """What undo and redo must lead to, step by step."""

    now: str = "start"
    back: list[str] = field(default_factory=list[str])
    forward: list[str] = field(default_factory=list[str])

    def act(self, number: int, document: Document | None = None) -> None:
        """Act number so and so: the same one every time."""
        chance = random.Random(number)
        kind = chance.choice(["edit", "edit", "edit", "undo", "undo", "redo"])
        if kind == "edit":
            self.back, self.forward, self.now = [*self.back, self.now], [], f"{number} " * chance.randrange(1, 80)
            if document:
                write(document, self.now)
        elif kind == "undo":
            if self.back:
                self.forward = [self.now, *self.forward]
                self.now = self.back.pop()
            if document:
                document.undo()
        else:
            if self.forward:
                self.back = [*self.back, self.now]
                self.now = self.forward.pop(0)
            if document:
                document.redo()

    def fits(self, document: Document) -> bool:
        here = (self.now, self.back[::-1], self.forward)
        return here == (text(document), walk_back(document), walk_forward(document))


def test_any_sequence_of_edits_undos_redos_and_restarts(tmp_path: Path) -> None:
    document, expected = new_document(tmp_path), ExpectedHistory()
    for number in range(200):
        expected.act(number, document)
        assert text(document) == expected.now
        if number % 17 == 0:
            document.close()
            document = Document(document.folder)
            assert expected.fits(document)
    document.close()


@needs_fork
def test_a_killed_studio_keeps_every_step_that_was_flushed(tmp_path: Path) -> None:
    made = new_document(tmp_path)
    made.close()
    done = 0
    for _ in range(6):
        reader, writer = os.pipe()

        def act(first: int = done, writer: int = writer) -> None:
            expected = ExpectedHistory()
            for number in range(first):
                expected.act(number)
            with Document(made.folder) as document:
                for number in range(first, 100_000):
                    expected.act(number, document)
                    document.flush()
                    os.write(writer, f"{number + 1}\n".encode())

        child = in_child(act)
        os.close(writer)
        output = os.read(reader, 2**16)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while rest := os.read(reader, 2**16):
            output += rest
        os.close(reader)
        flushed = int(output.split()[-1])
        assert flushed > done
        with Document(made.folder) as document:
            assert document.notices == []
            expected = ExpectedHistory()
            for number in range(flushed):
                expected.act(number)
            done = flushed
            while not expected.fits(document):  # the act after it may be on the disk, too
                assert done == flushed
                expected.act(done)
                done += 1


def without_undo(folder: Path) -> None:
    """Make the database one of a studio that had no undo."""
    alter(folder, "DROP TABLE undo", "PRAGMA user_version = 2")


@needs_fork
def test_a_document_without_undo_is_migrated_whenever_it_is_killed(tmp_path: Path) -> None:
    kills = 0
    for at in range(20):
        with new_document(tmp_path / str(at)) as document:
            folder = document.folder
            write(document, "one")
        without_undo(folder)

        def act(step: Callable[[str], None], folder: Path = folder) -> None:
            with Document(folder, step=step, pace=60) as opened, opened._writing:
                write(opened, "two")
                opened.undo()
                opened.flush()

        killed = killed_at(at, act)
        with Document(folder) as opened:
            assert opened.notices == []
            assert text(opened) == "one"
            assert walk_forward(opened) in (["two"], [])
            assert walk_back(opened) == []
            write(opened, "three")
            assert walk_back(opened) == ["one"]
        if not killed:
            break
        kills += 1
    assert kills >= 4


def test_a_full_disk_leaves_a_document_without_undo_as_it_was(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        write(document, "one")
        folder = document.folder
    without_undo(folder)
    for at in range(2):
        with pytest.raises(StudioError, match="disk is full"):
            Document(folder, step=Refusal(at))
    with Document(folder) as document:
        assert (text(document), document.notices) == ("one", [])


@pytest.mark.parametrize(
    ("damage", "back", "forward"),
    [
        ("UPDATE undo SET changes = x'00' WHERE number = 0", ["two", "one"], ["four", "five"]),
        ("UPDATE undo SET crc = crc + 1 WHERE number = 1", ["two"], ["four", "five"]),
        ("DELETE FROM undo WHERE number = 1", ["two"], ["four", "five"]),
        ("UPDATE undo SET undone = 1 WHERE number = 1", ["two"], ["four", "five"]),
        ("UPDATE undo SET undone = 0 WHERE number = 4", ["two", "one", "start"], ["four"]),
        # Where the step nearest to the state is lost, nothing says from where the next one leads.
        ("UPDATE undo SET crc = 0 WHERE number = 3", [], []),
        ("UPDATE undo SET crc = 0 WHERE number = 2", [], []),
        ("DELETE FROM undo WHERE number = 2", [], []),
        ("DELETE FROM undo WHERE number = 4", ["two", "one", "start"], ["four"]),
        ("UPDATE undo SET number = number + 10 WHERE undone", [], []),
        ("DELETE FROM undo", [], []),
    ],
)
def test_damaged_steps_end_what_can_be_undone_there(
    tmp_path: Path, damage: str, back: list[str], forward: list[str]
) -> None:
    with new_document(tmp_path) as document:
        write(document, "one", "two", "three", "four", "five")
        assert document.undo()
        assert document.undo()
        folder = document.folder
    alter(folder, damage)
    with Document(folder) as document:
        assert text(document) == "three"
        assert (walk_back(document), walk_forward(document)) == (back, forward)


def test_what_a_full_disk_had_no_room_for_is_undone_all_the_same_and_written_once_there_is(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "1m") as disk:
        document = new_document(disk)
        folder = document.folder
        with document._writing:  # the writer's thread waits, so that only `flush` writes
            write(document, "word " * 4000)
            document.flush()
            filler = disk / "filler"
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            os.truncate(filler, filler.stat().st_size - 4 * 4096)
            # Its step holds the long text, which finds no room; the edit itself is short.
            write(document, "short")
            document.flush()
            assert document.saved
            assert document.undo()
            assert text(document) == "word " * 4000
            assert document.redo()
            filler.unlink()
            write(document, "short and more")
            document.flush()
        document.close()
        with Document(folder) as again:
            assert again.notices == []
            assert walk_back(again) == ["short", "word " * 4000, "start"]
