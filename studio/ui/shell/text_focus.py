"""While a text has the focus, no shortcut acts on works, and undo is that of the text or of what was done since."""

from __future__ import annotations

import shiboken6
from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QLineEdit, QPlainTextEdit, QTextEdit, QWidget

from studio.ui import commands
from studio.ui.forms.undo import History, moment

Text = QLineEdit | QPlainTextEdit | QTextEdit


def edited_text(focused: QWidget | None) -> Text | None:
    """The text that is edited by what has the focus; None where it is none, or can only be read."""
    if isinstance(focused, QComboBox | QAbstractSpinBox):
        focused = focused.findChild(QLineEdit)
    return focused if isinstance(focused, Text) and not focused.isReadOnly() else None


class TextFocus(QObject):
    """Watches the keys of the text that has the focus. `changes` are those of works, which undo takes back too."""

    def __init__(self, window: QWidget, changes: History) -> None:
        super().__init__(window)
        self._changes = changes
        self._keys = [each.shortcut for each in commands.table() if each.keys and not each.while_typing]
        self._watched: QWidget | None = None
        self._typed_at = 0
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._follow)

    def _follow(self, before: QWidget | None, focused: QWidget | None) -> None:
        if self._watched is not None and shiboken6.isValid(self._watched):
            self._watched.removeEventFilter(self)
        self._watched = focused if edited_text(focused) is not None else None
        if self._watched is not None:
            self._watched.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if not isinstance(event, QKeyEvent) or kind not in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
            return False
        pressed = QKeySequence(event.keyCombination())
        if kind == QEvent.Type.KeyPress:
            if event.text():
                self._typed_at = moment()
            return False
        if pressed in self._keys:
            event.accept()  # it is the text's own key then, or none
            return True
        if event.matches(QKeySequence.StandardKey.Undo) and self._done_since():
            event.ignore()  # the window's own undo
            return True
        return False

    def _done_since(self) -> bool:
        """Whether works were changed after the last key in the text, or there is nothing in it to undo."""
        text = edited_text(self._watched)
        if isinstance(text, QLineEdit):
            mine = text.isUndoAvailable()
        else:
            mine = text is not None and text.document().isUndoAvailable()
        return not mine or self._changes.undo_at > self._typed_at
