"""Dialogs of the system: choosing files, showing a folder, and a question before what cannot be undone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget


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


def confirm(
    parent: QWidget,
    names: tuple[str, str],
    question: str,
    consequence: str,
    answers: tuple[str, str],
    do: Callable[[], object],
    *,
    title: str = "",
    icon: QMessageBox.Icon = QMessageBox.Icon.NoIcon,
) -> None:
    """Ask before something that cannot be undone.

    `names` are the object names of the dialog and of the button that does it, `answers` the words for doing it and for
    leaving it.
    """
    box = QMessageBox(parent)
    box.setObjectName(names[0])
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setIcon(icon)
    box.setWindowTitle(title)
    box.setText(question)
    box.setInformativeText(consequence)
    yes = box.addButton(answers[0], QMessageBox.ButtonRole.DestructiveRole)
    yes.setObjectName(names[1])
    box.setDefaultButton(box.addButton(answers[1], QMessageBox.ButtonRole.RejectRole))
    yes.clicked.connect(lambda: do())
    box.open()


def open_folder(folder: Path) -> None:
    """Show a folder in the system's file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


def open_address(url: str) -> None:
    """Show a page in the system's browser."""
    QDesktopServices.openUrl(QUrl(url))
