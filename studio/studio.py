"""The studio: submit requests, subscribe to changes, close. Joins lanes, library, catalog, settings and queue file."""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from studio.backends import MEDIA, TASKS, families
from studio.backends.medium import Medium, Task, find_task
from studio.errors import BadInput, Message, StudioError
from studio.jobs import training_runs
from studio.jobs.engine_cache import PLATFORM, EngineLimits
from studio.jobs.group import JobGroup
from studio.jobs.io_host import IO_WORKERS, IoContext, IoHost, IoRequest, IoResult
from studio.jobs.job import Cancelled, Group, Job, Progress, State
from studio.jobs.lane import Lane
from studio.jobs.leftovers import LeftoverSweep
from studio.jobs.queue_store import QueueEntry, QueueStore
from studio.jobs.results import ResultStore
from studio.jobs.worker import EngineResult, OnProgress, ProcessHost, ThreadHost
from studio.library.identities import Identities
from studio.library.library import Asset, Embed, Library
from studio.library.used_works import UsedWorks
from studio.media import temp_clips
from studio.models.catalog import Catalog
from studio.models.model import Model
from studio.models.resources import Resources
from studio.schema import settings as settings_file
from studio.schema.fields import WorkKey
from studio.schema.nested import models_by_role, works_of
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
        self._used_works = UsedWorks(self.library)
        self.catalog = Catalog(bundled, settings_file.folder(own.models_folder, paths.models), families(media))
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
        self._pace: dict[str, tuple[str | Message, int, float]] = {}
        self._groups: dict[str, JobGroup] = {}
        self._unanswered: dict[str, Job] = {}  # the jobs of `interrupted`
        self._closing = False
        self._deferred = 1  # how many callers change the queue and will write it when they are done
        self._lock = threading.Lock()
        self._queue_lock = threading.Lock()
        self._filling = threading.Lock()  # not `_lock`, which news need: a catalog that is read again has news
        rules = EngineLimits(own.device, own.threads, int(own.memory_budget_gb * 2**30), platform)
        make = functools.partial(self._make_lane, rules=rules, isolated=isolated)
        self._device, self._training = make("device", nice=10), make("training", nice=19)
        self._io = self._make_io_lane()
        temp_clips.remove_stale()
        self.interrupted: list[QueueEntry] = []
        if self._queue_store is not None and self._queue_store.paused:
            self._pause_lanes(True)
        self._restore_queue()
        owns_queue = self._queue_store is not None and self._queue_store.owned
        self._sweep = LeftoverSweep(paths, self._used_works, self._listed_requests) if owns_queue else None
        self._end_following = self.catalog.follow(lambda: self._publish(News("models")))

    def submit(
        self,
        request: Request,
        *,
        parents: Sequence[str] = (),
        replaces: str | None = None,
        live: bool = False,
        after: Sequence[str] | Mapping[str, str] = (),
    ) -> Job:
        """Queue a request and return immediately. Raises BadInput where its model does not exist.

        Live jobs are not stored in the queue file, and their results are not added to the library: the future gets the
        payloads, and `save` adds them. `replaces` names a live control: a new job cancels older ones of that name.
        A job starts when the jobs `after` (ids) are done; it is cancelled when one of them fails or is cancelled. With
        a mapping the first work of each fills the field (a WorkRef) of this name, unless the name is empty.
        """
        job = Job(self._resolve(request), parents=parents, live=live, replaces=replaces, after=after)
        self._put([job])
        return job

    def submit_group(
        self,
        requests: Sequence[Request],
        kind: str,
        *,
        title: str = "",
        parents: Sequence[str] = (),
        after: Sequence[str] | Mapping[str, str] = (),
    ) -> JobGroup:
        """Queue requests that belong together, in one transaction: all or none. `kind` is "candidates", "batch", or
        another word for what they are together. `parents` and `after` hold for each, as in `submit`.
        """
        if not requests:
            raise BadInput("A group needs at least one request.")
        group = Group(kind, title)
        jobs = [Job(self._resolve(request), parents=parents, group=group, after=after) for request in requests]
        with self._lock:
            made = self._groups[group.id] = JobGroup(group, jobs)
        try:
            self._put(jobs)
        except StudioError:
            with self._lock:
                del self._groups[group.id]
            raise
        return made

    def cancel(self, id: str) -> None:
        """Cancel a job or a group: no effect on jobs that have ended. Raises BadInput for an unknown id."""
        jobs = self._jobs_of(id)
        for lane in self._lanes:
            lane.cancel(*(job for job in jobs if self._lane_of(job) is lane))

    def finish_training(self, id: str) -> None:
        """Stop a training now and import its model if it has a title."""
        self._find(id).keep_model = True
        self.cancel(id)

    def suspend_training(self, id: str, on: bool) -> None:
        """Pause a training at its next step, or continue it; its minutes do not pass meanwhile."""
        self._find(id).suspended = on
        self._queue_changed()

    def move(self, id: str, index: int) -> None:
        """Move a waiting job or group to `index` in its queue, where a group counts as one; 0 runs next."""
        moved = self._jobs_of(id)
        lane = self._lane_of(moved[0])
        others = [job for job in lane.queued() if job not in moved and not job.live]
        starts = [at for at, job in enumerate(others) if self._begins_row(others, at, job)]
        lane.move(index if moved[0].live else starts[index] if index < len(starts) else len(others), *moved)

    def retry(self, id: str) -> Job | JobGroup:
        """Submit the request of a job again, or those of a group that have not succeeded; a training resumes."""
        jobs = self._jobs_of(id)
        group = self._groups.get(id)
        if group is None:
            return self.submit(_to_retry(jobs[0].request), parents=jobs[0].parents)
        again = [_to_retry(job.request) for job in jobs if job.state != "done"]
        return self.submit_group(again, group.group.kind, title=group.group.title, parents=group.parents)

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
        job = self._unanswered.get(entry.id) or Job(entry.request, parents=entry.parents, id=entry.id)
        job.request = self._resolve(_to_retry(entry.request))
        job.after = tuple(id for id in job.after if self._known(id))
        for id in set(job.fills) - set(job.after):  # its work may still be chosen by hand
            del job.fills[id]
        self._put([job])
        self._unanswered.pop(entry.id, None)
        self.interrupted.remove(entry)
        self._queue_changed()
        return job

    def dismiss(self, entry: QueueEntry) -> None:
        """Remove a job from `interrupted`; jobs that wait for it are cancelled."""
        self.interrupted.remove(entry)
        job = self._unanswered.pop(entry.id, None)
        if job is not None:
            job.fail(Cancelled())
            if job.group is not None:
                self._remember(job)
            self._release(job)
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
        found = [*(job for running, _ in lanes for job in running), *(job for _, queued in lanes for job in queued)]
        live = [job for job in found if not job.has_ended]
        with self._lock:
            return [*live, *reversed(self._ended)]

    def group_of(self, job: Job) -> JobGroup | None:
        """The group that a job belongs to; None for a job on its own."""
        return self._groups.get(job.group.id) if job.group is not None else None

    def queue(self) -> list[Job | JobGroup]:
        """The rows of the queue: `jobs` without live ones, each group in the place of its first job."""
        rows: dict[str, Job | JobGroup] = {}
        for job in self.jobs():
            if not job.live:
                row = self.group_of(job) or job
                rows.setdefault(row.id, row)
        return list(rows.values())

    def seconds_left(self, job: Job | JobGroup) -> float | None:
        """Estimated from the pace of its steps, else from earlier jobs of its kind and model; None where unknown."""
        if isinstance(job, JobGroup):
            left = [self.seconds_left(each) for each in job.jobs if not each.has_ended]
            return None if None in left else sum(seconds for seconds in left if seconds is not None)
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
            left = [pair for pair in self._unfinished() if not pair[0].cancelling]
        for lane in self._lanes:
            lane.close()
        if self._queue_store is not None:
            self._queue_store.replace(self._entries([pair for pair in left if pair[0].state != "done"]))
            self._queue_store.close()
        for job in self._ended:
            self.discard(job)
        self._end_following()
        if self._sweep is not None:
            self._sweep.close()
        self.library.close()

    @property
    def _lanes(self) -> tuple[Lane, ...]:
        return self._device, self._training, self._io

    def _pause_lanes(self, on: bool) -> None:
        """Pause or continue the lanes that make works and models; imports and exports are not held back."""
        for lane in (self._device, self._training):
            lane.pause(on)

    def _put(self, jobs: Sequence[Job]) -> None:
        """Queue jobs in one transaction of the queue file."""
        for job in jobs:
            conceal(job.request)
            for id in job.after:
                if not self._known(id):
                    raise BadInput("The job that this one waits for is no longer listed.")
        with self._queue_lock:
            self._deferred += 1
        try:
            for lane in self._lanes:
                mine = [job for job in jobs if self._lane_of(job) is lane]
                if mine:
                    lane.put(*mine)
        finally:
            with self._queue_lock:
                self._deferred -= 1
        # Only now: a job that ends meanwhile finds those that wait for it in their lane.
        awaited = {id for job in jobs for id in job.after}
        if awaited:
            for ended in [job for job in self.jobs() if job.has_ended and job.id in awaited]:
                self._release(ended)
        self._queue_changed()

    def _known(self, id: str) -> bool:
        return id in self._unanswered or any(job.id == id for job in self.jobs())

    def _release(self, ended: Job) -> None:
        """Let the jobs that wait for this one start if it is done; cancel them otherwise."""
        for lane in self._lanes:
            waiting = [job for job in lane.queued() if ended.id in job.after]
            if not waiting:
                continue
            if ended.state != "done":
                lane.cancel(*waiting)
                continue
            for job in waiting:
                try:
                    self._fill(job, ended)
                except StudioError as error:
                    lane.cancel(job, error=error)
            lane.wake()

    def _fill(self, job: Job, ended: Job) -> None:
        """Give a job the work of one that it waited for. Raises StudioError where it cannot use it."""
        with self._filling:
            if ended.id not in job.after:
                return
            name = job.fills.get(ended.id)
            if name:
                works = _assets_of(ended)
                if not works:
                    raise BadInput("The job that this one waited for made no work.")
                job.request = self._resolve(job.request.replace(**{name: WorkKey(id=works[0].id)}))
            job.after = tuple(id for id in job.after if id != ended.id)

    def _make_lane(self, name: str, *, nice: int, rules: EngineLimits, isolated: bool) -> Lane:
        log_file = self.paths.logs / f"worker-{name}.log"
        host = ProcessHost(rules, nice=nice, log=log_file) if isolated else ThreadHost(rules)

        def run(job: Job, on_progress: OnProgress) -> EngineResult:
            self._keep_works(job, on_progress)
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

    def _make_io_lane(self) -> Lane:
        embed = lambda: cast(Embed, self.settings.embed_metadata)  # noqa: E731
        host = IoHost(IoContext(self.library, self.catalog, embed, lambda kind: self._publish(News(kind))))

        def run(job: Job, on_progress: OnProgress) -> EngineResult:
            return host.run(job, self.task(job.request).engine, Resources(), on_progress)

        return Lane(
            "io",
            host,
            run=run,
            store=lambda _job, result, _partial: list(result.payloads),
            job_changed=self._job_changed,
            queue_changed=self._queue_changed,
            workers=IO_WORKERS,
            exclusive=lambda job: job.request.kind,
        )

    def _lane_of(self, job: Job) -> Lane:
        lanes = {"device": self._device, "training": self._training, "io": self._io}
        return lanes[self.task(job.request).lane]

    def _keep_works(self, job: Job, on_progress: OnProgress) -> None:
        """Copy files that the request uses and that are no works into the library, so that it names them by sha256."""
        if not any(key.path for key in works_of(job.request)):
            return

        def check(_bytes: int) -> None:
            if job.cancelling:
                raise Cancelled

        on_progress(Progress("reading"))
        job.request = self._used_works.kept(job.request, check)
        self._queue_changed()

    def _listed_requests(self) -> list[Request]:
        """The requests of all jobs that run, wait, have ended or were interrupted."""
        return [*(job.request for job in self.jobs()), *(entry.request for entry in self.interrupted)]

    def _resources(self, request: Request) -> Resources:
        models = {role: self._model(id) for role, id in models_by_role(request).items()}
        return Resources(models.pop("", None), models, self._used_works.files(request))

    def _model(self, id: str) -> Model:
        model = self.catalog.get(id)
        if not (model.folder / "model.toml").is_file():  # removed a moment ago, by another process
            self.catalog.refresh()
            model = self.catalog.get(id)
        return model

    def _resolve(self, request: Request) -> Request:
        """The request with its model chosen and its works named, within the limits of the model's family."""
        if self.task(request).lane == "io":
            return request
        request = self._used_works.found(self._with_model(request))
        models = {role: self.catalog.get(id) for role, id in models_by_role(request).items()}
        if "" in models:
            self.media[request.medium].family(models[""].family).check(request)
        return request

    def _with_model(self, request: Request) -> Request:
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
                self._remember(job)
            timed = job.state == "done" and not job.live and not isinstance(job.request, IoRequest)
            if timed and self._queue_store is not None:
                self._queue_store.record_seconds(job.request.kind, job.request.model, job.seconds)
            self._release(job)
        self._publish(News("job", job))

    def _remember(self, *ended: Job) -> None:
        """List ended jobs, and forget the oldest."""
        with self._lock:
            self._ended += ended
            old, self._ended = self._ended[:-ENDED_KEPT], self._ended[-ENDED_KEPT:]
            listed = {job.group.id for job in self._ended if job.group is not None}
            for id, group in list(self._groups.items()):
                if group.has_ended and id not in listed:
                    del self._groups[id]
        for job in old:
            self.discard(job)

    def _queue_changed(self) -> None:
        # Called from any thread; the lock keeps an older state from being applied after a newer one.
        with self._queue_lock:
            if self._closing or self._deferred:
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
        entries = self._entries(self._unfinished())
        if self._queue_store is not None and entries != self._written and self._queue_store.replace(entries):
            self._written = entries

    def _unfinished(self) -> list[tuple[Job, State]]:
        """The running and waiting jobs, but live ones, with their states now."""
        return [(job, job.state) for job in self.jobs() if not job.has_ended and not job.live]

    def _entries(self, unfinished: Sequence[tuple[Job, State]]) -> list[QueueEntry]:
        """What to store in the queue file: these jobs in these states, and the other members of their groups."""
        groups = {job.group.id for job, _ in unfinished if job.group is not None}
        groups |= {entry.group.id for entry in self.interrupted if entry.group is not None}
        stored = {job.id for job, _ in unfinished} | {entry.id for entry in self.interrupted}
        with self._lock:
            members = [job for id in groups if id in self._groups for job in self._groups[id].jobs]
        entries = [*self.interrupted, *(self._entry(job, state) for job, state in unfinished)]
        return [*entries, *(self._entry(job, job.state) for job in members if job.id not in stored)]

    def _entry(self, job: Job, state: State) -> QueueEntry:
        group = self.group_of(job)
        member = group.jobs.index(job) if group is not None else 0
        works = tuple(asset.id for asset in _assets_of(job)) if job.has_ended else ()
        after = {id: job.fills.get(id, "") for id in job.after}
        return QueueEntry(job.id, job.request, job.parents, state, job.group, member, after, works)

    def _restore_queue(self) -> None:
        """Queue again what waited when the last session ended; what ran, or cannot run now, goes to `interrupted`.

        The queue file is not written until all jobs are restored, so that a kill in between loses nothing.
        """
        entries = self._queue_store.entries() if self._queue_store else []
        unfinished = {entry.id for entry in entries if entry.state in ("queued", "running")}
        known = {entry.id for entry in entries}
        jobs: dict[str, Job] = {}
        for entry in entries:
            job = Job(entry.request, parents=entry.parents, id=entry.id, group=entry.group, after=entry.after)
            jobs[entry.id] = job
        self._restore_groups(entries, jobs)
        for entry in entries:
            job = jobs[entry.id]
            if entry.id not in unfinished:
                self._restore_ended(job, entry)
                self._remember(job)
            elif entry.state == "running":
                self._unanswered[entry.id] = job
                self.interrupted.append(entry)
            elif not known.issuperset(job.after):
                self._unanswered[entry.id] = job
                self.interrupted.append(entry)
                self.warnings.append(Message("A queued request waited for another one that no longer exists."))
        for entry in entries:
            job = jobs[entry.id]
            if job.has_ended or job.id in self._unanswered:
                continue
            try:
                job.request = self._resolve(job.request)
                conceal(job.request)
                self._lane_of(job).put(job)
            except StudioError as error:
                self._unanswered[entry.id] = job
                self.interrupted.append(entry)
                self.warnings.append(Message("A queued request cannot run now: {reason}", reason=error))
        for job in jobs.values():
            if job.has_ended:
                self._release(job)
        with self._queue_lock:
            self._deferred -= 1
        self._queue_changed()

    def _restore_groups(self, entries: Sequence[QueueEntry], jobs: Mapping[str, Job]) -> None:
        members: dict[Group, list[QueueEntry]] = {}
        for entry in entries:
            if entry.group is not None:
                members.setdefault(entry.group, []).append(entry)
        for group, found in members.items():
            ordered = sorted(found, key=lambda entry: entry.member)
            self._groups[group.id] = JobGroup(group, [jobs[entry.id] for entry in ordered])

    def _restore_ended(self, job: Job, entry: QueueEntry) -> None:
        """End a member of a group as it had ended in an earlier session."""
        works: list[Asset] = []
        for id in entry.works:
            with contextlib.suppress(StudioError):  # deleted meanwhile
                works.append(self.library.get(id))
        if entry.state == "done":
            job.finish(works)
        elif entry.state == "cancelled":
            job.fail(Cancelled(assets=works))
        else:
            job.fail(StudioError("It failed before the studio was restarted.", "Try it again."))

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

    def _jobs_of(self, id: str) -> Sequence[Job]:
        """The job of this id, or the jobs of the group of this id."""
        group = self._groups.get(id)
        return group.jobs if group is not None else (self._find(id),)

    def _begins_row(self, waiting: Sequence[Job], at: int, job: Job) -> bool:
        """Whether a waiting job is a row of the queue that waits as a whole, or the first of one."""
        group = self.group_of(job)
        if group is None:
            return True
        return group.state == "queued" and (at == 0 or self.group_of(waiting[at - 1]) is not group)


def _to_retry(request: Request) -> Request:
    return training_runs.resume_request(request) if isinstance(request, TrainRequest) else request


def _assets_of(job: Job) -> list[Asset]:
    """The works of a job that has ended."""
    error = job.future.exception()
    results = job.future.result() if error is None else error.assets if isinstance(error, Cancelled) else []
    works: list[Asset] = []
    for result in cast("list[Any]", results):
        works += result.works if isinstance(result, IoResult) else [result] if isinstance(result, Asset) else []
    return works
