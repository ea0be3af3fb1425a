"""The dialogs of the models page: the licence of a model."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QWidget

from studio.models.detect import DetectedModel
from studio.ui.pages.licences import LicenceTerms
from studio.ui.widgets.controls import CheckBox, button, label
from studio.ui.widgets.layout import add, column, row
from studio.ui.widgets.text import tr

TEXT_LIMIT = 200_000  # bytes of a licence that are shown


class LicenceDialog(QDialog):
    """Shows on which terms a model comes; accepted only once its licence is agreed to. `yes` is the word for that."""

    def __init__(self, parent: QWidget, question: str, allowed: LicenceTerms, yes: str, *, text: str = "") -> None:
        super().__init__(parent)
        self.setObjectName("licence")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Licence"))
        whole = column(self, spacing=12, margins=(24, 20, 24, 20))
        whole.addWidget(label(question, "heading", wrap=True))
        words = label(tr("Licence: {name}.").format(name=allowed.name) + " " + allowed.words, wrap=True)
        words.setMinimumWidth(420)
        whole.addWidget(words)
        if text:
            read = QPlainTextEdit(text)
            read.setReadOnly(True)
            read.setObjectName("licenceText")
            read.setAccessibleName(tr("Text of the licence"))
            read.setTabChangesFocus(True)
            read.setMinimumSize(480, 220)
            whole.addWidget(read)
        self.agree = CheckBox(tr("I have read the licence and agree to it"), "licenceAgree")
        bring = button(yes, "licenceBring", "primary", clicked=self.accept)
        bring.setEnabled(False)
        self.agree.toggled.connect(bring.setEnabled)
        leave = button(tr("Cancel"), "licenceLeave", clicked=self.reject)
        leave.setFixedHeight(40)
        add(whole, self.agree, 4, row(None, leave, bring))
        self.agree.setFocus()


def licence_text(found: DetectedModel) -> str:
    """The text of the licence that lies beside the weights; empty where there is none."""
    for file in found.files:
        if file.name.upper().startswith(("LICENSE", "LICENCE")):
            try:
                with (found.root / file).open("rb") as opened:
                    return opened.read(TEXT_LIMIT).decode("utf-8", "replace")
            except OSError:
                return ""
    return ""
