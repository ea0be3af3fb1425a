"""The pictures of a sound: its waveform with a ruler and a cursor, its spectrogram, and a level meter."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from studio.media.payloads import Audio
from studio.media.waveforms import LOWEST_HZ, ROWS, spectrogram
from studio.ui.background import LatestOnly
from studio.ui.stages.stage import is_drag
from studio.ui.widgets.controls import named
from studio.ui.widgets.text import clock, tr
from studio.ui.widgets.theme import theme

BAR, SPACE = 3, 2  # pixels of a bar of the waveform and of the gap after it
RULER = 22
GRAB_DISTANCE = 5
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600)  # seconds from one mark of the ruler to the next
MARKS = ((100.0, "100"), (1000.0, "1k"), (10_000.0, "10k"))
LOWEST_DB = -48.0  # dB at the bottom of the meter
LEVEL, LEVEL_GAP = 6, 3  # pixels of the bar of a channel and of the gap after it
PEAK_FALL = 0.7  # dB that a peak falls with each frame
CLIPPING = -0.1  # dB from which a peak is marked as clipping


class SoundPicture(QWidget):
    """A picture of a sound over its time, drawn once for each size and theme; what moves is painted on top."""

    def __init__(self, name: str, words: str, height: int) -> None:
        super().__init__()
        named(self, name, words)
        self.setMinimumHeight(height)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._drawn: tuple[QPixmap, ...] = ()  # nothing: to be drawn anew
        theme().changed.connect(self._redraw)

    def resizeEvent(self, event: object) -> None:
        self._redraw()

    def _redraw(self) -> None:
        self._drawn = ()
        self.update()


class Waveform(SoundPicture):
    """`seek_requested(position)`, 0 to 1 of the sound. `range_chosen((start, end))`, or None for all of it."""

    seek_requested = Signal(float)
    range_chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__("waveform", tr("Waveform"), 96)
        self.setToolTip(tr("Click to move the cursor, drag to choose a range to loop"))
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.place = 0.0
        self.range: tuple[float, float] | None = None
        self._loud: NDArray[np.float32] = np.zeros(0, np.float32)
        self._share, self._seconds = 1.0, 0.0
        self._press: QPoint | None = None
        self._fixed_end: float | None = None  # the end of the part that stays while the other is dragged

    def show_sound(self, loud: NDArray[np.float32], share: float, seconds: float) -> None:
        """`loud` is the envelope; `share` how much of the whole there is while it grows; `seconds` its length."""
        self._loud, self._share, self._seconds = loud, min(1.0, max(0.01, share)), seconds
        self._redraw()

    def show_position(self, place: float) -> None:
        """Move the cursor; only the area between its old and its new position is repainted."""
        old, new = self._x(self.place), self._x(place)
        if int(old) != int(new):
            self.place = place
            self.update(QRect(int(min(old, new)) - 3, 0, int(abs(new - old)) + 7, self.height()))

    def show_range(self, part: tuple[float, float] | None) -> None:
        if part != self.range:
            self.range = part
            self.update()

    def _x(self, place: float) -> float:
        """Where a place of the sound lies; what is still to be made lies behind it."""
        return place * self.width() * self._share

    def _bars(self) -> NDArray[np.float32]:
        """The loudest under each bar, on a scale that quiet passages can be seen on."""
        count = max(1, int(self.width() * self._share) // (BAR + SPACE))
        if not self._loud.size:
            return self._loud
        edges = np.linspace(0, self._loud.size, count + 1).astype(int)[:-1]
        return np.power(np.maximum.reduceat(self._loud, np.minimum(edges, self._loud.size - 1)), 0.8, dtype=np.float32)

    def _draw(self) -> tuple[QPixmap, QPixmap]:
        """All of it as played, and as still to come."""
        look, ratio = theme(), self.devicePixelRatioF()
        bars, high = self._bars(), self.height() - RULER
        made: list[QPixmap] = []
        for colour in ("accent", "outline"):
            picture = QPixmap(QSize(self.width(), high) * ratio)
            picture.setDevicePixelRatio(ratio)
            picture.fill(Qt.GlobalColor.transparent)
            painter = QPainter(picture)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(look.colour(colour)))
            middle, reach = high / 2, high / 2 - 2
            for at, loud in enumerate(bars):
                tall = max(1.5, float(loud) * reach)
                painter.drawRoundedRect(QRectF(at * (BAR + SPACE), middle - tall, BAR, tall * 2), 1.5, 1.5)
            painter.end()
            made.append(picture)
        return made[0], made[1]

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme()
        high = self.height() - RULER
        if not self._drawn:
            self._drawn = self._draw()
        painter = QPainter(self)
        painter.fillRect(event.rect(), look.colour("paper"))
        if self.range is not None:
            left, right = self._x(self.range[0]), self._x(self.range[1])
            painter.fillRect(QRectF(left, 0, right - left, high), look.colour("accent_soft"))
        spot = round(min(self.width() - 1.0, max(1.0, self._x(self.place))))
        for picture, left, right in ((self._drawn[0], 0, spot), (self._drawn[1], spot, self.width())):
            painter.setClipRect(QRect(left, 0, right - left, high) & event.rect())
            painter.drawPixmap(0, 0, picture)
        painter.setClipRect(event.rect())
        if self._share < 1:
            start = int(self._x(1.0))
            painter.setPen(QPen(look.colour("track"), 2, Qt.PenStyle.DotLine))
            painter.drawLine(start, high // 2, self.width(), high // 2)
        self._rule(painter, high)
        if self.range is not None:
            for place in self.range:
                painter.fillRect(QRectF(self._x(place) - 1, 0, 2, high), look.colour("accent"))
        if self._loud.size:
            painter.fillRect(QRect(spot - 1, 0, 2, high), look.colour("ink"))
        painter.end()

    def _rule(self, painter: QPainter, top: int) -> None:
        """Marks in seconds, as close as can be read."""
        whole = self._seconds / self._share
        if whole <= 0:
            return
        painter.setFont(theme().font(0.82))
        wide = painter.fontMetrics().horizontalAdvance("00:00") + 24
        step = next((each for each in STEPS if each / whole * self.width() >= wide), STEPS[-1])
        painter.setPen(theme().colour("muted"))
        for at in range(int(whole / step) + 1):
            x = at * step / whole * self.width()
            words = clock(at * step)
            if x + painter.fontMetrics().horizontalAdvance(words) <= self.width():
                painter.drawText(QPointF(x, top + RULER - 4), words)

    def _place_of(self, event: QMouseEvent) -> float:
        return min(1.0, max(0.0, event.position().x() / max(1.0, self.width() * self._share)))

    def _edge(self, event: QMouseEvent) -> float | None:
        """The other end of the part, where the pointer is over one of its edges."""
        if self.range is None:
            return None
        start, stop = self.range
        x = event.position().x()
        if abs(x - self._x(stop)) <= GRAB_DISTANCE:
            return start
        return stop if abs(x - self._x(start)) <= GRAB_DISTANCE else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._press = event.position().toPoint()
            self._fixed_end = self._edge(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._press is None:
            over = self._edge(event) is not None
            self.setCursor(Qt.CursorShape.SplitHCursor if over else Qt.CursorShape.PointingHandCursor)
            return
        if self._fixed_end is None and is_drag(self._press, event.position().toPoint()):
            self._fixed_end = min(1.0, max(0.0, self._press.x() / max(1.0, self.width() * self._share)))
        if self._fixed_end is not None:
            place = self._place_of(event)
            self.range_chosen.emit((min(self._fixed_end, place), max(self._fixed_end, place)))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._press is not None:
            if self._fixed_end is None:
                self.seek_requested.emit(self._place_of(event))
            self._press = self._fixed_end = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.range_chosen.emit(None)


class Spectrogram(SoundPicture):
    """The spectrogram in the theme's colours, with frequency marks in a gutter at the left."""

    def __init__(self, gutter: int) -> None:
        super().__init__("spectrogram", tr("Spectrogram"), 64)
        self._gutter = gutter
        self._levels: NDArray[np.uint8] = np.zeros((ROWS, 0), np.uint8)
        self._rate, self._share, self._place = 1, 1.0, 0.0
        self._computing = LatestOnly(self)

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
            if not self._drawn:
                self._drawn = (self._draw((box.size() * ratio).toSize().expandedTo(QSize(1, 1))),)
            painter.drawPixmap(box, self._drawn[0], QRectF(self._drawn[0].rect()))
            spot = self._gutter + round(min(wide - 1.0, max(1.0, self._place * wide * self._share)))
            painter.fillRect(QRectF(spot - 1, 0, 2, self.height()), look.colour("ink"))
        self._name_pitches(painter)
        painter.end()

    def _name_pitches(self, painter: QPainter) -> None:
        painter.setFont(theme().font(0.82))
        painter.setPen(theme().colour("muted"))
        half = painter.fontMetrics().height() / 2
        octaves = np.log2(self._rate / 2 / LOWEST_HZ) if self._rate > 2 * LOWEST_HZ else 0.0
        for pitch, words in MARKS:
            if octaves and pitch < self._rate / 2:
                middle = self.height() * (1 - np.log2(pitch / LOWEST_HZ) / octaves)
                box = QRectF(0, min(self.height() - 2 * half, max(0.0, middle - half)), self._gutter - 8, 2 * half)
                painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)


def _colours() -> list[int]:
    """256 colours from the background over the accent to the ink."""
    ends = [theme().colour(name) for name in ("paper", "accent", "ink")]
    stops = np.array([(each.red(), each.green(), each.blue()) for each in ends], float)
    tones = [np.interp(np.linspace(0, 1, 256), (0.0, 0.68, 1.0), stops[:, part]) for part in range(3)]
    return [0xFF000000 | int(r) << 16 | int(g) << 8 | int(b) for r, g, b in zip(*tones, strict=True)]


def decibels(level: float) -> float:
    return 20 * math.log10(level) if level > 0 else -math.inf


class LevelMeter(QWidget):
    """A bar for each channel with a peak line that falls slowly; empty while all is silent."""

    def __init__(self, wide: int, foot: int) -> None:
        super().__init__()
        self.setObjectName("meter")
        self.setFixedWidth(wide)
        self.setAccessibleName(tr("Level"))
        self.setToolTip(tr("Level in dB below full scale"))
        self._foot = foot  # pixels left free at the bottom, beside the ruler
        self._levels: list[float] = []
        self._peaks: list[float] = []
        theme().changed.connect(self.update)

    @property
    def peaks(self) -> Sequence[float]:
        """The peaks that are shown, in dB."""
        return self._peaks

    def show_levels(self, levels: Sequence[tuple[float, float]]) -> None:
        """(root mean square, peak) of each channel, 1 being full scale."""
        if len(levels) != len(self._peaks):
            self._peaks = [LOWEST_DB] * len(levels)
        shown = [max(LOWEST_DB, decibels(loud)) for loud, _ in levels]
        peaks = [
            max(LOWEST_DB, decibels(peak), before - PEAK_FALL)
            for (_, peak), before in zip(levels, self._peaks, strict=True)
        ]  # fmt: skip
        if shown != self._levels or peaks != self._peaks:
            self._levels, self._peaks = shown, peaks
            loudest = max(peaks, default=LOWEST_DB)
            self.setAccessibleDescription(
                tr("{n} dB").format(n=round(loudest)) if loudest > LOWEST_DB else tr("Silent")
            )
            self.update()

    @property
    def silent(self) -> bool:
        return all(peak <= LOWEST_DB for peak in self._peaks)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.silent:
            return
        look = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        high = self.height() - self._foot
        for at, level in enumerate(self._levels):
            left = at * (LEVEL + LEVEL_GAP)
            painter.setBrush(look.colour("track"))
            painter.drawRoundedRect(QRectF(left, 0, LEVEL, high), 3, 3)
            tall = high * (1 - level / LOWEST_DB)
            painter.setBrush(look.colour("accent"))
            painter.drawRoundedRect(QRectF(left, high - tall, LEVEL, tall), min(3, tall / 2), min(3, tall / 2))
            peak = self._peaks[at]
            if peak > LOWEST_DB:
                spot = min(high - 2.0, high * peak / LOWEST_DB)
                painter.fillRect(QRectF(left, spot, LEVEL, 2), look.colour("danger" if peak >= CLIPPING else "ink"))
        painter.end()
