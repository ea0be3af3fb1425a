"""Logs unexpected errors and shows them in one dialog with a report to copy."""

from __future__ import annotations

import logging
import platform
import traceback
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, qVersion
from PySide6.QtGui import QGuiApplication, QShowEvent
from PySide6.QtWidgets import QApplication, QDialog, QPlainTextEdit, QWidget

import studio
from studio.system.log import redact
from studio.ui.widgets.controls import CheckBox, IconLabel, button, label, named
from studio.ui.widgets.error_actions import run_command
from studio.ui.widgets.layout import column, row
from studio.ui.widgets.text import count, tr
from studio.ui.widgets.theme import SIZE, theme

log = logging.getLogger(__name__)


class ErrorReporter(QObject):
    """Takes errors from any thread and shows them in one dialog; `clean` removes names, folders and prompts."""

    _reported = Signal(str, str)

    def __init__(self, clean: Callable[[str], str] = redact) -> None:
        super().__init__()
        self._clean = clean
        self._window: QWidget | None = None
        self._dialog: CrashDialog | None = None
        self._showing = False
        self._silent: set[str] = set()  # titles of errors that are not shown again
        self._reported.connect(self._show)

    def set_window(self, window: QWidget) -> None:
        self._window = window

    def report(self, error: BaseException) -> None:
        """Called from any thread."""
        log.error("an unexpected error", exc_info=error)
        trace = "".join(traceback.format_exception(error))
        self._reported.emit(f"{type(error).__name__}: {error}", trace)

    def _show(self, title: str, trace: str) -> None:
        if title in self._silent or self._showing:
            return
        self._showing = True  # an error in what shows errors is only logged
        try:
            if self._dialog is None:
                self._dialog = CrashDialog(self._window)
                self._dialog.finished.connect(self._gone)
                self._dialog.open()
            self._dialog.show_error(self._clean(title), self._clean(trace), key=title)
        finally:
            self._showing = False

    def _gone(self) -> None:
        if self._dialog is not None:
            if self._dialog.quiet.isChecked():
                self._silent |= self._dialog.keys
            self._dialog.deleteLater()
            self._dialog = None


class CrashDialog(QDialog):
    """Shows an unexpected error, says that the works are safe, and offers a report to copy."""

    def __init__(self, window: QWidget | None) -> None:
        super().__init__(window)
        if window is None:
            theme().style(self)
        self.setObjectName("unexpected")
        self.setWindowTitle(tr("Something went wrong"))
        self.keys: set[str] = set()
        self._times: dict[str, int] = {}
        sign = IconLabel("alert", "danger", SIZE.wide)
        heading = label(tr("An unexpected error occurred"), "heading", wrap=True)
        words = label(tr("Your work is safe: everything you created is already saved. You can continue."), wrap=True)
        words.setMinimumWidth(420)
        self.what = label("", "muted", name="unexpectedWhat", wrap=True, selectable=True)
        self.report = named(QPlainTextEdit(), "unexpectedReport", tr("Report"))
        self.report.setReadOnly(True)
        self.report.setTabChangesFocus(True)
        self.report.setMinimumSize(480, 160)
        self.quiet = CheckBox(tr("Do not show this error again until restart"), "unexpectedQuiet")
        self.copy = button(tr("Copy report"), "unexpectedCopy", icon="copy", clicked=self.copy_report)
        self.copy.setToolTip(tr("Copies the report without names, folders or prompts"))
        self.copy.setFixedHeight(SIZE.control + 6)
        look = button(tr("Open diagnostics"), "unexpectedLook", clicked=self._look)
        look.setFixedHeight(SIZE.control + 6)
        look.setVisible(window is not None)
        go_on = button(tr("Continue"), "unexpectedClose", "primary", clicked=self.accept)
        go_on.setDefault(True)
        right = column(None, heading, words, self.what, self.report, self.quiet)
        top = row(column(None, sign, None), (right, 1), spacing=SIZE.medium)
        column(self, (top, 1), row(self.copy, look, None, go_on), spacing=SIZE.medium, margins=(24, 24, 24, 20))
        go_on.setFocus()

    def show_error(self, what: str, trace: str, key: str) -> None:
        """Show an error, the newest above; the same one again is only counted."""
        self.keys.add(key)
        self._times = {**self._times, trace: self._times.get(trace, 0) + 1}
        times = sum(self._times.values())
        self.what.setText(what if times == 1 else f"{count(times, '%n error', '%n errors')} · {what}")
        self.report.setPlainText(self.text())
        self._make_room()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        """Set the minimum height; wrapped labels need more than a dialog asks for by itself."""
        layout = self.layout()
        assert layout is not None
        self.setMinimumHeight(layout.totalMinimumHeightForWidth(self.width()))

    def text(self) -> str:
        """The report: what runs here, then each different error once, the newest first."""
        facts = (
            f"AIGC Studio {studio.__version__}, Python {platform.python_version()}, Qt {qVersion()} "
            f"({QApplication.platformName()}), {platform.system()} {platform.release()} {platform.machine()}"
        )
        errors = [f"{times} x\n{trace}" if times > 1 else trace for trace, times in reversed(self._times.items())]
        return "\n".join([facts, "", *errors])

    def copy_report(self) -> None:
        QGuiApplication.clipboard().setText(self.text())
        self.copy.setText(tr("Copied"))

    def _look(self) -> None:
        window = self.parentWidget()
        self.accept()
        if window is not None:
            run_command(window, "diagnostics")
