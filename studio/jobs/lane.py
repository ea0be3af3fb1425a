"""A queue of jobs and the thread that runs them one at a time.

An error in a job never ends the lane, and the future of every job that enters it is resolved exactly once.
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

CLOSE_TIMEOUT = 2.0  # seconds that a running step may take to end when the studio closes


class EngineHost(Protocol):
    """Where the engines of a lane run: a child process or this process."""

    def suspend(self, on: bool) -> None: ...
    def kill(self) -> None: ...
    def close(self) -> None: ...


class Lane:
    """Runs queued jobs in order.

    `run(job, on_progress)` runs the engine; `store(job, result, partial)` saves what it made and returns the results
    for the future; `job_changed(job)` and `queue_changed()` are called after every change of a job or the queue.
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
        """The running job and the waiting ones, read atomically."""
        with self._condition:
            return self._running, list(self._queue)

    @property
    def paused(self) -> bool:
        return self._paused

    def pause(self, on: bool) -> None:
        """Start no further jobs except live ones, or start them again. The running job is not affected."""
        with self._condition:
            self._paused = on
            self._condition.notify_all()
        self._queue_changed()

    def put(self, job: Job) -> None:
        """Queue a job. One that `replaces` a control cancels every older job of that control. Live jobs go to the front
        and run while the queue is paused, because a person is waiting for them. Raises StudioError after `close`.
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
        """Cancel a job: immediately if it waits, at its next report if it runs. No effect on one that has ended."""
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
        """Move a waiting job to `index` among the waiting jobs (live ones among the live). No effect on other jobs."""
        with self._condition:
            if job not in self._queue:
                return
            self._queue.remove(job)
            ahead = sum(other.live for other in self._queue)
            low, high = (0, ahead) if job.live else (ahead, len(self._queue))
            self._queue.insert(max(low, min(low + index, high)), job)
        self._queue_changed()

    def close(self) -> None:
        """Refuse new jobs, cancel all others, and wait for the thread; kill the engine after CLOSE_TIMEOUT."""
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
        """The cancellation with its partial results saved; the error instead where saving them failed."""
        try:
            made: Sequence[Any] = cancelled.made
            return Cancelled(made, self._store(job, EngineResult(made, {}), True) if made else ())
        except Exception as error:
            log.exception("partial results of %s could not be saved", job)
            return error

    def _end(self, job: Job, error: BaseException) -> None:
        job.fail(error)
        self._notify(job)

    def _notify(self, job: Job) -> None:
        """Call the listener; an error in it is logged and affects neither the job nor the lane."""
        try:
            self._job_changed(job)
        except Exception:
            log.exception("a listener failed")
