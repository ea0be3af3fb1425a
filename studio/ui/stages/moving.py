"""The stage for pictures and clips: what the stage for pictures does, and clips that play in the same place.

Time is this module's; what decodes is the tape, aside, and what draws is the canvas of the stage for pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QElapsedTimer, QMimeData, QSizeF, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QHideEvent, QImage, QKeyEvent, QShowEvent

from studio.errors import StudioError
from studio.jobs.previews import Preview
from studio.library.library import Asset
from studio.media import codecs
from studio.media.payloads import Clip, Payload
from studio.schema.settings import Settings
from studio.ui.background import Failure, LatestOnly
from studio.ui.stages.clip_frames import ClipFrames
from studio.ui.stages.image import ImageStage
from studio.ui.stages.stage import MenuEntry, file_mime_data
from studio.ui.stages.transport import ClipTransport
from studio.ui.widgets.text import failure, tr
from studio.ui.widgets.theme import theme

TICK = 10  # milliseconds between two looks at the clock


class MovingStage(ImageStage):
    """Space plays and pauses, comma and full stop step a frame, Home and End go to the ends, L loops."""

    suffixes = tuple(dict.fromkeys((*codecs.IMAGE_SUFFIXES, *codecs.CLIP_SUFFIXES)))

    def __init__(self) -> None:
        super().__init__()
        self.frames: ClipFrames | None = None
        self.frame = 0
        self.playing = False
        self._side = 0  # pixels that a clip is shown wide; 0 where that is as wide as it is
        self._resumes = False  # it played when the page was left
        self._reduced_motion = False
        self._from = 0.0  # seconds of the clip at which the clock began
        self._clock = QElapsedTimer()
        self._decoding = LatestOnly(self)
        self.transport = ClipTransport()
        self.transport.hide()
        self.transport.play_clicked.connect(self.toggle)
        self.transport.stepped.connect(self.step_frame)
        self.transport.sought.connect(self.seek)
        self._layout.addWidget(self.transport)
        self._ticker = QTimer(self)
        self._ticker.setInterval(TICK)
        self._ticker.setTimerType(Qt.TimerType.PreciseTimer)
        self._ticker.timeout.connect(self._tick)
        self._clip_keys: Mapping[Qt.Key, Callable[[], object]] = {
            Qt.Key.Key_Space: self.toggle,
            Qt.Key.Key_Comma: lambda: self.step_frame(-1),
            Qt.Key.Key_Period: lambda: self.step_frame(1),
            Qt.Key.Key_Home: lambda: self.seek(0),
            Qt.Key.Key_End: lambda: self.seek(10**9),
            Qt.Key.Key_L: self.transport.loop.click,
        }

    def commands(self) -> Mapping[str, Callable[[], object]]:
        played = {} if self.frames is None else {"play": self.toggle, "loop": self.transport.loop.click}
        return {**super().commands(), **played}

    def menu_entries(self) -> Sequence[MenuEntry]:
        if self.frames is None:
            return super().menu_entries()
        play = tr("Pause") if self.playing else tr("Play")
        loop, back, on = tr("Loop"), tr("One frame back"), tr("One frame on")
        return (
            (f"{play}\tSpace", self.toggle),
            (f"{back}\t,", lambda: self.step_frame(-1)),
            (f"{on}\t.", lambda: self.step_frame(1)),
            (f"{loop}\tL", self.transport.loop.click),
            None,
            *super().menu_entries(),
        )

    def apply_settings(self, settings: Settings) -> None:
        super().apply_settings(settings)
        self._reduced_motion = settings.reduced_motion

    def show_asset(self, asset: Asset) -> None:
        self._unload()
        if not asset.moving:
            super().show_asset(asset)
            return
        self._reading.discard()
        self._load(ClipFrames(asset.path))
        self.canvas.show_image(QImage())
        self._set_asset(asset)
        self.setAccessibleDescription(asset.title)
        self._begin_clip()

    def show_clip(self, clip: Clip, side: int) -> None:
        """Play a clip that is no work yet, from its file, `side` pixels wide, in place of the pictures of it that were
        seen while it was made. Raises BadInput and OSError as `Tape` does.
        """
        tape = ClipFrames(clip.path)
        self._unload()
        self._side = side
        self._load(tape)
        self._begin_clip()

    def _load(self, tape: ClipFrames) -> None:
        self.frames = tape
        self.frame = 0
        self.transport.load(tape.count, tape.seconds)
        self.transport.show()

    def _begin_clip(self) -> None:
        self._show_time()
        self._decode()
        if not self._reduced_motion and theme().motion:
            self.play()

    def preview(self, payload: Preview) -> None:
        self._unload()
        super().preview(payload)

    def show_live(self, payload: Payload, side: int, *, rough: bool) -> None:
        self._unload()
        super().show_live(payload, side, rough=rough)

    def clear(self) -> None:
        self._unload()
        super().clear()

    def copy(self) -> None:
        """Its file, for programs that take files, and the picture that is seen for those that take pictures."""
        if self.frames is None or self.asset is None:
            super().copy()
            return
        data: QMimeData = file_mime_data([self.asset])
        if not self.image.isNull():
            data.setImageData(self.image)
        QGuiApplication.clipboard().setMimeData(data)
        self.message.emit(tr("The clip is on the clipboard."), "")

    def deactivate(self) -> None:
        super().deactivate()
        self._resumes = self._resumes or self.playing
        self.pause()
        self._decoding.discard()
        if self.frames is not None:
            self.frames.forget()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._resumes:
            self.play()
        else:
            self._decode()

    def hideEvent(self, event: QHideEvent) -> None:
        """Another thing stands in its place: what nobody sees does not play."""
        super().hideEvent(event)
        self._resumes = self._resumes or self.playing
        self.pause()

    # Playing.

    def toggle(self) -> None:
        if self.playing:
            self.pause()
        else:
            self.play()

    def play(self) -> None:
        """Go on from the frame that is shown; from the first one where that is the last."""
        if self.frames is None:
            return
        self._resumes = False
        if self.frame >= self.frames.count - 1:
            self.frame = 0
        self.playing = True
        self._from = self.frames.start_of(self.frame)
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
            self._resumes = False
            self._show_frame(min(self.frames.count - 1, max(0, frame)))
            self._show_time()

    def step_frame(self, by: int) -> None:
        """A frame on (+1) or back (-1), around the ends."""
        if self.frames is not None:
            self.seek((self.frame + by) % self.frames.count)

    def _tick(self) -> None:
        tape = self.frames
        if tape is None:
            return
        now = self._from + self._clock.elapsed() / 1000
        if now >= tape.seconds:
            if not self.transport.loop.isChecked():
                self.pause()
                self._show_frame(tape.count - 1)
                self._show_time()
                return
            now %= tape.seconds
            self._from = now
            self._clock.start()
        frame = tape.frame_at(now)
        if tape.get(frame) is None:
            # The clock waits for the decoder: frames come late rather than not at all.
            after = (self.frame + 1) % tape.count
            ready = tape.get(self.frame) is not None and tape.get(after) is not None
            frame = after if ready else self.frame
            self._from = tape.start_of(frame)
            self._clock.start()
            self._decode()
        if frame != self.frame:
            self._show_frame(frame)
        self._show_time()

    def _show_image(self, image: QImage) -> None:
        size = QSizeF(self._side, self._side * image.height() / image.width()) if self._side else None
        self.canvas.show_image(image, size, rough=self.playing, at_once=True)

    def _show_frame(self, frame: int) -> None:
        """Show a frame, now or as soon as it is decoded."""
        self.frame = frame
        image = self.frames.get(frame) if self.frames is not None else None
        if image is not None:
            self._show_image(image)
        self._decode()

    def _show_time(self) -> None:
        if self.frames is not None:
            whole = self.frames.seconds
            self.transport.show_position(self.frame, self.frames.count, self.frames.start_of(self.frame), whole)

    # Decoding, aside.

    def _decode(self) -> None:
        tape = self.frames
        if tape is None or self._decoding.busy:
            return
        wanted = tape.next_to_decode(self.frame)
        if wanted is not None:
            self._decoding.run(lambda: tape.decode(wanted), lambda _: self._decoded(tape), self._decode_failed)

    def _decoded(self, tape: ClipFrames) -> None:
        if tape is not self.frames:
            return
        self.frame = min(self.frame, tape.count - 1)
        image = tape.get(self.frame)
        if image is not None and image.cacheKey() != self.image.cacheKey():
            self._show_image(image)
        self._decode()

    def _decode_failed(self, error: Failure) -> None:
        self.pause()
        self.message.emit(*failure(error) if isinstance(error, StudioError) else (str(error), ""))

    def _unload(self) -> None:
        self.pause()
        self._resumes = False
        self._decoding.discard()
        self.frames, self._side = None, 0
        self.transport.hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        modified = event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
        if self.frames is not None and key in self._clip_keys and not modified:
            self._clip_keys[key]()
        else:
            super().keyPressEvent(event)
