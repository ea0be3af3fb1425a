"""Handles the signals that ask a process to end like Ctrl-C: jobs are cancelled, and partial results are saved."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Generator
from types import FrameType

TERMINATION = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))
"""The signals that ask a process to end, as far as this system has them: sent by service managers, by `kill`, and by a
terminal that is closed.
"""


@contextlib.contextmanager
def interrupt_on_signals() -> Generator[None]:
    """Within it the first of these signals raises KeyboardInterrupt in the main thread, as Ctrl-C does.

    Further ones are ignored, since systems that shut down send several while results are saved. Ctrl-C still ends the
    process at once. Signals that were ignored when the process started, as by `nohup`, stay ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupted = False
    shown = [stream for stream in (1, 2) if _terminal(stream)]

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal interrupted
        for stream in shown:
            if not _terminal(stream):
                _discard(stream)
        if not interrupted:
            interrupted = True
            raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in TERMINATION}
    mine = [number for number, handler in before.items() if handler not in (None, signal.SIG_IGN)]
    for number in mine:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, before[number])


def ignore_signals() -> None:
    """Ignore these signals and Ctrl-C in this process: they are sent to the whole process group, and the parent process
    decides what happens to the jobs.
    """
    for number in (signal.SIGINT, *TERMINATION):
        signal.signal(number, signal.SIG_IGN)


def _terminal(stream: int) -> bool:
    try:
        return os.isatty(stream)
    except OSError:
        return False


def _discard(stream: int) -> None:
    """Discard what is written to a terminal that is closed, instead of failing."""
    with contextlib.suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream)
        os.close(null)
