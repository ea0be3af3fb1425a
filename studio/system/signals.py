"""Handles the signals by which a system ends a process as it handles Ctrl-C: work stops and is kept."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Generator
from types import FrameType

TERMINATION = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))
"""What asks a process to end, as far as this system has it: a service manager or `kill`, a terminal that is closed."""


@contextlib.contextmanager
def interrupt_on_signals() -> Generator[None]:
    """Within it the first of these signals raises KeyboardInterrupt in the main thread, as Ctrl-C does.

    Further ones change nothing, since systems that shut down send several: what is made is being kept meanwhile. Ctrl-C
    still ends that at once. What the process was started deaf to, as `nohup` does it, stays unheard.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = False
    shown = [stream for stream in (1, 2) if _terminal(stream)]

    def hear(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        for stream in shown:
            if not _terminal(stream):
                _leave(stream)
        if not asked:
            asked = True
            raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in TERMINATION}
    mine = [number for number, handler in before.items() if handler not in (None, signal.SIG_IGN)]
    for number in mine:
        signal.signal(number, hear)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, before[number])


def ignore_signals() -> None:
    """From now on this process ends by none of these signals, nor by Ctrl-C: they reach whole groups of processes, and
    the one that leads them says what becomes of the work.
    """
    for number in (signal.SIGINT, *TERMINATION):
        signal.signal(number, signal.SIG_IGN)


def _terminal(stream: int) -> bool:
    try:
        return os.isatty(stream)
    except OSError:
        return False


def _leave(stream: int) -> None:
    """The terminal is gone: what would be written to it goes nowhere, instead of failing."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream)
        os.close(nowhere)
