"""The spectrogram of a sound, computed with numpy on a thread."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from studio.media.payloads import Audio
from studio.ui.background import LatestOnly
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import theme

WINDOW = 2048  # samples
COLUMNS, ROWS = 1024, 192
LOWEST = 40.0  # Hz
FLOOR = 72.0  # dB below the loudest, from which nothing is shown
CHUNK = 64  # windows at a time, so that other threads get their turn
MARKS = ((100.0, "100"), (1000.0, "1k"), (10_000.0, "10k"))


def spectrogram(audio: Audio) -> NDArray[np.uint8]:
    """`[ROWS, columns]`, 0 silent and 255 the loudest, the highest pitch first, rows evenly apart in octaves.

    Each column is the power spectrum under one Hann window, in dB, the channels together; at most COLUMNS of them.
    """
    mono = audio.samples.mean(axis=0)
    mono = np.pad(mono, (WINDOW // 2, WINDOW // 2))
    hop = max(WINDOW // 8, -(-audio.samples.shape[1] // COLUMNS))
    starts = np.arange(0, max(1, audio.samples.shape[1]), hop)
    frames = np.lib.stride_tricks.sliding_window_view(mono, WINDOW)
    window = np.hanning(WINDOW).astype(np.float32)
    bins = np.fft.rfftfreq(WINDOW, 1 / audio.rate)
    pitches = np.geomspace(LOWEST, audio.rate / 2, ROWS)
    made = np.empty((ROWS, len(starts)), np.float32)
    for at in range(0, len(starts), CHUNK):
        power = np.abs(np.fft.rfft(frames[starts[at : at + CHUNK]] * window, axis=1)) ** 2
        for column, each in enumerate(power):
            made[:, at + column] = np.interp(pitches, bins, each)
    loudest = float(made.max(initial=0.0))
    if loudest <= 1e-12:
        return np.zeros(made.shape, np.uint8)
    level = 10 * np.log10(np.maximum(made / loudest, 1e-12))
    return np.rint(np.clip(1 + level / FLOOR, 0, 1) * 255).astype(np.uint8)[::-1]


class Spectrogram(QWidget):
    """The spectrogram in the theme's colours, with frequency marks in a gutter at the left."""

    def __init__(self, gutter: int) -> None:
        super().__init__()
        self.setObjectName("spectrogram")
        self.setAccessibleName(tr("Spectrogram"))
        self.setMinimumHeight(64)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._gutter = gutter
        self._levels: NDArray[np.uint8] = np.zeros((ROWS, 0), np.uint8)
        self._rate, self._share, self._place = 1, 1.0, 0.0
        self._drawn: QPixmap | None = None
        self._computing = LatestOnly(self)
        theme().changed.connect(self._redraw)

    @property
    def busy(self) -> bool:
        return self._computing.busy

    @property
    def levels(self) -> NDArray[np.uint8]:
        """What is shown, as `spectrogram` returns it."""
        return self._levels

    def show_sound(self, audio: Audio, share: float) -> None:
        """Compute and show it; until then the one before stays. `share`: how much of the whole there is yet."""

        def came(levels: NDArray[np.uint8]) -> None:
            self._levels, self._rate, self._share = levels, audio.rate, share
            self._redraw()

        self._computing.run(lambda: spectrogram(audio), came)

    def show_position(self, place: float) -> None:
        if round(place * self.width()) != round(self._place * self.width()):
            self._place = place
            self.update()

    def resizeEvent(self, event: object) -> None:
        self._redraw()

    def _redraw(self) -> None:
        self._drawn = None
        self.update()

    def _draw(self, size: QSize) -> QPixmap:
        rows, columns = self._levels.shape
        levels = np.ascontiguousarray(self._levels)
        image = QImage(levels.data, columns, rows, columns, QImage.Format.Format_Indexed8)
        image.setColorTable(_colours())
        whole = image.convertToFormat(QImage.Format.Format_RGB32)
        return QPixmap.fromImage(
            whole.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        look, ratio = theme(), self.devicePixelRatioF()
        painter = QPainter(self)
        painter.fillRect(event.rect(), look.colour("paper"))
        wide = self.width() - self._gutter
        if self._levels.shape[1]:
            box = QRectF(self._gutter, 0, wide * self._share, self.height())
            if self._drawn is None:
                self._drawn = self._draw((box.size() * ratio).toSize().expandedTo(QSize(1, 1)))
            painter.drawPixmap(box, self._drawn, QRectF(self._drawn.rect()))
            spot = self._gutter + round(min(wide - 1.0, max(1.0, self._place * wide * self._share)))
            painter.fillRect(QRectF(spot - 1, 0, 2, self.height()), look.colour("ink"))
        self._name_pitches(painter)
        painter.end()

    def _name_pitches(self, painter: QPainter) -> None:
        painter.setFont(theme().font(0.82))
        painter.setPen(theme().colour("muted"))
        half = painter.fontMetrics().height() / 2
        octaves = np.log2(self._rate / 2 / LOWEST) if self._rate > 2 * LOWEST else 0.0
        for pitch, words in MARKS:
            if octaves and pitch < self._rate / 2:
                middle = self.height() * (1 - np.log2(pitch / LOWEST) / octaves)
                box = QRectF(0, min(self.height() - 2 * half, max(0.0, middle - half)), self._gutter - 8, 2 * half)
                painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)


def _colours() -> list[int]:
    """256 colours from the background over the accent to the ink."""
    ends = [theme().colour(name) for name in ("paper", "accent", "ink")]
    stops = np.array([(each.red(), each.green(), each.blue()) for each in ends], float)
    tones = [np.interp(np.linspace(0, 1, 256), (0.0, 0.68, 1.0), stops[:, part]) for part in range(3)]
    return [0xFF000000 | int(r) << 16 | int(g) << 8 | int(b) for r, g, b in zip(*tones, strict=True)]
