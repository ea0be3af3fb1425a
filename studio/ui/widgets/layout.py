"""Layouts: rows and columns, lines that wrap, tables, what scrolls, and sizes that follow the size of text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from PySide6.QtCore import QObject, QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import (
    QBoxLayout,
    QFormLayout,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLayout,
    QLayoutItem,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from studio.ui.widgets.controls import label
from studio.ui.widgets.theme import SIZE, theme

RING = 4  # pixels around what has the focus that are shown with it

FLOW_GAP = 6  # pixels between the widgets of a FlowLayout
TABLE_GAPS = (12, 6)  # pixels between columns and between lines

Item: TypeAlias = QWidget | QLayout | tuple[QWidget | QLayout, int] | int | None
"""A widget or a layout, either with its share of the room; pixels of space; None for a stretch."""


def add(layout: QBoxLayout, *items: Item) -> None:
    """Put items at the end of a row or column."""
    for item in items:
        part, share = item if isinstance(item, tuple) else (item, 0)
        if part is None:
            layout.addStretch(1)
        elif isinstance(part, int):
            layout.addSpacing(part)
        elif isinstance(part, QWidget):
            layout.addWidget(part, share)
        else:
            layout.addLayout(part, share)


def row(*items: Item, spacing: int = SIZE.small, margins: Sequence[int] = (0, 0, 0, 0)) -> QHBoxLayout:
    """Items side by side."""
    made = QHBoxLayout()
    made.setSpacing(spacing)
    made.setContentsMargins(*margins)
    add(made, *items)
    return made


def column(
    parent: QWidget | None = None,
    *items: Item,
    spacing: int = SIZE.small,
    margins: Sequence[int] = (0, 0, 0, 0),
) -> QVBoxLayout:
    """Items below each other, as the layout of `parent` if there is one."""
    made = QVBoxLayout() if parent is None else QVBoxLayout(parent)
    made.setSpacing(spacing)
    made.setContentsMargins(*margins)
    add(made, *items)
    return made


def show_whole(focused: QWidget) -> None:
    """Scroll so that all of what the keyboard came to is seen, with its ring: Qt shows the cursor of a text only."""
    above = focused.parentWidget()
    while above is not None and not isinstance(above, QScrollArea):
        above = above.parentWidget()
    inside = above.widget() if above is not None else None
    if above is not None and inside is not None:
        box = QRect(focused.mapTo(inside, QPoint(0, 0)), focused.size())
        above.ensureVisible(box.center().x(), box.bottom(), 0, RING)
        above.ensureVisible(box.center().x(), box.top(), 0, RING)


def scrolling(inside: QWidget) -> QScrollArea:
    """`inside`, as wide as there is room, to be scrolled up and down where it is higher; the keyboard goes past it."""
    area = QScrollArea()
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(inside)
    return area


def keep_place(widget: QWidget) -> None:
    """Nothing around it moves when it is hidden or shown."""
    kept = widget.sizePolicy()
    kept.setRetainSizeWhenHidden(True)
    widget.setSizePolicy(kept)


def clear_layout(layout: QLayout) -> None:
    """Take out what lies in it, for good."""
    while (old := layout.takeAt(0)) is not None:
        widget = old.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()


class ScaledSize(QObject):
    """Keeps a widget `wide` or `high` pixels at the usual size of text, more where text is larger."""

    def __init__(self, widget: QWidget, *, wide: int = 0, high: int = 0) -> None:
        super().__init__(widget)
        self._widget, self._wide, self._high = widget, wide, high
        theme().changed.connect(self._apply)
        self._apply()

    def _apply(self) -> None:
        if self._wide:
            self._widget.setFixedWidth(theme().scaled(self._wide))
        if self._high:
            self._widget.setFixedHeight(theme().scaled(self._high))


def fact_table(lines: Iterable[tuple[str, str]], name: str) -> QWidget:
    """(name, value) lines; a value too long to stand beside its name stands below it."""
    form = QFormLayout()
    form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
    for words, value in lines:
        form.addRow(label(words, "caption"), label(value, wrap=True, selectable=True))
    return _table(form, name)


def column_table(lines: Iterable[Sequence[QWidget]], name: str, *, first: int = 0) -> QWidget:
    """Lines of as many cells each, the last column as wide as there is room; `first` pixels at least for the first."""
    grid = QGridLayout()
    grid.setColumnMinimumWidth(0, first)
    for at, cells in enumerate(lines):
        for place, cell in enumerate(cells):
            grid.addWidget(cell, at, place, Qt.AlignmentFlag.AlignTop)
    grid.setColumnStretch(grid.columnCount() - 1, 1)
    return _table(grid, name)


def _table(layout: QFormLayout | QGridLayout, name: str) -> QWidget:
    table = QWidget()
    table.setObjectName(name)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setHorizontalSpacing(TABLE_GAPS[0])
    layout.setVerticalSpacing(TABLE_GAPS[1])
    table.setLayout(layout)
    return table


class FlowLayout(QLayout):
    """Widgets side by side, going on in the next line where the width ends."""

    def __init__(self) -> None:
        super().__init__()
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, arg__1: QLayoutItem) -> None:
        self._items.append(arg__1)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # type: ignore[override]
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:  # type: ignore[override]
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, arg__1: int) -> int:
        return self._place(QRect(0, 0, arg__1, 0), move=False)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        widest = max((item.minimumSize().width() for item in self._items), default=0)
        return QSize(widest, 0)

    def setGeometry(self, arg__1: QRect) -> None:
        super().setGeometry(arg__1)
        self._place(arg__1, move=True)

    def _place(self, rect: QRect, *, move: bool) -> int:
        """The height that the lines take; with `move` each item is put where it belongs."""
        x, y, high = rect.x(), rect.y(), 0
        for item in self._items:
            size = item.sizeHint()
            if x > rect.x() and x + size.width() > rect.right() + 1:
                x, y, high = rect.x(), y + high + FLOW_GAP, 0
            if move:
                item.setGeometry(QRect(QPoint(x, y), QSize(min(size.width(), rect.width()), size.height())))
            x, high = x + size.width() + FLOW_GAP, max(high, size.height())
        return y + high - rect.y()
