"""Controls: scrolling past one does not change it, scrolling over the focused one does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from studio.ui.widgets.controls import ComboBox, NumberBox, QuietSlider
from tests.ui.conftest import Desk


def combo() -> ComboBox:
    made = ComboBox()
    made.addItems(["one", "two", "three"])
    made.setCurrentIndex(1)
    return made


def number() -> NumberBox:
    made = NumberBox(0, 10, 1)
    made.setValue(5)
    return made


def slider() -> QuietSlider:
    made = QuietSlider()
    made.setRange(0, 10)
    made.setValue(5)
    return made


def value_of(control: Any) -> object:
    return control.currentIndex() if isinstance(control, ComboBox) else control.value()


@pytest.mark.parametrize("make", [combo, number, slider])
def test_the_wheel_turns_only_the_control_that_has_the_focus(desk: Desk, make: Callable[[], QWidget]) -> None:
    place, other, control = QWidget(desk.window), QWidget(), make()
    other.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    inside = QVBoxLayout(place)
    inside.addWidget(other)
    inside.addWidget(control)
    place.show()
    before = value_of(control)

    def scroll() -> bool:
        """Scroll one notch down over the control; whether it wanted that."""
        event = QWheelEvent(
            QPointF(control.rect().center()),
            QPointF(control.mapToGlobal(control.rect().center())),
            QPoint(),
            QPoint(0, -120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        event.ignore()
        QApplication.sendEvent(control, event)
        return event.isAccepted()

    other.setFocus()
    desk.until(other.hasFocus)
    assert not scroll()
    assert value_of(control) == before
    control.setFocus()
    desk.until(control.hasFocus)
    assert scroll()
    assert value_of(control) != before
