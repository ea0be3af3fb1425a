"""How the works lie on the sheet of the poster starter, so that they can be shown one by one; reads no file."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize
from PySide6.QtGui import QImage

WORK, GUTTER = QSize(128, 192), 8  # pixels of a work on the sheet, and between the works
CELL = QSize(WORK.width() + GUTTER, WORK.height() + GUTTER)


def posters(sheet: QImage) -> bool:
    """Whether works of that size, and nothing else, lie on the sheet."""
    return sheet.width() % CELL.width() == GUTTER and sheet.height() % CELL.height() == GUTTER


def work(sheet: QImage, at: int) -> QRect:
    """Where a work lies; one place and one time of day further with each number, for as long as there are others."""
    across, down = sheet.width() // CELL.width(), sheet.height() // CELL.height()
    corner = QSize((at * 3 + 1) % across * CELL.width(), at % down * CELL.height())
    return QRect(GUTTER + corner.width(), GUTTER + corner.height(), WORK.width(), WORK.height())
