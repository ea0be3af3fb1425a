"""The table of commands: its names and shortcuts stay, and what is added to it shows wherever commands are seen."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QMenu

from studio.ui import commands
from studio.ui.commands import Command, Context, OnWorks
from studio.ui.shell.shortcuts import ShortcutsDialog
from studio.ui.shell.window import MainWindow
from tests.ui.conftest import Desk
from tests.ui.test_panels import keep_seed

KEYS = {
    "page.avatar": "Ctrl+1",
    "page.poster": "Ctrl+2",
    "page.story": "Ctrl+3",
    "page.music": "Ctrl+4",
    "page.library": "Ctrl+5",
    "page.models": "Ctrl+6",
    "save": "Ctrl+S",
    "export": "Ctrl+E",
    "reveal": "Ctrl+Shift+R",
    "settings": "Ctrl+,",
    "quit": "Ctrl+Q",
    "undo": "Ctrl+Z",
    "redo": "Ctrl+Shift+Z",
    "preset.keep": "Ctrl+Shift+S",
    "preset.bring": "",
    "clear": "Ctrl+N",
    "copy": "Ctrl+Shift+C",
    "copy.prompt": "",
    "copy.seed": "",
    "compare": "Ctrl+M",
    "play": "Ctrl+P",
    "loop": "",
    "favourite": "Ctrl+D",
    "recall": "Ctrl+B",
    "again": "Ctrl+Shift+G",
    "vary": "Ctrl+Shift+Y",
    "upscale": "Ctrl+U",
    "previous": "Alt+Left",
    "next": "Alt+Right",
    "bin": "Ctrl+Backspace",
    "generate": "Ctrl+Return",
    "stop": "",
    "cancel": "Esc",
    "example": "Ctrl+Shift+E",
    "roll": "Ctrl+R",
    "lock": "Ctrl+L",
    "faces": "Ctrl+Shift+F",
    "near": "Ctrl+Shift+M",
    "keep": "Ctrl+Shift+K",
    "identity": "Ctrl+Shift+I",
    "expressions": "Ctrl+Shift+X",
    "sheet": "Ctrl+Shift+H",
    "continue": "Ctrl+Shift+Return",
    "start": "Ctrl+Shift+U",
    "mask": "Ctrl+Shift+O",
    "train": "Ctrl+T",
    "pause": "Ctrl+Shift+P",
    "palette": "Ctrl+K",
    "queue": "Ctrl+J",
    "find": "Ctrl+F",
    "area.next": "F6",
    "area.before": "Shift+F6",
    "fit": "Ctrl+0",
    "actual": "Ctrl+Shift+0",
    "inspector": "Ctrl+I",
    "light": "",
    "dark": "",
    "system": "",
    "shortcuts": "F1",
    "welcome": "",
    "diagnostics": "",
    "about": "",
}
"""Every command of the menus by its name, with its shortcut: people have learnt them."""


def test_names_and_shortcuts_stay(desk: Desk) -> None:
    assert {each.name: each.keys for each in commands.table() if each.menu} == KEYS
    actions = {each.objectName(): each.shortcut().toString() for each in desk.window.menu_actions.values()}
    assert actions == {f"action.{name}": keys for name, keys in KEYS.items()}
    assert commands.keys_of("page.settings") == commands.keys_of("settings")
    assert commands.keys_of("no such command").isEmpty()
    with pytest.raises(KeyError):
        commands.command("no such command")


def test_a_command_that_is_added_shows_everywhere(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def run(context: Context) -> None:
        ran.append(desk.window.page)

    def enabled(context: Context) -> bool:
        return "generate" in context.page

    added = Command("greet", "Say &hello", commands.ITEM, "Ctrl+Alt+H", run, enabled, OnWorks(many=True, group=9))
    monkeypatch.setattr(commands, "AFTER_MEDIA", (*commands.AFTER_MEDIA, added))
    desk.window.close()
    window = desk.window = MainWindow(desk.studio)
    window.show()

    item = next(menu for menu in window.menuBar().findChildren(QMenu) if menu.title() == "Item")
    action = item.findChild(QAction, "action.greet") or window.menu_actions["greet"]
    assert action in item.actions()
    assert action.text() == "Say hello"
    assert action.shortcut().toString() == "Ctrl+Alt+H"
    desk.window.open("settings")
    item.aboutToShow.emit()
    assert not action.isEnabled(), "there is nothing to generate on the settings page"
    item.aboutToHide.emit()

    keep_seed(desk, "poster", 3)
    action.trigger()
    window.show_palette()
    QTest.keyClicks(window.command_palette.line, "hello")
    assert window.command_palette.words() == ["Say hello"]
    QTest.keyClick(window.command_palette.line, Qt.Key.Key_Return)

    window.show_shortcuts()
    dialog = window.findChild(ShortcutsDialog)
    assert dialog is not None
    assert {"Say hello", "Ctrl+Alt+H"} <= {each.text() for each in dialog.findChildren(QLabel)}
    dialog.close()

    desk.click("generate")
    desk.idle()
    panel = desk.panel("poster")
    assert panel.asset is not None
    menu = panel.menu(panel.asset)
    entry = next(each for each in menu.actions() if each.objectName() == "menu.greet")
    entry.trigger()
    menu.deleteLater()
    assert ran == ["poster"] * 3


def test_a_command_that_cannot_be_run_does_nothing(desk: Desk) -> None:
    desk.window.open("settings")
    assert not desk.window.can("generate")
    desk.window.run_command("generate")
    assert not desk.studio.queue.jobs()


def test_context_menus_offer_what_applies_to_the_works(desk: Desk) -> None:
    keep_seed(desk, "story", 3)
    desk.click("generate")
    desk.idle()
    story = desk.panel("story").asset
    assert story is not None
    names = ["open", "recall", "again", "vary", "favourite", "save", "reveal", "bin"]
    assert [each.name for each in commands.for_works([story], 1)] == names, "a text cannot be exported as a picture"
    assert [each.name for each in commands.for_works([story, story], 2)] == [
        "again",
        "vary",
        "favourite",
        "save",
        "bin",
    ]
    assert commands.command("save").text(2) == "Save copies…"
    desk.studio.library.bin([story.id])
    binned = desk.studio.library.get(story.id)
    assert [each.name for each in commands.for_works([binned], 1)] == ["restore", "delete"]
