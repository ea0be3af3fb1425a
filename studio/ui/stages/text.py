"""The stage for texts: a page to read, a comfortable line wide, that follows a text while it is written."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF, QGuiApplication, QResizeEvent, QTextBlockFormat, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QHBoxLayout, QTextEdit, QToolButton

from studio.library import Asset
from studio.media import Payload, Text
from studio.ui.stages.stage import Stage
from studio.ui.theme import theme
from studio.ui.widgets import column, tool
from studio.ui.words import tr

LINE = 68  # characters of an average line
INSET = 48
SAMPLE = "The fox went on until the path was lost in snow, and then it listened. "


class TextStage(Stage):
    """One text. Lines that begin with '#' are headings, blank lines part paragraphs, everything else stays as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.page = QTextEdit()
        self.page.setObjectName("reading")
        self.page.setAccessibleName(tr("Text"))
        self.page.setReadOnly(True)
        self.page.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.page.setFrameShape(QFrame.Shape.NoFrame)
        self.page.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.page.document().setDocumentMargin(0)
        self._paper = QFrame()
        self._paper.setObjectName("paper")
        self.page.setViewportMargins(0, 0, INSET - 8 - 12, 0)  # beside the scroll bar, so that both edges are alike
        column(self._paper, margins=(INSET, 32, 8, 16)).addWidget(self.page)
        self._outer = QHBoxLayout(self)
        self._outer.setContentsMargins(24, 24, 24, 24)
        self._outer.addWidget(self._paper)
        self._tools = (tool("copy", tr("Copy text"), "copy", clicked=self.copy),)
        self._face()
        theme().changed.connect(self._tint)
        self._paper.hide()

    def tools(self) -> Sequence[QToolButton]:
        return self._tools

    def show_asset(self, asset: Asset) -> None:
        from studio import codecs

        payload = codecs.read(asset.path)
        self._write(payload.text if isinstance(payload, Text) else "")
        self.page.moveCursor(QTextCursor.MoveOperation.Start)

    def preview(self, payload: Payload) -> None:
        if isinstance(payload, Text):
            self._write(payload.text)

    def clear(self) -> None:
        self._write("")

    def title(self) -> str:
        return self.text.partition("\n")[0].lstrip("# ").strip() if self.text.startswith("#") else ""

    def copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text)
        self.said.emit(tr("The text is on the clipboard."), "")

    def _write(self, text: str) -> None:
        """Show `text`; where it only goes on from what is shown, nothing that stands is set again."""
        if text == self.text:
            return
        bar = self.page.verticalScrollBar()
        following = bar.value() >= bar.maximum() - 4
        kept = self.text[: self.text.rfind("\n") + 1] if text.startswith(self.text) else ""
        cursor = QTextCursor(self.page.document())
        if kept:
            cursor.movePosition(QTextCursor.MoveOperation.End)
            cursor.movePosition(QTextCursor.MoveOperation.StartOfBlock, QTextCursor.MoveMode.KeepAnchor)
            cursor.removeSelectedText()
        else:
            self.page.clear()
            cursor = QTextCursor(self.page.document())
        self._set(cursor, text[len(kept) :])
        self.text = text
        self._paper.setVisible(bool(text))
        if following:
            bar.setValue(bar.maximum())

    def _set(self, cursor: QTextCursor, text: str) -> None:
        lines = text.split("\n")
        cursor.beginEditBlock()
        for at, line in enumerate(lines):
            if at:
                cursor.insertBlock()
            heading = line.startswith("#")
            block = QTextBlockFormat()
            if line:
                block.setLineHeight(self._leading, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
            else:  # what parts paragraphs is less than a line
                block.setLineHeight(self._gap, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
            cursor.setBlockFormat(block)
            shape = QTextCharFormat()
            shape.setForeground(theme().colour("ink"))
            shape.setFont(self._heading if heading else self._body)
            cursor.setBlockCharFormat(shape)
            cursor.insertText(line.lstrip("# ") if heading else line, shape)
        cursor.endEditBlock()

    def _face(self) -> None:
        look = theme()
        self._body = look.font(1.22, reading=True)
        self._heading = look.font(1.75, reading=True, strong=True)
        self.page.setFont(self._body)
        metrics = QFontMetricsF(self._body)
        # Faces bring leading of their own, so a line is reckoned from the height of its letters.
        self._leading = 100.0 * 3.3 * metrics.xHeight() / metrics.height()
        # The average that a face states counts its Chinese letters too; a line of Latin ones is what is wanted here.
        self._letter = metrics.horizontalAdvance(SAMPLE) / len(SAMPLE)
        self._gap = 1.4 * metrics.xHeight()

    def _tint(self) -> None:
        self._face()
        text, self.text = self.text, ""
        self.page.clear()
        self._write(text)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self._letter * LINE + INSET * 2
        side = max(16, int((self.width() - wide) / 2))
        self._outer.setContentsMargins(side, 24, side, 24)
