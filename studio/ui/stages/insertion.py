"""A text that grows at one place of a page, as one step of undo."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtGui import QTextCursor

from studio.ui.stages.text_page import TextPage


class TextInsertion:
    """Inserts at the end of the cursor's selection; what stands before and after stays. The cursor moves along."""

    def __init__(self, page: TextPage) -> None:
        self._page = page
        at = page.textCursor().selectionEnd()
        self._start, self._end = QTextCursor(page.document()), QTextCursor(page.document())
        self._start.setPosition(at)
        self._start.setKeepPositionOnInsert(True)
        self._end.setPosition(at)
        page.setTextCursor(self._end)
        self.text = ""  # what stands there now
        self._begun = False

    @property
    def before(self) -> str:
        """The Markdown of what stands before it."""
        return self._page.text_before(self._start)

    def show(self, text: str) -> None:
        """Show the text so far; what its last line breaks mean is told by what follows them."""
        text = text.rstrip("\n")
        if text == self.text:
            return
        continues = text.startswith(self.text)
        with self._step():
            if not continues:
                self._clear()
            for part in re.split("(\n+)", text[len(self.text) :] if continues else text):
                if part:
                    self._page.insert_piece(self._end, part)
        self.text = text

    def finish(self, text: str) -> None:
        """Put the whole text there instead, its headings and paragraphs set."""
        glue = " " if text and self._page.needs_space(text[-1], self._end) else ""
        if not self._begun and not text:
            return
        with self._step():
            self._clear()
            if text:
                self._page.insert_markdown(self._end, text + glue)
        self.text = text

    @contextmanager
    def _step(self) -> Iterator[None]:
        """Changes that undo takes back together with all others of this insertion."""
        page, shown = self._page, self._page.viewport().rect().intersects(self._page.cursorRect(self._end))
        self._end.joinPreviousEditBlock() if self._begun else self._end.beginEditBlock()
        self._begun = True
        try:
            yield
        finally:
            self._end.endEditBlock()
        if not page.textCursor().hasSelection():
            bar = page.verticalScrollBar()
            value = bar.value()
            page.setTextCursor(self._end)
            if shown:
                page.ensureCursorVisible()
            else:
                bar.setValue(value)  # a person reads elsewhere

    def _clear(self) -> None:
        self._end.setPosition(self._start.position(), QTextCursor.MoveMode.KeepAnchor)
        self._end.removeSelectedText()
