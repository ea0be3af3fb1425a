"""A level meter: the loudness of each channel in dB below full scale."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import theme

LOWEST = -48.0  # dB at the bottom of the meter
BAR, GAP = 6, 3
PEAK_FALL = 0.7  # dB that a peak falls with each frame
CLIPPING = -0.1  # dB from which a peak is marked as clipping


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
            self._peaks = [LOWEST] * len(levels)
        shown = [max(LOWEST, decibels(loud)) for loud, _ in levels]
        peaks = [
            max(LOWEST, decibels(peak), before - PEAK_FALL)
            for (_, peak), before in zip(levels, self._peaks, strict=True)
        ]  # fmt: skip
        if shown != self._levels or peaks != self._peaks:
            self._levels, self._peaks = shown, peaks
            loudest = max(peaks, default=LOWEST)
            self.setAccessibleDescription(tr("{n} dB").format(n=round(loudest)) if loudest > LOWEST else tr("Silent"))
            self.update()

    @property
    def silent(self) -> bool:
        return all(peak <= LOWEST for peak in self._peaks)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.silent:
            return
        look = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        high = self.height() - self._foot
        for at, level in enumerate(self._levels):
            left = at * (BAR + GAP)
            painter.setBrush(look.colour("track"))
            painter.drawRoundedRect(QRectF(left, 0, BAR, high), 3, 3)
            tall = high * (1 - level / LOWEST)
            painter.setBrush(look.colour("accent"))
            painter.drawRoundedRect(QRectF(left, high - tall, BAR, tall), min(3, tall / 2), min(3, tall / 2))
            peak = self._peaks[at]
            if peak > LOWEST:
                spot = min(high - 2.0, high * peak / LOWEST)
                painter.fillRect(QRectF(left, spot, BAR, 2), look.colour("danger" if peak >= CLIPPING else "ink"))
        painter.end()
