"""The job strip at the foot of the window: what runs, how far it is, and how many jobs wait."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QFrame, QLabel, QProgressBar

from studio.backends import medium
from studio.jobs.io_host import IoRequest
from studio.jobs.job import Job, JobGroup, Progress
from studio.studio import Studio
from studio.ui.commands import keys_of
from studio.ui.widgets import icons
from studio.ui.widgets.basic import ElidedLabel, button, label, named, row, timer
from studio.ui.widgets.text import count, duration, job_stage, job_title, tr
from studio.ui.widgets.theme import SIZE, theme

SHARES = 10_000


def job_icon(job: Job | JobGroup) -> str:
    request = job.request
    return request.icon if isinstance(request, IoRequest) else medium(request.medium).icon


def show_progress(bar: QProgressBar, progress: Progress) -> None:
    """Show a progress in a bar. Large totals are scaled down: a bar counts in 32 bits, which bytes exceed."""
    share = 1 if progress.total <= SHARES else SHARES / progress.total
    bar.setRange(0, round(progress.total * share))
    bar.setValue(round(min(progress.done, progress.total) * share))


class JobStrip(QFrame):
    """Shows the running job with stage, progress, time left and a cancel button, and how many jobs wait."""

    def __init__(self, studio: Studio, show_queue: Callable[[], object]) -> None:
        super().__init__()
        self.setObjectName("strip")
        self._studio = studio
        self._job: Job | JobGroup | None = None
        self.icon = QLabel()
        self.icon.setFixedSize(20, 20)
        self.words = named(ElidedLabel(), "stripWords")
        self.bar = named(QProgressBar(), "stripBar", tr("Progress"))
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(160)
        self.left = label("", "muted", name="stripLeft")
        self.cancel = button(tr("Cancel"), "stripCancel", "quiet", keys=keys_of("cancel"), clicked=self._cancel)
        self.resume = button(tr("Resume"), "stripResume", "quiet", keys=keys_of("pause"), clicked=self._resume)
        self.queue = button(tr("Queue"), "stripQueue", "quiet", icon="queue", keys=keys_of("queue"), clicked=show_queue)
        self.setLayout(
            row(
                *(self.icon, self.words, self.bar, self.left, self.cancel, self.resume, self.queue),
                spacing=12,
                margins=(16, 0, 12, 0),
            )
        )
        layout = self.layout()
        assert layout is not None
        layout.setStretch(1, 1)  # type: ignore[attr-defined]
        self._clock = timer(self, self._show_time, 1000, repeat=True)
        theme().changed.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        """Apply the text size and the colours of the theme."""
        look = theme()
        self._drawn = ("", "", 0.0)
        self.setFixedHeight(look.scaled(SIZE.strip))
        self.left.setMinimumWidth(look.text_width(tr("about {time} left").format(time=duration(5000))))
        self.refresh()

    def refresh(self) -> None:
        """Show the state of the queue now."""
        rows = self._studio.queue.rows()
        running = [row for row in rows if row.state == "running"]
        waiting = sum(
            sum(job.state == "queued" for job in row.jobs) if isinstance(row, JobGroup) else row.state == "queued"
            for row in rows
        )
        before, self._job = self._job, running[0] if running else None
        job = self._job
        if job is None:
            self.words.set_text(self._at_rest(waiting))
            self._draw("pause" if self._studio.queue.paused else "tick", "muted")
            self._clock.stop()
        else:
            self.words.set_text(f"{job_title(job)} · {job_stage(job)}")
            self._draw(job_icon(job), "accent")
            show_progress(self.bar, job.progress)
            if not self._clock.isActive():
                self._clock.start()
        self.bar.setVisible(job is not None)
        self.left.setVisible(job is not None)
        self.cancel.setVisible(job is not None)
        self.cancel.setEnabled(job is not None and not job.cancelling)
        self.resume.setVisible(job is None and self._studio.queue.paused)
        self.queue.setText(count(waiting, "%n waiting", "%n waiting") if waiting else tr("Queue"))
        self.queue.setAccessibleName(self.queue.text())
        if job is not before:
            self._show_time()

    def _draw(self, icon: str, tone: str) -> None:
        """Draw the icon if it has changed; news of live pictures come with every frame."""
        drawn = (icon, tone, self._ratio)
        if drawn != self._drawn:
            self._drawn = drawn
            self.icon.setPixmap(icons.pixmap(icon, tone, ratio=self._ratio))

    def _at_rest(self, waiting: int) -> str:
        """Words for an idle queue: ready, or paused with so many waiting."""
        if not self._studio.queue.paused:
            return tr("Ready")
        if not waiting:
            return tr("The queue is paused")
        return count(
            waiting,
            "The queue is paused: %n item is waiting",
            "The queue is paused: %n items are waiting",
        )

    @property
    def _ratio(self) -> float:
        return self.devicePixelRatioF()

    def _show_time(self) -> None:
        seconds = self._studio.queue.seconds_left(self._job) if self._job is not None else None
        self.left.setText(
            "" if seconds is None or seconds < 1 else tr("about {time} left").format(time=duration(seconds))
        )

    def _resume(self) -> None:
        self._studio.queue.pause(False)
        self.refresh()

    def _cancel(self) -> None:
        if self._job is not None:
            self._studio.queue.cancel(self._job.id)
            self.refresh()
