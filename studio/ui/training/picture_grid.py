"""A grid of small square pictures, as large as fit."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.ui.widgets.theme import SIZE, theme

GAP, LARGEST, ROUND = SIZE.hair, 128, SIZE.hair


class PictureGrid(QWidget):
    """Squares of one size; with `partly`, those that do not fit are left out."""

    def __init__(self, name: str, *, partly: bool = False) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 120)
        self._partly = partly
        self._pictures: list[QImage] = []
        self._scaled: list[QPixmap] = []
        theme().changed.connect(self.update)

    @property
    def count(self) -> int:
        return len(self._pictures)

    def show_pictures(self, pictures: Sequence[QImage]) -> None:
        self._pictures = list(pictures)
        self._scaled.clear()
        self.update()

    def show_sheet(self, sheet: QImage, across: int) -> None:
        """The pictures of a sheet, `across` in a row."""
        side = max(1, sheet.width() // across)
        places = [(x, y) for y in range(0, sheet.height() - side + 1, side) for x in range(0, side * across, side)]
        self.show_pictures([sheet.copy(x, y, side, side) for x, y in places])

    def layout_(self) -> tuple[int, int, int]:
        """(side, columns, shown): the largest squares that let all pictures fit, or at a fixed side as many as fit."""
        wide, high, count = self.width(), self.height(), max(1, self.count)
        if self._partly:
            columns = max(1, (wide + GAP) // (LARGEST // 2 + GAP))
            side = (wide + GAP) // columns - GAP
            return side, columns, min(count, columns * max(1, (high + GAP) // (side + GAP)))
        best = (1, 1)
        for columns in range(1, count + 1):
            rows = -(-count // columns)
            side = min((wide + GAP) // columns, (high + GAP) // rows) - GAP
            if side > best[0]:
                best = (side, columns)
        return min(best[0], LARGEST), best[1], count

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._scaled.clear()

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._pictures:
            return
        side, columns, shown = self.layout_()
        ratio = self.devicePixelRatioF()
        if not self._scaled:
            self._scaled = [_at(each, round(side * ratio), ratio) for each in self._pictures[:shown]]
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rows = -(-shown // columns)
        left = 0 if self._partly else (self.width() - columns * (side + GAP) + GAP) // 2
        top = 0 if self._partly else (self.height() - rows * (side + GAP) + GAP) // 2
        for at, picture in enumerate(self._scaled):
            x, y = left + at % columns * (side + GAP), top + at // columns * (side + GAP)
            path = QPainterPath()
            path.addRoundedRect(QRectF(x, y, side, side), ROUND, ROUND)
            painter.setClipPath(path)
            painter.fillPath(path, theme().colour("mat"))
            painter.drawPixmap(x, y, picture)
        painter.end()

    def sizeHint(self) -> QSize:
        return QSize(480, 240)


def _at(image: QImage, side: int, ratio: float) -> QPixmap:
    size = QSize(max(1, side), max(1, side))
    ways = Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    picture = QPixmap.fromImage(image.scaled(size, *ways))
    picture.setDevicePixelRatio(ratio)
    return picture
