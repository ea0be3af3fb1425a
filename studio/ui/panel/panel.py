"""A panel, for any medium: the brief at the left, the easel in the middle, and what is made from one to the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from studio.backends.medium import Medium
from studio.errors import StudioError
from studio.jobs.job import Job
from studio.library.library import Asset
from studio.media.payloads import Payload
from studio.schema.request import Request
from studio.ui.bridge import Bridge
from studio.ui.library.thumbnails import ThumbnailLoader
from studio.ui.library.work_actions import WorkActions
from studio.ui.library.work_menu import WorkMenu
from studio.ui.panel.brief import Brief
from studio.ui.panel.inspector import inspector
from studio.ui.panel.job_tracker import CandidateBatch, JobTracker
from studio.ui.panel.onboarding import example
from studio.ui.panel.stage_area import StageArea
from studio.ui.stages.stage import STAGE_COMMANDS
from studio.ui.widgets import error_actions
from studio.ui.widgets.basic import row
from studio.ui.widgets.text import failure, tr

if TYPE_CHECKING:
    from studio.studio import Studio


class Panel(QWidget):
    """Makes works of one medium and shows them."""

    def __init__(
        self, studio: Studio, bridge: Bridge, medium: Medium, thumbnails: ThumbnailLoader, work_actions: WorkActions
    ) -> None:
        super().__init__()
        self.setObjectName(f"panel.{medium.name}")
        self.studio, self.medium, self.work_actions = studio, medium, work_actions
        self._examples_made = 0
        self.brief = Brief(studio, medium)
        self.form, self.count = self.brief.form, self.brief.count
        self.generate, self.cancel = self.brief.generate, self.brief.cancel
        self.stage_area = StageArea(studio, medium, thumbnails, work_actions.importer)
        self.stage, self.filmstrip, self.error = self.stage_area.stage, self.stage_area.filmstrip, self.stage_area.error
        whole = row(spacing=0)
        whole.addWidget(self.brief)
        whole.addWidget(self.stage_area, 1)
        self.setLayout(whole)
        self._jobs = JobTracker(studio, bridge, medium, self)
        self.bridge, self.thumbnails = bridge, thumbnails
        self.inspector = inspector(self)
        self.stage_area.add_side_panel(self.inspector)
        self._wire(bridge)
        self.stage_area.show_work(self.filmstrip.newest())
        self._update_cancel()

    def _wire(self, bridge: Bridge) -> None:
        for part in (self.brief, self.stage_area):
            part.message.connect(lambda words: self.work_actions.notify(words, ()))
        self.generate.clicked.connect(lambda: self.make())
        self.cancel.clicked.connect(lambda: self.stop())
        self.stage_area.example_requested.connect(self.try_example)
        self.stage_area.command_requested.connect(self._asked)
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

    @property
    def asset(self) -> Asset | None:
        """The work that is shown."""
        return self.stage_area.asset

    @property
    def busy(self) -> bool:
        """Whether something runs or waits for this panel."""
        return self._jobs.busy

    def show_work(self, asset: Asset | None) -> None:
        """Put a finished work on the stage; None where there is nothing to show."""
        self.stage_area.show_work(asset)

    # Making.

    def make(self) -> None:
        """Queue what the brief says, as many candidates as asked for."""
        try:
            self.brief.roll()
            request = self.form.value()
            self.submit(request, many=int(self.count.currentData()))
            self.brief.presets.add_recent(request)
        except StudioError as error:
            self.show_error(error)

    def submit(self, request: Request, *, many: int = 1, parents: Sequence[str] = ()) -> None:
        """Queue candidates of a request. Raises StudioError where it cannot be."""
        busy = self._jobs.busy
        batch = self._jobs.submit(request, many=many, parents=parents)
        self.error.hide()
        self.stage_area.follow()
        if not busy:
            self.stage_area.expect(batch)
        self._update_cancel()

    def try_example(self) -> None:
        """Fill in an example brief and make it."""
        seed = self.form.value().seed
        self.form.set_value(example(self.brief.initial_request().replace(seed=seed), self._examples_made))
        self._examples_made += 1
        self.make()

    def stop(self) -> None:
        """Cancel all that runs or waits for this panel."""
        self._jobs.stop()
        self._update_cancel()

    def _on_progress(self, batch: CandidateBatch, job: Job) -> None:
        self.cancel.show()
        self.stage_area.progress(batch, job)

    def _on_failed(self, batch: CandidateBatch, at: int, error: BaseException) -> None:
        self.show_error(error, batch.jobs[at])
        self.stage_area.failed(batch, at)

    def _on_settled(self, batch: CandidateBatch) -> None:
        self.stage_area.settled(batch)
        self._update_cancel()

    def _update_cancel(self) -> None:
        self.cancel.setVisible(self._jobs.busy)

    def show_error(self, error: BaseException, job: Job | None = None) -> None:
        """Say above the stage what went wrong, with the buttons that mend it."""
        title, hint = failure(error)
        parents = () if job is None else job.parents
        request = None if job is None else job.request
        helpful = error_actions.buttons(error, self, request, lambda smaller: self._retry(smaller, parents))
        again = [] if request is None else [(tr("Retry"), "retry", lambda: self._retry(request, parents))]
        self.error.show_message(title, hint, kind="error", actions=[*helpful, *again])

    def _retry(self, request: Request, parents: Sequence[str]) -> None:
        self.error.hide()
        try:
            self.submit(request, parents=parents)
        except StudioError as error:
            self.show_error(error)

    def _on_news(self, news: Any) -> None:
        if news.kind == "library":
            self.stage_area.works_changed()
        elif news.kind == "models":
            self.form.refresh_models()
            self.inspector.models_changed()
        elif news.kind == "settings":
            self.stage.apply_settings(self.studio.settings)

    # What can be done here.

    def act(self, name: str) -> None:
        """Do what an action of the menus says, where it means something here."""
        seed = self.form.seed
        if self.inspector.act(name):
            return
        if name == "generate":
            self.make()
        elif name == "cancel":
            if self._jobs.busy or not (self.stage.act(name) or self.stage_area.back_to_candidates()):
                self.stop()
        elif name == "example":
            self.try_example()
        elif name == "roll" and seed is not None:
            seed.roll()
        elif name == "lock" and seed is not None:
            seed.lock.toggle()
        elif name in ("previous", "next"):
            self.stage_area.step(1 if name == "next" else -1)
        elif name in STAGE_COMMANDS:
            self.stage.act(name)
        elif not self.brief.act(name):
            self._asked(name)

    def can(self, name: str) -> bool:
        """Whether an action would do anything here and now."""
        own = self.inspector.can(name)
        if own is not None:
            return own
        if name in ("generate", "example", "roll", "lock"):
            return True
        if name == "cancel":
            return self._jobs.busy or "cancel" in self.stage.commands() or self.stage_area.has_candidates
        if name in STAGE_COMMANDS:
            return self.stage_area.on_stage and name in self.stage.commands()
        if name in ("undo", "redo", "clear", "preset.keep", "preset.bring"):
            return self.brief.can(name)
        if name == "export":
            return self.asset is not None and self.asset.drawn
        if name in ("recall", "again", "vary"):
            return self.asset is not None and bool(self.asset.request)
        return self.asset is not None

    def menu(self, asset: Asset) -> WorkMenu:
        """What can be done with a work of the filmstrip, which need not be the one on the stage."""
        return WorkMenu(
            self, [asset], 1, lambda deed: self._do(deed, asset), lambda medium: self.work_actions.send(asset, medium)
        )

    def _asked(self, deed: str) -> None:
        if self.asset is not None:
            self._do(deed, self.asset)

    def _do(self, deed: str, asset: Asset) -> None:
        deeds, shown = self.work_actions, self.asset is not None and self.asset.id == asset.id
        if deed == "favourite":
            deeds.favourite([asset.id], not asset.favourite)
            if shown:
                self.stage_area.asset = self.studio.library.get(asset.id)
                self.stage_area.header.star.setChecked(self.stage_area.asset.favourite)
        elif deed == "bin":
            beside = self.filmstrip.neighbour(asset.id, 1) or self.filmstrip.neighbour(asset.id, -1)
            if deeds.bin([asset.id]) and shown:
                self.show_work(beside)
        else:
            deeds.do(deed, asset)

    def _save_edited(self, payload: Payload) -> None:
        """Make a work of what a person has made of the one on the stage."""
        kept = None if self.asset is None else self.work_actions.save_edited(payload, self.asset)
        if kept is not None:
            self.stage_area.select_work(kept)

    # What every page answers to.

    def areas(self) -> list[QWidget]:
        """The parts that the keyboard steps through, in their order."""
        return [self.brief, *self.stage_area.areas()]

    def focus_first(self) -> None:
        """Where one begins to type; nothing is marked where there is nothing to type."""
        if not self.brief.focus_first():
            self.setFocus(Qt.FocusReason.OtherFocusReason)

    def leave(self) -> None:
        """Another page is shown: stop what plays."""
        self.stage.deactivate()
        self.inspector.leave()

    def close_down(self) -> None:
        """The window closes: wait for nothing any more."""
        self.stage.deactivate()
        self.inspector.close_down()
        self._jobs.stop_waiting()

    def state(self) -> dict[str, Any]:
        return {**self.brief.state(), "inspector": self.inspector.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.brief.restore(state)
        told = state.get("inspector")
        self.inspector.restore(told if isinstance(told, dict) else {})
