"""A field of words, on one line or on several, where a title looks like one; it knows no requests."""

from __future__ import annotations

from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit

from studio.request import Text
from studio.ui.fields.base import Field
from studio.ui.theme import theme
from studio.ui.words import tr


class TextField(Field):
    """Words, on as many lines as the note asks for."""

    def __init__(self, name: str, note: Text) -> None:
        super().__init__(name, note)
        self.rows.addWidget(self.title)
        if note.lines > 1:
            self.long = QPlainTextEdit()
            self.long.setTabChangesFocus(True)
            self.long.setUndoRedoEnabled(False)  # the brief undoes, over all its fields
            self.long.setPlaceholderText(tr(note.placeholder))
            self._lines = note.lines
            theme().changed.connect(self._fit)
            self._fit()
            self.long.textChanged.connect(self.touched)
            self.line = None
            self.named(self.long)
            self.rows.addWidget(self.long)
        else:
            self.line = QLineEdit()
            self.line.setPlaceholderText(tr(note.placeholder))
            self.line.textChanged.connect(lambda _: self.touched())
            self.named(self.line)
            self.rows.addWidget(self.line)

    def _fit(self) -> None:
        height = QFontMetricsF(theme().font()).lineSpacing() * self._lines
        self.long.setFixedHeight(round(height) + 22)

    def read(self) -> str:
        return self.long.toPlainText() if self.line is None else self.line.text()

    def write(self, value: str) -> None:
        before = self.read()
        if value == before:
            return  # and the cursor stays where it is
        place = _changed_until(before, value)
        if self.line is not None:
            self.line.setText(value)
            self.line.setCursorPosition(place)
            return
        self.long.setPlainText(value)
        cursor = self.long.textCursor()
        cursor.setPosition(place)
        self.long.setTextCursor(cursor)


def _changed_until(before: str, after: str) -> int:
    """Where in `after` that which differs from `before` ends, in UTF-16 units, as Qt counts."""
    pairs = enumerate(zip(reversed(before), reversed(after), strict=False))
    alike = next((at for at, (old, new) in pairs if old != new), min(len(before), len(after)))
    return len(after[: len(after) - alike].encode("utf-16-le")) // 2
