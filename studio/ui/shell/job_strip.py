"""The job strip at the foot of the window: what runs, how far it is, and how many jobs wait."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QFrame

from studio.backends import medium
from studio.jobs.io.host import IoRequest
from studio.jobs.job import Job, JobGroup
from studio.studio import Studio
from studio.ui.commands import keys_of
from studio.ui.widgets.controls import ElidedLabel, IconLabel, ProgressBar, button, label, named
from studio.ui.widgets.layout import row
from studio.ui.widgets.page import timer
from studio.ui.widgets.text import cancel_words, count, duration, job_stage, job_title, live_jobs, tr
from studio.ui.widgets.theme import SIZE, theme

LIVE_SHOWN = 700  # milliseconds that a job without a row in the queue runs before it is shown: most are shorter


def job_icon(job: Job | JobGroup) -> str:
    request = job.request
    return request.icon if isinstance(request, IoRequest) else medium(request.medium).icon


def _suspended(job: Job | JobGroup) -> bool:
    return isinstance(job, Job) and job.suspended


class JobStrip(QFrame):
    """Shows the running job with stage, progress, time left and a cancel button, and how many jobs wait."""

    def __init__(self, studio: Studio, show_queue: Callable[[], object]) -> None:
        super().__init__()
        self.setObjectName("strip")
        self._studio = studio
        self._job: Job | JobGroup | None = None
        self.icon = IconLabel()
        self.words = named(ElidedLabel(), "stripWords")
        self.bar = named(ProgressBar(160), "stripBar")
        self.left = label("", "muted", name="stripLeft")
        self.cancel = button(tr("Cancel"), "stripCancel", "quiet", clicked=self._cancel)
        self.resume = button(tr("Resume"), "stripResume", "quiet", keys=keys_of("pause"), clicked=self._resume)
        self.queue = button(tr("Queue"), "stripQueue", "quiet", icon="queue", keys=keys_of("queue"), clicked=show_queue)
        ends = (self.bar, self.left, self.cancel, self.resume, self.queue)
        self.setLayout(row(self.icon, (self.words, 1), *ends, spacing=12, margins=(16, 0, 12, 0)))
        self._clock = timer(self, self._show_time, 1000, repeat=True)
        self._later = timer(self, self.refresh, LIVE_SHOWN + 20)
        theme().changed.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        """Apply the text size."""
        look = theme()
        self.setFixedHeight(look.scaled(SIZE.strip))
        self.left.setMinimumWidth(look.text_width(tr("about {time} left").format(time=duration(5000))))
        self.refresh()

    def refresh(self) -> None:
        """Show the state of the queue now."""
        rows = self._studio.queue.rows()
        running = [row for row in rows if row.state == "running"]
        waiting = sum(live_jobs(row, "queued") for row in rows)
        going = next((row for row in running if not _suspended(row)), None)
        before, self._job = self._job, going or self._live() or (running[0] if running else None)
        job = self._job
        if job is None:
            self.words.set_text(self._at_rest(waiting))
            icon = "pause" if self._studio.queue.paused else "history" if waiting else "tick"
            self.icon.show_icon(icon, "muted")
            self._clock.stop()
        else:
            self.words.set_text(f"{job_title(job)} · {job_stage(job)}")
            self.icon.show_icon(job_icon(job), "accent")
            self.bar.show_progress(job.progress.done, job.progress.total)
            if not self._clock.isActive():
                self._clock.start()
        self.bar.setVisible(job is not None)
        self.left.setVisible(job is not None)
        self.cancel.setVisible(job is not None)
        self.cancel.setEnabled(job is not None and not job.cancelling)
        self.cancel.setText(cancel_words(live_jobs(job) if job is not None else 0))
        self.cancel.setAccessibleName(self.cancel.text())
        self.resume.setVisible(job is None and self._studio.queue.paused)
        self.queue.setText(count(waiting, "%n waiting", "%n waiting") if waiting else tr("Queue"))
        self.queue.setAccessibleName(self.queue.text())
        if job is not before or (job is not None and (job.cancelling or _suspended(job))):
            self._show_time()

    def _live(self) -> Job | None:
        """What runs at a person's hand and has no row, as a text that is continued; None while it is just beginning."""
        job = next((job for job in self._studio.queue.jobs() if job.live and job.state == "running"), None)
        if job is not None and job.seconds * 1000 < LIVE_SHOWN:
            self._later.start()
            return None
        return job

    def _at_rest(self, waiting: int) -> str:
        """Words for a queue in which nothing runs: ready, or how many wait."""
        if not self._studio.queue.paused:
            return count(waiting, "%n item is waiting", "%n items are waiting") if waiting else tr("Ready")
        if not waiting:
            return tr("The queue is paused")
        return count(waiting, "The queue is paused: %n item is waiting", "The queue is paused: %n items are waiting")

    def _show_time(self) -> None:
        job = self._job
        stays = job is None or job.cancelling or _suspended(job)
        seconds = None if job is None or stays else self._studio.queue.seconds_left(job)
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
