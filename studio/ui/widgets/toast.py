"""A short message at the foot of the window, with buttons; it disappears by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from studio.ui.widgets.basic import button, label, timer
from studio.ui.widgets.theme import SIZE

STAYS = 6000  # milliseconds; longer where there is something to press


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
