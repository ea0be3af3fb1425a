"""One picture turning into the next, quickly, and at once where nothing shall move; it knows no works."""

from __future__ import annotations

from PySide6.QtCore import QObject, QRectF, Qt, QVariantAnimation
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QWidget

from studio.ui.widgets.theme import theme


class CrossFade(QObject):
    """Has `canvas` painted while it goes. A turn that begins during another one begins with what was to be seen."""

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._old = QImage()
        self._run = QVariantAnimation(self)
        self._run.setStartValue(0.0)
        self._run.setEndValue(1.0)
        self._run.valueChanged.connect(lambda _: canvas.update())
        self._run.finished.connect(self.end)

    @property
    def active(self) -> bool:
        return not self._old.isNull()

    def start(self, now: QImage) -> None:
        """From `now`, which is shown, to what the canvas shows next."""
        seen = self._blended(now) if self.active else now
        self.end()
        if theme().motion and self._canvas.isVisible() and not now.isNull():
            self._old = seen
            self._run.setDuration(theme().motion)
            self._run.start()

    def end(self) -> None:
        self._run.stop()
        self._old = QImage()
        self._canvas.update()

    def paint(self, painter: QPainter, box: QRectF, new: QImage) -> None:
        """Paint as far as it has come; what is behind transparency is painted already."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        share = float(self._run.currentValue() or 0.0)
        painter.setOpacity(1.0 - share if new.hasAlphaChannel() else 1.0)
        painter.drawImage(box, self._old)
        painter.setOpacity(share)
        painter.drawImage(box, new)
        painter.restore()

    def _blended(self, new: QImage) -> QImage:
        made = QImage(new.size(), QImage.Format.Format_ARGB32_Premultiplied)
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        self.paint(painter, QRectF(made.rect()), new)
        painter.end()
        return made
