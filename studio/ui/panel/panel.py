"""The page of a medium: settings at the left, the stage in the middle, and the jobs between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtWidgets import QWidget

from studio.backends.medium import Medium
from studio.errors import StudioError
from studio.jobs.job import Cancelled, Job, JobGroup
from studio.library.library import Asset
from studio.media.payloads import Payload
from studio.schema.request import Request
from studio.studio import Studio
from studio.ui.background import JobWatcher
from studio.ui.bridge import Bridge
from studio.ui.commands import Run, possible_on
from studio.ui.forms.undo import undo_and_redo
from studio.ui.library.thumbnails import ThumbnailLoader
from studio.ui.library.work_actions import WorkActions
from studio.ui.library.work_menu import WorkMenu
from studio.ui.panel.brief import Brief
from studio.ui.panel.inspector import PanelParts, inspector
from studio.ui.panel.onboarding import example
from studio.ui.panel.stage_area import CandidateBatch, StageArea
from studio.ui.widgets import error_actions
from studio.ui.widgets.layout import row
from studio.ui.widgets.page import Page
from studio.ui.widgets.text import cancel_words, failure, live_jobs, tr


class Panel(Page):
    """Makes works of one medium and shows them."""

    def __init__(
        self, studio: Studio, bridge: Bridge, medium: Medium, thumbnails: ThumbnailLoader, work_actions: WorkActions
    ) -> None:
        super().__init__(f"panel.{medium.name}")
        self.studio, self.medium, self.work_actions = studio, medium, work_actions
        self._examples_made = 0
        self.brief = Brief(studio, medium)
        self.form, self.count = self.brief.form, self.brief.count
        self.generate, self.cancel = self.brief.generate, self.brief.cancel
        self.stage_area = StageArea(studio, medium, thumbnails, work_actions.importer)
        self.stage, self.filmstrip, self.error = self.stage_area.stage, self.stage_area.filmstrip, self.stage_area.error
        self.setLayout(row(self.brief, (self.stage_area, 1), spacing=0))
        self._jobs = JobTracker(studio, bridge, medium, self)
        self.bridge, self.thumbnails = bridge, thumbnails
        parts = PanelParts(
            studio, bridge, self.brief, self.stage_area, work_actions, thumbnails, self.submit, self.show_error
        )
        self.inspector = inspector(medium, parts)
        self.stage_area.add_side_panel(self.inspector)
        self._wire(bridge)
        self.stage_area.onboarding.show_model(self.brief.model)
        self.stage_area.show_work(self.filmstrip.newest())
        self._update_cancel()
        self._update_undo()

    def _wire(self, bridge: Bridge) -> None:
        for part in (self.brief, self.stage_area):
            part.message.connect(lambda words: self.work_actions.notify(words, ()))
        self.generate.clicked.connect(lambda: self.make())
        self.cancel.clicked.connect(lambda: self.stop())
        self.brief.undo_button.clicked.connect(lambda: self._run("undo"))
        self.brief.redo_button.clicked.connect(lambda: self._run("redo"))
        self.brief.stepped.connect(self._update_undo)
        self.stage.edited.connect(self._update_undo)
        self.stage_area.changed.connect(self._update_undo)
        self.stage_area.example_requested.connect(self.try_example)
        self.stage_area.example_chosen.connect(self.make_example)
        self.brief.model_changed.connect(self.stage_area.onboarding.show_model)
        self.stage_area.command_requested.connect(self._run)
        self.stage_area.edited.connect(self._save_edited)
        self.stage_area.load_failed.connect(self.show_error)
        self.brief.other_request.connect(self.inspector.take)
        self.filmstrip.menu_requested.connect(lambda asset, at: self.menu(asset).popup(at))
        self._jobs.progressed.connect(self._on_progress)
        self._jobs.arrived.connect(self.stage_area.arrived)
        self._jobs.arrived.connect(lambda batch, at, asset: self.inspector.arrived(batch.jobs[at], asset))
        self._jobs.failed.connect(self._on_failed)
        self._jobs.settled.connect(self._on_settled)
        bridge.news.connect(self._on_news)

    def event(self, event: QEvent) -> bool:
        """Share the width out anew where it changes, or where the side panel comes or goes."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            self.brief.fit_width(self.width() - self.stage_area.width_wanted())
        return super().event(event)

    @property
    def asset(self) -> Asset | None:
        """The work that is shown."""
        return self.stage_area.asset

    @property
    def busy(self) -> bool:
        """Whether something runs or waits for this panel."""
        return self._jobs.busy

    def show_work(self, asset: Asset | None) -> None:
        """Show a work on the stage; None shows the onboarding."""
        self.stage_area.show_work(asset)

    def show_restored(self, asset: Asset) -> None:
        """Show a work again that was on the stage when it went to the bin."""
        if not self.busy:
            self.show_work(self.studio.library.get(asset.id))

    def make(self) -> None:
        """Queue the request in the form, as many candidates as chosen."""
        if self.inspector.finish(self.make):
            return
        try:
            self.brief.roll()
            request = self.form.value()
            self.submit(request, many=int(self.count.currentData()))
            self.brief.presets.add_recent(request)
        except StudioError as error:
            self.show_error(error)

    def submit(self, request: Request, *, many: int = 1, parents: Sequence[str] = ()) -> None:
        """Queue candidates of a request. Raises StudioError where it cannot be."""
        self._queue(lambda: self._jobs.submit(request, many=many, parents=parents))

    def _queue(self, put: Callable[[], CandidateBatch]) -> None:
        busy = self._jobs.busy
        batch = put()
        self.error.hide()
        self.stage_area.follow()
        if not busy:
            self.stage_area.expect(batch)
        self._update_cancel()

    def try_example(self) -> None:
        """Fill in an example for the model that is chosen, and make it."""
        now = self.form.value()
        start = self.brief.initial_request(now.model).replace(seed=now.seed)
        self.form.set_value(example(start, self._examples_made))
        self._examples_made += 1
        self.make()

    def make_example(self, request: Request) -> None:
        """Fill in the request of an example that is shown, and make that one."""
        request = request.replace(model=self.brief.history.value.model)
        self.form.set_value(request)
        try:
            self.submit(request)
            self.brief.presets.add_recent(request)
        except StudioError as error:
            self.show_error(error)

    def load_request(self, request: Request) -> None:
        """Put the request of a work into the settings, its seed locked."""
        self.brief.load_request(request)

    def set_prompt(self, prompt: str) -> None:
        """Put a prompt into the settings, ready to be edited."""
        self.form.set_value(self.form.value().replace(prompt=prompt))
        self.focus_first()

    def stop(self) -> None:
        """Cancel all that runs or waits for this panel."""
        self._jobs.stop()
        self._update_cancel()

    def _on_progress(self, batch: CandidateBatch, job: Job) -> None:
        self._update_cancel()
        self.stage_area.progress(batch, job)

    def _on_failed(self, batch: CandidateBatch, at: int, error: BaseException) -> None:
        self.show_error(error, batch.jobs[at])

    def _on_settled(self, batch: CandidateBatch) -> None:
        self.stage_area.settled(batch)
        self.brief.fit.ask_again()
        self._update_cancel()

    def _update_cancel(self) -> None:
        number = self._jobs.live
        self.cancel.setVisible(number > 0)
        self.cancel.setText(cancel_words(number))
        self.cancel.setAccessibleName(self.cancel.text())

    def show_error(self, error: BaseException, job: Job | None = None) -> None:
        """Show an error above the stage, with buttons that help."""
        title, hint = failure(error)
        parents = () if job is None else job.parents
        request = None if job is None else job.request
        helpful = error_actions.buttons(error, self, request, lambda smaller: self._retry(smaller, parents))
        again = [] if job is None else [(tr("Retry"), "retry", lambda: self._retry_job(job))]
        self.error.show_message(title, hint, kind="error", actions=[*helpful, *again])

    def _retry(self, request: Request, parents: Sequence[str]) -> None:
        self.error.hide()
        try:
            self.submit(request, parents=parents)
        except StudioError as error:
            self.show_error(error)

    def _retry_job(self, job: Job) -> None:
        self.error.hide()
        try:
            self._queue(lambda: self._jobs.retry(job))
        except StudioError as error:
            self.show_error(error)

    def _on_news(self, news: Any) -> None:
        if news.kind == "library":
            self.stage_area.works_changed()
            self._update_undo()
        elif news.kind == "models":
            self.brief.models_changed()
            self.inspector.models_changed()
        elif news.kind == "settings":
            self.stage.apply_settings(self.studio.settings)

    def commands(self) -> dict[str, Run]:
        """The commands that can run here now."""
        asset, stage, seed = self.asset, self.stage.commands(), self.form.seed
        found: dict[str, Run | None] = {"generate": self.make, "example": self.try_example, **self.brief.commands()}
        if seed is not None:
            found |= {"roll": seed.roll, "lock": seed.lock.toggle}
        if asset is not None:
            found |= {"previous": lambda: self.stage_area.step(-1), "next": lambda: self.stage_area.step(1)}
            found |= possible_on([asset], 1, lambda name: self._run_on(asset, name))
        if self.stage_area.on_stage:
            found |= stage
        if self._jobs.busy:
            found["stop"] = self.stop
        if "cancel" not in found and self.stage_area.has_candidates and self.stage_area.on_stage:
            found["cancel"] = self.stage_area.back_to_candidates
        found |= self._undo_and_redo()
        found |= self.inspector.commands()
        return {name: run for name, run in found.items() if run is not None}

    def _undo_and_redo(self) -> dict[str, Run]:
        """Back to before the last thing that was done: in the settings, or to works."""
        parts = [self.inspector.undoable() or self.brief.undoable, self.work_actions.undoable]
        shown = self.stage.undoable() if self.stage_area.on_stage else None
        return undo_and_redo([*parts, shown] if shown is not None else parts)

    def _update_undo(self) -> None:
        can = self._undo_and_redo()
        self.brief.undo_button.setEnabled("undo" in can)
        self.brief.redo_button.setEnabled("redo" in can)

    def menu(self, asset: Asset) -> WorkMenu:
        """What can be done with a work of the filmstrip, which need not be the one on the stage."""
        return WorkMenu(
            self,
            [asset],
            1,
            lambda name: self._run_on(asset, name),
            lambda medium: self.work_actions.send(asset, medium),
        )

    def _run(self, name: str) -> None:
        """Run a command here, where it can be run."""
        run = self.commands().get(name)
        if run is not None:
            run()

    def _run_on(self, asset: Asset, name: str) -> None:
        """Run a command on a work, which need not be the one on the stage."""
        shown = self.asset is not None and self.asset.id == asset.id
        if name == "favourite":
            if self.work_actions.favourite([asset.id], not asset.favourite) and shown:
                self.stage_area.asset = self.studio.library.get(asset.id)
                self.stage_area.header.star.setChecked(self.stage_area.asset.favourite)
        elif name == "bin":
            beside = self.filmstrip.neighbour(asset.id, 1) or self.filmstrip.neighbour(asset.id, -1)
            if self.work_actions.bin([asset.id], (lambda: self.show_restored(asset)) if shown else None) and shown:
                self.show_work(beside)
        else:
            self.work_actions.run(name, [asset])

    def _save_edited(self, payload: Payload) -> None:
        """Save an edited version of the work on the stage as a new work."""
        kept = None if self.asset is None else self.work_actions.save_edited(payload, self.asset)
        if kept is not None:
            self.stage_area.select_work(kept)

    def areas(self) -> list[QWidget]:
        """The parts that the keyboard steps through, in their order."""
        return [self.brief, *self.stage_area.areas()]

    def focus_first(self) -> None:
        """Focus the first text field, or else the page itself."""
        if not self.brief.focus_first():
            super().focus_first()

    def leave(self) -> None:
        """Another page is shown: stop what plays."""
        self.stage.deactivate()
        self.inspector.leave()

    def close_down(self) -> None:
        """The window closes."""
        self.stage.deactivate()
        self.inspector.close_down()
        self._jobs.stop_waiting()

    def state(self) -> dict[str, Any]:
        return {**self.brief.state(), "inspector": self.inspector.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.brief.restore(state)
        inspector_state = state.get("inspector")
        self.inspector.restore(inspector_state if isinstance(inspector_state, dict) else {})


class JobTracker(QObject):
    """Tracks all jobs of one medium, including those submitted elsewhere or restored at the start.

    `progressed(batch, job)` may skip steps. `arrived(batch, index, work)` or `failed(batch, index, error)` is emitted
    for each job, neither for one that was cancelled without a result; then `settled(batch)`.
    """

    progressed = Signal(object, object)
    arrived = Signal(object, int, object)
    failed = Signal(object, int, object)
    settled = Signal(object)

    def __init__(self, studio: Studio, bridge: Bridge, medium: Medium, parent: QObject) -> None:
        super().__init__(parent)
        self._studio, self._medium = studio, medium
        self._batches: list[CandidateBatch] = []
        self._stopped = False
        self._watcher = JobWatcher(self)
        self._watcher.ended.connect(self._ended)
        bridge.news.connect(self._receive)
        mine = [job for job in studio.queue.jobs() if self._mine(job)]
        # The newest result may have arrived before this page was made.
        tracked = [job for job in mine if not job.has_ended] or mine[:1]
        # Ids of jobs that are tracked, were tracked, or need not be.
        self._seen = {job.id for job in mine} - {job.id for job in tracked}
        for job in tracked:
            if job.id not in self._seen:
                self._adopt(job)

    @property
    def busy(self) -> bool:
        return any(batch.live for batch in self._batches)

    @property
    def live(self) -> int:
        """How many jobs `stop` cancels."""
        rows = {row.id: row for batch in self._batches if batch.live for row in [self._row(batch)]}
        return sum(live_jobs(row) for row in rows.values())

    def submit(self, request: Request, *, many: int = 1, parents: Sequence[str] = ()) -> CandidateBatch:
        """Queue candidates of a request. Raises StudioError where they cannot be queued."""
        if many == 1:
            return self._follow([self._studio.submit(request, parents=parents)])
        group = self._studio.submit_group(request.candidates(many), "candidates", parents=parents)
        return self._follow(group.jobs)

    def retry(self, job: Job) -> CandidateBatch:
        """Queue a job again. Raises StudioError where it cannot be queued."""
        again = self._studio.queue.retry(job.id)
        assert isinstance(again, Job)
        return self._batch_of(again) or self._follow([again])

    def stop(self) -> None:
        """Cancel all running and waiting jobs."""
        for batch in self._batches:
            if batch.live:
                self._studio.queue.cancel(self._row(batch).id)

    def _row(self, batch: CandidateBatch) -> Job | JobGroup:
        """What the queue shows a batch as."""
        return self._studio.queue.group_of(batch.jobs[0]) or batch.jobs[0]

    def stop_waiting(self) -> None:
        """Report no outcomes any more. The jobs are not affected."""
        self._stopped = True

    def _follow(self, jobs: Sequence[Job]) -> CandidateBatch:
        batch = CandidateBatch(jobs)
        self._seen |= {job.id for job in jobs}
        self._batches = [*[other for other in self._batches if other.live or other.waiting], batch]
        for job in jobs:
            self._watcher.watch(job)
        return batch

    def _ended(self, job: Job) -> None:
        batch = self._batch_of(job)
        if batch is None or self._stopped:
            return
        at = batch.jobs.index(job)
        batch.waiting.discard(at)
        error = job.future.exception()
        made = error.assets if isinstance(error, Cancelled) else [] if error is not None else job.future.result()
        if error is not None and not isinstance(error, Cancelled):
            self.failed.emit(batch, at, error)
        if made:
            batch.assets[at] = made[0]
            self.arrived.emit(batch, at, made[0])
        self.settled.emit(batch)

    def _batch_of(self, job: Job) -> CandidateBatch | None:
        return next((batch for batch in self._batches if job in batch.jobs), None)

    def _mine(self, job: Job) -> bool:
        """Whether a job makes works of this medium."""
        tasks = [task.request for task in self._medium.work_tasks if task.follow]
        return type(job.request) in tasks and not job.live

    def _adopt(self, job: Job) -> CandidateBatch:
        """Track a job that was submitted elsewhere, with the other candidates where it is one."""
        group = self._studio.queue.group_of(job)
        return self._follow([job] if group is None or group.group.kind != "candidates" else group.jobs)

    def _receive(self, news: Any) -> None:
        job = news.job
        if news.kind != "job" or job is None:
            return
        batch = self._batch_of(job)
        if batch is None and self._mine(job) and job.id not in self._seen:  # it may have ended before its news arrived
            batch = self._adopt(job)
        if batch is not None and job.state == "running":
            self.progressed.emit(batch, job)
