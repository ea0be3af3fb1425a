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
