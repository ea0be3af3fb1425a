"""The diagnostics: what this machine has, what is missing and how to get it, and a report to copy; mends nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFrame, QLabel, QProgressBar, QWidget

from studio.support import diagnostics
from studio.support.diagnostics import DiagnosticFinding
from studio.ui.background import BackgroundTasks
from studio.ui.forms.form import MARGIN
from studio.ui.widgets import icons
from studio.ui.widgets.basic import MessageBar, button, clear_layout, column, label, row, tool
from studio.ui.widgets.tables import column_table
from studio.ui.widgets.text import count, failure, sentence, tr, worded
from studio.ui.widgets.theme import theme

if TYPE_CHECKING:
    from studio.studio import Studio

NAMED = ("Libraries", "Models")
NAMES = 180  # pixels of the column of names
SAID = 2500  # milliseconds that a button says that it has copied


class DiagnosticsPage(QWidget):
    """Looks at the machine when it is made, beside the window, for asking torch takes seconds."""

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.setObjectName("form")
        self._studio = studio
        self._aside = BackgroundTasks(self)
        self.findings: list[DiagnosticFinding] = []
        self.title = label(tr("Looking at this machine"), "title")
        self.title.setObjectName("diagnosticsTitle")
        self.words = label("", "muted", wrap=True)
        self.bar = MessageBar("diagnostics")
        self.busy = QProgressBar()
        self.busy.setRange(0, 0)
        self.busy.setTextVisible(False)
        self.busy.setAccessibleName(tr("Progress"))
        self.copy = button(tr("Copy report"), "copyReport", icon="copy", clicked=self.copy_report)
        self.copy.setToolTip(tr("Everything below as text to paste into a report, without names, folders or prompts"))
        self._said = QTimer(self)
        self._said.setSingleShot(True)
        self._said.setInterval(SAID)
        self._said.timeout.connect(self._copied)
        self.again = button(tr("Look again"), "lookAgain", icon="again", clicked=self.look)
        logs = button(tr("Show the log"), "showLog", icon="folder", clicked=lambda: _open(studio.paths.logs))
        self._told = column(spacing=8)
        whole = column(self, spacing=8, margins=(MARGIN, 0, MARGIN, 0))
        whole.addWidget(self.title)
        whole.addWidget(self.words)
        whole.addSpacing(4)
        whole.addLayout(row(self.copy, self.again, logs, None))
        whole.addWidget(self.busy)
        whole.addWidget(self.bar)
        whole.addSpacing(8)
        whole.addLayout(self._told)
        whole.addStretch(1)
        self.look()

    def look(self) -> None:
        """Examine the machine anew."""
        self.title.setText(tr("Looking at this machine"))
        self.words.setText(tr("This takes a few seconds."))
        self.bar.hide()
        self.busy.show()
        self.copy.setEnabled(False)
        self.again.setEnabled(False)
        studio = self._studio
        self._aside.run(lambda: diagnostics.examine(studio.paths, studio.catalog), self._found, self._failed)

    def copy_report(self) -> None:
        QGuiApplication.clipboard().setText(diagnostics.report(self.findings, self._studio.paths))
        self.copy.setText(tr("Copied"))
        self._said.start()

    def _copied(self) -> None:
        self.copy.setText(tr("Copy report"))

    def close_down(self) -> None:
        self._aside.close()

    def _failed(self, error: Exception) -> None:
        self.busy.hide()
        self.again.setEnabled(True)
        self.bar.show_message(*failure(error), kind="error")

    def _found(self, findings: list[DiagnosticFinding]) -> None:
        self.findings = findings
        self.busy.hide()
        self.copy.setEnabled(True)
        self.again.setEnabled(True)
        missing = [finding for finding in findings if finding.missing]
        essential = [finding for finding in missing if finding.essential]
        self.title.setText(
            count(len(missing), "%n thing could be better", "%n things could be better")
            if missing
            else tr("All is well")
        )
        self.words.setText(
            tr("The studio cannot do its work until that is mended.")
            if essential
            else tr("The studio works. What is missing costs only what is said beside it.")
            if missing
            else tr("The studio has all it needs on this machine.")
        )
        clear_layout(self._told)
        for finding in missing:
            self._told.addWidget(MissingPart(finding))
        if missing:
            self._told.addSpacing(16)
        for section in dict.fromkeys(finding.section for finding in findings):
            self._told.addWidget(label(tr(section), "heading"))
            self._told.addWidget(_table([finding for finding in findings if finding.section == section]))
            self._told.addSpacing(16)


class MissingPart(QFrame):
    """What is missing and how to get it; a command that gets it can be copied."""

    def __init__(self, finding: DiagnosticFinding) -> None:
        super().__init__()
        self.setObjectName("bar")
        self.setProperty("kind", "error" if finding.essential else "notice")
        self._sign = ("alert", "danger") if finding.essential else ("info", "accent")
        self._icon = QLabel()
        self._icon.setFixedSize(20, 20)
        words = column(spacing=2)
        words.addWidget(label(worded(finding.missing), "label", wrap=True, selectable=True))
        if finding.remedy:
            words.addWidget(label(worded(finding.remedy).replace("`", ""), wrap=True, selectable=True))
        line = row(spacing=12, margins=(14, 10, 10, 10))
        line.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        line.addLayout(words, 1)
        command = re.search(r"`([^`]+)`", str(finding.remedy))
        if command is not None:
            copy = tool("copy", tr("Copy the command: {command}").format(command=command[1]), "copyCommand")
            copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(command[1]))
            line.addWidget(copy, 0, Qt.AlignmentFlag.AlignTop)
        self.setLayout(line)
        theme().changed.connect(self._tint)
        self._tint()

    def _tint(self) -> None:
        self._icon.setPixmap(icons.pixmap(*self._sign, ratio=self.devicePixelRatioF()))


def _table(findings: Sequence[DiagnosticFinding]) -> QWidget:
    """Names and values, two columns."""
    lines: list[tuple[QLabel, QLabel]] = []
    for finding in findings:
        # Libraries and models are called what they are called; all else begins a line.
        words = finding.name if finding.section in NAMED else sentence(tr(finding.name))
        lines.append((label(words, "muted", wrap=True), label(worded(finding.value), wrap=True, selectable=True)))
    return column_table(lines, "told", first=NAMES)


def _open(folder: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
