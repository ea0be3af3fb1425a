"""A walk from face to face: its stations, their order, and how it goes; makes no film and draws no face."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QKeyEvent, QPainter, QPixmap, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListWidget, QListWidgetItem, QWidget

from studio.backends.avatar.requests import AvatarRequest, AvatarWalkRequest, MorphStop
from studio.media import clips
from studio.ui.avatar import face_ops
from studio.ui.avatar.portraits import PortraitLoader, paint_portrait
from studio.ui.forms.form import Form
from studio.ui.forms.undo import UndoHistory
from studio.ui.widgets.basic import button, column, label, row, tool
from studio.ui.widgets.text import tr

SIDE = 48
VISIBLE_ROWS = 4  # stations that are seen at once
FACE = Qt.ItemDataRole.UserRole
FIELDS = ("seconds", "way", "curve", "loop", "format")
PREVIEW_FPS = 12  # frames a second of a preview


class WalkTab(QWidget):
    """`wanted` asks for a face to add: "shown", "works" or "sixteen"; `previewed` and `made` have the walk to show
    quickly, or to make a clip of.
    """

    wanted = Signal(str)
    previewed = Signal(object)
    made = Signal(object)

    def __init__(self, portraits: PortraitLoader) -> None:
        super().__init__()
        self._portraits = portraits
        self._filling = False
        self.history = UndoHistory(AvatarWalkRequest())
        self.stations = QListWidget()
        self.stations.setObjectName("stations")
        self.stations.setAccessibleName(tr("Faces of the walk"))
        self.stations.setToolTip(tr("Drag to reorder; Delete takes one out"))
        self.stations.setFrameShape(QFrame.Shape.NoFrame)
        self.stations.setIconSize(QSize(SIDE, SIDE))
        self.stations.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.stations.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.stations.setSpacing(2)
        self.stations.installEventFilter(self)
        self.stations.model().rowsMoved.connect(lambda *_: self._changed("order"))
        self.stations.currentRowChanged.connect(lambda _: self._mark())
        self.nothing = label(
            tr("Add two faces or more: the one you look at, or drop them here from the filmstrip."), "muted", wrap=True
        )
        ask = self.wanted.emit
        self.add = button(tr("Add this face"), "stationAdd", "compact", icon="plus", clicked=lambda: ask("shown"))
        self.add.setToolTip(tr("Add the face on the stage to the walk"))
        self.choose = button(tr("Choose…"), "stationChoose", "compact", clicked=lambda: ask("works"))
        self.choose.setToolTip(tr("Choose a face among your works"))
        self.sooner = tool("up", tr("Sooner"), "stationUp", clicked=lambda: self._shift(-1), size=16)
        self.later = tool("down", tr("Later"), "stationDown", clicked=lambda: self._shift(1), size=16)
        self.remove = tool("trash", tr("Take this face out of the walk"), "stationRemove", clicked=self._drop, size=16)
        self.form = Form(AvatarWalkRequest(), names=FIELDS)
        layout = self.form.layout()
        assert layout is not None
        layout.setContentsMargins(0, 0, 0, 0)
        self.form.changed.connect(lambda: self._changed(self.form.last_changed))
        self.films = label(tr("MP4 needs the video extra, which is not installed."), "muted", wrap=True)
        self.preview = button(tr("Preview"), "walkPreview", icon="play", clicked=self._preview)
        self.preview.setToolTip(tr("Walk once, quickly and small"))
        self.make = button(tr("Make"), "walkMake", clicked=lambda: self.made.emit(self.walk()))
        self.make.setToolTip(tr("Make a clip of the walk and put it into the library"))
        self._build()
        portraits.ready.connect(self._portray)
        self._show(self.history.value)

    def _build(self) -> None:
        top = column(self, spacing=8)
        top.addWidget(self.nothing)
        top.addWidget(self.stations)
        top.addLayout(row(None, self.sooner, self.later, self.remove, spacing=2))
        line = row()
        line.addWidget(self.add, 1)
        line.addWidget(self.choose, 1)
        top.addLayout(line)
        top.addSpacing(8)
        top.addWidget(self.form)
        top.addWidget(self.films)
        ends = row()
        ends.addWidget(self.preview, 1)
        ends.addWidget(self.make, 1)
        self.foot = QWidget()
        self.foot.setLayout(ends)

    # The walk as a request.

    def walk(self) -> AvatarWalkRequest:
        """What stands here; all faces are of the first one's model."""
        rows = [self.stations.item(at).data(FACE) for at in range(self.stations.count())]
        said = self.form.value()
        return said.replace(
            stations=tuple(MorphStop(face=face_ops.face_json(face, face.name)) for face in rows),
            model=rows[0].model if rows else "",
        )

    def take(self, walk: AvatarWalkRequest) -> None:
        """Show another walk; one step back leads to the one before."""
        self.history.step(walk)
        self._show(walk)

    def restore(self, walk: AvatarWalkRequest) -> None:
        """Begin with the walk of the last start."""
        self.history = UndoHistory(walk)
        self._show(walk)

    def extend(self, more: Sequence[AvatarRequest]) -> None:
        """Add faces at the end."""
        walk = self.walk()
        added = tuple(MorphStop(face=face_ops.face_json(face, face.name)) for face in more)
        self.take(walk.replace(stations=(*walk.stations, *added)))
        self.stations.setCurrentRow(self.stations.count() - 1)

    def undo(self) -> None:
        self._show(self.history.undo())

    def redo(self) -> None:
        self._show(self.history.redo())

    def _show(self, walk: AvatarWalkRequest) -> None:
        self._filling = True
        at = self.stations.currentRow()
        self.stations.clear()
        for number, station in enumerate(walk.stations, 1):
            face = face_ops.parse_face(station.face)
            item = QListWidgetItem(face.name or tr("Face {n}").format(n=number))
            item.setData(FACE, face)
            self.stations.addItem(item)
            self._draw(item)
        self.stations.setCurrentRow(min(max(0, at), self.stations.count() - 1))
        self.form.set_value(walk)
        self._filling = False
        self._mark()

    def _changed(self, kind: str) -> None:
        if not self._filling:
            self.history.step(self.walk(), kind if kind in FIELDS else "")
            self._mark()

    def _mark(self) -> None:
        """What can be done with what there is."""
        number, at = self.stations.count(), self.stations.currentRow()
        self.nothing.setVisible(number < 2)
        self.stations.setVisible(number > 0)
        self.stations.setFixedHeight(min(number, VISIBLE_ROWS) * max(SIDE, self.stations.sizeHintForRow(0) + 4) + 4)
        for control, on in ((self.sooner, at > 0), (self.later, 0 <= at < number - 1), (self.remove, at >= 0)):
            control.setVisible(number > 0)
            control.setEnabled(on)
        possible = self.form.value().format != "mp4" or clips.films()
        self.films.setHidden(possible)
        self.preview.setEnabled(number > 1)
        self.make.setEnabled(number > 1 and possible)

    def _preview(self) -> None:
        self.previewed.emit(self.walk().replace(size="native", fps=PREVIEW_FPS, format="webp"))

    # The stations.

    def _shift(self, by: int) -> None:
        at = self.stations.currentRow()
        walk = self.walk()
        moved = list(walk.stations)
        moved.insert(at + by, moved.pop(at))
        self.take(walk.replace(stations=tuple(moved)))
        self.stations.setCurrentRow(at + by)

    def _drop(self) -> None:
        at = self.stations.currentRow()
        walk = self.walk()
        if 0 <= at < len(walk.stations):
            self.take(walk.replace(stations=(*walk.stations[:at], *walk.stations[at + 1 :])))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Delete takes a station out; Alt with an arrow moves it."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
            deeds = {
                (Qt.Key.Key_Delete, False): self._drop,
                (Qt.Key.Key_Backspace, False): self._drop,
                (Qt.Key.Key_Up, True): partial(self._shift_where, -1),
                (Qt.Key.Key_Down, True): partial(self._shift_where, 1),
            }
            deed = deeds.get((Qt.Key(event.key()), alt))
            if deed is not None:
                deed()
                return True
        return False

    def _shift_where(self, by: int) -> None:
        if 0 <= self.stations.currentRow() + by < self.stations.count() and self.stations.currentRow() >= 0:
            self._shift(by)

    def _portray(self, face: AvatarRequest) -> None:
        for at in range(self.stations.count()):
            if face_ops.unnamed(self.stations.item(at).data(FACE)) == face:
                self._draw(self.stations.item(at))

    def showEvent(self, event: QShowEvent) -> None:
        """Faces are drawn when they are to be seen, not when a walk comes back at the start."""
        super().showEvent(event)
        for at in range(self.stations.count()):
            self._draw(self.stations.item(at))

    def _draw(self, item: QListWidgetItem) -> None:
        ratio = self.devicePixelRatioF()
        icon = QPixmap(QSize(SIDE, SIDE) * ratio)
        icon.setDevicePixelRatio(ratio)
        icon.fill(Qt.GlobalColor.transparent)
        painter = QPainter(icon)
        paint_portrait(
            painter, QRectF(0, 0, SIDE, SIDE), self._portraits.get(item.data(FACE)) if self.isVisible() else None
        )
        painter.end()
        shown = QIcon(icon)
        shown.addPixmap(icon, QIcon.Mode.Selected)  # a face keeps its colours where it is marked
        item.setIcon(shown)
