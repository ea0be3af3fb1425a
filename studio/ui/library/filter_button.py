"""A button with a menu that filters the library by one property: date, model, tag or collection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QDate, QSize, Qt, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton

from studio.ui.widgets import icons
from studio.ui.widgets.text import tr

LONGEST = 22  # characters of a value that the button shows


@dataclass(frozen=True, slots=True)
class FilterOption:
    """`value` is what is asked for; `works`, where it is known, how many there are."""

    value: str
    words: str
    works: int | None = None


class FilterButton(QToolButton):
    """Shows `words` while it asks for nothing, else the value it asks for. Its menu is made when it opens."""

    changed = Signal()

    def __init__(self, name: str, words: str, anything: str, options: Callable[[], Sequence[FilterOption]]) -> None:
        super().__init__()
        self.setObjectName(f"facet.{name}")
        self.setProperty("role", "facet")
        self._words, self._anything, self._options = words, anything, options
        self._chosen: FilterOption | None = None
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        # The arrow stands behind the words, whichever way they run.
        turned = Qt.LayoutDirection.RightToLeft
        self.setLayoutDirection(turned if self.layoutDirection() != turned else Qt.LayoutDirection.LeftToRight)
        self.setIconSize(QSize(14, 14))
        icons.set_icon(self, "chevron-down", "muted", size=14)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCheckable(True)
        menu = QMenu(self)
        menu.setObjectName(f"facetMenu.{name}")
        menu.setLayoutDirection(Qt.LayoutDirection.LayoutDirectionAuto)
        menu.aboutToShow.connect(self._fill)
        self.setMenu(menu)
        self._show()

    @property
    def value(self) -> str | None:
        return None if self._chosen is None else self._chosen.value

    def choose(self, option: FilterOption | None) -> None:
        """Ask for this, or for anything."""
        if option != self._chosen:
            self._chosen = option
            self._show()
            self.changed.emit()

    def clear(self) -> None:
        """Ask for anything, and tell nobody."""
        self._chosen = None
        self._show()

    def nextCheckState(self) -> None:
        """A press opens the menu; the mark says whether something is asked for."""

    def _show(self) -> None:
        words = self._words if self._chosen is None else self._chosen.words
        short = words if len(words) <= LONGEST else words[: LONGEST - 1].rstrip() + "…"
        self.setText(short.replace("&", "&&"))
        self.setChecked(self._chosen is not None)
        told = tr("{filter}: {value}").format(
            filter=self._words, value=words if self._chosen is not None else self._anything
        )
        self.setAccessibleName(told)
        self.setToolTip(told)

    def _fill(self) -> None:
        menu = self.menu()
        menu.clear()
        group = QActionGroup(menu)
        options = self._options()
        if self._chosen is not None and self._chosen.value not in {option.value for option in options}:
            options = [*options, self._chosen]
        for option in (None, *options):
            words = self._anything if option is None else option.words.replace("&", "&&")
            if option is not None and option.works is not None:
                words += f"\t{option.works}"
            action = menu.addAction(words)
            action.setCheckable(True)
            action.setChecked((option.value if option is not None else None) == self.value)
            action.triggered.connect(lambda _=False, option=option: self.choose(option))
            group.addAction(action)
        if not options:
            menu.addAction(tr("None yet")).setEnabled(False)


DAYS = ("today", "week", "month", "year", "earlier")


def dates() -> list[FilterOption]:
    words = (tr("Today"), tr("Last 7 days"), tr("Last 30 days"), tr("This year"), tr("Earlier"))
    return [FilterOption(value, text) for value, text in zip(DAYS, words, strict=True)]


def span(value: str | None) -> tuple[float | None, float | None]:
    """Since when and until when, as a query takes it: seconds since 1970, by the days of this machine's clock."""
    today = QDate.currentDate()
    year = QDate(today.year(), 1, 1)
    first = {"today": today, "week": today.addDays(-6), "month": today.addDays(-29), "year": year}.get(value or "")
    return (_start(first) if first is not None else None, _start(year) if value == "earlier" else None)


def _start(day: QDate) -> float:
    return float(day.startOfDay().toSecsSinceEpoch())
