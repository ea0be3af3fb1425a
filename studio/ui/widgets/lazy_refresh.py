"""Refreshes a view when its data changed: now if it is visible, otherwise when it is next shown."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget


class LazyRefresh(QObject):
    """Calls `refresh` for `view`. `stale`: refresh it when it is first shown."""

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
