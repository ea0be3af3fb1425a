"""Faces of works that a person brings to a tool: dropped from the filmstrip, or chosen in a popup."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QMimeData, QModelIndex, QObject, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QFrame, QListView, QWidget

from studio.backends.avatar.requests import AvatarRequest
from studio.errors import StudioError
from studio.library.library import Asset, Library, LibraryQuery
from studio.ui.avatar.face_ops import face_json, face_of
from studio.ui.library.delegate import WorkDelegate
from studio.ui.library.importer import local
from studio.ui.library.model import ASSET, WorkListModel
from studio.ui.library.thumbnails import ThumbnailLoader
from studio.ui.widgets.basic import column, label
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE

SIDE, ACROSS, DOWN = 72, 4, 4  # pixels of a work in the popup; most columns and rows that are seen at once


class FaceSources:
    """The faces of works, and which work each face came from."""

    def __init__(
        self, library: Library, thumbnails: ThumbnailLoader, notify: Callable[[str, Sequence[Any]], object]
    ) -> None:
        self._library, self._thumbnails, self._notify = library, thumbnails, notify
        self._works: dict[str, str] = {}  # ids of works by the JSON of their faces

    def faces(self, works: Sequence[Asset]) -> list[AvatarRequest]:
        """The faces of works; the person is told of those that have none."""
        found: list[AvatarRequest] = []
        for work in works:
            face = face_of(work)
            if face is None:
                self._notify(tr("A face model did not make this picture. Recreate it with Match first."), ())
            else:
                self.remember(face, work)
                found.append(face)
        return found

    def remember(self, face: AvatarRequest, work: Asset) -> None:
        """This face is that of a work."""
        self._works[face_json(face)] = work.id

    def works_of(self, faces: Iterable[str]) -> list[str]:
        """The ids of the works that faces, as `face_json` gives them, came from; of those that are known."""
        return [self._works[face] for face in faces if face in self._works]

    def choose(self, beside: QWidget, chosen: Callable[[Sequence[Asset]], object]) -> None:
        """Open a popup beside a widget; `chosen` gets the work that is clicked."""
        chooser = WorkChooser(beside, self._library, self._thumbnails)
        chooser.chosen.connect(lambda work: chosen([work]))
        chooser.show_beside(beside)

    def drop_target(self, area: QWidget) -> WorkDropTarget:
        """Let works be dropped on a widget."""
        return WorkDropTarget(area, self._library)


def dragged_works(data: QMimeData, library: Library) -> list[Asset]:
    """The works of the library whose files are being dragged."""
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
    """Lets works be dropped on `area`. `dropped(works)`; `over(bool)`: whether a drag is above it."""

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
    """A popup with the works made on this page. `chosen(work)`: one was clicked."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget, library: Library, thumbnails: ThumbnailLoader) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("chooser")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.list = QListView()
        self.list.setObjectName("chooserList")
        self.list.setAccessibleName(tr("Faces in the library"))
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

    def show_beside(self, beside: QWidget) -> None:
        """Open below a widget, or above it if there is no room."""
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
