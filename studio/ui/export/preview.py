"""The preview of an export, large and at icon sizes; dragging moves the picture."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from studio.ui.stages import pictures
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE, theme

SIDE = 360  # pixels of the large preview
SMALL = (96, 48, 24)


class ExportPreview(QWidget):
    """`moved(across, down)`: by a drag, in shares of the sides."""

    moved = Signal(float, float)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("exportPreview")
        self.setAccessibleName(tr("Preview"))
        self.setToolTip(tr("Drag to move the picture"))
        self.setFixedSize(self.sizeHint())
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.image = QImage()
        self._small: list[QImage] = []
        self._at: QPointF | None = None
        theme().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(SIDE, SIDE + SIZE.large + SMALL[0])

    @property
    def pixels(self) -> int:
        """Device pixels of the large one's side."""
        return round(SIDE * self.devicePixelRatioF())

    def show_image(self, image: QImage) -> None:
        """Show a picture, its longer side `pixels` long."""
        self.image = image
        ratio = self.devicePixelRatioF()
        self._small = [pictures.scaled(image, (self._box(side).size() * ratio).toSize()) for side in SMALL]
        self.update()

    def _box(self, side: int) -> QRectF:
        """Where the picture lies in the middle of a square."""
        wide, high = max(1, self.image.width()), max(1, self.image.height())
        scale = side / max(wide, high)
        size = QSizeF(max(1, round(wide * scale)), max(1, round(high * scale)))
        return QRectF(QPointF((side - size.width()) / 2, (side - size.height()) / 2), size)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        whole = self._box(SIDE)
        pictures.checkerboard(painter, whole)
        if not self.image.isNull():
            painter.drawImage(whole, self.image)
        left = 0.0
        for side, image in zip(SMALL, self._small, strict=False):
            box = self._box(side).translated(left, SIDE + SIZE.large + (SMALL[0] - side) / 2)
            pictures.checkerboard(painter, box, 4)
            painter.drawImage(box, image)
            left += side + SIZE.medium
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._at = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._at is not None:
            by, whole = event.position() - self._at, self._box(SIDE)
            self._at = event.position()
            self.moved.emit(by.x() / whole.width(), by.y() / whole.height())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._at = None
        self.setCursor(Qt.CursorShape.OpenHandCursor)
