"""A box to tick beside words, drawn in the theme's colours; decides nothing."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QCheckBox

from studio.ui.widgets import icons
from studio.ui.widgets.theme import SIZE, theme

BOX = 18


class CheckBox(QCheckBox):
    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.setObjectName(name)
        self.setAccessibleName(text)
        theme().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(BOX + SIZE.small + theme().text_width(self.text()) + 4, theme().scaled(28))

    def hitButton(self, pos: QPoint) -> bool:
        return self.rect().contains(pos)

    def paintEvent(self, e: QPaintEvent) -> None:
        look = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(1.5, (self.height() - BOX) / 2, BOX, BOX)
        on = self.isChecked()
        edge = "accent" if on or self.hasFocus() else "outline"
        painter.setPen(QPen(look.colour(edge), 2 if self.hasFocus() else 1))
        painter.setBrush(look.colour("accent" if on else "field"))
        painter.drawRoundedRect(box, 4, 4)
        if on:
            icons.paint(painter, "tick", box.adjusted(1, 1, -1, -1), "on_accent")
        if self.hasFocus() and on:
            painter.setPen(QPen(look.colour("ink"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box, 4, 4)
        painter.setPen(look.colour("ink" if self.isEnabled() else "disabled"))
        words = QRectF(self.rect()).adjusted(BOX + SIZE.small + 2, 0, 0, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text())
        painter.end()
