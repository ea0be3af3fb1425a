"""One job of the queue, with what can be done about it; it knows nothing of the other rows but their jobs' ids."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QFrame, QLabel, QProgressBar, QPushButton, QWidget

from studio.backends import medium
from studio.errors import StudioError
from studio.jobs.group import JobGroup
from studio.jobs.job import Job
from studio.system.log import redact
from studio.ui.shell.job_strip import job_stage, job_title
from studio.ui.widgets import error_actions, icons
from studio.ui.widgets.basic import ElidedLabel, button, column, label, row, tool
from studio.ui.widgets.text import duration, failure, gist, sentence, tr
from studio.ui.widgets.theme import SIZE, theme

if TYPE_CHECKING:
    from studio.studio import Studio


def _name(job: Job | JobGroup) -> str:
    if isinstance(job, JobGroup) and job.group.title:
        return job.group.title
    return gist(job.request.to_json()) or job_title(job)


class QueueRow(QFrame):
    """`dragged` follows the pointer of a person who moves it, `dropped` ends that."""

    dragged = Signal()
    dropped = Signal()

    def __init__(self, studio: Studio, job: Job | JobGroup, wanted: Callable[[object], object]) -> None:
        super().__init__()
        self.setObjectName("job")
        self.job = job
        self.peers: list[str] = []  # the waiting jobs of its own queue, in order
        self.pointer = 0.0  # where the pointer that drags it stands, in the list
        self._studio = studio
        self._pressed: QPoint | None = None
        self._moving = False
        self.picture = QLabel()
        self.picture.setFixedSize(22, 22)
        self.name = ElidedLabel(_name(job))
        self.state = ElidedLabel(role="caption")
        self.state.setObjectName("jobState")
        self.why = label("", "caption", wrap=True, selectable=True)
        self.why.setObjectName("jobWhy")
        self.mends = row(spacing=SIZE.hair)
        self._mending = QWidget()
        self._mending.setLayout(self.mends)
        self._mending.hide()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress"))
        self.up = tool("up", tr("Move up"), "jobUp", clicked=lambda: self._move(-1), size=16)
        self.down = tool("down", tr("Move down"), "jobDown", clicked=lambda: self._move(1), size=16)
        self.cancel = tool("close", tr("Cancel"), "jobCancel", clicked=self._cancel, size=14)
        self.report: QPushButton = button(tr("Details"), "jobReport", "quiet", clicked=self._report)
        self.retry: QPushButton = button(tr("Retry"), "jobRetry", "quiet", clicked=self._retry)
        self.show_it: QPushButton = button(tr("Show"), "jobShow", "quiet", clicked=lambda: wanted(job))
        words = column(spacing=2)
        for widget in (self.name, self.state, self.why, self.bar):
            words.addWidget(widget)
        words.addWidget(self._mending)
        whole = row(self.picture, spacing=8, margins=(4, 6, 0, 6))
        whole.addLayout(words, 1)
        for widget in (self.up, self.down, self.report, self.retry, self.show_it, self.cancel):
            whole.addWidget(widget)
        self.setLayout(whole)
        theme().changed.connect(self._tint)
        self._tint()

    def refresh(self, peers: list[str]) -> None:
        job = self.job
        self.peers = peers
        running, queued = job.state == "running", job.state == "queued"
        took = tr("{state} in {time}").format(state=job_stage(job), time=duration(job.seconds))
        self.state.set_text(sentence(took if job.state == "done" else job_stage(job)))
        self.bar.setVisible(running)
        self.bar.setRange(0, job.progress.total)
        self.bar.setValue(job.progress.done)
        at = peers.index(job.id) if job.id in peers else -1
        movable = queued and len(peers) > 1
        for arrow, there in ((self.up, at > 0), (self.down, 0 <= at < len(peers) - 1)):
            arrow.setVisible(movable)
            arrow.setEnabled(there)
        self.setToolTip(tr("Drag to reorder") if movable else "")
        if not self._moving:
            self.setCursor(Qt.CursorShape.OpenHandCursor if movable else Qt.CursorShape.ArrowCursor)
        self.cancel.setVisible(running or queued)
        self.cancel.setEnabled(not job.cancelling)
        self.retry.setVisible(job.state in ("failed", "cancelled"))
        made = job.future.result() if job.future.done() and job.future.exception() is None else []
        self.show_it.setVisible(bool(made))
        error = job.error
        self.why.setVisible(error is not None)
        self.report.setVisible(error is not None and not isinstance(error, StudioError))
        if error is not None:
            self.why.setText(" ".join(failure(error)))
            self._offer(error)
        self.setAccessibleName(f"{job_title(job)}, {self.name.full_text()}, {self.state.full_text()}")

    def _offer(self, error: BaseException) -> None:
        """The buttons that mend it, once: a job that has failed stays so."""
        if self.mends.count():
            return
        again = lambda smaller: self._try(lambda: self._studio.submit(smaller, parents=self.job.parents))  # noqa: E731
        for words, name, act in error_actions.buttons(error, self, self.job.request, again):
            made = button(words, name, "quiet", clicked=act)
            made.setProperty("edge", "left")  # its words stand under those above
            self.mends.addWidget(made)
        self.mends.addStretch(1)
        self._mending.setVisible(self.mends.count() > 1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        movable = self.job.state == "queued" and len(self.peers) > 1
        if event.button() == Qt.MouseButton.LeftButton and movable:
            self._pressed = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            return
        place = event.position().toPoint()
        if not self._moving and (place - self._pressed).manhattanLength() < QApplication.startDragDistance():
            return
        if not self._moving:
            self._mark(True)
        self.pointer = float(self.mapToParent(place).y())
        self.dragged.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        moved, self._pressed = self._moving, None
        if moved:
            self._mark(False)
            self.dropped.emit()

    def _mark(self, moving: bool) -> None:
        self._moving = moving
        self.setProperty("moving", moving)
        self.style().unpolish(self)
        self.style().polish(self)
        self.setCursor(Qt.CursorShape.ClosedHandCursor if moving else Qt.CursorShape.OpenHandCursor)

    def _tint(self) -> None:
        icon = medium(self.job.request.medium).icon
        self.picture.setPixmap(icons.pixmap(icon, "muted", ratio=self.devicePixelRatioF()))

    def _move(self, step: int) -> None:
        if self.job.id in self.peers:
            self._try(lambda: self._studio.move(self.job.id, self.peers.index(self.job.id) + step))

    def _cancel(self) -> None:
        self._try(lambda: self._studio.cancel(self.job.id))

    def _retry(self) -> None:
        self._try(lambda: self._studio.retry(self.job.id))

    def _report(self) -> None:
        """Show the whole error, with a report to copy."""
        from studio.ui.shell.crash_dialog import CrashDialog

        error = self.job.error
        if error is None:
            return
        dialog = CrashDialog(self.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.quiet.hide()
        told = "".join(traceback.format_exception(error))
        dialog.show_error(redact(f"{type(error).__name__}: {error}"), redact(told), key="")
        dialog.open()

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except StudioError as error:
            self.why.setText(" ".join(failure(error)))
            self.why.show()
