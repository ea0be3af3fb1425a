"""Jobs that belong together, such as candidates or a batch: one progress, one outcome."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from studio.jobs.job import Cancelled, Group, Job, Progress, State
from studio.schema.request import Request


class JobGroup:
    """The jobs of one Group. Reads like a job where it is shown; any thread may read it at any time.

    `future` is resolved when the last job has ended: with all results in the order of the jobs, or, where there are
    none, with the first error or Cancelled. The future of each job has its own results or error.
    """

    live = False

    def __init__(self, group: Group, jobs: Sequence[Job]) -> None:
        self.group = group
        self.jobs = tuple(jobs)
        self.future: Future[list[Any]] = Future()
        self.future.set_running_or_notify_cancel()
        self._left = len(self.jobs)
        self._lock = threading.Lock()
        for job in self.jobs:
            job.future.add_done_callback(self._job_ended)

    def __repr__(self) -> str:
        return f"<JobGroup {self.id[:8]} {self.group.kind} {self.finished} of {len(self.jobs)}>"

    @property
    def id(self) -> str:
        return self.group.id

    @property
    def request(self) -> Request:
        """The request of the first job."""
        return self.jobs[0].request

    @property
    def parents(self) -> tuple[str, ...]:
        return self.jobs[0].parents

    @property
    def running(self) -> Job | None:
        """The first running job; None while none runs."""
        return next((job for job in self.jobs if job.state == "running"), None)

    @property
    def finished(self) -> int:
        """How many jobs have ended, however they did."""
        return sum(job.has_ended for job in self.jobs)

    @property
    def state(self) -> State:
        """Running or queued while a job is; then failed if any failed, done if any has results, else cancelled."""
        states = {job.state for job in self.jobs}
        order: tuple[State, ...] = ("running", "queued", "failed", "done", "cancelled")
        return next(state for state in order if state in states)

    @property
    def has_ended(self) -> bool:
        return self.finished == len(self.jobs)

    @property
    def cancelling(self) -> bool:
        """Whether every job that has not ended was asked to stop."""
        left = [job for job in self.jobs if not job.has_ended]
        return bool(left) and all(job.cancelling for job in left)

    @property
    def progress(self) -> Progress:
        """The stage of the running job; `done` and `total` count in thousandths of a job."""
        running = self.running
        thousandths = 1000 * self.finished
        for job in self.jobs:
            if job.state == "running" and job.progress.total:
                thousandths += 1000 * min(job.progress.done, job.progress.total) // job.progress.total
        stage = running.progress.stage if running is not None else "queued"
        return Progress(stage, thousandths, 1000 * len(self.jobs))

    @property
    def seconds(self) -> float:
        """Running time of all jobs together."""
        return sum(job.seconds for job in self.jobs)

    @property
    def error(self) -> BaseException | None:
        """The error of the first job that failed; None where none did."""
        return next((job.error for job in self.jobs if job.error is not None), None)

    def _job_ended(self, _future: Future[list[Any]]) -> None:
        with self._lock:
            self._left -= 1
            if self._left:
                return
        outcomes = [(job, job.future.exception()) for job in self.jobs]
        results = [result for job, error in outcomes if error is None for result in job.future.result()]
        partial = [asset for _, error in outcomes if isinstance(error, Cancelled) for asset in error.assets]
        failures = [error for _, error in outcomes if error is not None and not isinstance(error, Cancelled)]
        if any(error is None for _, error in outcomes):
            self.future.set_result(results)
        else:
            self.future.set_exception(failures[0] if failures else Cancelled(assets=partial))
