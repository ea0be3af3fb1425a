"""A page of the window, and when it and its parts act: refreshed when seen, or by a timer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, SignalInstance
from PySide6.QtWidgets import QWidget


class Page(QWidget):
    """What the window asks of each page; a page that has nothing to do for it leaves it out."""

    def __init__(self, name: str = "page") -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)

    def focus_first(self) -> None:
        """Focus what a person most likely wants first."""
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def leave(self) -> None:
        """Another page is shown."""

    def close_down(self) -> None:
        """The window closes."""

    def state(self) -> dict[str, Any]:
        """What is restored at the next start."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore a state; ignore what is not valid."""


class LazyRefresh(QObject):
    """Calls `refresh` when the data of `view` changed: now if it is visible, otherwise when it is next shown.

    `stale`: refresh it when it is first shown.
    """

    def __init__(self, view: QWidget, refresh: Callable[[], object], *, stale: bool = False) -> None:
        super().__init__(view)
        self._view, self._refresh, self._stale = view, refresh, stale
        view.installEventFilter(self)

    def changed(self) -> None:
        """The data changed."""
        if self._view.isVisible():
            self._refresh()
        else:
            self._stale = True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and self._stale:
            self._stale = False
            self._refresh()
        return False


def timer(
    parent: QObject, do: Callable[[], object] | SignalInstance, milliseconds: int = 0, *, repeat: bool = False
) -> QTimer:
    """A timer that is to be started; it runs `do` once, or until it is stopped."""
    made = QTimer(parent, singleShot=not repeat, interval=milliseconds)
    made.timeout.connect(do)
    return made
