"""Tracks the jobs of one panel until they end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from studio.backends.medium import Medium
from studio.jobs.job import Cancelled, Job
from studio.library.library import Asset
from studio.schema.request import Request
from studio.ui.bridge import Bridge, outcome

if TYPE_CHECKING:
    from studio.studio import Studio


@dataclass(eq=False)
class CandidateBatch:
    """The jobs of one Generate, and their works by position."""

    jobs: Sequence[Job]
    assets: dict[int, Asset] = field(default_factory=dict[int, Asset])

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
        self._tasks: set[asyncio.Task[None]] = set()
        self._seen: set[str] = set()  # ids of jobs that are tracked, or were, or need not be
        bridge.news.connect(self._receive)
        mine = [job for job in studio.jobs() if self._mine(job)]
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
                row = self._studio.group_of(batch.jobs[0]) or batch.jobs[0]
                self._studio.cancel(row.id)

    def stop_waiting(self) -> None:
        """Stop waiting for outcomes. The jobs are not affected."""
        for task in list(self._tasks):
            task.cancel()

    def _follow(self, jobs: Sequence[Job]) -> CandidateBatch:
        batch = CandidateBatch(jobs)
        self._seen |= {job.id for job in jobs}
        self._batches = [*[other for other in self._batches if other.live], batch]
        for at, job in enumerate(jobs):
            task = asyncio.ensure_future(self._wait_for(batch, at, job))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return batch

    async def _wait_for(self, batch: CandidateBatch, at: int, job: Job) -> None:
        try:
            made = await outcome(job)
        except Cancelled as stopped:
            made = stopped.assets
        except Exception as error:  # noqa: BLE001 - shown in the panel
            self.failed.emit(batch, at, error)
            made = []
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
        group = self._studio.group_of(job)
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
