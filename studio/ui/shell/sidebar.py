"""The sidebar: one button for each page."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QToolButton

from studio.ui.commands import keys_of
from studio.ui.widgets import icons
from studio.ui.widgets.controls import named, segment, tip
from studio.ui.widgets.layout import add, column
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE, theme


class Sidebar(QFrame):
    """`chosen` is emitted with the name of a page when its button is clicked."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("rail")
        self.setAccessibleName(tr("Pages"))
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._by_name: dict[str, QToolButton] = {}
        self._buttons = column(self, spacing=SIZE.hair, margins=(SIZE.small, 10, SIZE.small, 10))
        theme().changed.connect(self._fit)
        self._fit()

    def add(self, name: str, title: str, icon: str) -> None:
        """Add a button for a page, below the others."""
        button = segment(title, f"rail.{name}", "page", hint=tip(title, keys_of(f"page.{name}")))
        self._by_name[name] = button
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setIconSize(QSize(22, 22))
        icons.set_icon(button, icon, size=22)
        button.clicked.connect(lambda: self.chosen.emit(name))
        self._group.addButton(button)
        self._buttons.addWidget(button)
        self._fit()

    def rule(self) -> None:
        """Add a line below the buttons so far."""
        line = named(QFrame(), "rule")
        line.setFixedHeight(1)
        add(self._buttons, SIZE.hair, line, SIZE.hair)

    def gap(self) -> None:
        """Put the buttons that are added from now on at the bottom."""
        self._buttons.addStretch(1)

    def mark(self, name: str) -> None:
        """Highlight the button of a page; none for an unknown name."""
        self._group.setExclusive(False)
        for each, button in self._by_name.items():
            button.setChecked(each == name)
        self._group.setExclusive(True)

    @property
    def focused(self) -> bool:
        return any(button.hasFocus() for button in self._by_name.values())

    def changeEvent(self, event: QEvent) -> None:
        """The first time, it has come into the window and its style."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._fit()

    def _fit(self) -> None:
        """Set the width to fit the widest label."""
        look = theme()
        words = [look.text_width(button.text(), 0.88, strong=True) for button in self._by_name.values()]
        wide = max(SIZE.rail, max(words, default=0) + 2 * SIZE.small + 11)
        self.setFixedWidth(wide)
        # Chinese signs are taller than the letters that the face is measured by.
        high = max([look.scaled(54), *(button.sizeHint().height() for button in self._by_name.values())])
        for button in self._by_name.values():
            button.setFixedSize(wide - 2 * SIZE.small - 1, high)
