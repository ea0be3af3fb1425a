"""The filter bar of the library: search field and filters, combined into one query."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QDate, QEvent, QSize, Qt, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QLineEdit, QMenu, QToolButton, QWidget

from studio.backends import MEDIA
from studio.library.library import LibraryQuery
from studio.studio import Studio
from studio.ui.commands import keys_of
from studio.ui.preload import BuildSteps
from studio.ui.widgets import icons
from studio.ui.widgets.controls import GAP, ICON, button, clearable, label, named, segment, tip, tool
from studio.ui.widgets.layout import add, column, row
from studio.ui.widgets.page import timer
from studio.ui.widgets.text import tr

DELAY = 160  # milliseconds after the last key before the library is asked
LONGEST = 22  # characters of a value that the button shows


@dataclass(frozen=True, slots=True)
class FilterOption:
    """`value` to filter by, in `words`; `works`: how many there are, if known."""

    value: str
    words: str
    works: int | None = None


class FilterButton(QToolButton):
    """Shows `words`, or the value it filters by. Its menu is made when it opens."""

    changed = Signal()

    def __init__(
        self, name: str, words: str, anything: str, options: Callable[[], Sequence[FilterOption]], parent: QWidget
    ) -> None:
        super().__init__(parent)
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
        """Filter by this option; None for no filter."""
        if option != self._chosen:
            self._chosen = option
            self._show()
            self.changed.emit()

    def clear(self) -> None:
        """Remove the filter without the signal."""
        self._chosen = None
        self._show()

    def nextCheckState(self) -> None:
        """A press opens the menu; it is checked while a filter is set."""

    def _show(self) -> None:
        words = self._words if self._chosen is None else self._chosen.words
        short = words if len(words) <= LONGEST else words[: LONGEST - 1].rstrip() + "…"
        self.setText(short.replace("&", "&&"))
        self.setChecked(self._chosen is not None)
        spoken = tr("{filter}: {value}").format(
            filter=self._words, value=words if self._chosen is not None else self._anything
        )
        self.setAccessibleName(spoken)
        self.setToolTip(spoken)

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


class LibraryFilters(QFrame):
    """`changed`: the query is another one. `import_requested`: a person wants to import files."""

    changed = Signal()
    import_requested = Signal()
    _line: QHBoxLayout | None = None  # the second, once it is made
    _saved = 0  # pixels that words would take beside their icons

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.setObjectName("libraryHead")
        self._studio = studio
        self._typing = timer(self, self._ask, DELAY)

    def build_steps(self) -> BuildSteps:
        """Make what is in it, a few milliseconds' worth at a time."""
        library = self._studio.library
        whole = column(self, spacing=8, margins=(16, 10, 16, 10))
        first = self._first()
        whole.addLayout(first)
        yield
        yield from self._segments(first)
        # With a parent before they have a place: a window may close before this goes on.
        self.date = FilterButton("date", tr("Date"), tr("Any date"), dates, self)
        self.model = FilterButton("model", tr("Model"), tr("Any model"), self._models, self)
        yield
        self.tag = FilterButton("tag", tr("Tag"), tr("Any tag"), lambda: _labels(library.tags()), self)
        self.collection = FilterButton(
            "collection", tr("Collection"), tr("Any collection"), lambda: _labels(library.collections()), self
        )
        self.facets = (self.date, self.model, self.tag, self.collection)
        yield
        whole.addLayout(self._second())
        yield

    def _first(self) -> QHBoxLayout:
        self.search = named(QLineEdit(), "search", tr("Search"))
        self.search.setPlaceholderText(tr("Search titles, prompts, tags"))
        self.search.setToolTip(tip(tr("Search titles, prompts, tags and models"), keys_of("find")))
        clearable(self.search)
        self.search.setMinimumWidth(180)
        self.search.textChanged.connect(lambda _: self._typing.start())
        return row((self.search, 1), 8, spacing=4)

    def _segments(self, line: QHBoxLayout) -> BuildSteps:
        self._media = QButtonGroup(self)
        self._media.setExclusive(True)
        for name, title in (("", tr("All")), *((each.name, tr(each.title)) for each in MEDIA)):
            made = segment(title, f"filter.{name or 'all'}")
            made.setProperty("medium", name)
            made.setChecked(not name)
            self._media.addButton(made)
            line.addWidget(made)
            yield
        self._media.buttonClicked.connect(lambda _: self._ask())

    def _second(self) -> QHBoxLayout:
        line = self._line = row(spacing=6)
        for facet in self.facets:
            facet.changed.connect(self._ask)
            line.addWidget(facet)
        self.favourites = _toggle(tr("Favourites"), "favourites", "star", "star-full")
        self.favourites.clicked.connect(lambda: self._ask())
        self.clear_button = button(tr("Clear filters"), "clearFilters", "quiet", clicked=self.clear)
        add(line, self.favourites, self.clear_button, None)
        self.total = label("", "muted", name="total")
        self.import_button = tool(
            "plus", tr("Import files… (or drop them here)"), "bring", clicked=self.import_requested.emit
        )
        self.import_button.setText(tr("Import files…"))
        self.import_button.setProperty("role", "facet")
        self.import_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        icons.set_icon(self.import_button, "plus", size=ICON, gap=GAP)
        self.import_button.setIconSize(QSize(ICON + GAP, ICON))
        self.binned = _toggle(tr("Bin"), "binned", "trash", "trash")
        self.binned.setToolTip(tr("Show the bin"))
        self.binned.clicked.connect(lambda: self._ask())
        add(line, self.total, 6, self.import_button, self.binned)
        self.clear_button.hide()
        return line

    def event(self, e: QEvent) -> bool:
        done = super().event(e)
        if e.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest) and self._line is not None:
            self._fit(self._line)
        return done

    def _fit(self, line: QHBoxLayout) -> None:
        """Show the last two buttons as icons where not all words fit side by side."""
        short = self.import_button.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly
        whole = line.sizeHint().width() + (self._saved if short else 0)
        if (whole > self.width() - 32) == short:
            return
        style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if short else Qt.ToolButtonStyle.ToolButtonIconOnly
        for made in (self.import_button, self.binned):
            made.setToolButtonStyle(style)
        line.invalidate()
        self._saved = 0 if short else whole - line.sizeHint().width()

    @property
    def query(self) -> LibraryQuery:
        """The query of all controls."""
        checked = self._media.checkedButton()
        since, until = span(self.date.value)
        return LibraryQuery(
            text=self.search.text().strip(),
            medium=(str(checked.property("medium")) or None) if checked is not None else None,
            model=self.model.value,
            favourite=True if self.favourites.isChecked() else None,
            tag=self.tag.value,
            collection=self.collection.value,
            since=since,
            until=until,
            binned=self.binned.isChecked(),
        )

    @property
    def is_filtered(self) -> bool:
        """Whether any filter but the bin is set."""
        return self.query != LibraryQuery(binned=self.binned.isChecked())

    def clear(self) -> None:
        """Remove all filters but the bin."""
        self._reset()
        self._ask()

    def show_all(self) -> None:
        """Remove all filters and leave the bin, so that any work can be shown."""
        self.binned.setChecked(False)
        self.clear()

    def close_down(self) -> None:
        self._typing.stop()

    def _reset(self) -> None:
        self.search.clear()
        for facet in self.facets:
            facet.clear()
        self.favourites.setChecked(False)
        self._media.buttons()[0].setChecked(True)

    def _ask(self) -> None:
        self._typing.stop()
        self.clear_button.setVisible(self.is_filtered)
        self.changed.emit()

    def _models(self) -> Sequence[FilterOption]:
        title_of = self._studio.catalog.title_of
        return [FilterOption(id, title_of(id), works) for id, works in self._studio.library.models().items()]


def _labels(names: dict[str, int]) -> list[FilterOption]:
    return [FilterOption(name, name, works) for name, works in names.items()]


def _toggle(text: str, name: str, icon: str, checked: str) -> QToolButton:
    made = segment(text, name, "facet", hint=text)
    made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    icons.set_icon(made, icon, size=ICON, checked=checked, gap=GAP)
    made.setIconSize(QSize(ICON + GAP, ICON))
    return made
