"""The downloads of models: how far each is, how fast and how much longer; starts, pauses, retries and cancels them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QLocale, QObject, Signal

from studio.errors import StudioError
from studio.jobs.io.imports import ModelGetRequest
from studio.jobs.job import Cancelled, Job
from studio.studio import Studio
from studio.ui.background import BackgroundTasks, JobWatcher
from studio.ui.bridge import Bridge
from studio.ui.widgets.text import duration, size, tr

if TYPE_CHECKING:
    from studio.models.sources.fetch import UnfinishedDownload

Stage = Literal["waiting", "fetching", "checking", "stopping", "paused", "failed"]
WINDOW = 6.0  # seconds over which the rate is measured
TICK = 0.5  # seconds between two figures of it: faster ones cannot be read


@dataclass(frozen=True, slots=True)
class DownloadState:
    """How far a download is, in bytes; `rate` in bytes a second, 0 while it is not known. `error` is why it failed."""

    stage: Stage
    done: int = 0
    total: int = 0
    rate: float = 0.0
    error: BaseException | None = None

    @property
    def words(self) -> str:
        """How far it is: 312 of 900 MB."""
        if self.stage == "waiting":
            return tr("Waiting")
        if self.stage == "checking":
            return tr("Checking the files")
        if self.stage == "stopping":
            return tr("Stopping")
        if self.stage == "failed":
            return tr("Failed")
        there = amount(self.done, self.total) if self.total else ""
        if self.stage == "paused":
            return tr("Paused at {amount}").format(amount=there) if there else tr("Paused")
        return there or tr("Connecting")

    @property
    def pace(self) -> str:
        """How fast it is, and how much longer it takes; empty while nobody knows."""
        if self.stage != "fetching" or not self.rate or not self.total:
            return ""
        left = duration((self.total - self.done) / self.rate)
        return tr("{rate} a second, {time} left").format(rate=size(round(self.rate)), time=left)


def amount(done: int, total: int) -> str:
    """A part of a number of bytes, the unit said once where it is the same: 312 of 900 MB."""
    one, other = _short(done), _short(total)
    number, _, unit = one.rpartition(" ")
    if number and other.rpartition(" ")[2] == unit:
        one = number
    return tr("{done} of {total}").format(done=one, total=other)


def _short(number: int) -> str:
    """A size while it changes: megabytes without decimals, gigabytes with one."""
    return QLocale().formattedDataSize(number, int(number >= 1e9), QLocale.DataSizeFormat.DataSizeSIFormat)


class Pace:
    """The rate of a download over the last seconds; `now` is a clock in seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._seen: deque[tuple[float, int]] = deque()
        self.rate, self._told = 0.0, 0.0  # bytes a second, 0 until it is known

    def step(self, done: int) -> None:
        """So many bytes are there."""
        now = self._now()
        if self._seen and done < self._seen[-1][1]:  # another part has begun
            self._seen.clear()
        self._seen.append((now, done))
        while now - self._seen[0][0] > WINDOW and len(self._seen) > 2:
            self._seen.popleft()
        first, begun = self._seen[0]
        if now - first >= TICK and now - self._told >= TICK:
            self.rate, self._told = (done - begun) / (now - first), now


@dataclass(frozen=True, slots=True)
class SourceDownload:
    """A download of a model that the studio does not offer: `asked` is the source that a person gave, which may hold
    secrets, `medium` is empty where none was named.
    """

    id: str
    title: str
    medium: str
    asked: str
    total: int = 0


@dataclass(frozen=True, slots=True)
class FailedDownload:
    """What was asked for, and why it failed."""

    asked: ModelGetRequest
    error: BaseException


class ModelDownloads(QObject):
    """The state of each download, by its id: that of the offer, or of what was written down of a source.

    `changed(id)` after any change of one, `listed` after one has come or gone; `arrived(id, model)` once a
    model is installed.
    """

    changed = Signal(str)
    listed = Signal()
    arrived = Signal(str, object)

    def __init__(self, studio: Studio, bridge: Bridge, parent: QObject) -> None:
        super().__init__(parent)
        self._studio = studio
        self._failed: dict[str, FailedDownload] = {}
        self._unfinished: dict[str, UnfinishedDownload] = {}
        self._unwanted: set[str] = set()  # cancelled, to be deleted once they have stopped
        self._paces: dict[str, Pace] = {}
        self._files = BackgroundTasks(self)
        self._watcher = JobWatcher(self)
        self._watcher.ended.connect(self._ended)
        self._watcher.follow(ModelGetRequest, studio.queue.jobs(), bridge.news)
        bridge.news.connect(self._receive)
        self._read()

    def close(self) -> None:
        self._files.close()

    def state(self, id: str) -> DownloadState | None:
        """How far a download is; None where there is none."""
        job, there = self._job(id), self._unfinished.get(id)
        done, total = (0, 0) if there is None else (there.done, there.total)
        if job is None:
            failed = self._failed.get(id)
            if failed is not None:
                return DownloadState("failed", done, total, error=failed.error)
            return None if there is None or id in self._unwanted else DownloadState("paused", done, total)
        progress = job.progress
        if job.cancelling:
            return DownloadState("stopping", progress.done, progress.total)
        if job.state == "queued":
            return DownloadState("waiting", done, total)
        if progress.unit != "B" or not progress.total:
            return DownloadState("fetching", done, total)
        if progress.done >= progress.total:
            return DownloadState("checking", progress.done, progress.total)
        pace = self._paces.get(job.id)
        return DownloadState("fetching", progress.done, progress.total, pace.rate if pace is not None else 0.0)

    def others(self) -> list[SourceDownload]:
        """Those of models that the studio does not offer, running ones first. One that was refused before anything had
        come is among them until it is cancelled or the studio closes.
        """
        found: dict[str, SourceDownload] = {}
        running = [job.request for job in self._watcher.watched]
        for request in [*running, *(each.asked for each in self._failed.values())]:
            if isinstance(request, ModelGetRequest) and request.source:
                id = _id(request)
                found[id] = SourceDownload(id, request.subject, request.target, request.source)
        for id, each in self._unfinished.items():
            if each.asked != id and id not in self._unwanted:
                found[id] = SourceDownload(id, each.title, each.medium, each.asked, each.total)
        return list(found.values())

    def start(self, request: ModelGetRequest) -> None:
        """Fetch and install a model, from where an earlier download of it has stopped."""
        id = _id(request)
        if self._job(id) is not None:
            return
        self._failed.pop(id, None)
        try:
            self._watcher.watch(self._studio.submit(request))
        except StudioError as error:
            self._failed[id] = FailedDownload(request, error)
        self.listed.emit()
        self.changed.emit(id)

    def pause(self, id: str) -> None:
        """Stop the download; what has come stays."""
        job = self._job(id)
        if job is not None:
            self._studio.queue.cancel(job.id)
            self.changed.emit(id)

    def cancel(self, id: str) -> None:
        """Stop the download, and delete what has come of it."""
        job = self._job(id)
        self._failed.pop(id, None)
        self._unwanted.add(id)
        if job is not None:
            self._studio.queue.cancel(job.id)
        else:
            self._discard(id)
        self.changed.emit(id)

    def _discard(self, id: str) -> None:
        catalog = self._studio.catalog

        def gone(_: object) -> None:
            self._unwanted.discard(id)
            self._read()

        def discard() -> None:
            if any(each.id == id for each in catalog.downloads()):
                catalog.discard_download(id)

        self._files.run(discard, gone, gone)

    def _read(self) -> None:
        """Read which downloads have begun and have not ended."""
        self._files.run(self._studio.catalog.downloads, self._show_unfinished, lambda _error: None)

    def _show_unfinished(self, found: list[UnfinishedDownload]) -> None:
        before, self._unfinished = self._unfinished, {each.id: each for each in found}
        self.listed.emit()
        for id in {*before, *self._unfinished}:
            self.changed.emit(id)

    def _job(self, id: str) -> Job | None:
        return next((job for job in self._watcher.watched if _id(job.request) == id), None)

    def _receive(self, news: Any) -> None:
        job = news.job
        if job is not None and job in self._watcher.watched:
            if job.progress.unit == "B":
                self._paces.setdefault(job.id, Pace()).step(job.progress.done)
            self.changed.emit(_id(job.request))

    def _ended(self, job: Job) -> None:
        self._paces.pop(job.id, None)
        error, id = job.future.exception(), _id(job.request)
        if error is None:
            self._failed.pop(id, None)
            self._unfinished.pop(id, None)
            self._unwanted.discard(id)
            self.arrived.emit(id, job.future.result()[0])
        elif id in self._unwanted:
            self._discard(id)
        elif not isinstance(error, Cancelled) and isinstance(job.request, ModelGetRequest):
            self._failed[id] = FailedDownload(job.request, error)
        self.changed.emit(id)
        self._read()


def _id(request: object) -> str:
    """The id of the download that a request asks for; empty where its source is no source."""
    assert isinstance(request, ModelGetRequest)
    try:
        return request.download
    except StudioError:
        return ""
