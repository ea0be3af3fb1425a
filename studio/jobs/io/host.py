"""The I/O lane: imports and exports, run in threads of the studio itself, without an engine process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from studio.jobs.engine_cache import resolve
from studio.jobs.job import Cancelled, Job, Progress, Report
from studio.jobs.worker import EngineResult, OnProgress
from studio.library.library import Asset, Embed, Library
from studio.models.catalog import Catalog
from studio.schema.request import Request

IO_WORKERS = 3  # jobs of different kinds that run at once


@dataclass(frozen=True, kw_only=True)
class IoRequest(Request):
    """A request of the I/O lane: it names files instead of deciding a work. `title` and `icon` are for the queue."""

    medium: ClassVar[str] = ""
    title: ClassVar[str] = ""
    icon: ClassVar[str] = ""
    page: ClassVar[str] = ""
    """The page that shows what came of it."""

    @property
    def subject(self) -> str:
        """What it is about in a few words, such as the name of a file."""
        return ""

    @property
    def unfinished(self) -> tuple[Path, str] | None:
        """A folder of the user's in which it leaves something if it is killed, and how the names of that begin."""
        return None


@dataclass(frozen=True, kw_only=True)
class ModelIoRequest(IoRequest):
    """A request that brings, links or moves models, or looks for them."""

    icon: ClassVar[str] = "models"
    page: ClassVar[str] = "models"


@dataclass(slots=True)
class IoResult:
    """What came of a job of the I/O lane that adds works to the library: they are the works of the job."""

    works: list[Asset] = field(default_factory=list[Asset])


@dataclass(frozen=True, slots=True)
class IoContext:
    """What tasks of the I/O lane work on. `changed(kind)` is called after works or models were added."""

    library: Library
    catalog: Catalog
    embed: Callable[[], Embed]
    changed: Callable[[Literal["library", "models"]], object]


class IoEngine(ABC):
    """Runs the requests of one task of the I/O lane. A new one is made for each job."""

    def __init__(self, context: IoContext) -> None:
        self._context = context

    @abstractmethod
    def run(self, request: Request, report: Report) -> Sequence[Any]:
        """Do it and return the results of the job. What `report` raises (Cancelled) must pass through."""


class IoHost:
    """Runs the engines of the I/O lane in the thread of the caller."""

    def __init__(self, context: IoContext) -> None:
        self._context = context

    def run(self, job: Job, engine: str, on_progress: OnProgress) -> EngineResult:
        def report(progress: Progress) -> None:
            if job.cancelling:
                raise Cancelled
            on_progress(progress)

        loaded: IoEngine = resolve(engine)(self._context)
        return EngineResult(loaded.run(job.request, report), {})

    def suspend(self, on: bool) -> None:
        """I/O is never suspended."""

    def kill(self) -> None:
        """Threads cannot be killed: the job stops at its next report."""

    def close(self) -> None:
        """Nothing is held."""
