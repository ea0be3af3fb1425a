"""The library as Qt sees it: a list that pages through a query, thumbnails fetched aside, and how a work is drawn."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetricsF, QImage, QPainter, QPainterPath, QPen, QPixmap, QTextLayout
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from studio.errors import StudioError
from studio.library import Asset, Library, Query
from studio.ui import icons
from studio.ui.stages.stage import mime_of
from studio.ui.theme import theme
from studio.ui.words import clock, gist, tr

PAGE = 100
KEPT = 800  # thumbnails in memory, a quarter of a megabyte each at most
THUMBNAIL = 256
EXCERPT = 600  # bytes of a text that a tile shows
ASSET = Qt.ItemDataRole.UserRole

Index = QModelIndex | QPersistentModelIndex


class Thumbnails(QObject):
    """Small pictures of works, read by a thread of its own; the one asked for last is read first."""

    ready = Signal(str)
    _arrived = Signal(str, QImage, str)

    def __init__(self, library: Library, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._kept: OrderedDict[str, QPixmap | None] = OrderedDict()
        self._words: dict[str, str] = {}
        self._wanted: list[str] = []
        self._asked: set[str] = set()
        self._lock = threading.Lock()
        self._closing = False
        self._pool = ThreadPoolExecutor(1, "thumbnails")
        self._arrived.connect(self._keep)

    def get(self, asset: Asset) -> QPixmap | None:
        """The thumbnail, or None while it is being read and for works that have none."""
        if asset.id in self._kept:
            self._kept.move_to_end(asset.id)
            return self._kept[asset.id]
        if not self._closing and asset.id not in self._asked:
            self._asked.add(asset.id)
            with self._lock:
                self._wanted.append(asset.id)
            self._pool.submit(self._read)
        return None

    @property
    def closing(self) -> bool:
        """Whether the window has closed, and the library may be closed any moment."""
        return self._closing

    def close(self) -> None:
        self._closing = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _read(self) -> None:
        with self._lock:
            id = self._wanted.pop()
        try:
            path = self._library.thumbnail(id, THUMBNAIL)
        except StudioError:
            path = None
        image = QImage() if path is None else QImage(str(path))
        words = self._beginning(id) if image.isNull() else ""
        if not self._closing:
            self._arrived.emit(id, image, words)

    def _beginning(self, id: str) -> str:
        """The first words of a text, which stand for a picture of it."""
        try:
            path = self._library.get(id).path
            if path.suffix != ".md":
                return ""
            with path.open("rb") as file:
                text = file.read(EXCERPT).decode("utf-8", "ignore")
        except (StudioError, OSError):
            return ""
        return text.split("<!--")[0].strip()

    def words(self, id: str) -> str:
        """How a text begins, once it has been read."""
        return self._words.get(id, "")

    def _keep(self, id: str, image: QImage, words: str) -> None:
        self._asked.discard(id)
        if words:
            self._words[id] = words
        self._kept[id] = None if image.isNull() else QPixmap.fromImage(image)
        while len(self._kept) > KEPT:
            gone, _ = self._kept.popitem(last=False)
            self._words.pop(gone, None)
        self.ready.emit(id)


class Works(QAbstractListModel):
    """The works that a query finds, newest first, read a page at a time."""

    def __init__(self, library: Library, thumbnails: Thumbnails, query: Query, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self.thumbnails = thumbnails
        self.query = query
        self._pages: dict[int, list[Asset]] = {}
        self._count = library.count(query)
        thumbnails.ready.connect(self._drawn)

    def ask(self, query: Query) -> None:
        """Show another query's works."""
        if query != self.query:
            self.query = query
            self.refresh()

    def refresh(self) -> None:
        if self.thumbnails.closing:
            return
        self.beginResetModel()
        self._pages.clear()
        self._count = self._library.count(self.query)
        self.endResetModel()

    def at(self, row: int) -> Asset | None:
        page, place = divmod(row, PAGE)
        if not 0 <= row < self._count:
            return None
        if page not in self._pages:
            if self.thumbnails.closing:
                return None  # a closing window may still be painted once
            self._pages[page] = self._library.page(self.query, page * PAGE, PAGE)
        works = self._pages[page]
        return works[place] if place < len(works) else None

    def find(self, id: str) -> int:
        """The row of a work among the pages read so far; -1 where it is not among them."""
        if not self._pages:
            self.at(0)
        for page, works in self._pages.items():
            for place, asset in enumerate(works):
                if asset.id == id:
                    return page * PAGE + place
        return -1

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else self._count

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        asset = self.at(index.row())
        if asset is None:
            return None
        if role == ASSET:
            return asset
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return title_of(asset)
        if role == Qt.ItemDataRole.ToolTipRole:
            return gist(asset.request) or asset.title
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsDragEnabled

    def mimeTypes(self) -> list[str]:
        return ["text/uri-list"]

    def mimeData(self, indexes: Sequence[Any]) -> QMimeData:
        return mime_of([asset for index in indexes if (asset := self.at(index.row())) is not None])

    def _drawn(self, id: str) -> None:
        row = self.find(id)
        if row >= 0:
            self.dataChanged.emit(self.index(row), self.index(row))


def title_of(asset: Asset) -> str:
    return asset.title.lstrip("# ") or gist(asset.request) or asset.path.name


def parted(text: str) -> tuple[str, str]:
    """The heading of a text, without its marks, and the rest without empty lines."""
    heading, _, rest = text.partition("\n") if text.startswith("#") else ("", "", text)
    return heading.lstrip("# ").strip(), "\n".join(line for line in rest.splitlines() if line.strip())


class Tile(QStyledItemDelegate):
    """Draws a work in `side` pixels square, with its title below where `titled`."""

    def __init__(self, side: int, *, titled: bool, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.side = side
        self.titled = titled

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(self.side, self.side + (26 if self.titled else 0))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        asset = index.data(ASSET)
        if asset is None:
            return
        look = theme()
        rect = QRectF(option.rect)  # type: ignore[attr-defined]
        state = option.state  # type: ignore[attr-defined]
        selected = bool(state & QStyle.StateFlag.State_Selected)
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        focused = bool(state & QStyle.StateFlag.State_HasFocus)
        cell = QRectF(rect.x() + 4, rect.y() + 4, self.side - 8, self.side - 8)
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        path = QPainterPath()
        path.addRoundedRect(cell, 6, 6)
        painter.fillPath(path, look.colour("paper" if asset.medium in ("story", "music") else "mat"))
        painter.setClipPath(path)
        self._paint_work(painter, asset, cell, index)
        painter.setClipping(False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if selected or focused:
            painter.setPen(QPen(look.colour("accent"), 2.5 if selected else 1.5))
            painter.drawRoundedRect(cell.adjusted(-2, -2, 2, 2), 8, 8)
        else:
            painter.setPen(QPen(look.colour("outline" if hovered else "line"), 1))
            painter.drawRoundedRect(cell.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        self._paint_marks(painter, asset, cell)
        if self.titled:
            font = look.font(0.92)
            painter.setFont(font)
            painter.setPen(look.colour("ink" if selected else "muted"))
            line = QRectF(cell.x() + 2, cell.bottom() + 4, cell.width() - 4, 22)
            text = QFontMetricsF(font).elidedText(self._title(asset, index), Qt.TextElideMode.ElideRight, line.width())
            painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        painter.restore()

    def _title(self, asset: Asset, index: Index) -> str:
        """The title; a text that was given none is called by its heading."""
        model = index.model()
        written = model.thumbnails.words(asset.id) if isinstance(model, Works) and not asset.title else ""
        return (parted(written)[0] if written else "") or title_of(asset)

    def _paint_work(self, painter: QPainter, asset: Asset, cell: QRectF, index: Index) -> None:
        theme()
        model = index.model()
        picture = model.thumbnails.get(asset) if isinstance(model, Works) else None
        if asset.path.suffix == ".md" and isinstance(model, Works):
            self._paint_text(painter, model.thumbnails.words(asset.id) or title_of(asset), cell)
        elif picture is not None:
            fill = asset.medium in ("avatar", "poster")
            wide, high = picture.width(), picture.height()
            fits = min(cell.width() / wide, cell.height() / high)
            scale = max(cell.width() / wide, cell.height() / high) if fill else fits
            if fill and not 0.6 < wide / high < 1.7:
                scale = fits
            box = QRectF(0, 0, wide * scale, high * scale)
            box.moveCenter(cell.center())
            painter.drawPixmap(box, picture, QRectF(picture.rect()))
        if asset.seconds is not None:
            self._paint_badge(painter, cell, clock(asset.seconds))

    def _paint_text(self, painter: QPainter, text: str, cell: QRectF) -> None:
        """A small page: the heading, then as many whole lines of the text as there is room for."""
        look = theme()
        big = self.side > 120
        inset = 16 if big else 9
        page = cell.adjusted(inset, inset, -inset, -inset)
        heading, rest = parted(text)
        top = page.top()
        for words, scale, strong, tone in (
            (heading, 1.1 if big else 0.74, True, "ink"),
            (rest, 0.84 if big else 0.58, False, "muted"),
        ):
            font = look.font(scale, strong=strong, reading=True)
            metrics = QFontMetricsF(font)
            step = metrics.xHeight() * 3.0
            painter.setFont(font)
            painter.setPen(look.colour(tone))
            layout = QTextLayout(words.replace("\n", "\u2028"), font)
            layout.beginLayout()
            while (line := layout.createLine()).isValid() and top + step <= page.bottom() + 1:
                line.setLineWidth(page.width())
                line.setPosition(QPointF(page.left(), top))
                top += step
                line.draw(painter, QPointF(0, 0))
            layout.endLayout()
            top += step * 0.35 if words else 0

    def _paint_badge(self, painter: QPainter, cell: QRectF, text: str) -> None:
        look = theme()
        font = look.font(0.8)
        wide = QFontMetricsF(font).horizontalAdvance(text) + 12
        box = QRectF(cell.right() - wide - 5, cell.bottom() - 23, wide, 18)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.colour("surface"))
        painter.drawRoundedRect(box, 5, 5)
        painter.setPen(look.colour("ink"))
        painter.setFont(font)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_marks(self, painter: QPainter, asset: Asset, cell: QRectF) -> None:
        look = theme()
        if asset.favourite:
            spot = QRectF(cell.right() - 25, cell.top() + 5, 20, 20)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.colour("surface"))
            painter.drawEllipse(spot)
            icons.paint(painter, "star-full", spot.adjusted(4, 4, -4, -4), "accent")
        if asset.partial:
            font = look.font(0.78)
            text = tr("Unfinished")
            wide = min(cell.width() - 10, QFontMetricsF(font).horizontalAdvance(text) + 12)
            box = QRectF(cell.left() + 5, cell.top() + 5, wide, 18)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.colour("surface"))
            painter.drawRoundedRect(box, 5, 5)
            painter.setPen(look.colour("ink"))
            painter.setFont(font)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
