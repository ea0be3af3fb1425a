"""The stage for sounds: a waveform with a cursor, play, pause and seek; how sound is played is the player's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QToolButton, QWidget

from studio.errors import StudioError
from studio.library import Asset
from studio.media import Audio, Payload
from studio.request import Request
from studio.ui import icons
from studio.ui.sound import Player
from studio.ui.stages.stage import Stage, mime_of
from studio.ui.theme import theme
from studio.ui.widgets import column, label, row, tool
from studio.ui.words import clock, tr

BAR, SPACE = 3, 2  # pixels of a bar of the waveform and of the gap after it
FRAME = 33  # milliseconds between two places of the cursor


class Waveform(QWidget):
    """Bars as loud as the sound. `sought` gives a fraction, 0 to 1, of the whole."""

    sought = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(96)
        self.setAccessibleName(tr("Waveform"))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._sound: NDArray[np.float32] = np.zeros(0, np.float32)
        self._bars: NDArray[Any] = np.zeros(0, np.float32)
        self._share = 1.0
        self.place = 0.0
        theme().changed.connect(self.update)

    def show_sound(self, samples: NDArray[np.float32], share: float) -> None:
        """`samples` `[channels, samples]`; `share` is how much of the whole they are while it grows."""
        self._sound = np.abs(samples).max(axis=0) if samples.size else np.zeros(0, np.float32)
        self._share = min(1.0, max(0.01, share))
        self._reckon()

    def stand(self, place: float) -> None:
        if abs(place - self.place) * self.width() >= 0.5 or place in (0.0, 1.0):
            self.place = place
            self.update()

    def resizeEvent(self, event: object) -> None:
        self._reckon()

    def _reckon(self) -> None:
        """The loudest sample under each bar, on a scale that quiet passages can be seen on."""
        count = max(1, int(self.width() * self._share) // (BAR + SPACE))
        if self._sound.size:
            edges = np.linspace(0, self._sound.size, count + 1).astype(int)[:-1]
            self._bars = np.maximum.reduceat(self._sound, np.minimum(edges, self._sound.size - 1)) ** 0.8
        else:
            self._bars = np.zeros(0, np.float32)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        middle, reach = self.height() / 2, self.height() / 2 - 2
        played, rest = look.colour("accent"), look.colour("outline")
        for at, loud in enumerate(self._bars):
            left = at * (BAR + SPACE)
            high = max(1.5, float(loud) * reach)
            painter.setBrush(QColor(played if left / max(1, self.width()) < self.place else rest))
            painter.drawRoundedRect(QRectF(left, middle - high, BAR, high * 2), 1.5, 1.5)
        if self._share < 1:
            start = len(self._bars) * (BAR + SPACE)
            painter.setPen(QPen(look.colour("track"), 2, Qt.PenStyle.DotLine))
            painter.drawLine(int(start), int(middle), self.width(), int(middle))
        if self._bars.size:
            painter.setPen(QPen(look.colour("ink"), 2))
            spot = min(self.width() - 1.0, max(1.0, self.place * self.width()))
            painter.drawLine(int(spot), 0, int(spot), self.height())
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.sought.emit(min(1.0, max(0.0, event.position().x() / max(1, self.width()))))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.mousePressEvent(event)


class AudioStage(Stage):
    """One sound. Space plays and pauses, the arrow keys move by a second, Home and End to the ends."""

    def __init__(self, player: Player | None = None) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Sound"))
        self.player = player or Player()
        self._whole = 0.0
        self.waveform = Waveform()
        self.waveform.sought.connect(lambda part: self.seek(part * self.player.seconds))
        self.play = tool("play", tr("Play (Space)"), "play", clicked=self.toggle, size=22)
        self.play.setFixedSize(QSize(44, 44))
        self.time = label("0:00 / 0:00", "muted")
        self.time.setObjectName("time")
        self._card = QFrame()
        self._card.setObjectName("soundCard")
        inside = column(self._card, spacing=16, margins=(24, 20, 24, 16))
        inside.addWidget(self.waveform, 1)
        inside.addLayout(row(self.play, self.time, None))
        self._card.setMaximumHeight(320)
        column(self, margins=(32, 24, 32, 24)).addWidget(self._card)
        self._tools = (tool("copy", tr("Copy file"), "copy", clicked=self.copy),)
        self._clock = QTimer(self)
        self._clock.setInterval(FRAME)
        self._clock.timeout.connect(self._tick)
        self._card.hide()

    def tools(self) -> Sequence[QToolButton]:
        return self._tools

    def show_asset(self, asset: Asset) -> None:
        from studio import codecs

        payload = codecs.read(asset.path)
        if isinstance(payload, Audio):
            self.player.stop()
            self.asset = asset
            self._take(payload, payload.samples.shape[1] / payload.rate)

    def preview(self, payload: Payload) -> None:
        if isinstance(payload, Audio):
            self.asset = None
            self._take(payload, self._whole or payload.samples.shape[1] / payload.rate)

    def expect(self, request: Request) -> None:
        """The waveform leaves room for what is still to come."""
        self._whole = float(getattr(request, "seconds", 0.0))

    def clear(self) -> None:
        self.player.stop()
        self.asset = None
        self._clock.stop()
        self._card.hide()

    def copy(self) -> None:
        if self.asset is not None:
            QGuiApplication.clipboard().setMimeData(mime_of([self.asset]))
            self.said.emit(tr("The sound file is on the clipboard."), "")

    def toggle(self) -> None:
        if self._card.isHidden():
            return
        try:
            if self.player.playing:
                self.player.pause()
            else:
                self.player.play()
        except StudioError as error:
            self.said.emit(error.message, error.hint)
        self._tick()

    def seek(self, seconds: float) -> None:
        self.player.seek(seconds)
        self._tick()

    def leave(self) -> None:
        self.player.pause()
        self._tick()

    def _take(self, audio: Audio, whole: float) -> None:
        self.player.load(audio)
        length = audio.samples.shape[1] / audio.rate
        self.waveform.show_sound(audio.samples, length / max(whole, length, 1e-6))
        self._card.show()
        self._tick()

    def _tick(self) -> None:
        player = self.player
        self.waveform.stand(player.position / player.seconds if player.seconds else 0.0)
        self.time.setText(f"{clock(player.position)} / {clock(player.seconds)}")
        if player.playing != self._clock.isActive():
            self._clock.start() if player.playing else self._clock.stop()
            icons.put(self.play, "pause" if player.playing else "play", size=22)
            name = tr("Pause (Space)") if player.playing else tr("Play (Space)")
            self.play.setToolTip(name)
            self.play.setAccessibleName(name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, player = event.key(), self.player
        if key == Qt.Key.Key_Space:
            self.toggle()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.seek(player.position + (1 if key == Qt.Key.Key_Right else -1))
        elif key == Qt.Key.Key_Home:
            self.seek(0)
        elif key == Qt.Key.Key_End:
            self.seek(player.seconds)
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.stepped.emit(1 if key == Qt.Key.Key_Down else -1)
        else:
            super().keyPressEvent(event)
