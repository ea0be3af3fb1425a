"""The named sliders of a model that was trained on drawings with attributes; knows where they stand, draws no face."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from studio.backends.avatar import sliders
from studio.backends.avatar.requests import AvatarRequest, SliderValue
from studio.errors import StudioError
from studio.models.catalog import Model
from studio.ui.avatar import face_ops
from studio.ui.avatar.sliders import LabelledSlider
from studio.ui.widgets.basic import button, column, empty, label, row
from studio.ui.widgets.text import tr


class TraitSliders(QWidget):
    """`moved` has what a slider does to a face while it moves, `settled` the same once it has been moved."""

    moved = Signal(object)
    settled = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.sliders: dict[str, LabelledSlider] = {}
        self._face = AvatarRequest()
        self._model: Model | None = None
        self._key: tuple[object, ...] = ()
        self._found: dict[str, tuple[SliderValue, ...]] = {}  # where the sliders of found faces rest, by their latents
        self._reset_all = button(tr("Put all back"), "resetTraits", "quiet", clicked=self._put_all_back)
        self._no_sliders = label(
            tr("This model has no named sliders. Find directions in it below."), "muted", wrap=True
        )
        self._rows = column(spacing=4)
        whole = column(self, spacing=4)
        self._title = label(tr("Sliders"), "heading")
        whole.addLayout(row(self._title, None, self._reset_all))
        whole.addWidget(self._no_sliders)
        whole.addLayout(self._rows)

    def show_face(self, face: AvatarRequest, model: Model | None) -> None:
        """Stand where this face does. Sliders that it does not have stay in their places, and cannot be moved."""
        self._face, self._model = face, model
        if face.latent:
            self._found.setdefault(face.latent, face.traits)
        try:
            found = sliders.sliders(model.folder, face) if model is not None else []
        except StudioError:
            found = []  # drawing the face says what is wrong
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
        """Forget what is being moved."""
        for line in self.sliders.values():
            line.slider.cancel_move()
        self.show_face(self._face, self._model)

    def _rest(self) -> tuple[SliderValue, ...]:
        return self._found.get(self._face.latent, ()) if self._face.latent else ()

    def _fill(self, found: list[sliders.SliderState]) -> None:
        empty(self._rows)
        self.sliders = {}
        for slider in found:
            line = LabelledSlider(slider.name, tr(slider.name), 0.0, 1.0, slider.stations - 1)
            line.moved.connect(lambda value, name=slider.name: self._move(name, value))
            line.settled.connect(lambda value, name=slider.name: self._settle(name, value))
            line.reset_clicked.connect(lambda name=slider.name: self._put_back(name))
            self.sliders[slider.name] = line
            self._rows.addWidget(line)

    def _move(self, name: str, value: float) -> None:
        self.sliders[name].reset.show()
        self.moved.emit(lambda face: sliders.with_trait(face, name, value))

    def _settle(self, name: str, value: float) -> None:
        self.settled.emit(lambda face: sliders.with_trait(face, name, value))

    def _put_back(self, name: str) -> None:
        rest = self._rest()
        self.settled.emit(lambda face: face_ops.reset_slider(face, name, rest))

    def _put_all_back(self) -> None:
        rest = self._rest()
        self.settled.emit(lambda face: face.replace(traits=rest))
