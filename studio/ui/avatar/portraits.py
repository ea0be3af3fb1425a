"""Small pictures of faces, drawn by their model when they are first shown, and cached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from studio.backends.avatar.requests import AvatarRequest
from studio.ui.avatar import face_ops
from studio.ui.avatar.live_jobs import LiveJobs
from studio.ui.stages import pictures
from studio.ui.widgets import placeholder
from studio.ui.widgets.lru_cache import LruCache
from studio.ui.widgets.theme import SIZE, theme

if TYPE_CHECKING:
    from studio.studio import Studio

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
        face = face_ops.unnamed(face)
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
        return
    painter.save()
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    path = QPainterPath()
    path.addRoundedRect(box, SIZE.radius, SIZE.radius)
    painter.fillPath(path, theme().colour("mat"))
    painter.setClipPath(path)
    painter.drawPixmap(box, picture, QRectF(picture.rect()))
    painter.restore()


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
