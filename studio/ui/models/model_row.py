"""Draws a row of the list of models: picture, title, what it makes, and at the right its licence and size."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from studio.models.model import Model
from studio.ui.models.downloads import DownloadState
from studio.ui.models.entries import ModelEntry, medium_named
from studio.ui.pages.licences import terms
from studio.ui.widgets import icons, placeholder
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE, theme

Index = QModelIndex | QPersistentModelIndex
ENTRY, STATE = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
PICTURE = 56  # pixels of a side
EDGE = 12  # between the edge of a row and what stands in it
SIDE = 0.4  # of the width of the words at most is at the right
FONTS: dict[str, tuple[float, ...]] = {"title": (), "plain": (), "small": (0.88,)}
"""The scale of each font of a row."""
BAR = 132.0  # pixels that the bar of a download is wide at least


class ModelRowDelegate(QStyledItemDelegate):
    """Draws headings and models; `picture` gives the sample of an installed one, None where there is none."""

    def __init__(self, view: QListView, picture: Callable[[Model], QPixmap | None]) -> None:
        super().__init__(view)
        self._view, self._picture_of = view, picture
        self._high: tuple[int, int] = (0, 0)  # of a heading and of a model
        theme().changed.connect(self._measure)
        self._measure()

    def _measure(self) -> None:
        look = theme()
        self._fonts = {role: look.font(*scale, strong=role == "title") for role, scale in FONTS.items()}
        self._metrics = {role: QFontMetricsF(font) for role, font in self._fonts.items()}
        lines = self._metrics["plain"].lineSpacing()
        self._high = (round(lines + 24), round(max(PICTURE, 3.3 * lines) + 2 * EDGE))

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(100, self._high[0 if index.data(ENTRY) is None else 1])

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        entry = index.data(ENTRY)
        look = theme()
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        box = QRectF(option.rect)  # type: ignore[attr-defined]
        if entry is None:
            painter.setFont(self._fonts["title"])
            painter.setPen(look.colour("muted"))
            at = Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft
            painter.drawText(box.adjusted(EDGE, 0, -EDGE, -8), at, str(index.data()))
        else:
            self._ground(painter, option, box)
            self._entry(painter, box.adjusted(EDGE, EDGE, -EDGE, -EDGE), entry, index.data(STATE))
        painter.restore()

    def _ground(self, painter: QPainter, option: QStyleOptionViewItem, box: QRectF) -> None:
        state = option.state  # type: ignore[attr-defined]
        look, flag = theme(), QStyle.StateFlag
        chosen = bool(state & flag.State_Selected)
        name = "accent_soft" if chosen else "hover" if state & flag.State_MouseOver else ""
        path = QPainterPath()
        path.addRoundedRect(box.adjusted(1, 1, -1, -1), SIZE.card, SIZE.card)
        if name:
            painter.fillPath(path, look.colour(name))
        if chosen and self._view.hasFocus():
            painter.setPen(QPen(look.colour("accent"), 2))
            painter.drawPath(path)

    def _entry(self, painter: QPainter, box: QRectF, entry: ModelEntry, state: DownloadState | None) -> None:
        look = theme()
        self._picture(painter, QRectF(box.left(), box.center().y() - PICTURE / 2, PICTURE, PICTURE), entry)
        words = box.adjusted(PICTURE + EDGE, 0, 0, 0)
        metrics = self._metrics["small"]
        sides = [(state.words, "danger" if state.stage == "failed" else "ink")] if state is not None else []
        if state is None:
            licence = terms(entry.licence).name if entry.licence or entry.offer is not None else ""
            sides = [(words, "muted") for words in (_standing(entry) or licence, entry.size_words) if words]
        bar = state is not None and state.stage in ("fetching", "checking", "paused")
        wide = min(max([*(metrics.horizontalAdvance(text) for text, _ in sides), BAR * bar]), words.width() * SIDE)
        left = words.adjusted(0, 0, -wide - EDGE, 0)
        right = QRectF(words.right() - wide, words.top(), wide, words.height())
        elide = Qt.TextElideMode.ElideRight
        gist = two_lines(entry.reason or _sentence(entry), self._metrics["plain"], left.width())
        rows = 1 + len(gist)
        lines = [(0, entry.title, "title", "ink", left, Qt.AlignmentFlag.AlignLeft)]
        lines += [(at, text, "plain", "muted", left, Qt.AlignmentFlag.AlignLeft) for at, text in enumerate(gist, 1)]
        lines += [
            (at, text, "small", colour, right, Qt.AlignmentFlag.AlignRight) for at, (text, colour) in enumerate(sides)
        ]
        high = self._metrics["plain"].lineSpacing() * 1.1
        for at, text, font, colour, place, side in lines:
            line = QRectF(place.left(), place.center().y() + (at - rows / 2) * high, place.width(), high)
            painter.setFont(self._fonts[font])
            painter.setPen(look.colour(colour))
            shown = self._metrics[font].elidedText(text, elide, line.width() + 0.5)
            painter.drawText(line, side | Qt.AlignmentFlag.AlignVCenter, shown)
        if bar and state is not None:
            top = right.center().y() + (1 - rows / 2) * high + 6
            _paint_bar(painter, QRectF(right.left(), top, wide, 4), state)

    def _picture(self, painter: QPainter, box: QRectF, entry: ModelEntry) -> None:
        picture = None if entry.model is None else self._picture_of(entry.model)
        if picture is not None:
            placeholder.picture(painter, box, picture)
            return
        path = QPainterPath()
        path.addRoundedRect(box, SIZE.radius, SIZE.radius)
        painter.fillPath(path, theme().colour("hover"))
        medium = medium_named(entry.medium)
        icons.paint(painter, "models" if medium is None else medium.icon, box.adjusted(16, 16, -16, -16), "muted")


def _standing(entry: ModelEntry) -> str:
    """What stands first at the right of a model that is not as the others: it cannot be used, or is here already."""
    if entry.reason:
        return tr("Not usable now") if entry.model is not None else tr("Cannot run here")
    if entry.fit is not None and entry.fit.verdict == "no":
        return tr("Too large here")
    if entry.update is not None:
        return tr("Newer version")
    if entry.model is not None and entry.place == "available":
        return tr("Installed")
    return tr("In use") if entry.found is not None and entry.found.installed else ""


def _paint_bar(painter: QPainter, box: QRectF, state: DownloadState) -> None:
    """How much of a download is there."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme().colour("track"))
    painter.drawRoundedRect(box, 2, 2)
    if state.total:
        share = min(1.0, state.done / state.total)
        painter.setBrush(theme().colour("accent"))
        painter.drawRoundedRect(QRectF(box.left(), box.top(), max(4.0, box.width() * share), box.height()), 2, 2)


def two_lines(text: str, metrics: QFontMetricsF, wide: float) -> list[str]:
    """The text on one line, or on two if it is too wide; the second may still be too wide."""
    if metrics.horizontalAdvance(text) <= wide:
        return [text]
    words = text.split(" ")
    fits = [at for at in range(1, len(words)) if metrics.horizontalAdvance(" ".join(words[:at])) <= wide]
    return [" ".join(words[: fits[-1]]), " ".join(words[fits[-1] :])] if fits else [text]


def _sentence(entry: ModelEntry) -> str:
    """What a model is good for, else its family."""
    family = entry.model.family if entry.model is not None else ""
    return entry.sentence or (tr("A {family} model").format(family=family) if family else "")
