"""The tab for mixing: shape, features or colours of other faces in the one that is shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.backends.avatar.mixing import BY_ATTRIBUTES, parse_face
from studio.backends.avatar.requests import LAYERS, TAKEN, AvatarRequest, StyleMix
from studio.backends.avatar.sliders import without_taken
from studio.errors import BadInput, StudioError
from studio.library.library import Asset
from studio.ui.avatar import faces
from studio.ui.avatar.live_jobs import PortraitLoader, PortraitView
from studio.ui.avatar.session import FaceSession
from studio.ui.avatar.sliders import LabelledSlider
from studio.ui.widgets.controls import ComboBox, button, label, named, tool
from studio.ui.widgets.layout import clear_layout, column, row
from studio.ui.widgets.text import tr

SIDE = 64

EXACT = {
    "shape": "Hair, ears and clothes; the drawing style too, if it is another",
    "features": "Eyes, eyebrows, mouth, nose, beard and what the face wears",
    "colours": "Skin, hair and clothes in the colours of this face",
}
"""What each choice takes, where the model has attributes: that, and nothing else."""

BY_LAYERS = (("shape", "Pose and shape"), ("features", "Features"), ("colours", "Colours and detail"))
"""The same choices where a network has learnt from pictures alone and its layers are all there is."""

LAYERS_TAKEN = {
    "shape": "The coarse layers of the network: pose, shape of the head, hair",
    "features": "The middle layers of the network: eyes, mouth, nose",
    "colours": "The fine layers of the network: colours, light, fine detail",
}


class MixPart(QWidget):
    """One face that is mixed in: what is taken from it, and how much. `exact`: its model has attributes."""

    def __init__(self, portraits: PortraitLoader, at: int, mix: StyleMix, *, exact: bool) -> None:
        super().__init__()
        self.mix = mix
        self.layers = named(ComboBox(), f"mixLayers.{at}", tr("Take"), tr("What to take from this face"))
        older = LAYERS if exact else ()  # faces mixed before there was anything but layers
        called = {old: new for (old, _), (new, _) in zip(LAYERS, TAKEN, strict=True)}
        chosen = mix.layers if exact else called.get(mix.layers, mix.layers)
        for value, words in (*(TAKEN if exact else BY_LAYERS), *((v, words) for v, words in older if v == chosen)):
            self.layers.addItem(tr(words), value)
            help = (EXACT if exact else LAYERS_TAKEN).get(value)
            if help is not None:
                self.layers.setItemData(self.layers.count() - 1, tr(help), Qt.ItemDataRole.ToolTipRole)
        self.layers.setCurrentIndex(self.layers.findData(chosen))
        self.remove = tool("close", tr("Remove this face"), f"mixRemove.{at}", size=14)
        self.amount = LabelledSlider(f"mix.{at}", tr("Amount"), 0.0, 1.0, 20)
        self.amount.reset.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)  # its room is free
        self.amount.show_value(mix.amount, moved=False)
        right = column(None, row((self.layers, 1), self.remove, spacing=4), self.amount, spacing=4)
        self.setLayout(row(PortraitView(portraits, parse_face(mix.face), SIDE), (right, 1), spacing=12))


class MixTab(QWidget):
    """The faces mixed into the one that is shown, and ways to add more."""

    def __init__(self, session: FaceSession, portraits: PortraitLoader) -> None:
        super().__init__()
        self._session, self._portraits = session, portraits
        self._mix: tuple[StyleMix, ...] = ()
        self._exact = False  # whether the parts are for a model with attributes
        self.parts: list[MixPart] = []
        words = tr("Mix in the shape, features or colours of another face. Drop one here from the filmstrip, or:")
        self._rows = column(spacing=16)
        self.choose = button(tr("Choose…"), "mixChoose", "compact", clicked=self._choose)
        self.choose.setToolTip(tr("Choose a face from the library"))
        self.draw = button(tr("A new face…"), "mixSixteen", "compact", clicked=lambda: session.offer_random(self.add))
        self.draw.setToolTip(tr("Pick one of 16 new faces to mix in"))
        buttons = row((self.choose, 1), (self.draw, 1))
        column(self, self._rows, label(words, "muted", wrap=True), buttons, spacing=16)
        session.changed.connect(lambda: self.show_face(session.shown()))
        session.draft_dropped.connect(self.cancel_move)
        session.sources.drop_target(self).dropped.connect(self._add_works)

    def show_face(self, face: AvatarRequest) -> None:
        exact = self._session.capabilities.has_attributes
        if face.mix != self._mix or exact != self._exact:
            alike = [(mix.face, mix.layers) for mix in face.mix] == [(mix.face, mix.layers) for mix in self._mix]
            alike = alike and exact == self._exact
            self._mix, self._exact = face.mix, exact
            if alike:
                for part, mix in zip(self.parts, face.mix, strict=True):
                    part.amount.show_value(mix.amount, moved=False)
            else:
                self._fill()

    def cancel_move(self) -> None:
        for part, mix in zip(self.parts, self._mix, strict=True):
            part.amount.slider.cancel_move()
            part.amount.show_value(mix.amount, moved=False)

    def add(self, face: AvatarRequest) -> None:
        """Mix in a face, at first its features: the face stays who it is."""
        try:
            mix = StyleMix(face=faces.face_json(face), layers="features")
            AvatarRequest(mix=(*self._mix, mix))
        except BadInput:
            self._session.fail(
                BadInput(
                    "No more faces can be mixed in.",
                    "A face can hold 12 others, nested about 10 deep. Remove one, or save this face and recreate it "
                    "with Match: the result is a face without others in it.",
                )
            )
            return
        self._session.settle(lambda whole: self._without_taken(whole, mix.layers).replace(mix=(*whole.mix, mix)))

    def _choose(self) -> None:
        self._session.sources.choose(self.choose, self._add_works)

    def _add_works(self, works: Sequence[Asset]) -> None:
        for face in self._session.sources.faces(works):
            self.add(face)

    def _fill(self) -> None:
        clear_layout(self._rows)
        self.parts = []
        for at, mix in enumerate(self._mix):
            part = MixPart(self._portraits, at, mix, exact=self._exact)
            part.layers.currentIndexChanged.connect(lambda _, at=at: self._set_layers(at))
            part.remove.clicked.connect(lambda _=False, at=at: self._session.settle(_without(at)))
            part.amount.moved.connect(lambda value, at=at: self._session.move(_changed(at, amount=value)))
            part.amount.settled.connect(lambda value, at=at: self._session.settle(_changed(at, amount=value)))
            self.parts.append(part)
            self._rows.addWidget(part)

    def _set_layers(self, at: int) -> None:
        choice = str(self.parts[at].layers.currentData())
        change = _changed(at, layers=choice)
        self._session.settle(lambda face: change(self._without_taken(face, choice)))

    def _without_taken(self, face: AvatarRequest, choice: str) -> AvatarRequest:
        """The face without sliders that were moved on what is taken now, and would hide it."""
        if not self._exact or choice not in BY_ATTRIBUTES:
            return face
        try:
            return without_taken(self._session.model_of(face).folder, face, choice)
        except StudioError:
            return face  # drawing the face fails too, and shows the error


def _changed(at: int, **changes: object) -> faces.Change:
    def change(face: AvatarRequest) -> AvatarRequest:
        mixed = list(face.mix)
        mixed[at] = dataclasses.replace(mixed[at], **changes)  # type: ignore[arg-type]
        return face.replace(mix=tuple(mixed))

    return change


def _without(at: int) -> faces.Change:
    return lambda face: face.replace(mix=(*face.mix[:at], *face.mix[at + 1 :]))
