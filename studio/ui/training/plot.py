"""A line plot of values over time, in the colours of the theme."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.ui.widgets.layout import ScaledSize
from studio.ui.widgets.text import duration
from studio.ui.widgets.theme import SIZE, theme

LINES = 3  # grid lines


@dataclass
class PlotCurve:
    """Values over seconds; `tone` is a colour of the theme; a `dashed` curve is a secondary one."""

    label: str
    tone: str
    dashed: bool = False
    points: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])


class Plot(QWidget):
    """Curves under a title. `high` fixes the top of the scale; `shown` formats a value."""

    def __init__(
        self, name: str, title: str, high: float | None = None, shown: Callable[[float], str] = "{:.2g}".format
    ) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(200)
        self._title, self._high, self._shown = title, high, shown
        self.curves: list[PlotCurve] = []
        theme().changed.connect(self.update)
        ScaledSize(self, high=168)

    def show_curves(self, curves: Sequence[PlotCurve]) -> None:
        """Show curves, without empty ones; their last values are the tooltip and the text for screen readers."""
        self.curves = [curve for curve in curves if curve.points]
        ends = [f"{curve.label}: {self._shown(curve.points[-1][1])}" for curve in self.curves]
        self.setAccessibleDescription(", ".join(ends))
        self.setToolTip("\n".join(ends))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(280, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        small = theme().font(0.88)
        metrics = QFontMetricsF(small)
        line, top = metrics.height(), QFontMetricsF(theme().font(strong=True)).height()
        low, high = self._scale()
        marks = [low + (high - low) * i / (LINES - 1) for i in range(LINES)]
        edge = max(metrics.horizontalAdvance(self._shown(mark)) for mark in marks) + SIZE.small
        above = top + line + SIZE.medium
        box = QRectF(edge, above, self.width() - edge - 2, self.height() - above - line - SIZE.small)
        self._head(painter, top)
        painter.setFont(small)
        for mark in marks:
            y = box.bottom() - (mark - low) / (high - low) * box.height()
            painter.setPen(QPen(theme().colour("line"), 1))
            painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
            painter.setPen(theme().colour("muted"))
            place = QRectF(0, y - line / 2, edge - SIZE.small, line)
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self._shown(mark))
        last = max((curve.points[-1][0] for curve in self.curves), default=0.0)
        foot = QRectF(box.left(), box.bottom() + SIZE.hair, box.width(), line)
        painter.setPen(theme().colour("muted"))
        painter.drawText(foot, Qt.AlignmentFlag.AlignLeft, "0")
        if last > 0:
            painter.drawText(foot, Qt.AlignmentFlag.AlignRight, duration(last))
        for curve in self.curves:
            pen = QPen(theme().colour(curve.tone), 1.2 if curve.dashed else 1.8)
            pen.setStyle(Qt.PenStyle.DashLine if curve.dashed else Qt.PenStyle.SolidLine)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            painter.drawPolyline(_polyline(curve.points, box, last, low, high))
        painter.end()

    def _head(self, painter: QPainter, top: float) -> None:
        """The title, and below it the legend."""
        painter.setFont(theme().font(strong=True))
        painter.setPen(theme().colour("ink"))
        painter.drawText(QRectF(0, 0, self.width(), top), Qt.AlignmentFlag.AlignLeft, self._title)
        small = theme().font(0.88)
        metrics = QFontMetricsF(small)
        painter.setFont(small)
        line = metrics.height()
        x, middle = 0.0, top + SIZE.hair + line / 2
        for curve in self.curves:
            pen = QPen(theme().colour(curve.tone), 2)
            pen.setStyle(Qt.PenStyle.DashLine if curve.dashed else Qt.PenStyle.SolidLine)
            painter.setPen(pen)
            painter.drawLine(QPointF(x, middle), QPointF(x + SIZE.medium, middle))
            x += SIZE.medium + SIZE.hair
            words = f"{curve.label} {self._shown(curve.points[-1][1])}"
            painter.setPen(theme().colour("muted"))
            wide = metrics.horizontalAdvance(words)
            painter.drawText(QRectF(x, middle - line / 2, wide + 2, line), Qt.AlignmentFlag.AlignLeft, words)
            x += wide + SIZE.medium

    def _scale(self) -> tuple[float, float]:
        """From zero to a round number above all values but the largest hundredth."""
        if self._high is not None:
            return 0.0, self._high
        values = sorted(value for curve in self.curves for _, value in curve.points)
        top = values[min(len(values) - 1, math.ceil(len(values) * 0.99))] if values else 0.0
        if top <= 0:
            return 0.0, 1.0
        unit = 10.0 ** math.floor(math.log10(top))
        return 0.0, next(step * unit for step in (1, 2, 4, 6, 8, 10, 20) if step * unit >= top)


def _polyline(points: Sequence[tuple[float, float]], box: QRectF, last: float, low: float, high: float) -> QPolygonF:
    """The curve with at most two points per pixel of width, each the mean of its values."""
    together = max(1, math.ceil(len(points) / max(1.0, 2 * box.width())))
    made = QPolygonF()
    for start in range(0, len(points), together):
        some = points[start : start + together]
        x = sum(at for at, _ in some) / len(some) / max(last, 1e-9)
        y = (sum(value for _, value in some) / len(some) - low) / (high - low)
        made.append(QPointF(box.left() + x * box.width(), box.bottom() - min(1.05, max(0.0, y)) * box.height()))
    return made
