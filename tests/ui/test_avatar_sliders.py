"""The sliders of a face: they follow the hand exactly, and those of colours show the colours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from studio.ui.avatar.sliders import LabelledSlider
from tests.ui.conftest import Room


@pytest.fixture
def line(room: Room) -> Iterator[LabelledSlider]:
    made = LabelledSlider("hair", "Hair", 0.0, 1.0, 10)
    made.resize(280, 30)
    made.show()
    made.show_value(0.5, moved=False)
    yield made
    made.hide()
    made.deleteLater()


def test_a_slider_says_its_value_all_the_time(line: LabelledSlider) -> None:
    assert line.number.isVisible()
    assert line.number.text() == "50 %"
    width = line.slider.width()
    line.slider.setFocus()
    QTest.keyClick(line.slider, Qt.Key.Key_Right)
    assert line.number.text() == line.slider.accessibleDescription() == "60 %"
    line.show_value(1.0, moved=True)
    assert line.number.text() == "100 %"
    assert line.number.sizeHint().width() <= line.number.width()
    assert line.slider.width() == width
    line.set_available(False)
    assert not line.number.isVisible(), "a face without it has no value"
    line.set_available(True)
    line.slider.colours = ("#000000", "#ff0000")
    line.show_value(0.5, moved=False)
    assert line.number.text() == "", "the handle shows the colour"


def test_a_direction_says_its_value_with_its_sign(room: Room) -> None:
    line = LabelledSlider("way", "Age", -3.0, 3.0, 30)
    line.show_value(-3.0, moved=True)
    assert line.number.text() == "-3.0"
    assert line.number.sizeHint().width() <= line.number.width()
    line.deleteLater()


@pytest.mark.parametrize("off", [0, 5, -5])
def test_a_slider_follows_the_hand_from_where_it_was_taken(line: LabelledSlider, off: int) -> None:
    start = line.slider._handle()
    taken = start.center() + QPoint(off, 0)
    QTest.mousePress(line.slider, Qt.MouseButton.LeftButton, pos=taken)
    assert line.slider._handle() == start
    for moved in (1, 2, 9):
        QTest.mouseMove(line.slider, taken + QPoint(moved, 0))
        assert abs(line.slider._handle().x() - start.x() - moved) <= 1
    QTest.mouseRelease(line.slider, Qt.MouseButton.LeftButton, pos=taken + QPoint(9, 0))


def test_a_slider_of_colours_shows_them_and_the_one_that_is_chosen(line: LabelledSlider) -> None:
    slider = line.slider
    slider.colours = ("#000000", "#ff0000", "#ffffff")
    assert slider.colour() == QColor("#ff0000")
    drawn = slider.grab().toImage()
    ratio = drawn.devicePixelRatio()

    def at(x: float) -> QColor:
        return drawn.pixelColor(round(x * ratio), round(slider.height() / 2 * ratio))

    assert at(slider._handle().center().x()).red() > 200
    assert at(slider._handle().center().x()).green() < 60
    assert at(8).lightness() < 60
    assert at(slider.width() - 9).lightness() > 200
    line.show_value(0.75, moved=True)
    assert slider.colour().green() in range(125, 131), "half way between two colours"
