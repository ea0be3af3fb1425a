"""The sidebar: one button for each page."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QToolButton

from studio.ui.commands import keys_of
from studio.ui.widgets import icons
from studio.ui.widgets.basic import column, tip
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE, theme


class Sidebar(QFrame):
    """`chosen` names the page that a person asks for."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("rail")
        self.setAccessibleName(tr("Pages"))
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._made: dict[str, QToolButton] = {}
        self._buttons = column(self, spacing=SIZE.hair, margins=(SIZE.small, 10, SIZE.small, 10))
        theme().changed.connect(self._fit)
        self._fit()

    def add(self, name: str, title: str, icon: str) -> None:
        """One more page, below the others."""
        made = self._made[name] = QToolButton()
        made.setObjectName(f"rail.{name}")
        made.setText(title)
        made.setAccessibleName(title)
        made.setToolTip(tip(title, keys_of(f"page.{name}")))
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        made.setIconSize(QSize(22, 22))
        made.setCheckable(True)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        icons.set_icon(made, icon, size=22)
        made.clicked.connect(lambda: self.chosen.emit(name))
        self._group.addButton(made)
        self._buttons.addWidget(made)
        self._fit()

    def rule(self) -> None:
        """A line between the pages so far and the next."""
        line = QFrame()
        line.setObjectName("rule")
        line.setFixedHeight(1)
        self._buttons.addSpacing(SIZE.hair)
        self._buttons.addWidget(line)
        self._buttons.addSpacing(SIZE.hair)

    def gap(self) -> None:
        """What comes from here on stands at the foot."""
        self._buttons.addStretch(1)

    def mark(self, name: str) -> None:
        """Show which page is shown; none where no page of that name is."""
        self._group.setExclusive(False)
        for each, made in self._made.items():
            made.setChecked(each == name)
        self._group.setExclusive(True)

    @property
    def focused(self) -> bool:
        return any(made.hasFocus() for made in self._made.values())

    def _fit(self) -> None:
        """As wide as its widest word needs, and never narrower than it is drawn for."""
        look = theme()
        words = [look.text_width(made.text(), 0.88, strong=True) for made in self._made.values()]
        wide = max(SIZE.rail, max(words, default=0) + 2 * SIZE.small + 11)
        self.setFixedWidth(wide)
        # Chinese signs are taller than the letters that the face is measured by.
        high = max([look.scaled(54), *(made.sizeHint().height() for made in self._made.values())])
        for made in self._made.values():
            made.setFixedSize(wide - 2 * SIZE.small - 1, high)
