"""The middle of a panel: the work on its stage, what is being made of it, candidates or how to begin, and the works
made before; makes nothing, and knows neither the brief nor what is done with a work.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QStackedWidget, QWidget

from studio.backends.medium import Medium
from studio.errors import StudioError
from studio.jobs.job import Job
from studio.library.library import Asset, LibraryQuery
from studio.media.payloads import Clip, Image, Payload, Text
from studio.ui.library.importer import Importer
from studio.ui.library.model import WorkListModel
from studio.ui.library.thumbnails import ThumbnailLoader
from studio.ui.panel.filmstrip import Filmstrip
from studio.ui.panel.job_tracker import CandidateBatch
from studio.ui.panel.onboarding import Onboarding, WaitingMessage
from studio.ui.panel.stage_header import StageHeader
from studio.ui.shell import job_strip
from studio.ui.stages import pictures, stage
from studio.ui.stages.candidates import CandidateGrid
from studio.ui.stages.moving import MovingStage
from studio.ui.widgets.basic import MessageBar, column, row
from studio.ui.widgets.drop_zone import DropZone
from studio.ui.widgets.lazy_refresh import LazyRefresh
from studio.ui.widgets.text import count, sentence, tr

if TYPE_CHECKING:
    from studio.studio import Studio


class StageArea(QFrame):
    """`tried` asks for an example, `asked` names a deed to do with the work, `kept` has what a person made of it,
    `unread` has the error of a work that cannot be shown, `said` is a word in passing. Of faces and whatever else is
    live, and no work yet: `picked` is the place of the one that was chosen, `parted` says that it is no longer shown.
    `changed` says that another thing is seen.
    """

    tried = Signal()
    asked = Signal(str)
    kept = Signal(object)
    unread = Signal(object)
    said = Signal(str)
    picked = Signal(int)
    parted = Signal()
    changed = Signal()

    def __init__(self, studio: Studio, medium: Medium, thumbnails: ThumbnailLoader, arrivals: Importer) -> None:
        super().__init__()
        self.setObjectName("stageArea")
        self.asset: Asset | None = None  # the work that is shown
        self._batch: CandidateBatch | None = None  # what is being made, or was made last, where that is shown
        self._following = True  # show what is being made, until a person looks at something else
        self._choosing = medium.stage == "image"  # of several works made together one is chosen
        self._live = False  # what is shown is no work yet
        self._offered = ""  # what is said of the live ones among which one is chosen, while one may go back to them
        self.stage = stage(medium.stage, studio.paths.documents)
        self.stage.apply_settings(studio.settings)
        self.head = StageHeader(self.stage)
        self.error = MessageBar("error")
        self.candidates = CandidateGrid()
        self.empty = Onboarding(medium.name, medium.icon, _sheet(studio, medium))
        self.waiting = WaitingMessage()
        self._stack = QStackedWidget()
        for widget in (self.empty, self.stage, self.candidates, self.waiting):
            self._stack.addWidget(widget)
        self.filmstrip = Filmstrip(WorkListModel(studio.library, thumbnails, LibraryQuery(medium=medium.name)))
        self._fresh = LazyRefresh(self, self.filmstrip.refresh_soon)
        self._strip = QFrame()
        self._strip.setObjectName("filmstripArea")
        column(self._strip, margins=(12, 8, 12, 4)).addWidget(self.filmstrip)
        upper = column(spacing=0)
        upper.addWidget(self.head)
        upper.addLayout(row(self.error, margins=(16, 0, 16, 8)))
        upper.addWidget(self._stack, 1)
        upper.addWidget(self._strip)
        self._inside = row(spacing=0)
        self._inside.addLayout(upper, 1)
        self.setLayout(self._inside)
        words = tr("Drop it here to show it and keep it in the library")
        self._landing = DropZone(self, words, arrivals.takes, lambda data: arrivals.take(data, self._brought))
        self._wire()
        self._show_strip()

    def _wire(self) -> None:
        self.stage.stepped.connect(self.step)
        self.stage.show_requested.connect(self.look)
        self.stage.command_requested.connect(self._asked)
        self.stage.save_requested.connect(self.kept)
        self.stage.message.connect(lambda words, hint: self.said.emit(f"{words} {hint}".strip()))
        self.head.asked.connect(self._asked)
        self.candidates.chosen.connect(self._choose)
        self.empty.tried.connect(self.tried)
        self.waiting.late.connect(lambda: self._stack.setCurrentWidget(self.waiting))
        self.filmstrip.chosen.connect(self.look)
        self.filmstrip.model().modelReset.connect(self._show_strip)

    def _show_strip(self) -> None:
        """The filmstrip stands from the first Generate on, so that nothing jumps when the work arrives."""
        self._strip.setVisible(self.filmstrip.model().rowCount() > 0 or self._batch is not None)

    def put_beside(self, widget: QWidget) -> None:
        """Give what helps with the work a place at the right, as high as the window is."""
        self._inside.addWidget(widget)
        self._beside = widget

    def areas(self) -> list[QWidget]:
        """The parts that the keyboard steps through, in their order."""
        beside = [] if self._beside.isHidden() else [self._beside]
        return [self.head, self._stack, *beside, self._strip]

    def _asked(self, deed: str) -> None:
        if deed == "all":
            self.back()
        else:
            self.asked.emit(deed)

    # Works.

    @property
    def on_stage(self) -> bool:
        """Whether the stage is seen, and not what stands in its place."""
        return self._stack.currentWidget() is self.stage

    @property
    def seen(self) -> Asset | None:
        """The work that is seen: none while something is being made in its place, or stands there to choose from."""
        if self.asset is None or not self.on_stage or self._batch is None:
            return self.asset if self.on_stage else None
        return self.asset if self.asset.id in {each.id for each in self._batch.assets.values()} else None

    def show_work(self, asset: Asset | None) -> None:
        """Put a finished work on the stage; None where there is nothing to show."""
        self._batch = None
        self.head.offer_back(False)
        self._put(asset)

    def look(self, asset: Asset) -> None:
        """A person wants to see this one, whatever is being made meanwhile."""
        self._following = False
        self.show_work(asset)

    def step(self, step: int) -> None:
        """To the next (+1) or previous (-1) work."""
        beside = None if self.asset is None else self.filmstrip.beside(self.asset.id, step)
        if beside is not None:
            self.look(beside)

    def _put(self, asset: Asset | None) -> None:
        self._part()
        self.waiting.patience.stop()
        if asset is not None:
            try:
                self.stage.show_asset(asset)
            except (StudioError, OSError) as error:
                self.unread.emit(error)
                asset = None
        self.asset = asset
        self.head.show_asset(asset, self.stage.title() if asset is not None else "")
        self.filmstrip.mark(asset.id if asset is not None else "")
        self._stack.setCurrentWidget(self.stage if asset is not None else self.empty)
        self.changed.emit()

    def _brought(self, works: Sequence[Asset]) -> None:
        """Show the first that can be shown here; the others are in the library."""
        shown = next((work for work in works if work.path.suffix in self.stage.suffixes), None)
        if shown is not None:
            self.look(shown)

    def works_changed(self) -> None:
        """The library is another one: read it again, now or when this is seen."""
        self._fresh.changed()

    # What is being made.

    def follow(self) -> None:
        """From here on show what is being made, as its turn comes."""
        self._following = True

    def expect(self, batch: CandidateBatch) -> None:
        """Make room for what is to come."""
        self._part()
        self._batch = batch
        self._strip.show()
        self.head.offer_back(False)
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
            self.waiting.say(sentence(job_strip.stage(batch.jobs[0])), 0, 0)
            self.waiting.patience.start()
        self.changed.emit()

    def progress(self, batch: CandidateBatch, job: Job) -> None:
        """Show how far a job is and what there is of it."""
        self._turn_to(batch)
        if batch is not self._batch:
            return
        words = sentence(job_strip.stage(job))
        self.waiting.say(words, job.progress.done, job.progress.total)
        preview = job.progress.preview
        if self._many(batch):
            if isinstance(preview, Image):
                self.candidates.show_image(batch.jobs.index(job), pictures.of_payload(preview), done=False)
        elif preview is not None and not (isinstance(preview, Text) and not preview.text):
            self.waiting.patience.stop()
            self.stage.preview(preview)
            self._stack.setCurrentWidget(self.stage)
        self.head.show_asset(None, words)

    def arrived(self, batch: CandidateBatch, at: int, asset: Asset) -> None:
        self._turn_to(batch)
        if batch is self._batch:
            if self._many(batch):
                self._show_candidate(at, asset)
            else:
                self._put(asset)

    def failed(self, batch: CandidateBatch, at: int) -> None:
        if batch is self._batch:
            self.candidates.mark_failed(at)

    def settled(self, batch: CandidateBatch) -> None:
        """One more of the batch has ended."""
        if batch is self._batch and not batch.live and not batch.assets:
            self.show_work(self.asset)  # nothing has come of it: what was there before stands there again
        shown = self._batch
        if shown is not None and not shown.live and self._stack.currentWidget() is self.candidates:
            self.head.show_asset(None, count(len(shown.assets), "%n candidate", "%n candidates"))

    # What is live.

    def show_live(self, payload: Payload, side: int, words: str, *, rough: bool, lasting: bool = True) -> None:
        """Show what is under a person's hand, as the stage's `show_live` does, and say what it is; `lasting` where it
        may become a work.
        """
        self._turn_live(self.stage, words, lasting)
        self.stage.show_live(payload, side, rough=rough)

    def say_live(self, words: str) -> None:
        """Say something of what is live, while it is still to come."""
        if self._live:
            self._offered = words if self._offered else ""
            self.head.caption.say(words)

    @property
    def choosing(self) -> bool:
        """Whether live ones stand there to choose from."""
        return bool(self._offered) and self._stack.currentWidget() is self.candidates

    def play_live(self, clip: Clip, side: int, words: str) -> None:
        """Play what is no work yet. Raises StudioError and OSError where its file cannot be read."""
        assert isinstance(self.stage, MovingStage)
        self._turn_live(self.stage, words, False)
        self.stage.show_clip(clip, side)

    def offer(self, many: int, words: str, captions: Sequence[str] = ()) -> None:
        """Make room for live ones among which a person may choose, each with its caption where there are any."""
        self._offered = words
        self.candidates.expect(many, captions)
        self._turn_live(self.candidates, words, False)
        self.head.offer_back(False)
        self.candidates.setFocus()

    def offer_one(self, at: int, payload: Image) -> None:
        self.candidates.show_image(at, pictures.of_payload(payload), done=True)

    def _turn_live(self, widget: QWidget, words: str, lasting: bool) -> None:
        self.waiting.patience.stop()
        self._live, self._batch, self._following = True, None, False
        self._stack.setCurrentWidget(widget)
        if self.asset is not None or self.head.caption.whole() != words:
            self.asset = None
            self.filmstrip.mark("")
            self.head.show_asset(None, words, live=lasting)
        self.head.offer_back(bool(self._offered) and widget is self.stage)
        self.changed.emit()

    def _part(self) -> None:
        if self._live:
            self._live, self._offered = False, ""
            self.parted.emit()

    @property
    def several(self) -> bool:
        """Whether what is shown is one of several candidates, or all of them."""
        return bool(self._offered) or (self._batch is not None and self._many(self._batch))

    def back(self) -> bool:
        """From one candidate back to all of them; whether there was a way back."""
        if self._offered and self.on_stage:
            self._turn_live(self.candidates, self._offered, False)
            self.candidates.setFocus()
            return True
        if self._batch is not None and self.several and self.on_stage:
            self.expect(self._batch)
            return True
        return False

    def _many(self, batch: CandidateBatch) -> bool:
        return self._choosing and len(batch.jobs) > 1

    def _turn_to(self, batch: CandidateBatch) -> None:
        """Show the batch that is being made now, where the one before has ended and nobody looks at another work."""
        if self._following and batch is not self._batch and (self._batch is None or not self._batch.live):
            self.expect(batch)

    def _show_candidate(self, at: int, asset: Asset) -> None:
        try:
            self.candidates.show_image(at, pictures.load(asset.path), done=True)
        except StudioError as error:
            self.unread.emit(error)

    def _choose(self, at: int) -> None:
        batch = self._batch
        if self._offered:
            self.picked.emit(at)
        elif batch is not None and at in batch.assets:
            self._following = False
            self._put(batch.assets[at])
            self.head.offer_back(True)
            self.stage.setFocus()


def _sheet(studio: Studio, medium: Medium) -> Path | None:
    """A picture of what the medium's model makes."""
    try:
        return studio.catalog.default(medium.name).folder / "sheet.png"
    except StudioError:
        return None
