"""A wall of examples of what a model makes: pictures, first lines of texts, sounds to play. A click makes one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QEnterEvent,
    QHideEvent,
    QImage,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from studio.backends.medium import Medium
from studio.errors import StudioError
from studio.media.payloads import Audio
from studio.models.examples import examples_of
from studio.models.model import Model
from studio.schema.request import Request
from studio.ui.background import LatestOnly
from studio.ui.pages.sample_sheets import cells, fits
from studio.ui.widgets import icons, placeholder
from studio.ui.widgets.controls import tool
from studio.ui.widgets.page import timer
from studio.ui.widgets.text import request_name, tr
from studio.ui.widgets.text_card import paint_text, split_heading
from studio.ui.widgets.theme import SIZE, theme

if TYPE_CHECKING:  # with numpy, without which the window starts
    from studio.ui.widgets.sound_player import SoundPlayer

GAP = 12
SHEET = 24
"""Cells of a sample sheet that are shown at most."""
SHARPEST = 1.25
"""How many times larger than it is a picture is shown at most."""
PAGE, WAVE = QSize(4, 3), QSize(5, 2)
"""Proportions of a text and of a sound."""
FEW = 0.5
"""How much a wall of one example is worth less than its room; one of many is worth nearly all of it."""
LARGEST = 1.6
"""How many times larger the text of a large card is."""
PICTURE_LEAST = 88  # pixels
SHORTEST_LINE, LONGEST_LINE = "m" * 12, 3.2
"""What fits side by side on a card at least, and how many times as much at most."""
ARROWS = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)
LISTEN = 200  # milliseconds after which it is asked again whether a sound has ended


@dataclass(frozen=True, slots=True)
class ExampleTile:
    """A picture, a text or the peaks of a sound, and the request that makes it, None for other samples."""

    words: str
    request: Request | None = None
    image: QImage | None = None
    text: str = ""
    sound: Path | None = None
    peaks: tuple[float, ...] = ()


def tiles_of(medium: Medium, model: Model) -> list[ExampleTile]:
    """The examples that came with a model, else the samples on its sheet, as far as they can be told apart. Reads
    files: not for the window's own thread.
    """
    made: list[ExampleTile] = []
    for each in examples_of(model):
        tile = ExampleTile(request_name(each.request), each.request)
        if each.text:
            made.append(replace(tile, words=split_heading(each.text)[0] or tile.words, text=each.text))
        elif each.peaks:
            made.append(replace(tile, sound=each.file, peaks=each.peaks))
        elif each.file is not None and not (image := QImage(str(each.file))).isNull():
            made.append(replace(tile, image=image))
    if made or medium.samples is None:
        return made
    sheet = QImage(str(model.folder / "sheet.png"))
    if not fits(sheet, medium.samples):
        return []
    return [ExampleTile("", image=sheet.copy(cell)) for cell in cells(sheet, medium.samples)[:SHEET]]


class ExampleButton(QAbstractButton):
    """Draws an example; the whole of it is a button."""

    def __init__(self, tile: ExampleTile, at: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.tile = tile
        self.setObjectName(f"example-{at + 1}")
        words = tr("Make: {example}").format(example=tile.words) if tile.words else tr("Make an example like this")
        self.setAccessibleName(words)
        self.setToolTip(words)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._shown = QPixmap()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._shown = QPixmap()

    def keyPressEvent(self, e: QKeyEvent) -> None:
        if e.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif e.key() in ARROWS:
            e.ignore()  # the wall knows what is where
        else:
            super().keyPressEvent(e)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.update()

    def paintEvent(self, e: QPaintEvent) -> None:
        look, painter = theme(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(2, 2, -2, -2)
        if self.tile.image is not None:
            placeholder.picture(painter, box, self._scaled(self.tile.image, box), SIZE.radius)
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.colour("paper"))
            painter.drawRoundedRect(box, SIZE.radius, SIZE.radius)
            if self.tile.text:
                larger = min(LARGEST, max(1.0, box.width() / (1.8 * look.text_width(SHORTEST_LINE))))
                inset = round(16 * larger)
                heading = look.font(1.15 * larger, strong=True, reading=True)
                inside = box.adjusted(inset, inset - 2, -inset, -inset + 4)
                paint_text(painter, self.tile.text, inside, heading, look.font(0.9 * larger, reading=True))
            else:
                self._paint_sound(painter, box.adjusted(16, 12, -16, -12))
        marked = self.hasFocus() or self.underMouse()
        if marked or self.tile.image is None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(look.colour("accent" if marked else "line"), 2 if marked else 1))
            painter.drawRoundedRect(box, SIZE.radius, SIZE.radius)
        painter.end()

    def _scaled(self, image: QImage, box: QRectF) -> QPixmap:
        ratio = self.devicePixelRatioF()
        size = QSize(round(box.width() * ratio), round(box.height() * ratio))
        if self._shown.size() != size:
            smooth = Qt.TransformationMode.SmoothTransformation
            self._shown = QPixmap.fromImage(image.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, smooth))
        return self._shown

    def _paint_sound(self, painter: QPainter, box: QRectF) -> None:
        """What it is, above its waveform; the button to play it stands at the left of that."""
        look = theme()
        font = look.font(strong=True)
        painter.setFont(font)
        painter.setPen(look.colour("ink"))
        line = QRectF(box.left(), box.top(), box.width(), painter.fontMetrics().height())
        words = painter.fontMetrics().elidedText(self.tile.words, Qt.TextElideMode.ElideRight, int(line.width()))
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)
        wave = box.adjusted(36, line.height() + 8, 0, 0)
        bars = max(1, min(len(self.tile.peaks), int(wave.width() / 4)))
        highest = max(self.tile.peaks) or 1.0
        painter.setPen(QPen(look.colour("accent"), 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        for at in range(bars):
            part = self.tile.peaks[at * len(self.tile.peaks) // bars : (at + 1) * len(self.tile.peaks) // bars]
            half = max(1.0, max(part) / highest * (wave.height() - 4) / 2)
            x, y = wave.left() + (at + 0.5) * wave.width() / bars, wave.center().y()
            painter.drawLine(QRectF(x, y - half, 0, 2 * half).topLeft(), QRectF(x, y - half, 0, 2 * half).bottomLeft())


class ExampleWall(QWidget):
    """As many examples as have room, as large as fit. `chosen(tile)`; `failed(error)` where a sound cannot be played.

    The arrow keys move among them. `player` is what plays; None makes one when it is first needed.
    """

    chosen = Signal(object)
    failed = Signal(object)

    def __init__(self, player: SoundPlayer | None = None) -> None:
        super().__init__()
        self.setObjectName("exampleWall")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(tr("Examples of this model"))
        self.device = ""
        self.buttons: list[ExampleButton] = []
        self.players: list[QAbstractButton] = []
        self._columns = 1
        self._player = player
        self._playing: QAbstractButton | None = None
        self._reading = LatestOnly(self)
        self._listen = timer(self, self._heard, LISTEN, repeat=True)
        theme().changed.connect(self.update)

    def show_tiles(self, tiles: Sequence[ExampleTile]) -> None:
        """Show these in place of the others."""
        self.stop()
        for old in self.buttons:
            old.setParent(None)
            old.deleteLater()
        self.buttons, self.players = [], []
        for at, tile in enumerate(tiles):
            made = ExampleButton(tile, at, self)
            made.clicked.connect(lambda _=False, tile=tile: self.chosen.emit(tile))
            self.buttons.append(made)
            if tile.sound is not None:
                play = tool("play", tr("Play: {example}").format(example=tile.words), f"example-{at + 1}.play")
                play.setParent(made)
                play.clicked.connect(lambda _=False, play=play, path=tile.sound: self._play(play, path))
                self.players.append(play)
        self._arrange()

    def minimumSizeHint(self) -> QSize:
        return QSize(2 * PICTURE_LEAST, PICTURE_LEAST)

    def sizeHint(self) -> QSize:
        return QSize(640, 480)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange()

    def _arrange(self) -> None:
        """The columns and rows that cover most of the room, rather many than few; examples that have none are left out,
        from the end.
        """
        if not self.buttons or self.width() < GAP or self.height() < GAP:
            return
        first = self.buttons[0].tile
        if first.image is not None:
            shape, least, most = first.image.size(), PICTURE_LEAST, int(first.image.width() * SHARPEST)
        else:
            line = theme().text_width(SHORTEST_LINE)
            shape, least, most = PAGE if first.text else WAVE, line, round(LONGEST_LINE * line)
        high_over_wide = shape.height() / shape.width()

        def wide(columns: int, rows: int) -> int:
            across = (self.width() - (columns - 1) * GAP) / columns
            down = (self.height() - (rows - 1) * GAP) / rows / high_over_wide
            return min(most, math.floor(min(across, down)))

        number = len(self.buttons)
        grids = [(columns, rows) for columns in range(1, number + 1) for rows in range(1, number // columns + 1)]

        def worth(columns: int, rows: int) -> tuple[bool, float]:
            shown, side = columns * rows, wide(columns, rows)
            return side >= least, side if side < least else shown * side**2 * (1 - FEW / shown)

        columns, rows = max(grids, key=lambda grid: worth(*grid))
        self._columns, side = columns, max(1, wide(columns, rows))
        tall = max(1, round(side * high_over_wide))
        left = (self.width() - columns * side - (columns - 1) * GAP) // 2
        top = (self.height() - rows * tall - (rows - 1) * GAP) // 2
        for at, each in enumerate(self.buttons):
            across, down = at % columns, at // columns
            each.setGeometry(QRect(left + across * (side + GAP), top + down * (tall + GAP), side, tall))
            each.setVisible(down < rows)
        for play in self.players:
            size = play.sizeHint()
            play.setGeometry(QRect(12, (tall + theme().scaled(20) - size.height()) // 2, size.width(), size.height()))
            play.show()

    @property
    def shown(self) -> list[ExampleButton]:
        """Those that have room."""
        return [each for each in self.buttons if not each.isHidden()]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The arrow keys, which buttons leave to what holds them."""
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -self._columns,
            Qt.Key.Key_Down: self._columns,
        }
        shown, key = self.shown, Qt.Key(event.key())
        here = next((at for at, each in enumerate(shown) if each.hasFocus()), None)
        if key not in steps or here is None:
            super().keyPressEvent(event)
            return
        there = here + steps[key]
        if 0 <= there < len(shown):
            shown[there].setFocus(Qt.FocusReason.OtherFocusReason)

    def _play(self, button: QAbstractButton, path: Path) -> None:
        """Play a sound from its beginning; the one that plays is stopped."""
        before = self._playing
        self.stop()
        if before is button:
            return

        def read() -> Audio:
            from studio.media import codecs

            found = codecs.read(path)
            assert isinstance(found, Audio)
            return found

        def play(audio: Audio) -> None:
            from studio.ui.widgets.sound_player import SoundPlayer

            try:
                if self._player is None:
                    self._player = SoundPlayer()
                self._player.device = self.device
                self._player.load(audio)
                self._player.play()
            except StudioError as error:
                self.failed.emit(error)
                return
            self._playing = button
            icons.set_icon(button, "pause", size=18)
            self._listen.start()

        self._reading.run(read, play, self.failed.emit)

    def _heard(self) -> None:
        if self._player is None or not self._player.playing:
            self.stop()

    def stop(self) -> None:
        """Stop what plays."""
        self._reading.discard()
        self._listen.stop()
        if self._player is not None:
            self._player.stop()
        if self._playing is not None:
            icons.set_icon(self._playing, "play", size=18)
            self._playing = None

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.stop()
