"""Live jobs, whose results are shown and not saved: the edited face, candidates, portraits, one longer job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from studio.backends.avatar.requests import AvatarRequest
from studio.errors import StudioError
from studio.jobs.job import Cancelled, Job
from studio.library.library import Asset
from studio.media.payloads import Image
from studio.schema.request import Request
from studio.studio import Studio
from studio.ui.avatar.faces import unnamed
from studio.ui.background import JobWatcher
from studio.ui.bridge import Bridge
from studio.ui.stages import pictures
from studio.ui.widgets import placeholder
from studio.ui.widgets.lru_cache import LruCache
from studio.ui.widgets.page import timer

SLOT = "avatar"
SETTLE_DELAY = 150  # milliseconds without a move, after which the face is drawn at the size that the brief asks for

Done = Callable[[Job, list[Any]], object]
"""Called with a job and its payloads."""


class LiveJobs(QObject):
    """Submits live jobs and follows them. `failed(error)` reports every error but a cancel."""

    failed = Signal(object)

    def __init__(self, studio: Studio, parent: QObject) -> None:
        super().__init__(parent)
        self._studio = studio
        self._done: dict[Job, Done] = {}
        self._watcher = JobWatcher(self)
        self._watcher.ended.connect(self._ended)

    @property
    def busy(self) -> bool:
        return bool(self._done)

    def submit(self, request: Request, done: Done, *, slot: str | None, parents: Sequence[str] = ()) -> Job | None:
        """Submit a request and call `done` with what it makes. A newer request in the same `slot` replaces an older one
        that still waits. Returns None, and emits `failed`, if the studio rejects the request.
        """
        try:
            job = self._studio.submit(request, parents=parents, replaces=slot, live=True)
        except StudioError as error:
            self.failed.emit(error)
            return None
        self._done[job] = done
        self._watcher.watch(job)
        return job

    def stop(self) -> None:
        """Cancel all jobs; none of them reports anything any more."""
        jobs = list(self._done)
        self._done.clear()
        for job in jobs:
            if not job.has_ended:
                try:
                    self._studio.queue.cancel(job.id)
                except StudioError:  # it has ended in this moment
                    continue
            else:
                self._studio.discard(job)

    def _ended(self, job: Job) -> None:
        done = self._done.pop(job, None)
        if done is None:
            return
        error = job.future.exception()
        if error is None:
            done(job, job.future.result())
        elif not isinstance(error, Cancelled):
            self.failed.emit(error)


class LiveJob(QObject):
    """One longer live job at a time, such as a search for directions.

    `progressed(progress)`, `done(payloads)`, `failed(error)`; `ended` follows every end, a cancel included.
    """

    progressed = Signal(object)
    done = Signal(object)
    failed = Signal(object)
    ended = Signal()

    def __init__(self, studio: Studio, bridge: Bridge, slot: str, parent: QObject) -> None:
        super().__init__(parent)
        self._jobs, self._slot = LiveJobs(studio, self), slot
        self._job: Job | None = None
        self._jobs.failed.connect(self._fail)
        bridge.news.connect(self._news)

    @property
    def busy(self) -> bool:
        return self._job is not None

    def run(self, request: Request) -> None:
        """Start a job; the one before is cancelled."""
        self.stop()
        self._job = self._jobs.submit(request, self._finish, slot=self._slot)

    def stop(self) -> None:
        self._jobs.stop()
        self._end()

    def _finish(self, job: Job, made: list[Any]) -> None:
        if job is self._job:
            self._end()
            self.done.emit(made)

    def _fail(self, error: BaseException) -> None:
        self._end()
        self.failed.emit(error)

    def _end(self) -> None:
        was, self._job = self._job, None
        if was is not None:
            self.ended.emit()

    def _news(self, news: Any) -> None:
        if news.kind == "job" and news.job is self._job and self._job is not None and self._job.state == "running":
            self.progressed.emit(self._job.progress)


class LiveFace(QObject):
    """Draws the face that is being edited, and saves it.

    `drawn(picture, finished)`: `finished` is False if a larger picture follows. `saved(asset)`, `failed(error)`.
    """

    drawn = Signal(object, bool)
    failed = Signal(object)
    saved = Signal(object)

    def __init__(self, studio: Studio, parent: QObject) -> None:
        super().__init__(parent)
        self._studio = studio
        self._drawing, self._saving = LiveJobs(studio, self), LiveJobs(studio, self)
        self.face: AvatarRequest | None = None  # the face that is drawn; None while nothing is
        self.model = ""  # draws a face that names no model: looked up once, not at every move
        self._settle = timer(self, self._draw_full_size, SETTLE_DELAY)
        self._drawing.failed.connect(self._fail)
        self._saving.failed.connect(self.failed)

    def draw(self, face: AvatarRequest, *, moving: bool) -> None:
        """Draw a face at the network's own size at once, and at the size it asks for once it has stopped moving."""
        before, self.face = self.face, face
        if before is None or unnamed(before) != unnamed(face):
            self._submit(unnamed(face))
        if moving or face.size == "native":
            self._settle.stop()
        else:
            self._settle.start()

    def drop(self) -> None:
        """Stop drawing. A face that is being saved still is."""
        self.face = None
        self._settle.stop()
        self._drawing.stop()

    def close(self) -> None:
        self.drop()
        self._saving.stop()

    def save(self, face: AvatarRequest, parents: Sequence[str]) -> None:
        """Draw a face and save it in the library."""
        self._saving.submit(face, self._save, slot=None, parents=parents)

    @property
    def saving(self) -> bool:
        return self._saving.busy

    def _draw_full_size(self) -> None:
        if self.face is not None:
            self._submit(self.face.replace(name=""))

    def _submit(self, face: AvatarRequest) -> None:
        self._drawing.submit(face.replace(model=face.model or self.model), self._show, slot=SLOT)

    def _show(self, job: Job, made: list[Any]) -> None:
        if self.face is not None and made:
            request = job.request
            assert isinstance(request, AvatarRequest)
            self.drawn.emit(made[0], request.size == self.face.size and not self._settle.isActive())

    def _fail(self, error: BaseException) -> None:
        """Report the first error only: the larger picture of the same face would fail too."""
        self._settle.stop()
        self.face = None
        self.failed.emit(error)

    def _save(self, job: Job, made: list[Any]) -> None:
        try:
            works: list[Asset] = self._studio.save(job)
        except (StudioError, OSError) as error:
            self.failed.emit(error)
            return
        self.saved.emit(works[0])


class CandidateFaces(QObject):
    """Draws several faces to choose from. `drawn(index, picture)`: the picture of `faces[index]`."""

    drawn = Signal(int, object)
    failed = Signal(object)

    def __init__(self, studio: Studio, parent: QObject) -> None:
        super().__init__(parent)
        self.faces: list[AvatarRequest] = []
        self.pictures: dict[int, Image] = {}  # by the index of their faces
        self._jobs = LiveJobs(studio, self)
        self._jobs.failed.connect(self._fail)

    def draw(self, faces: Sequence[AvatarRequest]) -> None:
        """Draw these; cancel those of before."""
        self._jobs.stop()
        self.faces, self.pictures = list(faces), {}
        for at, face in enumerate(self.faces):
            job = self._jobs.submit(unnamed(face), lambda _, made, at=at: self._show(at, made), slot=f"{SLOT}.{at}")
            if job is None:
                break

    def stop(self) -> None:
        self._jobs.stop()

    def _show(self, at: int, made: list[Any]) -> None:
        if made:
            self.pictures[at] = made[0]
            self.drawn.emit(at, made[0])

    def _fail(self, error: BaseException) -> None:
        """All candidates fail for the same reason; report the first error only."""
        self._jobs.stop()
        self.failed.emit(error)


CACHED = 200  # pictures


class PortraitLoader(QObject):
    """Draws and caches portraits. `ready(face)`: its picture can be had now."""

    ready = Signal(object)

    def __init__(self, studio: Studio, parent: QObject) -> None:
        super().__init__(parent)
        self._jobs = LiveJobs(studio, self)
        self._pictures: LruCache[AvatarRequest, QPixmap] = LruCache(CACHED)
        self._pending: set[AvatarRequest] = set()
        self._jobs.failed.connect(lambda _: None)  # using the face fails too, and shows the error

    def get(self, face: AvatarRequest) -> QPixmap | None:
        """The picture of a face; None while it is being drawn, and if it cannot be."""
        face = unnamed(face)
        if face not in self._pictures and face not in self._pending:
            self._pending.add(face)
            self._jobs.submit(face, lambda _, made: self._drawn(face, made), slot=None)
        return self._pictures.get(face)

    def close(self) -> None:
        self._jobs.stop()
        self._pending.clear()

    def _drawn(self, face: AvatarRequest, made: list[Any]) -> None:
        if made:
            self._pictures.put(face, QPixmap.fromImage(pictures.of_payload(made[0])), 1)
            self.ready.emit(face)
        self._pending.discard(face)


def paint_portrait(painter: QPainter, box: QRectF, picture: QPixmap | None) -> None:
    """Paint a face with round corners, or a placeholder until there is a picture."""
    if picture is None:
        placeholder.block(painter, box)
    else:
        placeholder.picture(painter, box, picture)


def portrait_icon(picture: QPixmap | None, side: int, ratio: float) -> QIcon:
    """The portrait as the icon of a list, `side` pixels of `ratio` device pixels; not tinted while it is selected."""
    icon = QPixmap(QSize(side, side) * ratio)
    icon.setDevicePixelRatio(ratio)
    icon.fill(Qt.GlobalColor.transparent)
    painter = QPainter(icon)
    paint_portrait(painter, QRectF(0, 0, side, side), picture)
    painter.end()
    shown = QIcon(icon)
    shown.addPixmap(icon, QIcon.Mode.Selected)
    return shown


class PortraitView(QWidget):
    """One face, `side` pixels square."""

    def __init__(self, portraits: PortraitLoader, face: AvatarRequest, side: int) -> None:
        super().__init__()
        self._portraits, self.face = portraits, face
        self.setFixedSize(QSize(side, side))
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        portraits.ready.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_portrait(painter, QRectF(self.rect()), self._portraits.get(self.face))
        painter.end()
