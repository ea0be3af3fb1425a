"""Faces that a person brings to a tool: dropped from the filmstrip, or chosen among the works; knows no tool."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QMimeData, QModelIndex, QObject, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QFrame, QListView, QWidget

from studio.errors import StudioError
from studio.library.library import Asset, Library, LibraryQuery
from studio.ui.library.delegate import WorkDelegate
from studio.ui.library.importer import local
from studio.ui.library.model import ASSET, WorkListModel
from studio.ui.library.thumbnails import ThumbnailLoader
from studio.ui.widgets.basic import column, label
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE

SIDE, ACROSS, DOWN = 72, 4, 4


def dragged_works(data: QMimeData, library: Library) -> list[Asset]:
    """The works of the library whose files are dragged."""
    found: list[Asset] = []
    for path in local(data):
        try:
            asset = library.get(path.stem)
        except StudioError:
            continue
        if asset.path == path:
            found.append(asset)
    return found


class WorkDropTarget(QObject):
    """Lets works be dropped on `area`: `dropped` has them, and `over` says whether some are above it."""

    dropped = Signal(object)
    over = Signal(bool)

    def __init__(self, area: QWidget, library: Library) -> None:
        super().__init__(area)
        self._library = library
        area.setAcceptDrops(True)
        area.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QDropEvent) and event.type() == QEvent.Type.Drop:
            self.over.emit(False)
            found = dragged_works(event.mimeData(), self._library)
            if found:
                event.acceptProposedAction()
                self.dropped.emit(found)
            return bool(found)
        if isinstance(event, QDragEnterEvent | QDragMoveEvent):
            if dragged_works(event.mimeData(), self._library):
                event.acceptProposedAction()
                self.over.emit(True)
                return True
        elif event.type() == QEvent.Type.DragLeave:
            self.over.emit(False)
        return False


class WorkChooser(QFrame):
    """The works made on this page, over the window, until one is clicked: `chosen` has it."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget, library: Library, thumbnails: ThumbnailLoader) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("chooser")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.list = QListView()
        self.list.setObjectName("chooserList")
        self.list.setAccessibleName(tr("Works made here"))
        shown = WorkListModel(library, thumbnails, LibraryQuery(medium="avatar"))
        self.list.setModel(shown)
        shown.setParent(self.list)
        self.list.setItemDelegate(WorkDelegate(SIDE, titled=False, parent=self.list))
        self.list.setViewMode(QListView.ViewMode.IconMode)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.clicked.connect(self._choose)
        self.list.activated.connect(self._choose)
        inside = column(self, margins=(SIZE.small, SIZE.small, SIZE.small, SIZE.small))
        rows = min(DOWN, max(1, -(-shown.rowCount() // ACROSS)))
        self.list.setFixedSize(QSize(ACROSS * (SIDE + 1) + 14, rows * (SIDE + 1) + 2))
        if shown.rowCount():
            inside.addWidget(self.list)
        else:
            inside.addWidget(label(tr("There are no faces in the library yet."), "muted"))

    def ask(self, beside: QWidget) -> None:
        """Open below a widget, or above it where there is no room."""
        self.adjustSize()
        at = beside.mapToGlobal(QPoint(beside.width() - self.width(), beside.height() + 4))
        room = beside.screen().availableGeometry()
        if at.y() + self.height() > room.bottom():
            at = beside.mapToGlobal(QPoint(beside.width() - self.width(), -self.height() - 4))
        self.move(max(room.left(), at.x()), max(room.top(), at.y()))
        self.show()
        self.list.setFocus()

    def _choose(self, index: QModelIndex) -> None:
        asset = index.data(ASSET)
        if asset is not None:
            self.close()
            self.chosen.emit(asset)
