"""Sliders that report every move and where it ends, by mouse and by keyboard."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QSizePolicy, QStyle, QStyleOptionSlider, QWidget

from studio.ui.widgets.basic import ElidedLabel, QuietSlider, row, tool
from studio.ui.widgets.text import tr

POSITIONS = 20  # positions of a slider between two steps of a key
KEY_DELAY = 400  # milliseconds after the last key until a move by keys has settled


class LiveSlider(QuietSlider):
    """A slider that jumps to a click. `moved`: a person moved it; `settled`: the mouse button was released, or no key
    was pressed for a while.
    """

    moved = Signal()
    settled = Signal()

    def __init__(self) -> None:
        super().__init__()
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

    def mousePressEvent(self, event: QMouseEvent) -> None:
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        part = self.style().subControlRect(
            QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, self
        )
        if event.button() == Qt.MouseButton.LeftButton and not part.contains(event.position().toPoint()):
            room = self.width() - part.width()
            at = round(event.position().x() - part.width() / 2)
            self.setValue(QStyle.sliderValueFromPosition(self.minimum(), self.maximum(), at, room))
        super().mousePressEvent(event)


class LabelledSlider(QWidget):
    """A name, its slider from `low` to `high` in `steps` steps of a key, and a reset button.

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
        kept = self.reset.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(kept)
        self.reset.hide()
        line = row(self.title, self.reset, self.slider, spacing=4)
        line.setStretch(0, 47)
        line.setStretch(2, 53)
        self.setLayout(line)
        self.slider.moved.connect(lambda: self.moved.emit(self.value))
        self.slider.settled.connect(lambda: self.settled.emit(self.value))

    @property
    def value(self) -> float:
        return round(self._low + self.slider.value() / self._positions * self._span, 4)

    def show_value(self, value: float, *, moved: bool) -> None:
        """Show a value; `moved`: it differs from the resting value, so offer to reset it."""
        self.slider.show_position(round((value - self._low) / self._span * self._positions))
        self.reset.setVisible(moved)

    def set_available(self, on: bool) -> None:
        """Whether the face has this attribute at all: no hair colour without hair."""
        self.slider.setEnabled(on)
        self.title.setEnabled(on)
        if not on:
            self.reset.hide()
