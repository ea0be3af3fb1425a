"""The directions of a model: a slider for each, with a strip of what it does above, and the search for more."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from studio.backends.avatar.directions import SavedDirection, change_stamp, directions, remove, rename
from studio.backends.avatar.requests import AvatarDirectionsRequest, AvatarRequest
from studio.errors import StudioError
from studio.models.model import Model
from studio.schema.fields import Choice
from studio.schema.request import fresh_seed
from studio.ui.avatar import faces
from studio.ui.avatar.live_jobs import LiveJob
from studio.ui.avatar.session import FaceSession
from studio.ui.avatar.sliders import LabelledSlider
from studio.ui.widgets import placeholder
from studio.ui.widgets.controls import ComboBox, ProgressBar, button, label, named, tool
from studio.ui.widgets.layout import clear_layout, column, row
from studio.ui.widgets.text import failure, tr
from studio.ui.widgets.theme import SIZE, theme

REACH = 3.0  # standard deviations to both sides, as the previews show them
STEPS = 60


class DirectionStrip(QWidget):
    """A strip of faces from one end of a direction to the other."""

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
        placeholder.picture(painter, QRectF(self.rect()), self._picture, SIZE.hair)
        painter.end()


class DirectionSlider(QWidget):
    """One direction: its name, which can be edited, what it does, its slider."""

    def __init__(self, one: SavedDirection) -> None:
        super().__init__()
        self.direction = one
        self.name = named(QLineEdit(one.name), f"wayName.{one.id}")
        self.name.setProperty("role", "flat")
        self.name.setMaxLength(60)
        self.name.setAccessibleName(tr("Direction name"))
        self.name.setToolTip(tr("Name it after what it changes"))
        self.slider = LabelledSlider(f"way.{one.id}", one.name, -REACH, REACH, STEPS, tr("In standard deviations"))
        self.slider.title.hide()
        self.delete = tool("trash", tr("Delete this direction"), f"wayForget.{one.id}", size=14)
        head = row((self.name, 1), self.slider.reset, self.delete, spacing=2)
        column(self, head, DirectionStrip(one), self.slider, spacing=4)


class DirectionsTab(QWidget):
    """Directions as sliders, renaming and deleting them, and the search, one at a time."""

    def __init__(self, session: FaceSession, search: LiveJob) -> None:
        super().__init__()
        self._session, self._job = session, search
        self.sliders: dict[str, DirectionSlider] = {}
        self._face = AvatarRequest()
        self._model: Model | None = None
        self._stamp: object = None
        self._looked_at: tuple[Model | None, int] = (None, -1)
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
        self.search = button(tr("Find directions"), "findDirections", icon="search", clicked=self._search)
        self.search.setToolTip(
            tr(
                "Compare many faces of this model, and save the ways in which they vary with it. If it has several "
                "styles or classes, one is chosen at random: search again for others."
            )
        )
        self.bar = ProgressBar()
        self.stop = button(tr("Cancel"), "stopDirections", "quiet", clicked=search.stop)
        self.message = label("", "muted", wrap=True)
        self._rows = column(spacing=12)
        whole = column(self, label(tr("Directions"), "heading"), self.message, self._rows, spacing=8)
        for name, box in (("method", self.method), ("layers", self.layers)):
            whole.addLayout(row((label(tr(notes[name].label)), 47), (box, 53 + 47)))
        whole.addWidget(self.search)
        self._progress = QWidget()
        self._progress.setLayout(row((self.bar, 1), self.stop))
        whole.addWidget(self._progress)
        self.show_progress(None)
        session.changed.connect(lambda: self.show_face(session.shown(), session.model))
        session.draft_dropped.connect(self.cancel_move)
        search.progressed.connect(lambda progress: self.show_progress((progress.done, progress.total)))
        search.done.connect(lambda _: session.models_changed())
        search.ended.connect(lambda: self.show_progress(None))
        search.failed.connect(session.fail)

    def show_face(self, face: AvatarRequest, model: Model | None) -> None:
        """Show how far a face was moved along the directions of its model."""
        self._face = face
        if (model, self._session.models_version) != self._looked_at:
            self._looked_at = (model, self._session.models_version)
            now = (None, None) if model is None else (model.id, change_stamp(model))
            if now != self._stamp:
                self._stamp, self._model = now, model
                self._fill()
        for id, slider in self.sliders.items():
            amount = faces.direction_amount(face, id)
            slider.slider.show_value(min(REACH, max(-REACH, amount)), moved=bool(amount))

    def show_progress(self, done: tuple[int, int] | None) -> None:
        """Show how far the search is; None: there is none."""
        self._progress.setVisible(done is not None)
        self.search.setVisible(done is None)
        if done is not None:
            self.bar.setRange(0, done[1])
            self.bar.setValue(done[0])

    def cancel_move(self) -> None:
        for slider in self.sliders.values():
            slider.slider.slider.cancel_move()
        self.show_face(self._face, self._model)

    def _fill(self) -> None:
        clear_layout(self._rows)
        self.sliders = {}
        try:
            found = directions(self._model) if self._model is not None else []
        except StudioError as error:
            self.message.setText(" ".join(failure(error)))
            self.message.show()
            return
        self.message.setText(tr("Directions are ways in which the faces of this model vary."))
        self.message.setVisible(not found)
        session = self._session
        for one in found:
            slider = self.sliders[one.id] = DirectionSlider(one)
            slider.slider.moved.connect(lambda value, id=one.id: self._move(id, value))
            slider.slider.settled.connect(lambda value, id=one.id: session.settle(_along(id, value)))
            slider.slider.reset_clicked.connect(lambda id=one.id: session.settle(_along(id, 0.0)))
            slider.name.editingFinished.connect(lambda id=one.id: self._rename(id))
            slider.delete.clicked.connect(lambda _=False, id=one.id: self._delete(id))
            self._rows.addWidget(slider)

    def _move(self, id: str, value: float) -> None:
        self.sliders[id].slider.reset.show()
        self._session.move(_along(id, value))

    def _rename(self, id: str) -> None:
        slider = self.sliders[id]
        if self._model is None or slider.name.text().strip() == slider.direction.name:
            return
        try:
            slider.direction = rename(self._model, id, slider.name.text())
        except StudioError as error:
            slider.name.setText(slider.direction.name)
            self._session.fail(error)
            return
        slider.name.setText(slider.direction.name)
        slider.slider.slider.setAccessibleName(slider.direction.name)
        self._stamp = (self._model.id, change_stamp(self._model))

    def _delete(self, id: str) -> None:
        if self._model is None:
            return
        if faces.direction_amount(self._session.shown(), id):
            self._session.settle(_along(id, 0.0))
        try:
            remove(self._model, id)
        except StudioError as error:
            self._session.fail(error)
        self._looked_at = (None, -1)
        self.show_face(self._face, self._model)

    def _search(self) -> None:
        method, layers = str(self.method.currentData()), str(self.layers.currentData())
        model = self._session.shown().model
        self.show_progress((0, 0))
        self._job.run(AvatarDirectionsRequest(method=method, layers=layers, seed=fresh_seed(), model=model))
        if not self._job.busy:
            self.show_progress(None)


def _along(id: str, amount: float) -> faces.Change:
    return lambda face: faces.with_direction(face, id, round(amount, 2))
