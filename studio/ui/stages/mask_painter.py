"""Painting a mask over the picture on the stage: brush, eraser and lasso, and the bar with their controls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from typing import Literal

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QRadialGradient,
)
from PySide6.QtWidgets import QButtonGroup, QFrame, QLabel, QToolButton, QWidget

from studio.ui.stages.canvas import PictureCanvas
from studio.ui.widgets.controls import QuietSlider, button, label, named, segment, tool
from studio.ui.widgets.layout import FlowLayout, column, row
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import theme

Tool = Literal["brush", "eraser", "lasso"]

SHOWN = 0.55  # how opaque marks are shown
SMALLEST, LARGEST = 4, 400  # pixels of the picture: the brush's width
STEPS_KEPT, STEPS_LIMIT = 20, 256 * 2**20  # steps that undo takes back, and bytes that they hold together
SLIDER = 72
SPACING = 0.15  # of a soft brush's width, between its dabs
MODES = QPainter.CompositionMode


class MaskLayer(QWidget):
    """Lies over a canvas, as large as it. `changed`: marks were added or removed; `painted`: a stroke begins."""

    changed = Signal()
    painted = Signal()

    def __init__(self, canvas: PictureCanvas) -> None:
        super().__init__(canvas)
        named(self, "maskLayer", tr("Mask"))
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.tool: Tool = "brush"
        self.width_of_brush = 60.0  # pixels of the picture
        self.softness = 0.0  # share of the brush that fades out, 0 to 1
        self._canvas = canvas
        self._marks = QImage()  # its alpha is the mask; premultiplied
        self._before: list[QImage] = []
        self._line: list[QPointF] = []  # of the stroke that is being painted, in pixels of the picture
        self._erasing = False
        self._at: QPointF | None = None  # where the pointer is, in widget pixels
        canvas.view_changed.connect(self.update)
        self.hide()

    def begin(self, mask: QImage | None) -> None:
        """Mark the canvas's picture, from `mask` (grey, white where it is marked) or from nothing."""
        size = self._canvas.image.size()
        self._marks = _empty(size)
        if mask is not None and mask.size() == size:
            light = mask.convertToFormat(QImage.Format.Format_Grayscale8)
            alpha = QImage(light.constBits(), light.width(), light.height(), light.bytesPerLine(),
                           QImage.Format.Format_Alpha8)  # fmt: skip
            self._paint(lambda painter: painter.drawImage(0, 0, alpha))
            self._tint()
        self._before, self._line = [], []
        self.setGeometry(self._canvas.rect())
        self.show()
        self.raise_()
        self.changed.emit()

    def end(self) -> None:
        self.hide()
        self._marks, self._before = QImage(), []

    @property
    def marked(self) -> bool:
        """Whether anything is marked."""
        if self._marks.isNull():
            return False
        return self._marks != _empty(self._marks.size())

    @property
    def can_undo(self) -> bool:
        return bool(self._before)

    def mask_image(self) -> QImage:
        """Grey, as large as the picture: white where it is marked, black elsewhere."""
        white = QImage(self._marks.size(), QImage.Format.Format_ARGB32_Premultiplied)
        white.fill(Qt.GlobalColor.white)
        painter = QPainter(white)
        painter.setCompositionMode(MODES.CompositionMode_DestinationIn)
        painter.drawImage(0, 0, self._marks)
        painter.setCompositionMode(MODES.CompositionMode_DestinationOver)
        painter.fillRect(white.rect(), Qt.GlobalColor.black)
        painter.end()
        return white.convertToFormat(QImage.Format.Format_Grayscale8)

    def undo(self) -> None:
        if self._before:
            self._marks = self._before.pop()
            self._updated()

    def clear(self) -> None:
        self._step()
        self._marks = _empty(self._marks.size())
        self._updated()

    def invert(self) -> None:
        self._step()
        self._marks = self._without(self._marks)
        self._updated()

    def mark_transparent(self) -> None:
        """Mark what is transparent in the picture, and nothing else."""
        self._step()
        self._marks = self._without(self._canvas.image)
        self._updated()

    def resize_brush(self, factor: float) -> None:
        self.width_of_brush = min(LARGEST, max(SMALLEST, self.width_of_brush * factor))
        self.changed.emit()
        self.update()

    def _without(self, image: QImage) -> QImage:
        """All marked but where `image` is opaque."""
        made = QImage(self._marks.size(), QImage.Format.Format_ARGB32_Premultiplied)
        made.fill(_ink())
        painter = QPainter(made)
        painter.setCompositionMode(MODES.CompositionMode_DestinationOut)
        painter.drawImage(made.rect(), image)
        painter.end()
        return made

    def _tint(self) -> None:
        self._paint(lambda painter: painter.fillRect(self._marks.rect(), _ink()), MODES.CompositionMode_SourceIn)

    def _step(self) -> None:
        kept = max(1, min(STEPS_KEPT, STEPS_LIMIT // max(1, self._marks.sizeInBytes())))
        self._before = [*self._before, self._marks.copy()][-kept:]

    def _updated(self) -> None:
        self.changed.emit()
        self.update()

    def _paint(
        self,
        draw: Callable[[QPainter], object],
        mode: QPainter.CompositionMode = MODES.CompositionMode_SourceOver,
    ) -> None:
        painter = QPainter(self._marks)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setCompositionMode(mode)
        draw(painter)
        painter.end()

    def _in_picture(self, at: QPointF) -> QPointF:
        box = self._canvas.box()
        return (at - box.topLeft()) * (self._marks.width() / box.width())

    def _stroke(self, start: QPointF, end: QPointF) -> None:
        """A part of a stroke, in pixels of the picture."""
        mode = MODES.CompositionMode_DestinationOut if self._erasing else MODES.CompositionMode_SourceOver
        wide = self.width_of_brush
        if self.softness <= 0:
            pen = QPen(_ink(), wide, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)

            def line(painter: QPainter) -> None:
                painter.setPen(pen)
                painter.drawPoint(end) if start == end else painter.drawLine(start, end)

            self._paint(line, mode)
            return
        way = end - start
        count = max(1, round((way.x() ** 2 + way.y() ** 2) ** 0.5 / (SPACING * wide)))

        def dabs(painter: QPainter) -> None:
            painter.setPen(Qt.PenStyle.NoPen)
            for at in range(1, count + 1):
                middle = start + way * (at / count)
                shade = QRadialGradient(middle, wide / 2)
                clear = QColor(_ink())
                clear.setAlpha(0)
                shade.setColorAt(0, _ink())
                shade.setColorAt(1 - self.softness, _ink())
                shade.setColorAt(1, clear)
                painter.setBrush(QBrush(shade))
                painter.drawEllipse(middle, wide / 2, wide / 2)

        self._paint(dabs, mode)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton) or self._marks.isNull():
            event.ignore()
            return
        self._step()
        right = event.button() == Qt.MouseButton.RightButton
        self._erasing = (self.tool == "eraser") is not (right or bool(event.modifiers() & ALT))
        at = self._in_picture(event.position())
        self._line = [at]
        if self.tool != "lasso":
            self._stroke(at, at)
        self.painted.emit()
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._at = event.position()
        if self._line:
            at = self._in_picture(event.position())
            if self.tool != "lasso":
                self._stroke(self._line[-1], at)
            self._line.append(at)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._line and self.tool == "lasso" and len(self._line) > 2:
            path = QPainterPath()
            path.addPolygon(self._line)
            path.setFillRule(Qt.FillRule.WindingFill)
            mode = MODES.CompositionMode_DestinationOut if self._erasing else MODES.CompositionMode_SourceOver
            self._paint(lambda painter: painter.fillPath(path, _ink()), mode)
        if self._line:
            self._line = []
            self._updated()

    def contextMenuEvent(self, event: object) -> None:
        """The right button erases."""

    def leaveEvent(self, event: object) -> None:
        self._at = None
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._marks.isNull():
            return
        if self.size() != self._canvas.size():
            self.setGeometry(self._canvas.rect())
        painter = QPainter(self)
        box = self._canvas.box()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.setOpacity(SHOWN)
        painter.drawImage(box, self._marks)
        painter.setOpacity(1)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        scale = box.width() / self._marks.width()
        if self.tool == "lasso":
            if len(self._line) > 1:
                points = [box.topLeft() + point * scale for point in self._line]
                for colour, style in ((Qt.GlobalColor.black, Qt.PenStyle.SolidLine), (Qt.GlobalColor.white, DASHES)):
                    painter.setPen(QPen(colour, 1.5, style))
                    painter.drawPolyline(points)
        elif self._at is not None:
            radius = self.width_of_brush * scale / 2
            for colour, wider in ((QColor(0, 0, 0, 140), 1.0), (QColor(255, 255, 255), 0.0)):
                painter.setPen(QPen(colour, 1.2))
                painter.drawEllipse(self._at, radius + wider, radius + wider)
        painter.end()


DASHES = Qt.PenStyle.DashLine
ALT = Qt.KeyboardModifier.AltModifier


def _ink() -> QColor:
    return theme().colour("accent")


def _empty(size: object) -> QImage:
    made = QImage(size, QImage.Format.Format_ARGB32_Premultiplied)  # type: ignore[call-overload]
    made.fill(Qt.GlobalColor.transparent)
    return made


class MaskBar(QFrame):
    """Tools for a `MaskLayer`, below the picture. `finished(mask)`: a QImage to use, or None where it was given up."""

    finished = Signal(object)

    def __init__(self, canvas: PictureCanvas) -> None:
        super().__init__()
        named(self, "maskBar", tr("Mask"))
        self._canvas = canvas
        self.layer = MaskLayer(canvas)
        self.layer.changed.connect(self._update)
        self._group = QButtonGroup(self)
        self.tools: dict[Tool, QToolButton] = {}
        words: dict[Tool, tuple[str, str]] = {
            "brush": (tr("Brush"), tr("Mark what is painted anew (B)")),
            "eraser": (tr("Eraser"), tr("Remove marks (E; or the right mouse button)")),
            "lasso": (tr("Lasso"), tr("Mark what you draw around (L)")),
        }
        for name, (text, hint) in words.items():
            self.tools[name] = segment(text, f"mask.{name}", hint=hint)
            self.tools[name].clicked.connect(partial(self.choose, name))
            self._group.addButton(self.tools[name])
        self.wide = self._slider("mask.size", tr("Size"), SMALLEST, LARGEST, tr("Width of the brush ([ and ])"))
        self.softness = self._slider("mask.softness", tr("Softness"), 0, 100, tr("How much of the brush fades out"))
        self.wide.valueChanged.connect(self._resized)
        self.softness.valueChanged.connect(self._softened)
        self.undo = tool("undo", tr("Undo stroke (Ctrl+Z)"), "mask.undo", clicked=self.layer.undo)
        self.invert = button(tr("Invert"), "mask.invert", "compact", clicked=self.layer.invert)
        self.transparent = button(tr("From transparency"), "mask.transparent", "compact",
                                  clicked=self.layer.mark_transparent)  # fmt: skip
        self.clear = button(tr("Clear"), "mask.clear", "compact", clicked=self.layer.clear)
        self.cancel = button(tr("Cancel"), "mask.cancel", "compact", clicked=lambda: self._finish(None))
        self.done = button(
            tr("Use mask"), "mask.done", "primary", clicked=lambda: self._finish(self.layer.mask_image())
        )
        flow = FlowLayout()
        for part in (
            self._together(*self.tools.values(), 6, self.undo),
            self._together(label(tr("Size"), "label"), self.wide, 8, label(tr("Softness"), "label"), self.softness),
            self._together(self.invert, self.transparent, self.clear),
            self._together(self.cancel, self.done),
        ):
            flow.addWidget(part)
        column(self, flow, margins=(24, 8, 8, 12))
        self.hide()

    def _slider(self, name: str, words: str, low: int, high: int, hint: str) -> QuietSlider:
        made = named(QuietSlider(), name, words, hint)
        made.setRange(low, high)
        made.setFixedWidth(SLIDER)
        return made

    def _together(self, *parts: QWidget | int) -> QWidget:
        """Parts that stay in one line; labels are those of what stands behind them."""
        held = QWidget()
        held.setLayout(row(*parts, spacing=6, margins=(0, 0, 16, 8)))
        for part, next_part in pairwise(parts):
            if isinstance(part, QLabel) and isinstance(next_part, QWidget):
                part.setBuddy(next_part)
        return held

    def begin(self, mask: QImage | None) -> None:
        """Mark the picture of the canvas, from `mask` or from nothing."""
        image = self._canvas.image
        self.layer.width_of_brush = min(LARGEST, max(SMALLEST, image.width() / 8))
        self.layer.begin(mask)
        self.transparent.setVisible(image.hasAlphaChannel())
        self.choose(self.layer.tool)
        self.show()

    @property
    def active(self) -> bool:
        return not self.isHidden()

    def choose(self, name: Tool, _on: bool = True) -> None:
        self.layer.tool = name
        self.tools[name].setChecked(True)
        self.layer.update()

    def key_actions(self) -> Mapping[Qt.Key, Callable[[], object]]:
        """What keys do on the stage while a mask is painted."""
        return {
            Qt.Key.Key_B: lambda: self.choose("brush"),
            Qt.Key.Key_E: lambda: self.choose("eraser"),
            Qt.Key.Key_L: lambda: self.choose("lasso"),
            Qt.Key.Key_I: self.layer.invert,
            Qt.Key.Key_BracketLeft: lambda: self.layer.resize_brush(1 / 1.25),
            Qt.Key.Key_BracketRight: lambda: self.layer.resize_brush(1.25),
            Qt.Key.Key_Return: self.done.click,
            Qt.Key.Key_Enter: self.done.click,
        }

    def give_up(self) -> None:
        if self.active:
            self._finish(None)

    def _finish(self, mask: QImage | None) -> None:
        self.hide()
        self.layer.end()
        self.finished.emit(mask)

    def _resized(self, wide: int) -> None:
        self.layer.width_of_brush = float(wide)
        self.layer.update()

    def _softened(self, percent: int) -> None:
        self.layer.softness = percent / 100

    def _update(self) -> None:
        self.wide.setValue(round(self.layer.width_of_brush))
        self.undo.setEnabled(self.layer.can_undo)
        self.done.setEnabled(self.layer.marked)
