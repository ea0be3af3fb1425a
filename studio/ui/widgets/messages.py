"""Messages to the person: a bar where something happened, and a toast at the foot that disappears by itself."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QWidget

from studio.errors import StudioError
from studio.ui.widgets.controls import IconLabel, button, label, tool
from studio.ui.widgets.layout import clear_layout, column, row
from studio.ui.widgets.page import timer
from studio.ui.widgets.text import failure, tr
from studio.ui.widgets.theme import SIZE

NARROW = 160  # pixels of words in the narrowest bar
STAYS = 6000  # milliseconds; longer where there is something to press


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
        for each in (self._title, self._hint):
            each.setMinimumWidth(1)  # a word that is too wide is cut by itself
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
        """As narrow as with its buttons below the words, of which those that are wider than NARROW are cut.

        Where it were wider than its place, what holds it would give it the height that it has at that width.
        """
        texts = min(NARROW, self._longest())
        return QSize(max(texts, *self._widths(), 0) + self._margins(), super().minimumSizeHint().height())

    def _longest(self) -> int:
        """How wide its longest word is."""
        return max(each.minimumSizeHint().width() for each in (self._title, self._hint))

    def _widths(self) -> list[int]:
        """How wide each button is at least."""
        items = [self._buttons.itemAt(at) for at in range(self._buttons.count())]
        return [item.minimumSize().width() for item in items if item is not None]

    def _margins(self) -> int:
        """The width of all but the words and the buttons."""
        frame = self.width() - self.contentsRect().width()
        close = 0 if self._close.isHidden() else 12 + self._close.sizeHint().width()
        return frame + 14 + self._icon.width() + 12 + close + 8

    def _place_buttons(self) -> None:
        """Beside the words where there is room for both, else below them, where need be one below the other."""
        texts = self._longest()
        widths, way = self._widths(), QBoxLayout.Direction
        line = sum(widths) + self._buttons.spacing() * max(0, len(widths) - 1)
        beside = texts + 12 + line + self._margins() <= self.width()
        self._buttons.setDirection(way.LeftToRight if line + self._margins() <= self.width() else way.TopToBottom)
        self._content.setDirection(way.LeftToRight if beside else way.TopToBottom)
        for each in (self._title, self._hint):
            cut = each.minimumSizeHint().width() > self.width() - self._margins()
            each.setToolTip(each.text() if cut else "")
        self._buttons.setAlignment(Qt.AlignmentFlag.AlignLeft if not beside else Qt.AlignmentFlag(0))

    def message(self) -> str:
        return f"{self._title.text()} {self._hint.text()}".strip() if not self.isHidden() else ""

    def dismiss(self) -> None:
        self.hide()
        self.dismissed.emit()


class Toast(QFrame):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self.setObjectName("toast")
        self._words = label("", name="toastWords", wrap=False)
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(16, 8, 16, 8)
        self._line.setSpacing(12)
        self._line.addWidget(self._words)
        self._extra: list[QWidget] = []
        self._lift = 0
        self._timer = timer(self, self.hide)
        parent.installEventFilter(self)
        self.hide()

    def show_message(
        self, words: str, actions: Sequence[tuple[str, Callable[[], object]]] = (), *, lift: int = 0
    ) -> None:
        """Show the words, `lift` pixels above where they stand otherwise."""
        self._lift = lift
        for old in self._extra:
            old.hide()
            old.deleteLater()
        self._extra = []
        for text, act in actions:
            made = button(text, "toastAction", clicked=lambda act=act: (self.hide(), act()))
            self._extra.append(made)
            self._line.addWidget(made)
            made.show()  # at once: a line leaves no room for what it is still to show
        self._line.setContentsMargins(16, 8, 8 if actions else 16, 8)
        self._words.setWordWrap(False)
        self._words.setText(words)
        widest = self._over.width() - 64
        if self.sizeHint().width() > widest:
            self._words.setWordWrap(True)
        self.setAccessibleName(words)
        self._place()
        self.show()
        self.raise_()
        self._timer.start(STAYS * (2 if actions else 1))

    def message(self) -> str:
        return "" if self.isHidden() else self._words.text()

    def _place(self) -> None:
        whole = self._over.size()
        self.layout().activate()  # type: ignore[union-attr]
        wide = min(self.sizeHint().width(), whole.width() - 64)
        high = max(self.sizeHint().height(), self.heightForWidth(wide))
        self.setGeometry((whole.width() - wide) // 2, whole.height() - high - SIZE.strip - 16 - self._lift, wide, high)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False
