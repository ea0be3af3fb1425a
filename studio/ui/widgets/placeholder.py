"""Placeholders for pictures that are loading or missing."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from studio.ui.widgets import icons
from studio.ui.widgets.theme import SIZE, theme

PATIENCE = 120  # milliseconds without an answer before a block is shown: shorter, and it would only flash
LARGEST = 36.0  # pixels of the icon


def block(painter: QPainter, box: QRectF, radius: float = SIZE.radius) -> None:
    """Paint an empty block where a picture is being read."""
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme().colour("skeleton"))
    painter.drawRoundedRect(box, radius, radius)
    painter.restore()


def missing(painter: QPainter, box: QRectF, icon: str, radius: float = SIZE.radius) -> None:
    """Paint an icon where there is no picture."""
    block(painter, box, radius)
    side = min(LARGEST, box.width() * 0.36)
    sign = QRectF(0, 0, side, side)
    sign.moveCenter(box.center())
    icons.paint(painter, icon, sign, "muted")
