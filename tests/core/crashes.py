"""Crashes for tests: a child process that is killed at a step, and disks that are full."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Step = Callable[[str], None]


def killed_at(at: int, act: Callable[[Step], None]) -> bool:
    """Run `act` in a child that is killed with SIGKILL before its step number `at`; False where it has fewer."""
    steps = 0

    def step(_name: str) -> None:
        nonlocal steps
        if steps == at:
            os.kill(os.getpid(), signal.SIGKILL)
        steps += 1

    child = in_child(lambda: act(step))
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the child failed; its traceback is above"
    return False


def killed_when_ready(home: Path, code: str) -> None:
    """Run Python in a process of its own, with `home` as `Path(sys.argv[1])`, and kill it at the end of the code."""
    code = f"import sys, time; from pathlib import Path\n{code}\nprint('ready', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, str(home)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n", "the child failed; its traceback is above"
        finally:
            process.kill()


def in_child(act: Callable[[], None]) -> int:
    """Start `act` in a child process; returns its id, for `ended`."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            act()
            status = 0
        except BaseException:  # noqa: BLE001 - the child ends here, and must not go on as a second test run
            traceback.print_exc()
        finally:
            os._exit(status)
    return child


def ended(child: int) -> None:
    _, status = os.waitpid(child, 0)
    assert status == 0, "the child failed; its traceback is above"


class Refusal:
    """A step that raises the error of a full disk at its call number `at` (from 0); `names` are those of all calls."""

    def __init__(self, at: int, code: int = errno.ENOSPC) -> None:
        self.at, self.code = at, code
        self.names: list[str] = []

    @property
    def refused(self) -> bool:
        return len(self.names) > self.at

    def __call__(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) == self.at + 1:
            raise OSError(self.code, os.strerror(self.code))


@contextlib.contextmanager
def quick_folder() -> Iterator[Path]:
    """A temporary folder, in memory where the system has one: hundreds of syncs would wait for a disk."""
    memory = Path("/dev/shm")
    parent = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=parent, prefix="aigc-studio-test-") as folder:
        yield Path(folder)


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of this size, mounted at `folder`; skips the test where mounting is not permitted."""
    if sys.platform != "linux":
        pytest.skip("mounting a small disk needs Linux")
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode:
        pytest.skip(f"mounting is not permitted: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextlib.contextmanager
def full_disk(size: int = 8192) -> Iterator[None]:
    """In the block this process can make no file grow beyond `size` bytes: a disk on which little room is left."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
