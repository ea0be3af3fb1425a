"""The list of keyboard shortcuts: every command that has one, and the keys of the stages."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QGridLayout, QWidget

from studio.ui import commands
from studio.ui.widgets.controls import button, label, named
from studio.ui.widgets.layout import column, row, scrolling
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE, theme

# Keys that a stage handles itself while it has the focus: (where, keys, what they do).
STAGE_KEYS: tuple[tuple[str, str, str], ...] = (
    ("On a picture", "Left, Right", "Previous, next"),
    ("On a picture", "+, -", "Zoom in, zoom out"),
    ("On a picture", "0", "Fit to window"),
    ("On a picture", "1", "Actual size"),
    ("Among candidates", "Return", "Open"),
    ("On a sound", "Space", "Play or pause"),
    ("On a sound", "Left, Right", "Back, forward one second"),
    ("On a sound", "Home, End", "Go to start, go to end"),
)


class ShortcutsDialog(QDialog):
    """A list in two columns, by menu. Escape closes it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Keyboard shortcuts"))
        groups: dict[str, list[tuple[str, str]]] = {}
        for menu in commands.MENUS:
            for each in commands.table():
                if each.menu == menu and each.keys:
                    keys = each.shortcut.toString(QKeySequence.SequenceFormat.NativeText)
                    groups.setdefault(tr(menu).replace("&", ""), []).append((each.text().removesuffix("…"), keys))
        for where, keys, words in STAGE_KEYS:
            groups.setdefault(tr(where), []).append((tr(words), tr(keys)))
        inside = named(QWidget(), "form")
        halves = [column(spacing=SIZE.large), column(spacing=SIZE.large)]
        heights = [0, 0]
        for title, lines in groups.items():
            half = heights.index(min(heights))
            heights[half] += len(lines) + 2
            halves[half].addLayout(_group(title, lines))
        both = row(spacing=theme().scaled(48), margins=(24, 20, 24, 20))
        for half in halves:
            half.addStretch(1)
            both.addLayout(half, 1)
        inside.setLayout(both)
        area = scrolling(inside)
        area.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # there is nothing in it that could have the keyboard
        area.setAccessibleName(tr("Keyboard shortcuts"))
        whole = column(self, (area, 1), spacing=0)
        close = button(tr("Close"), "shortcutsClose", clicked=self.accept)
        whole.addLayout(row(None, close, margins=(24, 12, 24, 16)))
        close.setFocus()
        room = parent.size()
        self.resize(min(theme().scaled(760), room.width() - 48), min(theme().scaled(620), room.height() - 48))


def _group(title: str, lines: Sequence[tuple[str, str]]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(SIZE.medium)
    grid.setVerticalSpacing(6)
    grid.setColumnStretch(0, 1)
    grid.addWidget(label(title, "heading"), 0, 0, 1, 2)
    for at, (words, keys) in enumerate(lines, 1):
        grid.addWidget(label(words, wrap=True), at, 0)
        grid.addWidget(label(keys, "muted"), at, 1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
    return grid
