"""Basic widgets: labels, buttons, check boxes, switches, numbers, sliders, bars, layouts, tables and timers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TypeAlias, TypeVar

from PySide6.QtCore import (
    QEvent,
    QObject,
    QPoint,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
    QVariantAnimation,
    Signal,
    SignalInstance,
)
from PySide6.QtGui import QFontMetrics, QKeySequence, QPainter, QPaintEvent, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLayoutItem,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.errors import StudioError
from studio.ui.widgets import icons
from studio.ui.widgets.text import failure, tr
from studio.ui.widgets.theme import SIZE, theme

CHECK_BOX = 18  # pixels
SHARES = 10_000  # steps of a progress bar at most
FLOW_GAP = 6  # pixels between the widgets of a FlowLayout
TABLE_GAPS = (12, 6)  # pixels between columns and between lines
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
    return made


Item: TypeAlias = QWidget | QLayout | tuple[QWidget | QLayout, int] | int | None
"""A widget or a layout, either with its share of the room; pixels of space; None for a stretch."""


def add(layout: QBoxLayout, *items: Item) -> None:
    """Put items at the end of a row or column."""
    for item in items:
        part, share = item if isinstance(item, tuple) else (item, 0)
        if part is None:
            layout.addStretch(1)
        elif isinstance(part, int):
            layout.addSpacing(part)
        elif isinstance(part, QWidget):
            layout.addWidget(part, share)
        else:
            layout.addLayout(part, share)


def row(*items: Item, spacing: int = SIZE.small, margins: Sequence[int] = (0, 0, 0, 0)) -> QHBoxLayout:
    """Items side by side."""
    made = QHBoxLayout()
    made.setSpacing(spacing)
    made.setContentsMargins(*margins)
    add(made, *items)
    return made


def column(
    parent: QWidget | None = None,
    *items: Item,
    spacing: int = SIZE.small,
    margins: Sequence[int] = (0, 0, 0, 0),
) -> QVBoxLayout:
    """Items below each other, as the layout of `parent` if there is one."""
    made = QVBoxLayout() if parent is None else QVBoxLayout(parent)
    made.setSpacing(spacing)
    made.setContentsMargins(*margins)
    add(made, *items)
    return made


def timer(
    parent: QObject, do: Callable[[], object] | SignalInstance, milliseconds: int = 0, *, repeat: bool = False
) -> QTimer:
    """A timer that is to be started; it runs `do` once, or until it is stopped."""
    made = QTimer(parent, singleShot=not repeat, interval=milliseconds)
    made.timeout.connect(do)
    return made


Named = TypeVar("Named", bound=QWidget)


def named(widget: Named, name: str, words: str = "", hint: str = "") -> Named:
    """The widget, with its object name, its name for screen readers and its tool tip."""
    widget.setObjectName(name)
    if words:
        widget.setAccessibleName(words)
    if hint:
        widget.setToolTip(hint)
    return widget


class ScaledSize(QObject):
    """Keeps a widget `wide` or `high` pixels at the usual size of text, more where text is larger."""

    def __init__(self, widget: QWidget, *, wide: int = 0, high: int = 0) -> None:
        super().__init__(widget)
        self._widget, self._wide, self._high = widget, wide, high
        theme().changed.connect(self._apply)
        self._apply()

    def _apply(self) -> None:
        if self._wide:
            self._widget.setFixedWidth(theme().scaled(self._wide))
        if self._high:
            self._widget.setFixedHeight(theme().scaled(self._high))


def scrolling(inside: QWidget) -> QScrollArea:
    """`inside`, as wide as there is room, to be scrolled up and down where it is higher; the keyboard goes past it."""
    area = QScrollArea()
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(inside)
    return area


def keep_place(widget: QWidget) -> None:
    """Nothing around it moves when it is hidden or shown."""
    kept = widget.sizePolicy()
    kept.setRetainSizeWhenHidden(True)
    widget.setSizePolicy(kept)


def clear_layout(layout: QLayout) -> None:
    """Take out what lies in it, for good."""
    while (old := layout.takeAt(0)) is not None:
        widget = old.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()


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


class ComboBox(QComboBox):
    """A choice that scrolling past does not change, with an arrow in the family of the icons."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        self.setMaxVisibleItems(14)

    def wheelEvent(self, e: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(e)
        else:
            e.ignore()

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

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


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
        if self.hasFocus():
            super().wheelEvent(e)
        else:
            e.ignore()


class MessageBar(QFrame):
    """A line of words where it belongs: what happened, what to do, and the buttons that do it."""

    dismissed = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName("bar")
        self._icon = IconLabel()
        self._title = label("", "label", name=f"{name}Title", wrap=True, selectable=True)
        self._hint = label("", name=f"{name}Hint", wrap=True, selectable=True)
        self._buttons = row()
        self._close = tool("close", tr("Dismiss"), f"{name}Close", clicked=self.dismiss, size=14)
        words = column(None, self._title, self._hint, spacing=2)
        self._content = row((words, 1), self._buttons, spacing=12)
        self.setLayout(row(self._icon, (self._content, 1), self._close, spacing=12, margins=(14, 8, 8, 8)))
        self.hide()

    def show_error(self, error: BaseException, actions: Sequence[tuple[str, str, Callable[[], object]]] = ()) -> None:
        """Say what happened and what to do about it; `actions` as for `show_message`."""
        self.show_message(*failure(error), kind="error", actions=actions)

    def show_message(
        self,
        title: str,
        hint: str = "",
        *,
        kind: str = "notice",
        actions: Sequence[tuple[str, str, Callable[[], object]]] = (),
        closable: bool = True,
    ) -> None:
        """Show the words; `actions` are (text, object name, what it does)."""
        self.setProperty("kind", kind)
        self.style().unpolish(self)
        self.style().polish(self)
        self._icon.show_icon(*("alert", "danger") if kind == "error" else ("info", "accent"))
        self._title.setText(title)
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        clear_layout(self._buttons)
        for text, name, act in actions:
            self._buttons.addWidget(button(text, name, clicked=act))
        self._close.setVisible(closable)
        self.setAccessibleName(title)
        self.setAccessibleDescription(hint)
        self._place_buttons()
        self.show()

    @contextlib.contextmanager
    def errors(self) -> Generator[None]:
        """Show a StudioError that is raised in the block."""
        try:
            yield
        except StudioError as error:
            self.show_error(error)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_buttons()

    def minimumSizeHint(self) -> QSize:
        """As narrow as with its buttons below the words."""
        texts = max(each.minimumSizeHint().width() for each in (self._title, self._hint))
        return QSize(
            max(texts, self._buttons.minimumSize().width()) + self._margins(), super().minimumSizeHint().height()
        )

    def _margins(self) -> int:
        """The width of all but the words and the buttons."""
        return 14 + self._icon.width() + 12 + 12 + self._close.sizeHint().width() + 8

    def _place_buttons(self) -> None:
        """Beside the words where there is room for both, else below them."""
        texts = max(each.minimumSizeHint().width() for each in (self._title, self._hint))
        beside = texts + 12 + self._buttons.minimumSize().width() + self._margins() <= self.width()
        way = QBoxLayout.Direction
        self._content.setDirection(way.LeftToRight if beside else way.TopToBottom)
        self._buttons.setAlignment(Qt.AlignmentFlag.AlignLeft if not beside else Qt.AlignmentFlag(0))

    def message(self) -> str:
        return f"{self._title.text()} {self._hint.text()}".strip() if not self.isHidden() else ""

    def dismiss(self) -> None:
        self.hide()
        self.dismissed.emit()


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


def fact_table(lines: Iterable[tuple[str, str]], name: str) -> QWidget:
    """(name, value) lines; a value too long to stand beside its name stands below it."""
    form = QFormLayout()
    form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
    for words, value in lines:
        form.addRow(label(words, "caption"), label(value, wrap=True, selectable=True))
    return _table(form, name)


def column_table(lines: Iterable[Sequence[QWidget]], name: str, *, first: int = 0) -> QWidget:
    """Lines of as many cells each, the last column as wide as there is room; `first` pixels at least for the first."""
    grid = QGridLayout()
    grid.setColumnMinimumWidth(0, first)
    for at, cells in enumerate(lines):
        for place, cell in enumerate(cells):
            grid.addWidget(cell, at, place, Qt.AlignmentFlag.AlignTop)
    grid.setColumnStretch(grid.columnCount() - 1, 1)
    return _table(grid, name)


def _table(layout: QFormLayout | QGridLayout, name: str) -> QWidget:
    table = QWidget()
    table.setObjectName(name)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setHorizontalSpacing(TABLE_GAPS[0])
    layout.setVerticalSpacing(TABLE_GAPS[1])
    table.setLayout(layout)
    return table


class FlowLayout(QLayout):
    """Widgets side by side, going on in the next line where the width ends."""

    def __init__(self) -> None:
        super().__init__()
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, arg__1: QLayoutItem) -> None:
        self._items.append(arg__1)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # type: ignore[override]
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:  # type: ignore[override]
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, arg__1: int) -> int:
        return self._place(QRect(0, 0, arg__1, 0), move=False)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        widest = max((item.minimumSize().width() for item in self._items), default=0)
        return QSize(widest, 0)

    def setGeometry(self, arg__1: QRect) -> None:
        super().setGeometry(arg__1)
        self._place(arg__1, move=True)

    def _place(self, rect: QRect, *, move: bool) -> int:
        """The height that the lines take; with `move` each item is put where it belongs."""
        x, y, high = rect.x(), rect.y(), 0
        for item in self._items:
            size = item.sizeHint()
            if x > rect.x() and x + size.width() > rect.right() + 1:
                x, y, high = rect.x(), y + high + FLOW_GAP, 0
            if move:
                item.setGeometry(QRect(QPoint(x, y), QSize(min(size.width(), rect.width()), size.height())))
            x, high = x + size.width() + FLOW_GAP, max(high, size.height())
        return y + high - rect.y()
