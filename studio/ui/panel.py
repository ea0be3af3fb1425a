"""A panel, for any medium: the brief at the left, the stage in the middle, this medium's works below; no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QStackedWidget, QWidget

from studio.backends.medium import Medium
from studio.errors import StudioError
from studio.job import Job
from studio.library import Asset, Query
from studio.media import Image, Payload, Text
from studio.request import Request
from studio.ui import jobs, mending
from studio.ui.bridge import Bridge
from studio.ui.brief import Brief
from studio.ui.deeds import Deeds
from studio.ui.empty import Empty, Waiting, example
from studio.ui.filmstrip import Filmstrip
from studio.ui.head import Head
from studio.ui.landing import Landing
from studio.ui.making import Batch, Making
from studio.ui.stages import pictures, stage
from studio.ui.stages.grid import Candidates
from studio.ui.stages.stage import DEEDS
from studio.ui.thumbnails import Thumbnails
from studio.ui.widgets import Bar, column, row
from studio.ui.words import count, failure, sentence, tr
from studio.ui.works import Works

if TYPE_CHECKING:
    from studio.studio import Studio


class Panel(QWidget):
    """Makes works of one medium and shows them."""

    def __init__(self, studio: Studio, bridge: Bridge, medium: Medium, thumbnails: Thumbnails, deeds: Deeds) -> None:
        super().__init__()
        self.setObjectName(f"panel.{medium.name}")
        self.studio, self.medium, self._deeds = studio, medium, deeds
        self.asset: Asset | None = None
        self._shown: Batch | None = None
        self._following = True  # show what is being made, until a person looks at something else
        self._tries = 0
        self._stale = False  # works have come or gone while another page was shown
        self.brief = Brief(studio, medium)
        self.form, self.count = self.brief.form, self.brief.count
        self.generate, self.cancel = self.brief.generate, self.brief.cancel
        self.brief.said.connect(lambda words: deeds.notify(words, ()))
        self.generate.clicked.connect(lambda: self.make())
        self.cancel.clicked.connect(lambda: self.stop())
        self._build_stage(thumbnails, deeds)
        whole = row(spacing=0)
        whole.addWidget(self.brief)
        whole.addWidget(self._middle, 1)
        self.setLayout(whole)
        self._making = Making(studio, bridge, medium, self)
        self._making.progressed.connect(self._progress)
        self._making.arrived.connect(self._arrived)
        self._making.failed.connect(self._failed)
        self._making.settled.connect(self._settled)
        bridge.news.connect(self._hear)
        self.show_work(self.filmstrip.newest())
        self._refresh()

    def _build_stage(self, thumbnails: Thumbnails, deeds: Deeds) -> None:
        self.stage = stage(self.medium.stage, self.studio.places.documents)
        self.stage.stepped.connect(self._step)
        self.stage.turned.connect(self._look)
        self.stage.asked.connect(self._asked)
        self.stage.kept.connect(self._keep)
        self.stage.follow(self.studio.settings)
        self.stage.said.connect(lambda words, hint: deeds.notify(f"{words} {hint}".strip(), ()))
        self.head = Head(self.stage)
        self.head.asked.connect(self._asked)
        self.error = Bar("error")
        self.candidates = Candidates()
        self.candidates.chosen.connect(self._choose)
        self.empty = Empty(self.medium.name, self.medium.icon, self._sheet())
        self.empty.tried.connect(self.try_example)
        self.waiting = Waiting()
        self.waiting.late.connect(lambda: self._stack.setCurrentWidget(self.waiting))
        self._stack = QStackedWidget()
        for widget in (self.empty, self.stage, self.candidates, self.waiting):
            self._stack.addWidget(widget)
        self.filmstrip = Filmstrip(Works(self.studio.library, thumbnails, Query(medium=self.medium.name)))
        self.filmstrip.chosen.connect(self._look)
        strip = QFrame()
        strip.setObjectName("filmstripArea")
        column(strip, margins=(12, 8, 12, 4)).addWidget(self.filmstrip)
        self._strip = strip
        self._middle = QWidget()
        self._middle.setObjectName("stageArea")
        inside = column(self._middle, spacing=0)
        inside.addWidget(self.head)
        inside.addLayout(row(self.error, margins=(16, 0, 16, 8)))
        inside.addWidget(self._stack, 1)
        inside.addWidget(strip)
        self.filmstrip.model().modelReset.connect(self._show_strip)
        self._show_strip()
        words = tr("Drop it here to show it and keep it in the library")
        take = deeds.arrivals.take
        self._landing = Landing(self._middle, words, deeds.arrivals.takes, lambda data: take(data, self._brought))

    def _brought(self, works: Sequence[Asset]) -> None:
        """Show the first that can be shown here; the others are in the library."""
        shown = next((work for work in works if work.path.suffix in self.stage.suffixes), None)
        if shown is not None:
            self._look(shown)

    def _show_strip(self) -> None:
        """The filmstrip stands from the first Generate on, so that nothing jumps when the work arrives."""
        self._strip.setVisible(self.filmstrip.model().rowCount() > 0 or self._shown is not None)

    def _sheet(self) -> Any:
        try:
            return self.studio.catalog.default(self.medium.name).folder / "sheet.png"
        except StudioError:
            return None

    # Making.

    def make(self) -> None:
        """Queue what the brief says, as many candidates as asked for."""
        try:
            self.brief.roll()
            request = self.form.value()
            self.submit(request, many=int(self.count.currentData()))
            self.brief.shelf.sent(request)
        except StudioError as error:
            self._fail(error)

    def submit(self, request: Request, *, many: int = 1, parents: Sequence[str] = ()) -> None:
        """Queue candidates of a request. Raises StudioError where it cannot be."""
        busy = self._making.busy
        batch = self._making.submit(request, many=many, parents=parents)
        self.error.hide()
        self._following = True
        if not busy:
            self._show_batch(batch)
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

    def _arrived(self, batch: Batch, at: int, asset: Asset) -> None:
        self._turn_to(batch)
        if batch is not self._shown:
            return
        if self._many(batch):
            self._show_candidate(at, asset)
        else:
            self.show_work(asset, keep_batch=True)

    def _show_candidate(self, at: int, asset: Asset) -> None:
        try:
            self.candidates.show_image(at, pictures.load(asset.path), done=True)
        except StudioError as error:
            self._fail(error)

    def _failed(self, batch: Batch, at: int, error: BaseException) -> None:
        self._fail(error, batch.jobs[at])
        if batch is self._shown:
            self.candidates.fail(at)

    def _settled(self, batch: Batch) -> None:
        if batch is self._shown and not batch.live and not batch.assets:
            self.show_work(self.asset)  # nothing has come of it: what was there before stands there again
        self._refresh()

    def _fail(self, error: BaseException, job: Job | None = None) -> None:
        title, hint = failure(error)
        parents = () if job is None else job.parents
        request = None if job is None else job.request
        helpful = mending.buttons(error, self, request, lambda smaller: self._retry(smaller, parents))
        again = [] if request is None else [(tr("Retry"), "retry", lambda: self._retry(request, parents))]
        self.error.say(title, hint, kind="error", actions=[*helpful, *again])

    def _retry(self, request: Request, parents: Sequence[str]) -> None:
        self.error.hide()
        try:
            self.submit(request, parents=parents)
        except StudioError as error:
            self._fail(error)

    def _hear(self, news: Any) -> None:
        if news.kind == "library":
            if self.isVisible():
                self.filmstrip.refresh_soon()
            else:
                self._stale = True
        elif news.kind == "models":
            self.form.refresh_models()
        elif news.kind == "settings":
            self.stage.follow(self.studio.settings)

    def _progress(self, batch: Batch, job: Job) -> None:
        self.cancel.show()
        self._turn_to(batch)
        if batch is not self._shown:
            return
        progress = job.progress
        words = sentence(jobs.stage(job))
        self.waiting.say(words, progress.done, progress.total)
        preview = progress.preview
        if self._many(batch):
            if isinstance(preview, Image):
                self.candidates.show_image(batch.jobs.index(job), pictures.of_payload(preview), done=False)
        elif preview is not None and not (isinstance(preview, Text) and not preview.text):
            self.waiting.patience.stop()
            self.stage.preview(preview)
            self._stack.setCurrentWidget(self.stage)
        self.head.show_asset(None, words)

    # The stage.

    def _many(self, batch: Batch) -> bool:
        return len(batch.jobs) > 1 and self.medium.stage == "image"

    def _show_batch(self, batch: Batch) -> None:
        self._shown = batch
        self._strip.show()
        self.head.back.hide()
        self.filmstrip.mark("")
        self.head.show_asset(None, tr("Starting"))
        if self._many(batch):
            self.candidates.expect(len(batch.jobs))
            for at, asset in batch.assets.items():
                self._show_candidate(at, asset)
            self._stack.setCurrentWidget(self.candidates)
            self.head.show_asset(None, count(len(batch.jobs), "%n candidate", "%n candidates"))
        else:
            self.stage.expect(batch.jobs[0].request)
            self.waiting.say(sentence(jobs.stage(batch.jobs[0])), 0, 0)
            self.waiting.patience.start()

    def _turn_to(self, batch: Batch) -> None:
        """Show the batch that is being made now, where the one before has ended and nobody looks at another work."""
        if self._following and batch is not self._shown and (self._shown is None or not self._shown.live):
            self._show_batch(batch)

    def _look(self, asset: Asset) -> None:
        self._following = False
        self.show_work(asset)

    def _choose(self, at: int) -> None:
        batch = self._shown
        if batch is not None and at in batch.assets:
            self._following = False
            self.show_work(batch.assets[at], keep_batch=True)
            self.head.back.show()
            self.stage.setFocus()

    def show_work(self, asset: Asset | None, *, keep_batch: bool = False) -> None:
        """Put a finished work on the stage; None where there is nothing to show."""
        self.waiting.patience.stop()
        if not keep_batch:
            self._shown = None
            self.head.back.hide()
        if asset is not None:
            try:
                self.stage.show_asset(asset)
            except (StudioError, OSError) as error:
                self._fail(error)
                asset = None
        self.asset = asset
        self.head.show_asset(asset, self.stage.title() if asset is not None else "")
        self.filmstrip.mark(asset.id if asset is not None else "")
        self._stack.setCurrentWidget(self.stage if asset is not None else self.empty)

    def _keep(self, payload: Payload) -> None:
        """Make a work of what a person has made of the one on the stage."""
        if self.asset is not None:
            kept = self._deeds.keep(payload, self.asset)
            if kept is not None:
                self._look(kept)

    def _step(self, step: int) -> None:
        if self.asset is not None:
            beside = self.filmstrip.beside(self.asset.id, step)
            if beside is not None:
                self._look(beside)

    def act(self, name: str) -> None:
        """Do what an action of the menus says, where it means something here."""
        seed = self.form.seed
        if name == "generate":
            self.make()
        elif name == "cancel":
            if self._making.busy or not (self.stage.act(name) or self.show_batch_again()):
                self.stop()
        elif name == "example":
            self.try_example()
        elif name == "roll" and seed is not None:
            seed.roll()
        elif name == "lock" and seed is not None:
            seed.lock.toggle()
        elif name in ("previous", "next"):
            self._step(1 if name == "next" else -1)
        elif name in DEEDS:
            self.stage.act(name)
        elif not self.brief.act(name):
            self._asked(name)

    def can(self, name: str) -> bool:
        """Whether an action would do anything here and now."""
        if name in ("generate", "example", "roll", "lock"):
            return True
        if name == "cancel":
            return self._making.busy or "cancel" in self.stage.deeds() or self._many_shown()
        if name in DEEDS:
            return self._stack.currentWidget() is self.stage and name in self.stage.deeds()
        if name in ("undo", "redo", "clear", "preset.keep", "preset.bring"):
            return self.brief.can(name)
        if name in ("recall", "again", "vary"):
            return self.asset is not None and bool(self.asset.request)
        return self.asset is not None

    def _many_shown(self) -> bool:
        return self._shown is not None and self._many(self._shown)

    def areas(self) -> list[QWidget]:
        """The parts that the keyboard steps through, in their order."""
        return [self.brief, self.head, self._stack, self._strip]

    def _asked(self, deed: str) -> None:
        asset, deeds = self.asset, self._deeds
        if deed == "all" and self._shown is not None:
            self._show_batch(self._shown)
            return
        if asset is None:
            return
        if deed == "favourite":
            deeds.favourite([asset.id], not asset.favourite)
            self.asset = self.studio.library.get(asset.id)
        elif deed == "bin":
            beside = self.filmstrip.beside(asset.id, 1) or self.filmstrip.beside(asset.id, -1)
            if deeds.bin([asset.id]):
                self.show_work(beside)
        else:
            deeds.do(deed, asset)

    def show_batch_again(self) -> bool:
        """From one candidate back to all of them; whether there was a way back."""
        if self._shown is not None and self._many(self._shown) and self._stack.currentWidget() is self.stage:
            self._show_batch(self._shown)
            return True
        return False

    def _refresh(self) -> None:
        self.cancel.setVisible(self._making.busy)
        shown = self._shown
        if shown is not None and not shown.live and self._stack.currentWidget() is self.candidates:
            self.head.show_asset(None, count(len(shown.assets), "%n candidate", "%n candidates"))

    def focus_first(self) -> None:
        """Where one begins to type; nothing is marked where there is nothing to type."""
        if not self.brief.focus_first():
            self.setFocus(Qt.FocusReason.OtherFocusReason)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._stale = False
            self.filmstrip.refresh_soon()

    def leave(self) -> None:
        """Another page is shown: stop what plays."""
        self.stage.leave()

    def close_down(self) -> None:
        """The window closes: wait for nothing any more."""
        self.stage.leave()
        self._making.close_down()

    def state(self) -> dict[str, Any]:
        return self.brief.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        self.brief.restore(state)
