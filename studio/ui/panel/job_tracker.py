"""Tracks the jobs of one panel until they end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from studio.backends.medium import Medium
from studio.jobs.job import Cancelled, Job
from studio.library.library import Asset
from studio.schema.request import Request
from studio.ui.bridge import Bridge, JobWatcher

if TYPE_CHECKING:
    from studio.studio import Studio


@dataclass(eq=False)
class CandidateBatch:
    """The jobs of one Generate, and their works by position."""

    jobs: Sequence[Job]
    assets: dict[int, Asset] = field(default_factory=dict[int, Asset])
    waiting: set[int] = field(init=False)  # positions whose outcome was not reported yet

    def __post_init__(self) -> None:
        self.waiting = set(range(len(self.jobs)))

    @property
    def live(self) -> bool:
        return any(job.state in ("queued", "running") for job in self.jobs)


class JobTracker(QObject):
    """Tracks all jobs of one medium, including those submitted elsewhere or restored at the start.

    `progressed(batch, job)` may skip steps. `arrived(batch, index, work)` or `failed(batch, index, error)` is emitted
    for each job, neither for one that was cancelled without a result; then `settled(batch)`.
    """

    progressed = Signal(object, object)
    arrived = Signal(object, int, object)
    failed = Signal(object, int, object)
    settled = Signal(object)

    def __init__(self, studio: Studio, bridge: Bridge, medium: Medium, parent: QObject) -> None:
        super().__init__(parent)
        self._studio, self._medium = studio, medium
        self._batches: list[CandidateBatch] = []
        self._stopped = False
        self._watcher = JobWatcher(self)
        self._watcher.ended.connect(self._ended)
        self._seen: set[str] = set()  # ids of jobs that are tracked, or were, or need not be
        bridge.news.connect(self._receive)
        mine = [job for job in studio.queue.jobs() if self._mine(job)]
        live = [job for job in mine if not job.has_ended]
        self._seen = {job.id for job in mine} - {job.id for job in live or mine[:1]}
        for job in live or mine[:1]:  # the newest outcome, where it arrived before this page was made
            if job.id not in self._seen:
                self._adopt(job)

    @property
    def busy(self) -> bool:
        return any(batch.live for batch in self._batches)

    def submit(self, request: Request, *, many: int = 1, parents: Sequence[str] = ()) -> CandidateBatch:
        """Queue candidates of a request. Raises StudioError where they cannot be queued."""
        if many == 1:
            return self._follow([self._studio.submit(request, parents=parents)])
        group = self._studio.submit_group(request.candidates(many), "candidates", parents=parents)
        return self._follow(group.jobs)

    def stop(self) -> None:
        """Cancel all running and waiting jobs."""
        for batch in self._batches:
            if batch.live:
                row = self._studio.queue.group_of(batch.jobs[0]) or batch.jobs[0]
                self._studio.queue.cancel(row.id)

    def stop_waiting(self) -> None:
        """Report no outcomes any more. The jobs are not affected."""
        self._stopped = True

    def _follow(self, jobs: Sequence[Job]) -> CandidateBatch:
        batch = CandidateBatch(jobs)
        self._seen |= {job.id for job in jobs}
        self._batches = [*[other for other in self._batches if other.live or other.waiting], batch]
        for job in jobs:
            self._watcher.watch(job)
        return batch

    def _ended(self, job: Job) -> None:
        batch = self._batch_of(job)
        if batch is None or self._stopped:
            return
        at = batch.jobs.index(job)
        batch.waiting.discard(at)
        error = job.future.exception()
        made = error.assets if isinstance(error, Cancelled) else [] if error is not None else job.future.result()
        if error is not None and not isinstance(error, Cancelled):
            self.failed.emit(batch, at, error)
        if made:
            batch.assets[at] = made[0]
            self.arrived.emit(batch, at, made[0])
        self.settled.emit(batch)

    def _batch_of(self, job: Job) -> CandidateBatch | None:
        return next((batch for batch in self._batches if job in batch.jobs), None)

    def _mine(self, job: Job) -> bool:
        """Whether a job makes works of this medium."""
        tasks = [task.request for task in self._medium.work_tasks if task.follow]
        return type(job.request) in tasks and not job.live

    def _adopt(self, job: Job) -> CandidateBatch:
        """Track a job that was submitted elsewhere, with its group."""
        group = self._studio.queue.group_of(job)
        return self._follow([job] if group is None else group.jobs)

    def _receive(self, news: Any) -> None:
        job = news.job
        if news.kind != "job" or job is None:
            return
        batch = self._batch_of(job)
        if batch is None and self._mine(job) and job.id not in self._seen:  # it may have ended before we heard of it
            batch = self._adopt(job)
        if batch is not None and job.state == "running":
            self.progressed.emit(batch, job)
