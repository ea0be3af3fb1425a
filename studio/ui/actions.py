"""Every action of the window in one table: its menu, words, shortcut and what it calls; menus are made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from studio.ui.words import tr


@dataclass(frozen=True, slots=True)
class Deed:
    """`name` is the action's object name and the key of what it calls. `rule` draws a line before it."""

    name: str
    menu: str
    text: str
    keys: str = ""
    rule: bool = False
    role: QAction.MenuRole = QAction.MenuRole.NoRole


DEEDS: tuple[Deed, ...] = (
    Deed("save", "&File", "Save a &copy…", "Ctrl+S"),
    Deed("reveal", "&File", "Show in &folder", "Ctrl+Shift+R"),
    Deed("settings", "&File", "&Settings", "Ctrl+,", rule=True, role=QAction.MenuRole.PreferencesRole),
    Deed("quit", "&File", "&Quit", "Ctrl+Q", rule=True, role=QAction.MenuRole.QuitRole),
    Deed("copy", "&Work", "&Copy work", "Ctrl+Shift+C"),
    Deed("favourite", "&Work", "&Favourite", "Ctrl+D"),
    Deed("recall", "&Work", "&Use its brief", "Ctrl+B", rule=True),
    Deed("again", "&Work", "Make &again", "Ctrl+Shift+G"),
    Deed("vary", "&Work", "&Vary", "Ctrl+Shift+Y"),
    Deed("previous", "&Work", "&Previous work", "Alt+Left", rule=True),
    Deed("next", "&Work", "&Next work", "Alt+Right"),
    Deed("bin", "&Work", "Move to the &bin", "Ctrl+Backspace", rule=True),
    Deed("generate", "&Make", "&Generate", "Ctrl+Return"),
    Deed("cancel", "&Make", "&Cancel", "Esc"),
    Deed("example", "&Make", "Try an &example", "Ctrl+E", rule=True),
    Deed("roll", "&Make", "&Roll a new seed", "Ctrl+R"),
    Deed("lock", "&Make", "&Keep the seed", "Ctrl+L"),
    Deed("queue", "&View", "&Queue", "Ctrl+J"),
    Deed("find", "&View", "&Find in the library", "Ctrl+F"),
    Deed("light", "&View", "&Light", rule=True),
    Deed("dark", "&View", "&Dark"),
    Deed("system", "&View", "&As the system"),
    Deed("about", "&Help", "&About AIGC Studio", role=QAction.MenuRole.AboutRole),
)

MENUS = ("&File", "&Work", "&Make", "&View", "&Help")


def build(window: QMainWindow, act: Callable[[str], object], pages: list[tuple[str, str]]) -> dict[str, QAction]:
    """Fill the menu bar. `act` is called with an action's name; `pages` (name, title) become the first of the view."""
    bar = window.menuBar()
    menus: dict[str, QMenu] = {}
    for title in MENUS:
        menu = QMenu(tr(title), bar)
        bar.addMenu(menu)
        menus[title] = menu
    actions: dict[str, QAction] = {}
    table = [Deed(f"page.{name}", "&View", title, f"Ctrl+{at}") for at, (name, title) in enumerate(pages, 1)]
    for deed in [*table, *DEEDS]:
        menu = menus[deed.menu]
        if deed.rule or (deed.name == "queue" and table):
            menu.addSeparator()
        action = QAction(tr(deed.text), window)
        action.setObjectName(f"action.{deed.name}")
        action.setMenuRole(deed.role)
        if deed.keys:
            action.setShortcut(QKeySequence(deed.keys))
        action.triggered.connect(lambda _=False, name=deed.name: act(name))
        if deed.name in ("light", "dark", "system"):
            action.setCheckable(True)
        menu.addAction(action)
        actions[deed.name] = action
    return actions
