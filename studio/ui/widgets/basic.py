"""Small controls that several pages share: labels, buttons, numbers, a calm bar of words; knows nothing of works."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeySequence, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.ui.widgets import icons
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE, theme

ICON, GAP = 16, 4  # of the icon in a button with words, and more room between them than the style leaves


def label(text: str, role: str = "", *, wrap: bool = False, selectable: bool = False) -> QLabel:
    made = QLabel(text)
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
    clicked: Callable[[], object] | None = None,
) -> QPushButton:
    """A button with words, and an icon before or `after` them."""
    made = QPushButton(text)
    made.setObjectName(name)
    made.setAccessibleName(text)
    made.setAutoDefault(False)
    if keys is not None:
        made.setToolTip(tip(text, keys))
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
    made = QToolButton()
    made.setObjectName(name)
    made.setToolTip(tip(text, keys))
    made.setAccessibleName(text)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setCheckable(bool(checked))
    made.setIconSize(QSize(size, size))
    icons.set_icon(made, icon, size=size, checked=checked)
    if clicked is not None:
        made.clicked.connect(lambda: clicked())
    return made


def row(*widgets: QWidget | None, spacing: int = SIZE.small, margins: Sequence[int] = (0, 0, 0, 0)) -> QHBoxLayout:
    """Widgets side by side; None is a stretch."""
    made = QHBoxLayout()
    made.setSpacing(spacing)
    made.setContentsMargins(*margins)
    for widget in widgets:
        if widget is None:
            made.addStretch(1)
        else:
            made.addWidget(widget)
    return made


def column(
    parent: QWidget | None = None, spacing: int = SIZE.small, margins: Sequence[int] = (0, 0, 0, 0)
) -> QVBoxLayout:
    made = QVBoxLayout() if parent is None else QVBoxLayout(parent)
    made.setSpacing(spacing)
    made.setContentsMargins(*margins)
    return made


def scrolling(inside: QWidget) -> QScrollArea:
    """`inside`, as wide as there is room, to be scrolled up and down where it is higher; the keyboard goes past it."""
    area = QScrollArea()
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(inside)
    return area


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
        self._icon = QLabel()
        self._icon.setFixedSize(20, 20)
        self._title = label("", "label", wrap=True, selectable=True)
        self._hint = label("", wrap=True, selectable=True)
        self._title.setObjectName(f"{name}Title")
        self._hint.setObjectName(f"{name}Hint")
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(SIZE.small)
        self._close = tool("close", tr("Dismiss"), f"{name}Close", clicked=self.dismiss, size=14)
        words = column(spacing=2)
        words.addWidget(self._title)
        words.addWidget(self._hint)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(14, 8, 8, 8)
        whole.setSpacing(12)
        whole.addWidget(self._icon)
        whole.addLayout(words, 1)
        whole.addLayout(self._buttons)
        whole.addWidget(self._close)
        self._sign = ("info", "ink")
        theme().changed.connect(self._tint)
        self.hide()

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
        self._sign = ("alert", "danger") if kind == "error" else ("info", "accent")
        self._tint()
        self._title.setText(title)
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        clear_layout(self._buttons)
        for text, name, act in actions:
            self._buttons.addWidget(button(text, name, clicked=act))
        self._close.setVisible(closable)
        self.setAccessibleName(title)
        self.setAccessibleDescription(hint)
        self.show()

    def message(self) -> str:
        return f"{self._title.text()} {self._hint.text()}".strip() if not self.isHidden() else ""

    def dismiss(self) -> None:
        self.hide()
        self.dismissed.emit()

    def _tint(self) -> None:
        self._icon.setPixmap(icons.pixmap(*self._sign, ratio=self.devicePixelRatioF()))
