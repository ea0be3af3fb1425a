"""A text editor set like a book page: reading font, comfortable line length, headings and paragraphs."""

from __future__ import annotations

import dataclasses
import re
import unicodedata

from PySide6.QtCore import QMimeData, QRect, Qt, Signal
from PySide6.QtGui import (
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QLinearGradient,
    QPainter,
    QPaintEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFormat,
)
from PySide6.QtWidgets import QFrame, QTextEdit

from studio.media.markdown import PARAGRAPH_BREAKS, SOFT_BREAK, MarkdownBlock, join_blocks, parse
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import theme

LINE = 68  # characters of an average line
SAMPLE = "The fox went on until the path was lost in snow, and then it listened. "
SCALES = {0: 1.22, 1: 1.75, 2: 1.45}
"""The size of each level of heading, 0 being the body; deeper ones are as large as the body."""
FADE = 24  # pixels
BREAKS = QTextFormat.Property.UserProperty.value + 1
READING = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard


class TextPage(QTextEdit):
    """Lines that begin with '#' are headings, empty lines separate paragraphs, everything else stays as it is.

    `edited`: a person has changed the text.
    """

    edited = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("reading")
        self.setAccessibleName(tr("Text"))
        self.setAcceptRichText(False)
        self.setTabChangesFocus(True)
        self.setCursorWidth(2)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)  # the stage has one
        self.document().setDocumentMargin(0)
        self._source = ""  # the text that was set last; empty once the user has edited
        self._appended: list[str] = []  # what follows `_source`, until somebody asks for the whole
        self._tail = ""
        self._last_block, self._last_breaks, self._inline = "", 0, False
        self._setting = False
        self.textChanged.connect(self._changed)
        self.set_writable(False)
        self.apply_fonts()

    def set_writable(self, on: bool) -> None:
        self.setReadOnly(not on)
        if not on:
            self.setTextInteractionFlags(READING)
        self.document().setUndoRedoEnabled(on)

    def text(self) -> str:
        """The text as Markdown."""
        if self._appended:
            self._source += "".join(self._appended)
            self._appended.clear()
        return self._source if self._source or self.document().isEmpty() else self._to_markdown()

    def set_text(self, text: str) -> None:
        """Show `text`; where it continues what is shown, only what is new is set."""
        before = self.text()
        if text == before:
            return
        if self._source and text.startswith(self._source):
            self.append_text(text[len(self._source) :])
        else:
            self._reset(text)

    def append_text(self, text: str) -> None:
        """Continue the text that was set last. Takes time in proportion to `text` and the last paragraph."""
        if not self._source or not self._last_block:
            self._reset(self.text() + text)
            return
        if not text:
            return
        block = self._last_block + text
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        self._setting = True
        if self._inline and "\n" not in text:
            cursor.insertText(text, self._char_format(cursor.blockFormat().headingLevel()))
            self._last_block = block
        else:
            blocks, tail = parse(block)
            level = cursor.blockFormat().headingLevel()
            if level and not blocks[0].level and self._last_breaks == 1:
                # What looked like a heading is the next line of the paragraph before.
                self._setting = False
                self._reset(self.text() + text)
                return
            cursor.movePosition(QTextCursor.MoveOperation.StartOfBlock, QTextCursor.MoveMode.KeepAnchor)
            cursor.removeSelectedText()
            blocks[0] = dataclasses.replace(blocks[0], breaks=self._last_breaks)
            self._insert_blocks(cursor, blocks)
            self._remember_last(block, blocks, tail)
        self._appended.append(text)
        self._setting = False

    def _reset(self, text: str) -> None:
        self._setting = True
        self.clear()
        blocks, tail = parse(text)
        self._insert_blocks(QTextCursor(self.document()), blocks)
        self._source = text
        self._appended.clear()
        self._remember_last(text, blocks, tail)
        self._setting = False

    def _remember_last(self, text: str, blocks: list[MarkdownBlock], tail: str) -> None:
        """Keep the last block of `text`, which is parsed again when the text continues."""
        self._tail = tail
        self._last_block = text[blocks[-1].start :] if blocks else ""
        self._last_breaks = blocks[-1].breaks if blocks else 0
        # Whether more characters only lengthen the line: "#" may still become a heading or not.
        line = self._last_block.rpartition("\n")[2]
        self._inline = bool(line) and not re.fullmatch("#{1,6} *", line)

    def apply_fonts(self) -> None:
        """Apply the theme's fonts, and lay out the text again if they have changed."""
        look = theme()
        sizes = {level: look.font(scale, reading=True, strong=level > 0) for level, scale in SCALES.items()}
        if sizes == getattr(self, "_fonts", None):
            return
        self._fonts: dict[int, QFont] = sizes
        self.setFont(sizes[0])
        metrics = QFontMetricsF(sizes[0])
        self._height = metrics.xHeight()
        # Fonts differ in leading, so the line height is computed from the x-height.
        self._leading = 100.0 * 3.3 * metrics.xHeight() / metrics.height()
        # The average width of a font includes its Chinese glyphs; a line of Latin letters is meant here.
        self.line_width = metrics.horizontalAdvance(SAMPLE) / len(SAMPLE) * LINE
        text, place, writable = self.text(), self.textCursor().position(), not self.isReadOnly()
        if text:
            self.document().setUndoRedoEnabled(False)
            self._reset(text)
            self.document().setUndoRedoEnabled(writable)
            cursor = self.textCursor()
            cursor.setPosition(min(place, self.document().characterCount() - 1))
            self.setTextCursor(cursor)

    def _changed(self) -> None:
        if not self._setting:
            self._source = ""
            self._appended.clear()
            self.edited.emit()

    def text_before(self, cursor: QTextCursor) -> str:
        """The Markdown of what stands before a cursor."""
        blocks = self._blocks(cursor.blockNumber() + 1)
        line = QTextCursor(cursor)
        line.movePosition(QTextCursor.MoveOperation.StartOfBlock, QTextCursor.MoveMode.KeepAnchor)
        return join_blocks([*blocks[:-1], dataclasses.replace(blocks[-1], text=line.selectedText())])

    def needs_space(self, before: str, cursor: QTextCursor) -> bool:
        """Whether a space belongs between a character and what stands right after a cursor: between words, in scripts
        that part them.
        """
        after = QTextCursor(cursor)
        after.movePosition(QTextCursor.MoveOperation.NextCharacter, QTextCursor.MoveMode.KeepAnchor)
        letter = after.selectedText()
        return letter[:1].isalnum() and not before.isspace() and not _unspaced(before) and not _unspaced(letter[0])

    def insert_piece(self, cursor: QTextCursor, text: str) -> None:
        """Insert a part of a text that grows: words, or the line breaks between them."""
        level = cursor.blockFormat().headingLevel()
        if not text.startswith("\n"):
            cursor.insertText(text, self._char_format(level))
        elif len(text) == 1 and not level:
            cursor.insertText(SOFT_BREAK)
        else:
            self._split_paragraph(cursor)

    def insert_markdown(self, cursor: QTextCursor, text: str) -> None:
        """Insert a whole text; what it begins with goes on in the paragraph of the cursor."""
        breaks = len(text) - len(text.lstrip("\n"))
        level = cursor.blockFormat().headingLevel()
        if breaks:
            self.insert_piece(cursor, "\n" * breaks)
        blocks, _ = parse(text[breaks:])
        for at, block in enumerate(blocks):
            if at:
                cursor.insertBlock()
                self._format_block(cursor, block.level, block.breaks or PARAGRAPH_BREAKS)
            elif block.level and (not cursor.positionInBlock() or cursor.block().length() == 1):
                self._set_level(cursor, block.level)
            level = cursor.blockFormat().headingLevel()
            cursor.insertText(block.text, self._char_format(level))

    def _to_markdown(self) -> str:
        return join_blocks(self._blocks()) + self._tail

    def _blocks(self, count: int = -1) -> list[MarkdownBlock]:
        """The first `count` blocks, or all of them."""
        blocks: list[MarkdownBlock] = []
        block = self.document().begin()
        while block.isValid() and len(blocks) != count:
            form = block.blockFormat()
            blocks.append(MarkdownBlock(form.intProperty(BREAKS), form.headingLevel(), block.text()))
            block = block.next()
        return blocks

    def _insert_blocks(self, cursor: QTextCursor, blocks: list[MarkdownBlock]) -> None:
        cursor.beginEditBlock()
        for at, block in enumerate(blocks):
            if at:
                cursor.insertBlock()
            self._format_block(cursor, block.level, block.breaks)
            cursor.insertText(block.text, self._char_format(block.level))
        cursor.endEditBlock()

    def _format_block(self, cursor: QTextCursor, level: int, breaks: int) -> None:
        """Set the block of the cursor as a heading or as a paragraph."""
        form = QTextBlockFormat()
        form.setHeadingLevel(level)
        form.setProperty(BREAKS, breaks)
        form.setLineHeight(self._leading, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        if cursor.block().position():
            form.setTopMargin((2.6 if level else 1.4) * self._height)
        cursor.setBlockFormat(form)
        cursor.setBlockCharFormat(self._char_format(level))

    def _char_format(self, level: int) -> QTextCharFormat:
        shape = QTextCharFormat()
        shape.setFont(self._fonts[min(level, 2)] if level < 3 else _smaller(self._fonts[2], self._fonts[0]))
        return shape

    def _set_level(self, cursor: QTextCursor, level: int) -> None:
        """Make the block of the cursor a heading, or a paragraph again."""
        self._format_block(cursor, level, cursor.blockFormat().intProperty(BREAKS))
        whole = QTextCursor(cursor)
        whole.movePosition(QTextCursor.MoveOperation.StartOfBlock)
        whole.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
        whole.setCharFormat(self._char_format(level))
        self.setCurrentCharFormat(self._char_format(level))

    def paintEvent(self, e: QPaintEvent) -> None:
        """Fade lines out where the edge cuts them."""
        super().paintEvent(e)
        view, bar = self.viewport(), self.verticalScrollBar()
        painter = QPainter(view)
        for near, edge, inner in (
            (bar.value() > bar.minimum(), 0, FADE),
            (bar.value() < bar.maximum(), view.height(), view.height() - FADE),
        ):
            if near:
                shade = QLinearGradient(0, edge, 0, inner)
                shade.setColorAt(0, theme().colour("paper"))
                clear = theme().colour("paper")
                clear.setAlpha(0)
                shade.setColorAt(1, clear)
                painter.fillRect(QRect(0, min(edge, inner), view.width(), FADE), shade)
        painter.end()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        super().scrollContentsBy(dx, dy)
        self.viewport().update()  # the fading edges do not scroll along

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.isReadOnly() or not self._handle_key(event):
            super().keyPressEvent(event)

    def _handle_key(self, event: QKeyEvent) -> bool:
        """Handle keys that other text fields do not have; returns whether this was one of them."""
        key, cursor = event.key(), self.textCursor()
        before = cursor.block().text()[: cursor.positionInBlock()]
        level = cursor.blockFormat().headingLevel()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                return False
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not level:
                cursor.insertText(SOFT_BREAK)
            else:
                self._new_paragraph(cursor)
            self.ensureCursorVisible()
            return True
        if key == Qt.Key.Key_Space and not level and re.fullmatch("#{1,6}", before) and not cursor.hasSelection():
            cursor.beginEditBlock()
            cursor.movePosition(QTextCursor.MoveOperation.StartOfBlock, QTextCursor.MoveMode.KeepAnchor)
            cursor.removeSelectedText()
            self._set_level(cursor, len(before))
            cursor.endEditBlock()
            return True
        if key == Qt.Key.Key_Backspace and level and not before and not cursor.hasSelection():
            cursor.beginEditBlock()
            self._set_level(cursor, 0)
            cursor.endEditBlock()
            return True
        return False

    def _new_paragraph(self, cursor: QTextCursor) -> None:
        level = self._split_paragraph(cursor)
        self.setTextCursor(cursor)
        self.setCurrentCharFormat(self._char_format(level))

    def _split_paragraph(self, cursor: QTextCursor) -> int:
        """Start a paragraph after a heading; a heading that is split stays one on both sides. Returns its level."""
        level = 0 if cursor.atBlockEnd() else cursor.blockFormat().headingLevel()
        cursor.beginEditBlock()
        cursor.insertBlock()
        self._format_block(cursor, level, PARAGRAPH_BREAKS)
        cursor.endEditBlock()
        return level

    def createMimeDataFromSelection(self) -> QMimeData:
        """Plain text with empty lines between paragraphs, for other programs."""
        data = QMimeData()
        data.setText(self.textCursor().selectedText().replace("\u2029", "\n\n").replace(SOFT_BREAK, "\n"))
        return data

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return source.hasText() and not source.hasUrls()

    def insertFromMimeData(self, source: QMimeData) -> None:
        blocks, _ = parse(source.text().replace("\r\n", "\n").strip("\n"))
        if not blocks:
            return
        cursor = self.textCursor()
        cursor.beginEditBlock()
        cursor.removeSelectedText()
        inside = bool(cursor.block().text()) and not blocks[0].level
        if inside:
            cursor.insertText(blocks[0].text)
        rest = blocks[1:] if inside else blocks
        if rest and (inside or cursor.block().text()):
            cursor.insertBlock()
        self._insert_blocks(
            cursor, [MarkdownBlock(block.breaks or PARAGRAPH_BREAKS, block.level, block.text) for block in rest]
        )
        cursor.endEditBlock()
        self.setTextCursor(cursor)
        self.ensureCursorVisible()


def _smaller(font: QFont, as_large: QFont) -> QFont:
    made = QFont(font)
    made.setPointSizeF(as_large.pointSizeF())
    return made


def _unspaced(letter: str) -> bool:
    """Whether a character is of a script without spaces between words, such as Chinese; Korean has them."""
    return unicodedata.east_asian_width(letter) in "WF" and not "\uac00" <= letter <= "\ud7a3"
