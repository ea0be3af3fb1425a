"""Plays a clip: the clock, decoding ahead on a thread, and the transport bar below the picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QElapsedTimer, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QImage, QResizeEvent
from PySide6.QtWidgets import QFrame

from studio.ui.background import Failure, LatestOnly
from studio.ui.widgets import icons
from studio.ui.widgets.controls import QuietSlider, label, named, tool
from studio.ui.widgets.layout import row
from studio.ui.widgets.page import timer
from studio.ui.widgets.text import tenths, tr
from studio.ui.widgets.theme import theme

if TYPE_CHECKING:
    from studio.ui.stages.clip_frames import ClipFrames

TICK = 10  # milliseconds between two checks of the clock
HEIGHT = 56
NARROW = 420  # pixels of width below which there is no room for the time beside the slider


class ClipTransport(QFrame):
    """Play, step, loop, and a slider over the frames.

    `sought(frame)`; `stepped(+1 or -1)`; `play_clicked`: play or pause.
    """

    sought = Signal(int)
    stepped = Signal(int)
    play_clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("transport")
        self.setAccessibleName(tr("Playback"))
        self.setFixedHeight(HEIGHT)
        self.play = tool("play", tr("Play (Space)"), "play", clicked=self.play_clicked.emit)
        self.back = tool("chevron-left", tr("Previous frame (,)"), "frameBack", clicked=lambda: self.stepped.emit(-1))
        self.on = tool("chevron-right", tr("Next frame (.)"), "frameOn", clicked=lambda: self.stepped.emit(1))
        self.loop = tool("loop", tr("Loop (L)"), "loop", checked="loop")
        self.loop.setChecked(True)
        self.slider = named(QuietSlider(), "frame", tr("Frame"), tr("Frame"))
        self.slider.setTracking(True)
        self.slider.valueChanged.connect(self.sought)
        self.time = label("", "caption", name="clipTime")
        self.time.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        parts = (self.back, self.play, self.on, (self.slider, 1), self.time, self.loop)
        self.setLayout(row(*parts, margins=(24, 4, 24, 12)))

    def load(self, count: int, seconds: float) -> None:
        """Start a clip of so many frames."""
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, max(0, count - 1))
            self.slider.setPageStep(max(1, count // 10))
        self.time.setText(_time_text(count, count, seconds, seconds))
        self.time.setMinimumWidth(self.time.sizeHint().width())  # nothing shifts while it counts

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow window, the slider matters more than the time."""
        super().resizeEvent(event)
        self.time.setVisible(self.width() >= theme().scaled(NARROW))

    def show_position(self, frame: int, count: int, seconds: float, whole: float) -> None:
        """Show frame and time; `seconds` of `whole` have passed."""
        if self.slider.value() != frame and not self.slider.isSliderDown():
            with QSignalBlocker(self.slider):
                self.slider.setValue(frame)
        words = _time_text(frame + 1, count, seconds, whole)
        if words != self.time.text():
            self.time.setText(words)

    def show_playing(self, playing: bool) -> None:
        name = tr("Pause (Space)") if playing else tr("Play (Space)")
        if name != self.play.accessibleName():
            icons.set_icon(self.play, "pause" if playing else "play", size=18)
            self.play.setToolTip(name)
            self.play.setAccessibleName(name)


class ClipPlayer(QObject):
    """Plays one clip at a time. `shown(image)`: the frame to show; `failed(error)`: it cannot be decoded."""

    shown = Signal(QImage)
    failed = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.frames: ClipFrames | None = None
        self.frame = 0
        self.playing = False
        self._resume = False  # it played when it was suspended
        self._start_time = 0.0  # seconds of the clip at which the clock began
        self._shown_key = 0  # of the image that was shown last
        self._clock = QElapsedTimer()
        self._decoding = LatestOnly(self)
        self.transport = ClipTransport()
        self.transport.hide()
        self.transport.play_clicked.connect(self.toggle)
        self.transport.stepped.connect(self.step_frame)
        self.transport.sought.connect(self.seek)
        self._ticker = timer(self, self._tick, TICK, repeat=True)
        self._ticker.setTimerType(Qt.TimerType.PreciseTimer)

    def load(self, path: Path) -> None:
        """Load the clip of a file, in place of the one before. Raises BadInput and OSError as `ClipFrames` does."""
        from studio.ui.stages.clip_frames import ClipFrames  # the window starts without numpy and Pillow

        frames = ClipFrames(path)
        self.unload()
        self.frames, self.frame, self._shown_key = frames, 0, 0
        self.transport.load(frames.count, frames.seconds)
        self.transport.show()
        self._show_time()
        self._decode()

    def unload(self) -> None:
        self.pause()
        self._resume = False
        self._decoding.discard()
        self.frames = None
        self.transport.hide()

    def toggle(self) -> None:
        if self.playing:
            self.pause()
        else:
            self.play()

    def play(self) -> None:
        """Play from the frame that is shown; from the first one if that is the last."""
        if self.frames is None:
            return
        self._resume = False
        if self.frame >= self.frames.count - 1:
            self.frame = 0
        self.playing = True
        self._start_time = self.frames.start_of(self.frame)
        self._clock.start()
        self._ticker.start()
        self._decode()
        self.transport.show_playing(True)

    def pause(self) -> None:
        self.playing = False
        self._ticker.stop()
        self.transport.show_playing(False)

    def seek(self, frame: int) -> None:
        """Show that frame, or the one at the nearest end, and stay there."""
        if self.frames is not None:
            self.pause()
            self._resume = False
            self._show_frame(min(self.frames.count - 1, max(0, frame)))
            self._show_time()

    def step_frame(self, by: int) -> None:
        """A frame forward (+1) or back (-1), around the ends."""
        if self.frames is not None:
            self.seek((self.frame + by) % self.frames.count)

    def suspend(self) -> None:
        """Pause while the clip is not seen."""
        self._resume = self._resume or self.playing
        self.pause()

    def resume(self) -> None:
        """The clip is seen again: play on if it played."""
        if self._resume:
            self.play()
        else:
            self._decode()

    def free_memory(self) -> None:
        """Give back the decoded frames; they are decoded again when they are needed."""
        self._decoding.discard()
        if self.frames is not None:
            self.frames.forget()

    def _tick(self) -> None:
        frames = self.frames
        if frames is None:
            return
        now = self._start_time + self._clock.elapsed() / 1000
        if now >= frames.seconds:
            if not self.transport.loop.isChecked():
                self.pause()
                self._show_frame(frames.count - 1)
                self._show_time()
                return
            now %= frames.seconds
            self._start_time = now
            self._clock.start()
        frame = frames.frame_at(now)
        if frames.get(frame) is None:
            # The clock waits for the decoder: frames come late rather than not at all.
            after = (self.frame + 1) % frames.count
            ready = frames.get(self.frame) is not None and frames.get(after) is not None
            frame = after if ready else self.frame
            self._start_time = frames.start_of(frame)
            self._clock.start()
            self._decode()
        if frame != self.frame:
            self._show_frame(frame)
        self._show_time()

    def _show_frame(self, frame: int) -> None:
        """Show a frame, now or as soon as it is decoded."""
        self.frame = frame
        self._show_decoded()
        self._decode()

    def _show_decoded(self) -> None:
        image = self.frames.get(self.frame) if self.frames is not None else None
        if image is not None and image.cacheKey() != self._shown_key:
            self._shown_key = image.cacheKey()
            self.shown.emit(image)

    def _show_time(self) -> None:
        if self.frames is not None:
            frames = self.frames
            self.transport.show_position(self.frame, frames.count, frames.start_of(self.frame), frames.seconds)

    def _decode(self) -> None:
        frames = self.frames
        if frames is None or self._decoding.busy:
            return
        wanted = frames.next_to_decode(self.frame)
        if wanted is not None:
            self._decoding.run(lambda: frames.decode(wanted), lambda _: self._decoded(frames), self._decode_failed)

    def _decoded(self, frames: ClipFrames) -> None:
        if frames is not self.frames:
            return
        self.frame = min(self.frame, frames.count - 1)
        self._show_decoded()
        self._decode()

    def _decode_failed(self, error: Failure) -> None:
        self.pause()
        self.failed.emit(error)


def _time_text(frame: int, count: int, seconds: float, whole: float) -> str:
    """Time and frame: 0:00.5 / 0:04.0 · 12 / 96."""
    return f"{tenths(seconds)} / {tenths(whole)}  ·  {frame} / {count}"
