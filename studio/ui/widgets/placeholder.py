"""Pictures with round corners, and what stands where there are none: loading, missing, an empty list."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from studio.ui.widgets import icons
from studio.ui.widgets.controls import button, label
from studio.ui.widgets.layout import add, column, row
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE, theme

PATIENCE = 120  # milliseconds without an answer before a block is shown: shorter, and it would only flash
LARGEST = 36.0  # pixels of the icon


SQUARE = QSize(1, 1)


def fitted(shape: QSize, box: QRectF) -> QRectF:
    """The largest rectangle of the proportions of `shape` in the middle of a box."""
    size = QSizeF(shape).scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio)
    found = QRectF(QPointF(0, 0), size)
    found.moveCenter(box.center())
    return found


def block(painter: QPainter, box: QRectF, radius: float = SIZE.radius) -> None:
    """Paint an empty block where a picture is being read."""
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme().colour("skeleton"))
    painter.drawRoundedRect(box, radius, radius)
    painter.restore()


def picture(painter: QPainter, box: QRectF, shown: QPixmap, radius: float = SIZE.radius, ground: str = "mat") -> None:
    """Paint a picture into a box with round corners, on the theme's colour of that name where it is transparent."""
    painter.save()
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    path = QPainterPath()
    path.addRoundedRect(box, radius, radius)
    painter.fillPath(path, theme().colour(ground))
    painter.setClipPath(path)
    painter.drawPixmap(box, shown, QRectF(shown.rect()))
    painter.restore()


def missing(painter: QPainter, box: QRectF, icon: str, radius: float = SIZE.radius) -> None:
    """Paint an icon where there is no picture."""
    block(painter, box, radius)
    side = min(LARGEST, box.width() * 0.36)
    sign = QRectF(0, 0, side, side)
    sign.moveCenter(box.center())
    icons.paint(painter, icon, sign, "muted")


class LargeIcon(QWidget):
    """A large quiet icon, where there is no picture to show."""

    def __init__(self, icon: str) -> None:
        super().__init__()
        self._icon = icon
        self.setFixedSize(72, 72)
        theme().changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().colour("accent_soft"))
        painter.drawEllipse(self.rect())
        icons.paint(painter, self._icon, QRectF(18, 18, 36, 36), "accent")
        painter.end()


class EmptyState(QWidget):
    """An icon, why there is nothing, and a button; `left`: it was pressed."""

    left = Signal()

    def __init__(self, icon: str = "library") -> None:
        super().__init__()
        self._words = label("", "title", name="nothing", wrap=True)
        self._words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._hint = label("", "muted", wrap=True)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._out = button("", "wayOut", clicked=self.left.emit)
        self._out.setAccessibleName(tr("Continue"))
        whole = column(self, None, spacing=12, margins=(32, 0, 32, 0))
        add(whole, row(None, LargeIcon(icon), None), self._words, self._hint, row(None, self._out, None), None)

    def say(self, words: str, hint: str, way_out: str) -> None:
        """Say why there is nothing; without words for a way out, no button."""
        self._words.setText(words)
        self._hint.setText(hint)
        self._out.setText(way_out)
        self._out.setAccessibleName(way_out or tr("Continue"))
        self._out.setVisible(bool(way_out))
