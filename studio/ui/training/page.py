"""The page for training a model: the form at the left, the checked data or the progress beside it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtWidgets import QFrame, QStackedWidget, QWidget

from studio.backends.medium import Medium
from studio.jobs import training_runs
from studio.jobs.job import Cancelled, Job
from studio.media.payloads import Weights
from studio.models.importing import AlreadyInstalled
from studio.models.model import Model
from studio.schema.request import TrainRequest
from studio.studio import Studio
from studio.ui.background import Failure, SerialTasks
from studio.ui.bridge import Bridge
from studio.ui.commands import Run
from studio.ui.panel.panel import Panel
from studio.ui.training.parts import DatasetCheck, TrainingForm, TrainingWords
from studio.ui.training.progress_view import ProgressView
from studio.ui.training.resumable_list import ResumableList
from studio.ui.widgets import icons
from studio.ui.widgets.controls import GAP, ICON, button, label, named
from studio.ui.widgets.dialogs import QuestionDialog
from studio.ui.widgets.drop_zone import DropZone
from studio.ui.widgets.layout import ScaledSize, column, row
from studio.ui.widgets.messages import MessageBar
from studio.ui.widgets.page import Page
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE

INTRO_WIDTH = 480  # pixels
Actions = Sequence[tuple[str, str, Callable[[], object]]]  # text, object name, what it does


class TrainingPage(Page):
    """Trains models of one medium, whose form and check of the data it is given."""

    def __init__(
        self,
        studio: Studio,
        bridge: Bridge,
        open_panel: Callable[[str], Panel | None],
        medium: Medium,
        form: TrainingForm,
        check: DatasetCheck,
        words: TrainingWords,
    ) -> None:
        super().__init__()
        self._studio, self._bridge, self._open_panel = studio, bridge, open_panel
        task = medium.training_task
        assert task is not None
        assert issubclass(task.request, TrainRequest)
        self._medium, self._kind = medium, task.request
        self._tasks = SerialTasks(self)
        self._reported: Job | None = None  # whose end has been shown
        self._last_offered: list[str] = []  # the folders of trainings that the window offered
        self._folder = studio.paths.state / "trainings"
        self.unfinished = ResumableList(self._folder, self._kind)
        self.form, self.dataset_check = form, check
        form.add_below(self.unfinished)
        self.progress = ProgressView(studio)
        self.bar = MessageBar("training")
        self.start_button = button(tr("Start training"), "trainBegin", "primary", clicked=self.start, hint=words.start)
        self.pause_button = button(tr("Pause"), "trainPause", icon="pause", clicked=self.toggle_pause)
        self.save_button = button(tr("Stop and save"), "trainKeep", "primary", clicked=self.stop_and_save)
        self.save_button.setToolTip(tr("Stop now, and add the model as it is to your models"))
        self.cancel_button = button(tr("Cancel"), "trainCancel", clicked=self.ask_to_cancel)
        self.cancel_button.setToolTip(tr("Stop now, without adding a model"))
        self._build(words)
        self.form.changed.connect(self._check)
        self.unfinished.resume_clicked.connect(self._resume)
        self.unfinished.delete_confirmed.connect(self._delete)
        self.dataset_check.checked.connect(self._refresh)
        self.dataset_check.failed.connect(self._check_failed)
        bridge.news.connect(self._on_news)
        self._show_current()
        self._list_unfinished()
        self._refresh()

    def _build(self, words: TrainingWords) -> None:
        head = named(QFrame(), "briefHead")
        head.setFixedHeight(48)
        head.setLayout(row(label(tr("Train a model"), "heading"), None, margins=(20, 0, 12, 0)))
        foot = named(QFrame(), "briefFoot")
        self._pause_and_cancel = QWidget()
        self._pause_and_cancel.setLayout(row((self.pause_button, 1), (self.cancel_button, 1)))
        buttons = (self.start_button, self.save_button, self._pause_and_cancel)
        column(foot, *buttons, spacing=8, margins=(20, 12, 20, 16))
        brief = named(QFrame(), "brief")
        column(brief, self.form, spacing=0)
        self._left = QWidget()
        column(self._left, head, (brief, 1), foot, spacing=0)
        ScaledSize(self._left, wide=SIZE.brief)
        for made in (self.pause_button, self.cancel_button):
            ScaledSize(made, high=36)
        self.empty = TrainingIntro(words.intro, self.form.ask_folder)
        self._stack = QStackedWidget()
        for widget in (self.empty, self.dataset_check, self.progress):
            self._stack.addWidget(widget)
        right = column(None, self.bar, (self._stack, 1), spacing=12, margins=(24, 16, 24, 16))
        self.setLayout(row(self._left, (right, 1), spacing=0))
        self._drop_zone = DropZone(self, words.drop, lambda data: _folder(data) is not None, self._dropped)

    def _dropped(self, data: QMimeData) -> None:
        folder = _folder(data)
        if folder is not None and not self.busy:
            self.form.set_folder(folder)

    def _check(self) -> None:
        if self.form.folder is not None and not self.busy:
            self.bar.hide()
            self._reported = self.progress.job
            self._stack.setCurrentWidget(self.dataset_check)
            self.dataset_check.check()
            self._refresh()

    def _check_failed(self, title: str, hint: str) -> None:
        self._stack.setCurrentWidget(self.empty)
        self._refresh()
        self.bar.show_message(title, hint, kind="error")

    @property
    def busy(self) -> bool:
        """Whether a training waits or runs."""
        return self.progress.job is not None and self.progress.job.state in ("queued", "running")

    def start(self) -> None:
        folder, out = self._folder, self._folder / time.strftime("%Y%m%d-%H%M%S")
        needed = [*self._offered, str(out)]
        self._tasks.run(lambda: training_runs.delete_oldest(folder, needed), lambda _: None)
        with self.bar.errors():
            self._follow(self._studio.submit(self.form.request(out)))

    def toggle_pause(self) -> None:
        job = self.progress.job
        if job is not None:
            self._studio.queue.suspend_training(job.id, not job.suspended)
            self._refresh()
            self.progress.refresh()

    def stop_and_save(self) -> None:
        if self.progress.job is not None:
            self._studio.queue.finish_training(self.progress.job.id)
            self._refresh()

    def ask_to_cancel(self) -> None:
        QuestionDialog(
            self.window(),
            ("cancelTraining", "cancelTrainingYes"),
            tr("Stop training"),
            tr("Stop training without saving a model?"),
            tr("You can resume it later. “Stop and save” adds the model as it is now."),
            (tr("Stop"), tr("Keep training")),
            self._cancel,
        ).open()

    def _cancel(self) -> None:
        if self.progress.job is not None:
            self._studio.queue.cancel(self.progress.job.id)

    def _resume_job(self, job: Job) -> None:
        """Resume the training of a job that ended."""
        with self.bar.errors():
            again = self._studio.queue.retry(job.id)
            assert isinstance(again, Job)
            self._follow(again)

    def _resume(self, request: TrainRequest) -> None:
        """Resume a training that no job is known of any more."""
        with self.bar.errors():
            self._follow(self._studio.submit(training_runs.resume_request(request)))

    def _delete(self, request: TrainRequest) -> None:
        """Delete an unfinished training."""
        live = [job.request for job in self._studio.queue.jobs() if job.state in ("queued", "running")]
        if any(getattr(each, "out", "") == request.out for each in live):
            self.bar.show_message(tr("This training is running."), tr("Stop it first."), kind="error")
            return
        shown = self.progress.job
        if shown is not None and getattr(shown.request, "out", "") == request.out:
            self.bar.hide()  # which offers to resume it

        def gone(_: None) -> None:
            self._list_unfinished()
            self._refresh()
            self.focus_first()

        folder = Path(request.out)
        self._tasks.run(lambda: training_runs.delete(folder), gone, self.bar.show_error)

    @property
    def _offered(self) -> list[str]:
        """The folders of trainings that the window offers to resume."""
        return [str(getattr(entry.request, "out", "")) for entry in self._studio.queue.interrupted]

    def _list_unfinished(self) -> None:
        """List the trainings that can be resumed, except those that the window offers."""
        self._last_offered = self._offered
        self.unfinished.refresh(self._last_offered)

    def _follow(self, job: Job) -> None:
        assert isinstance(job.request, self._kind)
        self.bar.hide()
        self.form.show_request(job.request)
        self.progress.follow(job)
        self._stack.setCurrentWidget(self.progress)
        self._refresh()

    def _show_current(self) -> None:
        """Show the training that waits or runs, or the one that ended last, if this page has not shown it yet."""
        jobs = [job for job in self._studio.queue.jobs() if isinstance(job.request, self._kind)]
        live = next((job for job in jobs if job.state in ("running", "queued")), None)
        job = live or next(iter(jobs), None)
        if job is not None and job is not self.progress.job:
            self._follow(job)
            self._report_end(job)

    def _on_news(self, news: Any) -> None:
        if news.kind == "models":
            self.form.refresh()
        elif news.kind == "queue" and self._offered != self._last_offered:  # an offer was answered
            self._list_unfinished()
            self._refresh()
        job = news.job
        if news.kind != "job" or job is None:
            return
        if job is self.progress.job:
            self.progress.refresh()
            self._report_end(job)
        elif isinstance(job.request, self._kind) and not self.busy and job.state in ("queued", "running"):
            self._follow(job)
        elif self.busy:
            self.progress.refresh()  # what it waits for has come or gone
        self._refresh()

    def _report_end(self, job: Job) -> None:
        """Say once how the training ended, and offer what to do next."""
        if job.state in ("queued", "running") or job is self._reported:
            return
        self._reported = job
        self._list_unfinished()
        request = job.request
        assert isinstance(request, self._kind)
        error = job.future.exception()
        out = Path(request.out)
        again = (tr("Resume training"), "trainGoOn", lambda: self._resume_job(job))
        more = [again] if training_runs.can_resume(out) else []
        made = error.assets if isinstance(error, Cancelled) else [] if error is not None else job.future.result()
        ready = [each.folder for each in made if isinstance(each, Weights) and out not in each.folder.parents]
        if ready:
            self._report_ready(request.title, ready[0].name, more, known=job.duplicate_of)
            return
        with contextlib.suppress(OSError):
            training_runs.finish_model_swap(out)
        if (out / training_runs.MODEL).is_dir():
            rest = tuple(more)
            more = [(tr("Save it as it is"), "trainKeepAfterAll", lambda: self._import_model(request, rest)), *more]
        if error is None or isinstance(error, Cancelled):
            self.bar.show_message(tr("Training stopped. No model was added."), actions=more, kind="notice")
        else:
            self.bar.show_error(error, more)

    def _report_ready(self, title: str, id: str, more: Actions, known: str = "") -> None:
        use = (tr("Use it"), "trainUse", lambda: self.use(id))
        said = tr("Nothing has changed: {name} is already in your models.") if known else tr("{name} is ready.")
        self.bar.show_message(said.format(name=known or title), actions=[use, *more], kind="notice")

    def _import_model(self, request: TrainRequest, more: Actions) -> None:
        """Import the model that an unfinished training left."""
        take, folder = self._studio.catalog.import_, Path(request.out) / training_runs.MODEL

        def ready(model: Model) -> None:
            self._bridge.models_changed()
            self._report_ready(request.title, model.id, more)

        def failed(error: Failure) -> None:
            if isinstance(error, AlreadyInstalled):
                self._report_ready(request.title, error.model.id, more, known=error.model.title)
            else:
                self.bar.show_error(error)

        self.bar.hide()
        self._tasks.run(lambda: take(folder, self._medium.name, accept_licence=True), ready, failed)

    def use(self, id: str) -> None:
        """Open the page of the medium with this model chosen."""
        panel = self._open_panel(self._medium.name)
        if panel is not None:
            panel.form.refresh_models()
            panel.form.fields["model"].set_value(id)

    def _refresh(self) -> None:
        job = self.progress.job
        busy = self.busy
        self.form.form.setEnabled(not busy)
        self.unfinished.setVisible(not busy and self.unfinished.count > 0)
        self.start_button.setVisible(not busy)
        self.start_button.setEnabled(self.dataset_check.ready)
        self.save_button.setVisible(busy)
        self._pause_and_cancel.setVisible(busy)
        if job is not None and busy:
            going = not job.cancelling
            self.save_button.setEnabled(going and job.progress.values.get("step", 0) > 0)
            self.cancel_button.setEnabled(going)
            self.pause_button.setEnabled(going and job.state == "running")
            self.pause_button.setText(tr("Resume") if job.suspended else tr("Pause"))
            self.pause_button.setAccessibleName(self.pause_button.text())
            icons.set_icon(self.pause_button, "play" if job.suspended else "pause", size=ICON, gap=GAP)

    def commands(self) -> dict[str, Run]:
        """The commands that can run here now."""
        if self.busy:
            return {"stop": self.ask_to_cancel}
        return {"generate": self.start} if self.start_button.isEnabled() else {}

    def focus_first(self) -> None:
        (self.pause_button if self.busy else self.form.choose).setFocus(Qt.FocusReason.OtherFocusReason)

    def close_down(self) -> None:
        self._tasks.close()
        self.dataset_check.close_down()
        self.progress.close_down()

    def state(self) -> dict[str, Any]:
        return self.form.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        if not self.busy:
            self.form.restore(state)


def _folder(data: QMimeData) -> Path | None:
    """The first folder that is dropped; None if there is none."""
    for url in data.urls():
        path = Path(url.toLocalFile())
        if url.isLocalFile() and path.is_dir():
            return path
    return None


class TrainingIntro(QWidget):
    """What the page shows before a folder is chosen: what training does and how long it takes."""

    def __init__(self, lines: Sequence[str], choose: Callable[[], object]) -> None:
        super().__init__()
        heading, first, *more = lines
        labels = (label(heading, "title", wrap=True), label(first, wrap=True))
        inside = column(spacing=6)
        for words in (*labels, *(label(line, "muted", wrap=True) for line in more)):
            words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            words.setFixedWidth(INTRO_WIDTH)
            inside.addWidget(words)
        inside.insertSpacing(1, 6)
        inside.addSpacing(12)
        choose_button = button(tr("Choose a folder…"), "emptyChoose", icon="folder", clicked=choose)
        inside.addLayout(row(None, choose_button, None))
        middle = row(None, inside, None)
        whole = column(self)
        whole.addStretch(2)
        whole.addLayout(middle)
        whole.addStretch(3)
