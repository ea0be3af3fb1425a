"""A request on its way: its progress, its cancel and its outcome; knows neither lanes nor engines."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from studio.library.asset import Asset
    from studio.media.payloads import Payload
    from studio.schema.request import Request

State = Literal["queued", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a job stands: step `done` of `total` of a stage, in the stage's own unit (0 of 0 where nobody can know).

    `preview` is cumulative (the picture, the text so far, the sound so far), so that dropping one loses nothing;
    `values` are measurements worth plotting, such as a loss.
    """

    stage: str
    done: int = 0
    total: int = 0
    preview: Payload | None = None
    values: Mapping[str, float] = field(default_factory=dict[str, float])


Report = Callable[[Progress], None]
"""Publishes a Progress, and raises Cancelled when the job has been cancelled. The only way to stop an engine."""


class Cancelled(Exception):
    """The job was cancelled. `made` is what was finished enough to keep; `assets` are the works it became."""

    def __init__(self, payloads: Sequence[Payload] = (), assets: Sequence[Asset] = ()) -> None:
        super().__init__("cancelled")
        self.made = list(payloads)
        self.assets = list(assets)

    def __reduce__(self) -> tuple[type[Cancelled], tuple[list[Payload], list[Asset]]]:
        return Cancelled, (self.made, self.assets)


class Job:
    """One submitted request. Its lane alone changes its state; everybody may read it at any time, from any thread.

    `future` is resolved exactly once: with the works (for a live job: the payloads), with Cancelled, or with the error.
    Its own `cancel` does nothing; `Studio.cancel` ends a job.
    Times are seconds since the epoch, for showing; durations come from the monotonic clock.
    """

    def __init__(
        self,
        request: Request,
        *,
        parents: Sequence[str] = (),
        live: bool = False,
        replaces: str | None = None,
        id: str | None = None,
    ) -> None:
        self.id = id or uuid.uuid4().hex
        self.request = request
        self.parents = tuple(parents)
        self.live = live
        self.replaces = replaces
        self.future: Future[list[Any]] = Future()
        self.future.set_running_or_notify_cancel()
        self.progress = Progress("queued")
        self.submitted = time.time()
        self.started: float | None = None
        self.ended: float | None = None
        self.state: State = "queued"
        self.pending: list[Payload] = []  # what is not in the library: a live result, or what could not be saved
        self.saved: list[Asset] = []  # works of it that are in the library, while others could not be saved
        self.device_info: dict[str, str] = {}
        self.suspended = False  # a training that a person has paused
        self.keep_model = False  # stopped to be used as it is
        self.duplicate_of = ""  # a training that made a model which was there already: that model's title
        self._cancel = threading.Event()
        self._started_at: float | None = None
        self._seconds: float | None = None

    def __repr__(self) -> str:
        return f"<Job {self.id[:8]} {self.request.kind} {self.state}>"

    @property
    def error(self) -> BaseException | None:
        """Why it failed; None while it has not."""
        return self.future.exception() if self.state == "failed" else None

    @property
    def seconds(self) -> float:
        """How long it has been running, or ran."""
        if self._seconds is not None:
            return self._seconds
        return 0.0 if self._started_at is None else time.monotonic() - self._started_at

    @property
    def cancelling(self) -> bool:
        """Whether somebody asked it to stop."""
        return self._cancel.is_set()

    def stop(self) -> None:
        """Ask it to stop; the engine hears of it at its next report."""
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
