"""A plain text editor that marks some of its words, with a tool tip over each."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent
from PySide6.QtGui import QHelpEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit, QToolTip

from studio.ui.widgets.theme import theme


class MarkedText(QPlainTextEdit):
    """Marks move with the text as it is edited, and stay until others are set."""

    def __init__(self) -> None:
        super().__init__()
        self._hint = ""
        theme().changed.connect(self._tint)

    def mark(self, places: Sequence[tuple[int, int]], hint: str) -> None:
        """Underline the text from each start to its end, counted in characters; `hint` is the tool tip there."""
        text, self._hint = self.toPlainText(), hint
        marks: list[QTextEdit.ExtraSelection] = []
        for start, end in places:
            each = QTextEdit.ExtraSelection()
            cursor = QTextCursor(self.document())
            cursor.setPosition(_units(text[:start]))
            cursor.setPosition(_units(text[:end]), QTextCursor.MoveMode.KeepAnchor)
            each.cursor = cursor  # pyright: ignore[reportAttributeAccessIssue]
            each.format = _underline()  # pyright: ignore[reportAttributeAccessIssue]
            marks.append(each)
        self.setExtraSelections(marks)

    @property
    def marked(self) -> list[str]:
        """The texts that are marked, in their order."""
        return [each.cursor.selectedText() for each in self.extraSelections()]  # pyright: ignore[reportAttributeAccessIssue]

    def _tint(self) -> None:
        marks = self.extraSelections()
        for each in marks:
            each.format = _underline()  # pyright: ignore[reportAttributeAccessIssue]
        self.setExtraSelections(marks)

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            at = self.cursorForPosition(event.pos()).position()
            for each in self.extraSelections():
                cursor: QTextCursor = each.cursor  # pyright: ignore[reportAttributeAccessIssue]
                if cursor.selectionStart() <= at <= cursor.selectionEnd():
                    QToolTip.showText(event.globalPos(), self._hint, self)
                    return True
        return super().viewportEvent(event)


def _underline() -> QTextCharFormat:
    made = QTextCharFormat()
    made.setUnderlineStyle(QTextCharFormat.UnderlineStyle.DotLine)
    made.setUnderlineColor(theme().colour("muted"))
    return made


def _units(text: str) -> int:
    """Its length as Qt counts, in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
