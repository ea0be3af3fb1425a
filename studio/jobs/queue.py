"""The queue: lanes, their jobs and groups, the jobs that ended, and what is stored of them and restored."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from studio.errors import BadInput, Message, StudioError
from studio.jobs import training_runs
from studio.jobs.io.host import IoResult
from studio.jobs.job import Cancelled, Group, Job, JobGroup, State
from studio.jobs.lane import EngineHost, Lane
from studio.jobs.queue_store import QueueEntry, QueueStore
from studio.jobs.worker import EngineResult, OnProgress
from studio.library.library import Asset
from studio.media.payloads import Bundle, Clip
from studio.schema.fields import WorkKey, WorkRef
from studio.schema.request import Request, TrainRequest
from studio.system.log import conceal

ENDED_KEPT = 100  # newest ended jobs that are listed and can be retried
UNTIMED = "io"  # the lane whose jobs take as long as their files are large

T = TypeVar("T")


class JobQueue:
    """All jobs of the studio, in the lanes that are added before `restore`. Any thread may call it.

    `lane_of(request)` names the lane of a request. `resolve(request)` returns it as it is run, with its model and works
    named; it raises StudioError where it cannot run. `works(ids)` are the works that exist of these; `discard(job)`
    drops the unsaved results of a job that is no longer listed. `record(job)` keeps how long a finished job took, and
    `typical(request)` is how long such a one takes, in seconds, None where nobody knows; it answers from memory.
    `job_changed(job)` and `queue_changed()` are called after every change of a job or the queue. Nothing is stored
    where `store` is None.
    """

    def __init__(
        self,
        store: QueueStore | None,
        *,
        lane_of: Callable[[Request], str],
        resolve: Callable[[Request], Request],
        works: Callable[[Sequence[str]], Sequence[Asset]],
        discard: Callable[[Job], object],
        record: Callable[[Job], object],
        typical: Callable[[Request], float | None],
        job_changed: Callable[[Job], object],
        queue_changed: Callable[[], object],
    ) -> None:
        self._store = store
        self._lane_of, self._resolve, self._works, self._discard = lane_of, resolve, works, discard
        self._record, self._typical = record, typical
        self._job_changed, self._queue_changed = job_changed, queue_changed
        self._lanes: dict[str, Lane] = {}
        self._pausable: list[Lane] = []
        self._groups: dict[str, JobGroup] = {}
        self._ended: list[Job] = []
        self._interrupted: dict[str, tuple[QueueEntry, Job]] = {}
        self._pace: dict[str, tuple[str | Message, int, float]] = {}
        self._entries: dict[str, tuple[Any, QueueEntry]] = {}  # what was stored last, with what it was made from
        self._paused = store is not None and store.paused
        self._closing = False
        self._deferred = 1  # how many callers change the queue and will store it when they are done
        self._lock = threading.Lock()
        self._store_lock = threading.Lock()
        self._filling = threading.Lock()  # not `_lock`, which listeners may need while a request is resolved

    def add_lane(
        self,
        name: str,
        host: EngineHost,
        *,
        run: Callable[[Job, OnProgress], EngineResult],
        store: Callable[[Job, EngineResult, bool], list[Any]],
        workers: int = 1,
        exclusive: Callable[[Job], object] = id,
        pausable: bool = True,
    ) -> None:
        """Add a lane (see Lane), before `restore`. One that is not `pausable` runs on while the queue is paused."""
        self._lanes[name] = lane = Lane(
            name,
            host,
            run=run,
            store=store,
            job_changed=self._changed,
            queue_changed=self.update,
            workers=workers,
            exclusive=exclusive,
        )
        if pausable:
            self._pausable.append(lane)
            lane.pause(self._paused)

    def put(self, jobs: Sequence[Job]) -> None:
        """Queue jobs in one transaction. Raises BadInput where one waits for a job that is not listed, or for a work
        that its request has no field for, and StudioError after `close`.
        """
        for job in jobs:
            conceal(job.request)
            fields = dict(job.request.fields()) if job.fills else {}
            for name in job.fills.values():
                if not isinstance(fields.get(name), WorkRef):
                    raise BadInput("{kind} has no field {name} for a work.", kind=job.request.kind, name=name)
        awaited = {id for job in jobs for id in job.after}
        if awaited and not awaited.issubset({*self._interrupted, *self._known(), *(job.id for job in jobs)}):
            raise _no_longer_listed()
        with self._store_lock:
            self._deferred += 1
        try:
            self._put_in_lanes(jobs)
        finally:
            with self._store_lock:
                self._deferred -= 1
        # Only now: a job that ends meanwhile finds those that wait for it in their lane.
        if awaited:
            for ended in [job for id, job in self._known().items() if job.has_ended and id in awaited]:
                self._release(ended)
        self.update()

    def put_group(self, group: Group, jobs: Sequence[Job]) -> JobGroup:
        """Queue the jobs of a group in one transaction: all or none. BadInput where there are none, and as `put`."""
        if not jobs:
            raise BadInput("A group needs at least one request.")
        together = JobGroup(group, jobs)
        with self._lock:
            self._groups[group.id] = together
        try:
            self.put(jobs)
        except StudioError:
            with self._lock:
                del self._groups[group.id]
            raise
        return together

    def cancel(self, id: str) -> None:
        """Cancel a job or a group: no effect on jobs that have ended. Raises BadInput for an unknown id."""
        jobs = self._jobs_of(id)
        for lane in self._lanes.values():
            lane.cancel(*jobs)

    def move(self, id: str, index: int) -> None:
        """Move a waiting job or group to `index` in its queue, where a group counts as one; 0 runs next."""
        moved = self._jobs_of(id)
        lane = self._lanes[self._lane_of(moved[0].request)]
        if not moved[0].live:
            chosen = set(moved)
            others = [job for job in lane.queued() if job not in chosen and not job.live]
            starts = self._row_starts(others)
            index = starts[index] if index < len(starts) else len(others)
        lane.move(index, *moved)

    def retry(self, id: str) -> Job | JobGroup:
        """Queue the request of a job again, or those of a group that have not succeeded; a training resumes. What was
        made and could not be saved is saved, not made anew; where a job does that already, that one is returned. Raises
        BadInput where one needs the work of another job, which made none, and as `submit` does.
        """
        old = self._groups.get(id)
        if old is None:
            job = self._find(id)
            if job.saved_by is not None and not job.latest.has_ended:
                return job.latest
            again = self._again(job)
            again.wait_for(self._waits(job, {}))
            self._put_again({job: again}, lambda: self.put([again]))
            return again
        group = Group(old.group.kind, old.group.title)
        failed = [
            job for job in old.jobs if job.latest.state != "done" and (job.saved_by is None or job.latest.has_ended)
        ]
        if not failed:
            raise BadInput("All results of this group are saved or being saved.")
        jobs = {job: self._again(job, group, member) for member, job in enumerate(failed)}
        for job, again in jobs.items():
            again.wait_for(self._waits(job, {other.id: new for other, new in jobs.items()}))
        return self._put_again(jobs, lambda: self.put_group(group, list(jobs.values())))

    def _again(self, job: Job, group: Group | None = None, member: int = 0) -> Job:
        """A job for the same request; as it is where there are results to save, for which it need not be possible."""
        request = job.request if _can_save(job.latest) else self._resolve(_to_retry(job.request))
        return Job(request, parents=job.parents, group=group, member=member)

    def _put_again(self, jobs: Mapping[Job, Job], put: Callable[[], T]) -> T:
        """Queue the second jobs, which take over what the first could not save."""
        taken = [(job.latest, again) for job, again in jobs.items() if _can_save(job.latest)]
        for job, again in taken:
            again.take_unsaved(job)
        try:
            return put()
        except StudioError:
            for job, again in taken:
                job.take_unsaved(again)
            raise

    def finish_training(self, id: str) -> None:
        """Stop a training now and import its model if it has a title."""
        self._find(id).keep_model = True
        self.cancel(id)

    def suspend_training(self, id: str, on: bool) -> None:
        """Pause a training at its next step, or continue it; its minutes do not pass meanwhile."""
        self._find(id).suspended = on
        self.update()

    @property
    def paused(self) -> bool:
        """Whether the queue is paused."""
        return self._paused

    def pause(self, on: bool) -> None:
        """Pause or continue the queue, also for the next start. Running jobs and lanes that cannot be paused go on."""
        self._paused = on
        if self._store is not None:
            self._store.paused = on
        for lane in self._pausable:
            lane.pause(on)

    def jobs(self) -> list[Job]:
        """Running jobs, then waiting ones in order, then ended ones, newest first."""
        lanes = [lane.jobs() for lane in self._lanes.values()]
        found = [*(job for running, _ in lanes for job in running), *(job for _, queued in lanes for job in queued)]
        with self._lock:
            ended = list(reversed(self._ended))
        listed = set(ended)
        # One that ended a moment ago stays in its lane until it is in `_ended`.
        return [*(job for job in found if job not in listed and not (job.live and job.has_ended)), *ended]

    def requests(self) -> list[Request]:
        """The requests of all jobs that run, wait, have ended or were interrupted."""
        return [*(job.request for job in self.jobs()), *(entry.request for entry in self.interrupted)]

    def rows(self) -> list[Job | JobGroup]:
        """The jobs as they are shown: without live ones, each group in the place of its first job."""
        rows: dict[str, Job | JobGroup] = {}
        for job in self.jobs():
            if not job.live:
                row = self.group_of(job) or job
                rows.setdefault(row.id, row)
        return list(rows.values())

    def group_of(self, job: Job) -> JobGroup | None:
        """The group that a job belongs to; None for a job on its own."""
        return self._groups.get(job.group.id) if job.group is not None else None

    def seconds_left(self, job: Job | JobGroup) -> float | None:
        """Estimated from the pace of its steps, else from earlier jobs of its kind and model; None where unknown."""
        if isinstance(job, JobGroup):
            return self._seconds_left_of_all(job)
        if job.made_earlier:
            return 0.0
        progress = job.progress
        pace = self._pace.get(job.id)
        if job.state == "running" and pace is not None and progress.stage == pace[0] and progress.done > pace[1]:
            each = (time.monotonic() - pace[2]) / (progress.done - pace[1])
            return each * max(0, progress.total - progress.done)
        typical = self._typical(job.request)
        return None if typical is None else max(0.0, typical - job.seconds)

    def _seconds_left_of_all(self, group: JobGroup) -> float | None:
        """The sum over its jobs. Where no earlier job says how long one takes, the one that runs does for its like."""
        running = group.running
        rest = None if running is None else self.seconds_left(running)
        total = 0.0
        for job in (each for each in group.jobs if not each.has_ended):
            left = self.seconds_left(job)
            if left is None and running is not None and rest is not None and _are_alike(job, running):
                left = running.seconds + rest
            if left is None:
                return None
            total += left
        return total

    @property
    def interrupted(self) -> list[QueueEntry]:
        """What ran when the last session ended, or waited and cannot run now: to `resume` or to `dismiss`."""
        return [entry for entry, _ in list(self._interrupted.values())]

    def resume(self, entry: QueueEntry) -> Job:
        """Run a job of `interrupted` again. Raises as `retry` does; the entry then stays in `interrupted`."""
        _, job = self._interrupted[entry.id]
        request, waits = self._resolve(_to_retry(entry.request)), self._waits(job, {})
        job.request = request
        job.wait_for(waits)
        self.put([job])
        del self._interrupted[entry.id]
        self.update()
        return job

    def dismiss(self, entry: QueueEntry) -> None:
        """Remove a job from `interrupted`; jobs that wait for it are cancelled."""
        _, job = self._interrupted.pop(entry.id)
        job.fail(Cancelled())
        if job.group is not None:
            self._remember(job)
        self._release(job)
        self.update()

    def restore(self) -> list[Message]:
        """Queue again what waited when the last session ended; what ran, or cannot run now, goes to `interrupted`.

        Returns warnings. Nothing is stored until all jobs are restored, so that a kill in between loses nothing.
        """
        warnings: list[Message] = []
        entries = self._store.entries() if self._store else []
        jobs = {
            entry.id: Job(
                entry.request,
                parents=entry.parents,
                id=entry.id,
                group=entry.group,
                member=entry.member,
                after=entry.after,
            )
            for entry in entries
        }
        self._restore_groups(jobs.values())
        for entry, job in zip(entries, jobs.values(), strict=True):
            if entry.state not in ("queued", "running"):
                self._restore_ended(job, entry)
                self._remember(job)
                continue
            warning = self._resolve_restored(job, jobs) if entry.state == "queued" else None
            if warning is not None:
                warnings.append(warning)
            if warning is not None or entry.state == "running":
                self._interrupted[entry.id] = entry, job
        waiting = [job for job in jobs.values() if not job.has_ended and job.id not in self._interrupted]
        for job in waiting:
            conceal(job.request)
        self._put_in_lanes(waiting)
        for job in jobs.values():
            if job.has_ended:
                self._release(job)
        with self._store_lock:
            self._deferred -= 1
        self.update()
        return warnings

    def close(self) -> None:
        """Refuse new jobs and cancel all others. Jobs that waited or ran stay in the queue file, unless they were
        finished or cancelled by the user just now.
        """
        with self._store_lock:
            self._closing = True
            left = [pair for pair in self._unfinished() if not pair[0].cancelling]
        with ThreadPoolExecutor(max(1, len(self._lanes))) as beside:  # each may wait for a step, or for a disk
            list(beside.map(Lane.close, self._lanes.values()))
        if self._store is not None:
            self._store.replace(self._to_store([pair for pair in left if pair[0].state != "done"]))
            self._store.close()
        for job in self._ended:
            self._discard(job)

    def update(self) -> None:
        """Store the queue and announce its change; also for who has changed the request of a job. From any thread."""
        with self._store_lock:  # keeps an older state from being applied after a newer one
            if self._closing or self._deferred:
                return
            self._suspend_training()
            if self._store is not None:
                self._store.replace(self._to_store(self._unfinished()))  # a failed write is repeated with the next one
        self._queue_changed()

    @property
    def closing(self) -> bool:
        return self._closing

    def _put_in_lanes(self, jobs: Sequence[Job]) -> None:
        by_lane: dict[str, list[Job]] = {}
        for job in jobs:
            by_lane.setdefault(self._lane_of(job.request), []).append(job)
        for name, found in by_lane.items():
            self._lanes[name].put(*found)

    def _changed(self, job: Job) -> None:
        progress = job.progress
        if job.state == "running":
            if progress.total and self._pace.get(job.id, ("",))[0] != progress.stage:
                self._pace[job.id] = (progress.stage, progress.done, time.monotonic())
        elif job.state != "queued":
            self._pace.pop(job.id, None)
            if not job.live:
                self._remember(job)
                timed = not job.made_earlier and self._lane_of(job.request) != UNTIMED
                if job.state == "done" and timed:
                    self._record(job)
            self._release(job)
        self._job_changed(job)

    def _suspend_training(self) -> None:
        """A training waits at its next step while another job uses the device."""
        device, training = self._lanes.get("device"), self._lanes.get("training")
        if device is None or training is None:
            return
        job = training.running
        training.host.suspend((job is not None and job.suspended) or device.running is not None)

    def _release(self, ended: Job) -> None:
        """Let the jobs that wait for this one start if it is done; cancel them otherwise."""
        for lane in self._lanes.values():
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
                works = _works_of(ended)
                if not works:
                    raise _made_no_work()
                job.request = self._resolve(job.request.replace(**{name: WorkKey(id=works[0].id)}))
            job.after = tuple(id for id in job.after if id != ended.id)

    def _waits(self, job: Job, again: Mapping[str, Job]) -> dict[str, str]:
        """What a job waits for when it is queued again: as `again` where that has the other one, else that one itself
        unless it has ended; where its work is needed, the one that made it. Raises BadInput where none did.
        """
        known = self._known()
        waits: dict[str, str] = {}
        for id in job.after:
            name, other = job.fills.get(id, ""), known.get(id)
            other = None if other is None else other.latest
            if id in again:
                waits[again[id].id] = name
            elif id in self._interrupted:
                waits[id] = name
            elif other is None:
                if name:
                    raise _no_longer_listed()
            elif not other.has_ended or (name and other.state == "done"):
                waits[other.id] = name
            elif name:
                raise _made_no_work()
        return waits

    def _remember(self, ended: Job) -> None:
        """List an ended job, and forget the oldest."""
        with self._lock:
            self._ended.append(ended)
            old, self._ended = self._ended[:-ENDED_KEPT], self._ended[-ENDED_KEPT:]
            listed = {job.group.id for job in self._ended if job.group is not None} if old else set[str]()
            gone = {job.group.id for job in old if job.group is not None} - listed
            for id in set[str]() if self._closing else gone:  # a group is stored whole when the studio closes
                group = self._groups.get(id)
                if group is not None and group.has_ended:
                    del self._groups[id]
        for job in old:
            self._discard(job)

    def _unfinished(self) -> list[tuple[Job, State]]:
        """The running and waiting jobs, but live ones, with their states now."""
        return [(job, job.state) for job in self.jobs() if not job.has_ended and not job.live]

    def _to_store(self, unfinished: Sequence[tuple[Job, State]]) -> list[QueueEntry]:
        """What to store: these jobs in these states, and the other members of their groups."""
        interrupted = self.interrupted
        groups = {job.group.id for job, _ in unfinished if job.group is not None}
        groups |= {entry.group.id for entry in interrupted if entry.group is not None}
        stored = {job.id for job, _ in unfinished} | {entry.id for entry in interrupted}
        with self._lock:
            members = [job for id in groups if id in self._groups for job in self._groups[id].jobs]
        others: list[tuple[Job, State]] = [(job, job.state) for job in members if job.id not in stored]
        before, self._entries = self._entries, {}
        return [*interrupted, *(self._entry(job, state, before) for job, state in (*unfinished, *others))]

    def _entry(self, job: Job, state: State, before: Mapping[str, tuple[Any, QueueEntry]]) -> QueueEntry:
        """What to store of a job. It is the same object as before where nothing has changed, which is quick to see."""
        made_from = (state, job.request, job.after)
        found = before.get(job.id)
        if found is None or found[0] != made_from:
            works = tuple(asset.id for asset in _works_of(job)) if job.has_ended else ()
            after = {id: job.fills.get(id, "") for id in job.after}
            entry = QueueEntry(job.id, job.request, job.parents, state, job.group, job.member, after, works)
            found = (made_from, entry)
        self._entries[job.id] = found
        return found[1]

    def _restore_groups(self, jobs: Iterable[Job]) -> None:
        members: dict[Group, list[Job]] = {}
        for job in jobs:
            if job.group is not None:
                members.setdefault(job.group, []).append(job)
        for group, found in members.items():
            self._groups[group.id] = JobGroup(group, sorted(found, key=lambda job: job.member))

    def _resolve_restored(self, job: Job, jobs: Mapping[str, Job]) -> Message | None:
        """Resolve the request of a job that waits again; returns why it cannot run now, None where it can."""
        if not jobs.keys() >= set(job.after):
            return Message("A queued request waited for another one that no longer exists.")
        try:
            job.request = self._resolve(job.request)
        except StudioError as error:
            return Message("A queued request cannot run now: {reason}", reason=error)
        return None

    def _restore_ended(self, job: Job, entry: QueueEntry) -> None:
        """End a member of a group as it had ended in an earlier session."""
        works = list(self._works(entry.works))
        if entry.state == "done":
            job.finish(works)
        elif entry.state == "cancelled":
            job.fail(Cancelled(assets=works))
        else:
            job.fail(StudioError("It failed before the studio was restarted.", "Try it again."))

    def _known(self) -> dict[str, Job]:
        """The jobs that are listed, and those of groups of which another one is, by their ids."""
        with self._lock:
            members = [job for group in self._groups.values() for job in group.jobs]
        return {job.id: job for job in [*members, *self.jobs()]}

    def _find(self, id: str) -> Job:
        for job in self.jobs():
            if job.id == id:
                return job
        raise BadInput("This job is no longer listed.")

    def _jobs_of(self, id: str) -> Sequence[Job]:
        """The job of this id, or the jobs of the group of this id."""
        group = self._groups.get(id)
        return group.jobs if group is not None else (self._find(id),)

    def _row_starts(self, waiting: Sequence[Job]) -> list[int]:
        """Where in `waiting` a row of the queue begins: a single job, or a group of which no job runs or has ended."""
        starts: list[int] = []
        at = 0
        for group, jobs in itertools.groupby(waiting, key=self.group_of):
            count = len(list(jobs))
            if group is None:
                starts += range(at, at + count)
            elif group.state == "queued":
                starts.append(at)
            at += count
        return starts


def _no_longer_listed() -> BadInput:
    return BadInput("The job that this one waits for is no longer listed.")


def _made_no_work() -> BadInput:
    return BadInput("The job that this one waited for made no work.")


def _can_save(job: Job) -> bool:
    """Whether a job has ended with works that could not be saved, and whose files are there. A training resumes."""
    if job.live or not job.has_ended or isinstance(job.request, TrainRequest):
        return False
    files = [each for one in job.pending for each in (one.payloads if isinstance(one, Bundle) else (one,))]
    return bool(files) and all(each.path.is_file() for each in files if isinstance(each, Clip))


def _are_alike(one: Job, other: Job) -> bool:
    """Whether two jobs are of the same kind and model, and so take about as long."""
    return (one.request.kind, one.request.model) == (other.request.kind, other.request.model)


def _to_retry(request: Request) -> Request:
    return training_runs.resume_request(request) if isinstance(request, TrainRequest) else request


def _works_of(job: Job) -> list[Asset]:
    """The works of a job that has ended."""
    error = job.future.exception()
    results = job.future.result() if error is None else error.assets if isinstance(error, Cancelled) else []
    works: list[Asset] = []
    for result in cast("list[Any]", results):
        works += result.works if isinstance(result, IoResult) else [result] if isinstance(result, Asset) else []
    return works
