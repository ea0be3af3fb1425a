"""A switch: on or off, its knob sliding over where things may move; it knows no settings."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QVariantAnimation
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QCheckBox

from studio.ui.widgets.theme import theme


class Switch(QCheckBox):
    def __init__(self) -> None:
        super().__init__()
        self._place = 0.0  # of the knob: 0 is off, 1 is on
        self._slide = QVariantAnimation(self)
        self._slide.valueChanged.connect(self._moved)
        self.toggled.connect(self._turn)

    def sizeHint(self) -> QSize:
        return QSize(38, 24)

    def hitButton(self, pos: object) -> bool:
        return True

    def _turn(self, on: bool) -> None:
        self._slide.stop()
        wait = theme().motion if self.isVisible() else 0
        if not wait:
            self._moved(float(on))
            return
        self._slide.setStartValue(self._place)
        self._slide.setEndValue(float(on))
        self._slide.setDuration(wait)
        self._slide.start()

    def _moved(self, place: float) -> None:
        self._place = place
        self.update()

    def paintEvent(self, e: QPaintEvent) -> None:
        look = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(1, (self.height() - 20) / 2, 36, 20)
        on = self.isChecked()
        ground = look.colour("accent" if on else "field") if self.isEnabled() else look.colour("hover")
        edge = look.colour("accent" if on else "outline") if self.isEnabled() else look.colour("line")
        painter.setPen(QPen(edge, 1))
        painter.setBrush(ground)
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 10, 10)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.colour("on_accent" if on else "muted") if self.isEnabled() else look.colour("disabled"))
        painter.drawEllipse(QPointF(box.left() + 10 + self._place * (box.width() - 20), box.center().y()), 6, 6)
        if self.hasFocus():
            painter.setPen(QPen(look.colour("ink" if on else "accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 9, 9)
        painter.end()
