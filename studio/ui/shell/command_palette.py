"""The command palette: type a few letters of a command, press Return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import shiboken6
from PySide6.QtCore import QEvent, QObject, QRect, QSize, Qt
from PySide6.QtGui import QHideEvent, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from studio.ui.widgets.controls import label, named
from studio.ui.widgets.layout import column
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE, theme

WIDE, HIGH = 560, 420
KEYS = Qt.ItemDataRole.UserRole + 1


@dataclass(frozen=True, slots=True)
class PaletteEntry:
    """One entry: its words, the menu it is in, its shortcut, and the function that runs it."""

    words: str
    place: str
    keys: str
    act: Callable[[], object]


def rank(offered: PaletteEntry, query: str) -> tuple[int, int] | None:
    """Sort key of an entry for a query, best matches first; None where a word of the query is not in it."""
    words, place = offered.words.casefold(), offered.place.casefold()
    parts = query.casefold().split()
    if not all(word in words or word in place for word in parts):
        return None
    whole = " ".join(parts)
    if words.startswith(whole):
        return 0, len(words)
    if any(part.startswith(whole) for part in words.split()):
        return 1, len(words)
    return (2 if all(word in words for word in parts) else 3), len(words)


class PaletteDelegate(QStyledItemDelegate):
    """Paints an entry: words at the left, the shortcut in a muted colour at the right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: object) -> QSize:
        return QSize(0, theme().scaled(SIZE.control))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: object) -> None:
        look = theme()
        rect: QRect = option.rect  # type: ignore[attr-defined]
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)  # type: ignore[attr-defined]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if chosen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.colour("accent_soft"))
            painter.drawRoundedRect(rect, SIZE.radius, SIZE.radius)
        inside = rect.adjusted(12, 0, -12, 0)
        keys = index.data(KEYS) or ""  # type: ignore[attr-defined]
        painter.setFont(look.font())
        painter.setPen(look.colour("ink" if chosen else "muted"))
        painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, keys)
        room = inside.width() - (look.text_width(keys) + SIZE.medium if keys else 0)
        words = painter.fontMetrics().elidedText(
            index.data() or "",  # type: ignore[attr-defined]
            Qt.TextElideMode.ElideRight,
            room,
        )
        painter.setPen(look.colour("ink"))
        painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
        painter.restore()


class CommandPalette(QFrame):
    """Over the window. Escape or a click elsewhere closes it and returns the focus."""

    def __init__(self, over: QWidget, offered: Callable[[], Sequence[PaletteEntry]]) -> None:
        super().__init__(over)
        self._over, self._offered = over, offered
        self._all: Sequence[PaletteEntry] = ()
        self._found: list[PaletteEntry] = []
        self._before: QWidget | None = None
        self.setObjectName("palette")
        self.setAccessibleName(tr("Command palette"))
        self.line = named(QLineEdit(), "paletteLine", tr("Search commands"))
        self.line.setPlaceholderText(tr("Search commands"))
        self.line.textChanged.connect(self._search)
        self.line.installEventFilter(self)
        self.list = named(QListWidget(), "paletteList", tr("Actions"))
        self.list.setItemDelegate(PaletteDelegate(self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setMouseTracking(True)
        self.list.itemEntered.connect(self.list.setCurrentItem)
        self.list.itemClicked.connect(lambda _: self._do())
        self.nothing = label(tr("No matching commands."), "muted")
        self.nothing.setContentsMargins(12, 4, 12, 8)
        column(self, self.line, (self.list, 1), self.nothing, spacing=SIZE.small, margins=(12, 12, 12, 12))
        over.installEventFilter(self)
        self.hide()

    def open(self) -> None:
        """Open it, empty."""
        self._all = self._offered()
        self._before = QApplication.focusWidget()
        self.line.clear()
        self._search("")
        self._place()
        self.show()
        self.raise_()
        self.line.setFocus(Qt.FocusReason.PopupFocusReason)

    def words(self) -> list[str]:
        """The entries that are listed, from the top."""
        return [each.words for each in self._found]

    def _search(self, query: str) -> None:
        fits = [(rank(each, query), at, each) for at, each in enumerate(self._all)]
        chosen = [(fit if query.strip() else (0, 0), at, each) for fit, at, each in fits if fit is not None]
        self._found = [each for _, _, each in sorted(chosen, key=lambda one: one[:2])]
        self.list.clear()
        for each in self._found:
            item = QListWidgetItem(f"{each.place}: {each.words}" if each.place else each.words)
            item.setData(KEYS, each.keys)
            self.list.addItem(item)
        self.list.setVisible(bool(self._found))
        self.nothing.setVisible(not self._found)
        self.list.setCurrentRow(0)
        self._place()

    def _step(self, by: int) -> None:
        last = self.list.count() - 1
        self.list.setCurrentRow(max(0, min(last, self.list.currentRow() + by)))

    def _do(self) -> None:
        at = self.list.currentRow()
        if 0 <= at < len(self._found):
            act = self._found[at].act
            self.hide()  # first, so that the command finds the focus where it was
            act()

    def _place(self) -> None:
        whole = self._over.size()
        wide = min(theme().scaled(WIDE), whole.width() - 64)
        rows = max(1, min(len(self._found), HIGH // SIZE.control)) * theme().scaled(SIZE.control)
        high = min(rows + theme().scaled(SIZE.control) + 40, whole.height() - 96)
        self.setGeometry((whole.width() - wide) // 2, 48, wide, high)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if watched is self._over and kind == QEvent.Type.Resize and self.isVisible():
            self._place()
        elif watched is self.line and kind == QEvent.Type.FocusOut and self.isVisible():
            if QApplication.activePopupWidget() is None:
                self.hide()
        elif watched is self.line and isinstance(event, QKeyEvent):
            return self._key(event)
        return False

    def _key(self, event: QKeyEvent) -> bool:
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -8, Qt.Key.Key_PageDown: 8}
        key = Qt.Key(event.key())
        mine = key in steps or key in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.type() == QEvent.Type.ShortcutOverride and mine:
            event.accept()  # before the window takes Escape for its own Cancel
            return True
        if event.type() != QEvent.Type.KeyPress or not mine:
            return False
        if key in steps:
            self._step(steps[key])
        elif key == Qt.Key.Key_Escape:
            self.hide()
        else:
            self._do()
        return True

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        before, self._before = self._before, None
        if before is not None and shiboken6.isValid(before) and before.isVisible():
            before.setFocus(Qt.FocusReason.OtherFocusReason)
