"""Names and what belongs to them, in columns that line up; knows not what it shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QGridLayout, QWidget

from studio.ui.widgets.basic import label

WIDE, HIGH = 12, 6  # pixels between columns and between lines


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
    layout.setHorizontalSpacing(WIDE)
    layout.setVerticalSpacing(HIGH)
    table.setLayout(layout)
    return table
