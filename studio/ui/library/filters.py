"""The filter bar of the library: search field and filters, combined into one query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QLineEdit, QToolButton

from studio.backends import MEDIA
from studio.errors import StudioError
from studio.library.library import LibraryQuery
from studio.ui.commands import keys_of
from studio.ui.library.filter_button import FilterButton, FilterOption, dates, span
from studio.ui.preload import BuildSteps
from studio.ui.widgets import icons
from studio.ui.widgets.basic import GAP, ICON, button, column, label, row, tip, tool
from studio.ui.widgets.text import tr

if TYPE_CHECKING:
    from studio.studio import Studio

DELAY = 160  # milliseconds after the last key before the library is asked


class LibraryFilters(QFrame):
    """`asked` says that the query is another one; `brought` that a person wants to bring files in."""

    changed = Signal()
    import_requested = Signal()
    _line: QHBoxLayout | None = None  # the second, once it is made
    _saved = 0  # pixels that words would take beside their icons

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.setObjectName("libraryHead")
        self._studio = studio
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(DELAY)
        self._typing.timeout.connect(self._ask)

    def build_steps(self) -> BuildSteps:
        """Make what is in it, a few milliseconds' worth at a time."""
        library = self._studio.library
        whole = column(self, spacing=8, margins=(16, 10, 16, 10))
        first = self._first()
        whole.addLayout(first)
        yield
        yield from self._segments(first)
        self.date = FilterButton("date", tr("Date"), tr("Any date"), dates)
        self.model = FilterButton("model", tr("Model"), tr("Any model"), self._models)
        yield
        self.tag = FilterButton("tag", tr("Tag"), tr("Any tag"), lambda: _labels(library.tags()))
        self.collection = FilterButton(
            "collection", tr("Collection"), tr("Any collection"), lambda: _labels(library.collections())
        )
        self.facets = (self.date, self.model, self.tag, self.collection)
        yield
        whole.addLayout(self._second())
        yield

    def _first(self) -> QHBoxLayout:
        self.search = QLineEdit()
        self.search.setObjectName("search")
        self.search.setPlaceholderText(tr("Search titles, prompts, tags"))
        self.search.setAccessibleName(tr("Search"))
        self.search.setToolTip(tip(tr("Search titles, prompts, tags and models"), keys_of("find")))
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(180)
        self.search.textChanged.connect(lambda _: self._typing.start())
        line = row(self.search, spacing=4)
        line.setStretch(0, 1)
        line.addSpacing(8)
        return line

    def _segments(self, line: QHBoxLayout) -> BuildSteps:
        self._media = QButtonGroup(self)
        self._media.setExclusive(True)
        for name, title in (("", tr("All")), *((each.name, tr(each.title)) for each in MEDIA)):
            made = QToolButton()
            made.setText(title)
            made.setAccessibleName(title)
            made.setObjectName(f"filter.{name or 'all'}")
            made.setProperty("role", "segment")
            made.setProperty("medium", name)
            made.setCheckable(True)
            made.setChecked(not name)
            made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
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
        line.addWidget(self.favourites)
        line.addWidget(self.clear_button)
        line.addStretch(1)
        self.total = label("", "muted")
        self.total.setObjectName("total")
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
        line.addWidget(self.total)
        line.addSpacing(6)
        line.addWidget(self.import_button)
        line.addWidget(self.binned)
        self.clear_button.hide()
        return line

    def event(self, e: QEvent) -> bool:
        done = super().event(e)
        if e.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest) and self._line is not None:
            self._fit(self._line)
        return done

    def _fit(self, line: QHBoxLayout) -> None:
        """Where the words of all do not fit side by side, the icons of the last two stand for them."""
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
        """What the controls ask for."""
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
        """Whether anything but the bin is asked for."""
        return self.query != LibraryQuery(binned=self.binned.isChecked())

    def clear(self) -> None:
        """Ask for everything; the bin stays the bin."""
        self._reset()
        self._ask()

    def show_all(self) -> None:
        """Ask for everything outside the bin, so that any work can be shown."""
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
        return [FilterOption(id, self._called(id), works) for id, works in self._studio.library.models().items()]

    def _called(self, id: str) -> str:
        try:
            return self._studio.catalog.get(id).title
        except StudioError:
            return id  # a model that is gone; its works are not


def _labels(names: dict[str, int]) -> list[FilterOption]:
    return [FilterOption(name, name, works) for name, works in names.items()]


def _toggle(text: str, name: str, icon: str, checked: str) -> QToolButton:
    made = QToolButton()
    made.setText(text)
    made.setAccessibleName(text)
    made.setToolTip(text)
    made.setObjectName(name)
    made.setProperty("role", "facet")
    made.setCheckable(True)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    icons.set_icon(made, icon, size=ICON, checked=checked, gap=GAP)
    made.setIconSize(QSize(ICON + GAP, ICON))
    return made
