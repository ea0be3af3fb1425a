"""The table of commands. Menus, palette, context menus, shortcuts, tool buttons and error buttons are views of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Literal, Protocol

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from studio.backends import MEDIA, PAGELESS
from studio.jobs.engine_cache import resolve
from studio.library.library import Asset
from studio.schema.request import Request
from studio.studio import Studio
from studio.ui.plugin import plugin
from studio.ui.widgets.text import tr

FILE, EDIT, ITEM, CREATE, VIEW, HELP = "&File", "&Edit", "&Item", "&Create", "&View", "&Help"
MENUS = (FILE, EDIT, ITEM, CREATE, VIEW, HELP)

PLAYING = ("play", "loop")

Run = Callable[[], object]


class CommandWindow(Protocol):
    """What commands ask of the window."""

    def open(self, name: str) -> Any: ...
    def close(self) -> bool: ...
    def choose_theme(self, name: str) -> None: ...
    def show_welcome(self) -> None: ...
    def show_section(self, name: str) -> None: ...
    def show_shortcuts(self) -> None: ...
    def show_palette(self) -> None: ...
    def search_library(self) -> None: ...
    def toggle_queue(self) -> None: ...
    def toggle_pause(self) -> None: ...
    def step_area(self, by: int) -> None: ...
    def train(self) -> None: ...
    @property
    def can_train(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Context:
    """What a command runs on: the window, and what the shown page can do now, by the command's name."""

    window: CommandWindow
    page: Mapping[str, Run]


class WorkOwner(Protocol):
    """What commands on works may use."""

    @property
    def studio(self) -> Studio: ...
    @property
    def window(self) -> QWidget: ...
    def show_error(self, error: BaseException) -> None: ...
    def notify(self, words: str, actions: Sequence[tuple[str, Run]], /) -> None: ...


@dataclass(frozen=True, slots=True)
class OnWorks:
    """To which works a command applies: one or any number, of the bin or not, with a request, with one whose settings
    a page can show, with a picture.
    """

    many: bool = False
    binned: bool = False
    needs: Literal["", "request", "settings", "picture"] = ""
    group: int = 0  # in context menus; a line is drawn between groups
    label: str = ""  # for several works, where it is another

    def offered(self, works: Sequence[Asset], number: int) -> bool:
        """Whether to show it for `number` works, of which `works` are known; it may be disabled."""
        if not works or works[0].binned is not self.binned or (number > 1 and not self.many):
            return False
        return self.needs != "picture" or works[0].is_image

    def possible(self, works: Sequence[Asset], number: int) -> bool:
        """Whether it can be run on them."""
        if self.needs == "settings" and not any(_has_settings(work) for work in works):
            return False
        return self.offered(works, number) and (self.needs != "request" or any(work.request for work in works))


def _has_settings(work: Asset) -> bool:
    """Whether its request is one that a page asks for; a changed work, such as an enlarged picture, has none."""
    known = Request.kinds.get(str(work.request.get("kind")))
    return bool(work.request) and not (known is not None and known.keeps_medium)


@dataclass(frozen=True, slots=True)
class Command:
    """`name` is also the action's object name. `label` has a mark for the menu letter; without a `menu` it is in none.

    A command with `run` runs it, where `enabled` says so. One without is left to the shown page, whose `commands()`
    names those that it can do now. `on_works` runs it on works where no page does: it gets the first of them, and the
    ids of all. `line` draws a separator above it.
    """

    name: str
    label: str
    menu: str = ""
    keys: str = ""
    run: Callable[[Context], object] | None = None
    enabled: Callable[[Context], bool] = lambda _: True
    works: OnWorks | None = None
    on_works: Callable[[WorkOwner, Sequence[Asset], Sequence[str]], object] | None = None
    icon: str = ""
    line: bool = False
    checkable: bool = False
    role: QAction.MenuRole = QAction.MenuRole.NoRole

    @property
    def while_typing(self) -> bool:
        """Whether its shortcut works while a text has the focus: not where it acts on works, but playing does."""
        return self.menu != ITEM or self.name in PLAYING

    @property
    def shortcut(self) -> QKeySequence:
        return QKeySequence(self.keys)

    def text(self, number: int = 1) -> str:
        """The label in the window's language, without the mark of the menu letter."""
        label = self.works.label if number > 1 and self.works is not None and self.works.label else self.label
        return tr(label).replace("&", "")

    def can_run(self, context: Context) -> bool:
        return self.enabled(context) if self.run is not None else self.name in context.page

    def trigger(self, context: Context) -> None:
        """Run it; nothing happens where it cannot be run now."""
        if not self.can_run(context):
            return
        if self.run is not None:
            self.run(context)
        else:
            context.page[self.name]()


ROLES = QAction.MenuRole
USE, MARK, SAVE, REMOVE = 1, 2, 3, 4  # groups of context menus

BEFORE_MEDIA: tuple[Command, ...] = (
    Command("save", "Save a &copy…", FILE, "Ctrl+S", icon="save",
            works=OnWorks(True, group=SAVE, label="Save copies…")),
    Command("export", "&Export…", FILE, "Ctrl+E", works=OnWorks(needs="picture", group=SAVE), icon="export"),
    Command("reveal", "Show in &folder", FILE, "Ctrl+Shift+R", works=OnWorks(group=SAVE), icon="folder"),
    Command("settings", "&Settings", FILE, "Ctrl+,", lambda to: to.window.open("settings"), line=True,
            role=ROLES.PreferencesRole),
    Command("quit", "&Quit", FILE, "Ctrl+Q", lambda to: to.window.close(), line=True, role=ROLES.QuitRole),
    Command("undo", "&Undo", EDIT, "Ctrl+Z", icon="undo"),
    Command("redo", "&Redo", EDIT, "Ctrl+Shift+Z", icon="redo"),
    Command("preset.keep", "Save as &preset…", EDIT, "Ctrl+Shift+S", line=True),
    Command("preset.bring", "&Import preset…", EDIT),
    Command("clear", "Reset &settings", EDIT, "Ctrl+N", line=True),
    Command("open", "Open", works=OnWorks(group=USE)),
    Command("copy", "&Copy", ITEM, "Ctrl+Shift+C"),
    Command("copy.prompt", "Copy &prompt", ITEM),
    Command("copy.seed", "Copy s&eed", ITEM),
    Command("compare", "Co&mpare with another…", ITEM, "Ctrl+M"),
    Command("play", "Pla&y or pause", ITEM, "Ctrl+P"),
    Command("loop", "&Loop", ITEM),
    Command("favourite", "&Favourite", ITEM, "Ctrl+D", works=OnWorks(True, group=MARK), icon="star"),
    Command("recall", "Re&use settings", ITEM, "Ctrl+B", works=OnWorks(needs="settings", group=USE), icon="recall",
            line=True),
    Command("again", "Make &again", ITEM, "Ctrl+Shift+G", works=OnWorks(True, needs="request", group=USE),
            icon="again"),
    Command("vary", "&Vary", ITEM, "Ctrl+Shift+Y", works=OnWorks(True, needs="settings", group=USE), icon="vary"),
    Command("previous", "&Previous", ITEM, "Alt+Left", line=True),
    Command("next", "&Next", ITEM, "Alt+Right"),
    Command("bin", "Move to &bin", ITEM, "Ctrl+Backspace", works=OnWorks(True, group=REMOVE), icon="trash", line=True),
    Command("restore", "Restore", works=OnWorks(True, binned=True, group=USE), icon="restore"),
    Command("delete", "Delete permanently…", works=OnWorks(True, binned=True, group=REMOVE), icon="trash"),
    Command("generate", "&Generate", CREATE, "Ctrl+Return"),
    Command("stop", "&Stop", CREATE),
    Command("example", "Try an &example", CREATE, "Ctrl+Shift+E", line=True),
    Command("roll", "&Randomize seed", CREATE, "Ctrl+R", icon="die"),
    Command("lock", "&Lock seed", CREATE, "Ctrl+L", icon="unlock"),
)  # fmt: skip

AFTER_MEDIA: tuple[Command, ...] = (
    Command("train", "&Train a model…", CREATE, "Ctrl+T", lambda to: to.window.train(),
            lambda to: to.window.can_train, line=True),
    Command("pause", "&Pause or resume queue", CREATE, "Ctrl+Shift+P", lambda to: to.window.toggle_pause(), line=True),
    Command("palette", "&Command palette…", VIEW, "Ctrl+K", lambda to: to.window.show_palette(), line=True),
    Command("queue", "&Queue", VIEW, "Ctrl+J", lambda to: to.window.toggle_queue(), icon="queue"),
    Command("find", "&Search", VIEW, "Ctrl+F", lambda to: to.page.get("find", to.window.search_library)(),
            icon="search"),
    Command("area.next", "Ne&xt area", VIEW, "F6", lambda to: to.window.step_area(1), line=True),
    Command("area.before", "Previous are&a", VIEW, "Shift+F6", lambda to: to.window.step_area(-1)),
    Command("cancel", "C&lose", VIEW, "Esc"),
    Command("fit", "F&it to window", VIEW, "Ctrl+0", line=True),
    Command("actual", "Actual si&ze", VIEW, "Ctrl+Shift+0"),
    Command("inspector", "Show or hide side &panel", VIEW, "Ctrl+I"),
    Command("light", "Li&ght", VIEW, "", lambda to: to.window.choose_theme("light"), line=True, checkable=True),
    Command("dark", "&Dark", VIEW, "", lambda to: to.window.choose_theme("dark"), checkable=True),
    Command("system", "&Match system", VIEW, "", lambda to: to.window.choose_theme("system"), checkable=True),
    Command("shortcuts", "&Keyboard shortcuts", HELP, "F1", lambda to: to.window.show_shortcuts()),
    Command("welcome", "&Welcome", HELP, "", lambda to: to.window.show_welcome()),
    Command("diagnostics", "&Diagnostics", HELP, "", lambda to: to.window.show_section("diagnostics")),
    Command("about", "&About AIGC Studio", HELP, "", lambda to: to.window.show_section("about"), role=ROLES.AboutRole),
)  # fmt: skip

PAGES: tuple[Command, ...] = tuple(
    Command(f"page.{name}", title, VIEW, f"Ctrl+{at}", lambda to, name=name: to.window.open(name), icon=icon)
    for at, (name, title, icon) in enumerate(
        [
            *((medium.name, medium.title, medium.icon) for medium in MEDIA),
            ("library", "Library", "library"),
            ("models", "Models", "models"),
        ],
        start=1,
    )
)


@cache
def of_media() -> tuple[Command, ...]:
    """The commands of the media's plug-ins."""
    named = [plugin(medium).commands for medium in (*MEDIA, *PAGELESS)]
    return tuple(command for name in named if name for command in resolve(name))


def table() -> tuple[Command, ...]:
    """Every command, in the order of the menus."""
    return (*PAGES, *BEFORE_MEDIA, *of_media(), *AFTER_MEDIA)


def command(name: str) -> Command:
    """Raises KeyError where there is none of that name."""
    for each in table():
        if each.name == name:
            return each
    raise KeyError(name)


def keys_of(name: str) -> QKeySequence:
    """The shortcut of a command; empty where it has none."""
    return next((each.shortcut for each in table() if each.name == name.replace("page.settings", "settings")),
                QKeySequence())  # fmt: skip


def for_works(works: Sequence[Asset], number: int) -> list[Command]:
    """What context menus offer for `number` works, of which `works` are known, in their order."""
    found = [
        (each.works.group, each) for each in table() if each.works is not None and each.works.offered(works, number)
    ]
    return [each for _, each in sorted(found, key=lambda pair: pair[0])]


def possible_on(works: Sequence[Asset], number: int, run: Callable[[str], object]) -> dict[str, Run]:
    """The commands that can be run on these works now: their names, each with a call of `run`. The keys for exporting
    save a copy of what is no picture.
    """
    names = [each.name for each in table() if each.works is not None and each.works.possible(works, number)]
    found = {name: partial(run, name) for name in names}
    if "save" in found:
        found.setdefault("export", found["save"])
    return found
