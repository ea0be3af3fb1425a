"""A dialog that shows a long text, or a Markdown or text file such as a model card. Links are not followed."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFrame, QTextBrowser, QWidget

from studio.ui.widgets.controls import button, named
from studio.ui.widgets.layout import column, row
from studio.ui.widgets.text import tr

LIMIT = 500_000  # bytes


class TextDialog(QDialog):
    def __init__(self, parent: QWidget, title: str, text: Path | str) -> None:
        """`text`: the words themselves, or the file that holds them."""
        super().__init__(parent)
        self.setObjectName("reading")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.resize(640, min(640, parent.height() - 80))
        self.text = named(QTextBrowser(), "readingText", title)
        self.text.setFrameShape(QFrame.Shape.NoFrame)
        self.text.setOpenLinks(False)
        self.text.document().setDocumentMargin(20)
        if isinstance(text, str):
            self.text.setPlainText(text)
        elif text.suffix == ".md":
            self.text.setMarkdown(_without_front_matter(_read(text)))
        else:
            self.text.setPlainText(_read(text))
        whole = column(self, spacing=0)
        whole.addWidget(self.text, 1)
        whole.addLayout(row(None, button(tr("Close"), "readingClose", clicked=self.accept), margins=(16, 12, 16, 12)))


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(LIMIT).decode("utf-8", "replace")


def _without_front_matter(words: str) -> str:
    """The text without the YAML block that model cards begin with."""
    if words.startswith("---\n"):
        _, end, rest = words[4:].partition("\n---")
        return rest.lstrip("-") if end else words
    return words
