"""What every stage can do: show a finished work, show one that is still growing, and offer its tools."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl, Signal
from PySide6.QtGui import QDrag, QPixmap
from PySide6.QtWidgets import QApplication, QToolButton, QWidget

from studio.library import Asset
from studio.media import Payload


class Stage(QWidget):
    """Shows one work. `stepped` asks for the next (+1) or previous (-1) work; `said` has words for the person."""

    stepped = Signal(int)
    said = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("stage")

    def show_asset(self, asset: Asset) -> None:
        """Show a work of the library. Raises StudioError or OSError where its file cannot be read."""
        raise NotImplementedError

    def preview(self, payload: Payload) -> None:
        """Show what there is so far; called again and again while it grows."""
        raise NotImplementedError

    def clear(self) -> None:
        raise NotImplementedError

    def copy(self) -> None:
        """Put the work on the clipboard."""
        raise NotImplementedError

    def title(self) -> str:
        """What the work calls itself; empty where it does not."""
        return ""

    def tools(self) -> Sequence[QToolButton]:
        return ()

    def toggle(self) -> None:
        """What the space bar does here: play or pause, for sounds."""

    def leave(self) -> None:
        """The page is hidden or closed: stop what plays."""


def mime_of(assets: Sequence[Asset]) -> QMimeData:
    """The files of works, as other programs take them."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(asset.path)) for asset in assets])
    return data


def drag_out(source: QWidget, asset: Asset, picture: QPixmap | None = None) -> None:
    """Let a person drag the work's file to another program."""
    drag = QDrag(source)
    drag.setMimeData(mime_of([asset]))
    if picture is not None and not picture.isNull():
        small = picture.scaled(96, 96, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
        drag.setPixmap(small)
        drag.setHotSpot(QPoint(small.width() // 2, small.height() // 2))
    drag.exec(Qt.DropAction.CopyAction)


def far_enough(start: QPoint, now: QPoint) -> bool:
    return (now - start).manhattanLength() >= QApplication.startDragDistance()
