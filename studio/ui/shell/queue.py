"""The queue panel: all jobs as rows, in their order, with what can be done about each."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable

import shiboken6
from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QFrame, QPushButton, QWidget

from studio.errors import StudioError
from studio.jobs.io.host import IoRequest
from studio.jobs.job import Job, JobGroup
from studio.schema.request import Request, TrainRequest
from studio.studio import Studio
from studio.system.log import redact
from studio.ui.commands import keys_of
from studio.ui.shell.job_strip import job_icon
from studio.ui.widgets import error_actions, icons
from studio.ui.widgets.controls import ElidedLabel, IconLabel, ProgressBar, button, label, named, tool
from studio.ui.widgets.layout import add, column, row, scrolling
from studio.ui.widgets.text import (
    cancel_words,
    count,
    duration,
    failure,
    job_stage,
    job_title,
    live_jobs,
    request_name,
    sentence,
    tr,
)
from studio.ui.widgets.theme import SIZE, theme


def _name(job: Job | JobGroup) -> str:
    if isinstance(job, JobGroup) and job.group.title:
        return job.group.title
    return request_name(job.request) or job_title(job)


MEMBERS_SHOWN = 50  # jobs of one group that its row unfolds to


class QueueRow(QFrame):
    """A job, or a group that unfolds to its jobs. `dragged` follows the pointer that moves the row, `dropped` ends it;
    `folded` follows a change of its height. `number` is the position of a job in its group, 0 on its own.
    """

    dragged = Signal()
    dropped = Signal()
    folded = Signal()

    def __init__(
        self, studio: Studio, job: Job | JobGroup, show_result: Callable[[object], object], number: int = 0
    ) -> None:
        super().__init__()
        self.setObjectName("member" if number else "job")
        self.job = job
        self.peers: list[str] = []  # the waiting jobs of its own queue, in order
        self.pointer = 0.0  # where the pointer that drags it stands, in the list
        self.members: list[QueueRow] = []  # empty until it is unfolded
        self._studio, self._show_result = studio, show_result
        self._pressed: QPoint | None = None
        self._moving = False
        self.picture = IconLabel(job_icon(job), "muted")
        self.picture.setFixedSize(22, 22)
        self.unfold = tool("chevron-right", tr("Show items"), "jobUnfold", clicked=self._unfold, size=14)
        self.unfold.setVisible(isinstance(job, JobGroup))
        numbered = tr("{number}. {name}").format(number=number, name=_name(job))
        self.name = ElidedLabel(numbered if number else _name(job))
        self.state = named(ElidedLabel(role="caption"), "jobState")
        self.why = label("", "caption", name="jobWhy", wrap=True, selectable=True)
        self.mends = row(spacing=SIZE.hair)
        self._mending = QWidget()
        self._mending.setLayout(self.mends)
        self._mending.hide()
        self.bar = ProgressBar()
        self.up = tool("up", tr("Move up"), "jobUp", clicked=lambda: self._move(-1), size=16)
        self.down = tool("down", tr("Move down"), "jobDown", clicked=lambda: self._move(1), size=16)
        self.cancel = tool("close", tr("Cancel"), "jobCancel", clicked=self._cancel, size=14)
        self.report: QPushButton = button(tr("Details"), "jobReport", "quiet", clicked=self._report)
        self.retry: QPushButton = button(tr("Retry"), "jobRetry", "quiet", clicked=self._retry)
        self.show_it: QPushButton = button(tr("Show"), "jobShow", "quiet", clicked=lambda: show_result(job))
        words = column(None, self.name, self.state, self.why, self.bar, self._mending, spacing=2)
        buttons = (self.unfold, self.up, self.down, self.report, self.retry, self.show_it, self.cancel)
        head = row(self.picture, (words, 1), *buttons, spacing=8, margins=(4, 6, 0, 6))
        self._inside = QWidget()
        self._inside.hide()
        column(self._inside, spacing=0, margins=(26, 0, 0, 6))
        column(self, head, self._inside, spacing=0)

    def refresh(self, peers: list[str]) -> None:
        """Show the state now; `peers` are the waiting rows among which it can be moved, by their ids."""
        job = self.job
        if not self._inside.isHidden():
            for member in self.members:
                member.refresh([])
        self.peers = peers
        running, queued = job.state == "running", job.state == "queued"
        took = tr("{state} in {time}").format(state=job_stage(job), time=duration(job.seconds))
        self.state.set_text(sentence(took if job.state == "done" else job_stage(job)))
        self.bar.setVisible(running)
        self.bar.show_progress(job.progress.done, job.progress.total)
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
        words = cancel_words(live_jobs(job))
        self.cancel.setToolTip(words)
        self.cancel.setAccessibleName(words)
        self.retry.setVisible(job.state in ("failed", "cancelled"))
        results = job.future.result() if job.future.done() and job.future.exception() is None else []
        request = job.request
        self.show_it.setVisible(bool(results) and not (isinstance(request, IoRequest) and not request.page))
        error = job.error
        self.why.setVisible(error is not None)
        self.report.setVisible(error is not None and not isinstance(error, StudioError))
        if error is not None:
            self.why.setText(" ".join(failure(error)))
            self._offer(error)
        self.setAccessibleName(f"{job_title(job)}, {self.name.full_text()}, {self.state.full_text()}")

    def _offer(self, error: BaseException) -> None:
        """Add the buttons that help with an error, once: a failed job stays failed."""
        if self.mends.count():
            return
        again = lambda smaller: self._try(lambda: self._studio.submit(smaller, parents=self.job.parents))  # noqa: E731
        for words, name, act in error_actions.buttons(error, self, self.job.request, again):
            mend = button(words, name, "quiet", clicked=act)
            mend.setProperty("edge", "left")  # its words stand under those above
            self.mends.addWidget(mend)
        self.mends.addStretch(1)
        self._mending.setVisible(self.mends.count() > 1)

    def _unfold(self) -> None:
        """Show the jobs of the group, each with its own state, or hide them."""
        job, show = self.job, self._inside.isHidden()
        assert isinstance(job, JobGroup)
        layout = self._inside.layout()
        if show and not self.members and layout is not None:
            for number, each in enumerate(job.jobs[:MEMBERS_SHOWN], 1):
                member = QueueRow(self._studio, each, self._show_result, number)
                self.members.append(member)
                layout.addWidget(member)
            rest = len(job.jobs) - len(self.members)
            if rest:
                layout.addWidget(label(count(rest, "and %n more", "and %n more"), "caption"))
        self._inside.setVisible(show)
        self.refresh(self.peers)
        words = tr("Hide items") if show else tr("Show items")
        self.unfold.setToolTip(words)
        self.unfold.setAccessibleName(words)
        icons.set_icon(self.unfold, "chevron-down" if show else "chevron-right", size=14)
        self.folded.emit()

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

    def _move(self, step: int) -> None:
        if self.job.id in self.peers:
            self._try(lambda: self._studio.queue.move(self.job.id, self.peers.index(self.job.id) + step))

    def _cancel(self) -> None:
        self._try(lambda: self._studio.queue.cancel(self.job.id))

    def _retry(self) -> None:
        self._try(lambda: self._studio.queue.retry(self.job.id))

    def _report(self) -> None:
        """Show the whole error, with a report to copy."""
        from studio.ui.shell.crash_dialog import CrashDialog

        error = self.job.error
        if error is None:
            return
        dialog = CrashDialog(self.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.quiet.hide()
        trace = "".join(traceback.format_exception(error))
        dialog.show_error(redact(f"{type(error).__name__}: {error}"), redact(trace), key="")
        dialog.open()

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except StudioError as error:
            self.why.setText(" ".join(failure(error)))
            self.why.show()


ENDED = 12  # ended jobs that it shows


class QueuePanel(QFrame):
    """Running jobs, waiting ones in their order, and the last that ended.

    `result_requested(job)` asks to show what a job made.
    """

    result_requested = Signal(object)

    def __init__(self, studio: Studio, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self.setObjectName("queue")
        self.setAccessibleName(tr("Queue"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._studio = studio
        self._rows: dict[str, QueueRow] = {}
        self._dragged: QueueRow | None = None
        self._before: QWidget | None = None
        self.pause = button(tr("Pause queue"), "queuePause", "quiet", keys=keys_of("pause"), clicked=self._pause)
        self.empty = label(tr("The queue is empty."), "muted", wrap=True)
        self._list = column(spacing=2)
        self._inside = inside = QWidget()
        inside.setObjectName("form")
        rows = column(inside, spacing=2, margins=(12, 0, 12, 12))
        self.empty.setContentsMargins(4, 4, 4, 4)
        add(rows, self.empty, self._list, None)
        self._area = scrolling(inside)
        whole = column(self, margins=(1, 1, 1, 1))
        close = tool("close", tr("Close"), "queueClose", keys=keys_of("cancel"), clicked=self.hide, size=14)
        whole.addLayout(row(label(tr("Queue"), "heading"), None, self.pause, close, margins=(16, 10, 10, 2)))
        whole.addWidget(self._area, 1)
        parent.installEventFilter(self)
        self.hide()

    def hideEvent(self, event: QHideEvent) -> None:
        """Return the focus to the widget that had it."""
        super().hideEvent(event)
        before, self._before = self._before, None
        if before is not None and shiboken6.isValid(before) and before.isVisible():
            before.setFocus(Qt.FocusReason.OtherFocusReason)

    def toggle(self) -> None:
        if self.isVisible():
            self.hide()
        else:
            self._before = QApplication.focusWidget()
            self.refresh()
            self._place()
            self.show()
            self.raise_()
            self.setFocus(Qt.FocusReason.PopupFocusReason)

    def refresh(self) -> None:
        jobs = self._studio.queue.rows()
        live = [job for job in jobs if job.state in ("running", "queued")]
        shown = [*live, *[job for job in jobs if job.state not in ("running", "queued")][:ENDED]]
        ids = {job.id for job in shown}
        for id in [id for id in self._rows if id not in ids]:
            gone = self._rows.pop(id)
            self._dragged = None if gone is self._dragged else self._dragged
            self._list.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        for at, job in enumerate(shown):
            found = self._rows.get(job.id)
            if found is None:
                found = self._rows[job.id] = self._row(job)
                self._list.insertWidget(at, found)
            elif self._dragged is None and self._list.indexOf(found) != at:
                self._list.removeWidget(found)
                self._list.insertWidget(at, found)
            peers = [other.id for other in live if other.state == "queued" and _lane(other) == _lane(job)]
            found.refresh(peers)
        self.empty.setVisible(not shown)
        self.pause.setText(tr("Resume queue") if self._studio.queue.paused else tr("Pause queue"))
        self.pause.setAccessibleName(self.pause.text())
        if self.isVisible():
            self._place()

    def rows(self) -> list[QueueRow]:
        """The rows from the top."""
        items = (self._list.itemAt(at) for at in range(self._list.count()))
        return [row for item in items if item is not None and isinstance(row := item.widget(), QueueRow)]

    def _row(self, job: Job | JobGroup) -> QueueRow:
        added = QueueRow(self._studio, job, self.result_requested.emit)
        added.dragged.connect(lambda: self._drag(added))
        added.dropped.connect(lambda: self._drop(added))
        added.folded.connect(self._fit)
        return added

    def _drag(self, moved: QueueRow) -> None:
        """Move a waiting row to where the pointer is, among the rows of its lane."""
        self._dragged = moved
        y = moved.pointer
        mine = self._list.indexOf(moved)
        peers = [other for other in self.rows() if other.job.id in moved.peers and other is not moved]
        middles = {self._list.indexOf(other): other.y() + other.height() / 2 for other in peers}
        above = [at for at, middle in middles.items() if at < mine and y < middle]
        below = [at for at, middle in middles.items() if at > mine and y > middle]
        if above or below:
            self._list.removeWidget(moved)
            self._list.insertWidget(min(above) if above else max(below), moved)
            self._list.activate()
        self._area.ensureVisible(0, round(y), 0, 24)

    def _drop(self, moved: QueueRow) -> None:
        if self._dragged is not moved:
            return
        self._dragged = None
        order = [other.job.id for other in self.rows() if other.job.id in moved.peers]
        with contextlib.suppress(StudioError, ValueError):  # it runs, or has ended, meanwhile: its row says so
            self._studio.queue.move(moved.job.id, order.index(moved.job.id))
        self.refresh()

    def _pause(self) -> None:
        self._studio.queue.pause(not self._studio.queue.paused)
        self.refresh()

    def _fit(self) -> None:
        self._list.activate()
        self._place()

    def _place(self) -> None:
        whole, look = self._over.size(), theme()
        high = self._inside.sizeHint().height() + look.scaled(56)  # its head
        size = QSize(min(look.scaled(480), whole.width() - 32), min(high, look.scaled(420), whole.height() - 120))
        foot = look.scaled(SIZE.strip) + SIZE.small
        self.setGeometry(
            whole.width() - size.width() - 12, whole.height() - size.height() - foot, size.width(), size.height()
        )

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)


def _lane(job: Job | JobGroup) -> type[Request]:
    """The kind of request that shares a lane: rows can only be reordered within a lane."""
    return next((kind for kind in (TrainRequest, IoRequest) if isinstance(job.request, kind)), Request)
