"""The stage for sounds: waveform, spectrogram, level meter and transport."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QToolButton

from studio.errors import StudioError
from studio.jobs.previews import Preview
from studio.library.library import Asset
from studio.media import codecs
from studio.media.payloads import Audio, Payload
from studio.media.waveforms import envelope
from studio.schema.request import Request
from studio.schema.settings import Settings
from studio.ui.background import Failure, LatestOnly
from studio.ui.stages.sound_views import RULER, LevelMeter, Spectrogram, Waveform
from studio.ui.stages.stage import MenuEntry, Stage, file_mime_data
from studio.ui.widgets import icons
from studio.ui.widgets.controls import QuietSlider, label, named, tool
from studio.ui.widgets.layout import add, column, row
from studio.ui.widgets.messages import MessageBar
from studio.ui.widgets.page import timer
from studio.ui.widgets.sound_player import SoundPlayer
from studio.ui.widgets.text import clock, failure, tenths, tr

FRAME = 16  # milliseconds between two updates of the cursor
LARGE = 12_000_000  # bytes from which a file is read on a thread
GUTTER = 40
MAX_HEIGHT = (320, 520)  # pixels of the card, without and with the spectrogram


class AudioStage(Stage):
    """One sound. Space plays and pauses; the arrow keys move by a second, with Shift by five; Home, End: to the ends.

    L loops, over the range between I and O if there is one, X clears the range; G shows the spectrogram, M mutes.
    """

    suffixes = codecs.AUDIO_SUFFIXES

    def __init__(self, player: SoundPlayer | None = None) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Sound"))
        self.player = player or SoundPlayer()
        self._expected_seconds = 0.0
        self._audio: Audio | None = None
        self._reading = LatestOnly(self)
        self.waveform = Waveform()
        self.waveform.seek_requested.connect(lambda place: self.seek(place * self.player.seconds))
        self.waveform.range_chosen.connect(self._set_range)
        self.meter = LevelMeter(GUTTER, RULER)
        self.spectrogram = Spectrogram(GUTTER)
        self.spectrogram.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.play = tool("play", tr("Play (Space)"), "play", clicked=self.toggle, size=22)
        self.play.setFixedSize(QSize(44, 44))
        self.loop = tool("loop", tr("Loop (L)"), "loop", checked="loop", clicked=self._loop)
        self.time = label("0:00 / 0:00", "muted", name="time")
        self.range_label = label("", "caption", name="loopPart")
        self.clear_range = tool(
            "close", tr("Loop over all of it (X)"), "loopForget", clicked=self._clear_range, size=14
        )
        self.mute = tool("volume", tr("Mute (M)"), "mute", checked="mute", clicked=self._set_volume)
        self.volume = named(QuietSlider(), "volume", tr("Volume"), tr("Volume"))
        self.volume.setRange(0, 100)
        self.volume.setValue(100)
        self.volume.setFixedWidth(104)
        self.volume.valueChanged.connect(self._set_volume)
        self.error = MessageBar("sound")
        self._card = named(QFrame(), "soundCard")
        inside = column(self._card, spacing=12, margins=(24, 20, 24, 12))
        above = row(self.meter, (self.waveform, 1), spacing=0)
        add(inside, (above, 3), (self.spectrogram, 2), self.error)
        ends = (self.time, self.range_label, self.clear_range, None, self.mute, self.volume)
        inside.addLayout(row(self.play, self.loop, 4, *ends))
        column(self, self._card, margins=(32, 24, 32, 24))
        words = tr("Spectrogram (G)")
        self._spectrum = tool("spectrum", words, "spectrum", checked="spectrum", clicked=self._show_spectrum)
        self._spectrum.setChecked(True)
        self._tools = (self._spectrum, tool("copy", tr("Copy file (Ctrl+C)"), "copy", clicked=self.copy))
        self._keys: Mapping[Qt.Key, Callable[[], object]] = {
            Qt.Key.Key_Space: self.toggle,
            Qt.Key.Key_Home: lambda: self.seek(0),
            Qt.Key.Key_End: lambda: self.seek(self.player.seconds),
            Qt.Key.Key_Up: lambda: self.stepped.emit(-1),
            Qt.Key.Key_Down: lambda: self.stepped.emit(1),
            Qt.Key.Key_L: self.loop.click,
            Qt.Key.Key_I: lambda: self._mark(start=True),
            Qt.Key.Key_O: lambda: self._mark(start=False),
            Qt.Key.Key_X: self._clear_range,
            Qt.Key.Key_G: self._spectrum.click,
            Qt.Key.Key_M: self.mute.click,
        }
        self._clock = timer(self, self._tick, FRAME, repeat=True)
        self._clock.setTimerType(Qt.TimerType.PreciseTimer)
        self._show_spectrum()
        self._set_range(None)
        self._card.hide()

    def tools(self) -> Sequence[QToolButton]:
        return self._tools

    def commands(self) -> Mapping[str, Callable[[], object]]:
        playing = {} if self._card.isHidden() else {"play": self.toggle, "loop": self.loop.click}
        return {**super().commands(), **playing}

    def menu_entries(self) -> Sequence[MenuEntry]:
        if self._card.isHidden():
            return ()
        play, loop, copy = tr("Pause") if self.player.playing else tr("Play"), tr("Loop"), tr("Copy file")
        copied: list[MenuEntry] = [] if self.asset is None else [None, (f"{copy}\tCtrl+C", self.copy)]
        return ((f"{play}\tSpace", self.toggle), (f"{loop}\tL", self.loop.click), *copied)

    def show_asset(self, asset: Asset) -> None:
        self._reading.discard()
        path = asset.path
        if path.stat().st_size > LARGE:
            self.clear()
            self._reading.run(lambda: codecs.read(path), self._show, self._read_failed)
        else:
            self._show(codecs.read(path))
        self.asset = asset

    def preview(self, payload: Preview) -> None:
        if isinstance(payload, Audio):
            self._reading.discard()
            self.asset = None
            self._show_audio(payload, self._expected_seconds)

    def expect(self, request: Request) -> None:
        """Leave room in the waveform for what is still to come."""
        self._expected_seconds = float(getattr(request, "seconds", 0.0))

    def apply_settings(self, settings: Settings) -> None:
        self.player.device = settings.audio_output

    def clear(self) -> None:
        self._reading.discard()
        self.player.stop()
        self.asset = self._audio = None
        self._clock.stop()
        self._card.hide()

    def copy(self) -> None:
        if self.asset is not None:
            QGuiApplication.clipboard().setMimeData(file_mime_data([self.asset]))
            self.message.emit(tr("Sound file copied."), "")

    def toggle(self) -> None:
        if self._card.isHidden():
            return
        try:
            if self.player.playing:
                self.player.pause()
            else:
                self.player.play()
            self.error.hide()
        except StudioError as error:
            self.error.show_message(*failure(error))
        self._tick()

    def seek(self, seconds: float) -> None:
        self.player.seek(seconds)
        self._tick()

    def deactivate(self) -> None:
        self.player.pause()
        self._tick()

    def _read_failed(self, error: Failure) -> None:
        self.message.emit(*failure(error))

    def _show(self, payload: Payload) -> None:
        if isinstance(payload, Audio):
            self._show_audio(payload, 0.0)

    def _show_audio(self, audio: Audio, whole: float) -> None:
        self._audio = audio
        self.player.load(audio)
        length = audio.samples.shape[1] / audio.rate
        share = length / max(whole, length, 1e-6)
        self.waveform.show_sound(envelope(audio.samples), share, length)
        self.meter.show_levels([(0.0, 0.0)] * audio.samples.shape[0])
        if self._spectrum.isChecked():
            self.spectrogram.show_sound(audio, share)
        self._show_range()
        self._card.show()
        self._tick()

    def _loop(self) -> None:
        self.player.looping = self.loop.isChecked()

    def _set_range(self, part: tuple[float, float] | None) -> None:
        """Loop over a range, in shares of the length; None: all of it."""
        whole = self.player.seconds
        self.player.choose(None if part is None else (part[0] * whole, part[1] * whole))
        if self.player.range is not None and not self.loop.isChecked():
            self.loop.click()
        self._show_range()

    def _mark(self, *, start: bool) -> None:
        """Start or end the range at the cursor."""
        whole = self.player.seconds or 1.0
        here = self.player.position / whole
        before = self.player.range or (0.0, whole)
        part = (here, max(here, before[1] / whole)) if start else (min(here, before[0] / whole), here)
        self._set_range(part)

    def _clear_range(self) -> None:
        self._set_range(None)

    def _show_range(self) -> None:
        part, whole = self.player.range, self.player.seconds
        self.waveform.show_range(None if part is None else (part[0] / whole, part[1] / whole))
        self.range_label.setText(
            "" if part is None else tr("Loop {start} to {end}").format(start=tenths(part[0]), end=tenths(part[1]))
        )
        self.clear_range.setVisible(part is not None)

    def _set_volume(self) -> None:
        self.player.volume = 0.0 if self.mute.isChecked() else (self.volume.value() / 100) ** 2  # perceived loudness

    def _show_spectrum(self) -> None:
        on = self._spectrum.isChecked()
        self.spectrogram.setVisible(on)
        self._card.setMaximumHeight(MAX_HEIGHT[on])
        if on and self._audio is not None:
            length = self._audio.samples.shape[1] / self._audio.rate
            whole = 0.0 if self.asset is not None else self._expected_seconds
            self.spectrogram.show_sound(self._audio, length / max(whole, length, 1e-6))

    def _tick(self) -> None:
        player = self.player
        place = player.position / player.seconds if player.seconds else 0.0
        self.waveform.show_position(place)
        self.spectrogram.show_position(place)
        self.meter.show_levels(player.levels())
        words = f"{clock(player.position)} / {clock(player.seconds)}"
        if words != self.time.text():
            self.time.setText(words)
        active = player.playing or not self.meter.silent
        if active != self._clock.isActive():
            self._clock.start() if active else self._clock.stop()
        name = tr("Pause (Space)") if player.playing else tr("Play (Space)")
        if name != self.play.accessibleName():
            icons.set_icon(self.play, "pause" if player.playing else "play", size=22)
            self.play.setToolTip(name)
            self.play.setAccessibleName(name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, player = Qt.Key(event.key()), self.player
        step = 5 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.seek(player.position + (step if key == Qt.Key.Key_Right else -step))
        elif key in self._keys:
            self._keys[key]()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        super().mousePressEvent(event)
