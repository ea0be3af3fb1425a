"""The job strip at the foot of the window, and the queue behind it; they ask the studio and keep nothing themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QFrame, QLabel, QProgressBar, QPushButton, QScrollArea, QWidget

from studio.backends import medium
from studio.errors import StudioError
from studio.job import Job
from studio.ui import icons
from studio.ui.theme import SIZE, theme
from studio.ui.widgets import Elided, button, column, label, row, tool
from studio.ui.words import count, duration, failure, gist, tr

if TYPE_CHECKING:
    from studio.studio import Studio

ENDED = 12  # ended jobs that the queue shows


def title(job: Job) -> str:
    return tr(medium(job.request.medium).title)


def stage(job: Job) -> str:
    """What it does right now: `painting 3 of 12`."""
    progress = job.progress
    words = {
        "queued": tr("waiting"),
        "done": tr("done"),
        "failed": tr("failed"),
        "cancelled": tr("cancelled"),
    }
    if job.state != "running":
        return words[job.state]
    if job.stopping:
        return tr("stopping")
    name = tr(progress.stage)
    if not progress.total:
        return name
    return tr("{stage} {done} of {total}").format(stage=name, done=progress.done, total=progress.total)


class Strip(QFrame):
    """What runs: stage, progress, time left, cancel; and how many wait."""

    def __init__(self, studio: Studio, show_queue: Callable[[], object]) -> None:
        super().__init__()
        self.setObjectName("strip")
        self.setFixedHeight(SIZE.strip)
        self._studio = studio
        self._job: Job | None = None
        self.icon = QLabel()
        self.icon.setFixedSize(20, 20)
        self.words = Elided()
        self.words.setObjectName("stripWords")
        self.bar = QProgressBar()
        self.bar.setObjectName("stripBar")
        self.bar.setAccessibleName(tr("Progress"))
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(160)
        self.left = label("", "muted")
        self.left.setObjectName("stripLeft")
        self.left.setMinimumWidth(92)
        self.cancel = button(tr("Cancel"), "stripCancel", "quiet", clicked=self._cancel)
        self.queue = button(tr("Queue"), "stripQueue", "quiet", icon="queue", clicked=show_queue)
        self.setLayout(
            row(self.icon, self.words, self.bar, self.left, self.cancel, self.queue, spacing=12, margins=(16, 0, 12, 0))
        )
        layout = self.layout()
        assert layout is not None
        layout.setStretch(1, 1)  # type: ignore[attr-defined]
        self._clock = QTimer(self)
        self._clock.setInterval(1000)
        self._clock.timeout.connect(self._tell_time)
        theme().changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Read the studio anew."""
        jobs = self._studio.jobs()
        running = [job for job in jobs if job.state == "running"]
        waiting = sum(job.state == "queued" for job in jobs)
        before, self._job = self._job, running[0] if running else None
        job = self._job
        if job is None:
            words = tr("Paused") if self._studio.paused else tr("Ready")
            self.words.say(words)
            self.icon.setPixmap(icons.pixmap("pause" if self._studio.paused else "tick", "muted", ratio=self._ratio))
            self._clock.stop()
        else:
            self.words.say(f"{title(job)} · {stage(job)}")
            self.icon.setPixmap(icons.pixmap(medium(job.request.medium).icon, "accent", ratio=self._ratio))
            total = job.progress.total
            self.bar.setRange(0, total)
            self.bar.setValue(min(job.progress.done, total))
            if not self._clock.isActive():
                self._clock.start()
        self.bar.setVisible(job is not None)
        self.left.setVisible(job is not None)
        self.cancel.setVisible(job is not None)
        self.cancel.setEnabled(job is not None and not job.stopping)
        self.queue.setText(count(waiting, "%n waiting", "%n waiting") if waiting else tr("Queue"))
        self.queue.setAccessibleName(self.queue.text())
        if job is not before:
            self._tell_time()

    @property
    def _ratio(self) -> float:
        return self.devicePixelRatioF()

    def _tell_time(self) -> None:
        seconds = self._studio.seconds_left(self._job) if self._job is not None else None
        self.left.setText(
            "" if seconds is None or seconds < 1 else tr("about {time} left").format(time=duration(seconds))
        )

    def _cancel(self) -> None:
        if self._job is not None:
            self._studio.cancel(self._job.id)
            self.refresh()


class Queue(QFrame):
    """All jobs: running, waiting in their order, and the last that ended; laid over the window, above the strip."""

    wanted = Signal(object)

    def __init__(self, studio: Studio, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self.setObjectName("queue")
        self.setAccessibleName(tr("Queue"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._studio = studio
        self._rows: dict[str, Row] = {}
        self._before: QWidget | None = None
        self.pause = button(tr("Pause queue"), "queuePause", "quiet", clicked=self._pause)
        self.empty = label(tr("Nothing waits and nothing runs. What you generate appears here."), "muted", wrap=True)
        self._list = column(spacing=2)
        inside = QWidget()
        inside.setObjectName("form")
        rows = column(inside, spacing=2, margins=(12, 0, 12, 12))
        rows.addWidget(self.empty)
        rows.addLayout(self._list)
        rows.addStretch(1)
        area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        whole = column(self, margins=(1, 1, 1, 1))
        close = tool("close", tr("Close"), "queueClose", clicked=self.hide, size=14)
        whole.addLayout(row(label(tr("Queue"), "heading"), None, self.pause, close, margins=(16, 10, 10, 2)))
        whole.addWidget(area, 1)
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
        jobs = self._studio.jobs()
        live = [job for job in jobs if job.state in ("running", "queued")]
        shown = [*live, *[job for job in jobs if job.state not in ("running", "queued")][:ENDED]]
        waiting = [job.id for job in live if job.state == "queued"]
        wanted = {job.id for job in shown}
        for id in [id for id in self._rows if id not in wanted]:
            gone = self._rows.pop(id)
            self._list.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        for at, job in enumerate(shown):
            found = self._rows.get(job.id)
            if found is None:
                found = self._rows[job.id] = Row(self._studio, job, self.wanted.emit)
                self._list.insertWidget(at, found)
            elif self._list.indexOf(found) != at:
                self._list.removeWidget(found)
                self._list.insertWidget(at, found)
            found.refresh(waiting)
        self.empty.setVisible(not shown)
        self.pause.setText(tr("Resume queue") if self._studio.paused else tr("Pause queue"))

    def rows(self) -> list[Row]:
        """The rows from the top."""
        return [widget for at in range(self._list.count()) if isinstance(widget := self._list.itemAt(at).widget(), Row)]  # type: ignore[union-attr]

    def _pause(self) -> None:
        self._studio.pause(not self._studio.paused)
        self.refresh()

    def _place(self) -> None:
        whole = self._over.size()
        size = QSize(min(480, whole.width() - 32), min(420, whole.height() - 120))
        self.setGeometry(
            whole.width() - size.width() - 12,
            whole.height() - size.height() - SIZE.strip - 8,
            size.width(),
            size.height(),
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


class Row(QFrame):
    """One job of the queue, with what can be done about it."""

    def __init__(self, studio: Studio, job: Job, wanted: Callable[[object], object]) -> None:
        super().__init__()
        self.setObjectName("job")
        self.job = job
        self._studio = studio
        self._waiting: list[str] = []
        picture = QLabel()
        picture.setPixmap(icons.pixmap(medium(job.request.medium).icon, "muted", ratio=self.devicePixelRatioF()))
        picture.setFixedSize(22, 22)
        self.name = Elided(gist(job.request.to_json()) or title(job))
        self.state = Elided(role="caption")
        self.state.setObjectName("jobState")
        self.why = label("", "caption", wrap=True, selectable=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.up = tool("up", tr("Sooner"), "jobUp", clicked=lambda: self._move(-1), size=16)
        self.down = tool("down", tr("Later"), "jobDown", clicked=lambda: self._move(1), size=16)
        self.cancel = tool("close", tr("Cancel"), "jobCancel", clicked=self._cancel, size=14)
        self.retry: QPushButton = button(tr("Retry"), "jobRetry", "quiet", clicked=self._retry)
        self.show_it: QPushButton = button(tr("Show"), "jobShow", "quiet", clicked=lambda: wanted(job))
        words = column(spacing=2)
        words.addWidget(self.name)
        words.addWidget(self.state)
        words.addWidget(self.why)
        words.addWidget(self.bar)
        whole = row(picture, spacing=8, margins=(4, 6, 0, 6))
        whole.addLayout(words, 1)
        for widget in (self.up, self.down, self.retry, self.show_it, self.cancel):
            whole.addWidget(widget)
        self.setLayout(whole)

    def refresh(self, waiting: list[str]) -> None:
        job = self.job
        self._waiting = waiting
        running, queued = job.state == "running", job.state == "queued"
        took = tr("{state} in {time}").format(state=stage(job), time=duration(job.seconds))
        self.state.say(took if job.state == "done" else stage(job))
        self.bar.setVisible(running)
        self.bar.setRange(0, job.progress.total)
        self.bar.setValue(job.progress.done)
        at = waiting.index(job.id) if job.id in waiting else -1
        self.up.setVisible(queued and len(waiting) > 1)
        self.up.setEnabled(at > 0)
        self.down.setVisible(queued and len(waiting) > 1)
        self.down.setEnabled(0 <= at < len(waiting) - 1)
        self.cancel.setVisible(running or queued)
        self.cancel.setEnabled(not job.stopping)
        self.retry.setVisible(job.state in ("failed", "cancelled"))
        self.show_it.setVisible(job.state == "done")
        error = job.error
        self.why.setVisible(error is not None)
        if error is not None:
            self.why.setText(" ".join(failure(error)))
        self.setAccessibleName(f"{title(job)}, {self.name.whole()}, {self.state.whole()}")

    def _move(self, step: int) -> None:
        if self.job.id in self._waiting:
            self._try(lambda: self._studio.move(self.job.id, self._waiting.index(self.job.id) + step))

    def _cancel(self) -> None:
        self._try(lambda: self._studio.cancel(self.job.id))

    def _retry(self) -> None:
        self._try(lambda: self._studio.retry(self.job.id))

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except StudioError as error:
            self.why.setText(str(error))
            self.why.show()
