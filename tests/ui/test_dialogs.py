"""Small dialogs: a question before what cannot be undone, and one line of text; at large text too."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QDialog, QLabel

from studio.ui.widgets.dialogs import LineDialog, QuestionDialog
from studio.ui.widgets.theme import theme
from tests.ui.conftest import Desk
from tests.ui.window_tour import clipped, outside, overlapping

FRAME = 110  # pixels of a title bar that its buttons take


def asked(desk: Desk, done: list[str]) -> QuestionDialog:
    dialog = QuestionDialog(
        desk.window,
        ("ask", "askYes"),
        "Delete a training run for good",
        "Delete the training run of Foxes in the snow, second attempt and free 1.4 GB?",
        "Its progress is lost permanently. Models saved from it stay.",
        ("Delete", "Keep training"),
        lambda: done.append("done"),
    )
    dialog.open()
    desk.settle()
    return dialog


@pytest.mark.parametrize("text_size", [1.0, 1.5])
def test_nothing_of_a_small_dialog_is_cut_off_and_its_signs_are_ours(desk: Desk, text_size: float) -> None:
    theme().set_text_size(text_size)
    line = LineDialog(desk.window, "line", "Save as preset", "", "Name", ("Save", "lineGo"), lambda: None)
    line.open()
    dialogs: list[QDialog] = [asked(desk, []), line]
    for dialog in dialogs:
        assert clipped(dialog) + outside(dialog) + overlapping(dialog) == []
        assert theme().text_width(dialog.windowTitle()) + FRAME <= dialog.width()
        assert all(label.pixmap().isNull() for label in dialog.findChildren(QLabel))
        assert all(each.icon().isNull() for each in dialog.findChildren(QAbstractButton) if each.text())
        dialog.reject()
    theme().set_text_size(1.0)


def test_return_and_escape_leave_things_as_they_are_and_only_the_button_does_it(desk: Desk) -> None:
    done: list[str] = []
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Escape):
        QTest.keyClick(asked(desk, done), key)
        desk.settle()
    assert done == []
    QTest.mouseClick(asked(desk, done).yes, Qt.MouseButton.LeftButton)
    assert done == ["done"]
