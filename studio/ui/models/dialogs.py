"""The dialogs of the models page: the licence of a model, the address of one, a token of the model hub."""

from __future__ import annotations

import re

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QLineEdit, QPlainTextEdit, QWidget

from studio.backends import MEDIA, PAGELESS
from studio.errors import StudioError
from studio.jobs.io.imports import ModelGetRequest
from studio.models.detect import DetectedModel
from studio.models.sources.offers import REPOSITORY
from studio.ui.background import SerialTasks
from studio.ui.pages.licences import LicenceTerms
from studio.ui.widgets.controls import CheckBox, ComboBox, button, label, named
from studio.ui.widgets.dialogs import LineDialog, open_address
from studio.ui.widgets.layout import add, column, row
from studio.ui.widgets.text import tr

TEXT_LIMIT = 200_000  # bytes of a licence that are shown


class LicenceDialog(QDialog):
    """Shows on which terms a model comes; accepted only once its licence is agreed to. `yes` is the word for that."""

    def __init__(
        self, parent: QWidget, question: str, allowed: LicenceTerms, yes: str, *, text: str = "", url: str = ""
    ) -> None:
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
        if url:
            read_it = button(tr("Read the licence"), "licenceRead", "quiet", clicked=lambda: open_address(url))
            read_it.setProperty("edge", "left")
            read_it.setToolTip(url)
            whole.addLayout(row(read_it, None))
        self.agree = CheckBox(tr("I have read the licence and agree to it"), "licenceAgree")
        bring = button(yes, "licenceBring", "primary", clicked=self.accept)
        bring.setEnabled(False)
        self.agree.toggled.connect(bring.setEnabled)
        leave = button(tr("Cancel"), "licenceLeave", clicked=self.reject)
        leave.setFixedHeight(40)
        add(whole, self.agree, 4, row(None, leave, bring))
        self.agree.setFocus()


class AddressDialog(LineDialog):
    """Asks for a repository of the model hub or the address of a file. `asked(request)`: it is to be fetched."""

    asked = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        self.medium = named(ComboBox(), "addressMedium", tr("Makes"))
        self.medium.addItem(tr("Detect"), "")
        for medium in (*MEDIA, *PAGELESS):
            self.medium.addItem(tr(medium.title), medium.name)
        super().__init__(
            parent,
            "address",
            tr("Get from an address"),
            tr("A name on Hugging Face, such as owner/model, or the address of a model file."),
            tr("Name or address"),
            (tr("Get"), "addressGet"),
            self._ask,
            row(label(tr("Makes"), "label"), None, self.medium),
        )
        self.line.setPlaceholderText("owner/model")

    def _ask(self) -> None:
        source = source_of(self.line.text())
        request = ModelGetRequest(source=source, target=str(self.medium.currentData()))
        try:
            _ = request.download  # BadInput for what is no source
        except StudioError as error:
            self.bar.show_error(error)
            return
        self.asked.emit(request)
        self.accept()


def source_of(text: str) -> str:
    """What a person wrote as the source of a request: a name on the hub, the address of its page there, or of a file.

    An address of a file of the hub stays an address.
    """
    text = text.strip()
    page = re.fullmatch(r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/([^/?#]+/[^/?#]+)(?:/tree/([^/?#]+))?/?", text)
    if page is not None:
        return f"hub:{page[1]}" + (f"@{page[2]}" if page[2] else "")
    name = re.split(r"[@:]", text, maxsplit=1)[0]
    return f"hub:{text}" if "://" not in text and REPOSITORY.fullmatch(name) else text


class TokenDialog(LineDialog):
    """Asks for a token of the model hub, and keeps it in the system's keyring; accepted once it is kept."""

    def __init__(self, parent: QWidget) -> None:
        words = tr(
            "Some models are given only to people with an account who have accepted a licence. Make a token with the "
            "right to read on your account's page, and paste it here. It is kept in the keyring of this system and "
            "sent to Hugging Face only."
        )
        save = (tr("Save"), "tokenSave")
        super().__init__(parent, "token", tr("Hugging Face token"), words, tr("Token"), save, self._save)
        self.line.setEchoMode(QLineEdit.EchoMode.Password)
        self.line.setPlaceholderText("hf_…")
        self._tasks = SerialTasks(self)  # a keyring may ask for its password first
        self.finished.connect(lambda _: self._tasks.close())

    def _save(self) -> None:
        from studio.models.sources import hub

        text = self.line.text()
        self.go.setEnabled(False)
        self._tasks.run(lambda: hub.set_token(text), lambda _: self.accept(), self._failed)

    def _failed(self, error: BaseException) -> None:
        self.go.setEnabled(True)
        self.bar.show_error(error)


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
