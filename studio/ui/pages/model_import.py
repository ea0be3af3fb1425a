"""Bringing models in, one after another: look, ask where the licence wants it, copy, say how far; shows no list."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QDialog, QFrame, QPlainTextEdit, QProgressBar, QWidget

from studio.errors import StudioError
from studio.models import detect
from studio.models.catalog import Catalog
from studio.models.detect import DetectedModel
from studio.models.model import Model
from studio.ui.background import BackgroundTasks, Failure
from studio.ui.pages.licences import terms
from studio.ui.widgets.basic import CheckBox, ElidedLabel, button, column, label, row
from studio.ui.widgets.text import size, tr

LOOK = 100  # milliseconds between two looks at how far a copy is
SHARES = 1000  # steps of the progress bar: bytes do not fit into its numbers
TEXT_LIMIT = 200_000  # bytes of a licence that are shown


class ImportCancelled(StudioError):
    """The person cancelled the import."""


@dataclass
class CopyProgress:
    """How far a copy is, shared with the thread that copies; it ends at its next step once `stopped`."""

    closing: threading.Event
    done: int = 0
    total: int = 0
    stopped: bool = False

    def report(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        if self.stopped or self.closing.is_set():
            raise ImportCancelled("The import was cancelled.")


class LicenceDialog(QDialog):
    """Shows on which terms a model comes; accepted only once its licence is agreed to."""

    def __init__(self, parent: QWidget, path: Path, found: DetectedModel) -> None:
        super().__init__(parent)
        self.setObjectName("licence")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Licence of {name}").format(name=path.name))
        allowed = terms(found.licence)
        whole = column(self, spacing=12, margins=(24, 20, 24, 20))
        whole.addWidget(label(tr("Bring in {name}?").format(name=path.name), "heading", wrap=True))
        words = label(tr("Licence: {name}.").format(name=allowed.name) + " " + allowed.words, wrap=True)
        words.setMinimumWidth(420)
        whole.addWidget(words)
        text = _licence_text(found)
        if text:
            read = QPlainTextEdit(text)
            read.setReadOnly(True)
            read.setObjectName("licenceText")
            read.setAccessibleName(tr("Text of the licence"))
            read.setTabChangesFocus(True)
            read.setMinimumSize(480, 220)
            whole.addWidget(read)
        self.agree = CheckBox(tr("I know its licence and agree to it"), "licenceAgree")
        bring = button(tr("Bring it in"), "licenceBring", "primary", clicked=self.accept)
        bring.setEnabled(False)
        self.agree.toggled.connect(bring.setEnabled)
        leave = button(tr("Leave it"), "licenceLeave", clicked=self.reject)
        leave.setFixedHeight(40)
        whole.addWidget(self.agree)
        whole.addSpacing(4)
        whole.addLayout(row(None, leave, bring))
        self.agree.setFocus()


class ModelImporter(QFrame):
    """The line that says what is being brought in. `brought` and `failed` come once for each path."""

    brought = Signal(object)
    failed = Signal(object)

    def __init__(self, catalog: Catalog, aside: BackgroundTasks) -> None:
        super().__init__()
        self.setObjectName("bar")
        self.setProperty("kind", "notice")
        self._catalog, self._aside = catalog, aside
        self._waiting: list[Path] = []
        self._path: Path | None = None
        self._copying = CopyProgress(aside.stopping)
        self.words = ElidedLabel(role="label")
        self.words.setObjectName("importWords")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress"))
        self.cancel = button(tr("Cancel"), "importCancel", clicked=self.give_up)
        told = column(spacing=8)
        told.addWidget(self.words)
        told.addWidget(self.bar)
        whole = row(spacing=16, margins=(14, 10, 10, 10))
        whole.addLayout(told, 1)
        whole.addWidget(self.cancel)
        self.setLayout(whole)
        self._look = QTimer(self)
        self._look.setInterval(LOOK)
        self._look.timeout.connect(self._tell)
        self.hide()

    def bring(self, paths: Sequence[Path]) -> None:
        """Queue folders and files; each is looked at, asked about where need be, and copied."""
        self._waiting += paths
        if self._path is None:
            self._next()

    def give_up(self) -> None:
        """Stop what is being copied, and forget what waits."""
        self._waiting.clear()
        self._copying.stopped = True

    def _next(self) -> None:
        self._path = self._waiting.pop(0) if self._waiting else None
        self._copying = CopyProgress(self._aside.stopping)
        self.setVisible(self._path is not None)
        if self._path is None:
            self._look.stop()
            return
        path = self._path
        self.words.set_text(tr("Looking at {name}").format(name=path.name))
        self.bar.setRange(0, 0)
        self._look.start()
        families = self._catalog.families
        self._aside.run(lambda: detect.recognise(path, families), lambda found: self._ask(path, found), self._failed)

    def _ask(self, path: Path, found: DetectedModel) -> None:
        if self._copying.stopped:
            self._next()
            return
        if terms(found.licence).free:
            self._copy(path, found)
            return
        dialog = LicenceDialog(self.window(), path, found)
        dialog.accepted.connect(lambda: self._copy(path, found))
        dialog.rejected.connect(self._next)
        dialog.open()

    def _copy(self, path: Path, found: DetectedModel) -> None:
        bring, report = self._catalog.import_, self._copying.report

        def work() -> Model:
            return bring(path, found.medium, accept_licence=True, report=report)

        self._aside.run(work, self._brought, self._failed)

    def _tell(self) -> None:
        done, total = self._copying.done, self._copying.total
        if self._path is None or not total:
            return
        name = self._path.name
        if done >= total:
            self.words.set_text(tr("Checking {name}").format(name=name))
            self.bar.setRange(0, 0)
            return
        words = tr("Copying {name}: {done} of {total}")
        self.words.set_text(words.format(name=name, done=size(done), total=size(total)))
        self.bar.setRange(0, SHARES)
        self.bar.setValue(done * SHARES // total)

    def _brought(self, model: Model) -> None:
        self.brought.emit(model)
        self._next()

    def _failed(self, error: Failure) -> None:
        if not isinstance(error, ImportCancelled):
            self.failed.emit(error)
        self._next()


def _licence_text(found: DetectedModel) -> str:
    """The text of the licence that lies beside the weights; empty where there is none."""
    for file in found.files:
        if file.name.upper().startswith(("LICENSE", "LICENCE")):
            try:
                with (found.root / file).open("rb") as opened:
                    return opened.read(TEXT_LIMIT).decode("utf-8", "replace")
            except OSError:
                return ""
    return ""
