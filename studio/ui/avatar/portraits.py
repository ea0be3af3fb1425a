"""Small pictures of faces that are named by requests, drawn when first wanted; knows no works and no files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from studio.backends.avatar.requests import AvatarRequest
from studio.ui.avatar import face_ops
from studio.ui.avatar.live_face import LiveJobs
from studio.ui.stages import pictures
from studio.ui.widgets import placeholder
from studio.ui.widgets.theme import SIZE, theme

if TYPE_CHECKING:
    from studio.studio import Studio

KEPT = 200


class PortraitLoader(QObject):
    """`ready` has the face whose picture has come."""

    ready = Signal(object)

    def __init__(self, studio: Studio, parent: QObject) -> None:
        super().__init__(parent)
        self._live = LiveJobs(studio, self)
        self._kept: dict[AvatarRequest, QPixmap] = {}
        self._asked: set[AvatarRequest] = set()
        self._live.failed.connect(lambda _: None)  # who uses the face will say what is wrong with it

    def get(self, face: AvatarRequest) -> QPixmap | None:
        """The picture of a face; None while it is being drawn, and where it cannot be."""
        face = face_ops.unnamed(face)
        if face not in self._kept and face not in self._asked:
            self._asked.add(face)
            self._live.ask(face, lambda _, made: self._came(face, made), slot=None)
        return self._kept.get(face)

    def close(self) -> None:
        self._live.stop()
        self._asked.clear()

    def _came(self, face: AvatarRequest, made: list[Any]) -> None:
        if made:
            while len(self._kept) >= KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[face] = QPixmap.fromImage(pictures.of_payload(made[0]))
            self.ready.emit(face)
        self._asked.discard(face)


def paint_portrait(painter: QPainter, box: QRectF, picture: QPixmap | None) -> None:
    """A face in a square with round corners; where its picture is still to come, a quiet block."""
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
