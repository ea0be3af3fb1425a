"""One longer live job at a time, with how far it is: a search for directions, the preview of a walk; shows nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from studio.jobs.job import Job
from studio.schema.request import Request
from studio.ui.avatar.live_face import LiveJobs
from studio.ui.bridge import Bridge

if TYPE_CHECKING:
    from studio.studio import Studio


class LiveJob(QObject):
    """`progressed` has the job's progress, `done` its payloads, `failed` its error; `ended` follows each end."""

    progressed = Signal(object)
    done = Signal(object)
    failed = Signal(object)
    ended = Signal()

    def __init__(self, studio: Studio, bridge: Bridge, slot: str, parent: QObject) -> None:
        super().__init__(parent)
        self._live, self._slot = LiveJobs(studio, self), slot
        self._job: Job | None = None
        self._live.failed.connect(self._lost)
        bridge.news.connect(self._hear)

    @property
    def busy(self) -> bool:
        return self._job is not None

    def run(self, request: Request) -> None:
        """Begin; what ran before is given up."""
        self.stop()
        self._job = self._live.ask(request, self._came, slot=self._slot)

    def stop(self) -> None:
        self._live.stop()
        self._end()

    def _came(self, job: Job, made: list[Any]) -> None:
        if job is self._job:
            self._end()
            self.done.emit(made)

    def _lost(self, error: BaseException) -> None:
        self._end()
        self.failed.emit(error)

    def _end(self) -> None:
        was, self._job = self._job, None
        if was is not None:
            self.ended.emit()

    def _hear(self, news: Any) -> None:
        if news.kind == "job" and news.job is self._job and self._job is not None and self._job.state == "running":
            self.progressed.emit(self._job.progress)
