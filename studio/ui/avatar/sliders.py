"""Sliders that a face follows while they are dragged, by mouse and by keyboard; they know no faces."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QSizePolicy, QStyle, QStyleOptionSlider, QWidget

from studio.ui.widgets.basic import ElidedLabel, QuietSlider, row, tool
from studio.ui.widgets.text import tr

FINE = 20  # places of a slider between two steps of a key
PAUSE = 400  # milliseconds without a key, after which what was moved by keys is settled


class LiveSlider(QuietSlider):
    """A slider that goes where it is clicked. `moved` follows every move of a person's, `settled` the end of one: the
    button is let go, or no key has come for a while.
    """

    moved = Signal()
    settled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._pending = False
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE)
        self._pause.timeout.connect(self.settle)
        self.valueChanged.connect(self._moved)
        self.sliderReleased.connect(self.settle)

    def show_position(self, place: int) -> None:
        """Stand somewhere by nobody's hand; a slider that is being dragged stays under it."""
        if not self.isSliderDown():
            with QSignalBlocker(self):
                self.setValue(place)

    @property
    def moving(self) -> bool:
        """Whether a person has moved it and not settled yet."""
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
    """A name, its slider from `low` to `high` in `steps` steps of a key, and what puts it back where it rests."""

    moved = Signal(float)
    settled = Signal(float)
    reset_clicked = Signal()

    def __init__(self, name: str, words: str, low: float, high: float, steps: int, help: str = "") -> None:
        super().__init__()
        self.name = name
        self._low, self._span, self._places = low, high - low, max(1, steps) * FINE
        self.title = ElidedLabel(words)
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.slider = LiveSlider()
        self.slider.setObjectName(f"slider.{name}")
        self.slider.setAccessibleName(words)
        self.slider.setToolTip(help or words)
        self.slider.setRange(0, self._places)
        self.slider.setSingleStep(FINE)
        self.slider.setPageStep(FINE * max(1, steps // 5))
        self.reset = tool(
            "restore",
            tr("Put {name} back").format(name=words),
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
        return round(self._low + self.slider.value() / self._places * self._span, 4)

    def show_value(self, value: float, *, moved: bool) -> None:
        """Stand at a value; `moved` says whether that is another than where it rests."""
        self.slider.show_position(round((value - self._low) / self._span * self._places))
        self.reset.setVisible(moved)

    def set_available(self, on: bool) -> None:
        """Whether there is anything to move: no colour of hair without hair."""
        self.slider.setEnabled(on)
        self.title.setEnabled(on)
        if not on:
            self.reset.hide()
