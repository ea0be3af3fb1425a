"""The filmstrip: this medium's works in a row, newest first."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView

from studio.library.library import Asset
from studio.ui.library.delegate import WorkDelegate
from studio.ui.library.model import ASSET, WorkListModel
from studio.ui.widgets.page import timer
from studio.ui.widgets.text import tr

SIDE = 84


class Filmstrip(QListView):
    """`chosen(work)`: a work was clicked. `menu_requested(work, place)`: open its menu at this place of the screen."""

    chosen = Signal(object)
    menu_requested = Signal(object, QPoint)

    def __init__(self, works: WorkListModel) -> None:
        super().__init__()
        self.setObjectName("filmstrip")
        self.setAccessibleName(tr("Recent items"))
        self.setModel(works)
        works.setParent(self)
        self._works = works
        self._highlighted = ""
        self.setItemDelegate(WorkDelegate(SIDE, titled=False, parent=self))
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setUniformItemSizes(True)
        self.setSpacing(0)
        self.setMouseTracking(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFixedHeight(SIDE + 16)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        works.changed.connect(self._on_list_changed)
        self.clicked.connect(self._choose)
        self.activated.connect(self._choose)
        self._refresh_timer = timer(self, works.refresh, 60)

    def sizeHint(self) -> QSize:
        return QSize(400, SIDE + 16)

    def schedule_refresh(self) -> None:
        """Works have changed: read them again, once for several changes."""
        if not self._refresh_timer.isActive():
            self._refresh_timer.start()

    def highlight(self, id: str) -> None:
        """Mark the work that is on the stage."""
        self._highlighted = id
        row = self._works.row_of(id) if id else -1
        if row < 0:
            self.selectionModel().clear()
            return
        index = self._works.index(row)
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self.scrollTo(index)

    def newest(self) -> Asset | None:
        return self._works.work_at(0)

    def neighbour(self, id: str, step: int) -> Asset | None:
        """The next (+1) or previous (-1) work."""
        row = self._works.row_of(id)
        return self._works.work_at(row + step if row >= 0 else 0)

    def _choose(self, index: QModelIndex) -> None:
        asset = index.data(ASSET)
        if asset is not None:
            self._highlighted = asset.id
            self.chosen.emit(asset)

    def _on_list_changed(self) -> None:
        """Mark the work on the stage again, without scrolling."""
        place = self.horizontalScrollBar().value()
        self.highlight(self._highlighted)
        if place:
            self.horizontalScrollBar().setValue(place)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The menu of the work under the pointer, or of the marked one by keyboard."""
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        asset = index.data(ASSET)
        if asset is not None:
            place = self.visualRect(index).center() if by_key else event.pos()
            self.menu_requested.emit(asset, self.viewport().mapToGlobal(place))
            self.highlight(self._highlighted)

    def wheelEvent(self, e: QWheelEvent) -> None:
        bar = self.horizontalScrollBar()
        delta = e.angleDelta()
        bar.setValue(bar.value() - (delta.y() or delta.x()))
        e.accept()
