"""The menu bar, made from the table of commands; its letters are underlined only while Alt is held."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QAction, QActionGroup, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QMainWindow, QMenu

from studio.ui import commands
from studio.ui.commands import MENUS, Command, Context
from studio.ui.widgets.text import tr

END_EVENTS = (QEvent.Type.FocusOut, QEvent.Type.WindowDeactivate)


def build(window: QMainWindow, context: Callable[[], Context]) -> dict[str, QAction]:
    """Fill the menu bar; the actions by their commands' names.

    A menu disables what cannot be run when it opens. Once it is closed all shortcuts work again: whether one can be
    run is found out when it is pressed.
    """
    bar = window.menuBar()
    table = [each for each in commands.table() if each.menu]
    actions: dict[str, QAction] = {}
    menus: dict[str, QMenu] = {}
    checkable = QActionGroup(window)

    def update(menu: str) -> None:
        now = context()
        for each in table:
            if each.menu == menu:
                actions[each.name].setEnabled(each.can_run(now))

    def enable_all() -> None:
        for action in actions.values():
            action.setEnabled(True)

    for title in MENUS:
        menu = menus[title] = QMenu(tr(title), bar)
        menu.aboutToShow.connect(lambda title=title: update(title))
        menu.aboutToHide.connect(enable_all)
        bar.addMenu(menu)
    for each in table:
        if each.line:
            menus[each.menu].addSeparator()
        action = actions[each.name] = _action(each, window, context)
        if each.checkable:
            checkable.addAction(action)
        menus[each.menu].addAction(action)
    marked = {menu.menuAction(): tr(title) for title, menu in menus.items()}
    marked.update({actions[each.name]: tr(each.label) for each in table})
    Mnemonics(window, marked)
    return actions


def _action(command: Command, window: QMainWindow, context: Callable[[], Context]) -> QAction:
    action = QAction(tr(command.label), window)
    action.setObjectName(f"action.{command.name}")
    action.setMenuRole(command.role)
    action.setCheckable(command.checkable)
    if command.keys:
        action.setShortcut(command.shortcut)
    action.triggered.connect(lambda: command.trigger(context()))
    return action


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
        """Watch the key events of the whole window."""
        if watched is self._window:
            if event.type() == QEvent.Type.Show:
                self._window.removeEventFilter(self)
                self._window.windowHandle().installEventFilter(self)
        elif isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Alt:
            if event.type() == QEvent.Type.KeyPress:
                self._show(True)
            else:
                self._soon()
        elif event.type() in END_EVENTS:
            self._soon()
        return False

    def _soon(self) -> None:
        """Update the marks after a menu has opened or closed."""
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
