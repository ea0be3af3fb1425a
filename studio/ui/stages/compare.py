"""Comparison of two pictures: under a slider or side by side, and the bar below that names them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPen
from PySide6.QtWidgets import QButtonGroup, QFrame, QToolButton

from studio.library.library import Asset
from studio.ui.widgets import icons
from studio.ui.widgets.controls import ElidedLabel, named, segment, tool
from studio.ui.widgets.layout import row
from studio.ui.widgets.text import gist, tr
from studio.ui.widgets.theme import theme

ComparisonMode = Literal["slider", "beside"]

GAP = 2
KNOB = 14  # radius
GRAB_DISTANCE = 12  # pixels from the line that count as on it
BAR = 56

Draw = Callable[[QPainter, QImage, QRectF], None]


def caption_of(asset: Asset | None) -> str:
    """A few words that tell a picture from others like it."""
    if asset is None:
        return tr("In progress")
    seed = asset.request.get("seed")
    words = gist(asset.request) or asset.title
    named = tr("Seed {n}").format(n=seed)
    return words if seed is None or words.endswith(named) else f"{named} · {words}"


class CompareBar(QFrame):
    """Names both sides, switches between the modes, swaps the sides, and ends the comparison."""

    mode_chosen = Signal(str)
    swapped = Signal()
    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("compareBar")
        self.setAccessibleName(tr("Comparison"))
        self.setFixedHeight(BAR)
        self.left = named(ElidedLabel(role="caption"), "compareLeft")
        self.right = named(ElidedLabel(role="caption"), "compareRight")
        self.right.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._ways = QButtonGroup(self)
        self._buttons: dict[str, QToolButton] = {}
        for way, words, hint in (
            ("slider", tr("Slider"), tr("Drag the line between the two (S; Shift+Left and Shift+Right)")),
            ("beside", tr("Side by side"), tr("Side by side (S)")),
        ):
            made = segment(words, f"compare.{way}", hint=hint)
            made.clicked.connect(lambda _=False, way=way: self.mode_chosen.emit(way))
            self._ways.addButton(made)
            self._buttons[way] = made
        swap = tool("swap", tr("Swap sides (X)"), "compareSwap", clicked=self.swapped.emit)
        end = tool("close", tr("End comparison (C)"), "compareEnd", clicked=self.closed.emit, size=16)
        middle = (*self._buttons.values(), swap, end)
        self.setLayout(row((self.left, 1), 12, *middle, 12, (self.right, 1), spacing=4, margins=(24, 4, 24, 12)))

    def show_works(self, way: ComparisonMode, left: Asset | None, right: Asset | None) -> None:
        self._buttons[way].setChecked(True)
        self.left.set_text(caption_of(left))
        self.right.set_text(caption_of(right))


class Comparison:
    """The picture at the left, the mode, and the line between the two: `share` of the width, from the left."""

    def __init__(self, image: QImage, asset: Asset) -> None:
        self.image, self.asset = image, asset
        self.mode: ComparisonMode = "slider"
        self.share = 0.5

    def rooms(self, stage: QRectF) -> tuple[QRectF, QRectF]:
        """The areas of the left and the right picture; under a slider both are the whole stage."""
        if self.mode == "slider":
            return stage, stage
        half = (stage.width() - GAP) / 2
        return (
            QRectF(stage.x(), stage.y(), half, stage.height()),
            QRectF(stage.x() + half + GAP, stage.y(), half, stage.height()),
        )

    def line(self, stage: QRectF) -> float:
        return stage.x() + round(stage.width() * self.share)

    def on_line(self, at: QPointF, stage: QRectF) -> bool:
        return self.mode == "slider" and stage.contains(at) and abs(at.x() - self.line(stage)) <= GRAB_DISTANCE

    def at_left(self, at: QPointF, stage: QRectF) -> bool:
        """Whether the left picture is shown there."""
        return at.x() < self.line(stage) if self.mode == "slider" else self.rooms(stage)[0].contains(at)

    def slide(self, x: float, stage: QRectF) -> None:
        self.share = min(0.98, max(0.02, (x - stage.x()) / max(1.0, stage.width())))

    def paint(self, painter: QPainter, stage: QRectF, box: QRectF, right: QImage, draw: Draw) -> None:
        """Paint both; `box` is where the right one lies in its area, and the left one fits into the same rectangle."""
        rooms = self.rooms(stage)
        line = self.line(stage)
        clips = rooms
        if self.mode == "slider":
            clips = (
                QRectF(stage.x(), stage.y(), line - stage.x(), stage.height()),
                QRectF(line, stage.y(), stage.right() - line, stage.height()),
            )
        for room, clip, image in zip(rooms, clips, (self.image, right), strict=True):
            place = box.translated(room.topLeft())
            if image is self.image:
                place = fitted_rect(place, QSizeF(image.size()))
            painter.save()
            painter.setClipRect(clip)
            draw(painter, image, place)
            painter.restore()
        if self.mode == "slider":
            self._paint_line(painter, line, stage)
        else:
            painter.fillRect(QRectF(rooms[0].right(), stage.y(), GAP, stage.height()), theme().colour("line"))

    def _paint_line(self, painter: QPainter, line: float, stage: QRectF) -> None:
        look = theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(QRectF(line - 2, stage.y(), 4, stage.height()), look.colour("stage"))
        painter.fillRect(QRectF(line - 1, stage.y(), 2, stage.height()), look.colour("ink"))
        knob = QPointF(line, stage.center().y())
        painter.setPen(QPen(look.colour("ink"), 2))
        painter.setBrush(look.colour("surface"))
        painter.drawEllipse(knob, KNOB, KNOB)
        for name, left in (("chevron-left", -12.0), ("chevron-right", 0.0)):
            icons.paint(painter, name, QRectF(knob.x() + left, knob.y() - 6, 12, 12))


def fitted_rect(box: QRectF, size: QSizeF) -> QRectF:
    """The largest rectangle of the shape of `size` in the middle of `box`."""
    fitted = size.scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio)
    place = QRectF(QPointF(), fitted)
    place.moveCenter(box.center())
    return place
