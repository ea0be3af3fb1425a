"""Layers of other faces in this one: whose, which and how much; draws no face."""

from __future__ import annotations

import dataclasses

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.backends.avatar.requests import LAYERS, AvatarRequest, StyleMix
from studio.errors import BadInput
from studio.ui.avatar import face_ops
from studio.ui.avatar.portraits import PortraitLoader, PortraitView
from studio.ui.avatar.sliders import LabelledSlider
from studio.ui.widgets.basic import ComboBox, button, column, empty, label, row, tool
from studio.ui.widgets.text import tr

SIDE = 64


class MixPart(QWidget):
    """One of the faces mixed in."""

    def __init__(self, portraits: PortraitLoader, at: int, mix: StyleMix) -> None:
        super().__init__()
        self.mix = mix
        self.layers = ComboBox()
        self.layers.setObjectName(f"mixLayers.{at}")
        self.layers.setAccessibleName(tr("Layers"))
        self.layers.setToolTip(tr("Which layers come from it."))
        for value, words in LAYERS:
            self.layers.addItem(tr(words), value)
        self.layers.setCurrentIndex(self.layers.findData(mix.layers))
        self.remove = tool("close", tr("Take this face out"), f"mixRemove.{at}", size=14)
        self.amount = LabelledSlider(f"mix.{at}", tr("How much"), 0.0, 1.0, 20)
        self.amount.reset.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)  # its room is free
        self.amount.show_value(mix.amount, moved=False)
        right = column(spacing=4)
        line = row(spacing=4)
        line.addWidget(self.layers, 1)
        line.addWidget(self.remove)
        right.addLayout(line)
        right.addWidget(self.amount)
        whole = row(PortraitView(portraits, face_ops.parse_face(mix.face), SIDE), spacing=12)
        whole.addLayout(right, 1)
        self.setLayout(whole)


class MixTab(QWidget):
    """`moved` and `settled` have what is done to a face; `wanted` asks for a face to add: "works" or "sixteen";
    `failed` says why one cannot be.
    """

    moved = Signal(object)
    settled = Signal(object)
    wanted = Signal(str)
    failed = Signal(object)

    def __init__(self, portraits: PortraitLoader) -> None:
        super().__init__()
        self._portraits = portraits
        self._mix: tuple[StyleMix, ...] = ()
        self.parts: list[MixPart] = []
        words = tr("Take the shape, the features or the colours of another face. Drop one here from the filmstrip, or:")
        self._rows = column(spacing=16)
        self.choose = button(tr("Choose…"), "mixChoose", "compact", clicked=lambda: self.wanted.emit("works"))
        self.choose.setToolTip(tr("Choose a face among your works"))
        self.draw = button(tr("From sixteen"), "mixSixteen", "compact", clicked=lambda: self.wanted.emit("sixteen"))
        self.draw.setToolTip(tr("Choose one of sixteen new faces to mix in"))
        whole = column(self, spacing=16)
        whole.addLayout(self._rows)
        whole.addWidget(label(words, "muted", wrap=True))
        line = row(self.choose, self.draw)
        line.setStretch(0, 1)
        line.setStretch(1, 1)
        whole.addLayout(line)

    def show_face(self, face: AvatarRequest) -> None:
        if face.mix != self._mix:
            alike = [(mix.face, mix.layers) for mix in face.mix] == [(mix.face, mix.layers) for mix in self._mix]
            self._mix = face.mix
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
        """Mix in a face; which layers comes next, as one usually wants another's features."""
        try:
            mix = StyleMix(face=face_ops.face_json(face), layers="middle")
            AvatarRequest(mix=(*self._mix, mix))
        except BadInput:
            hint = tr(
                "It takes in twelve at most, about ten deep in each other. Take one out, or let Find look for the "
                "picture of this one: what it finds holds no others."
            )
            self.failed.emit(BadInput(tr("No more faces fit into this one."), hint))
            return
        self.settled.emit(lambda whole: whole.replace(mix=(*whole.mix, mix)))

    def _fill(self) -> None:
        empty(self._rows)
        self.parts = []
        for at, mix in enumerate(self._mix):
            part = MixPart(self._portraits, at, mix)
            part.layers.currentIndexChanged.connect(lambda _, at=at: self._turn(at))
            part.remove.clicked.connect(lambda _=False, at=at: self.settled.emit(_without(at)))
            part.amount.moved.connect(lambda value, at=at: self.moved.emit(_changed(at, amount=value)))
            part.amount.settled.connect(lambda value, at=at: self.settled.emit(_changed(at, amount=value)))
            self.parts.append(part)
            self._rows.addWidget(part)

    def _turn(self, at: int) -> None:
        self.settled.emit(_changed(at, layers=str(self.parts[at].layers.currentData())))


def _changed(at: int, **changes: object) -> face_ops.Change:
    def change(face: AvatarRequest) -> AvatarRequest:
        mixed = list(face.mix)
        mixed[at] = dataclasses.replace(mixed[at], **changes)  # type: ignore[arg-type]
        return face.replace(mix=tuple(mixed))

    return change


def _without(at: int) -> face_ops.Change:
    return lambda face: face.replace(mix=(*face.mix[:at], *face.mix[at + 1 :]))
