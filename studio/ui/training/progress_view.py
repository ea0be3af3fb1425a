"""Progress of a training: latest samples, plots of its log, time left."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QLocale
from PySide6.QtGui import QHideEvent, QImage, QShowEvent
from PySide6.QtWidgets import QWidget

from studio.jobs import training_runs
from studio.jobs.job import Job
from studio.jobs.training_runs import TrainingLogLine
from studio.media.payloads import Image
from studio.schema.request import TrainRequest
from studio.studio import Studio
from studio.ui.background import LatestOnly
from studio.ui.stages import pictures
from studio.ui.training.picture_grid import PictureGrid
from studio.ui.training.plot import Plot, PlotCurve
from studio.ui.widgets.controls import ProgressBar, label
from studio.ui.widgets.layout import column, row
from studio.ui.widgets.page import timer
from studio.ui.widgets.text import count, duration, sentence, stage_words, tr

LOG_INTERVAL = 1000  # milliseconds between two reads of the log
COLUMNS = 8  # samples in a row of a preview

LOSSES = (
    ("generator", "Generator", "accent"),
    ("critic", "Discriminator", "danger"),
    ("loss", "Difference", "accent"),
    ("likeness", "Difference", "muted"),
)
STRENGTH = (("p", "Strength", "accent", False), ("sureness", "Discriminator confidence", "muted", True))


class ProgressView(QWidget):
    """Follows one training job, by its news and by its log file."""

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self._studio = studio
        self.job: Job | None = None
        self._folder: Path | None = None
        self._lines: list[TrainingLogLine] = []
        self._offset = 0
        self._last_preview: Image | None = None
        self._tasks = LatestOnly(self)
        self.title = label("", "heading", name="courseTitle", wrap=True)
        self.details = label("", "muted", name="courseTold", wrap=True)
        self.bar = ProgressBar()
        self.tiles = PictureGrid("samples")
        self.tiles.setAccessibleName(tr("Current samples"))
        self.losses = Plot("losses", tr("Losses"))
        self.strength = Plot("strength", tr("Augmentation"), 1.0, lambda value: f"{round(value * 100)} %")
        plots = row(self.losses, self.strength, spacing=24)
        column(self, self.title, self.details, self.bar, 4, (self.tiles, 1), 8, plots, spacing=8)
        self._timer = timer(self, self._read, LOG_INTERVAL, repeat=True)

    def follow(self, job: Job) -> None:
        """Show this training from its start, earlier runs included."""
        request = job.request
        assert isinstance(request, TrainRequest)
        self.job = job
        self._folder = Path(request.out)
        self._lines, self._offset, self._last_preview = [], 0, None
        self.tiles.show_pictures([])
        self._plot()
        self._read()
        self.refresh()

    def refresh(self) -> None:
        """The job has news."""
        job = self.job
        if job is None:
            return
        progress = job.progress
        self.title.setText(self._state(job))
        self.details.setText(self._words(job))
        self.bar.setVisible(job.state in ("queued", "running"))
        self.bar.show_progress(progress.done, progress.total)
        if isinstance(progress.preview, Image) and progress.preview is not self._last_preview:
            self._last_preview = progress.preview
            self.tiles.show_sheet(pictures.of_payload(progress.preview), COLUMNS)
        if job.state not in ("queued", "running"):
            self._timer.stop()
            self._read()

    def close_down(self) -> None:
        self._timer.stop()
        self._tasks.close()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def _state(self, job: Job) -> str:
        if job.state == "queued":
            return tr("Waiting for another training run")
        if job.state != "running":
            return {"done": tr("Training finished"), "failed": tr("Training failed")}.get(job.state, tr("Stopped"))
        if job.suspended:
            return tr("Paused")
        if any(other.state == "running" and other is not job for other in self._studio.queue.jobs()):
            return tr("Waiting while something else is generated")
        return sentence(stage_words(job))

    def _words(self, job: Job) -> str:
        progress = job.progress
        words: list[str] = []
        if job.state == "running" and progress.total and "step" in progress.values:
            words.append(tr("{time} left").format(time=duration(max(0, progress.total - progress.done))))
        step = int(progress.values.get("step", self._lines[-1].step if self._lines else 0))
        if step:
            words.append(count(step, "%n step", "%n steps"))
        seen = progress.values.get("images")
        if seen:
            words.append(tr("{n} pictures processed").format(n=QLocale().toString(int(seen))))
        rate = self._rate()
        if rate and job.state == "running":
            words.append(tr("{n} per second").format(n=f"{rate:.1f}" if rate < 10 else f"{rate:.0f}"))
        return " · ".join(words)

    def _rate(self) -> float | None:
        """Pictures per second over the last lines of the log."""
        some = [line for line in self._lines[-20:] if "images" in line.values]
        if len(some) < 2 or some[-1].seconds <= some[0].seconds:
            return None
        return (some[-1].values["images"] - some[0].values["images"]) / (some[-1].seconds - some[0].seconds)

    def _read(self) -> None:
        folder, offset, fresh = self._folder, self._offset, self._last_preview is None
        if folder is None or self._tasks.busy:
            return

        def work() -> tuple[Path, int, list[TrainingLogLine], int, QImage | None]:
            lines, end = training_runs.read_log(folder, offset)
            last = QImage(str(folder / training_runs.PREVIEW)) if fresh and not offset else None
            return folder, offset, lines, end, last

        self._tasks.run(work, lambda found: self._add_lines(*found))

    def _add_lines(
        self, folder: Path, offset: int, lines: list[TrainingLogLine], end: int, last: QImage | None
    ) -> None:
        if folder != self._folder:
            return
        if end < offset:  # the log was started over
            self._lines = []
        self._offset = end
        if last is not None and not last.isNull() and self._last_preview is None:
            self.tiles.show_sheet(last, COLUMNS)
        if lines:
            self._lines += [line for line in lines if line.values]
            self._plot()
            if self.job is not None:
                self.details.setText(self._words(self.job))

    def _plot(self) -> None:
        self.losses.show_curves([PlotCurve(tr(words), tone, points=self._points(key)) for key, words, tone in LOSSES])
        self.strength.show_curves(
            [PlotCurve(tr(words), tone, dashed, self._points(key, 0.0)) for key, words, tone, dashed in STRENGTH]
        )
        self.strength.setVisible(bool(self.strength.curves) or not self._lines)

    def _points(self, key: str, least: float = -1e9) -> list[tuple[float, float]]:
        return [(line.seconds, max(least, line.values[key])) for line in self._lines if key in line.values]
