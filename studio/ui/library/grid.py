"""The grid of works: positions are computed from the row, so that scrolling costs the same for any number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QItemSelection,
    QModelIndex,
    QPoint,
    QPointF,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen, QPixmap, QRegion, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView

from studio.ui.library.delegate import WorkDelegate
from studio.ui.library.model import WorkListModel, runs
from studio.ui.preload import BuildSteps
from studio.ui.widgets.page import timer
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import theme

TILE = 152  # pixels that a tile is wide at least
LOOKS = 20  # times that a picture is waited for, before its tile is left to be drawn when it is seen


class WorkGrid(QListView):
    """Rows of the model from left to right, then down. `typed(text)`: a person types, which goes to the search."""

    typed = Signal(str)

    def __init__(self, works: WorkListModel) -> None:
        super().__init__()
        self.setObjectName("grid")
        self.setAccessibleName(tr("Items"))
        # All that says where things lie comes first: setting the model asks for it.
        self.works = works
        self.delegate = WorkDelegate(TILE, titled=True, parent=self)
        self._columns = 1
        self._band = QRect()
        self.setModel(works)
        self.setItemDelegate(self.delegate)
        self.setMouseTracking(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._rest = timer(self, self.viewport().update)
        works.changed.connect(self._on_works_changed)
        works.rowsInserted.connect(self._keep_place)
        theme().changed.connect(self._on_works_changed)

    def build_steps(self) -> BuildSteps:
        """Read and draw the first tiles, one at a time, before the grid is shown."""
        thumbnails, shown, ratio = self.works.thumbnails, self.visible_rows, self.devicePixelRatioF()
        canvas = QPixmap(QSize(self.delegate.side, self.delegate.height) * ratio)
        canvas.setDevicePixelRatio(ratio)
        self._load_visible()
        for row in shown:
            id = self.works.ids([(row, row)])[0]
            for _ in range(LOOKS):
                if thumbnails.is_loaded(id) and self.works.loaded(row):
                    break
                # Done when what was asked before has been read for a while, which on a busy machine is one picture.
                if (yield thumbnails.submit(lambda: None)):
                    return
            asset = self.works.loaded(row)
            if asset is not None and thumbnails.is_loaded(id):
                painter = QPainter(canvas)
                self.delegate.begin()
                self.delegate.draw(painter, QPointF(0, 0), self.works, asset)
                painter.end()
                if (yield):
                    return

    @property
    def columns(self) -> int:
        return self._columns

    def _rect(self, row: int) -> QRect:
        """The rectangle of a row in the viewport."""
        line, column = divmod(row, self._columns)
        high = self.delegate.height
        return QRect(column * self.delegate.side, line * high - self.verticalOffset(), self.delegate.side, high)

    def _rows(self, rect: QRect) -> list[int]:
        """The rows that touch the rectangle of the viewport."""
        high, side, all_ = self.delegate.height, self.delegate.side, self.works.rowCount()
        top, bottom = (y + self.verticalOffset() for y in (rect.top(), rect.bottom()))
        first, last = max(0, top // high), max(0, bottom // high)
        left, right = max(0, rect.left() // side), min(self._columns - 1, rect.right() // side)
        lines = range(first, min(last, all_ // self._columns) + 1)
        return [row for line in lines for row in range(line * self._columns + left, line * self._columns + right + 1)
                if row < all_]  # fmt: skip

    def visualRect(self, index: Any) -> QRect:
        return self._rect(index.row()) if index.isValid() else QRect()

    def indexAt(self, p: QPoint) -> QModelIndex:
        found = self._rows(QRect(p, p))
        return self.works.index(found[0]) if found else QModelIndex()

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        """What to repaint when this selection changes: only what is visible of it."""
        region = QRegion()
        for row in self._rows(self.viewport().rect()):
            if selection.contains(self.works.index(row)):
                region += self._rect(row)
        return region

    def verticalOffset(self) -> int:
        return self.verticalScrollBar().value()

    def horizontalOffset(self) -> int:
        return 0

    def scrollTo(self, index: Any, hint: Any = QAbstractItemView.ScrollHint.EnsureVisible) -> None:
        if not index.isValid():
            return
        rect, bar, high = self._rect(index.row()), self.verticalScrollBar(), self.viewport().height()
        if hint == QAbstractItemView.ScrollHint.PositionAtCenter:
            bar.setValue(bar.value() + rect.center().y() - high // 2)
        elif rect.top() < 0 or hint == QAbstractItemView.ScrollHint.PositionAtTop:
            bar.setValue(bar.value() + rect.top())
        elif rect.bottom() > high or hint == QAbstractItemView.ScrollHint.PositionAtBottom:
            bar.setValue(bar.value() + rect.bottom() - high + 1)

    def doItemsLayout(self) -> None:
        """Leave out what a list does here: it would measure every row."""
        QAbstractItemView.doItemsLayout(self)

    def updateGeometries(self) -> None:
        lines = -(-self.works.rowCount() // self._columns)
        bar = self.verticalScrollBar()
        bar.setRange(0, max(0, lines * self.delegate.height - self.viewport().height()))
        bar.setEnabled(bar.maximum() > 0)  # and is not seen otherwise
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(max(1, self.delegate.height // 3))

    def resizeEvent(self, e: QResizeEvent) -> None:
        """Divide the width into columns; the row at the top stays at the top."""
        top = self.verticalOffset() // self.delegate.height * self._columns
        within = self.verticalOffset() % self.delegate.height
        wide = max(TILE, self.viewport().width() - 2)
        self._columns = max(1, wide // TILE)
        self.delegate.resize(wide // self._columns)
        self.updateGeometries()
        self.verticalScrollBar().setValue(top // self._columns * self.delegate.height + within)
        self.viewport().update()

    def _on_works_changed(self) -> None:
        self.updateGeometries()
        self.viewport().update()

    def _keep_place(self, _: QModelIndex, first: int, last: int) -> None:
        """Keep the scroll position when whole lines of new works come above it."""
        offset, high = self.verticalOffset(), self.delegate.height
        self.updateGeometries()
        if offset >= high and first < offset // high * self._columns:
            self.verticalScrollBar().setValue(offset + (last - first + 1) // self._columns * high)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        self.viewport().scroll(0, dy)

    def paintEvent(self, e: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        selection, current = self.selectionModel(), self.currentIndex().row() if self.hasFocus() else -1
        over = self.indexAt(self.viewport().mapFromGlobal(self.cursor().pos())).row() if self.underMouse() else -1
        self._load_visible()
        self.delegate.begin()
        for row in self._rows(e.rect()):
            asset, corner = self.works.loaded(row), QPointF(self._rect(row).topLeft())
            if asset is None:
                self.delegate.draw_blank(painter, corner)
            else:
                self.delegate.draw(
                    painter,
                    corner,
                    self.works,
                    asset,
                    selected=selection.isSelected(self.works.index(row)),
                    focused=row == current,
                    hovered=row == over,
                )
        if self.state() == QAbstractItemView.State.DragSelectingState and not self._band.isEmpty():
            accent = theme().colour("accent")
            painter.setPen(QPen(accent, 1))
            painter.setBrush(QColor(accent.red(), accent.green(), accent.blue(), 40))
            painter.drawRect(self._band.adjusted(0, 0, -1, -1))
        painter.end()
        if self.delegate.unfinished:
            self._rest.start()

    @property
    def visible_rows(self) -> range:
        """The rows that can be seen, in whole or in part."""
        rows = self._rows(self.viewport().rect())
        return range(rows[0], rows[-1] + 1) if rows else range(0)

    def _load_visible(self) -> None:
        """Ask for the works and pictures that are visible, then for the pictures of the screen below."""
        shown = self.visible_rows
        if shown:
            self.works.load(shown[0], shown[-1])
            thumbnails, ratio = self.works.thumbnails, self.devicePixelRatioF()
            ids = self.works.ids([(shown[0], shown[-1] + len(shown))])
            thumbnails.prioritise(id for id in ids if not self.delegate.has_tile(thumbnails, id, ratio))

    def setSelection(self, rect: QRect, command: Any) -> None:
        """Select what touches a band that is dragged; else all in reading order between the rectangle's two corners,
        which lie in the tiles where a selection with Shift began and ends, or both in the tile that was clicked.
        """
        shape = rect.normalized()
        rows = self._rows(shape)
        if self.state() == QAbstractItemView.State.DragSelectingState:
            self.viewport().update(self._band.united(shape).adjusted(-1, -1, 1, 1))
            self._band = shape
        else:
            # Not of the normalised one: the corners are where it began and where it ends.
            ends = [self.indexAt(corner).row() for corner in (rect.topLeft(), rect.bottomRight())]
            if min(ends) >= 0:
                rows = range(min(ends), max(ends) + 1)
        self.selectionModel().select(self._selection(rows), command)

    def _selection(self, rows: Sequence[int]) -> QItemSelection:
        chosen = QItemSelection()
        for first, last in runs(rows):
            chosen.select(self.works.index(first), self.works.index(last))
        return chosen

    def ranges(self) -> list[tuple[int, int]]:
        """The selected rows as (first, last), from the top."""
        return sorted((each.top(), each.bottom()) for each in self.selectionModel().selection().toList())

    def mouseReleaseEvent(self, e: Any) -> None:
        super().mouseReleaseEvent(e)
        if not self._band.isEmpty():
            self._band = QRect()
            self.viewport().update()

    def moveCursor(self, cursorAction: Any, modifiers: Any) -> QModelIndex:
        rows = self.works.rowCount()
        if not rows:
            return QModelIndex()
        at = self.currentIndex().row()
        if at < 0:
            return self.works.index(0)
        move = QAbstractItemView.CursorAction
        page = max(1, self.viewport().height() // self.delegate.height) * self._columns
        steps = {
            move.MoveLeft: -1, move.MovePrevious: -1, move.MoveRight: 1, move.MoveNext: 1,
            move.MoveUp: -self._columns, move.MoveDown: self._columns, move.MovePageUp: -page, move.MovePageDown: page,
            move.MoveHome: -rows, move.MoveEnd: rows,
        }  # fmt: skip
        step = steps.get(cursorAction, 0)
        to = at + step
        if abs(step) == self._columns > 1 and not 0 <= to < rows:
            last_line = (rows - 1) // self._columns
            to = rows - 1 if step > 0 and at // self._columns < last_line else at
        return self.works.index(min(rows - 1, max(0, to)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        text, held = event.text(), event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier
        if text.strip() and text.isprintable() and held == Qt.KeyboardModifier.NoModifier:
            self.typed.emit(text)
        else:
            super().keyPressEvent(event)

    def keyboardSearch(self, search: str) -> None:
        """Typed letters go to the search, since not all rows have been read."""
