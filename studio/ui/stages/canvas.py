"""The canvas that shows one picture, or two compared: zoom, pan, cross-fade, and drags out of it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRectF, QSizeF, Qt, QVariantAnimation, Signal
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
from studio.ui.stages.stage import is_drag
from studio.ui.widgets.page import timer
from studio.ui.widgets.theme import theme

MARGIN = 24
MAX_FIT_SCALE = 6.0  # how far fitting enlarges a small picture
MIN_SCALE, MAX_SCALE = 0.05, 32.0
PIXELATED_FROM = 6.0  # the scale from which single pixels are drawn as squares
ROUGH_TIMEOUT = 160  # milliseconds after the last rough picture until it is scaled smoothly


class ViewTransform:
    """Where a picture lies in its room: `room` in widget pixels, `size` in pixels of the picture, `ratio` device pixels
    per widget pixel.

    Scales are device pixels per pixel of the picture: 1 is 100 %. A picture larger than the room can be panned until
    its edge is a margin inside the room; a smaller one stays in the middle.
    """

    def __init__(self) -> None:
        self.size = QSizeF()
        self.room = QSizeF()
        self.ratio = 1.0
        self.fitted = True
        self._scale = 1.0
        self._centre = QPointF()  # the point of the picture in the middle of the room

    @property
    def scale(self) -> float:
        if not self.fitted or self.size.isEmpty():
            return self._scale
        wide = max(1.0, self.room.width() - 2 * MARGIN) * self.ratio / self.size.width()
        high = max(1.0, self.room.height() - 2 * MARGIN) * self.ratio / self.size.height()
        return min(wide, high, MAX_FIT_SCALE * self.ratio)

    @property
    def step(self) -> float:
        """Widget pixels per pixel of the picture."""
        return self.scale / self.ratio

    def fit(self) -> None:
        self.fitted = True

    def zoom(self, scale: float, at: QPointF | None = None) -> None:
        """Set the scale, keeping the point of the picture under `at` where it is, so far as its edges allow."""
        middle = self._middle()
        at = middle if at is None else at
        held = (at - self.box().topLeft()) / self.step
        self.fitted = False
        self._scale = min(MAX_SCALE, max(MIN_SCALE, scale))
        self._centre = held - (at - middle) / self.step
        self._clamp()

    def pan(self, by: QPointF) -> None:
        """Move the picture by widget pixels, where it is larger than the room."""
        if not self.fitted:
            self._centre -= by / self.step
            self._clamp()

    def set_room(self, room: QSizeF, ratio: float) -> None:
        """The room was resized."""
        self.room, self.ratio = room, ratio
        self._clamp()

    def box(self) -> QRectF:
        """Where the picture lies, in widget pixels."""
        high, wide = self.size.height() * self.step, self.size.width() * self.step
        middle = self._middle()
        held = QPointF(self.size.width() / 2, self.size.height() / 2) if self.fitted else self._centre
        corner = middle - held * self.step
        return QRectF(round(corner.x()), round(corner.y()), wide, high)

    def _middle(self) -> QPointF:
        return QPointF(self.room.width() / 2, self.room.height() / 2)

    def _clamp(self) -> None:
        if not self.fitted:
            self._centre = QPointF(
                self._clamp_axis(self._centre.x(), self.size.width(), self.room.width()),
                self._clamp_axis(self._centre.y(), self.size.height(), self.room.height()),
            )

    def _clamp_axis(self, centre: float, size: float, room: float) -> float:
        reach = (room / 2 - MARGIN) / self.step
        return min(size - reach, max(reach, centre)) if size > 2 * reach else size / 2


class CrossFade(QObject):
    """A short cross-fade from one picture of `canvas` to the next. One that starts during another starts with the blend
    that is seen.
    """

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._old = QImage()
        self._run = QVariantAnimation(self)
        self._run.setStartValue(0.0)
        self._run.setEndValue(1.0)
        self._run.valueChanged.connect(lambda _: canvas.update())
        self._run.finished.connect(self.end)

    @property
    def active(self) -> bool:
        return not self._old.isNull()

    def start(self, now: QImage) -> None:
        """Fade from `now`, which is shown, to the next picture."""
        seen = self._blended(now) if self.active else now
        self.end()
        if theme().motion and self._canvas.isVisible() and not now.isNull():
            self._old = seen
            self._run.setDuration(theme().motion)
            self._run.start()

    def end(self) -> None:
        self._run.stop()
        self._old = QImage()
        self._canvas.update()

    def paint(self, painter: QPainter, box: QRectF, new: QImage) -> None:
        """Paint the blend; the background of transparent pictures is painted already."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        share = float(self._run.currentValue() or 0.0)
        painter.setOpacity(1.0 - share if new.hasAlphaChannel() else 1.0)
        painter.drawImage(box, self._old)
        painter.setOpacity(share)
        painter.drawImage(box, new)
        painter.restore()

    def _blended(self, new: QImage) -> QImage:
        made = QImage(new.size(), QImage.Format.Format_ARGB32_Premultiplied)
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        self.paint(painter, QRectF(made.rect()), new)
        painter.end()
        return made


class PictureCanvas(QWidget):
    """`view_changed`: another scale, size or picture. `drag_started(left)`: a picture is dragged out of the canvas."""

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
        self._preview = False  # a better picture follows
        self._fade = CrossFade(self)
        self._rest = timer(self, self._settle, ROUGH_TIMEOUT)
        self._press: QPoint | None = None
        self._sliding = False
        self.setMouseTracking(True)
        theme().changed.connect(self.update)

    def show_image(
        self, image: QImage, size: QSizeF | None = None, *, rough: bool = False, at_once: bool = False
    ) -> None:
        """Show a picture at `size` (its own if None), with the zoom of the one before if that had the same size.

        A `rough` one is scaled fast until no other has come for a while. It fades into the next one, unless that is
        shown `at_once`, as while a slider moves.
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
        """Lay out again: the room, the picture or the comparison has changed."""
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
        super().mousePressEvent(event)  # the stage takes the keyboard

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
