"""The ground that pictures are drawn on: one, or two compared, zoomed and panned by hand; it knows no works."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QImage,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from studio.ui.stages import pictures
from studio.ui.stages.compare import Comparison
from studio.ui.stages.fade import CrossFade
from studio.ui.stages.stage import is_drag
from studio.ui.stages.view import ViewTransform
from studio.ui.widgets.theme import theme

PIXELATED_FROM = 6.0  # from here on single pixels are to be seen as such
ROUGH_TIMEOUT = 160  # milliseconds after the last rough picture until it is drawn with care


class PictureCanvas(QWidget):
    """`looked` follows every change of the scale, `pulled(left)` a drag that is to take a picture elsewhere."""

    view_changed = Signal()
    drag_started = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.image = QImage()
        self.comparison: Comparison | None = None
        self.focus_ring = False
        self._view = ViewTransform()
        self._fine = pictures.ScaledPictures()
        self._rough = False
        self._preview = False  # what is shown is not yet what it will be
        self._fade = CrossFade(self)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(ROUGH_TIMEOUT)
        self._rest.timeout.connect(self._settle)
        self._press: QPoint | None = None
        self._sliding = False
        self.setMouseTracking(True)
        theme().changed.connect(self.update)

    def show_image(
        self, image: QImage, size: QSizeF | None = None, *, rough: bool = False, at_once: bool = False
    ) -> None:
        """Show a picture as large as one of `size`, in the view of the one before where that was of the same size.

        A rough one is drawn quickly until no other has come for a while, and fades into what follows it,
        unless that is to be seen `at_once`, as under a moving hand.
        """
        whole = QSizeF(image.size()) if size is None else size
        if (rough or self._preview) and not at_once and self.comparison is None and whole == self._view.size:
            self._fade.start(self.image)
        else:
            self._fade.end()
        self.image = image
        self._rough = self._preview = rough
        if rough:
            self._rest.start()
        if whole != self._view.size:
            self._view.size = whole
            self._view.fit()
        self.update_view()

    def compare(self, pair: Comparison | None) -> None:
        self.comparison = pair
        self.update_view()

    @property
    def scale(self) -> float:
        return self._view.scale

    def box(self) -> QRectF:
        """Where the picture lies in its room."""
        return self._view.box()

    def fit(self) -> None:
        self._view.fit()
        self.update_view()

    def zoom(self, scale: float, at: QPointF | None = None) -> None:
        """Set the scale, keeping the point of the picture under `at` where it is."""
        if not self.image.isNull():
            self._view.zoom(scale, None if at is None else at - self._room_at(at).topLeft())
            self.update_view()

    def pan(self, by: QPointF) -> None:
        self._view.pan(by)
        self.update()

    def slide(self, by: float) -> None:
        """Move the line between two pictures by a share of the room."""
        if self.comparison is not None:
            room = QRectF(self.rect())
            self.comparison.slide(self.comparison.line(room) + by * room.width(), room)
            self.update()

    def update_view(self) -> None:
        """The room, the picture or the way to look at it has changed."""
        self._view.set_room(self._rooms()[1].size(), self.devicePixelRatioF())
        self.view_changed.emit()
        self.update()

    def _settle(self) -> None:
        self._rough = False
        self.update()

    def _rooms(self) -> tuple[QRectF, QRectF]:
        room = QRectF(self.rect())
        return (room, room) if self.comparison is None else self.comparison.rooms(room)

    def _room_at(self, at: QPointF) -> QRectF:
        left, right = self._rooms()
        return left if left.contains(at) else right

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme().colour("stage"))
        if not self.image.isNull():
            if self.comparison is not None:
                self.comparison.paint(painter, QRectF(self.rect()), self._view.box(), self.image, self._draw)
            else:
                self._draw(painter, self.image, self._view.box())
        if self.focus_ring and not self.image.isNull():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme().colour("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self.rect().adjusted(6, 3, -6, -3), 6, 6)
        painter.end()

    def _draw(self, painter: QPainter, image: QImage, box: QRectF) -> None:
        if image.hasAlphaChannel():
            pictures.checkerboard(painter, box.intersected(QRectF(self.rect())))
        if self._fade.active and image is self.image:
            self._fade.paint(painter, box, image)
        elif self._view.fitted and not self._rough:
            painter.drawPixmap(box.topLeft(), self._fine.get(image, box.size(), self.devicePixelRatioF()))
        else:
            smooth = self._rough or self.scale < PIXELATED_FROM
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
            painter.drawImage(box, image)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self.update_view()
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self.zoom(self.scale * (1 + event.value()), event.position())
            return True
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.update_view()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """A wheel zooms; a touchpad pans what is larger than the stage, and zooms with Ctrl or by pinching."""
        zooming = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if event.phase() != Qt.ScrollPhase.NoScrollPhase and not zooming:
            self.pan(QPointF(event.pixelDelta()))
        elif event.angleDelta().y():
            self.zoom(self.scale * 1.2 ** (event.angleDelta().y() / 120), event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._press = event.position().toPoint()
            self._sliding = self._on_line(event.position())
        super().mousePressEvent(event)  # on to the stage, which takes the keyboard

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._press is None or self.image.isNull():
            self.setCursor(Qt.CursorShape.SplitHCursor if self._on_line(at) else Qt.CursorShape.ArrowCursor)
            return
        now = at.toPoint()
        if self._sliding and self.comparison is not None:
            self.comparison.slide(at.x(), QRectF(self.rect()))
            self.update()
        elif not self._view.fitted:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self.pan(QPointF(now - self._press))
            self._press = now
        elif is_drag(self._press, now):
            left = self.comparison is not None and self.comparison.at_left(QPointF(self._press), QRectF(self.rect()))
            self._press = None
            self.drag_started.emit(left)

    def _on_line(self, at: QPointF) -> bool:
        return self.comparison is not None and self.comparison.on_line(at, QRectF(self.rect()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._press, self._sliding = None, False
        self.unsetCursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._view.fitted:
            self.zoom(1.0, event.position())
        else:
            self.fit()
