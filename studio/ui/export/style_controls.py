"""The controls of an export's style: shape, background, margin and position."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QButtonGroup, QColorDialog, QHBoxLayout, QToolButton, QWidget

from studio.export.compose import PADDING, SHIFT, PictureStyle
from studio.ui.widgets.controls import ComboBox, NumberBox, QuietSlider, label, named, segment
from studio.ui.widgets.layout import add, column, row
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE, theme

SHAPES = (("square", "Rectangle"), ("circle", "Circle"), ("squircle", "Squircle"), ("rounded", "Rounded"))
GROUNDS = (("none", "None"), ("colour", "Colour"), ("gradient", "Gradient"), ("work", "Picture"))
PLACES = (("padding", "Margin", PADDING), ("across", "Horizontal", SHIFT), ("down", "Vertical", SHIFT))
STEPS = 100  # of a slider, in hundredths of the side
NAME = 96  # pixels of the label before a slider
BUTTON_SIDE = 30  # pixels of a colour button


class ColourButton(QToolButton):
    """Shows a colour. `chosen("#rrggbb")`: a fixed one was clicked, or a new colour was picked for another."""

    chosen = Signal(str)

    def __init__(self, name: str, words: str, colour: str, *, fixed: bool = False) -> None:
        super().__init__()
        self.setObjectName(name)
        self._words = words
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.show_colour(colour)
        self.clicked.connect(lambda: self.chosen.emit(self.colour) if fixed else self._ask())

    def sizeHint(self) -> QSize:
        return QSize(BUTTON_SIDE, BUTTON_SIDE)

    def show_colour(self, colour: str) -> None:
        self.colour = colour
        words = tr("{words}: {colour}").format(words=self._words, colour=colour)
        self.setAccessibleName(words)
        self.setToolTip(words)
        self.update()

    def _ask(self) -> None:
        dialog = named(QColorDialog(QColor(self.colour), self.window()), "pickColour")
        dialog.setWindowTitle(self._words)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.colorSelected.connect(self._picked)
        dialog.open()

    def _picked(self, colour: QColor) -> None:
        self.show_colour(colour.name())
        self.chosen.emit(colour.name())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(3, 3, -3, -3)
        ringed = self.hasFocus() or self.underMouse()
        painter.setPen(QPen(theme().colour("accent" if self.hasFocus() else "outline"), 2 if ringed else 1))
        painter.setBrush(QColor(self.colour))
        painter.drawRoundedRect(box, 6, 6)
        painter.end()


class StyleControls(QWidget):
    """`changed`: the style; `wanted(index)`: use another work of the list as the background."""

    changed = Signal()
    wanted = Signal(int)

    def __init__(self, look: PictureStyle) -> None:
        super().__init__()
        self._look = look
        self._sliders: dict[str, QuietSlider] = {}
        self._groups: dict[str, QButtonGroup] = {}
        whole = column(self, label(tr("Shape"), "label"), self._segments("shape", SHAPES), spacing=SIZE.small)
        add(whole, 4, label(tr("Background"), "label"), self._segments("ground", GROUNDS))
        self._paint = QWidget()
        self.first = ColourButton("colourFirst", tr("Colour"), look.colour)
        self.second = ColourButton("colourSecond", tr("Second colour"), look.second)
        self.angle = named(NumberBox(0, 359, 5, "°"), "angle", tr("Angle"), tr("Angle"))
        self.angle.setFixedWidth(84)
        self.angle.setValue(look.angle % 360)
        self._tints = row(None, spacing=0)
        column(self._paint, row(self.first, self.second, self.angle, None, spacing=4), self._tints, spacing=4)
        self.works = named(ComboBox(), "groundWork", tr("Background picture"), tr("Background picture"))
        whole.addWidget(self._paint)
        self._hidden = label(tr("The picture covers the background. A margin lets it show."), "muted", wrap=True)
        self._hidden.setObjectName("groundHidden")
        self._hidden.hide()
        add(whole, self.works, self._hidden, 4)
        for name, words, (low, high) in PLACES:
            whole.addLayout(self._slider(name, tr(words), low, high))
        self.first.chosen.connect(lambda colour: self._change(colour=colour))
        self.second.chosen.connect(lambda colour: self._change(second=colour))
        self.angle.valueChanged.connect(lambda angle: self._change(angle=float(angle)))
        self.works.activated.connect(self.wanted)
        self._show_ground()

    @property
    def look(self) -> PictureStyle:
        return self._look

    @property
    def last(self) -> QWidget:
        """The last control in the tab order."""
        return self._sliders[PLACES[-1][0]]

    def focus_shape(self) -> None:
        chosen = self._groups["shape"].checkedButton()
        if chosen is not None:
            chosen.setFocus()

    def set_choices(self, tints: Sequence[str], works: Sequence[str]) -> None:
        """Offer colours taken from the picture, and works to use as the background, by name."""
        self.works.addItems(list(works))
        self.findChild(QToolButton, "ground.work").setEnabled(bool(works))  # type: ignore[union-attr]
        for at, colour in enumerate(tints):
            made = ColourButton(f"tint{at}", tr("From the picture"), colour, fixed=True)
            made.chosen.connect(self._take)
            self._tints.insertWidget(at, made)

    def show_hidden(self, hidden: bool) -> None:
        """Say that the picture hides the background, where one is chosen."""
        self._hidden.setVisible(hidden and self._look.ground != "none")

    def move(self, across: float, down: float) -> None:  # type: ignore[override]
        """Move the picture by shares of the side."""
        low, high = SHIFT
        for name, by in (("across", across), ("down", down)):
            value = min(high, max(low, getattr(self._look, name) + by))
            self._look = dataclasses.replace(self._look, **{name: value})
            slider = self._sliders[name]
            with QSignalBlocker(slider):
                slider.setValue(round(value * STEPS))
        self.changed.emit()

    def _segments(self, name: str, options: Sequence[tuple[str, str]]) -> QHBoxLayout:
        group = self._groups[name] = QButtonGroup(self)
        line = row(spacing=2)
        for value, words in options:
            made = segment(tr(words), f"{name}.{value}", hint=tr(words))
            made.setChecked(getattr(self._look, name) == value)
            made.clicked.connect(lambda _=False, value=value: self._change(**{name: value}))
            group.addButton(made)
            line.addWidget(made)
        line.addStretch(1)
        return line

    def _slider(self, name: str, words: str, low: float, high: float) -> QHBoxLayout:
        slider = named(QuietSlider(), name, words, words)
        slider.setRange(round(low * STEPS), round(high * STEPS))
        slider.setPageStep(10)
        slider.setValue(round(getattr(self._look, name) * STEPS))
        slider.valueChanged.connect(lambda place: self._change(**{name: place / STEPS}))
        self._sliders[name] = slider
        said = label(words)
        said.setMinimumWidth(theme().scaled(NAME))
        said.setBuddy(slider)
        return row(said, (slider, 1))

    def _take(self, colour: str) -> None:
        self.first.show_colour(colour)
        self._change(colour=colour)

    def _change(self, **changes: object) -> None:
        self._look = dataclasses.replace(self._look, **changes)  # type: ignore[arg-type]
        self._show_ground()
        self.changed.emit()

    def _show_ground(self) -> None:
        ground = self._look.ground
        self._paint.setVisible(ground in ("colour", "gradient"))
        for widget in (self.second, self.angle):
            widget.setVisible(ground == "gradient")
        self.works.setVisible(ground == "work")
