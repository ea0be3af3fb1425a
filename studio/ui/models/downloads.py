"""The downloads of models: how far each is, how fast and how much longer; starts, retries and cancels them."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from PySide6.QtCore import QLocale, QObject, Signal

from studio.errors import StudioError
from studio.jobs.imports import ModelGetRequest
from studio.jobs.job import Cancelled, Job
from studio.models.offers import Offer
from studio.studio import Studio
from studio.ui.background import JobWatcher
from studio.ui.bridge import Bridge
from studio.ui.widgets.text import duration, size, tr

Stage = Literal["waiting", "fetching", "checking", "failed"]
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
        if self.stage == "failed":
            return tr("Failed")
        return amount(self.done, self.total) if self.total else tr("Connecting")

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


class ModelDownloads(QObject):
    """The state of each download, by the id of the offer. `changed(id)` after any change; `arrived(model)` once a model
    is installed.
    """

    changed = Signal(str)
    arrived = Signal(object)

    def __init__(self, studio: Studio, bridge: Bridge, parent: QObject) -> None:
        super().__init__(parent)
        self._studio = studio
        self._failed: dict[str, DownloadState] = {}
        self._paces: dict[str, Pace] = {}
        self._dropped: set[str] = set()  # jobs that a person has cancelled; others that end keep what has come
        self._watcher = JobWatcher(self)
        self._watcher.ended.connect(self._ended)
        self._watcher.follow(ModelGetRequest, studio.queue.jobs(), bridge.news)
        bridge.news.connect(self._receive)

    def state(self, id: str) -> DownloadState | None:
        """How far the download of an offer is; None where there is none."""
        job = self._job(id)
        if job is None:
            return self._failed.get(id)
        progress = job.progress
        if job.state == "queued":
            return DownloadState("waiting")
        if progress.unit != "B" or not progress.total:
            return DownloadState("fetching")
        if progress.done >= progress.total:
            return DownloadState("checking", progress.done, progress.total)
        pace = self._paces.get(job.id)
        return DownloadState("fetching", progress.done, progress.total, pace.rate if pace is not None else 0.0)

    def ids(self) -> list[str]:
        """The offers that are being fetched, or whose download failed."""
        return [*(_offer_of(job) for job in self._watcher.watched), *self._failed]

    def start(self, offer: Offer) -> None:
        """Fetch and install a model that the studio offers; its licence has been accepted."""
        if self._job(offer.id) is not None:
            return
        self._failed.pop(offer.id, None)
        try:
            self._watcher.watch(self._studio.submit(ModelGetRequest(offer=offer.id, accept_licence=True)))
        except StudioError as error:
            self._failed[offer.id] = DownloadState("failed", error=error)
        self.changed.emit(offer.id)

    def cancel(self, id: str) -> None:
        """End the download, or forget one that failed, and delete what has come of it."""
        job = self._job(id)
        if job is not None:
            self._dropped.add(job.id)
            self._studio.queue.cancel(job.id)
        elif self._failed.pop(id, None) is None:
            return
        else:
            self._discard(id)
        self.changed.emit(id)

    def _discard(self, id: str) -> None:
        with contextlib.suppress(StudioError):  # nothing has come, or another studio fetches it
            self._studio.catalog.discard_download(id)

    def _job(self, id: str) -> Job | None:
        return next((job for job in self._watcher.watched if _offer_of(job) == id and not job.cancelling), None)

    def _receive(self, news: Any) -> None:
        job = news.job
        if job is not None and job in self._watcher.watched:
            if job.progress.unit == "B":
                self._paces.setdefault(job.id, Pace()).step(job.progress.done)
            self.changed.emit(_offer_of(job))

    def _ended(self, job: Job) -> None:
        self._paces.pop(job.id, None)
        error, id = job.future.exception(), _offer_of(job)
        if error is None:
            self._failed.pop(id, None)
            self.arrived.emit(job.future.result()[0])
        elif isinstance(error, Cancelled):
            if job.id in self._dropped:
                self._discard(id)
        else:
            self._failed[id] = DownloadState("failed", job.progress.done, job.progress.total, error=error)
        self.changed.emit(id)


def _offer_of(job: Job) -> str:
    assert isinstance(job.request, ModelGetRequest)
    return job.request.offer
