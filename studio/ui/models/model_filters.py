"""The head of the models page: what is shown, the search and the filters, combined into one query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from PySide6.QtCore import QLocale, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QLineEdit, QToolButton, QWidget

from studio.backends import MEDIA, PAGELESS
from studio.ui.commands import keys_of
from studio.ui.library.filters import FilterButton, FilterOption
from studio.ui.models.entries import ModelEntry, ModelQuery, Order, Place
from studio.ui.widgets.controls import button, clearable, label, named, segment, tip
from studio.ui.widgets.layout import FlowLayout, column, row
from studio.ui.widgets.text import count, size, tr
from studio.ui.widgets.theme import theme

SIZES = (100_000_000, 1_000_000_000, 4_000_000_000, 10_000_000_000, 30_000_000_000)
"""Bytes that a person may limit models to."""


class ModelFilters(QFrame):
    """`changed`: the query is another one. `down`: the arrow down in the search field leads to the list. `actions` are
    buttons that stand at the right.
    """

    changed = Signal()
    down = Signal()

    def __init__(self, *actions: QWidget) -> None:
        super().__init__()
        self.setObjectName("libraryHead")
        self._quiet = False
        self.total = label("", "muted", name="modelsTotal")
        self.total.setMinimumHeight(theme().scaled(28))  # in line with the buttons before it
        self.total.setContentsMargins(8, 0, 0, 0)
        self.places = QButtonGroup(self)
        self._place_buttons: dict[Place, QToolButton] = {}
        for name, words in self._place_titles().items():
            made = segment(words, f"place.{name}")
            self.places.addButton(made)
            self._place_buttons[name] = made
        self._place_buttons["installed"].setChecked(True)
        self.places.buttonClicked.connect(lambda _: self._ask())
        self.search = _SearchLine()
        self.search.textChanged.connect(lambda _: self._ask())
        self.search.down.connect(self.down)
        self.medium = FilterButton("medium", tr("Makes"), tr("Anything"), _media, self)
        self.largest = FilterButton("largest", tr("Size"), tr("Any size"), _sizes, self)
        self.order = FilterButton("order", tr("Sort"), tr("By kind"), _orders, self)
        words = tr("Only models whose works may be sold, if need be on conditions, which their card shows")
        self.sold = segment(tr("May be sold"), "filter.sold", "facet", hint=words)
        self.fits = segment(tr("Fits here"), "filter.fits", "facet", hint=tr("Only models that this machine can run"))
        self.facets = (self.medium, self.largest, self.order)
        for facet in self.facets:
            facet.changed.connect(self._ask)
        for toggle in (self.fits, self.sold):
            toggle.clicked.connect(lambda: self._ask())
        self.clear_button = button(tr("Clear filters"), "clearFilters", "quiet", clicked=self.clear)
        self.clear_button.hide()
        first = row((self.search, 1), 8, *self._place_buttons.values(), spacing=4)
        beside = column(None, row(*actions), None)
        second = row((self._facets(), 1), beside, spacing=8)
        column(self, first, second, spacing=8, margins=(16, 10, 16, 10))

    def _place_titles(self) -> dict[Place, str]:
        return {"installed": tr("Installed"), "available": tr("Available"), "machine": tr("On this machine")}

    def _facets(self) -> QWidget:
        made = QWidget()
        self._flow = FlowLayout()
        made.setLayout(self._flow)
        for each in (self.medium, self.fits, self.sold, self.largest, self.order, self.clear_button, self.total):
            self._flow.addWidget(each)
        return made

    @property
    def query(self) -> ModelQuery:
        """The query of all controls."""
        places: list[Place] = [name for name, made in self._place_buttons.items() if made.isChecked()]
        order = self.order.value
        return ModelQuery(
            place=places[0],
            text=self.search.text().strip(),
            medium=self.medium.value or "",
            fits=self.fits.isChecked(),
            sold=self.sold.isChecked(),
            largest=int(self.largest.value or 0),
            order=order if order in get_args(Order) else "medium",  # type: ignore[arg-type]
        )

    def set_query(self, query: ModelQuery) -> None:
        """Show the controls as a query has them; `changed` is emitted once."""
        self._quiet = True
        try:
            self._place_buttons[query.place].setChecked(True)
            self.search.setText(query.text)
            self.medium.choose(_option(_media(), query.medium))
            self.fits.setChecked(query.fits)
            self.sold.setChecked(query.sold)
            self.largest.choose(_option(_sizes(), str(query.largest)))
            self.order.choose(_option(_orders(), query.order))
        finally:
            self._quiet = False
        self._ask()

    def clear(self) -> None:
        """Remove all filters; the order stays."""
        query = self.query
        self.set_query(ModelQuery(place=query.place, order=query.order))

    def show_counts(self, counts: Mapping[Place, int]) -> None:
        """Say behind each place how many models it has."""
        for name, made in self._place_buttons.items():
            words = self._place_titles()[name]
            made.setText(f"{words} {counts.get(name, 0)}" if counts.get(name) else words)
            made.setAccessibleName(made.text())

    def show_total(self, query: ModelQuery, entries: Sequence[ModelEntry]) -> None:
        """Say how many of the models of its place the query finds, and what installed ones take."""
        there = [entry for entry in entries if entry.place == query.place]
        found = [entry for entry in there if query.finds(entry)]
        words = count(len(there), "%n model", "%n models")
        if len(found) != len(there):
            words = tr("{number} of {models}").format(number=QLocale().toString(len(found)), models=words)
        if query.place == "installed" and found:
            words += " · " + size(sum(entry.size for entry in found))
        self.total.setText(words if there else "")

    def type_in_search(self, text: str) -> None:
        """Go on in the search field with what a person typed in the list."""
        self.search.setFocus(Qt.FocusReason.OtherFocusReason)
        self.search.setText(self.search.text() + text)

    def _ask(self) -> None:
        if not self._quiet:
            self.clear_button.setVisible(self.query.is_filtered)
            self.changed.emit()


class _SearchLine(QLineEdit):
    """The search field. `down`: the arrow down was pressed."""

    down = Signal()

    def __init__(self) -> None:
        super().__init__()
        named(
            self,
            "searchModels",
            tr("Search models"),
            tip(tr("Search titles, descriptions and licences"), keys_of("find")),
        )
        self.setPlaceholderText(tr("Search models"))
        clearable(self)
        self.setMinimumWidth(150)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.down.emit()
        else:
            super().keyPressEvent(event)


def _media() -> list[FilterOption]:
    return [FilterOption(medium.name, tr(medium.title)) for medium in (*MEDIA, *PAGELESS)]


def _sizes() -> list[FilterOption]:
    return [FilterOption(str(each), tr("Up to {size}").format(size=size(each).replace(".0 ", " "))) for each in SIZES]


def _orders() -> list[FilterOption]:
    return [
        FilterOption("title", tr("By title")),
        FilterOption("largest", tr("Largest first")),
        FilterOption("smallest", tr("Smallest first")),
    ]


def _option(options: list[FilterOption], value: str) -> FilterOption | None:
    return next((option for option in options if option.value == value), None)
