"""A frame for one picture: where it is dropped, and then shown."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSizeF, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.ui.widgets import icons, placeholder
from studio.ui.widgets.controls import named
from studio.ui.widgets.theme import SIZE, theme

HEIGHT = 148


class PictureWell(QWidget):
    """Shows a whole picture, or `words` below an icon while there is none."""

    def __init__(self, name: str, title: str, words: str, icon: str) -> None:
        super().__init__()
        named(self, name, title)
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.picture: QPixmap | None = None
        self._words, self._icon = words, icon
        self._highlighted = False
        theme().changed.connect(self.update)

    def set_highlighted(self, over: bool) -> None:
        self._highlighted = over
        self.update()

    def show_picture(self, image: QImage) -> None:
        """Show the whole picture; an empty image shows none."""
        self.picture = None if image.isNull() else QPixmap.fromImage(image)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        painter.setPen(QPen(look.colour("accent" if self._highlighted else "outline"), 1.5, Qt.PenStyle.DashLine))
        painter.setBrush(look.colour("accent_soft" if self._highlighted else "field"))
        painter.drawRoundedRect(box, SIZE.radius, SIZE.radius)
        if self.picture is not None:
            inside = QSizeF(self.picture.size()).scaled(
                box.width() - 16, box.height() - 16, Qt.AspectRatioMode.KeepAspectRatio
            )
            left, top = box.center().x() - inside.width() / 2, box.center().y() - inside.height() / 2
            shown = QRectF(round(left), round(top), inside.width(), inside.height())
            placeholder.picture(painter, shown, self.picture)
        else:
            icons.paint(painter, self._icon, QRectF(box.center().x() - 16, box.center().y() - 36, 32, 32), "muted")
            painter.setPen(look.colour("muted"))
            words = QRectF(box.left() + 12, box.center().y() + 4, box.width() - 24, 44)
            painter.drawText(words, Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap, self._words)
        painter.end()
