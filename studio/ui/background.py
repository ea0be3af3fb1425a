"""Runs work in threads, and brings its results and the ends of jobs to the window's thread while the asker still lives.

`BackgroundTasks` only read; a window that closes does not wait for them. `LatestOnly`: the same, and only the answer to
the last question counts. `SerialTasks` change files: they run in order, and a window that closes waits for the one that
runs. No thread may be the last to hold a QObject, which would be destroyed in it.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal, SignalInstance, Slot
from shiboken6 import isValid

from studio.errors import StudioError
from studio.jobs.job import Job
from studio.schema.request import Request

T = TypeVar("T")
Failure = StudioError | OSError  # what a person can do something about
Run = Callable[[], None]


class _Relay(QObject):
    """Calls methods in the window's thread. It lives as long as the program, so that any thread may hold it."""

    posted = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self.posted.connect(self._call, Qt.ConnectionType.QueuedConnection)

    @Slot(object, object)
    def _call(self, reference: weakref.WeakMethod[Any], args: tuple[Any, ...]) -> None:
        method = reference()
        if method is not None and isValid(method.__self__):
            method(*args)


@functools.cache
def relay() -> _Relay:
    """Call it first in the window's thread, where it is made."""
    return _Relay()


def post(method: weakref.WeakMethod[Any], *args: object) -> None:
    """From any thread: call a method of a QObject in the window's thread, unless the object is gone by then."""
    with contextlib.suppress(RuntimeError):  # Qt has ended meanwhile
        relay().posted.emit(method, args)


class JobWatcher(QObject):
    """Emits `ended(job)` in the window's thread, once for each job that is watched, also for one that has ended.

    Outcomes are never lost, unlike news. A view that no longer wants one ignores it; the job is not affected.
    """

    ended = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.watched: list[Job] = []  # that have not ended
        self._seen: set[str] = set()  # ids of those that were watched, or need not be
        self._kind = Request
        relay()

    def watch(self, job: Job) -> None:
        self._seen.add(job.id)
        self.watched.append(job)
        ended = weakref.WeakMethod(self._emit)
        job.future.add_done_callback(lambda _: post(ended, job))

    def follow(
        self, kind: type[Request] | tuple[type[Request], ...], known: Sequence[Job], news: SignalInstance
    ) -> None:
        """Watch every job with such a request, whoever submits it, except those of `known` that have ended."""
        self._kind = kind
        self._seen = {job.id for job in known if job.has_ended}
        for job in known:
            self._adopt(job)
        news.connect(self._receive)

    def _receive(self, news: Any) -> None:
        if news.job is not None:
            self._adopt(news.job)

    def _adopt(self, job: Job) -> None:
        if isinstance(job.request, self._kind) and job.id not in self._seen:
            self.watch(job)

    def _emit(self, job: Job) -> None:
        self.watched.remove(job)
        self.ended.emit(job)


class BackgroundTasks(QObject):
    """Each question is worked on at once, in a thread that nobody waits for, whatever disk or machine it hangs on.

    `stopping` is set once the window closes: work in steps then ends early, and nothing is answered any more.
    """

    def __init__(self, asker: QObject) -> None:
        super().__init__(asker)
        self.stopping = threading.Event()
        self._waiting: dict[int, tuple[Callable[[Any], object], Callable[[Failure], object] | None]] = {}
        self._number = 0
        relay()

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
            self._start(_run(work, self._number, weakref.WeakMethod(self._hear)))

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


def _run(work: Callable[[], object], number: int, then: weakref.WeakMethod[Any]) -> Run:
    """What the thread does: a function of its own, so that it holds these three and nothing else."""

    def run() -> None:
        made, error = None, None
        try:
            made = work()
        except Exception as failed:  # noqa: BLE001 - it is told or raised again in the window's thread
            error = failed
        post(then, number, made, error)

    return run
