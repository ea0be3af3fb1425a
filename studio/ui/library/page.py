"""The library page: filters, grid and details."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFileDialog, QLabel, QStackedWidget, QWidget

from studio.library.library import Asset, LibraryQuery
from studio.media import codecs
from studio.studio import Studio
from studio.ui.bridge import Bridge
from studio.ui.commands import Run, possible_on
from studio.ui.library.details import WorkDetails
from studio.ui.library.filters import LibraryFilters
from studio.ui.library.grid import WorkGrid
from studio.ui.library.model import WorkListModel, listing
from studio.ui.library.thumbnails import ThumbnailLoader
from studio.ui.library.work_actions import WorkActions
from studio.ui.library.work_menu import WorkMenu
from studio.ui.preload import BuildSteps, lay_out
from studio.ui.widgets.controls import button, label
from studio.ui.widgets.dialogs import ask_paths
from studio.ui.widgets.drop_zone import DropZone
from studio.ui.widgets.layout import column, row
from studio.ui.widgets.page import LazyRefresh, Page, timer
from studio.ui.widgets.placeholder import EmptyState
from studio.ui.widgets.text import count, tr

LOOKED_AT = 200  # works of a selection that are read to say what they have in common


class LibraryPage(Page):
    """Empty until `build_steps` has run to its end: the window makes it in idle moments before it is opened."""

    def __init__(self, studio: Studio, bridge: Bridge, thumbnails: ThumbnailLoader, work_actions: WorkActions) -> None:
        super().__init__()
        self._studio, self._work_actions, self._thumbnails = studio, work_actions, thumbnails
        self._pending_id = ""  # a work to show once the list has it
        self._is_empty = False  # made, and nothing is in it
        self._refresh_timer = timer(self, lambda: self._works.refresh(), 80)
        self._lazy_refresh = LazyRefresh(self, self._refresh_timer.start, stale=True)
        bridge.news.connect(self._on_news)

    def build_steps(self) -> BuildSteps:
        """Make what is in it, a few milliseconds' worth at a time. What is yielded is worth waiting for."""
        library = self._studio.library
        listed = self._thumbnails.submit(lambda: listing(library, LibraryQuery()))
        whole = column(self, spacing=0)
        self.filters = LibraryFilters(self._studio)
        whole.addWidget(self.filters)
        yield from self.filters.build_steps()
        self.search = self.filters.search
        shown = column(margins=(16, 12, 0, 0), spacing=0)
        middle = row((shown, 1), spacing=0)
        whole.addLayout(middle, 1)
        yield listed
        found = None if listed is None or listed.cancel() else listed.result()
        self._works = WorkListModel(library, self._thumbnails, LibraryQuery(), self, found)
        yield
        self.grid = WorkGrid(self._works)
        yield
        self._pages = QStackedWidget()
        self._pages.addWidget(self.grid)
        self._empty_state = EmptyState()
        self._empty_state.left.connect(self._on_empty_action)
        self._pages.addWidget(self._empty_state)
        self._bin_bar = self._about_bin()
        shown.addWidget(self._bin_bar)
        shown.addWidget(self._pages, 1)
        yield
        self.details = WorkDetails(self._studio, self._thumbnails)
        middle.addWidget(self.details)
        yield from self.details.build_steps()
        words = tr("Drop pictures, sounds or texts here to import them")
        importer = self._work_actions.importer
        self._drop_zone = DropZone(self, words, importer.accepts, importer.import_data)
        self._wire()
        self._update_state()
        room = self.parentWidget()
        if room is not None:
            self.resize(room.size())
        if not (yield):
            lay_out(self)
            yield from self.grid.build_steps()

    def _wire(self) -> None:
        self.filters.changed.connect(self.apply_filters)
        self.filters.import_requested.connect(self.ask_import)
        self.grid.selectionModel().selectionChanged.connect(lambda *_: self._show_details())
        self.grid.activated.connect(lambda _: self._run("open"))
        self.grid.typed.connect(self._type_in_search)
        self.grid.customContextMenuRequested.connect(self._menu)
        self.details.command_requested.connect(self._run)
        self.details.renamed.connect(self._work_actions.rename)
        self.details.sent.connect(self._send)
        self.details.tagged.connect(lambda name, on: self._work_actions.tag(self.selected_ids(), name, on))
        self.details.collected.connect(lambda name, on: self._work_actions.collect(self.selected_ids(), name, on))
        self.details.show_requested.connect(lambda asset: self.show_work(asset.id))
        self._works.changed.connect(self._update_state)

    def _about_bin(self) -> QWidget:
        bar = QWidget()
        words = label(tr("Items stay in the bin until you delete them."), "muted")
        self.empty_bin = button(tr("Empty bin…"), "emptyBin", clicked=self._work_actions.empty_bin)
        bar.setLayout(row(words, None, self.empty_bin, margins=(4, 0, 16, 10)))
        bar.hide()
        return bar

    @property
    def total(self) -> QLabel:
        return self.filters.total

    def apply_filters(self) -> None:
        """Show what the filters find, from the top."""
        self.grid.clearSelection()
        self._works.set_query(self.filters.query)
        self.grid.scrollToTop()

    def refresh(self) -> None:
        """Read the library again; selection and scroll position stay."""
        self._works.refresh()

    def show_work(self, id: str) -> None:
        """Select a work and scroll to it; filters that hide it are removed."""
        if self._works.row_of(id) < 0:
            self.filters.show_all()
        row = self._works.row_of(id)
        if row < 0:
            self._pending_id = id  # it has come just now: the list will have it in a moment
            return
        self._pending_id = ""
        index = self._works.index(row)
        self.grid.setCurrentIndex(index)
        self.grid.scrollTo(index, WorkGrid.ScrollHint.PositionAtCenter)

    def _update_state(self) -> None:
        found = self._works.rowCount()
        self.total.setText(count(found, "%n item", "%n items"))
        self._is_empty = not found
        self._pages.setCurrentIndex(0 if found else 1)
        query = self._works.query
        self._bin_bar.setVisible(query.binned and found > 0)
        self.details.setVisible(found > 0)
        if self.filters.is_filtered:
            said = (tr("No results"), tr("Try other words or clear the filters."), tr("Clear filters"))
        elif query.binned:
            said = (tr("The bin is empty"), tr("Deleted items stay here until you empty the bin."), "")
        else:
            said = (
                tr("Everything you create is saved here"),
                tr("Create something, or drop your own files here."),
                tr("Import files…"),
            )
        self._empty_state.say(*said)
        if self._pending_id and self._works.row_of(self._pending_id) >= 0:
            self.show_work(self._pending_id)
        else:
            self._show_details()

    def _on_empty_action(self) -> None:
        if self.filters.is_filtered:
            self.filters.clear()
        else:
            self.ask_import()

    def _on_news(self, news: Any) -> None:
        if news.kind == "library":
            self._lazy_refresh.changed()
            if self._is_empty:  # nor is who has just made something to be met by an empty page
                self._refresh_timer.start()

    def selected_ids(self) -> list[str]:
        return self._works.ids(self.grid.ranges())

    def selected(self) -> list[Asset]:
        """The selected works, from the top: all where they are few, of many the first."""
        rows = [row for first, last in self.grid.ranges() for row in range(first, last + 1)]
        return [asset for row in rows[:LOOKED_AT] if (asset := self._works.work_at(row)) is not None]

    def _show_details(self) -> None:
        self.details.show_works(self.selected(), sum(last - first + 1 for first, last in self.grid.ranges()))

    def commands(self) -> dict[str, Run]:
        """What the commands of the table do with the selected works."""
        ids = self.selected_ids()
        found = possible_on(self.selected(), len(ids), self._run)
        if ids:
            found |= {"copy": self._copy, "cancel": self.grid.clearSelection}
        return found

    def _run(self, name: str) -> None:
        """Run a command on the selected works."""
        ids, works = self.selected_ids(), self.selected()
        if ids and works:
            self._work_actions.run(name, works, ids)

    def _send(self, medium: str) -> None:
        works = self.selected()
        if works:
            self._work_actions.send(works[0], medium)

    def _copy(self) -> None:
        """The files of the selected works, for other programs to paste."""
        indexes = [self._works.index(row) for first, last in self.grid.ranges() for row in range(first, last + 1)]
        if indexes:
            QGuiApplication.clipboard().setMimeData(self._works.mimeData(indexes))

    def menu(self) -> WorkMenu | None:
        """What can be done with the selected works; None where none are."""
        works, number = self.selected(), len(self.selected_ids())
        return WorkMenu(self, works, number, self._run, self._send) if works else None

    def _menu(self, at: QPoint) -> None:
        menu = self.menu()
        if menu is not None:
            menu.popup(self.grid.viewport().mapToGlobal(at))

    def _type_in_search(self, text: str) -> None:
        self.search.setFocus(Qt.FocusReason.OtherFocusReason)
        self.search.setText(self.search.text() + text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)
        if event.key() in keys and self.window().focusWidget() is self.grid and self.selected_ids():
            self._run("delete" if self._works.query.binned else "bin")
        elif event.matches(QKeySequence.StandardKey.Copy):
            self._copy()
        else:
            super().keyPressEvent(event)

    def ask_import(self) -> None:
        """Ask for files, and take them into the library."""
        known = " ".join(f"*{suffix}" for suffix in codecs.SUFFIXES)
        types = tr("Pictures, sounds and texts ({known})").format(known=known)
        take, mode = self._work_actions.importer.import_paths, QFileDialog.FileMode.ExistingFiles
        ask_paths(self, tr("Import files"), "bringFiles", take, mode=mode, types=types)

    def focus_first(self) -> None:
        self.grid.setFocus(Qt.FocusReason.OtherFocusReason)

    def close_down(self) -> None:
        self.filters.close_down()
        self._refresh_timer.stop()
