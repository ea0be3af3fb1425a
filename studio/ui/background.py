"""Runs work in threads and returns the results to the window's thread while the asker still lives.

`BackgroundTasks` only read; a window that closes does not wait for them. `LatestOnly`: the same, and only the answer to
the last question counts. `SerialTasks` change files: they run in order, and a window that closes waits for the one that
runs. No thread may be the last to hold a QObject, which would be destroyed in it.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Signal, Slot
from shiboken6 import isValid

from studio.errors import StudioError

T = TypeVar("T")
Failure = StudioError | OSError  # what a person can do something about
Run = Callable[[], None]


class _Answers(QObject):
    """Brings answers to the window's thread. It lives as long as the program: a thread may outlive who asked."""

    came = Signal(object, int, object, object)  # a weak reference to the tasks, the number, the result and the error

    def __init__(self) -> None:
        super().__init__()
        self.came.connect(self._deliver)

    @Slot(object, int, object, object)
    def _deliver(self, asker: weakref.ref[BackgroundTasks], number: int, made: Any, error: Exception | None) -> None:
        tasks = asker()
        if tasks is not None and isValid(tasks):
            tasks._hear(number, made, error)  # pyright: ignore[reportPrivateUsage]


@functools.cache
def _answers() -> _Answers:
    return _Answers()


class BackgroundTasks(QObject):
    """Each question is worked on at once, in a thread that nobody waits for, whatever disk or machine it hangs on.

    `stopping` is set once the window closes: work in steps then ends early, and nothing is answered any more.
    """

    def __init__(self, asker: QObject) -> None:
        super().__init__(asker)
        self.stopping = threading.Event()
        self._waiting: dict[int, tuple[Callable[[Any], object], Callable[[Failure], object] | None]] = {}
        self._number = 0
        self._answers = _answers()

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._waiting)

    def run(
        self, work: Callable[[], T], then: Callable[[T], object], failed: Callable[[Failure], object] | None = None
    ) -> None:
        """Have `work`, which must hold no widget, done elsewhere; then, here, `then` gets what it returns.

        `failed` gets a StudioError or an OSError; an error that nobody takes surfaces in the window.
        """
        if not self.stopping.is_set():
            self._number += 1
            self._waiting[self._number] = (then, failed)
            self._start(_run(work, weakref.ref(self), self._number, self._answers))

    def discard(self) -> None:
        """Nobody wants the answers any more."""
        self._waiting.clear()

    def close(self) -> None:
        self.stopping.set()
        self.discard()

    def _start(self, run: Run) -> None:
        threading.Thread(target=run, name="aside", daemon=True).start()

    def _hear(self, number: int, made: Any, error: Exception | None) -> None:
        if number not in self._waiting:
            return
        then, failed = self._waiting.pop(number)
        if error is None:
            then(made)
        elif failed is not None and isinstance(error, Failure):
            failed(error)
        else:
            raise error


class LatestOnly(BackgroundTasks):
    """A new question takes the place of the one before, whose answer is not heard. One is worked on at a time, and what
    was overtaken while it waited is never begun: questions may come faster than answers.
    """

    def __init__(self, asker: QObject) -> None:
        super().__init__(asker)
        self._working = False
        self._next: Run | None = None

    def run(
        self, work: Callable[[], T], then: Callable[[T], object], failed: Callable[[Failure], object] | None = None
    ) -> None:
        self.discard()
        super().run(work, then, failed)

    def discard(self) -> None:
        super().discard()
        self._next = None

    def _start(self, run: Run) -> None:
        if self._working:
            self._next = run
        else:
            self._working = True
            super()._start(run)

    def _hear(self, number: int, made: Any, error: Exception | None) -> None:
        run, self._next = self._next, None
        self._working = False
        if run is not None:
            self._start(run)
        super()._hear(number, made, error)


class SerialTasks(BackgroundTasks):
    """Done one after the other. `close` waits for the one that is being done; those behind it are never begun."""

    def __init__(self, asker: QObject) -> None:
        super().__init__(asker)
        self._pool = ThreadPoolExecutor(1, "errands")

    def close(self) -> None:
        super().close()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _start(self, run: Run) -> None:
        self._pool.submit(run)


def _run(work: Callable[[], object], asker: weakref.ref[BackgroundTasks], number: int, answers: _Answers) -> Run:
    """What the thread does: a function of its own, so that it holds these four and nothing else."""

    def run() -> None:
        made, error = None, None
        try:
            made = work()
        except Exception as failed:  # noqa: BLE001 - it is told or raised again in the window's thread
            error = failed
        with contextlib.suppress(RuntimeError):  # Qt has ended meanwhile
            answers.came.emit(asker, number, made, error)

    return run
