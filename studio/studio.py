"""The studio: submit requests, subscribe to changes, close. Joins lanes, library, catalog, settings and queue file."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from studio.backends import MEDIA, TASKS
from studio.backends.medium import Medium, Task, find_task
from studio.errors import BadInput, Message, StudioError
from studio.jobs import training_runs
from studio.jobs.engine_cache import PLATFORM, EngineLimits
from studio.jobs.job import Job
from studio.jobs.lane import Lane
from studio.jobs.queue_store import QueueEntry, QueueStore
from studio.jobs.results import ResultStore
from studio.jobs.worker import EngineResult, OnProgress, ProcessHost, ThreadHost
from studio.library.identities import Identities
from studio.library.library import Asset, Embed, Library
from studio.media import temp_clips
from studio.models.catalog import Catalog
from studio.models.resources import Resources
from studio.schema import settings as settings_file
from studio.schema.request import Request, TrainRequest
from studio.system.log import conceal
from studio.system.paths import RESOURCES, AppPaths

log = logging.getLogger(__name__)

ENDED_KEPT = 100  # newest ended jobs that are listed and can be retried


@dataclass(frozen=True, slots=True)
class News:
    """A change of some kind. Read the new state from the studio: news may be skipped, outcomes arrive as futures."""

    kind: Literal["job", "queue", "library", "models", "identities", "settings"]
    job: Job | None = None


class Studio:
    """One open studio.

    `isolated=False` runs engines in threads of this process. `persist_queue=False` does not use the queue file, as the
    command line does. `bundled` is the folder of the models that come with the studio.
    """

    def __init__(
        self,
        paths: AppPaths,
        *,
        isolated: bool = True,
        persist_queue: bool = True,
        media: Sequence[Medium] = MEDIA,
        tasks: Sequence[Task] = TASKS,
        bundled: Path = RESOURCES / "models",
        platform: str = PLATFORM,
    ) -> None:
        self.paths = paths
        self.media = {medium.name: medium for medium in media}
        self._tasks = tuple(tasks)
        self.settings, self.warnings = settings_file.load(paths.config / "settings.toml")
        own = self.settings
        self.library = Library(settings_file.folder(own.library_folder, paths.library))
        self.catalog = Catalog(bundled, settings_file.folder(own.models_folder, paths.models))
        self.identities = Identities(paths.identities, lambda: self._publish(News("identities")))
        self._results = ResultStore(
            self.library,
            self.catalog,
            embed=lambda: cast(Embed, self.settings.embed_metadata),
            closing=lambda: self._closing,
            changed=lambda kind: self._publish(News(kind)),
        )
        self._queue_store = QueueStore(paths.state / "queue.sqlite") if persist_queue else None
        if self._queue_store is not None and self._queue_store.warning:
            self.warnings.append(self._queue_store.warning)
        self._listeners: list[Callable[[News], None]] = []
        self._ended: list[Job] = []
        self._written: list[QueueEntry] | None = None  # entries that were written last
        self._pace: dict[str, tuple[str, int, float]] = {}
        self._closing, self._restoring = False, True
        self._lock = threading.Lock()
        self._queue_lock = threading.Lock()
        rules = EngineLimits(own.device, own.threads, int(own.memory_budget_gb * 2**30), platform)
        make = functools.partial(self._make_lane, rules=rules, isolated=isolated)
        self._device, self._training = make("device", nice=10), make("training", nice=19)
        temp_clips.sweep()
        self.interrupted: list[QueueEntry] = []
        if self._queue_store is not None and self._queue_store.paused:
            self._pause_lanes(True)
        self._restore_queue()
        self._end_following = self.catalog.follow(lambda: self._publish(News("models")))

    def submit(
        self, request: Request, *, parents: Sequence[str] = (), replaces: str | None = None, live: bool = False
    ) -> Job:
        """Queue a request and return immediately. Raises BadInput where its model does not exist.

        Live jobs are not stored in the queue file, and their results are not added to the library: the future gets the
        payloads, and `save` adds them. `replaces` names a live control: a new job cancels older ones of that name.
        """
        job = Job(self._resolve(request), parents=parents, live=live, replaces=replaces)
        conceal(request)
        self._lane_of(job).put(job)
        return job

    def cancel(self, id: str) -> None:
        """Cancel a waiting or running job; no effect on one that has ended. Raises BadInput for an unknown id."""
        job = self._find(id)
        self._lane_of(job).cancel(job)

    def finish_training(self, id: str) -> None:
        """Stop a training now and import its model if it has a title."""
        self._find(id).keep_model = True
        self.cancel(id)

    def suspend_training(self, id: str, on: bool) -> None:
        """Pause a training at its next step, or continue it; its minutes do not pass meanwhile."""
        self._find(id).suspended = on
        self._queue_changed()

    def move(self, id: str, index: int) -> None:
        """Move a waiting job to `index` in its queue; 0 runs next."""
        job = self._find(id)
        self._lane_of(job).move(job, index)

    def retry(self, id: str) -> Job:
        """Submit the request of a job again; a training resumes from its checkpoint."""
        job = self._find(id)
        return self.submit(_to_retry(job.request), parents=job.parents)

    @property
    def paused(self) -> bool:
        """Whether the queue is paused."""
        return self._device.paused

    def pause(self, on: bool) -> None:
        """Pause or continue the queue, also for the next start. Running jobs are not affected."""
        if self._queue_store is not None:
            self._queue_store.paused = on
        self._pause_lanes(on)

    def resume(self, entry: QueueEntry) -> Job:
        """Run a job of `interrupted` again. Raises as `submit` does; the entry then stays in `interrupted`."""
        job = self.submit(_to_retry(entry.request), parents=entry.parents)
        self.dismiss(entry)
        return job

    def dismiss(self, entry: QueueEntry) -> None:
        """Remove a job from `interrupted`."""
        self.interrupted.remove(entry)
        self._queue_changed()

    def save(self, job: Job) -> list[Asset]:
        """Add the results of a live job, or those whose saving failed, to the library; returns all works of the job."""
        return self._results.save(job)

    def discard(self, job: Job) -> None:
        """Drop the unsaved results of a job and delete their temporary files."""
        self._results.discard(job)

    def change_settings(self, **changes: Any) -> None:
        """Change and save settings. Device, threads, memory and folders take effect after a restart."""
        self.settings = settings_file.change(self.paths.config / "settings.toml", self.settings, **changes)
        self._publish(News("settings"))

    def subscribe(self, listener: Callable[[News], None]) -> Callable[[], None]:
        """Call `listener` with all news, from any thread. Returns a function that unsubscribes."""
        with self._lock:
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return unsubscribe

    def task(self, request: Request) -> Task:
        """The task that runs a request. BadInput where this studio has none."""
        medium = self.media.get(request.medium)
        return find_task(medium.tasks if medium is not None else self._tasks, request)

    def jobs(self) -> list[Job]:
        """Running jobs, then waiting ones in order, then ended ones, newest first."""
        lanes = [lane.jobs() for lane in self._lanes]
        found = [*(running for running, _ in lanes), *(job for _, queued in lanes for job in queued)]
        live = [job for job in found if job is not None and job.state in ("running", "queued")]
        with self._lock:
            return [*live, *reversed(self._ended)]

    def seconds_left(self, job: Job) -> float | None:
        """Estimated from the pace of its steps, else from earlier jobs of its kind and model; None where unknown."""
        progress = job.progress
        pace = self._pace.get(job.id)
        if job.state == "running" and pace is not None and progress.stage == pace[0] and progress.done > pace[1]:
            each = (time.monotonic() - pace[2]) / (progress.done - pace[1])
            return each * max(0, progress.total - progress.done)
        typical = self._queue_store.typical_seconds(job.request.kind, job.request.model) if self._queue_store else None
        return None if typical is None else max(0.0, typical - job.seconds)

    def close(self) -> None:
        """Refuse new jobs, cancel all others, and release everything. Jobs that waited or ran stay in the queue file,
        unless they were finished or cancelled by the user just now.
        """
        with self._queue_lock:
            self._closing = True
            left = [(job, entry) for job, entry in self._unfinished() if not job.cancelling]
        for lane in self._lanes:
            lane.close()
        if self._queue_store is not None:
            self._queue_store.replace([*self.interrupted, *(entry for job, entry in left if job.state != "done")])
            self._queue_store.close()
        for job in self._ended:
            self.discard(job)
        self._end_following()
        self.library.close()

    @property
    def _lanes(self) -> tuple[Lane, Lane]:
        return self._device, self._training

    def _pause_lanes(self, on: bool) -> None:
        for lane in self._lanes:
            lane.pause(on)

    def _make_lane(self, name: str, *, nice: int, rules: EngineLimits, isolated: bool) -> Lane:
        log_file = self.paths.logs / f"worker-{name}.log"
        host = ProcessHost(rules, nice=nice, log=log_file) if isolated else ThreadHost(rules)

        def run(job: Job, on_progress: OnProgress) -> EngineResult:
            request = job.request
            return host.run(job, self.task(request).engine, self._resources(request), on_progress)

        return Lane(
            name,
            host,
            run=run,
            store=self._results.store,
            job_changed=self._job_changed,
            queue_changed=self._queue_changed,
        )

    def _lane_of(self, job: Job) -> Lane:
        return self._training if self.task(job.request).lane == "training" else self._device

    def _resources(self, request: Request) -> Resources:
        if not request.model:
            return Resources()
        model = self.catalog.get(request.model)
        if not (model.folder / "model.toml").is_file():  # removed a moment ago, by another process
            self.catalog.refresh()
            model = self.catalog.get(request.model)
        return Resources(model)

    def _resolve(self, request: Request) -> Request:
        if request.model:
            if self.catalog.get(request.model).medium != request.medium:
                raise BadInput(
                    "The model {model} is not for {medium}.",
                    "`studio models list` shows what is.",
                    mend="models",
                    model=request.model,
                    medium=request.medium,
                )
            return request
        if isinstance(request, TrainRequest):
            return request
        return request.replace(model=self.catalog.default(request.medium).id)

    def _job_changed(self, job: Job) -> None:
        progress = job.progress
        if job.state == "running":
            if progress.total and self._pace.get(job.id, ("",))[0] != progress.stage:
                self._pace[job.id] = (progress.stage, progress.done, time.monotonic())
        elif job.state != "queued":
            self._pace.pop(job.id, None)
            if not job.live:
                with self._lock:
                    self._ended.append(job)
                    old, self._ended = self._ended[:-ENDED_KEPT], self._ended[-ENDED_KEPT:]
                for each in old:
                    self.discard(each)
            if job.state == "done" and self._queue_store is not None and not job.live:
                self._queue_store.record_seconds(job.request.kind, job.request.model, job.seconds)
        self._publish(News("job", job))

    def _queue_changed(self) -> None:
        # Called from any thread; the lock keeps an older state from being applied after a newer one.
        with self._queue_lock:
            if self._closing or self._restoring:
                return
            # A training waits at its next step while another job runs.
            training = self._training.running
            suspended = training is not None and training.suspended
            self._training.host.suspend(suspended or self._device.running is not None)
            self._write_queue()
        self._publish(News("queue"))

    def _write_queue(self) -> None:
        # Nothing is written for live jobs, which change many times a second. A failed write is repeated with the next
        # change.
        entries = [*self.interrupted, *(entry for _, entry in self._unfinished())]
        if self._queue_store is not None and entries != self._written and self._queue_store.replace(entries):
            self._written = entries

    def _unfinished(self) -> list[tuple[Job, QueueEntry]]:
        """The jobs to store in the queue file, with their entries."""
        jobs = [job for job in self.jobs() if job.state in ("running", "queued") and not job.live]
        return [(job, QueueEntry(job.id, job.request, job.parents, job.state == "running")) for job in jobs]

    def _restore_queue(self) -> None:
        """Queue again what waited when the last session ended; what ran, or cannot run now, goes to `interrupted`.

        The queue file is not written until all jobs are restored, so that a kill in between loses nothing.
        """
        entries = self._queue_store.entries() if self._queue_store else []
        self.interrupted = [entry for entry in entries if entry.running]
        for entry in entries:
            if entry.running:
                continue
            try:
                self.submit(entry.request, parents=entry.parents)
            except StudioError as error:
                self.interrupted.append(entry)
                self.warnings.append(Message("A queued request cannot run now: {reason}", reason=error))
        self._restoring = False
        self._queue_changed()

    def _publish(self, news: News) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            try:
                listener(news)
            except Exception:
                log.exception("a listener failed")

    def _find(self, id: str) -> Job:
        for job in self.jobs():
            if job.id == id:
                return job
        raise BadInput("This job is no longer listed.")


def _to_retry(request: Request) -> Request:
    return training_runs.resume_request(request) if isinstance(request, TrainRequest) else request
