"""The frame of the inspector: the tabs, and above their tools the ways to sixteen faces; it knows no tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import (
    QBoxLayout,
    QButtonGroup,
    QFrame,
    QGridLayout,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QWidget,
)

from studio.ui.avatar.sliders import LabelledSlider
from studio.ui.commands import keys_of
from studio.ui.widgets.basic import button, column, row, scrolling, tip
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE, theme

SPREAD = 0.35
SIDES = 12  # pixels beside the tabs
WIDEST = 336  # pixels that the smallest window has for it
EDGE = 16  # pixels at both sides; a scroll bar takes 12 of them


class InspectorTabs(QWidget):
    """Buttons for the page to connect, and its tools in tabs."""

    def __init__(self) -> None:
        super().__init__()
        self.sixteen = button(tr("Sixteen faces"), "faces", "compact")
        self.sixteen.setToolTip(tip(tr("Sixteen other faces as the brief says"), keys_of("faces")))
        self.near = button(tr("More like this"), "near", "compact")
        self.near.setToolTip(tip(tr("Sixteen faces near the one you see"), keys_of("near")))
        self.spread = LabelledSlider(
            "spread", tr("How different"), 0.05, 0.95, 18, tr("How far more faces like this may be")
        )
        self.spread.show_value(SPREAD, moved=False)
        self.spread.reset_clicked.connect(lambda: self.spread.show_value(SPREAD, moved=False))
        self.tabs: dict[str, QToolButton] = {}
        self._group = QButtonGroup(self)
        self._pages = QStackedWidget()
        self._segments = QGridLayout()
        self._segments.setSpacing(2)
        self._segments.setContentsMargins(SIDES, 0, SIDES, 0)
        self._head = head = QFrame()
        head.setLayout(self._segments)
        self._ways = line = row(self.sixteen, self.near)
        line.setStretch(0, 1)
        line.setStretch(1, 1)
        top = column(spacing=8, margins=(EDGE, 4, EDGE, 12))
        top.addLayout(line)
        top.addWidget(self.spread)
        whole = column(self, spacing=0)
        whole.addWidget(head)
        whole.addLayout(top)
        whole.addWidget(self._pages, 1)
        theme().changed.connect(self._fit)

    def add(self, name: str, words: str, parts: Sequence[QWidget], foot: QWidget | None = None) -> None:
        """A tab with its parts below each other, and at its foot what is always to be seen; the first one is shown."""
        inside = QWidget()
        inside.setObjectName("form")
        laid = column(inside, spacing=24, margins=(EDGE, 4, EDGE, 16))
        for part in parts:
            laid.addWidget(part)
        laid.addStretch(1)
        area = scrolling(inside)
        # What lies in it keeps its place when a scroll bar comes beside it.
        area.verticalScrollBar().rangeChanged.connect(
            lambda _, last: laid.setContentsMargins(EDGE, 4, EDGE - 12 if last > 0 else EDGE, 16)
        )
        page = QWidget()
        column(page, spacing=0).addWidget(area, 1)
        if foot is not None:
            page.layout().addWidget(self._footed(foot))  # type: ignore[union-attr]
        self._pages.addWidget(page)
        tab = QToolButton()
        tab.setObjectName(f"tab.{name}")
        tab.setText(words)
        tab.setAccessibleName(words)
        tab.setToolTip(words)
        tab.setCheckable(True)
        tab.setProperty("role", "tab")
        tab.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        tab.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        tab.clicked.connect(lambda: self.show_tab(name))
        self._group.addButton(tab)
        self.tabs[name] = tab
        if len(self.tabs) == 1:
            self.show_tab(name)
        self._fit()

    def _footed(self, inside: QWidget) -> QFrame:
        foot = QFrame()
        foot.setObjectName("toolFoot")
        column(foot, margins=(EDGE, 12, EDGE, 12)).addWidget(inside)
        if inside.isHidden():  # and not shown otherwise: it has no place in the window yet
            foot.hide()
        inside.installEventFilter(self)
        return foot

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A foot is there while there is something in it."""
        if event.type() in (QEvent.Type.ShowToParent, QEvent.Type.HideToParent) and isinstance(watched, QWidget):
            foot = watched.parentWidget()
            if foot is not None:
                foot.setHidden(watched.isHidden())
        return False

    @property
    def tab(self) -> str:
        """The name of the tab that is shown."""
        return list(self.tabs)[self._pages.currentIndex()]

    def show_tab(self, name: str) -> None:
        self.tabs[name].setChecked(True)
        self._pages.setCurrentIndex(list(self.tabs).index(name))
        self.spread.setVisible(name == next(iter(self.tabs)))

    def state(self) -> dict[str, Any]:
        return {"tab": self.tab, "spread": self.spread.value}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a state; what cannot be used is left as it is."""
        if state.get("tab") in self.tabs:
            self.show_tab(str(state["tab"]))
        spread = state.get("spread")
        if isinstance(spread, float) and 0.05 <= spread <= 0.95:
            self.spread.show_value(spread, moved=spread != SPREAD)

    def _fit(self) -> None:
        """As wide as its tabs need, and never narrower than it is drawn for; long words stand below each other, and
        tabs that need more than there is in two rows."""
        two = self.sixteen.sizeHint().width() + self.near.sizeHint().width() + SIZE.small + 2 * EDGE
        wide = sum(tab.sizeHint().width() + 2 for tab in self.tabs.values()) + 2 * SIDES
        across = len(self.tabs) if wide <= WIDEST else -(-len(self.tabs) // 2)
        for at, tab in enumerate(self.tabs.values()):
            self._segments.addWidget(tab, at // across, at % across)
        self._head.setFixedHeight(max(48, self._segments.sizeHint().height() + 12))
        self.setFixedWidth(max(SIZE.inspector, min(wide, WIDEST)))
        way = QBoxLayout.Direction
        self._ways.setDirection(way.TopToBottom if two > self.width() else way.LeftToRight)
