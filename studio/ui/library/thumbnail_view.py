"""The thumbnail of one work, larger, or what stands there until it has been read; knows nothing of the work."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from studio.ui.library.delegate import tint_waveform
from studio.ui.widgets import placeholder
from studio.ui.widgets.theme import SIZE, theme


class ThumbnailView(QWidget):
    """The thumbnail of a work, larger."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(200)
        self._picture: QPixmap | None = None
        self._ground, self._icon = "mat", ""
        theme().changed.connect(self.update)

    def show_picture(self, picture: QPixmap | None, ground: str, icon: str = "") -> None:
        """Show it, on the theme's colour of that name: on paper it is a waveform.

        Without one, a sign of that name says that there is none, or an empty block that it is being read.
        """
        self._picture, self._ground, self._icon = picture, ground, icon
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if self._picture is None or self._picture.isNull():
            side = self.height()
            box = QRectF((self.width() - side) / 2, 0, side, side)
            if self._icon:
                placeholder.missing(painter, box, self._icon)
            else:
                placeholder.block(painter, box)
            painter.end()
            return
        shown = QSize(self._picture.size()).scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        box = QRectF(0, 0, shown.width(), shown.height())
        box.moveCenter(QRectF(self.rect()).center())
        path = QPainterPath()
        path.addRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), SIZE.radius, SIZE.radius)
        painter.setClipPath(path)
        if self._picture.hasAlpha():
            painter.fillRect(box, theme().colour(self._ground))
        picture = tint_waveform(self._picture) if self._ground == "paper" else self._picture
        painter.drawPixmap(box, picture, QRectF(picture.rect()))
        painter.setClipping(False)
        painter.setPen(QPen(theme().colour("line"), 1))
        painter.drawPath(path)
        painter.end()
