"""Documents of earlier studios, in snapshots and journals, become databases; nothing of them is lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from studio.documents.document import Document, DocumentSummary, DocumentVersion, listing
from studio.documents.json_diff import between
from studio.errors import StudioError
from tests.core.crashes import Refusal, in_child, killed_at, quick_folder

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a child that shares the test's code")


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with quick_folder() as folder:
        yield folder


@dataclass
class OldFolder:
    """A document as earlier studios wrote it: sealed snapshots, journals of changes, and version files."""

    folder: Path
    state: dict[str, Any] = field(default_factory=dict[str, Any])
    number: int = 0
    base: int = 0
    lines: int = 0

    @property
    def journal(self) -> Path:
        return self.folder / f"journal.{self.number}"

    def seal(self, state: dict[str, Any]) -> None:
        self.folder.mkdir(exist_ok=True, parents=True)
        self.number, self.lines, self.state = self.number + 1, 0, state
        self.base = _crc(state)
        _write_sealed(self.folder / f"snapshot.{self.number}", {"kind": state["kind"], "title": state["title"]}, state)
        self.journal.touch()

    def edit(self, **changed: Any) -> None:
        new = {**self.state, **changed}
        body = _line({"base": self.base, "n": self.lines, "changes": between(self.state, new)})
        with self.journal.open("ab") as file:
            file.write(b"%08x " % zlib.crc32(body) + body + b"\n")
        self.state, self.lines = new, self.lines + 1

    def keep(self, number: int, name: str, *, automatic: bool = False) -> Path:
        path = self.folder / "versions" / f"{number:06d}.version"
        path.parent.mkdir(exist_ok=True)
        _write_sealed(path, {"name": name, "automatic": automatic, "saved": 1e9 + number}, self.state)
        return path


def _write_sealed(path: Path, header: dict[str, Any], state: dict[str, Any]) -> None:
    path.write_bytes(_line({"schema": 1, "crc": _crc(state), **header}) + b"\n" + _line(state) + b"\n")


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _crc(state: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(state, sort_keys=True).encode())


def old_folder(parent: Path, texts: list[str]) -> OldFolder:
    old = OldFolder(parent / "20250101-120000-0a1b2c3d")
    old.seal({"kind": "manuscript", "title": "A", "works": [], "content": {"text": "start"}})
    for text in texts:
        old.edit(content={"text": text})
    return old


def reopened(folder: Path) -> dict[str, Any]:
    with Document(folder) as opened:
        assert opened.notices == []
        return opened.content


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_everything_is_migrated_and_the_old_files_are_moved(tmp_path: Path) -> None:
    old = old_folder(tmp_path, ["one"])
    old.keep(1, "First \ud800")
    old.edit(content={"text": "\ud800 two"})
    old.keep(7, "", automatic=True)
    old.seal({**old.state, "title": "B 标题"})
    old.edit(content={"text": "three"}, works=["w"])
    before = contents(old.folder)
    saved = old.journal.stat().st_mtime
    assert listing(tmp_path) == [DocumentSummary(old.folder, "manuscript", "B 标题", saved)]
    for _ in range(2):
        with Document(old.folder) as opened:
            assert (opened.content, opened.title, opened.works) == ({"text": "three"}, "B 标题", ("w",))
            assert opened.notices == []
            assert opened.versions() == [
                DocumentVersion(7, "", True, 1e9 + 7),
                DocumentVersion(1, "First \ud800", False, 1e9 + 1),
            ]
            assert [opened.version_content(number) for number in (1, 7)] == [{"text": "one"}, {"text": "\ud800 two"}]
        assert names(old.folder) == ["document.sqlite", "old"]
        assert contents(old.folder / "old") == before
    assert [(found.kind, found.title) for found in listing(tmp_path)] == [("manuscript", "B 标题")]


@needs_fork
def test_a_kill_between_any_two_steps_of_a_migration_loses_nothing(tmp_path: Path) -> None:
    seed = old_folder(tmp_path / "seed", ["one", "two"])
    seed.keep(1, "first")
    seed.edit(content={"text": "three"})
    before = contents(seed.folder)
    kills = 0
    for at in range(50):
        folder = tmp_path / "killed" / str(at)
        shutil.copytree(seed.folder, folder)
        if not killed_at(at, lambda step, folder=folder: Document(folder, step=step).close()):
            break
        kills += 1
        # Every old byte is still there, in one place or the other.
        left = contents(folder)
        for name, data in before.items():
            assert left.get(name, left.get(f"old/{name}")) == data
        assert len(listing(folder.parent)) == 1
        with Document(folder) as opened:
            assert (opened.content, opened.notices) == ({"text": "three"}, [])
            assert [version.name for version in opened.versions()] == ["first"]
        assert contents(folder / "old") == before
        assert names(folder) == ["document.sqlite", "old"]
        shutil.rmtree(folder)
    assert kills == 3 + len(names(seed.folder)) + 1  # create, commit, place; each move; close


@needs_fork
def test_a_kill_at_any_moment_of_a_migration_loses_nothing(tmp_path: Path) -> None:
    seed = old_folder(tmp_path / "seed", ["word " * 20_000])
    for number in range(1, 30):
        seed.keep(number, str(number))
    killed = 0
    for at in range(12):
        folder = tmp_path / f"killed-{at}"
        shutil.copytree(seed.folder, folder)
        child = in_child(lambda folder=folder: Document(folder).close())
        time.sleep(at * 0.004)  # any moment will do; the first is at once
        os.kill(child, signal.SIGKILL)
        killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
        with Document(folder) as opened:
            assert (opened.content, opened.notices) == ({"text": "word " * 20_000}, [])
            assert len(opened.versions()) == 29
        shutil.rmtree(folder)
    assert killed


@pytest.mark.parametrize("at", range(3))
def test_a_full_disk_during_a_migration_leaves_the_old_files(tmp_path: Path, at: int) -> None:
    old = old_folder(tmp_path, ["one", "two"])
    before = contents(old.folder)
    with pytest.raises(StudioError, match="disk is full"):
        Document(old.folder, step=Refusal(at))
    assert contents(old.folder) == before
    assert reopened(old.folder) == {"text": "two"}


def test_old_files_that_cannot_be_moved_yet_are_moved_the_next_time(tmp_path: Path) -> None:
    old = old_folder(tmp_path, ["one"])
    before = contents(old.folder)
    with Document(old.folder, step=Refusal(3)) as opened:
        opened.edit({"text": "two"})
    assert "snapshot.1" in names(old.folder)
    assert reopened(old.folder) == {"text": "two"}
    assert names(old.folder) == ["document.sqlite", "old"]
    assert contents(old.folder / "old") == before


def test_a_torn_last_line_of_a_journal_is_ignored(tmp_path: Path) -> None:
    old = old_folder(tmp_path, ["one", "two", "three"])
    whole = old.journal.read_bytes()
    start = whole[:-1].rindex(b"\n") + 1
    cuts = [whole[: start + 1], whole[: start + 9], whole[:-1], whole[:-10]]
    for number, (data, text) in enumerate([*((cut, "two") for cut in cuts), (whole + b"\0" * 500, "three")]):
        folder = tmp_path / str(number)
        shutil.copytree(old.folder, folder)
        (folder / "journal.1").write_bytes(data)
        assert reopened(folder) == {"text": text}


def test_damage_in_the_middle_of_a_journal_is_reported_and_its_file_kept(tmp_path: Path) -> None:
    old = old_folder(tmp_path, ["one", "two", "three"])
    data = bytearray(old.journal.read_bytes())
    at = data.index(b"two")
    data[at : at + 3] = b"2!!"
    old.journal.write_bytes(data)
    with Document(old.folder) as opened:
        assert opened.content == {"text": "one"}
        assert "journal.1 was damaged" in str(opened.notices[0])
        opened.edit({"text": "on"})
    assert reopened(old.folder) == {"text": "on"}
    assert b"three" in (old.folder / "old" / "journal.1").read_bytes()


@pytest.mark.parametrize("damage", [b"", b"{}\n{}\n", b"\0" * 300, None])
def test_a_damaged_snapshot_loses_nothing(tmp_path: Path, damage: bytes | None) -> None:
    old = old_folder(tmp_path, ["one"])
    old.edit(title="B")
    old.seal(old.state)
    old.edit(content={"text": "three"}, works=["w"])
    newest = old.folder / "snapshot.2"
    newest.write_bytes(newest.read_bytes().replace(b"one", b"ONE") if damage is None else damage)
    with Document(old.folder) as opened:
        assert (opened.content, opened.title, opened.works) == ({"text": "three"}, "B", ("w",))
        assert "snapshot.2" in str(opened.notices[0])
        opened.edit({"text": "four"})
    assert reopened(old.folder) == {"text": "four"}


def test_without_a_snapshot_the_newest_version_is_used(tmp_path: Path) -> None:
    old = old_folder(tmp_path, ["one"])
    old.keep(1, "safe")
    old.keep(2, "damaged").write_bytes(b"damaged")
    old.edit(content={"text": "lost"})
    for path in old.folder.glob("*.1"):
        path.write_bytes(b"damaged")
    ruined = tmp_path / "ruined"
    shutil.copytree(old.folder, ruined)
    with Document(old.folder) as opened:
        assert opened.content == {"text": "one"}
        assert any("version 1 was used" in str(notice) for notice in opened.notices)
        assert [version.name for version in opened.versions()] == ["safe"]
    assert (old.folder / "old" / "versions" / "000002.version").read_bytes() == b"damaged"
    shutil.rmtree(ruined / "versions")
    before = contents(ruined)
    with pytest.raises(StudioError, match="damaged") as caught:
        Document(ruined)
    assert "backup" in caught.value.hint
    assert contents(ruined) == before


def test_a_document_of_a_newer_studio_is_refused_and_not_changed(tmp_path: Path) -> None:
    old = old_folder(tmp_path, ["one"])
    head, body = (old.folder / "snapshot.1").read_bytes().split(b"\n", 1)
    (old.folder / "snapshot.1").write_bytes(json.dumps({**json.loads(head), "schema": 2}).encode() + b"\n" + body)
    before = contents(old.folder)
    with pytest.raises(StudioError, match="newer AIGC Studio"):
        Document(old.folder)
    assert contents(old.folder) == before
    assert len(listing(tmp_path)) == 1
