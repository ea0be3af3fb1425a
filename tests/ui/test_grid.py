"""The grid of works: layout, keyboard, and selections that survive changes of the list."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from studio.bench import library as bench
from studio.ui.library.model import STEPS, ListDifference, difference, runs
from studio.ui.library.page import LibraryPage
from tests.ui.conftest import Desk

MANY = 300


@pytest.fixture
def library(desk: Desk) -> LibraryPage:
    """The library page on works that were written by another studio."""
    bench.fill(desk.studio.library.folder, MANY)
    desk.studio.library.rebuild()
    found = desk.window.open("library")
    assert isinstance(found, LibraryPage)
    desk.settle()
    return found


@pytest.mark.parametrize(
    ("old", "new", "way"),
    [
        ("bcd", "abcd", ListDifference([], [(0, 0)])),
        ("abcdef", "bcf", ListDifference([(0, 0), (3, 4)], [])),
        ("abcd", "xbyd", ListDifference([(0, 0), (2, 2)], [(0, 0), (2, 2)])),
        ("abc", "cba", None),
        ("abc", "abc", ListDifference([], [])),
    ],
)
def test_the_difference_of_two_lists(old: str, new: str, way: ListDifference | None) -> None:
    assert difference(list(old), list(new)) == way


def test_too_many_changes_begin_the_list_anew() -> None:
    old = [str(number) for number in range(4 * STEPS)]
    assert difference(old, old[::2]) is None


def test_runs() -> None:
    assert runs([0, 1, 2, 5, 7, 8]) == [(0, 2), (5, 5), (7, 8)]
    assert runs([]) == []


def test_every_point_of_a_tile_hits_it(library: LibraryPage) -> None:
    grid = library.grid
    assert grid.columns > 1
    for row in (0, grid.columns - 1, grid.columns, MANY - 1):
        index = grid.works.index(row)
        grid.scrollTo(index)
        rect = grid.visualRect(index)
        assert grid.viewport().rect().contains(rect)
        assert grid.indexAt(rect.topLeft()).row() == row
        assert grid.indexAt(rect.bottomRight()).row() == row
    below = grid.visualRect(grid.works.index(MANY - 1)).bottomLeft() + QPoint(5, 5)
    assert not grid.indexAt(below).isValid()


def test_the_keyboard_moves_by_lines_and_columns(library: LibraryPage) -> None:
    grid = library.grid
    grid.setFocus()
    grid.setCurrentIndex(grid.works.index(0))
    key = Qt.Key
    for pressed, row in (
        (key.Key_Right, 1),
        (key.Key_Down, 1 + grid.columns),
        (key.Key_Left, grid.columns),
        (key.Key_Up, 0),
        (key.Key_Up, 0),
        (key.Key_End, MANY - 1),
        (key.Key_Home, 0),
    ):
        QTest.keyClick(grid, pressed)
        assert grid.currentIndex().row() == row
        assert grid.ranges() == [(row, row)]


def test_shift_selects_all_in_reading_order_between(desk: Desk, library: LibraryPage) -> None:
    grid = library.grid
    desk.window.resize(1500, 800)
    desk.settle()
    grid.setFocus()
    key, shift, wide = Qt.Key, Qt.KeyboardModifier.ShiftModifier, grid.columns
    assert wide > 3
    grid.setCurrentIndex(grid.works.index(2))
    for pressed, first, last in (
        (key.Key_Down, 2, 2 + wide),
        (key.Key_Left, 2, 1 + wide),  # further left than where it began
        (key.Key_Up, 1, 2),
        (key.Key_Right, 2, 2),
        (key.Key_End, 2, MANY - 1),
        (key.Key_Home, 0, 2),
    ):
        QTest.keyClick(grid, pressed, shift)
        assert grid.ranges() == [(first, last)]
    first, second = (grid.visualRect(grid.works.index(row)).center() for row in (3, 1 + wide))
    QTest.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=first)
    QTest.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, shift, second)
    assert grid.ranges() == [(3, 1 + wide)]


def test_a_rubber_band_selects_what_it_touches(library: LibraryPage) -> None:
    grid = library.grid
    grid.selectAll()
    assert len(library.selected_ids()) == MANY
    first, second = (grid.visualRect(grid.works.index(row)).center() for row in (0, grid.columns + 1))
    port = grid.viewport()
    QTest.mouseClick(port, Qt.MouseButton.LeftButton, pos=first)
    QTest.mouseClick(port, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, second)
    assert grid.ranges() == [(0, 0), (grid.columns + 1, grid.columns + 1)]


def test_typing_in_the_grid_searches(desk: Desk, library: LibraryPage) -> None:
    library.grid.setFocus()
    QTest.keyClicks(library.grid, "f")
    assert library.search.hasFocus()
    QTest.keyClicks(library.search, "ox")
    desk.until(lambda: library.total.text() == "30 items")


def test_changes_keep_selection_and_scroll_position(desk: Desk, library: LibraryPage) -> None:
    grid = library.grid
    row = 20 * grid.columns
    grid.scrollTo(grid.works.index(row), grid.ScrollHint.PositionAtTop)
    for chosen, modifier in ((row, Qt.KeyboardModifier.NoModifier), (row + 2, Qt.KeyboardModifier.ControlModifier)):
        tile = grid.visualRect(grid.works.index(chosen)).center()
        QTest.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, modifier, tile)
    assert len(library.selected_ids()) == 2
    kept, top = library.selected_ids(), grid.visualRect(grid.works.index(row)).top()
    bench.fill(desk.studio.library.folder, MANY + 2 * grid.columns)
    desk.studio.library.rebuild()
    desk.studio.library.bin(grid.works.ids([(row + 1, row + 1)]))
    desk.window.bridge.library_changed()
    desk.until(lambda: grid.works.rowCount() == MANY + 2 * grid.columns - 1)
    assert library.selected_ids() == kept
    assert grid.visualRect(grid.works.index(grid.works.row_of(kept[0]))).top() == top


def test_a_narrower_window_keeps_the_top_row(desk: Desk, library: LibraryPage) -> None:
    grid = library.grid
    desk.window.resize(1280, 800)
    desk.settle()
    row = 12 * grid.columns
    grid.scrollTo(grid.works.index(row), grid.ScrollHint.PositionAtTop)
    columns = grid.columns
    desk.window.resize(900, 640)
    desk.settle()
    assert grid.columns < columns
    rect = grid.visualRect(grid.works.index(row))
    assert grid.viewport().rect().intersects(rect)
