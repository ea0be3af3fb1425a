"""The named sliders of a model that was trained on drawings with attributes, such as hair and skin."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from studio.backends.avatar import sliders
from studio.backends.avatar.requests import AvatarRequest, SliderValue
from studio.backends.avatar.sliders import Stamp, slider_stamp
from studio.errors import StudioError
from studio.models.model import Model
from studio.ui.avatar import face_ops
from studio.ui.avatar.session import FaceSession
from studio.ui.avatar.sliders import LabelledSlider
from studio.ui.widgets.basic import button, clear_layout, column, label, row
from studio.ui.widgets.text import tr


class TraitSliders(QWidget):
    """A slider for each attribute of the face that is shown."""

    def __init__(self, session: FaceSession) -> None:
        super().__init__()
        self._session = session
        self.sliders: dict[str, LabelledSlider] = {}
        self._face = AvatarRequest()
        self._model: Model | None = None
        self._key: tuple[object, ...] = ()
        self._stamp: Stamp | None = None  # of the model's files
        self._version = -1  # of the models when the stamp was read
        self._rest_of: dict[str, tuple[SliderValue, ...]] = {}  # resting values of projected faces, by their latents
        self._reset_all = button(tr("Reset all"), "resetTraits", "quiet", clicked=self._reset)
        self._no_sliders = label(tr("This model has no named sliders. Find directions below."), "muted", wrap=True)
        self._rows = column(spacing=4)
        whole = column(self, spacing=4)
        self._title = label(tr("Sliders"), "heading")
        whole.addLayout(row(self._title, None, self._reset_all))
        whole.addWidget(self._no_sliders)
        whole.addLayout(self._rows)
        session.changed.connect(lambda: self.show_face(session.shown(), session.model))
        session.draft_dropped.connect(self.cancel_move)

    def show_face(self, face: AvatarRequest, model: Model | None) -> None:
        """Show the values of a face. Sliders that it does not have keep their places, and are disabled."""
        if model is None:
            self._stamp = None
        elif self._stamp is None or model != self._model or self._version != self._session.models_version:
            self._stamp, self._version = slider_stamp(model.folder), self._session.models_version
        self._face, self._model = face, model
        if face.latent:
            self._rest_of.setdefault(face.latent, face.traits)
        try:
            found = sliders.sliders(model.folder, face, self._stamp) if model is not None else []
        except StudioError:
            found = []  # drawing the face fails too, and shows the error
        key = (model.id if model is not None else "", face.style, face.seed, face.latent)
        names = [slider.name for slider in found]
        if key != self._key or not set(names) <= set(self.sliders):
            self._key = key
            if names != list(self.sliders):
                self._fill(found)
        away = face_ops.moved_sliders(face, self._rest())
        values = {slider.name: slider.value for slider in found}
        for name, line in self.sliders.items():
            line.set_available(name in values)
            if name in values:
                line.show_value(values[name], moved=name in away)
        self._reset_all.setVisible(bool(away))
        self._no_sliders.setVisible(not self.sliders)

    def cancel_move(self) -> None:
        """Forget a move that has not settled."""
        for line in self.sliders.values():
            line.slider.cancel_move()
        self.show_face(self._face, self._model)

    def _rest(self) -> tuple[SliderValue, ...]:
        return self._rest_of.get(self._face.latent, ()) if self._face.latent else ()

    def _fill(self, found: list[sliders.SliderState]) -> None:
        clear_layout(self._rows)
        self.sliders = {}
        for slider in found:
            line = LabelledSlider(slider.name, tr(slider.name), 0.0, 1.0, slider.stations - 1)
            line.moved.connect(lambda value, name=slider.name: self._move(name, value))
            line.settled.connect(lambda value, name=slider.name: self._settle(name, value))
            line.reset_clicked.connect(lambda name=slider.name: self._reset_one(name))
            self.sliders[slider.name] = line
            self._rows.addWidget(line)

    def _move(self, name: str, value: float) -> None:
        self.sliders[name].reset.show()
        self._session.move(lambda face: sliders.with_trait(face, name, value))

    def _settle(self, name: str, value: float) -> None:
        self._session.settle(lambda face: sliders.with_trait(face, name, value))

    def _reset_one(self, name: str) -> None:
        rest = self._rest()
        self._session.settle(lambda face: face_ops.reset_slider(face, name, rest))

    def _reset(self) -> None:
        rest = self._rest()
        self._session.settle(lambda face: face.replace(traits=rest))
