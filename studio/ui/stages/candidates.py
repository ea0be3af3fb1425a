"""A grid of candidates that fill in as they are made; a click chooses one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from studio.ui.stages import pictures
from studio.ui.widgets import placeholder
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE, theme

GAP = 12
MARGIN = 24
PARTIAL_ROW_WEIGHT = 0.85
CELL = 320  # largest side of a cell


class CandidateGrid(QWidget):
    """`count` cells. `chosen(index)`: by a click, or by the arrow keys and Return."""

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("candidates")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._images: list[QImage] = []
        self._captions: list[str] = []
        self._shape = placeholder.SQUARE
        self._shown: dict[int, QPixmap] = {}
        self._done: set[int] = set()
        self._ended: dict[int, str] = {}
        self._cells: list[int] = []  # the candidates that have a cell, in their order
        self._current = 0
        self._hovered = -1
        theme().changed.connect(self.update)

    def expect(self, count: int, captions: Sequence[str] = (), shape: QSize = placeholder.SQUARE) -> None:
        """Start over with `count` empty cells, each with a caption below it if there are any; until its picture comes,
        a place of its proportions, `shape`, is kept.
        """
        self._shape = shape
        self._images = [QImage() for _ in range(count)]
        self._captions = list(captions)
        self._shown.clear()
        self._done.clear()
        self._ended.clear()
        self._cells = list(range(count))
        self._current, self._hovered = 0, -1
        self._update_accessible_text()

    def show_image(self, at: int, image: QImage, *, done: bool) -> None:
        if at < len(self._images):
            self._images[at] = image
            self._shown.pop(at, None)
            if done:
                self._done.add(at)
            self._update_accessible_text()

    def show_ended(self, at: int, words: str) -> None:
        """Say in a cell why it stays empty; a preview in it goes."""
        self._images[at] = QImage()
        self._ended[at] = words
        self._update_accessible_text()

    def leave_out(self, at: int) -> None:
        """Take away the cell of a candidate that there will not be."""
        if at in self._cells:
            self._cells.remove(at)
            self._shown.clear()
            self._hovered = -1
            if self._current == at:
                self._current = self._cells[0] if self._cells else 0
            self._update_accessible_text()

    def ended(self, at: int) -> str:
        """Why a cell stays empty, or nothing."""
        return self._ended.get(at, "")

    @property
    def count(self) -> int:
        """How many cells there are."""
        return len(self._cells)

    @property
    def done(self) -> int:
        return len(self._done)

    def cell(self, at: int) -> QRectF:
        """The rectangle of a candidate."""
        columns, rows = self._columns_and_rows()
        place = self._cells.index(at)
        side = self._side(columns, rows)
        each = side + self._caption_height()
        wide, high = columns * side + (columns - 1) * GAP, rows * each + (rows - 1) * GAP
        left, top = (self.width() - wide) / 2, (self.height() - high) / 2
        across, down = place % columns, place // columns
        return QRectF(round(left + across * (side + GAP)), round(top + down * (each + GAP)), side, side)

    def _caption_height(self) -> int:
        """Pixels that a caption takes below its picture; 0 without captions."""
        return self.fontMetrics().height() + 4 if self._captions else 0

    def _columns_and_rows(self) -> tuple[int, int]:
        """The columns and rows that make the cells largest; a last row that is not full counts against it."""
        count = max(1, self.count)
        shapes = [(columns, math.ceil(count / columns)) for columns in range(1, count + 1)]
        return max(
            shapes, key=lambda shape: self._side(*shape) * (1.0 if shape[0] * shape[1] == count else PARTIAL_ROW_WEIGHT)
        )

    def _side(self, columns: int, rows: int) -> int:
        wide = (self.width() - 2 * MARGIN - (columns - 1) * GAP) / columns
        high = (self.height() - 2 * MARGIN - (rows - 1) * GAP) / rows - self._caption_height()
        return max(16, min(CELL, int(min(wide, high))))

    def _update_accessible_text(self) -> None:
        """For screen readers: how many there are, and which one Return would choose."""
        self.setAccessibleName(tr("Candidates: {done} of {all} ready").format(done=self.done, all=self.count))
        here = tr("{n} of {all}").format(n=self._place + 1, all=self.count)
        said = (self.caption(self._current), here, self.ended(self._current))
        self.setAccessibleDescription(", ".join(part for part in said if part))
        self.update()

    @property
    def _place(self) -> int:
        """Which of the cells is the current one's."""
        return self._cells.index(self._current) if self._current in self._cells else 0

    def caption(self, at: int) -> str:
        """The caption of a candidate, or empty."""
        return self._captions[at] if at < len(self._captions) else ""

    def resizeEvent(self, event: object) -> None:
        self._shown.clear()

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), look.colour("stage"))
        for at in self._cells:
            image, cell = self._images[at], self.cell(at)
            if image.isNull():
                painter.setPen(QPen(look.colour("line"), 1))
                painter.setBrush(look.colour("window"))
                painter.drawRoundedRect(placeholder.fitted(self._shape, cell).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
                painter.setPen(look.colour("muted"))
                painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, self.ended(at))
            else:
                self._paint_picture(painter, at, image, cell)
            if self.caption(at):
                line = QRectF(cell.x() - GAP / 2, cell.bottom() + 4, cell.width() + GAP, self._caption_height())
                words = self.fontMetrics().elidedText(self.caption(at), Qt.TextElideMode.ElideRight, int(line.width()))
                painter.setPen(look.colour("muted"))
                painter.drawText(line, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, words)
            marked = at == self._hovered or (self.hasFocus() and at == self._current)
            if marked:
                painter.setPen(QPen(look.colour("accent"), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(cell.adjusted(-3, -3, 3, 3), 8, 8)
        painter.end()

    def _paint_picture(self, painter: QPainter, at: int, image: QImage, cell: QRectF) -> None:
        ratio = self.devicePixelRatioF()
        if at not in self._shown:
            scale = min(cell.width() / image.width(), cell.height() / image.height()) * ratio
            size = QSize(max(1, round(image.width() * scale)), max(1, round(image.height() * scale)))
            shown = QPixmap.fromImage(pictures.scaled(image, size))
            shown.setDevicePixelRatio(ratio)
            self._shown[at] = shown
        picture = self._shown[at]
        wide, high = picture.width() / ratio, picture.height() / ratio
        box = QRectF(
            round(cell.x() + (cell.width() - wide) / 2), round(cell.y() + (cell.height() - high) / 2), wide, high
        )
        path = QPainterPath()
        path.addRoundedRect(box, SIZE.radius, SIZE.radius)
        if image.hasAlphaChannel():
            painter.fillPath(path, theme().colour("mat"))
        painter.save()
        painter.setClipPath(path)
        painter.drawPixmap(box.topLeft(), picture)
        painter.restore()

    def _cell_at(self, event: QMouseEvent) -> int:
        spot = event.position()
        return next((at for at in self._cells if self.cell(at).contains(spot)), -1)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        over = self._cell_at(event)
        if over != self._hovered:
            self._hovered = over
            self.setCursor(Qt.CursorShape.PointingHandCursor if over >= 0 else Qt.CursorShape.ArrowCursor)
            self.update()

    def leaveEvent(self, event: object) -> None:
        self._hovered = -1
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        at = self._cell_at(event)
        if at >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self._current = at
            self.chosen.emit(at)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        columns, _ = self._columns_and_rows()
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -columns, Qt.Key.Key_Down: columns}
        if event.key() in steps and self._cells:
            place = self._place + steps[Qt.Key(event.key())]
            self._current = self._cells[min(self.count - 1, max(0, place))]
            self._update_accessible_text()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self._current)
        else:
            super().keyPressEvent(event)
