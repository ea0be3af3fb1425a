"""A dialog that shows a Markdown or text file, such as a model card or a licence. Links are not followed."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFrame, QTextBrowser, QWidget

from studio.ui.widgets.controls import button, named
from studio.ui.widgets.layout import column, row
from studio.ui.widgets.text import tr

LIMIT = 500_000  # bytes


class TextDialog(QDialog):
    def __init__(self, parent: QWidget, title: str, path: Path) -> None:
        super().__init__(parent)
        self.setObjectName("reading")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.resize(640, min(640, parent.height() - 80))
        self.text = named(QTextBrowser(), "readingText", title)
        self.text.setFrameShape(QFrame.Shape.NoFrame)
        self.text.setOpenLinks(False)
        self.text.document().setDocumentMargin(20)
        with path.open("rb") as file:
            words = file.read(LIMIT).decode("utf-8", "replace")
        if path.suffix == ".md":
            self.text.setMarkdown(_without_front_matter(words))
        else:
            self.text.setPlainText(words)
        whole = column(self, spacing=0)
        whole.addWidget(self.text, 1)
        whole.addLayout(row(None, button(tr("Close"), "readingClose", clicked=self.accept), margins=(16, 12, 16, 12)))


def _without_front_matter(words: str) -> str:
    """The text without the YAML block that model cards begin with."""
    if words.startswith("---\n"):
        _, end, rest = words[4:].partition("\n---")
        return rest.lstrip("-") if end else words
    return words
