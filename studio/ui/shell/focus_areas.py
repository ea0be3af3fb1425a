"""Steps of the keyboard from one area of the window to the next; knows widgets, not what they are for."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget


def step(areas: Sequence[QWidget], by: int) -> None:
    """Give the keyboard to the next (+1) or previous (-1) area that is seen and takes it."""
    focused = QApplication.focusWidget()
    here = next((at for at, area in enumerate(areas) if focused is not None and _holds(area, focused)), -1)
    start = here if here >= 0 or by > 0 else 0
    for distance in range(1, len(areas) + 1):
        target = first(areas[(start + by * distance) % len(areas)])
        if target is not None:
            target.setFocus(Qt.FocusReason.TabFocusReason)
            return


def first(area: QWidget) -> QWidget | None:
    """The widget of an area that takes the keyboard first: what is chosen in it, else the first in tab order."""
    if not area.isVisible():
        return None
    found = [each for each in [area, *area.findChildren(QWidget)] if _takes(each)]
    return next((each for each in found if getattr(each, "isChecked", bool)()), found[0] if found else None)


def _holds(area: QWidget, widget: QWidget) -> bool:
    return area is widget or area.isAncestorOf(widget)


def _takes(widget: QWidget) -> bool:
    return widget.isVisible() and widget.isEnabled() and bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
