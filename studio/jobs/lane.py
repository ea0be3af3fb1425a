"""One device, one thread, one job at a time, and the queue in front of it.

A lane never dies of a job, and every job that enters it comes out exactly once. It knows neither the library nor who
asks.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from studio.errors import StudioError
from studio.jobs.job import Cancelled, Job, Progress
from studio.jobs.worker import EngineResult, OnProgress

log = logging.getLogger(__name__)

CLOSE_TIMEOUT = 2.0  # seconds that a running step gets to end by itself when the studio closes


class EngineHost(Protocol):
    """Where a lane's engines live."""

    def suspend(self, on: bool) -> None: ...
    def kill(self) -> None: ...
    def close(self) -> None: ...


class Lane:
    """Runs queued jobs in order.

    `run(job, hear)` has the engine do it; `keep(job, made, partial)` turns what was made into the results that the
    job's future gets; `changed(job)` hears of every change of a job, `reordered()` of every change of the queue.
    """

    def __init__(
        self,
        name: str,
        host: EngineHost,
        *,
        run: Callable[[Job, OnProgress], EngineResult],
        store: Callable[[Job, EngineResult, bool], list[Any]],
        job_changed: Callable[[Job], None],
        queue_changed: Callable[[], None],
    ) -> None:
        self.name = name
        self.host = host
        self._run, self._store, self._job_changed, self._queue_changed = run, store, job_changed, queue_changed
        self._queue: list[Job] = []
        self._running: Job | None = None
        self._paused = False
        self._closed = False
        self._condition = threading.Condition()
        self._thread = threading.Thread(target=self._loop, name=f"lane-{name}", daemon=True)
        self._thread.start()

    @property
    def running(self) -> Job | None:
        return self._running

    def queued(self) -> list[Job]:
        with self._condition:
            return list(self._queue)

    def jobs(self) -> tuple[Job | None, list[Job]]:
        """What runs and what waits, of one moment: a job on its way from the queue is in one of them."""
        with self._condition:
            return self._running, list(self._queue)

    @property
    def paused(self) -> bool:
        return self._paused

    def pause(self, on: bool) -> None:
        """Start no further job, except live ones, or start again; the running one goes on."""
        with self._condition:
            self._paused = on
            self._condition.notify_all()
        self._queue_changed()

    def put(self, job: Job) -> None:
        """Queue a job. One with a slot replaces every older one of that slot: the newest wins. Live ones go before all
        that wait, and run while the queue is paused: a hand is on them.
        """
        with self._condition:
            if self._closed:
                raise StudioError("The studio is closing.", "Start it again to go on.")
            older = [other for other in self._queue if job.replaces is not None and other.replaces == job.replaces]
            self._queue = [other for other in self._queue if other not in older]
            ahead = sum(other.live for other in self._queue) if job.live else len(self._queue)
            self._queue.insert(ahead, job)
            if job.replaces is not None and self._running is not None and self._running.replaces == job.replaces:
                self._running.stop()
            self._condition.notify_all()
        for other in older:
            self._end(other, Cancelled())
        self._queue_changed()

    def cancel(self, job: Job) -> None:
        """Stop a job: at once if it waits, at its next report if it runs; nothing happens to one that has ended."""
        with self._condition:
            waiting = job in self._queue
            if waiting:
                self._queue.remove(job)
            elif self._running is job:
                job.stop()
        if waiting:
            self._end(job, Cancelled())
            self._queue_changed()

    def move(self, job: Job, index: int) -> None:
        """Give a waiting job another place among its like; one that no longer waits stays as it is.

        Live ones stay before all others: a paused queue starts only what stands at its head.
        """
        with self._condition:
            if job not in self._queue:
                return
            self._queue.remove(job)
            ahead = sum(other.live for other in self._queue)
            low, high = (0, ahead) if job.live else (ahead, len(self._queue))
            self._queue.insert(max(low, min(low + index, high)), job)
        self._queue_changed()

    def close(self) -> None:
        """Refuse new jobs, cancel the rest, and wait for the thread and its engines to end; not for long."""
        with self._condition:
            self._closed = True
            rest, self._queue = self._queue, []
            if self._running is not None:
                self._running.stop()
            self._condition.notify_all()
        for job in rest:
            self._end(job, Cancelled())
        self._thread.join(CLOSE_TIMEOUT)
        if self._thread.is_alive():
            self.host.kill()
            self._thread.join()

    def _loop(self) -> None:
        while (job := self._next()) is not None:
            self._run_job(job)
            with self._condition:
                self._running = None
            self._queue_changed()
        self.host.close()

    def _next(self) -> Job | None:
        with self._condition:
            self._condition.wait_for(
                lambda: self._closed or (self._queue and (not self._paused or self._queue[0].live))
            )
            if self._closed:
                return None
            self._running = self._queue.pop(0)
            return self._running

    def _run_job(self, job: Job) -> None:
        job.start()
        self._notify(job)
        self._queue_changed()

        def hear(progress: Progress) -> None:
            job.progress = progress
            self._notify(job)

        try:
            made = self._run(job, hear)
            hear(Progress("saving"))
            results = self._store(job, made, False)
        except Cancelled as cancelled:
            self._end(job, self._store_partial(job, cancelled))
        except Exception as error:
            if not isinstance(error, StudioError):
                log.exception("%s failed", job)
            self._end(job, error)
        else:
            job.finish(results)
            self._notify(job)

    def _store_partial(self, job: Job, cancelled: Cancelled) -> BaseException:
        """The cancel with what was worth keeping made into works; what goes wrong in that is the outcome instead."""
        try:
            made: Sequence[Any] = cancelled.made
            return Cancelled(made, self._store(job, EngineResult(made, {}), True) if made else ())
        except Exception as error:
            log.exception("%s could not be kept", job)
            return error

    def _end(self, job: Job, error: BaseException) -> None:
        job.fail(error)
        self._notify(job)

    def _notify(self, job: Job) -> None:
        """Listeners are guests: what one raises is logged and touches neither the job nor the lane."""
        try:
            self._job_changed(job)
        except Exception:
            log.exception("a listener failed")
