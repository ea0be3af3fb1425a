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
        self, studio: Studio, bridge: Bridge, medium: Medium, thumbnails: ThumbnailLoader, deeds: WorkActions
    ) -> None:
        super().__init__()
        self.setObjectName(f"panel.{medium.name}")
        self.studio, self.medium, self.deeds = studio, medium, deeds
        self._tries = 0
        self.brief = Brief(studio, medium)
        self.form, self.count = self.brief.form, self.brief.count
        self.generate, self.cancel = self.brief.generate, self.brief.cancel
        self.easel = StageArea(studio, medium, thumbnails, deeds.arrivals)
        self.stage, self.filmstrip, self.error = self.easel.stage, self.easel.filmstrip, self.easel.error
        whole = row(spacing=0)
        whole.addWidget(self.brief)
        whole.addWidget(self.easel, 1)
        self.setLayout(whole)
        self._making = JobTracker(studio, bridge, medium, self)
        self.bridge, self.thumbnails = bridge, thumbnails
        self.inspector = inspector(self)
        self.easel.put_beside(self.inspector)
        self._wire(bridge)
        self.easel.show_work(self.filmstrip.newest())
        self._refresh()

    def _wire(self, bridge: Bridge) -> None:
        for part in (self.brief, self.easel):
            part.said.connect(lambda words: self.deeds.notify(words, ()))
        self.generate.clicked.connect(lambda: self.make())
        self.cancel.clicked.connect(lambda: self.stop())
        self.easel.tried.connect(self.try_example)
        self.easel.asked.connect(self._asked)
        self.easel.kept.connect(self._keep)
        self.easel.unread.connect(self.fail)
        self.brief.others.connect(self.inspector.take)
        self.filmstrip.pointed.connect(lambda asset, at: self.menu(asset).popup(at))
        self._making.progressed.connect(self._progress)
        self._making.arrived.connect(self.easel.arrived)
        self._making.arrived.connect(lambda batch, at, asset: self.inspector.arrived(batch.jobs[at], asset))
        self._making.failed.connect(self._failed)
        self._making.settled.connect(self._settled)
        bridge.news.connect(self._hear)

    @property
    def asset(self) -> Asset | None:
        """The work that is shown."""
        return self.easel.asset

    @property
    def busy(self) -> bool:
        """Whether something runs or waits for this panel."""
        return self._making.busy

    def show_work(self, asset: Asset | None) -> None:
        """Put a finished work on the stage; None where there is nothing to show."""
        self.easel.show_work(asset)

    # Making.

    def make(self) -> None:
        """Queue what the brief says, as many candidates as asked for."""
        try:
            self.brief.roll()
            request = self.form.value()
            self.submit(request, many=int(self.count.currentData()))
            self.brief.shelf.sent(request)
        except StudioError as error:
            self.fail(error)

    def submit(self, request: Request, *, many: int = 1, parents: Sequence[str] = ()) -> None:
        """Queue candidates of a request. Raises StudioError where it cannot be."""
        busy = self._making.busy
        batch = self._making.submit(request, many=many, parents=parents)
        self.error.hide()
        self.easel.follow()
        if not busy:
            self.easel.expect(batch)
        self._refresh()

    def try_example(self) -> None:
        """Fill in an example brief and make it."""
        seed = self.form.value().seed
        self.form.set_value(example(self.brief.first().replace(seed=seed), self._tries))
        self._tries += 1
        self.make()

    def stop(self) -> None:
        """Cancel all that runs or waits for this panel."""
        self._making.stop()
        self._refresh()

    def _progress(self, batch: CandidateBatch, job: Job) -> None:
        self.cancel.show()
        self.easel.progress(batch, job)

    def _failed(self, batch: CandidateBatch, at: int, error: BaseException) -> None:
        self.fail(error, batch.jobs[at])
        self.easel.failed(batch, at)

    def _settled(self, batch: CandidateBatch) -> None:
        self.easel.settled(batch)
        self._refresh()

    def _refresh(self) -> None:
        self.cancel.setVisible(self._making.busy)

    def fail(self, error: BaseException, job: Job | None = None) -> None:
        """Say above the stage what went wrong, with the buttons that mend it."""
        title, hint = failure(error)
        parents = () if job is None else job.parents
        request = None if job is None else job.request
        helpful = error_actions.buttons(error, self, request, lambda smaller: self._retry(smaller, parents))
        again = [] if request is None else [(tr("Retry"), "retry", lambda: self._retry(request, parents))]
        self.error.say(title, hint, kind="error", actions=[*helpful, *again])

    def _retry(self, request: Request, parents: Sequence[str]) -> None:
        self.error.hide()
        try:
            self.submit(request, parents=parents)
        except StudioError as error:
            self.fail(error)

    def _hear(self, news: Any) -> None:
        if news.kind == "library":
            self.easel.works_changed()
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
            if self._making.busy or not (self.stage.act(name) or self.easel.back()):
                self.stop()
        elif name == "example":
            self.try_example()
        elif name == "roll" and seed is not None:
            seed.roll()
        elif name == "lock" and seed is not None:
            seed.lock.toggle()
        elif name in ("previous", "next"):
            self.easel.step(1 if name == "next" else -1)
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
            return self._making.busy or "cancel" in self.stage.commands() or self.easel.several
        if name in STAGE_COMMANDS:
            return self.easel.on_stage and name in self.stage.commands()
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
            self, [asset], 1, lambda deed: self._do(deed, asset), lambda medium: self.deeds.send(asset, medium)
        )

    def _asked(self, deed: str) -> None:
        if self.asset is not None:
            self._do(deed, self.asset)

    def _do(self, deed: str, asset: Asset) -> None:
        deeds, shown = self.deeds, self.asset is not None and self.asset.id == asset.id
        if deed == "favourite":
            deeds.favourite([asset.id], not asset.favourite)
            if shown:
                self.easel.asset = self.studio.library.get(asset.id)
                self.easel.head.star.setChecked(self.easel.asset.favourite)
        elif deed == "bin":
            beside = self.filmstrip.beside(asset.id, 1) or self.filmstrip.beside(asset.id, -1)
            if deeds.bin([asset.id]) and shown:
                self.show_work(beside)
        else:
            deeds.do(deed, asset)

    def _keep(self, payload: Payload) -> None:
        """Make a work of what a person has made of the one on the stage."""
        kept = None if self.asset is None else self.deeds.keep(payload, self.asset)
        if kept is not None:
            self.easel.look(kept)

    # What every page answers to.

    def areas(self) -> list[QWidget]:
        """The parts that the keyboard steps through, in their order."""
        return [self.brief, *self.easel.areas()]

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
        self._making.stop_waiting()

    def state(self) -> dict[str, Any]:
        return {**self.brief.state(), "inspector": self.inspector.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.brief.restore(state)
        told = state.get("inspector")
        self.inspector.restore(told if isinstance(told, dict) else {})
