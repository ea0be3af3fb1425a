"""The line below a clip: play, step, loop, and a slider over its frames; decodes nothing and keeps no time."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame

from studio.ui.widgets import icons
from studio.ui.widgets.basic import QuietSlider, label, row, tool
from studio.ui.widgets.text import clock, tr
from studio.ui.widgets.theme import theme

HIGH = 56
NARROW = 420  # pixels of width up to which there is no room for words beside the slider


class ClipTransport(QFrame):
    """`sought` asks for a frame, `stepped` for one further (+1) or back (-1), `played` for playing or a pause."""

    sought = Signal(int)
    stepped = Signal(int)
    play_clicked = Signal()
    looped = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("transport")
        self.setAccessibleName(tr("Playing"))
        self.setFixedHeight(HIGH)
        self.play = tool("play", tr("Play (Space)"), "play", clicked=self.play_clicked.emit)
        self.back = tool("chevron-left", tr("One frame back (,)"), "frameBack", clicked=lambda: self.stepped.emit(-1))
        self.on = tool("chevron-right", tr("One frame on (.)"), "frameOn", clicked=lambda: self.stepped.emit(1))
        self.loop = tool("loop", tr("Loop (L)"), "loop", clicked=self.looped.emit)
        self.loop.setCheckable(True)
        self.loop.setChecked(True)
        self.slider = QuietSlider()
        self.slider.setObjectName("frame")
        self.slider.setAccessibleName(tr("Frame"))
        self.slider.setToolTip(tr("Frame"))
        self.slider.setTracking(True)
        self.slider.valueChanged.connect(self.sought)
        self.time = label("", "caption")
        self.time.setObjectName("clipTime")
        self.time.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        line = row(self.back, self.play, self.on, self.slider, self.time, self.loop, margins=(24, 4, 24, 12))
        line.setStretch(3, 1)
        self.setLayout(line)

    def load(self, count: int, seconds: float) -> None:
        """A clip of so many frames is shown from its first one."""
        self.slider.blockSignals(True)
        self.slider.setRange(0, max(0, count - 1))
        self.slider.setPageStep(max(1, count // 10))
        self.slider.blockSignals(False)
        self.time.setText(_time_text(count, count, seconds, seconds))
        self.time.setMinimumWidth(self.time.sizeHint().width())  # nothing shifts while it counts

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The slider comes before the words about where it stands."""
        super().resizeEvent(event)
        self.time.setVisible(self.width() >= theme().scaled(NARROW))

    def show_position(self, frame: int, count: int, seconds: float, whole: float) -> None:
        """That frame is shown now; `seconds` of `whole` have passed."""
        if self.slider.value() != frame and not self.slider.isSliderDown():
            self.slider.blockSignals(True)
            self.slider.setValue(frame)
            self.slider.blockSignals(False)
        said = _time_text(frame + 1, count, seconds, whole)
        if said != self.time.text():
            self.time.setText(said)

    def show_playing(self, playing: bool) -> None:
        """Whether it plays."""
        name = tr("Pause (Space)") if playing else tr("Play (Space)")
        if name != self.play.accessibleName():
            icons.set_icon(self.play, "pause" if playing else "play", size=18)
            self.play.setToolTip(name)
            self.play.setAccessibleName(name)


def _time_text(frame: int, count: int, seconds: float, whole: float) -> str:
    """Where it stands: 12 of 96, 0:00.5 of 0:04.0."""
    return f"{_tenths(seconds)} / {_tenths(whole)}  ·  {frame} / {count}"


def _tenths(seconds: float) -> str:
    return f"{clock(int(seconds))}.{int(seconds * 10) % 10}"
