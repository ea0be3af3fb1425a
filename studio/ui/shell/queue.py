"""The queue, laid over the window above the strip: all jobs, their order, their end; it asks and tells the studio."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QFrame, QWidget

from studio.errors import StudioError
from studio.jobs.group import JobGroup
from studio.jobs.job import Job
from studio.schema.request import TrainRequest
from studio.ui.commands import keys_of
from studio.ui.shell.queue_row import QueueRow
from studio.ui.widgets.basic import button, column, label, row, scrolling, tool
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE, theme

if TYPE_CHECKING:
    from studio.studio import Studio

ENDED = 12  # ended jobs that it shows


class QueuePanel(QFrame):
    """Running jobs, waiting ones in their order, and the last that ended. `wanted(job)` asks for what a job made."""

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
        rows.addWidget(self.empty)
        rows.addLayout(self._list)
        rows.addStretch(1)
        self._area = scrolling(inside)
        whole = column(self, margins=(1, 1, 1, 1))
        close = tool("close", tr("Close"), "queueClose", keys=keys_of("cancel"), clicked=self.hide, size=14)
        whole.addLayout(row(label(tr("Queue"), "heading"), None, self.pause, close, margins=(16, 10, 10, 2)))
        whole.addWidget(self._area, 1)
        parent.installEventFilter(self)
        self.hide()

    def hideEvent(self, event: QHideEvent) -> None:
        """Give the keyboard back to where it was."""
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
        jobs = self._studio.queue()
        live = [job for job in jobs if job.state in ("running", "queued")]
        shown = [*live, *[job for job in jobs if job.state not in ("running", "queued")][:ENDED]]
        wanted = {job.id for job in shown}
        for id in [id for id in self._rows if id not in wanted]:
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
        self.pause.setText(tr("Resume queue") if self._studio.paused else tr("Pause queue"))
        self.pause.setAccessibleName(self.pause.text())
        if self.isVisible():
            self._place()

    def rows(self) -> list[QueueRow]:
        """The rows from the top."""
        items = (self._list.itemAt(at) for at in range(self._list.count()))
        return [row for item in items if item is not None and isinstance(row := item.widget(), QueueRow)]

    # Order by drag.

    def _row(self, job: Job | JobGroup) -> QueueRow:
        made = QueueRow(self._studio, job, self.result_requested.emit)
        made.dragged.connect(lambda: self._drag(made))
        made.dropped.connect(lambda: self._drop(made))
        return made

    def _drag(self, moved: QueueRow) -> None:
        """A waiting row follows the pointer among those that wait with it."""
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
            self._studio.move(moved.job.id, order.index(moved.job.id))
        self.refresh()

    def _pause(self) -> None:
        self._studio.pause(not self._studio.paused)
        self.refresh()

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


def _lane(job: Job | JobGroup) -> bool:
    """Training waits in a queue of its own, and only within a queue is there an order."""
    return isinstance(job.request, TrainRequest)
