"""What holds for every test: a home of its own, no network, no message from Qt, nothing left running.

Knows neither Qt nor torch unless the test brought them along.
"""

from __future__ import annotations

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

# Read when the libraries are first imported, so set before any test module is collected. Worker processes inherit them.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["STUDIO_DEVICE"] = "cpu"
# Networks this small only lose time by waiting for each other's threads, the more the busier the machine is.
os.environ["OMP_NUM_THREADS"] = "1"
for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
    os.environ.pop(name, None)

LOOPBACK = ("127.", "::1", "localhost")
# Ended by the interpreter itself: tqdm's clock, and the tracker of shared memory that multiprocessing starts once.
KEPT_THREADS = ("tqdm",)
KEPT_PROCESSES = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
# The offscreen platform says this for every window and menu; no user ever sees it.
QT_KNOWN = tuple(
    f"This plugin does not support {what}" for what in ("propagateSizeHints()", "raise()", "grabbing the keyboard")
)
GRACE = 5.0  # seconds that what a test started has to end


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The STUDIO_HOME of this test; it does not exist until something makes it."""
    folder = tmp_path / "home"
    monkeypatch.setenv("STUDIO_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections beyond this machine fail with an error that nothing takes for a network's own."""

    def guarded(real: Any) -> Any:
        def connect(self: socket.socket, address: Any) -> Any:
            inside = self.family == getattr(socket, "AF_UNIX", None) or str(address[0]).startswith(LOOPBACK)
            if not inside:
                pytest.fail(f"a test tried to reach {address}")
            return real(self, address)

        return connect

    monkeypatch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Fail the test that leaves a thread or a child process running."""
    threads, processes = set(_threads()), set(_processes())
    yield
    deadline = time.monotonic() + GRACE
    while True:
        left = [thread.name for thread in _threads() if thread not in threads]
        left += [_words(process) for process in _processes() if process not in processes]
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
    said: list[str] = []

    def hear(kind: Any, _context: Any, message: str) -> None:
        if kind not in (core.QtMsgType.QtDebugMsg, core.QtMsgType.QtInfoMsg) and not message.startswith(QT_KNOWN):
            said.append(message)

    before = core.qInstallMessageHandler(hear)
    yield
    core.qInstallMessageHandler(before)
    assert not said, f"Qt said: {'; '.join(said)}"


def _threads() -> list[threading.Thread]:
    # Qt's and torch's own threads appear as dummies once they have run Python, and never leave the list.
    found = [thread for thread in threading.enumerate() if not isinstance(thread, threading._DummyThread)]
    return [thread for thread in found if not thread.name.startswith(KEPT_THREADS)]


def _processes() -> list[psutil.Process]:
    children = psutil.Process().children(recursive=True)
    return [child for child in children if not any(kept in _words(child) for kept in KEPT_PROCESSES)]


def _words(process: psutil.Process) -> str:
    """The command line; empty words for what ended meanwhile."""
    try:
        return " ".join(process.cmdline()) or process.name()
    except psutil.Error:
        return "multiprocessing.resource_tracker" if not process.is_running() else str(process.pid)
