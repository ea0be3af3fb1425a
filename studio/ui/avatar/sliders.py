"""Sliders that report every move and where it ends, and those of a model with attributes, such as hair and skin."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QLinearGradient, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QStyle, QStyleOptionSlider, QWidget

from studio.backends.avatar import sliders
from studio.backends.avatar.requests import AvatarRequest, SliderValue
from studio.backends.avatar.sliders import Stamp, slider_stamp
from studio.errors import StudioError
from studio.models.model import Model
from studio.ui.avatar import faces
from studio.ui.avatar.session import FaceSession
from studio.ui.widgets.controls import ElidedLabel, QuietSlider, button, label, tool
from studio.ui.widgets.layout import clear_layout, column, keep_place, row
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import theme

POSITIONS = 20  # positions of a slider between two steps of a key
CAPTION = 0.88  # size of the value beside it, of that of text
KEY_DELAY = 400  # milliseconds after the last key until a move by keys has settled


class LiveSlider(QuietSlider):
    """A slider that jumps to a click. `moved`: a person moved it; `settled`: the mouse button was released, or no key
    was pressed for a while.
    """

    moved = Signal()
    settled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.colours: tuple[str, ...] = ()  # along its way, as "#rrggbb": it shows them
        self._pending = False
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(KEY_DELAY)
        self._pause.timeout.connect(self.settle)
        self.valueChanged.connect(self._moved)
        self.sliderReleased.connect(self.settle)

    def show_position(self, place: int) -> None:
        """Move without signals; a slider that is being dragged stays where it is."""
        if not self.isSliderDown():
            with QSignalBlocker(self):
                self.setValue(place)

    @property
    def moving(self) -> bool:
        """Whether a move has not settled yet."""
        return self._pending

    def settle(self) -> None:
        self._pause.stop()
        if self._pending and not self.isSliderDown():
            self._pending = False
            self.settled.emit()

    def cancel_move(self) -> None:
        """Forget a move that has not settled."""
        self._pause.stop()
        self._pending = False
        with QSignalBlocker(self):
            self.setSliderDown(False)

    def _moved(self) -> None:
        self._pending = True
        if self.isSliderDown():
            self._pause.stop()
        else:
            self._pause.start()
        self.moved.emit()

    def _handle(self) -> QRect:
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        part = QStyle.SubControl.SC_SliderHandle
        return self.style().subControlRect(QStyle.ComplexControl.CC_Slider, option, part, self)

    def colour(self) -> QColor:
        """The colour at its position."""
        at = (self.value() - self.minimum()) / max(1, self.maximum() - self.minimum()) * (len(self.colours) - 1)
        low = min(int(at), len(self.colours) - 2)
        first, second = QColor(self.colours[low]), QColor(self.colours[low + 1])
        part = at - low
        ends = ((first.red(), second.red()), (first.green(), second.green()), (first.blue(), second.blue()))
        return QColor(*(round(a + (b - a) * part) for a, b in ends))

    def paintEvent(self, ev: QPaintEvent) -> None:
        """The colours that can be chosen, and the chosen one in the handle."""
        if len(self.colours) < 2 or not self.isEnabled():
            super().paintEvent(ev)
            return
        look, handle = theme(), QRectF(self._handle())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bar = QRectF(handle.width() / 2, self.height() / 2 - 4, self.width() - handle.width(), 8)
        shades = QLinearGradient(bar.left(), 0, bar.right(), 0)
        for at, colour in enumerate(self.colours):
            shades.setColorAt(at / (len(self.colours) - 1), QColor(colour))
        painter.setPen(QPen(look.colour("outline"), 1))
        painter.setBrush(shades)
        painter.drawRoundedRect(bar.adjusted(-4, 0, 4, 0), 4, 4)
        painter.setPen(QPen(look.colour("accent"), 3 if self.hasFocus() else 2))
        painter.setBrush(self.colour())
        painter.drawEllipse(handle.center(), 6.5, 6.5)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        part = self._handle()
        if event.button() == Qt.MouseButton.LeftButton and not part.contains(event.position().toPoint()):
            room = self.width() - part.width()
            at = round(event.position().x() - part.width() / 2)
            self.setValue(QStyle.sliderValueFromPosition(self.minimum(), self.maximum(), at, room))
        super().mousePressEvent(event)


class LabelledSlider(QWidget):
    """A name, a reset button, its slider from `low` to `high` in `steps` steps of a key, and its value in words.

    `moved(value)` and `settled(value)` are those of the slider; `reset_clicked`.
    """

    moved = Signal(float)
    settled = Signal(float)
    reset_clicked = Signal()

    def __init__(self, name: str, words: str, low: float, high: float, steps: int, help: str = "") -> None:
        super().__init__()
        self.name = name
        self._low, self._span, self._positions = low, high - low, max(1, steps) * POSITIONS
        self.title = ElidedLabel(words)
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.slider = LiveSlider()
        self.slider.setObjectName(f"slider.{name}")
        self.slider.setAccessibleName(words)
        self.slider.setToolTip(help or words)
        self.slider.setRange(0, self._positions)
        self.slider.setSingleStep(POSITIONS)
        self.slider.setPageStep(POSITIONS * max(1, steps // 5))
        self.reset = tool(
            "restore",
            tr("Reset {name}").format(name=words),
            f"reset.{name}",
            clicked=self.reset_clicked.emit,
            size=14,
        )
        keep_place(self.reset)
        self.reset.hide()
        self.number = label("", "caption", name=f"value.{name}")
        self.number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        keep_place(self.number)
        line = row(self.title, self.reset, self.slider, self.number, spacing=4)
        line.setStretch(0, 47)
        line.setStretch(2, 53)
        self.setLayout(line)
        theme().changed.connect(self._fit)
        self._fit()
        self.slider.moved.connect(self._moved)
        self.slider.settled.connect(lambda: self.settled.emit(self.value))

    @property
    def value(self) -> float:
        return round(self._low + self.slider.value() / self._positions * self._span, 4)

    @property
    def said(self) -> str:
        """The value in words: a share in per cent, or a number with its sign."""
        return f"{self.value:+.1f}" if self._low < 0 else f"{round(100 * (self.value - self._low) / self._span)} %"

    def _fit(self) -> None:
        """Have room for the longest value, so that no slider changes its length."""
        longest = "100 %" if self._low >= 0 else f"{-self._span / 2:+.1f}"
        self.number.setFixedWidth(theme().text_width(longest, CAPTION) + 2)
        self._say()

    def _say(self) -> None:
        """Show the value; a slider of colours shows it itself."""
        self.slider.setAccessibleDescription(self.said)
        self.number.setText("" if self.slider.colours else self.said)

    def _moved(self) -> None:
        self._say()
        self.moved.emit(self.value)

    def show_value(self, value: float, *, moved: bool) -> None:
        """Show a value; `moved`: it differs from the resting value, so offer to reset it."""
        self.slider.show_position(round((value - self._low) / self._span * self._positions))
        self._say()
        self.reset.setVisible(moved)

    def set_available(self, on: bool) -> None:
        """Whether the face has this attribute at all: no hair colour without hair."""
        self.slider.setEnabled(on)
        self.title.setEnabled(on)
        self.number.setVisible(on)
        if not on:
            self.reset.hide()


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
        keep_place(self._reset_all)  # no slider moves from under the hand that drags it
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
        away = faces.moved_sliders(face, self._rest())
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
            if all(value.startswith("#") for value in slider.values):
                line.slider.colours = tuple(value[:7] for value in slider.values)
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
        self._session.settle(lambda face: faces.reset_slider(face, name, rest))

    def _reset(self) -> None:
        rest = self._rest()
        self._session.settle(lambda face: face.replace(traits=rest))
