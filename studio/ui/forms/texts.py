"""A field of words, on one line or on several, where a title looks like one; it knows no requests."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontMetricsF, QSyntaxHighlighter, QTextCharFormat
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit

from studio.schema.request import FreeText
from studio.ui.forms.field import FormField
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import theme

TITLE = 1.15  # the size of a title, that of the text being 1


class TitleHighlighter(QSyntaxHighlighter):
    """Sets a line that begins with `# ` as a title, its mark unseen: the text stays what it is."""

    def __init__(self, text: QPlainTextEdit) -> None:
        super().__init__(text.document())
        self._tint()
        theme().changed.connect(self._tint)

    def _tint(self) -> None:
        font = theme().font(TITLE, strong=True)
        self._title, self._mark = QTextCharFormat(), QTextCharFormat()
        self._title.setFont(font)
        self._mark.setFontPointSize(0.1)
        self._mark.setForeground(QColor(Qt.GlobalColor.transparent))
        self.rehighlight()

    def highlightBlock(self, text: str) -> None:
        mark = len(text) - len(text.lstrip("#"))
        if mark and text[mark : mark + 1] == " ":
            self.setFormat(0, mark + 1, self._mark)
            self.setFormat(mark + 1, len(text) - mark - 1, self._title)


class TextField(FormField):
    """Words, on as many lines as the note asks for."""

    def __init__(self, name: str, field: FreeText) -> None:
        super().__init__(name, field)
        self.rows.addWidget(self.title)
        if field.lines > 1:
            self.long = QPlainTextEdit()
            self.long.setTabChangesFocus(True)
            self.long.setUndoRedoEnabled(False)  # the brief undoes, over all its fields
            self.long.setPlaceholderText(tr(field.placeholder).lstrip("# "))
            self._titles = TitleHighlighter(self.long)
            self._lines = field.lines
            theme().changed.connect(self._fit)
            self._fit()
            self.long.textChanged.connect(self.on_edited)
            self.line = None
            self.name_control(self.long)
            self.rows.addWidget(self.long)
        else:
            self.line = QLineEdit()
            self.line.setPlaceholderText(tr(field.placeholder))
            self.line.textChanged.connect(lambda _: self.on_edited())
            self.name_control(self.line)
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
        place = _end_of_change(before, value)
        if self.line is not None:
            self.line.setText(value)
            self.line.setCursorPosition(place)
            return
        self.long.setPlainText(value)
        cursor = self.long.textCursor()
        cursor.setPosition(place)
        self.long.setTextCursor(cursor)


def _end_of_change(before: str, after: str) -> int:
    """Where in `after` that which differs from `before` ends, in UTF-16 units, as Qt counts."""
    pairs = enumerate(zip(reversed(before), reversed(after), strict=False))
    alike = next((at for at, (old, new) in pairs if old != new), min(len(before), len(after)))
    return len(after[: len(after) - alike].encode("utf-16-le")) // 2
