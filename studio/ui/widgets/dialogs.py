"""Dialogs that every page uses: choosing files, a question before what cannot be undone, one line of text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QFileDialog, QLayout, QLineEdit, QWidget

from studio.ui.widgets.controls import button, label, named
from studio.ui.widgets.layout import add, column, row
from studio.ui.widgets.messages import MessageBar
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import theme

WIDTH = 420  # pixels that a question is wide at least


def ask_paths(
    parent: QWidget,
    title: str,
    name: str,
    take: Callable[[list[Path]], object],
    *,
    start: str | Path = "",
    mode: QFileDialog.FileMode = QFileDialog.FileMode.ExistingFile,
    types: str = "",
    save_as: str = "",
) -> None:
    """Ask for files or folders, and give them to `take`; with `save_as`, for the name of a new file, which gets the
    suffix of the type that is chosen.
    """
    dialog = QFileDialog(parent, title, str(start), types)
    dialog.setObjectName(name)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setFileMode(QFileDialog.FileMode.AnyFile if save_as else mode)
    if save_as:
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(Path(save_as).suffix.lstrip("."))
        dialog.selectFile(save_as)
        dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(_suffix(chosen)))
    dialog.filesSelected.connect(lambda paths: take([Path(path) for path in paths]))
    dialog.open()


def _suffix(file_type: str) -> str:
    """The first suffix of a type such as "Text (*.txt)"; empty for one without."""
    return file_type.rpartition("(*.")[2].rstrip(")").split()[0] if "(*." in file_type else ""


class QuestionDialog(QDialog):
    """Asks before something that cannot be undone; leaving it is what Return and Escape do.

    `names` are the object names of the dialog and of the button that does it, `answers` the words for doing it and for
    leaving it.
    """

    def __init__(
        self,
        parent: QWidget,
        names: tuple[str, str],
        title: str,
        question: str,
        consequence: str,
        answers: tuple[str, str],
        do: Callable[[], object],
    ) -> None:
        super().__init__(parent)
        self.setObjectName(names[0])
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.question = label(question, "heading", wrap=True)
        self.consequence = label(consequence, wrap=True)
        self.consequence.setMinimumWidth(theme().scaled(WIDTH))
        self.yes = button(answers[0], names[1], clicked=self.accept)
        self.leave = button(answers[1], f"{names[0]}Leave", clicked=self.reject)
        self.leave.setDefault(True)
        self.accepted.connect(lambda: do())
        whole = column(self, spacing=12, margins=(24, 20, 24, 20))
        add(whole, self.question, self.consequence, 4, row(None, self.yes, self.leave))
        self.leave.setFocus()


class LineDialog(QDialog):
    """Asks for one line of text, which is never empty. `line` is the field, `go` the button that `answer` runs, `bar`
    says what is wrong. `hint` stands above the line where there is one, `more` below.
    """

    def __init__(
        self,
        parent: QWidget,
        name: str,
        title: str,
        hint: str,
        called: str,
        go: tuple[str, str],
        answer: Callable[[], object],
        *more: QLayout,
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.line = named(QLineEdit(), f"{name}Line", called)
        self.line.setMinimumWidth(theme().scaled(WIDTH))
        self.bar = MessageBar(name)
        words, button_name = go
        self.go = button(words, button_name, "primary", clicked=answer)
        self.go.setDefault(True)
        self.go.setEnabled(False)
        self.line.textChanged.connect(lambda text: self.go.setEnabled(bool(text.strip())))
        leave = button(tr("Cancel"), f"{name}Leave", clicked=self.reject)
        leave.setFixedHeight(40)
        said = label(hint, "muted", wrap=True)
        said.setVisible(bool(hint))
        whole = column(self, spacing=12, margins=(24, 20, 24, 20))
        add(whole, label(title, "heading", wrap=True), said, self.line, *more, self.bar, 4, row(None, leave, self.go))
        self.line.setFocus()


def open_folder(folder: Path) -> None:
    """Show a folder in the system's file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


def open_address(url: str) -> None:
    """Show a page in the system's browser."""
    QDesktopServices.openUrl(QUrl(url))
