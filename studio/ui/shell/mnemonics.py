"""The letters that open menus, underlined only while Alt is held or a menu was opened by it; knows no deeds."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QAction, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QMainWindow, QMenu

ENDS = (QEvent.Type.FocusOut, QEvent.Type.WindowDeactivate)


class Mnemonics(QObject):
    """`texts` are the actions' words with their marks. Qt underlines every mark it finds, so at rest there are none.

    Where menus have no such letters, as on macOS, nothing is done.
    """

    def __init__(self, window: QMainWindow, texts: Mapping[QAction, str]) -> None:
        super().__init__(window)
        self._window, self._texts = window, texts
        self.shown = True
        if sys.platform != "darwin":
            self._show(False)
            window.installEventFilter(self)
            for action in texts:
                menu = action.menu()
                if isinstance(menu, QMenu):
                    menu.aboutToHide.connect(self._soon)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Hear the keys of the whole window, from where they come in."""
        if watched is self._window:
            if event.type() == QEvent.Type.Show:
                self._window.removeEventFilter(self)
                self._window.windowHandle().installEventFilter(self)
        elif isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Alt:
            if event.type() == QEvent.Type.KeyPress:
                self._show(True)
            else:
                self._soon()
        elif event.type() in ENDS:
            self._soon()
        return False

    def _soon(self) -> None:
        """Once it is known whether a menu opens or closes."""
        if self.shown:
            QTimer.singleShot(0, self, self._rest)

    def _rest(self) -> None:
        held = bool(QGuiApplication.keyboardModifiers() & Qt.KeyboardModifier.AltModifier)
        if not held and self._window.menuBar().activeAction() is None:
            self._show(False)

    def _show(self, on: bool) -> None:
        if on != self.shown:
            self.shown = on
            for action, text in self._texts.items():
                action.setText(text if on else text.replace("&", ""))
