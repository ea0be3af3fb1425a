"""Files that survive a crash, locks between processes and threads, free names."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from studio.errors import StudioError
from studio.system.storage import (
    FileLock,
    format_estimate,
    format_size,
    free_path,
    numbered_name,
    staging,
    sweep_staging,
    try_lock,
    unique_name,
    write_atomic,
)

HOLDER = """
import sys
from pathlib import Path
from studio.system.storage import try_lock
held = try_lock(Path(sys.argv[1]))
print("held" if held else "refused", flush=True)
sys.stdin.read()
"""


MAKER = """
import sys
from pathlib import Path
from studio.system.storage import staging
with staging(Path(sys.argv[1]), ".copy-") as place:
    (place / "half").write_bytes(b"half")
    print(place, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_process_was_making_is_swept_and_what_a_living_one_makes_stays(tmp_path: Path) -> None:
    pipe = subprocess.PIPE
    child = subprocess.Popen([sys.executable, "-c", MAKER, str(tmp_path)], stdin=pipe, stdout=pipe, text=True)
    try:
        assert child.stdout is not None
        place = Path(child.stdout.readline().strip())
        with staging(tmp_path, ".copy-"):  # this process's own, too
            assert sweep_staging(tmp_path, ".copy-") == 0
        assert (place / "half").exists()
    finally:
        child.kill()
        child.communicate()
    assert place.exists()
    assert sweep_staging(tmp_path, ".copy-") == 1
    assert list(tmp_path.iterdir()) == []


def test_staging_that_fails_leaves_nothing_and_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file") as caught, staging(tmp_path, ".copy-") as place:
        (place / "gone" / "a").write_bytes(b"")
    assert caught.value.filename == str(tmp_path)
    assert list(tmp_path.iterdir()) == []


def holder(path: Path) -> "subprocess.Popen[str]":
    pipe = subprocess.PIPE
    child = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdin=pipe, stdout=pipe, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def test_a_lock_is_free_once_its_holder_was_killed(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    child = holder(path)
    try:
        assert try_lock(path) is None
        with pytest.raises(StudioError, match="in use by another studio"), FileLock(path, timeout=0.05):
            pass
    finally:
        child.kill()
        child.communicate()
    with FileLock(path, timeout=10):
        assert try_lock(path) is None


def test_a_lock_keeps_threads_apart_and_its_holder_may_enter_again(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / ".lock", timeout=30)
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(20):
            with lock, lock:
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 80
    assert set(most) == {1}


def test_a_lock_that_is_released_by_another_thread_is_free(tmp_path: Path) -> None:
    held = try_lock(tmp_path / ".lock")
    assert held is not None
    thread = threading.Thread(target=held.release)
    thread.start()
    thread.join()
    again = try_lock(tmp_path / ".lock")
    assert again is not None
    again.release()


def test_an_estimate_is_said_to_two_digits() -> None:
    assert format_size(494_212_345) == "494.2 MB"
    assert [format_estimate(size) for size in (494_212_345, 2_740_000_000, 130_000_000, 996_000, 7, 0)] == [
        "490 MB", "2.7 GB", "130 MB", "1 MB", "7 bytes", "0 bytes"
    ]  # fmt: skip


def test_a_free_name_has_the_first_number_that_nobody_has(tmp_path: Path) -> None:
    assert unique_name("a", {"a", "a 2"}.__contains__) == "a 3"
    assert unique_name("a", set[str]().__contains__) == "a"
    assert numbered_name("a", {"a 3", "a 4"}.__contains__, 3) == "a 5"
    assert numbered_name("a", set[str]().__contains__, mark="-") == "a-1"
    path = tmp_path / "face.tar.gz"
    assert free_path(path) == path
    for expected in ("face.tar.gz", "face.tar 2.gz", "face.tar 3.gz"):
        made = free_path(path)
        assert made.name == expected
        made.touch()
    assert free_path(path, "-").name == "face.tar-2.gz"


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    write_atomic(path, b"old")

    def full(_part: Path, _data: bytes) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="no space"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]
