"""Submitted requests, alone or in groups: state, progress, cancellation and future."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, LiteralString

from studio.errors import Message
from studio.jobs.usage import NOT_MEASURED

if TYPE_CHECKING:
    from studio.jobs.previews import Preview
    from studio.library.asset import Asset
    from studio.media.payloads import Payload
    from studio.schema.request import Request

State = Literal["queued", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a job stands: step `done` of `total` of a stage, in the stage's own unit (0 of 0 where nobody can know).

    A stage is a word or two ("loading"), translated where it is shown.
    `preview` is cumulative (the picture, the text so far, the sound so far), so that a listener may skip any of them.
    An engine may report TextDelta and AudioDelta instead; listeners get them joined, as TextPreview and Audio.
    `values` are measurements to plot, such as a loss. `unit` is "B" where `done` and `total` are bytes, "s"
    where they are seconds.
    """

    stage: LiteralString | Message
    done: int = 0
    total: int = 0
    preview: Preview | None = None
    values: Mapping[str, float] = field(default_factory=dict[str, float])
    unit: Literal["", "B", "s"] = ""


Report = Callable[[Progress], None]
"""Publishes a Progress. Raises Cancelled once the job has been cancelled: the only way to stop an engine."""


class Cancelled(Exception):
    """The job was cancelled. `payloads` are partial results worth saving; `assets` are the works they were saved as."""

    def __init__(self, payloads: Sequence[Payload] = (), assets: Sequence[Asset] = ()) -> None:
        super().__init__("cancelled")
        self.payloads = list(payloads)
        self.assets = list(assets)

    def __reduce__(self) -> tuple[type[Cancelled], tuple[list[Payload], list[Asset]]]:
        return Cancelled, (self.payloads, self.assets)


@dataclass(frozen=True, slots=True)
class Group:
    """What several jobs belong to. `kind` is "candidates", "batch", or another word for what they are together."""

    kind: str
    title: str = ""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


class Job:
    """One submitted request. Only its lane changes its state; any thread may read it at any time.

    `future` is resolved exactly once: with the works (payloads for a live job), with Cancelled, or with the error. Its
    own `cancel` does nothing: use `JobQueue.cancel`. `after` are the ids of the jobs that it still waits for;
    `fills` names, for some of them, the field of its request (a WorkRef) that gets the work. `member` is its position
    in its group.
    `submitted`, `started` and `ended` are seconds since the epoch.
    """

    def __init__(
        self,
        request: Request,
        *,
        parents: Sequence[str] = (),
        live: bool = False,
        replaces: str | None = None,
        id: str | None = None,
        group: Group | None = None,
        member: int = 0,
        after: Sequence[str] | Mapping[str, str] = (),
    ) -> None:
        self.id = id or uuid.uuid4().hex
        self.request = request
        self.parents = tuple(parents)
        self.live = live
        self.replaces = replaces
        self.group = group
        self.member = member
        self.after: tuple[str, ...] = ()
        self.fills: dict[str, str] = {}
        self.wait_for(after)
        self.future: Future[list[Any]] = Future()
        self.future.set_running_or_notify_cancel()
        self.progress = Progress("queued")
        self.submitted = time.time()
        self.started: float | None = None
        self.ended: float | None = None
        self.state: State = "queued"
        self.pending: list[Payload] = []  # results that are not saved: of a live job, or because saving failed
        self.saved: list[Asset] = []  # its works in the library, while saving others failed
        self.device_info: dict[str, str] = {}
        self.usage = NOT_MEASURED
        self.partial = False  # whether `pending` was left by a cancelled job
        self.made_earlier = False  # it only saves what another job made
        self.saved_by: Job | None = None  # the job that has taken over what this one could not save
        self.suspended = False  # a training that the user has paused
        self.keep_model = False  # a training that was stopped and whose model is to be saved
        self.duplicate_of = ""  # title of the installed model that a training made once more
        self._cancel = threading.Event()
        self._started_at: float | None = None
        self._seconds: float | None = None

    def __repr__(self) -> str:
        return f"<Job {self.id[:8]} {self.request.kind} {self.state}>"

    @property
    def has_ended(self) -> bool:
        """Whether it is done, failed or cancelled."""
        return self.state not in ("queued", "running")

    @property
    def error(self) -> BaseException | None:
        """The error it failed with; None in every other state."""
        return self.future.exception() if self.state == "failed" else None

    @property
    def seconds(self) -> float:
        """Running time so far, or in total once it has ended."""
        if self._seconds is not None:
            return self._seconds
        return 0.0 if self._started_at is None else time.monotonic() - self._started_at

    @property
    def cancelling(self) -> bool:
        """Whether cancellation was requested."""
        return self._cancel.is_set()

    def wait_for(self, after: Sequence[str] | Mapping[str, str]) -> None:
        """Wait for these jobs instead of others; a mapping names the field of the request that gets the work of each,
        or nothing.
        """
        self.after = tuple(after)
        self.fills = {id: name for id, name in after.items() if name} if isinstance(after, Mapping) else {}

    def take_unsaved(self, other: Job) -> None:
        """Take over what another job made and could not save, with the works of it that are saved."""
        self.pending, other.pending = other.pending, []
        self.saved, other.saved = other.saved, []
        self.device_info, self.partial, self.made_earlier = other.device_info, other.partial, True
        self.saved_by, other.saved_by = None, self

    @property
    def latest(self) -> Job:
        """The job that has what this one made: itself, unless another has taken it over."""
        return self if self.saved_by is None else self.saved_by.latest

    def stop(self) -> None:
        """Request cancellation; the engine stops at its next report."""
        self._cancel.set()

    def start(self) -> None:
        self.started, self._started_at, self.state = time.time(), time.monotonic(), "running"
        self.progress = Progress("starting")

    def finish(self, results: list[Any]) -> None:
        self._end("done")
        self.future.set_result(results)

    def fail(self, error: BaseException) -> None:
        """End without a result: as cancelled for Cancelled, as failed for everything else."""
        state: State = "cancelled" if isinstance(error, Cancelled) else "failed"
        self._end(state)
        self.future.set_exception(error)

    def _end(self, state: State) -> None:
        self._seconds = self.seconds
        self.ended = time.time()
        self.state = state


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
