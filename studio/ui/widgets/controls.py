"""Controls: labels, buttons, check boxes, switches, choices, numbers, sliders and progress bars."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import (
    QEvent,
    QPoint,
    QPointF,
    QRectF,
    QSize,
    Qt,
    QVariantAnimation,
)
from PySide6.QtGui import QFontMetrics, QKeySequence, QPainter, QPaintEvent, QPen, QResizeEvent, QValidator, QWheelEvent
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QToolButton,
    QToolTip,
    QWidget,
)

from studio.ui.widgets import icons
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE, theme

CHECK_BOX = 18  # pixels
SHARES = 10_000  # steps of a progress bar at most
ICON, GAP = 16, 4  # of the icon in a button with words, and more room between them than the style leaves


def label(text: str, role: str = "", *, name: str = "", wrap: bool = False, selectable: bool = False) -> QLabel:
    made = QLabel(text)
    made.setObjectName(name)
    made.setTextFormat(Qt.TextFormat.PlainText)
    if role:
        made.setProperty("role", role)
    made.setWordWrap(wrap)
    if selectable:
        made.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
    return made


def tip(words: str, keys: QKeySequence | None) -> str:
    """A tool tip: the words, and the shortcut in brackets where there is one."""
    shown = "" if keys is None else keys.toString(QKeySequence.SequenceFormat.NativeText)
    return tr("{words} ({keys})").format(words=words, keys=shown) if shown else words


def button(
    text: str,
    name: str,
    role: str = "",
    *,
    icon: str = "",
    after: bool = False,
    keys: QKeySequence | None = None,
    hint: str = "",
    clicked: Callable[[], object] | None = None,
) -> QPushButton:
    """A button with words, and an icon before or `after` them; `hint` is its tool tip."""
    made = named(QPushButton(text), name, text, hint or ("" if keys is None else tip(text, keys)))
    made.setAutoDefault(False)
    if role:
        made.setProperty("role", role)
    if icon:
        tone = {"primary": "on_accent", "quiet": "accent"}.get(role, "ink")
        icons.set_icon(made, icon, tone, size=ICON, gap=-GAP if after else GAP)
        made.setIconSize(QSize(ICON + GAP, ICON))
        if after:
            made.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    if clicked is not None:
        made.clicked.connect(lambda: clicked())
    return made


def clearable(line: QLineEdit) -> None:
    """Give a line of text a button that empties it."""
    line.setClearButtonEnabled(True)
    for inner in line.findChildren(QToolButton):
        inner.setAccessibleName(tr("Clear"))


def tool(
    icon: str,
    text: str,
    name: str,
    *,
    checked: str = "",
    keys: QKeySequence | None = None,
    clicked: Callable[[], object] | None = None,
    size: int = 18,
) -> QToolButton:
    """A button that is only an icon; `text` is its name for screen readers and, with its shortcut, its tool tip."""
    made = named(QToolButton(), name, text, tip(text, keys))
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setCheckable(bool(checked))
    made.setIconSize(QSize(size, size))
    icons.set_icon(made, icon, size=size, checked=checked)
    if clicked is not None:
        made.clicked.connect(lambda: clicked())
    return made


def segment(text: str, name: str, role: str = "segment", *, hint: str = "") -> QToolButton:
    """A button that stays pressed: one of several to choose from, or a switch of its own."""
    made = named(QToolButton(), name, text, hint)
    made.setText(text)
    made.setProperty("role", role)
    made.setCheckable(True)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.clicked.connect(lambda: _take_focus(made))
    return made


def _take_focus(clicked: QToolButton) -> None:
    """Move the focus from another of the same buttons to the one that was clicked: a ring stays on none behind."""
    focused = QApplication.focusWidget()
    if not isinstance(focused, QToolButton) or focused.parent() is not clicked.parent():
        return
    if focused.property("role") == clicked.property("role"):
        clicked.setFocus(Qt.FocusReason.OtherFocusReason)


Named = TypeVar("Named", bound=QWidget)


def named(widget: Named, name: str, words: str = "", hint: str = "") -> Named:
    """The widget, with its object name, its name for screen readers and its tool tip."""
    widget.setObjectName(name)
    if words:
        widget.setAccessibleName(words)
    if hint:
        widget.setToolTip(hint)
    return widget


class ElidedLabel(QLabel):
    """One line that ends in an ellipsis where it does not fit; the whole of it is the tool tip."""

    def __init__(self, text: str = "", role: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._whole = ""
        self.set_text(text)

    def set_text(self, text: str) -> None:
        self._whole = " ".join(text.split())
        self.setAccessibleName(self._whole)
        self._fit()

    def full_text(self) -> str:
        return self._whole

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange):
            self._fit()

    def _fit(self) -> None:
        shown = QFontMetrics(self.font()).elidedText(self._whole, Qt.TextElideMode.ElideRight, self.width())
        self.setToolTip("" if shown == self._whole else self._whole)
        if shown != self.text():
            self.setText(shown)


class IconLabel(QLabel):
    """An icon in one of the theme's colours; `size` are its pixels."""

    def __init__(self, name: str = "", colour: str = "ink", size: int = SIZE.icon) -> None:
        super().__init__()
        self._size, self._drawn = size, ("", "", 0.0)
        self.setFixedSize(size, size)
        theme().changed.connect(self._tint)
        self.show_icon(name, colour)

    def show_icon(self, name: str, colour: str) -> None:
        """Draw it if it is another: some callers say it with every frame."""
        self._icon = name, colour
        if name and (name, colour, self.devicePixelRatioF()) != self._drawn:
            self._drawn = name, colour, self.devicePixelRatioF()
            self.setPixmap(icons.pixmap(name, colour, self._size, self.devicePixelRatioF()))

    def _tint(self) -> None:
        self._drawn = ("", "", 0.0)
        self.show_icon(*self._icon)


class ProgressBar(QProgressBar):
    """A bar without words; `wide` pixels, or as wide as there is room."""

    def __init__(self, wide: int = 0) -> None:
        super().__init__()
        self.setTextVisible(False)
        self.setAccessibleName(tr("Progress"))
        if wide:
            self.setFixedWidth(wide)

    def show_progress(self, done: float, total: float) -> None:
        """Without a total, something goes on. A bar counts in 32 bits, which bytes exceed: large totals are scaled."""
        share = 1 if total <= SHARES else SHARES / total
        self.setRange(0, round(total * share))
        self.setValue(round(min(done, total) * share))


def scroll_focused(control: QWidget, turn: Callable[[QWheelEvent], object], event: QWheelEvent) -> None:
    """Give the wheel to a control that has the focus; scrolling past another one moves the page, not its value."""
    if control.hasFocus():
        turn(event)
    else:
        event.ignore()


class ComboBox(QComboBox):
    """A choice that scrolling past does not change, with an arrow in the family of the icons."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        self.setMaxVisibleItems(14)

    def wheelEvent(self, e: QWheelEvent) -> None:
        scroll_focused(self, super().wheelEvent, e)

    def paintEvent(self, e: QPaintEvent) -> None:
        super().paintEvent(e)
        painter = QPainter(self)
        side = 16
        box = QRectF(self.width() - side - 9, (self.height() - side) / 2, side, side)
        icons.paint(painter, "chevron-down", box, "muted" if self.isEnabled() else "disabled")
        painter.end()


class NumberBox(QDoubleSpinBox):
    """A number to type; arrow keys step it, scrolling past does not. `low_word` stands for the lowest value."""

    def __init__(self, low: float, high: float, step: float, unit: str = "", low_word: str = "") -> None:
        super().__init__()
        whole = isinstance(step, int)
        self.setDecimals(0 if whole else max(1, len(f"{step:.6f}".rstrip("0").split(".")[1])))
        self.setRange(low, high)
        self.setSingleStep(step)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setKeyboardTracking(False)
        self.lineEdit().setTextMargins(8, 0, 8, 0)
        if unit:
            self.setSuffix(f" {unit}")
        if low_word:
            self.setSpecialValueText(low_word)

    def validate(self, input: str, pos: int) -> tuple[QValidator.State, str, int]:
        """Let a number be typed that is too large: `fixup` says so, where digits would only be lost."""
        found = super().validate(input, pos)
        if self._typed(input) > self.maximum():
            return QValidator.State.Intermediate, input, pos
        return found

    def fixup(self, str: str) -> str:
        """The largest value in place of one that is too large, with a word about it."""
        if self._typed(str) <= self.maximum():
            return super().fixup(str)
        highest = self.textFromValue(self.maximum()) + self.suffix()
        words = tr("At most {number}").format(number=highest)
        QToolTip.showText(self.mapToGlobal(QPoint(0, self.height() // 2)), words, self)
        return highest

    def _typed(self, text: str) -> float:
        """The number that is typed; 0 where it is none."""
        return self.locale().toDouble(text.removesuffix(self.suffix()).strip())[0]

    def wheelEvent(self, event: QWheelEvent) -> None:
        scroll_focused(self, super().wheelEvent, event)


class SeedBox(QSpinBox):
    """A whole number up to 2**31 - 1 that scrolling past does not change."""

    def __init__(self) -> None:
        super().__init__()
        self.setRange(0, 2**31 - 1)
        self.lineEdit().setTextMargins(8, 0, 8, 0)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class QuietSlider(QSlider):
    """A slider that scrolling past does not change."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)

    def wheelEvent(self, e: QWheelEvent) -> None:
        scroll_focused(self, super().wheelEvent, e)


class CheckBox(QCheckBox):
    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        named(self, name, text)
        theme().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(CHECK_BOX + SIZE.small + theme().text_width(self.text()) + 4, theme().scaled(28))

    def hitButton(self, pos: QPoint) -> bool:
        return self.rect().contains(pos)

    def paintEvent(self, e: QPaintEvent) -> None:
        look = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(1.5, (self.height() - CHECK_BOX) / 2, CHECK_BOX, CHECK_BOX)
        on = self.isChecked()
        edge = "accent" if on or self.hasFocus() else "outline"
        painter.setPen(QPen(look.colour(edge), 2 if self.hasFocus() else 1))
        painter.setBrush(look.colour("accent" if on else "field"))
        painter.drawRoundedRect(box, 4, 4)
        if on:
            icons.paint(painter, "tick", box.adjusted(1, 1, -1, -1), "on_accent")
        if self.hasFocus() and on:
            painter.setPen(QPen(look.colour("ink"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box, 4, 4)
        painter.setPen(look.colour("ink" if self.isEnabled() else "disabled"))
        words = QRectF(self.rect()).adjusted(CHECK_BOX + SIZE.small + 2, 0, 0, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text())
        painter.end()


class Switch(QCheckBox):
    def __init__(self) -> None:
        super().__init__()
        self._place = 0.0  # of the knob: 0 is off, 1 is on
        self._slide = QVariantAnimation(self)
        self._slide.valueChanged.connect(self._moved)
        self.toggled.connect(self._turn)

    def sizeHint(self) -> QSize:
        return QSize(38, 24)

    def hitButton(self, pos: object) -> bool:
        return True

    def _turn(self, on: bool) -> None:
        self._slide.stop()
        wait = theme().motion if self.isVisible() else 0
        if not wait:
            self._moved(float(on))
            return
        self._slide.setStartValue(self._place)
        self._slide.setEndValue(float(on))
        self._slide.setDuration(wait)
        self._slide.start()

    def _moved(self, place: float) -> None:
        self._place = place
        self.update()

    def paintEvent(self, e: QPaintEvent) -> None:
        look = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(1, (self.height() - 20) / 2, 36, 20)
        on = self.isChecked()
        ground = look.colour("accent" if on else "field") if self.isEnabled() else look.colour("hover")
        edge = look.colour("accent" if on else "outline") if self.isEnabled() else look.colour("line")
        painter.setPen(QPen(edge, 1))
        painter.setBrush(ground)
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 10, 10)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.colour("on_accent" if on else "muted") if self.isEnabled() else look.colour("disabled"))
        painter.drawEllipse(QPointF(box.left() + 10 + self._place * (box.width() - 20), box.center().y()), 6, 6)
        if self.hasFocus():
            painter.setPen(QPen(look.colour("ink" if on else "accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 9, 9)
        painter.end()
