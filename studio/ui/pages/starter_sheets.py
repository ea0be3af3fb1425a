"""The layout of the poster starter's sample sheet, so that its samples can be shown one by one."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize
from PySide6.QtGui import QImage

WORK, GUTTER = QSize(128, 192), 8  # pixels of a sample on the sheet, and between samples
CELL = QSize(WORK.width() + GUTTER, WORK.height() + GUTTER)


def posters(sheet: QImage) -> bool:
    """Whether the sheet has this layout."""
    return sheet.width() % CELL.width() == GUTTER and sheet.height() % CELL.height() == GUTTER


def work(sheet: QImage, at: int) -> QRect:
    """The rectangle of a sample; each next number is another place and another time of day."""
    across, down = sheet.width() // CELL.width(), sheet.height() // CELL.height()
    corner = QSize((at * 3 + 1) % across * CELL.width(), at % down * CELL.height())
    return QRect(GUTTER + corner.width(), GUTTER + corner.height(), WORK.width(), WORK.height())
