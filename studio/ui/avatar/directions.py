"""The directions that were found on a model, as sliders with what they do drawn above; finds and moves nothing."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPixmap
from PySide6.QtWidgets import QLineEdit, QProgressBar, QSizePolicy, QWidget

from studio.backends.avatar.directions import SavedDirection, directions, remove, rename, stamp
from studio.backends.avatar.requests import AvatarDirectionsRequest, AvatarRequest
from studio.errors import StudioError
from studio.models.catalog import Model
from studio.schema.request import Choice, fresh_seed
from studio.ui.avatar import face_ops
from studio.ui.avatar.sliders import LabelledSlider
from studio.ui.widgets.basic import ComboBox, button, column, empty, label, row, tool
from studio.ui.widgets.text import failure, tr
from studio.ui.widgets.theme import SIZE, theme

REACH = 3.0  # standard deviations to both sides, as the previews show them
STEPS = 60


class DirectionStrip(QWidget):
    """What a direction does, from one end of its slider to the other."""

    def __init__(self, one: SavedDirection) -> None:
        super().__init__()
        self._picture = QPixmap(str(one.preview))
        self.setAccessibleName(tr("What {name} changes").format(name=one.name))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setVisible(not self._picture.isNull())
        theme().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        whole = self._picture.size()
        return QSize(200, 38 if whole.isEmpty() else round(268 * whole.height() / whole.width()))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        path = QPainterPath()
        path.addRoundedRect(QRectF(self.rect()), SIZE.hair, SIZE.hair)
        painter.setClipPath(path)
        painter.fillRect(self.rect(), theme().colour("mat"))
        painter.drawPixmap(self.rect(), self._picture)
        painter.end()


class DirectionSlider(QWidget):
    """One direction: its name to change, what it does, its slider."""

    def __init__(self, one: SavedDirection) -> None:
        super().__init__()
        self.direction = one
        self.name = QLineEdit(one.name)
        self.name.setObjectName(f"wayName.{one.id}")
        self.name.setProperty("role", "flat")
        self.name.setMaxLength(60)
        self.name.setAccessibleName(tr("Name of the direction"))
        self.name.setToolTip(tr("Give it a name that says what it changes"))
        self.slider = LabelledSlider(
            f"way.{one.id}", one.name, -REACH, REACH, STEPS, tr("In standard deviations of the faces")
        )
        self.slider.title.hide()
        self.delete = tool("trash", tr("Forget this direction"), f"wayForget.{one.id}", size=14)
        head = row(spacing=2)
        head.addWidget(self.name, 1)
        head.addWidget(self.slider.reset)
        head.addWidget(self.delete)
        whole = column(self, spacing=4)
        whole.addLayout(head)
        whole.addWidget(DirectionStrip(one))
        whole.addWidget(self.slider)


class DirectionsTab(QWidget):
    """`moved` and `settled` have what is done to a face, `wanted` the search to begin, `stopped` ends it; `failed` has
    what went wrong, `forgotten` an id that no face may name any more.
    """

    moved = Signal(object)
    settled = Signal(object)
    wanted = Signal(object)
    stopped = Signal()
    failed = Signal(object)
    forgotten = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.sliders: dict[str, DirectionSlider] = {}
        self._face = AvatarRequest()
        self._model: Model | None = None
        self._stamp: object = None
        notes = dict(AvatarDirectionsRequest.fields())
        self.method, self.layers = ComboBox(), ComboBox()
        for box, name in ((self.method, "method"), (self.layers, "layers")):
            note = notes[name]
            assert isinstance(note, Choice)
            box.setObjectName(f"find.{name}")
            box.setAccessibleName(tr(note.label))
            box.setToolTip(tr(note.help))
            for value, words in note.options:
                box.addItem(tr(words), value)
        self.search = button(tr("Find directions"), "findDirections", icon="search", clicked=self._find)
        self.search.setToolTip(
            tr(
                "Look for ways in which the faces of this model vary, and keep them with it. Where it has several "
                "styles or classes, the faces of one are looked at, drawn by chance: look again for others."
            )
        )
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress"))
        self.stop = button(tr("Cancel"), "stopDirections", "quiet", clicked=self.stopped.emit)
        self.message = label("", "muted", wrap=True)
        self._rows = column(spacing=12)
        whole = column(self, spacing=8)
        whole.addWidget(label(tr("Directions"), "heading"))
        whole.addWidget(self.message)
        whole.addLayout(self._rows)
        for name, box in (("method", self.method), ("layers", self.layers)):
            line = row(label(tr(notes[name].label)))
            line.setStretch(0, 47)
            line.addWidget(box, 53 + 47)
            whole.addLayout(line)
        whole.addWidget(self.search)
        self._going = QWidget()
        going = row()
        going.addWidget(self.bar, 1)
        going.addWidget(self.stop)
        self._going.setLayout(going)
        whole.addWidget(self._going)
        self.show_progress(None)

    def show_face(self, face: AvatarRequest, model: Model | None) -> None:
        """Stand where this face does, on the directions of this model."""
        self._face = face
        now = (None, None) if model is None else (model.id, stamp(model))
        if now != self._stamp:
            self._stamp, self._model = now, model
            self._fill()
        for id, way in self.sliders.items():
            amount = face_ops.direction_amount(face, id)
            way.slider.show_value(min(REACH, max(-REACH, amount)), moved=bool(amount))

    def show_progress(self, done: tuple[int, int] | None) -> None:
        """How far a search is; None while there is none."""
        self._going.setVisible(done is not None)
        self.search.setVisible(done is None)
        if done is not None:
            self.bar.setRange(0, done[1])
            self.bar.setValue(done[0])

    def cancel_move(self) -> None:
        for way in self.sliders.values():
            way.slider.slider.cancel_move()
        self.show_face(self._face, self._model)

    def _fill(self) -> None:
        empty(self._rows)
        self.sliders = {}
        try:
            found = directions(self._model) if self._model is not None else []
        except StudioError as error:
            self.message.setText(" ".join(failure(error)))
            self.message.show()
            return
        self.message.setText(tr("Ways in which the faces of this model vary, found by looking at many of them."))
        self.message.setVisible(not found)
        for one in found:
            way = self.sliders[one.id] = DirectionSlider(one)
            way.slider.moved.connect(lambda value, id=one.id: self._move(id, value))
            way.slider.settled.connect(lambda value, id=one.id: self.settled.emit(_to(id, value)))
            way.slider.reset_clicked.connect(lambda id=one.id: self.settled.emit(_to(id, 0.0)))
            way.name.editingFinished.connect(lambda id=one.id: self._rename(id))
            way.delete.clicked.connect(lambda _=False, id=one.id: self._forget(id))
            self._rows.addWidget(way)

    def _move(self, id: str, value: float) -> None:
        self.sliders[id].slider.reset.show()
        self.moved.emit(_to(id, value))

    def _rename(self, id: str) -> None:
        way = self.sliders[id]
        if self._model is None or way.name.text().strip() == way.direction.name:
            return
        try:
            way.direction = rename(self._model, id, way.name.text())
        except StudioError as error:
            way.name.setText(way.direction.name)
            self.failed.emit(error)
            return
        way.name.setText(way.direction.name)
        way.slider.slider.setAccessibleName(way.direction.name)
        self._stamp = (self._model.id, stamp(self._model))

    def _forget(self, id: str) -> None:
        if self._model is None:
            return
        self.forgotten.emit(id)
        try:
            remove(self._model, id)
        except StudioError as error:
            self.failed.emit(error)
        self.show_face(self._face, self._model)

    def _find(self) -> None:
        self.wanted.emit(
            AvatarDirectionsRequest(
                method=str(self.method.currentData()), layers=str(self.layers.currentData()), seed=fresh_seed()
            )
        )


def _to(id: str, amount: float) -> face_ops.Change:
    return lambda face: face_ops.with_direction(face, id, round(amount, 2))
