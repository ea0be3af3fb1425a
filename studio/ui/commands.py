"""Every action of the window in one table: its menu, words and shortcut. Menus, palette and shortcut list read it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from studio.ui.shell.mnemonics import Mnemonics
from studio.ui.widgets.text import tr

PAGES = ("avatar", "poster", "story", "music", "library", "models")  # Ctrl+1 and so on
THEMES = ("light", "dark", "system")


@dataclass(frozen=True, slots=True)
class Command:
    """`name` is the action's object name and the key of what it calls. `rule` draws a line before it.

    One that is `always` there means something on every page; of the others the page that is shown says whether.
    """

    name: str
    menu: str
    text: str
    keys: str = ""
    rule: bool = False
    role: QAction.MenuRole = QAction.MenuRole.NoRole
    always: bool = False


COMMANDS: tuple[Command, ...] = (
    Command("save", "&File", "Save a &copy…", "Ctrl+S"),
    Command("export", "&File", "&Export…", "Ctrl+E"),
    Command("reveal", "&File", "Show in &folder", "Ctrl+Shift+R"),
    Command("settings", "&File", "&Settings", "Ctrl+,", rule=True, role=QAction.MenuRole.PreferencesRole, always=True),
    Command("quit", "&File", "&Quit", "Ctrl+Q", rule=True, role=QAction.MenuRole.QuitRole, always=True),
    Command("undo", "&Edit", "&Undo in the brief", "Ctrl+Z"),
    Command("redo", "&Edit", "&Redo in the brief", "Ctrl+Shift+Z"),
    Command("preset.keep", "&Edit", "&Keep this brief as a preset…", "Ctrl+Shift+S", rule=True),
    Command("preset.bring", "&Edit", "&Bring in a preset file…"),
    Command("clear", "&Edit", "Begin a &new brief", "Ctrl+N", rule=True),
    Command("copy", "&Work", "&Copy work", "Ctrl+Shift+C"),
    Command("copy.prompt", "&Work", "Copy &prompt"),
    Command("copy.seed", "&Work", "Copy s&eed"),
    Command("compare", "&Work", "Co&mpare with another work", "Ctrl+M"),
    Command("play", "&Work", "Pla&y or pause", "Ctrl+P"),
    Command("loop", "&Work", "&Loop"),
    Command("favourite", "&Work", "&Favourite", "Ctrl+D"),
    Command("recall", "&Work", "&Use its brief", "Ctrl+B", rule=True),
    Command("again", "&Work", "Make &again", "Ctrl+Shift+G"),
    Command("vary", "&Work", "&Vary", "Ctrl+Shift+Y"),
    Command("previous", "&Work", "&Previous work", "Alt+Left", rule=True),
    Command("next", "&Work", "&Next work", "Alt+Right"),
    Command("bin", "&Work", "Move to the &bin", "Ctrl+Backspace", rule=True),
    Command("generate", "&Make", "&Generate", "Ctrl+Return"),
    Command("cancel", "&Make", "&Cancel", "Esc"),
    Command("example", "&Make", "Try an &example", "Ctrl+Shift+E", rule=True),
    Command("roll", "&Make", "&Roll a new seed", "Ctrl+R"),
    Command("lock", "&Make", "&Keep the seed", "Ctrl+L"),
    Command("faces", "&Make", "Si&xteen faces", "Ctrl+Shift+F", rule=True),
    Command("near", "&Make", "&More like this", "Ctrl+Shift+M"),
    Command("keep", "&Make", "Keep this &face", "Ctrl+Shift+K"),
    Command("identity", "&Make", "Keep as an &identity", "Ctrl+Shift+I"),
    Command("expressions", "&Make", "Expre&ssions of this person", "Ctrl+Shift+X"),
    Command("sheet", "&Make", "C&haracter sheet", "Ctrl+Shift+H"),
    Command("train", "&Make", "&Train your own…", "Ctrl+T", rule=True, always=True),
    Command("pause", "&Make", "&Pause or resume the queue", "Ctrl+Shift+P", rule=True, always=True),
    Command("palette", "&View", "&Do anything…", "Ctrl+K", rule=True, always=True),
    Command("queue", "&View", "&Queue", "Ctrl+J", always=True),
    Command("find", "&View", "&Find in the library", "Ctrl+F", always=True),
    Command("area.next", "&View", "Ne&xt area", "F6", rule=True, always=True),
    Command("area.before", "&View", "Area &before", "Shift+F6", always=True),
    Command("fit", "&View", "F&it", "Ctrl+0", rule=True),
    Command("actual", "&View", "&One to one", "Ctrl+Shift+0"),
    Command("inspector", "&View", "Fold or unfold the &inspector", "Ctrl+I"),
    Command("light", "&View", "&Light", rule=True, always=True),
    Command("dark", "&View", "&Dark", always=True),
    Command("system", "&View", "&As the system", always=True),
    Command("shortcuts", "&Help", "&Keyboard shortcuts", "F1", always=True),
    Command("welcome", "&Help", "&Welcome", always=True),
    Command("diagnostics", "&Help", "&Diagnostics", always=True),
    Command("about", "&Help", "&About AIGC Studio", role=QAction.MenuRole.AboutRole, always=True),
)

MENUS = ("&File", "&Edit", "&Work", "&Make", "&View", "&Help")


def keys_of(name: str) -> QKeySequence:
    """The shortcut of an action; empty where it has none."""
    if name.startswith("page."):
        page = name.removeprefix("page.")
        if page == "settings":
            return keys_of("settings")
        return QKeySequence(f"Ctrl+{PAGES.index(page) + 1}") if page in PAGES else QKeySequence()
    return QKeySequence(next((deed.keys for deed in COMMANDS if deed.name == name), ""))


def table(pages: Sequence[tuple[str, str]]) -> tuple[Command, ...]:
    """Every action there is; `pages` (name, title) are the first of the view."""
    first = tuple(
        Command(f"page.{name}", "&View", title, keys_of(f"page.{name}").toString(), always=True)
        for name, title in pages
        if name != "settings"
    )
    return (*first, *COMMANDS)


def plain(text: str) -> str:
    """An action's words without the marks of its menu letter and of the dialog that follows."""
    return text.replace("&", "").removesuffix("…")


def build(
    window: QMainWindow,
    act: Callable[[str], object],
    pages: Sequence[tuple[str, str]],
    can: Callable[[str], bool],
) -> dict[str, QAction]:
    """Fill the menu bar. `act` is called with an action's name; `can` says of one whether it means something now.

    A menu asks when it opens. Once it is closed all shortcuts live again: what they mean is found out when pressed.
    """
    bar = window.menuBar()
    actions: dict[str, QAction] = {}
    menus: dict[str, QMenu] = {}
    themes = QActionGroup(window)

    def ask(menu: str) -> None:
        for deed in deeds:
            if deed.menu == menu:
                actions[deed.name].setEnabled(deed.always or can(deed.name))

    def free() -> None:
        for action in actions.values():
            action.setEnabled(True)

    deeds = table(pages)
    for title in MENUS:
        menu = menus[title] = QMenu(tr(title), bar)
        menu.aboutToShow.connect(lambda title=title: ask(title))
        menu.aboutToHide.connect(free)
        bar.addMenu(menu)
    for deed in deeds:
        menu = menus[deed.menu]
        if deed.rule:
            menu.addSeparator()
        action = QAction(tr(deed.text), window)
        action.setObjectName(f"action.{deed.name}")
        action.setMenuRole(deed.role)
        if deed.keys:
            action.setShortcut(QKeySequence(deed.keys))
        action.triggered.connect(lambda _=False, name=deed.name: act(name))
        if deed.name in THEMES:
            action.setCheckable(True)
            themes.addAction(action)
        menu.addAction(action)
        actions[deed.name] = action
    marked = {menu.menuAction(): tr(title) for title, menu in menus.items()}
    marked.update({actions[deed.name]: tr(deed.text) for deed in deeds})
    Mnemonics(window, marked)
    return actions
