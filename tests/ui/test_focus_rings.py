"""Tab through every page of a small window: what has the focus is in sight, with a whole ring around it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QWidget,
)

from studio.ui.panel.example_wall import ExampleTile
from studio.ui.widgets.theme import theme
from tests.ui.conftest import Desk
from tests.ui.window_tour import PANELS, fill

BORDERED = (QPushButton, QToolButton, QLineEdit, QComboBox, QAbstractSpinBox, QPlainTextEdit, ExampleTile)
STEPS = 140  # keys after which a page has surely been gone round
THICK = 4  # pixels from its edge within which a ring is


def stops(desk: Desk) -> Iterator[QWidget]:
    """What Tab comes to on the page that is shown, each once."""
    desk.window.setFocus()
    seen: list[QWidget] = []
    for _ in range(STEPS):
        QTest.keyClick(QApplication.focusWidget() or desk.window, Qt.Key.Key_Tab)
        focused = QApplication.focusWidget()
        assert focused is not None
        if focused in seen:
            return
        seen.append(focused)
        yield focused
    pytest.fail("Tab does not come round")


def open_sides(desk: Desk, focused: QWidget) -> list[str]:
    """The sides on which the window shows no ring."""
    box = QRect(focused.mapTo(desk.window, QPoint(0, 0)), focused.size())
    seen = desk.window.grab(box).toImage()
    wide, high = seen.width(), seen.height()
    ring = {theme().colour(name).rgb() for name in ("accent", "ink")}

    def any_ring(places: list[tuple[int, int]]) -> bool:
        return any(QColor(seen.pixelColor(x, y)).rgb() in ring for x, y in places)

    sides = {
        "left": [(x, high // 2) for x in range(THICK)],
        "right": [(wide - 1 - x, high // 2) for x in range(THICK)],
        "top": [(wide // 2, y) for y in range(THICK)],
        "bottom": [(wide // 2, high - 1 - y) for y in range(THICK)],
    }
    return [side for side, places in sides.items() if not any_ring(places)]


def faults(desk: Desk, place: str) -> Iterator[str]:
    for focused in stops(desk):
        name = f"{place}: {focused.objectName() or type(focused).__name__}"
        seen = focused.visibleRegion().boundingRect()
        if seen.width() < focused.width() or (seen.height() < focused.height() < desk.window.height() // 2):
            yield f"{name} is cut to {seen.getRect()} of {focused.rect().getRect()}"
        if isinstance(focused, BORDERED) and (sides := open_sides(desk, focused)):
            yield f"{name} has no ring on its {', '.join(sides)}"


def test_every_stop_of_tab_has_a_whole_ring(desk: Desk) -> None:
    fill(desk)
    theme().choose("light")
    desk.window.resize(1024, 640)
    found: list[str] = []
    for name in desk.window.names:
        desk.window.open(name)
        desk.settle()
        if name == "library":
            page = desk.window.pages.currentWidget()
            page.grid.setCurrentIndex(page.grid.model().index(0, 0))  # type: ignore[union-attr]
            desk.settle()
        found += faults(desk, name)
    inspector = desk.panel("avatar").inspector
    assert inspector is not None
    desk.window.open("avatar")
    for tab in ("face", "mix", "walk", "find", "people"):
        inspector.tabs.show_tab(tab)  # type: ignore[attr-defined]
        desk.settle()
        found += faults(desk, f"avatar, {tab}")
    assert found == []


def test_the_wall_of_examples_has_whole_rings(desk: Desk) -> None:
    theme().choose("light")
    desk.window.resize(1024, 640)
    found: list[str] = []
    for name in PANELS:
        desk.window.open(name)
        wall = desk.panel(name).stage_area.onboarding
        desk.until(lambda wall=wall: wall.ready)
        desk.settle()
        found += faults(desk, f"empty {name}")
    assert found == []
