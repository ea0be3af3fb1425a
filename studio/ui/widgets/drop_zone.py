"""Makes a widget a place to drop files on and to paste into."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFrame, QWidget

from studio.ui.widgets.controls import label, named
from studio.ui.widgets.layout import column

EDGE = 8


class DropZone(QObject):
    """Makes `area` a place to drop and paste on. `takes(data)`: whether they can be used there; `take(data)` uses them.

    Drags from this window are ignored: they are works already.
    """

    def __init__(
        self, area: QWidget, words: str, takes: Callable[[QMimeData], bool], take: Callable[[QMimeData], object]
    ) -> None:
        super().__init__(area)
        self._area, self._takes, self._take = area, takes, take
        self.overlay = named(QFrame(area), "dropVeil")
        text = label(words, "heading", wrap=True)
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column(self.overlay, text, margins=(32, 32, 32, 32))
        self.overlay.hide()
        area.setAcceptDrops(True)
        area.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return event.matches(QKeySequence.StandardKey.Paste) and self._paste()
        if isinstance(event, QDragEnterEvent):
            if event.source() is None and self._takes(event.mimeData()):
                event.acceptProposedAction()
                self.overlay.setGeometry(self._area.rect().adjusted(EDGE, EDGE, -EDGE, -EDGE))
                self.overlay.show()
                self.overlay.raise_()
            return True
        if event.type() == QEvent.Type.DragLeave:
            self.overlay.hide()
        elif isinstance(event, QDropEvent) and event.type() == QEvent.Type.Drop:
            self.overlay.hide()
            event.acceptProposedAction()
            self._take(event.mimeData())
            return True
        return False

    def _paste(self) -> bool:
        data = QGuiApplication.clipboard().mimeData()
        if not self._takes(data):
            return False
        self._take(data)
        return True
