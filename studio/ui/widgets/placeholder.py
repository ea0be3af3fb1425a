"""Placeholders for pictures that are loading or missing."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from studio.ui.widgets import icons
from studio.ui.widgets.theme import SIZE, theme

PATIENCE = 120  # milliseconds without an answer before a block is shown: shorter, and it would only flash
LARGEST = 36.0  # pixels of a sign


def block(painter: QPainter, box: QRectF, radius: float = SIZE.radius) -> None:
    """Something is being read and will stand here."""
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme().colour("skeleton"))
    painter.drawRoundedRect(box, radius, radius)
    painter.restore()


def missing(painter: QPainter, box: QRectF, icon: str, radius: float = SIZE.radius) -> None:
    """There is no picture of it: what kind of thing it is."""
    block(painter, box, radius)
    side = min(LARGEST, box.width() * 0.36)
    sign = QRectF(0, 0, side, side)
    sign.moveCenter(box.center())
    icons.paint(painter, icon, sign, "muted")
