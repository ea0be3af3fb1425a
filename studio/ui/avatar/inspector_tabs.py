"""The tabs of the side panel, and above them the buttons for new and similar faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QResizeEvent
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
SIDES = 8  # pixels beside the tabs
WIDEST = 336  # pixels; the smallest window may have less
EDGE = 16  # pixels at both sides; a scroll bar takes 12 of them


class InspectorTabs(QWidget):
    """Tools in tabs below two buttons, `sixteen` and `near`, which the inspector connects."""

    def __init__(self) -> None:
        super().__init__()
        self.sixteen = button(tr("New faces"), "faces", "compact")
        self.sixteen.setToolTip(tip(tr("16 new faces with these settings"), keys_of("faces")))
        self.near = button(tr("More like this"), "near", "compact")
        self.near.setToolTip(tip(tr("16 faces similar to the one you see"), keys_of("near")))
        self.spread = LabelledSlider(
            "spread", tr("Variation"), 0.05, 0.95, 18, tr("How much similar faces may differ from this one")
        )
        self.spread.show_value(SPREAD, moved=False)
        self.spread.reset_clicked.connect(lambda: self.spread.show_value(SPREAD, moved=False))
        self.tabs: dict[str, QToolButton] = {}
        self._group = QButtonGroup(self)
        self._pages = QStackedWidget()
        self._segments = QGridLayout()
        self._segments.setSpacing(0)
        self._segments.setContentsMargins(SIDES, 0, SIDES, 0)
        self._head = head = QFrame()
        head.setLayout(self._segments)
        self._buttons = line = row(self.sixteen, self.near)
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
        """Add a tab: its parts below each other, and `foot` below what scrolls. The first tab is shown."""
        inside = QWidget()
        inside.setObjectName("form")
        inner = column(inside, spacing=24, margins=(EDGE, 4, EDGE, 16))
        for part in parts:
            inner.addWidget(part)
        inner.addStretch(1)
        area = scrolling(inside)
        # Nothing moves when the scroll bar appears.
        area.verticalScrollBar().rangeChanged.connect(
            lambda _, last: inner.setContentsMargins(EDGE, 4, EDGE - 12 if last > 0 else EDGE, 16)
        )
        page = QWidget()
        column(page, spacing=0).addWidget(area, 1)
        if foot is not None:
            page.layout().addWidget(self._make_foot(foot))  # type: ignore[union-attr]
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

    def _make_foot(self, inside: QWidget) -> QFrame:
        foot = QFrame()
        foot.setObjectName("toolFoot")
        column(foot, margins=(EDGE, 12, EDGE, 12)).addWidget(inside)
        if inside.isHidden():  # isVisible is False for all of them: the window is not shown yet
            foot.hide()
        inside.installEventFilter(self)
        return foot

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Hide a foot while there is nothing in it."""
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
        """Restore a state; ignore what is not valid."""
        if state.get("tab") in self.tabs:
            self.show_tab(str(state["tab"]))
        spread = state.get("spread")
        if isinstance(spread, float) and 0.05 <= spread <= 0.95:
            self.spread.show_value(spread, moved=spread != SPREAD)

    def sizeHint(self) -> QSize:
        return QSize(self._wanted_width(), super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _wanted_width(self) -> int:
        """As wide as the tabs need, from SIZE.inspector to WIDEST."""
        return max(SIZE.inspector, min(self._tabs_width(), WIDEST))

    def _tabs_width(self) -> int:
        return sum(tab.sizeHint().width() for tab in self.tabs.values()) + 2 * SIDES

    def _fit(self) -> None:
        """Texts or fonts have changed. In a narrow window the panel gets less than it wants."""
        self.setMinimumWidth(SIZE.inspector)
        self.setMaximumWidth(self._wanted_width())
        self.updateGeometry()
        self._arrange()

    def _arrange(self) -> None:
        """Tabs that are too wide take two rows; buttons that are too wide are stacked."""
        columns = len(self.tabs) if self._tabs_width() <= self.width() else -(-len(self.tabs) // 2)
        for at, tab in enumerate(self.tabs.values()):
            self._segments.addWidget(tab, at // columns, at % columns)
        self._head.setFixedHeight(max(48, self._segments.sizeHint().height() + 12))
        both = self.sixteen.sizeHint().width() + self.near.sizeHint().width() + SIZE.small + 2 * EDGE
        direction = QBoxLayout.Direction
        self._buttons.setDirection(direction.TopToBottom if both > self.width() else direction.LeftToRight)
