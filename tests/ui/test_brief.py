"""The brief as a person edits it: undo and redo, recent briefs, presets that are kept, shared and brought in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QPlainTextEdit, QToolButton
from qasync import QEventLoop

from studio.ui.forms.undo import UndoHistory
from studio.ui.widgets.dialogs import LineDialog
from tests.ui.conftest import Desk
from tests.ui.test_panels import keep_seed


def prompt(desk: Desk, medium: str = "poster") -> str:
    return str(desk.panel(medium).form.value().to_json()["prompt"])


def menu(desk: Desk, name: str) -> dict[str, object]:
    """A menu of the brief as it opens: its words and what each does."""
    button = desk.find(name, QToolButton)
    found = button.menu()  # type: ignore[attr-defined]
    assert isinstance(found, QMenu)
    found.aboutToShow.emit()
    return {action.text(): action for action in found.actions() if not action.isSeparator()}


def test_steps_of_one_kind_are_one_step() -> None:
    history = UndoHistory(0)
    for value in (1, 2, 3):
        history.step(value, "psi")
    history.step(10, "seed")
    history.step(10, "seed")
    history.end_step()
    history.step(11, "seed")
    assert [history.undo() for _ in range(4)] == [10, 3, 0, 0]
    assert not history.can_undo
    assert [history.redo(), history.redo()] == [3, 10]
    history.step(5)
    assert not history.can_redo
    history.amend(6)
    assert (history.undo(), history.redo()) == (10, 6)


def test_undo_takes_back_what_was_typed_even_in_the_field(desk: Desk) -> None:
    panel = desk.panel("poster")
    words = desk.find("prompt", QPlainTextEdit)
    panel.form.set_value(panel.form.value().replace(prompt=""))
    words.setFocus()
    QTest.keyClicks(words, "a red fox")
    panel.brief.history.end_step()
    QTest.keyClicks(words, " at night")
    assert prompt(desk) == "a red fox at night"
    QTest.keyClick(words, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert prompt(desk) == "a red fox"
    assert QApplication.focusWidget() is words
    assert words.textCursor().position() == len("a red fox")  # type: ignore[attr-defined]
    QTest.keyClick(words, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert prompt(desk) == ""
    desk.click("undo")
    assert prompt(desk)
    assert not desk.find("undo").isEnabled()
    desk.act("redo")
    shift = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    for _ in range(2):
        QTest.keyClick(words, Qt.Key.Key_Z, shift)
    assert prompt(desk) == "a red fox at night"


def test_after_other_words_the_cursor_stands_behind_a_whole_one(desk: Desk) -> None:
    panel = desk.panel("poster")
    words = desk.find("prompt", QPlainTextEdit)
    panel.form.set_value(panel.form.value().replace(prompt="a fox by the river at night"))
    panel.form.set_value(panel.form.value().replace(prompt="a house under the moonlight"))
    assert words.textCursor().position() == len("a house under the moonlight")  # type: ignore[attr-defined]
    panel.form.set_value(panel.form.value().replace(prompt="a house under moonlight"))
    assert words.textCursor().position() == len("a house under")  # type: ignore[attr-defined]


def test_a_whole_brief_taken_up_is_one_step(desk: Desk) -> None:
    panel = desk.panel("poster")
    before = panel.form.value()
    panel.form.set_value(before.replace(prompt="a lake", width=512, steps=9))
    desk.act("clear")
    assert prompt(desk) == before.to_json()["prompt"]
    desk.act("undo")
    assert prompt(desk) == "a lake"
    desk.click("undo")
    assert panel.form.value() == before


def test_a_rolled_seed_is_nobodys_step(desk: Desk) -> None:
    panel = desk.panel("poster")
    first = prompt(desk)
    panel.form.set_value(panel.form.value().replace(prompt="a lake"))
    desk.click("generate")
    desk.idle()
    rolled = panel.form.value().seed
    desk.act("undo")
    assert prompt(desk) == first
    desk.act("redo")
    assert panel.form.value().seed == rolled


def test_recent_briefs_come_back_at_the_next_start(desk: Desk, loop: QEventLoop) -> None:
    panel = desk.panel("poster")
    for seed, words in ((1, "a lake & a hill"), (2, "a fox"), (3, "a lake & a hill")):
        panel.form.set_value(panel.form.value().replace(prompt=words))
        keep_seed(desk, "poster", seed)
        desk.click("generate")
        desk.idle()
    assert list(menu(desk, "history")) == ["a lake && a hill", "a fox"]
    desk.close()
    again = Desk(desk.home, loop)
    try:
        offered = menu(again, "history")
        assert list(offered) == ["a lake && a hill", "a fox"]
        offered["a fox"].trigger()  # type: ignore[attr-defined]
        assert prompt(again) == "a fox"
        assert again.panel("poster").form.value().seed == 3
    finally:
        again.close()


def test_recent_settings_name_no_seed_that_they_do_not_keep(desk: Desk) -> None:
    panel = desk.panel("avatar")
    for style in ("any", "micah"):
        panel.form.set_value(panel.form.value().replace(style=style))
        keep_seed(desk, "avatar", 7)
        desk.click("generate")
        desk.idle()
    desk.window.open("avatar")
    assert list(menu(desk, "history")) == ["Micah", "Avatar"]


def test_a_preset_is_kept_shared_removed_and_brought_in(desk: Desk, tmp_path: Path) -> None:
    panel = desk.panel("poster")
    panel.form.set_value(panel.form.value().replace(prompt="a stormy sea", guidance=6.5))
    desk.act("preset.keep")
    dialog = desk.window.findChild(LineDialog, "presetName")
    assert dialog is not None
    dialog.line.setText(" Storm ")
    dialog.go.click()
    assert desk.window.toast.message() == "Saved as preset “Storm”."
    assert next(iter(menu(desk, "presets"))) == "Storm"
    shelf = panel.brief.presets
    (kept,) = shelf._presets.of("poster")
    shelf.export_file(kept, tmp_path / "storm.json")
    shelf.remove(kept)
    assert "Storm" not in menu(desk, "presets")
    desk.act("clear")
    shelf.import_file(tmp_path / "storm.json")
    assert (prompt(desk), panel.form.value().to_json()["guidance"]) == ("a stormy sea", 6.5)
    assert "Storm" in menu(desk, "presets")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("{", "cannot be read as a preset"),
        (json.dumps({"format": "aigc-studio preset", "request": {"kind": "story"}}), "another page"),
    ],
)
def test_a_file_that_is_no_preset_for_this_page_changes_nothing(
    desk: Desk, tmp_path: Path, told: str, words: str
) -> None:
    panel = desk.panel("poster")
    before = panel.form.value()
    path = tmp_path / "odd.json"
    path.write_text(told, "utf-8")
    panel.brief.presets.import_file(path)
    assert words in desk.window.toast.message()
    assert panel.form.value() == before


def test_a_field_that_a_saved_brief_did_not_have_comes_back_as_suits_the_model(desk: Desk, loop: QEventLoop) -> None:
    panel = desk.panel("poster")
    suited = panel.form.value()
    assert suited.variety == 0.7, "the starter is a scene model"
    old = {name: value for name, value in panel.state().items() if name != "request"}
    request = suited.replace(prompt="a red fox", steps=33).to_json()
    del request["variety"]
    panel.restore({**old, "request": request})
    assert panel.form.value() == suited.replace(prompt="a red fox", steps=33)
    chosen = panel.form.value().replace(variety=0.0)
    panel.form.set_value(chosen)
    desk.close()
    again = Desk(desk.home, loop)
    try:
        assert again.panel("poster").form.value().variety == 0.0, "a person chose it"
    finally:
        again.close()
