"""The welcome page of the first start: one click creates an example of each medium."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QImage, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QAbstractButton, QGridLayout, QSizePolicy, QStyle, QStyleOptionButton, QWidget

from studio.backends import MEDIA
from studio.backends.medium import Medium, SampleSheet
from studio.models.catalog import Catalog
from studio.ui.background import BackgroundTasks, Failure
from studio.ui.pages.sample_sheets import fits, sample
from studio.ui.widgets import icons
from studio.ui.widgets.controls import button, label
from studio.ui.widgets.layout import add, column, row
from studio.ui.widgets.page import Page
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE, theme

SHAPE = 0.62  # height of a picture for its width
SQUARES = 4  # square samples in a row
BARS = 36  # of the waveform that stands for sounds


class WelcomePage(Page):
    """`chosen(medium)`: create an example of it; empty: look around first."""

    chosen = Signal(str)

    def __init__(self, catalog: Catalog) -> None:
        super().__init__()
        self._aside = BackgroundTasks(self)
        title = label(tr("What would you like to create first?"), "title", name="welcomeTitle")
        title.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        words = label(
            tr(
                "Everything runs on this computer, with small models that come with the studio. "
                "Nothing you write or make leaves it. Choose one to create an example."
            ),
            "muted",
            wrap=True,
        )
        words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        words.setFixedWidth(560)
        self.cards: list[WelcomeCard] = []
        grid = QGridLayout()
        grid.setSpacing(SIZE.medium)
        for at, medium in enumerate(MEDIA):
            card = WelcomeCard(medium)
            card.clicked.connect(lambda _=False, name=medium.name: self.chosen.emit(name))
            self.cards.append(card)
            grid.addWidget(card, at // 2, at % 2)
            if medium.stage == "image":
                self._fetch(card, catalog)
        holder = QWidget()
        holder.setLayout(grid)
        holder.setMaximumWidth(760)
        later = button(tr("Look around first"), "welcomeLater", "quiet", clicked=lambda: self.chosen.emit(""))
        middle = row(None, (holder, 100), None)
        whole = column(self, spacing=SIZE.medium, margins=(32, 24, 32, 16))
        add(whole, None, title, row(None, words, None), (middle, 100), row(None, later, None), None)

    def hideEvent(self, event: QHideEvent) -> None:
        """Delete the page once another is shown; it is created again when it is asked for."""
        super().hideEvent(event)
        if not event.spontaneous():
            self._aside.close()
            self.deleteLater()

    def focus_first(self) -> None:
        self.cards[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def _fetch(self, card: WelcomeCard, catalog: Catalog) -> None:
        """Read the sample sheet of the starter on a thread."""

        name = card.medium.name

        def work() -> QImage:
            return QImage(str(catalog.default(name).folder / "sheet.png"))

        def silent(_error: Failure) -> None:
            """Without a model the card shows its icon; the page of the medium says what is missing."""

        self._aside.run(work, card.show_picture, silent)


class WelcomeCard(QAbstractButton):
    """A card with a sample of a medium; a click creates an example."""

    def __init__(self, medium: Medium) -> None:
        super().__init__()
        self.medium = medium
        taught = medium.onboarding
        self.setObjectName(f"welcome.{medium.name}")
        self.setText(tr(medium.title))
        self.setAccessibleName(tr(medium.title))
        self.setAccessibleDescription(tr(taught.heading))
        self.setToolTip(tr("Create an example"))
        self._words = tr(taught.heading)
        self._prompt = str(taught.examples[0].get("prompt", "")).strip("# \n")
        self._picture = QPixmap()
        self._sheet = QImage()  # whose samples are shown one by one
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, theme().scaled(64) + 80)
        theme().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(360, round(360 * SHAPE))

    def show_picture(self, sheet: QImage) -> None:
        """Show samples of a sheet; of one whose layout is not known, its top left."""
        if not sheet.isNull():
            samples = self.medium.samples
            self._sheet = sheet if samples is not None and fits(sheet, samples) else QImage()
            high = min(sheet.height(), round(sheet.width() * SHAPE))
            self._picture = QPixmap.fromImage(sheet.copy(0, 0, sheet.width(), high))
            self.update()

    def paintEvent(self, e: QPaintEvent) -> None:
        option = QStyleOptionButton()
        option.initFrom(self)
        look = theme()
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        path = QPainterPath()
        path.addRoundedRect(box, SIZE.card, SIZE.card)
        over = bool(option.state & QStyle.StateFlag.State_MouseOver)  # type: ignore[attr-defined]
        painter.fillPath(path, look.colour("pressed" if self.isDown() else "hover" if over else "surface"))
        foot = look.scaled(64)
        top = QRectF(box.left(), box.top(), box.width(), box.height() - foot)
        painter.save()
        painter.setClipPath(path)
        painter.setClipRect(top, Qt.ClipOperation.IntersectClip)
        self._draw(painter, top)
        painter.restore()
        self._write(painter, QRectF(box.left(), box.bottom() - foot, box.width(), foot).adjusted(16, 8, -16, -10))
        focused = self.hasFocus()
        painter.setPen(QPen(look.colour("accent" if focused or over else "line"), 2 if focused else 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)
        painter.end()

    def _draw(self, painter: QPainter, box: QRectF) -> None:
        look, samples = theme(), self.medium.samples
        if not self._sheet.isNull() and samples is not None:
            painter.fillRect(box, look.colour("mat"))
            if samples.width == samples.height:
                self._draw_squares(painter, box, samples)
            else:
                self._draw_strips(painter, box, samples)
        elif not self._picture.isNull():
            painter.fillRect(box, look.colour("mat"))
            part = self._picture.size().scaled(box.size().toSize(), Qt.AspectRatioMode.KeepAspectRatioByExpanding)
            shown = QRectF(box.left(), box.top(), part.width(), part.height())
            painter.drawPixmap(shown, self._picture, QRectF(self._picture.rect()))
        elif self._prompt:
            painter.fillRect(box, look.colour("paper"))
            painter.setFont(look.font(1.7, reading=True))
            painter.setPen(look.colour("ink"))
            how = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(box.adjusted(24, 8, -24, -8), how, self._prompt)
        elif self.medium.stage == "audio":
            painter.fillRect(box, look.colour("paper"))
            self._wave(painter, box.adjusted(24, 16, -24, -16))
        else:
            painter.fillRect(box, look.colour("accent_soft"))
            side = 40.0
            at = QRectF(box.center().x() - side / 2, box.center().y() - side / 2, side, side)
            icons.paint(painter, self.medium.icon, at, "accent")

    def _draw_squares(self, painter: QPainter, box: QRectF, samples: SampleSheet) -> None:
        """The top left samples of the sheet, in as many whole rows as fit."""
        cell = box.width() / SQUARES
        rows = max(1, int(box.height() / cell))
        part = QRectF(0, 0, SQUARES * samples.width, rows * samples.height)
        top = box.top() + max(0.0, (box.height() - rows * cell) / 2)
        painter.drawImage(QRectF(box.left(), top, box.width(), rows * cell), self._sheet, part)

    def _draw_strips(self, painter: QPainter, box: QRectF, samples: SampleSheet) -> None:
        """Samples side by side, cropped at top and bottom."""
        number = max(2, round(box.width() / box.height() * samples.height / samples.width))
        wide = box.width() / number
        high = min(float(samples.height), samples.width * box.height() / wide)
        for at in range(number):
            part = QRectF(sample(self._sheet, samples, at))
            part.adjust(0, (part.height() - high) / 2, 0, (high - part.height()) / 2)
            place = QRectF(box.left() + at * wide, box.top(), wide - (2 if at < number - 1 else 0), box.height())
            painter.drawImage(place, self._sheet, part)

    def _wave(self, painter: QPainter, box: QRectF) -> None:
        """A waveform as the stage draws one."""
        each = box.width() / BARS
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().colour("accent"))
        for at in range(BARS):
            swell = math.sin(math.pi * (at + 1) / (BARS + 1)) ** 0.7
            high = max(
                4.0, box.height() * swell * (0.35 + 0.3 * abs(math.sin(at * 1.7)) + 0.3 * abs(math.sin(at * 0.6)))
            )
            bar = QRectF(box.left() + at * each, box.center().y() - high / 2, each * 0.45, high)
            painter.drawRoundedRect(bar, bar.width() / 2, bar.width() / 2)

    def _write(self, painter: QPainter, box: QRectF) -> None:
        look = theme()
        half = box.height() / 2
        for at, (words, font, colour) in enumerate(
            ((self.text(), look.font(strong=True), "ink"), (self._words, look.font(), "muted"))
        ):
            painter.setFont(font)
            painter.setPen(look.colour(colour))
            line = QRectF(box.left(), box.top() + at * half, box.width(), half)
            shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, round(line.width()))
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
