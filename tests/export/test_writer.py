"""Writing exported files to a folder or a zip: all or none, never over a file, valid names."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.errors import BadInput, StudioError
from studio.export import writer


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def failing_files(after: int) -> Iterator[tuple[str, bytes]]:
    for at in range(after):
        yield f"inner/{at}.txt", b"x"
    raise KeyError("stop")


@pytest.mark.parametrize("target", ["new/deep", "there", "new/a.zip", "there/a.zip"])
def test_an_interrupted_export_leaves_nothing(tmp_path: Path, target: str) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine.txt").write_text("mine")
    with pytest.raises(KeyError):
        writer.write_files(failing_files(3), tmp_path / target, "set")

    def stop(count: int) -> None:
        if count == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        writer.write_files([("a", b"1"), ("b", b"2"), ("c", b"3")], tmp_path / target, "set", stop)
    assert files_in(tmp_path) == ["there", "there/mine.txt"]


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    one, two = [("a.png", b"1")], [("a.png", b"1"), ("x/b.png", b"2")]
    assert writer.write_files(one, tmp_path, "set").name == "a.png"
    assert writer.write_files(one, tmp_path, "set").name == "a 2.png"
    assert writer.write_files(two, tmp_path, "set").name == "set"
    assert writer.write_files(two, tmp_path, "set").name == "set 2"
    assert files_in(tmp_path / "set 2") == ["a.png", "x", "x/b.png"]
    made = writer.write_files(two, tmp_path / "all.zip", "set")
    with zipfile.ZipFile(made) as whole:
        assert whole.namelist() == ["a.png", "x/b.png"]
        assert whole.testzip() is None
    with pytest.raises(BadInput, match=r"all\.zip"):
        writer.write_files(two, tmp_path / "all.zip", "set")
    with pytest.raises(BadInput, match="not a folder"):
        writer.write_files(one, tmp_path / "a.png", "set")
    for inner in ("../a", "/a", "a/../../b", "c:/a", "a\\b", ""):
        with pytest.raises(ValueError, match="no place"):
            writer.write_files([(inner, b"")], tmp_path, "set")


@pytest.mark.parametrize("name", ["", "all.zip"])
def test_what_a_killed_export_left_is_removed_by_the_next_one(tmp_path: Path, name: str) -> None:
    for left in (".export-0f.part", ".export-1f"):
        (tmp_path / left).mkdir()
        (tmp_path / left / "a.png").write_bytes(b"half")
    writer.write_files([("a.png", b"1")], tmp_path / name, "set")
    assert files_in(tmp_path) == [name or "a.png"]


def test_a_full_disk_gives_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer, "write_synced", full)
    with pytest.raises(StudioError, match="the disk is full"):
        writer.write_files([("a.png", b"1")], tmp_path / "out", "set")
    assert files_in(tmp_path) == []


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("玛拉 / Mara: 1", "玛拉  Mara 1"), ("", "id"), ("...", "id"), ("CON", "id"), ("com1", "id"), ("COM²", "id"),
        ("a" * 99, "a" * 60),
        ("\N{FAMILY}", "id"), ("字" * 100, "字" * 60), ("Zoë–été", "Zoëété"),
    ],
)  # fmt: skip
def test_names_that_every_system_takes(tmp_path: Path, title: str, name: str) -> None:
    made = writer.safe_name(title, "id")
    assert made == name
    assert writer.write_files([(f"{made}.png", b"1")], tmp_path, made).exists()


@pytest.mark.parametrize("target", ["out", "out.zip"])
def test_the_umask_is_not_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    monkeypatch.setattr("os.umask", lambda _: pytest.fail("it was changed"))
    (tmp_path / "plain").write_bytes(b"1")
    made = writer.write_files([("a.png", b"1"), ("b.png", b"2")], tmp_path / target, "set")
    file = made / "a.png" if made.is_dir() else made
    assert file.stat().st_mode == (tmp_path / "plain").stat().st_mode
