"""A colour to press: shows it, and asks for another where it is one that can be changed; decides nothing."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QColorDialog, QToolButton

from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import theme

SIDE = 30


class ColourButton(QToolButton):
    """`chosen` has the colour as "#rrggbb": of a fixed one when it is pressed, of another when a new one is picked."""

    chosen = Signal(str)

    def __init__(self, name: str, words: str, colour: str, *, fixed: bool = False) -> None:
        super().__init__()
        self.setObjectName(name)
        self._words = words
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.show_colour(colour)
        self.clicked.connect(lambda: self.chosen.emit(self.colour) if fixed else self._ask())

    def sizeHint(self) -> QSize:
        return QSize(SIDE, SIDE)

    def show_colour(self, colour: str) -> None:
        self.colour = colour
        words = tr("{words}: {colour}").format(words=self._words, colour=colour)
        self.setAccessibleName(words)
        self.setToolTip(words)
        self.update()

    def _ask(self) -> None:
        dialog = QColorDialog(QColor(self.colour), self.window())
        dialog.setObjectName("pickColour")
        dialog.setWindowTitle(self._words)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.colorSelected.connect(self._picked)
        dialog.open()

    def _picked(self, colour: QColor) -> None:
        self.show_colour(colour.name())
        self.chosen.emit(colour.name())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(3, 3, -3, -3)
        ringed = self.hasFocus() or self.underMouse()
        painter.setPen(QPen(theme().colour("accent" if self.hasFocus() else "outline"), 2 if ringed else 1))
        painter.setBrush(QColor(self.colour))
        painter.drawRoundedRect(box, 6, 6)
        painter.end()
