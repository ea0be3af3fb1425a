"""The waveform of a sound: bars, a ruler, a cursor, and a range to loop over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from studio.ui.stages.stage import is_drag
from studio.ui.widgets.text import clock, tr
from studio.ui.widgets.theme import theme

BAR, SPACE = 3, 2  # pixels of a bar of the waveform and of the gap after it
PEAKS = 8192  # more than a screen has bars
RULER = 22
GRAB_DISTANCE = 5
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600)  # seconds from one mark of the ruler to the next


def envelope(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The peaks of equal stretches of a sound `[channels, samples]`, at most PEAKS of them."""
    if not samples.size:
        return np.zeros(0, np.float32)
    count = samples.shape[1]
    edges = np.linspace(0, count, min(count, PEAKS) + 1).astype(np.int64)[:-1]
    loud = np.zeros(len(edges), np.float32)
    for channel in samples:
        np.maximum(loud, np.maximum.reduceat(channel, edges), out=loud)
        np.maximum(loud, -np.minimum.reduceat(channel, edges), out=loud)
    return loud


class Waveform(QWidget):
    """`seek_requested(position)`, 0 to 1 of the sound. `range_chosen((start, end))`, or None for all of it."""

    seek_requested = Signal(float)
    range_chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("waveform")
        self.setMinimumHeight(96)
        self.setAccessibleName(tr("Waveform"))
        self.setToolTip(tr("Click to move the cursor, drag to choose a range to loop"))
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.place = 0.0
        self.range: tuple[float, float] | None = None
        self._loud: NDArray[np.float32] = np.zeros(0, np.float32)
        self._share, self._seconds = 1.0, 0.0
        self._drawn: tuple[QPixmap, QPixmap] | None = None  # all of it as played, and as still to come
        self._press: QPoint | None = None
        self._fixed_end: float | None = None  # the end of the part that stays while the other is dragged
        theme().changed.connect(self._redraw)

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

    def resizeEvent(self, event: object) -> None:
        self._redraw()

    def _redraw(self) -> None:
        self._drawn = None
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
        if self._drawn is None:
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
