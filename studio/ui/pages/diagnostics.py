"""The diagnostics page: what this computer has, what is missing and how to get it, and a report to copy."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from studio.studio import Studio
from studio.support import diagnostics
from studio.support.diagnostics import DiagnosticFinding
from studio.ui.background import BackgroundTasks
from studio.ui.forms.form import MARGIN
from studio.ui.widgets.controls import IconLabel, ProgressBar, button, label, tool
from studio.ui.widgets.dialogs import open_folder
from studio.ui.widgets.layout import add, clear_layout, column, column_table, row
from studio.ui.widgets.messages import MessageBar
from studio.ui.widgets.page import Page, timer
from studio.ui.widgets.text import count, sentence, tr, worded

NAMED = ("Libraries", "Models")
NAME_WIDTH = 180  # pixels
COPIED_TIME = 2500  # milliseconds that the button reads "Copied"


class DiagnosticsPage(Page):
    """Checks the computer on a thread when it is created: asking torch takes seconds."""

    def __init__(self, studio: Studio) -> None:
        super().__init__("form")
        self._studio = studio
        self._tasks = BackgroundTasks(self)
        self.findings: list[DiagnosticFinding] = []
        self.title = label(tr("Checking this computer"), "title", name="diagnosticsTitle")
        self.words = label("", "muted", wrap=True)
        self.bar = MessageBar("diagnostics")
        self.busy = ProgressBar()
        self.busy.setRange(0, 0)
        self.copy = button(tr("Copy report"), "copyReport", icon="copy", clicked=self.copy_report)
        self.copy.setToolTip(tr("Copy all of this as text for a bug report, without names, folders or prompts"))
        self._copied_timer = timer(self, lambda: self.copy.setText(tr("Copy report")), COPIED_TIME)
        self.again = button(tr("Check again"), "lookAgain", icon="again", clicked=self.check)
        logs = button(tr("Show log"), "showLog", icon="folder", clicked=lambda: open_folder(studio.paths.logs))
        self._rows = column(spacing=8)
        whole = column(self, self.title, spacing=8, margins=(MARGIN, 0, MARGIN, 0))
        add(whole, self.words, 4, row(self.copy, self.again, logs, None), self.busy, self.bar, 8, self._rows, None)
        self.check()

    def check(self) -> None:
        """Check the computer again."""
        self.title.setText(tr("Checking this computer"))
        self.words.setText(tr("This takes a few seconds."))
        self.bar.hide()
        self.busy.show()
        self.copy.setEnabled(False)
        self.again.setEnabled(False)
        studio = self._studio
        self._tasks.run(lambda: diagnostics.examine(studio.paths, studio.catalog), self._found, self._failed)

    def copy_report(self) -> None:
        QGuiApplication.clipboard().setText(diagnostics.report(self.findings, self._studio.paths))
        self.copy.setText(tr("Copied"))
        self._copied_timer.start()

    def close_down(self) -> None:
        self._tasks.close()

    def _failed(self, error: Exception) -> None:
        self.busy.hide()
        self.again.setEnabled(True)
        self.bar.show_error(error)

    def _found(self, findings: list[DiagnosticFinding]) -> None:
        self.findings = findings
        self.busy.hide()
        self.copy.setEnabled(True)
        self.again.setEnabled(True)
        missing = [finding for finding in findings if finding.missing]
        essential = [finding for finding in missing if finding.essential]
        self.title.setText(
            count(len(missing), "%n problem found", "%n problems found") if missing else tr("Everything works")
        )
        self.words.setText(
            tr("The studio does not work until this is fixed.")
            if essential
            else tr("The studio works, but not everything is available.")
            if missing
            else tr("Nothing is missing on this computer.")
        )
        clear_layout(self._rows)
        for finding in missing:
            self._rows.addWidget(MissingPart(finding))
        if missing:
            self._rows.addSpacing(16)
        for section in dict.fromkeys(finding.section for finding in findings):
            self._rows.addWidget(label(tr(section), "heading"))
            self._rows.addWidget(_table([finding for finding in findings if finding.section == section]))
            self._rows.addSpacing(16)


class MissingPart(QFrame):
    """One missing thing and how to get it; a command can be copied."""

    def __init__(self, finding: DiagnosticFinding) -> None:
        super().__init__()
        self.setObjectName("bar")
        self.setProperty("kind", "error" if finding.essential else "notice")
        icon = IconLabel(*("alert", "danger") if finding.essential else ("info", "accent"))
        words = column(None, label(worded(finding.missing), "label", wrap=True, selectable=True), spacing=2)
        if finding.remedy:
            words.addWidget(label(worded(finding.remedy).replace("`", ""), wrap=True, selectable=True))
        line = row(spacing=12, margins=(14, 10, 10, 10))
        line.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
        line.addLayout(words, 1)
        command = re.search(r"`([^`]+)`", str(finding.remedy))
        if command is not None:
            copy = tool("copy", tr("Copy the command: {command}").format(command=command[1]), "copyCommand")
            copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(command[1]))
            line.addWidget(copy, 0, Qt.AlignmentFlag.AlignTop)
        self.setLayout(line)


def _table(findings: Sequence[DiagnosticFinding]) -> QWidget:
    """Names and values, two columns."""
    lines: list[tuple[QLabel, QLabel]] = []
    for finding in findings:
        # Libraries and models are called what they are called; all else begins a line.
        words = finding.name if finding.section in NAMED else sentence(tr(finding.name))
        lines.append((label(words, "muted", wrap=True), label(worded(finding.value), wrap=True, selectable=True)))
    return column_table(lines, "told", first=NAME_WIDTH)
