"""Fixtures of every test: a home of its own, no network, no warning from Qt, nothing left running.

Imports neither Qt nor torch.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from studio.models import trial
from studio.support import speed

# Read when the libraries are first imported, so set before any test module is collected. Worker processes inherit them.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"  # never that of who runs the tests
os.environ["STUDIO_DEVICE"] = "cpu"
# Networks this small lose time in synchronising threads, more so on a busy machine.
os.environ["OMP_NUM_THREADS"] = "1"
for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
    os.environ.pop(name, None)

# A hundred tests start a Python, which would compile the whole studio anew each time where this is forbidden.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

LOOPBACK = ("127.", "::1", "localhost")
# Ended by the interpreter: tqdm's monitor, and multiprocessing's tracker of shared memory.
LASTING_THREADS = ("tqdm",)
LASTING_PROCESSES = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
# Warnings of the offscreen platform for every window and menu, which no user sees.
QT_IGNORED = tuple(
    f"This plugin does not support {what}" for what in ("propagateSizeHints()", "raise()", "grabbing the keyboard")
)
GRACE = 5.0  # seconds that threads and processes of a test have to end


def pytest_collection_finish() -> None:
    """Garbage collection passes over what was imported so far, and comes more seldom than after 700 new objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The STUDIO_HOME of this test; the folder does not exist yet."""
    folder = tmp_path / "home"
    monkeypatch.setenv("STUDIO_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def no_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """No imported model is tried in a process with torch, unless a test sets `trial.run` back."""
    monkeypatch.setattr(trial, "run", lambda *_: None)


@pytest.fixture(autouse=True)
def no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is not measured in a process with torch: what is reckoned with is a usual one of its kind."""
    monkeypatch.setattr(speed, "measure", lambda *_: None)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the test that connects to another machine."""

    def local_only(real: Any) -> Any:
        def connect(self: socket.socket, address: Any) -> Any:
            local = self.family == getattr(socket, "AF_UNIX", None) or str(address[0]).startswith(LOOPBACK)
            if not local:
                pytest.fail(f"a test tried to reach {address}")
            return real(self, address)

        return connect

    monkeypatch.setattr(socket.socket, "connect", local_only(socket.socket.connect))
    monkeypatch.setattr(socket.socket, "connect_ex", local_only(socket.socket.connect_ex))


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Fail the test that leaves a thread or a child process running."""
    threads, processes = set(_threads()), set(_processes())
    yield
    deadline = time.monotonic() + GRACE
    while True:
        left = [thread.name for thread in _threads() if thread not in threads]
        left += [_command_line(process) for process in _processes() if process not in processes]
        if not left or time.monotonic() > deadline:
            break
        time.sleep(0.01)
    assert not left, f"left running: {', '.join(left)}"


@pytest.fixture(autouse=True)
def qt_is_quiet() -> Iterator[None]:
    """Fail the test during which Qt printed a warning."""
    core = sys.modules.get("PySide6.QtCore")
    if core is None:
        yield
        return
    warnings: list[str] = []

    def collect(kind: Any, _context: Any, message: str) -> None:
        if kind not in (core.QtMsgType.QtDebugMsg, core.QtMsgType.QtInfoMsg) and not message.startswith(QT_IGNORED):
            warnings.append(message)

    before = core.qInstallMessageHandler(collect)
    yield
    core.qInstallMessageHandler(before)
    assert not warnings, f"Qt warned: {'; '.join(warnings)}"


def _threads() -> list[threading.Thread]:
    # Qt's and torch's own threads appear as dummies once they have run Python, and never leave the list.
    found = [thread for thread in threading.enumerate() if not isinstance(thread, threading._DummyThread)]
    return [thread for thread in found if not thread.name.startswith(LASTING_THREADS)]


def _has_children() -> bool:
    """Whether any child runs or ended unnoticed: a question to the system, without a look at all of its processes."""
    if sys.platform == "win32" or not hasattr(os, "waitid"):
        return True
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _processes() -> list[psutil.Process]:
    if not _has_children():
        return []
    children = psutil.Process().children(recursive=True)
    return [child for child in children if not any(name in _command_line(child) for name in LASTING_PROCESSES)]


def _command_line(process: psutil.Process) -> str:
    """The command line; of a process that ended meanwhile, a name that is ignored."""
    try:
        return " ".join(process.cmdline()) or process.name()
    except psutil.Error:
        return "multiprocessing.resource_tracker" if not process.is_running() else str(process.pid)
