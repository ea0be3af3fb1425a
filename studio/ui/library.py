"""The library page: everything ever made in a grid that pages, found while one types, with what made it beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QItemSelectionModel, QSize, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QFrame,
    QLabel,
    QLineEdit,
    QListView,
    QStackedWidget,
    QToolButton,
    QWidget,
)

from studio.backends import MEDIA
from studio.library import Asset, Query
from studio.ui.bridge import Bridge
from studio.ui.deeds import Deeds
from studio.ui.details import Details
from studio.ui.empty import Sign
from studio.ui.widgets import column, label, row, tool
from studio.ui.words import count, tr
from studio.ui.works import Thumbnails, Tile, Works

if TYPE_CHECKING:
    from studio.studio import Studio

TILE = 168
DELAY = 160  # milliseconds after the last key before the library is asked


class Grid(QListView):
    """Tiles in columns that fill the width."""

    def __init__(self, works: Works) -> None:
        super().__init__()
        self.setObjectName("grid")
        self.setAccessibleName(tr("Works"))
        self.setModel(works)
        self.tile = Tile(TILE, titled=True, parent=self)
        self.setItemDelegate(self.tile)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setLayoutMode(QListView.LayoutMode.Batched)
        self.setBatchSize(500)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)

    def resizeEvent(self, e: QResizeEvent) -> None:
        wide = max(TILE, self.viewport().width() - 2)
        columns = max(1, wide // TILE)
        side = wide // columns
        if side != self.tile.side or self.gridSize().width() != side:
            self.tile.side = side
            self.setGridSize(QSize(side, side + 30))
        super().resizeEvent(e)


class LibraryPage(QWidget):
    def __init__(self, studio: Studio, bridge: Bridge, thumbnails: Thumbnails, deeds: Deeds) -> None:
        super().__init__()
        self.setObjectName("page")
        self._library, self._deeds = studio.library, deeds
        self._stale = False  # works have come or gone while another page was shown
        self._works = Works(studio.library, thumbnails, Query(), self)
        self.grid = Grid(self._works)
        self.details = Details(thumbnails)
        self.details.asked.connect(self._asked)
        self.details.renamed.connect(deeds.rename)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.grid)
        self._pages.addWidget(self._nothing())
        whole = column(self, spacing=0)
        whole.addWidget(self._head())
        middle = row(spacing=0)
        grid = column(margins=(16, 12, 0, 0))
        grid.addWidget(self._pages)
        middle.addLayout(grid, 1)
        middle.addWidget(self.details)
        whole.addLayout(middle, 1)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(DELAY)
        self._typing.timeout.connect(self.ask)
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(80)
        self._late.timeout.connect(self.refresh)
        self.grid.selectionModel().selectionChanged.connect(lambda *_: self._show_details())
        self.grid.activated.connect(lambda _: self._asked("recall"))
        self._works.modelReset.connect(self._tell)
        bridge.news.connect(self._hear)
        self._tell()
        self._show_details()

    def _head(self) -> QWidget:
        head = QFrame()
        head.setObjectName("libraryHead")
        self.search = QLineEdit()
        self.search.setObjectName("search")
        self.search.setPlaceholderText(tr("Search titles, prompts, tags"))
        self.search.setAccessibleName(tr("Search"))
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(180)
        self.search.setMaximumWidth(340)
        self.search.textChanged.connect(lambda _: self._typing.start())
        self.total = label("", "muted")
        self.total.setObjectName("total")
        self._media = QButtonGroup(self)
        self._media.setExclusive(True)
        line = row(self.search, spacing=4, margins=(16, 10, 16, 10))
        line.setStretch(0, 2)
        line.addSpacing(8)
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
        self._media.buttonClicked.connect(lambda _: self.ask())
        line.addStretch(1)
        line.addWidget(self.total)
        line.addSpacing(8)
        self.favourites = tool("star", tr("Favourites only"), "favourites", checked="star-full", clicked=self.ask)
        self.binned = tool("trash", tr("Show the bin"), "binned", checked="trash", clicked=self.ask)
        line.addWidget(self.favourites)
        line.addWidget(self.binned)
        head.setLayout(line)
        return head

    def _nothing(self) -> QWidget:
        page = QWidget()
        self._nothing_words: QLabel = label("", "title")
        self._nothing_words.setObjectName("nothing")
        self._nothing_words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._nothing_hint = label("", "muted", wrap=True)
        self._nothing_hint.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        whole = column(page, spacing=12, margins=(32, 0, 32, 0))
        whole.addStretch(1)
        whole.addLayout(row(None, Sign("library"), None))
        whole.addWidget(self._nothing_words)
        whole.addWidget(self._nothing_hint)
        whole.addStretch(1)
        return page

    def query(self) -> Query:
        """What the controls ask for."""
        checked = self._media.checkedButton()
        return Query(
            text=self.search.text().strip(),
            medium=(str(checked.property("medium")) or None) if checked is not None else None,
            favourite=True if self.favourites.isChecked() else None,
            binned=self.binned.isChecked(),
        )

    def ask(self) -> None:
        self._typing.stop()
        self._works.ask(self.query())
        self.grid.scrollToTop()
        self._show_details()

    def refresh(self) -> None:
        """Read the library anew; what is selected and where one has scrolled stays."""
        place = self.grid.verticalScrollBar().value()
        selected = [asset.id for asset in self.selected()]
        self._works.refresh()
        model = self.grid.selectionModel()
        for id in selected:
            at = self._works.find(id)
            if at >= 0:
                model.select(self._works.index(at), QItemSelectionModel.SelectionFlag.Select)
        self.grid.verticalScrollBar().setValue(place)
        self._show_details()

    def selected(self) -> list[Asset]:
        rows = sorted(index.row() for index in self.grid.selectionModel().selectedIndexes())
        return [asset for at in rows if (asset := self._works.at(at)) is not None]

    def _hear(self, news: Any) -> None:
        if news.kind == "library":
            if self.isVisible():
                self._late.start()
            else:
                self._stale = True

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._stale = False
            self.refresh()

    def _tell(self) -> None:
        found = self._works.rowCount()
        self.total.setText(count(found, "%n work", "%n works"))
        self._pages.setCurrentIndex(0 if found else 1)
        query = self._works.query
        if query.text or query.medium or query.favourite:
            self._nothing_words.setText(tr("Nothing found"))
            self._nothing_hint.setText(tr("Try fewer or other words, or look in all media."))
        elif query.binned:
            self._nothing_words.setText(tr("The bin is empty"))
            self._nothing_hint.setText(tr("What you delete waits here until you empty the bin."))
        else:
            self._nothing_words.setText(tr("Everything you make is kept here"))
            self._nothing_hint.setText(tr("Make an avatar, a poster, a story or a piece of music to begin."))

    def _show_details(self) -> None:
        works = self.selected()
        self.details.show_works(works)
        self.details.setVisible(bool(works))

    def act(self, name: str) -> None:
        """Do what an action of the menus says, where it means something here."""
        if name in ("save", "reveal", "recall", "again", "vary", "favourite", "bin"):
            self._asked(name)
        elif name == "cancel":
            self.grid.clearSelection()

    def _asked(self, deed: str) -> None:
        works: Sequence[Asset] = self.selected()
        if not works:
            return
        if deed == "bin":
            self._deeds.bin(works)
        elif deed == "restore":
            self._deeds.restore([asset.id for asset in works])
        elif deed == "favourite":
            self._deeds.favourite(works, not all(asset.favourite for asset in works))
        else:
            self._deeds.do(deed, works[0])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.selected():
            self._asked("restore" if self.binned.isChecked() else "bin")
        else:
            super().keyPressEvent(event)

    def focus_first(self) -> None:
        self.grid.setFocus(Qt.FocusReason.OtherFocusReason)

    def leave(self) -> None:
        """Another page is shown."""

    def close_down(self) -> None:
        self._typing.stop()
        self._late.stop()

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Any) -> None:
        """The library always opens on everything."""
