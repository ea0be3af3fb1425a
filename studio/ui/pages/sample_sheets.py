"""Finds single samples on the sample sheet of a model."""

from __future__ import annotations

from PySide6.QtCore import QRect
from PySide6.QtGui import QImage

from studio.backends.medium import SampleSheet


def fits(sheet: QImage, layout: SampleSheet) -> bool:
    wide, high = layout.width + layout.gap, layout.height + layout.gap
    return not sheet.isNull() and sheet.width() % wide == layout.gap and sheet.height() % high == layout.gap


def sample(sheet: QImage, layout: SampleSheet, at: int) -> QRect:
    """The rectangle of a sample; the next number is in another row and another column, so that it differs."""
    wide, high = layout.width + layout.gap, layout.height + layout.gap
    across, down = sheet.width() // wide, sheet.height() // high
    left, top = (at * 3 + 1) % across * wide, at % down * high
    return QRect(layout.gap + left, layout.gap + top, layout.width, layout.height)


def cells(sheet: QImage, layout: SampleSheet) -> list[QRect]:
    """The rectangles of all samples, in an order in which neighbours differ."""
    wide, high = layout.width + layout.gap, layout.height + layout.gap
    number = (sheet.width() // wide) * (sheet.height() // high)
    found = (sample(sheet, layout, at).getRect() for at in range(4 * number))
    return [QRect(*each) for each in dict.fromkeys(found)][:number]
