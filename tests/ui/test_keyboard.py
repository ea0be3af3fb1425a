"""Everything by keyboard and for screen readers: palette, areas, shortcut list, the tree that assistive tools read."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QMenu, QPlainTextEdit, QWidget

from studio.ui import commands
from studio.ui.panel.panel import Panel
from studio.ui.shell.command_palette import PaletteEntry, rank
from studio.ui.shell.shortcuts import ShortcutsDialog
from tests.ui.conftest import Desk
from tests.ui.test_panels import keep_seed
from tests.ui.window_tour import ROLE, fill, nameless, places, read_aloud, unreachable


def offered(words: str, place: str = "Create") -> PaletteEntry:
    return PaletteEntry(words, place, "", lambda: None)


def press(widget: QWidget, keys: QKeySequence) -> None:
    """Press a shortcut where this widget has the focus."""
    pressed = keys[0]
    QTest.keyClick(widget, pressed.key(), pressed.keyboardModifiers())


def test_the_best_fit_comes_first() -> None:
    names = ["Make again", "Generate", "Try an example", "Reset settings"]
    for query, first in (("gen", "Generate"), ("agai", "Make again"), ("reset SETT", "Reset settings")):
        found = [(fit, each) for each in names if (fit := rank(offered(each), query)) is not None]
        assert min(found)[1] == first
    assert rank(offered("Generate"), "xyz") is None
    assert rank(offered("Generate"), "create gen") is not None  # the menu counts, last


def test_the_palette_does_what_is_typed_and_gives_the_keyboard_back(desk: Desk) -> None:
    desk.panel("story")
    focused = QApplication.focusWidget()
    assert focused is not None
    QTest.keyClick(focused, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    palette = desk.window.command_palette
    assert palette.isVisible()
    assert palette.line.hasFocus()
    QTest.keyClicks(palette.line, "xyzzy")
    assert palette.words() == []
    assert palette.nothing.isVisible()
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    assert palette.isVisible()
    QTest.keyClick(palette.line, Qt.Key.Key_Escape)
    assert not palette.isVisible()
    assert QApplication.focusWidget() is focused
    QTest.keyClick(focused, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(palette.line, "poster")
    assert palette.words()[0] == "Poster"
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    assert desk.window.page == "poster"
    assert not palette.isVisible()


def test_the_palette_offers_only_what_means_something(desk: Desk) -> None:
    desk.panel("poster")
    desk.act("palette")
    palette = desk.window.command_palette
    assert "Generate" in palette.words()
    assert "Move to bin" not in palette.words()
    palette.hide()
    keep_seed(desk, "poster", 3)
    desk.click("generate")
    desk.idle()
    desk.act("palette")
    assert "Move to bin" in palette.words()
    QTest.keyClick(palette.line, Qt.Key.Key_Down)
    assert palette.list.currentRow() == 1
    palette.hide()


def test_a_menu_greys_what_it_cannot_do_and_frees_the_shortcuts_again(desk: Desk) -> None:
    desk.panel("poster")
    menu = next(menu for menu in desk.window.menuBar().findChildren(QMenu) if menu.title() == "Item")
    menu.aboutToShow.emit()
    assert not desk.window.menu_actions["bin"].isEnabled()
    menu.aboutToHide.emit()
    assert all(action.isEnabled() for action in desk.window.menu_actions.values())


@pytest.mark.parametrize("page", ["avatar", "poster", "story", "music", "library", "models", "settings"])
def test_every_shortcut_works_after_every_menu_was_open(desk: Desk, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if page in ("avatar", "poster", "story", "music"):
        keep_seed(desk, page, 3)
        desk.click("generate")
        desk.idle()
    shown = desk.window.open(page)
    desk.settle()
    if page == "library":
        desk.studio.library.tag(desk.studio.library.ids(), add=["sea"])
    menus = [*shown.findChildren(QMenu), *desk.window.menuBar().findChildren(QMenu)]
    if isinstance(shown, Panel):
        assert shown.asset is not None
        menus += [shown.stage.menu(), shown.menu(shown.asset)]
    for menu in menus:
        menu.popup(desk.window.mapToGlobal(QPoint(80, 80)))
        for sub in menu.findChildren(QMenu):
            sub.popup(desk.window.mapToGlobal(QPoint(90, 90)))
            sub.close()
        menu.close()
    desk.settle()
    desk.window.activateWindow()
    desk.until(desk.window.isActiveWindow)
    ran: list[str] = []
    monkeypatch.setattr(commands.Command, "trigger", lambda self, _: ran.append(self.name))
    place = desk.find("rail.settings")
    place.setFocus()
    keyed = [each for each in commands.table() if each.menu and each.keys]
    for each in keyed:
        press(place, each.shortcut)
    assert ran == [each.name for each in keyed]


@pytest.mark.parametrize("field", ["prompt", "seed", "search", "tags.field"])
def test_no_shortcut_acts_on_works_while_a_text_has_the_focus(desk: Desk, field: str) -> None:
    keep_seed(desk, "poster", 3)
    desk.click("generate")
    desk.idle()
    if field in ("search", "tags.field"):
        library = desk.window.open("library")
        desk.settle()
        library.grid.selectAll()  # type: ignore[attr-defined]
    text = desk.find(field, QPlainTextEdit if field == "prompt" else QWidget)
    text.setFocus()
    before, page = desk.studio.library.page(), desk.window.page
    for each in commands.table():
        if each.menu == commands.ITEM and each.keys and each.name not in commands.PLAYING:
            press(text, each.shortcut)
    for key in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
        QTest.keyClick(text, key)
    desk.settle()
    assert desk.studio.library.page() == before
    assert (desk.window.page, QApplication.focusWidget()) == (page, text)
    assert all(job.has_ended for job in desk.studio.queue.jobs())


def test_a_word_is_deleted_in_a_text_and_undo_brings_it_back(desk: Desk) -> None:
    keep_seed(desk, "poster", 3)
    desk.click("generate")
    desk.idle()
    words = desk.find("prompt", QPlainTextEdit)
    assert isinstance(words, QPlainTextEdit)
    words.setFocus()
    words.selectAll()
    QTest.keyClicks(words, "a red fox")
    desk.panel("poster").brief.history.end_step()
    QTest.keyClick(words, Qt.Key.Key_Backspace, Qt.KeyboardModifier.ControlModifier)
    assert words.toPlainText() == "a red "
    assert desk.studio.library.count() == 1
    QTest.keyClick(words, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert words.toPlainText() == "a red fox"


def test_undo_takes_back_the_last_thing_on_every_page(desk: Desk) -> None:
    keep_seed(desk, "poster", 3)
    desk.click("generate")
    desk.idle()
    words = desk.find("prompt", QPlainTextEdit)
    assert isinstance(words, QPlainTextEdit)
    before = words.toPlainText()
    words.setFocus()
    words.selectAll()
    QTest.keyClicks(words, "a red fox")
    desk.click("bin")
    undo, library = commands.keys_of("undo"), desk.studio.library
    press(words, undo)
    assert (library.count(), words.toPlainText()) == (1, "a red fox"), "the bin came last"
    desk.until(lambda: desk.panel("poster").asset is not None)
    press(words, undo)
    assert words.toPlainText() == before
    redo = commands.keys_of("redo")
    press(words, redo)
    assert (library.count(), words.toPlainText()) == (1, "a red fox")
    press(words, redo)
    assert library.count() == 0
    for page in desk.window.names:
        shown = desk.window.open(page)
        desk.settle()
        press(shown, undo)
        assert library.count() == 1, page
        desk.act("redo")
        assert library.count() == 0, page


def test_what_was_deleted_for_good_is_not_undone(desk: Desk) -> None:
    keep_seed(desk, "poster", 3)
    desk.click("generate")
    desk.idle()
    library = desk.studio.library
    desk.window.work_actions.rename(library.page()[0], "Fox")
    desk.click("bin")
    library.empty_bin()
    for _ in range(2):
        desk.act("undo")
        desk.settle()
    assert library.count() == 0
    assert "restored" not in desk.window.toast.message()
    assert "There is no work" not in desk.window.toast.message()
    assert not desk.panel("poster").error.isVisible()


def test_undo_in_a_search_is_that_of_the_works_where_these_came_last(desk: Desk) -> None:
    keep_seed(desk, "poster", 3)
    desk.click("generate")
    desk.idle()
    library = desk.window.open("library")
    desk.settle()
    line = desk.find("search")
    assert isinstance(line, QLineEdit)
    line.setFocus()
    QTest.keyClicks(line, "poster")
    desk.settle()
    library.grid.selectAll()  # type: ignore[attr-defined]
    QTest.mouseClick(desk.find("details.favourite"), Qt.MouseButton.LeftButton)
    assert desk.studio.library.page()[0].favourite
    assert QApplication.focusWidget() is line
    press(line, commands.keys_of("undo"))
    assert not desk.studio.library.page()[0].favourite
    assert line.text() == "poster"
    press(line, commands.keys_of("undo"))
    assert line.text() == ""


def test_f6_goes_round_through_all_areas(desk: Desk) -> None:
    keep_seed(desk, "poster", 3)
    desk.click("generate")
    desk.idle()
    panel = desk.panel("poster")
    desk.until(lambda: panel.filmstrip.isVisible())
    parts: list[QWidget] = [desk.window.sidebar, *panel.areas(), desk.window.job_strip]

    def where() -> int:
        focused = QApplication.focusWidget()
        return next(at for at, part in enumerate(parts) if focused is part or part.isAncestorOf(focused))

    start = where()
    visited = []
    for _ in parts:
        desk.act("area.next")
        visited.append(where())
    assert visited == [(start + step) % len(parts) for step in range(1, len(parts) + 1)]
    desk.act("area.before")
    assert where() == (start - 1) % len(parts)


@pytest.mark.parametrize("names", [("rail.poster", "rail.story"), ("tab.mix", "tab.walk")])
def test_the_focus_leaves_no_ring_on_another_tab(desk: Desk, names: tuple[str, str]) -> None:
    desk.panel("avatar")
    first, second = (desk.find(name) for name in names)
    first.setFocus(Qt.FocusReason.TabFocusReason)
    desk.click(names[1])
    assert QApplication.focusWidget() is second


def test_the_list_tells_every_shortcut(desk: Desk) -> None:
    desk.act("shortcuts")
    dialog = desk.window.findChild(ShortcutsDialog)
    assert dialog is not None
    told = {each.text() for each in dialog.findChildren(QLabel)}
    for each in commands.table():
        if each.keys:
            assert desk.window.menu_actions[each.name].shortcut().toString() in told
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_a_tool_tip_tells_the_shortcut(desk: Desk) -> None:
    keep_seed(desk, "poster", 3)
    desk.click("generate")
    desk.idle()
    names = {
        "undo": "undo",
        "star": "favourite",
        "bin": "bin",
        "save": "save",
        "seed.die": "roll",
        "generate": "generate",
    }
    names |= {"rail.story": "page.story", "stripQueue": "queue"}
    for widget, command in names.items():
        assert desk.window.menu_actions[command].shortcut().toString() in desk.find(widget).toolTip(), widget


def test_no_action_is_without_effect(desk: Desk) -> None:
    """Each action is either one of the window's own, or one that some page says it can do."""
    able: set[str] = set()
    for page in ("avatar", "poster", "story", "music"):
        keep_seed(desk, page, 3)
        desk.click("generate")
        desk.idle()
        desk.panel(page)
        able |= {each.name for each in commands.table() if desk.window.can(each.name)}
    lost = {each.name for each in commands.table() if each.menu} - able
    # Nothing was taken back, nothing runs, nothing is open, no face is under the hand, no model starts from a picture.
    assert lost == {"redo", "stop", "cancel", "keep", "start", "mask"}


def test_screen_readers_find_a_named_tree_everywhere(desk: Desk) -> None:
    fill(desk)
    roles: set[object] = set()
    told: set[str] = set()
    faults: list[str] = []
    for name, shown in places(desk):
        found = read_aloud(shown)
        assert found[0][0] in ((ROLE.Window,) if shown is desk.window else (ROLE.Dialog, ROLE.AlertMessage))
        roles |= {role for role, _ in found}
        told |= {words for _, words in found}
        faults += [f"{name}: {fault} has no name" for fault in nameless(shown)]
        faults += [f"{name}: {fault} is not in the order of the keyboard" for fault in unreachable(shown)]
    assert not faults, "\n".join(dict.fromkeys(faults))
    assert {ROLE.Button, ROLE.ComboBox, ROLE.MenuItem, ROLE.List, ROLE.Slider, ROLE.CheckBox} <= roles
    assert {"Generate", "Undo", "Favourite", "Add a model", "Copy report", "Look around first", "Retry"} <= told


def test_the_letters_of_menus_are_marked_only_while_alt_is_held(desk: Desk) -> None:
    desk.panel("poster")
    screen = desk.window.windowHandle()
    menus = [menu for menu in desk.window.menuBar().findChildren(QMenu) if menu.parent() is desk.window.menuBar()]
    words = [*(menu.menuAction() for menu in menus), *desk.window.menu_actions.values()]
    assert [action.text() for action in words if "&" in action.text()] == []
    QTest.keyPress(screen, Qt.Key.Key_Alt, Qt.KeyboardModifier.AltModifier)
    assert desk.window.menu_actions["generate"].text() == "&Generate"
    assert [menu.title() for menu in menus][:2] == ["&File", "&Edit"]
    desk.settle()
    focused = QApplication.focusWidget()
    assert focused is not None
    QTest.keyPress(focused, Qt.Key.Key_F, Qt.KeyboardModifier.AltModifier)
    assert menus[0].isVisible(), "the letter opens its menu"
    QTest.keyRelease(screen, Qt.Key.Key_Alt)
    desk.settle()
    assert menus[0].title() == "&File", "the letters stand as long as the menu does"
    menus[0].close()
    desk.window.menuBar().setActiveAction(None)  # type: ignore[arg-type]
    desk.until(lambda: menus[0].title() == "File")
    assert desk.window.menu_actions["generate"].text() == "Generate"
