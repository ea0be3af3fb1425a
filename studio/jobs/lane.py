"""A queue of jobs and the thread that runs them one at a time.

An error in a job never ends the lane, and the future of every job that enters it is resolved exactly once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from studio.errors import StudioError
from studio.jobs.job import Cancelled, Job, Progress
from studio.jobs.worker import EngineResult, OnProgress

log = logging.getLogger(__name__)

CLOSE_TIMEOUT = 2.0  # seconds that a running step may take to end when the studio closes
ABANDON_TIMEOUT = 10.0  # seconds more for what cannot be killed, such as writing a file


class EngineHost(Protocol):
    """Where the engines of a lane run: a child process or this process."""

    def suspend(self, on: bool) -> None: ...
    def kill(self) -> None: ...
    def close(self) -> None: ...


class Lane:
    """Runs queued jobs in order.

    `run(job, on_progress)` runs the engine; `store(job, result, partial)` saves what it made and returns the results
    for the future; `job_changed(job)` and `queue_changed()` are called after every change of a job or the queue.
    With several `workers` as many jobs run at once, but never two for which `exclusive(job)` is equal.
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
        workers: int = 1,
        exclusive: Callable[[Job], object] = id,
    ) -> None:
        self.name = name
        self.host = host
        self._run, self._store, self._job_changed, self._queue_changed = run, store, job_changed, queue_changed
        self._exclusive = exclusive
        self._queue: list[Job] = []
        self._running: list[Job] = []
        self._paused = False
        self._closed = False
        self._ended_threads = 0
        self._condition = threading.Condition()
        self._threads = [threading.Thread(target=self._loop, name=f"lane-{name}", daemon=True) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    @property
    def running(self) -> Job | None:
        """The job that has been running longest; None while none runs."""
        with self._condition:
            return self._running[0] if self._running else None

    def queued(self) -> list[Job]:
        with self._condition:
            return list(self._queue)

    def jobs(self) -> tuple[list[Job], list[Job]]:
        """The running jobs and the waiting ones, read atomically."""
        with self._condition:
            return list(self._running), list(self._queue)

    def pause(self, on: bool) -> None:
        """Start no further jobs except live ones, or start them again. The running job is not affected."""
        with self._condition:
            self._paused = on
            self._condition.notify_all()
        self._queue_changed()

    def put(self, *jobs: Job) -> None:
        """Queue jobs. One that `replaces` a control cancels every older job of that control. Live jobs go to the front
        and run while the queue is paused, because a person is waiting for them. A job starts once its `after` is empty.
        Raises StudioError after `close`.
        """
        older: list[Job] = []
        with self._condition:
            if self._closed:
                raise StudioError("The studio is closing.", "Start it again to continue.")
            for job in jobs:
                if job.replaces:
                    older += [other for other in self._queue if other.replaces == job.replaces]
                    self._queue = [other for other in self._queue if other.replaces != job.replaces]
                    for running in self._running:
                        if running.replaces == job.replaces:
                            running.stop()
                ahead = sum(other.live for other in self._queue) if job.live else len(self._queue)
                self._queue.insert(ahead, job)
            self._condition.notify_all()
        for other in older:
            self._end(other, Cancelled())
        self._queue_changed()

    def wake(self) -> None:
        """Look again for a job that can start, after `after` of one has changed."""
        with self._condition:
            self._condition.notify_all()
        self._queue_changed()

    def cancel(self, *jobs: Job, error: BaseException | None = None) -> None:
        """Cancel jobs: at once those that wait, at their next report those that run. No effect on others.

        With an `error` those that wait fail with it.
        """
        chosen = set(jobs)
        with self._condition:
            waiting = [job for job in self._queue if job in chosen]
            self._queue = [job for job in self._queue if job not in chosen]
            for job in self._running:
                if job in chosen:
                    job.stop()
        for job in waiting:
            self._end(job, error or Cancelled())
        if waiting:
            self._queue_changed()

    def move(self, index: int, *jobs: Job) -> None:
        """Move waiting jobs to `index` among the other waiting ones (live ones among the live). No effect on others."""
        with self._condition:
            chosen = set(jobs)
            moved = [job for job in self._queue if job in chosen]
            if not moved:
                return
            self._queue = [job for job in self._queue if job not in chosen]
            ahead = sum(other.live for other in self._queue)
            low, high = (0, ahead) if moved[0].live else (ahead, len(self._queue))
            at = max(low, min(low + index, high))
            self._queue[at:at] = moved
        self._queue_changed()

    def close(self) -> None:
        """Refuse new jobs, cancel all others, and wait for the threads; kill the engine after CLOSE_TIMEOUT. A thread
        that still runs ABANDON_TIMEOUT later, as on a disk that does not answer, is left behind with its job.
        """
        with self._condition:
            self._closed = True
            rest, self._queue = self._queue, []
            for job in self._running:
                job.stop()
            self._condition.notify_all()
        for job in rest:
            self._end(job, Cancelled())
        if not self._join(CLOSE_TIMEOUT):
            self.host.kill()
            if not self._join(ABANDON_TIMEOUT):
                log.warning("lane %s was left behind while it ran", self.name)

    def _join(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for the threads; returns whether all have ended."""
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _loop(self) -> None:
        while (job := self._next()) is not None:
            self._run_job(job)
            with self._condition:
                self._running.remove(job)
                self._condition.notify_all()
            self._queue_changed()
        with self._condition:
            self._ended_threads += 1
            last = self._ended_threads == len(self._threads)
        if last:
            self.host.close()

    def _next(self) -> Job | None:
        with self._condition:
            while not self._closed:
                job = self._startable()
                if job is not None:
                    self._queue.remove(job)
                    self._running.append(job)
                    return job
                self._condition.wait()
            return None

    def _startable(self) -> Job | None:
        busy = [self._exclusive(job) for job in self._running]
        for job in self._queue:
            if (job.live or not self._paused) and not job.after and self._exclusive(job) not in busy:
                return job
        return None

    def _run_job(self, job: Job) -> None:
        job.start()
        self._notify(job)
        self._queue_changed()

        def on_progress(progress: Progress) -> None:
            job.progress = progress
            self._notify(job)

        try:
            result = self._run(job, on_progress)
            on_progress(Progress("saving"))
            results = self._store(job, result, False)
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
            partial: Sequence[Any] = cancelled.payloads
            return Cancelled(partial, self._store(job, EngineResult(partial, {}), True) if partial else ())
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
