"""The stage for pictures: fit, one to one, zoom, pan, a board behind transparency; it keeps no history."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QFocusEvent,
    QGuiApplication,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QWheelEvent,
)
from PySide6.QtWidgets import QLabel, QToolButton

from studio.library import Asset
from studio.media import Image, Payload
from studio.ui.stages import pictures
from studio.ui.stages.stage import Stage, drag_out, far_enough
from studio.ui.theme import theme
from studio.ui.widgets import label, tool
from studio.ui.words import tr

ENLARGE = 6.0  # how far fitting enlarges a small picture
FARTHEST, NEAREST = 0.05, 32.0
BLOCKS = 6.0  # from here on single pixels are to be seen as such


class ImageStage(Stage):
    """One picture. Scales are device pixels per pixel of the picture: 1 is 100 %."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Picture"))
        self.setMinimumSize(160, 120)
        self.image = QImage()
        self.asset: Asset | None = None
        self._fitted = True
        self._scale = 1.0
        self._centre = QPointF()  # the point of the picture in the middle of the stage
        self._shown: QPixmap | None = None
        self._press: QPoint | None = None
        self._ringed = False
        self._percent = label("", "caption")
        self._percent.setObjectName("zoom")
        self._percent.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._percent.setMinimumWidth(44)
        self._tools = (
            tool("fit", tr("Fit (0)"), "fit", clicked=self.fit),
            tool("actual", tr("One to one (1)"), "actual", clicked=lambda: self.zoom_to(1.0)),
            tool("copy", tr("Copy picture"), "copy", clicked=self.copy),
        )
        theme().changed.connect(self.update)

    @property
    def percent(self) -> QLabel:
        return self._percent

    def tools(self) -> Sequence[QToolButton]:
        return self._tools

    def show_asset(self, asset: Asset) -> None:
        image = pictures.load(asset.path)
        self.asset = asset
        self.setAccessibleDescription(asset.title)
        self._take(image, keep_view=False)

    def preview(self, payload: Payload) -> None:
        if isinstance(payload, Image):
            self.asset = None
            self._take(pictures.of_payload(payload), keep_view=True)

    def clear(self) -> None:
        self.asset = None
        self._take(QImage(), keep_view=False)

    def copy(self) -> None:
        if not self.image.isNull():
            QGuiApplication.clipboard().setImage(self.image)
            self.said.emit(tr("The picture is on the clipboard."), "")

    def fit(self) -> None:
        self._fitted = True
        self._changed()

    def zoom_to(self, scale: float, at: QPointF | None = None) -> None:
        """Set the scale, keeping the point of the picture under `at` (widget coordinates) where it is."""
        if self.image.isNull():
            return
        at = at or QPointF(self.width() / 2, self.height() / 2)
        held = self._to_picture(at)
        if self._fitted:
            self._centre = QPointF(self.image.width() / 2, self.image.height() / 2)
        self._fitted = False
        self._scale = min(NEAREST, max(FARTHEST, scale))
        step = self._scale / self.devicePixelRatioF()
        middle = QPointF(self.width() / 2, self.height() / 2)
        self._centre = held - (at - middle) / step
        self._changed()

    @property
    def scale(self) -> float:
        """Device pixels per pixel of the picture."""
        if not self._fitted or self.image.isNull():
            return self._scale
        ratio = self.devicePixelRatioF()
        margin = 24
        wide = max(1.0, self.width() - 2 * margin) * ratio / self.image.width()
        high = max(1.0, self.height() - 2 * margin) * ratio / self.image.height()
        return min(wide, high, ENLARGE * ratio)

    def _take(self, image: QImage, *, keep_view: bool) -> None:
        same = image.size() == self.image.size()
        self.image = image
        if not (keep_view and same):
            self._fitted = True
        self._changed()

    def _changed(self) -> None:
        self._shown = None
        self._percent.setText("" if self.image.isNull() else f"{self.scale * 100:.0f} %")
        self.update()

    def _box(self) -> QRectF:
        """Where the picture lies, in widget coordinates."""
        step = self.scale / self.devicePixelRatioF()
        size = QPointF(self.image.width() * step, self.image.height() * step)
        middle = QPointF(self.width() / 2, self.height() / 2)
        corner = middle - size / 2 if self._fitted else middle - self._centre * step
        return QRectF(round(corner.x()), round(corner.y()), size.x(), size.y())

    def _to_picture(self, at: QPointF) -> QPointF:
        return (at - self._box().topLeft()) / (self.scale / self.devicePixelRatioF())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme().colour("stage"))
        if not self.image.isNull():
            box = self._box()
            if self.image.hasAlphaChannel():
                pictures.board(painter, box.intersected(QRectF(self.rect())))
            if self._fitted:
                painter.drawPixmap(box.topLeft(), self._finely(box))
            else:
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.scale < BLOCKS)
                painter.drawImage(box, self.image)
        if self._ringed and not self.image.isNull():
            painter.setPen(QPen(theme().colour("accent"), 2))
            painter.drawRoundedRect(self.rect().adjusted(6, 3, -6, -3), 6, 6)
        painter.end()

    def _finely(self, box: QRectF) -> QPixmap:
        if self._shown is None:
            ratio = self.devicePixelRatioF()
            size = QSize(max(1, round(box.width() * ratio)), max(1, round(box.height() * ratio)))
            self._shown = QPixmap.fromImage(pictures.scaled(self.image, size))
            self._shown.setDevicePixelRatio(ratio)
        return self._shown

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.DevicePixelRatioChange):
            self._changed()
        return super().event(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """A ring shows where the keyboard is, to those who came by keyboard."""
        by_key = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)
        self._ringed = event.reason() in by_key
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._ringed = False
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        turns = event.angleDelta().y() / 120
        if turns:
            self.zoom_to(self.scale * 1.2**turns, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if event.button() == Qt.MouseButton.LeftButton:
            self._press = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._press is None or self.image.isNull():
            return
        now = event.position().toPoint()
        if self._fitted:
            if self.asset is not None and far_enough(self._press, now):
                self._press = None
                drag_out(self, self.asset, QPixmap.fromImage(self.image))
            return
        self.setCursor(Qt.CursorShape.ClosedHandCursor)
        self._centre -= QPointF(now - self._press) / (self.scale / self.devicePixelRatioF())
        self._press = now
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._press = None
        self.unsetCursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._fitted:
            self.zoom_to(1.0, event.position())
        else:
            self.fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.stepped.emit(1 if key == Qt.Key.Key_Right else -1)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_to(self.scale * 1.25)
        elif key == Qt.Key.Key_Minus:
            self.zoom_to(self.scale / 1.25)
        elif key == Qt.Key.Key_0:
            self.fit()
        elif key == Qt.Key.Key_1:
            self.zoom_to(1.0)
        else:
            super().keyPressEvent(event)
