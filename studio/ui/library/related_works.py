"""Thumbnails of the works that a work was made from, and of those made from it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from studio.library.library import Asset
from studio.ui.library import send_to
from studio.ui.library.model import title_of
from studio.ui.library.thumbnails import ThumbnailLoader
from studio.ui.widgets import icons
from studio.ui.widgets.basic import FlowLayout, clear_layout, column, label
from studio.ui.widgets.text import count
from studio.ui.widgets.theme import SIZE, theme

SIDE = 52
MOST = 12  # works that are shown; more are counted


class WorkThumb(QAbstractButton):
    """One work, as a button."""

    def __init__(self, thumbnails: ThumbnailLoader, asset: Asset) -> None:
        super().__init__()
        self._thumbnails, self._asset = thumbnails, asset
        self.setObjectName("kin")
        self.setFixedSize(SIDE, SIDE)
        self.setAccessibleName(title_of(asset))
        self.setToolTip(title_of(asset))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        thumbnails.ready.connect(self._drawn)

    def sizeHint(self) -> QSize:
        return QSize(SIDE, SIDE)

    def _drawn(self, ids: frozenset[str]) -> None:
        if self._asset.id in ids:
            self.update()

    def paintEvent(self, e: QPaintEvent) -> None:
        look = theme()
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        path = QPainterPath()
        path.addRoundedRect(box, SIZE.radius, SIZE.radius)
        picture = self._thumbnails.get(self._asset)
        painter.fillPath(path, look.colour("hover" if picture is None else "mat"))
        painter.setClipPath(path)
        if picture is None:
            icons.paint(painter, send_to.home_medium(self._asset), box.adjusted(14, 14, -14, -14), "muted")
        else:
            wide, high = picture.width(), picture.height()
            scale = max(box.width() / wide, box.height() / high)
            shown = QRectF(0, 0, wide * scale, high * scale)
            shown.moveCenter(box.center())
            painter.drawPixmap(shown, picture, QRectF(picture.rect()))
        painter.setClipping(False)
        marked = "accent" if self.hasFocus() else "outline" if self.underMouse() else "line"
        painter.setPen(QPen(look.colour(marked), 2 if self.hasFocus() else 1))
        painter.drawRoundedRect(box, SIZE.radius, SIZE.radius)
        painter.end()


class RelatedWorks(QWidget):
    """A heading and the works below it; hidden without works. `chosen(asset)`: one was clicked."""

    chosen = Signal(object)

    def __init__(self, name: str, heading: str, thumbnails: ThumbnailLoader) -> None:
        super().__init__()
        self.setObjectName(name)
        self._thumbnails = thumbnails
        self._ids: list[str] = []
        inside = QWidget()
        self._flow = FlowLayout()
        inside.setLayout(self._flow)
        self._more = label("", "caption")
        column(self, label(heading, "heading"), inside, self._more, spacing=6)
        self.hide()

    def show_works(self, works: Sequence[Asset]) -> None:
        if [asset.id for asset in works] != self._ids:
            self._ids = [asset.id for asset in works]
            self._fill(works)
        self.setVisible(bool(works))

    def _fill(self, works: Sequence[Asset]) -> None:
        clear_layout(self._flow)
        for asset in works[:MOST]:
            face = WorkThumb(self._thumbnails, asset)
            face.clicked.connect(lambda _=False, asset=asset: self.chosen.emit(asset))
            self._flow.addWidget(face)
            face.show()
        rest = len(works) - MOST
        self._more.setText(count(rest, "and %n more", "and %n more"))
        self._more.setVisible(rest > 0)
