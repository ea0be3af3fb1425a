"""Keeps the machine from sleeping while jobs run."""

from __future__ import annotations

import ctypes
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

log = logging.getLogger(__name__)

CONTINUOUS, SYSTEM_REQUIRED = 0x80000000, 0x00000001  # of SetThreadExecutionState, Windows
REASON = "AIGC Studio is making a work"


def inhibit_command(platform: str = sys.platform, pid: int | None = None) -> list[str]:
    """The command that keeps the machine awake until its input ends, or until this process does; empty for none."""
    if platform == "darwin":
        wanted = ["caffeinate", "-i", "-w", str(os.getpid() if pid is None else pid)]
    elif platform.startswith("linux"):
        wanted = ["systemd-inhibit", "--what=idle:sleep", "--who=AIGC Studio", f"--why={REASON}", "--mode=block", "cat"]
    else:
        return []
    return wanted if shutil.which(wanted[0]) else []


class KeepAwake:
    """Keeps the machine awake from `set(True)` to `set(False)`. Does nothing where the platform has no way to."""

    def __init__(self, command: Sequence[str] | None = None, platform: str = sys.platform) -> None:
        self._command = list(inhibit_command(platform) if command is None else command)
        self._windows = platform == "win32"
        self._child: subprocess.Popen[bytes] | None = None
        self.on = False

    def set(self, on: bool) -> None:
        """Call it from one thread. Setting the same value again has no effect."""
        if on == self.on:
            return
        self.on = on
        if self._windows:
            _ask_windows(CONTINUOUS | SYSTEM_REQUIRED if on else CONTINUOUS)
        elif on:
            self._start()
        else:
            self._end()

    def _start(self) -> None:
        if not self._command:
            return
        quiet = subprocess.DEVNULL
        try:
            self._child = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet)
        except OSError as error:
            log.info("the machine is not kept awake: %s", error)

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        if child.stdin is not None:
            child.stdin.close()
        child.terminate()
        try:
            child.wait(2.0)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _ask_windows(state: int) -> None:
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - exists on Windows only
    kernel.SetThreadExecutionState(state)
