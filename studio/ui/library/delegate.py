"""Paints a work as a tile: picture, text excerpt or waveform, with title and badges."""

from __future__ import annotations

import time
from collections.abc import Hashable

from PySide6.QtCore import QObject, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from studio.library.library import Asset
from studio.media import codecs
from studio.ui.library import send_to
from studio.ui.library.model import ASSET, Index, WorkListModel, title_of
from studio.ui.library.thumbnails import Thumbnail, ThumbnailLoader
from studio.ui.widgets import icons, placeholder
from studio.ui.widgets.text import clock, tr
from studio.ui.widgets.text_card import paint_text, split_heading
from studio.ui.widgets.theme import SIZE, theme

BUDGET = 0.006  # seconds of a frame for tiles that were not drawn before; what is over stays blank for that frame
EDGE = 4  # pixels around the picture, where the mark of what is selected lies
RADIUS = SIZE.radius


class WorkDelegate(QStyledItemDelegate):
    """Draws a work in `side` pixels square, with its title below where `titled`; `height` is that of it all.

    What was drawn is kept among the faces of all views, so that scrolling only puts it where it belongs. A view that
    calls `begin` before it paints gets at most a frame's worth of new drawing; `unfinished` then says that some tiles
    are blank for want of time.
    """

    def __init__(self, side: int, *, titled: bool, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.titled = titled
        self.unfinished = False
        self._until: float | None = None
        self._look: Hashable = ()
        self._fonts: dict[tuple[float, bool, bool], QFont] = {}
        self._blanks: dict[tuple[float, int, int], QPixmap] = {}
        self.side = side
        self.reset()
        theme().changed.connect(self.reset)

    def resize(self, side: int) -> None:
        """Set the size of the tiles."""
        self.side = side
        self.height = side + (round(QFontMetricsF(self._font(0.92)).height()) + 12 if self.titled else 0)
        self._blanks.clear()

    def reset(self) -> None:
        """Draw everything again: the theme has changed."""
        self._fonts.clear()
        self._look = (theme().scheme, self._font(1.0).toString())
        self.resize(self.side)

    def begin(self) -> None:
        """Start a frame: its time for new tiles begins."""
        self.unfinished = False
        self._until = time.perf_counter() + BUDGET

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(self.side, self.height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        asset = index.data(ASSET)
        if asset is None or not isinstance(model, WorkListModel):
            return
        state = option.state  # type: ignore[attr-defined]
        selected = bool(state & QStyle.StateFlag.State_Selected)
        self.draw(
            painter,
            QPointF(option.rect.topLeft()),  # type: ignore[attr-defined]
            model,
            asset,
            selected=selected,
            focused=bool(state & QStyle.StateFlag.State_HasFocus),
            hovered=bool(state & QStyle.StateFlag.State_MouseOver),
        )

    def draw(
        self,
        painter: QPainter,
        corner: QPointF,
        works: WorkListModel,
        asset: Asset,
        *,
        selected: bool = False,
        focused: bool = False,
        hovered: bool = False,
    ) -> None:
        """Draw the work with its top left corner at a point."""
        ratio = painter.device().devicePixelRatioF()
        face = self._tile(works.thumbnails, asset, selected, ratio)
        if face is None:
            self.draw_blank(painter, corner, _shape(asset))
        else:
            painter.drawPixmap(corner, face)
        if not (selected or focused or hovered):
            return
        look = theme()
        cell = _cell(corner, self.side)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if selected or focused:
            painter.setPen(QPen(look.colour("accent"), 2.5 if selected else 1.5))
            painter.drawRoundedRect(cell.adjusted(-2, -2, 2, 2), RADIUS + 2, RADIUS + 2)
        else:
            _paint_edge(painter, cell, "outline")
        painter.restore()

    def draw_blank(self, painter: QPainter, corner: QPointF, shape: QSize = placeholder.SQUARE) -> None:
        """Draw the placeholder of a work that is being read, in the proportions of its picture."""
        ratio = painter.device().devicePixelRatioF()
        cell = _cell(QPointF(0, 0), self.side)
        box = _place(shape, cell).intersected(cell)
        key = (ratio, round(box.width()), round(box.height()))
        blank = self._blanks.get(key)
        if blank is None:
            blank = self._blanks[key] = self._ground(ratio)
            within = QPainter(blank)
            within.setRenderHint(QPainter.RenderHint.Antialiasing)
            placeholder.block(within, box)
            within.end()
        painter.drawPixmap(corner, blank)

    def has_tile(self, thumbnails: ThumbnailLoader, id: str, ratio: float) -> bool:
        """Whether the tile of a work is kept, so that its picture is not needed."""
        return self._key(id, False, ratio) in thumbnails.tiles or self._key(id, True, ratio) in thumbnails.tiles

    def _key(self, id: str, selected: bool, ratio: float) -> Hashable:
        return (id, selected, self.side, self.titled, ratio, self._look)

    def _ground(self, ratio: float) -> QPixmap:
        made = QPixmap(round(self.side * ratio), round(self.height * ratio))
        made.setDevicePixelRatio(ratio)
        made.fill(theme().colour("stage"))  # opaque: the ground of every view of works, and quick to copy
        return made

    def _tile(self, thumbnails: ThumbnailLoader, asset: Asset, selected: bool, ratio: float) -> QPixmap | None:
        """The tile without marks of the pointer, drawn once and kept; None where its picture has not been read, or this
        frame has no time left for it. How it looked before stands in until then.
        """
        key = self._key(asset.id, selected, ratio)
        shown = (asset.favourite, asset.partial, asset.title)
        kept = thumbnails.tiles.get(key)
        if kept is not None and kept[0] == shown:
            return kept[1]
        before = kept or thumbnails.tiles.get(self._key(asset.id, not selected, ratio))
        seen = thumbnails.loaded(asset.id)
        late = self._until is not None and time.perf_counter() > self._until
        if seen is None:
            thumbnails.get(asset)
        elif late:
            self.unfinished = True
        else:
            face = self._ground(ratio)
            painter = QPainter(face)
            self._paint_tile(painter, asset, seen, "ink" if selected else "muted")
            painter.end()
            thumbnails.tiles.put(key, (shown, face), face.width() * face.height() * 4)
            return face
        return None if before is None else before[1]

    def _paint_tile(self, painter: QPainter, asset: Asset, seen: Thumbnail, tone: str) -> None:
        picture, words = seen.picture, seen.words
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        cell = _cell(QPointF(0, 0), self.side)
        path = QPainterPath()
        path.addRoundedRect(cell, RADIUS, RADIUS)
        written = asset.path.suffix in codecs.TEXT_SUFFIXES
        drawn = picture is not None and picture.hasAlpha() and not asset.is_audio
        painter.fillPath(path, theme().colour("mat" if drawn else "paper"))
        painter.setClipPath(path)
        if written:
            self._paint_text(painter, words or title_of(asset), cell)
        elif picture is None:
            placeholder.missing(painter, cell, send_to.home_medium(asset))
        else:
            if asset.is_audio:
                picture = tint_waveform(picture)
            _paint_picture(painter, picture, cell, fill=not asset.is_audio)
        painter.setClipping(False)
        _paint_edge(painter, cell, "line")
        if asset.seconds is not None:
            _paint_badge(painter, clock(asset.seconds), cell, right=True, sign="play" if asset.is_clip else "")
        if asset.partial:
            _paint_badge(painter, tr("Unfinished"), cell, right=False)
        if asset.favourite:
            _paint_star(painter, cell)
        if self.titled:
            self._paint_title(painter, _title(asset, words), cell, tone)

    def _font(self, scale: float, *, strong: bool = False, reading: bool = False) -> QFont:
        key = (scale, strong, reading)
        if key not in self._fonts:
            self._fonts[key] = theme().font(scale, strong=strong, reading=reading)
        return self._fonts[key]

    def _paint_title(self, painter: QPainter, title: str, cell: QRectF, tone: str) -> None:
        font = self._font(0.92)
        painter.setFont(font)
        painter.setPen(theme().colour(tone))
        metrics = QFontMetricsF(font)
        line = QRectF(cell.x() + 2, cell.bottom() + 5, cell.width() - 4, metrics.height() + 4)
        text = metrics.elidedText(title, Qt.TextElideMode.ElideRight, line.width())
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_text(self, painter: QPainter, text: str, cell: QRectF) -> None:
        big = self.side > 120
        inset = 16 if big else 9
        page = cell.adjusted(inset, inset, -inset, -inset)
        heading = self._font(1.1 if big else 0.74, strong=True, reading=True)
        paint_text(painter, text, page, heading, self._font(0.84 if big else 0.58, reading=True))


def tint_waveform(wave: QPixmap) -> QPixmap:
    """The drawn waveform of a sound in the colour that it has on the stage."""
    made = QPixmap(wave)
    painter = QPainter(made)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
    painter.fillRect(made.rect(), theme().colour("accent"))
    painter.end()
    return made


def _cell(corner: QPointF, side: int) -> QRectF:
    return QRectF(corner.x() + EDGE, corner.y() + EDGE, side - 2 * EDGE, side - 2 * EDGE)


def _title(asset: Asset, words: str) -> str:
    """The title; of a text without one, its heading."""
    return (split_heading(words)[0] if words and not asset.title else "") or title_of(asset)


def _paint_edge(painter: QPainter, cell: QRectF, tone: str) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme().colour(tone), 1))
    painter.drawRoundedRect(cell.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)


def _shape(asset: Asset) -> QSize:
    """Of a picture its width and height; of texts and sounds, whose tiles are whole, a square."""
    return QSize(asset.width, asset.height) if asset.width and asset.height else placeholder.SQUARE


def _place(shape: QSize, cell: QRectF) -> QRectF:
    """Where a picture of that width and height lies: over the whole cell, unless much would be cut off; else as large
    as fits.
    """
    wide, high = shape.width(), shape.height()
    if not 0.6 < wide / high < 1.7:
        return placeholder.fitted(shape, cell)
    scale = max(cell.width() / wide, cell.height() / high)
    box = QRectF(0, 0, wide * scale, high * scale)
    box.moveCenter(cell.center())
    return box


def _paint_picture(painter: QPainter, picture: QPixmap, cell: QRectF, *, fill: bool) -> None:
    """In its place where `fill`; else as large as fits."""
    box = _place(picture.size(), cell) if fill else placeholder.fitted(picture.size(), cell)
    painter.drawPixmap(box, picture, QRectF(picture.rect()))


def _paint_badge(painter: QPainter, text: str, cell: QRectF, *, right: bool, sign: str = "") -> None:
    """A few words on the picture, after an icon if there is one: at the bottom right, or at the top left."""
    look = theme()
    font = look.font(0.8)
    metrics = QFontMetricsF(font)
    high = metrics.height() + 4
    beside = high - 6 if sign else 0
    wide = min(cell.width() - 10, metrics.horizontalAdvance(text) + 12 + beside)
    box = QRectF(cell.left() + 5, cell.top() + 5, wide, high)
    if right:
        box.moveBottomRight(QPointF(cell.right() - 5, cell.bottom() - 5))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(look.colour("surface"))
    painter.drawRoundedRect(box, 5, 5)
    painter.setPen(look.colour("ink"))
    painter.setFont(font)
    if sign:
        side = high - 8
        icons.paint(painter, sign, QRectF(box.x() + 5, box.y() + (high - side) / 2, side, side), "ink")
    words = box.adjusted(beside, 0, 0, 0)
    text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, words.width() - 8)
    painter.drawText(words, Qt.AlignmentFlag.AlignCenter, text)


def _paint_star(painter: QPainter, cell: QRectF) -> None:
    spot = QRectF(cell.right() - 25, cell.top() + 5, 20, 20)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme().colour("surface"))
    painter.drawEllipse(spot)
    icons.paint(painter, "star-full", spot.adjusted(4, 4, -4, -4), "accent")
