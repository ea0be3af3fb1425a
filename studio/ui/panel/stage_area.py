"""The middle of a medium's page: header, stage, candidates or onboarding, filmstrip, and a side panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFrame, QStackedWidget, QWidget

from studio.backends.medium import Medium
from studio.errors import StudioError
from studio.jobs.job import Job
from studio.jobs.previews import TextPreview
from studio.library.library import Asset, LibraryQuery
from studio.media.payloads import Clip, Image
from studio.studio import Studio
from studio.ui.background import BackgroundTasks, Failure
from studio.ui.library.importer import Importer
from studio.ui.library.model import WorkListModel
from studio.ui.library.thumbnails import ThumbnailLoader
from studio.ui.panel.filmstrip import Filmstrip
from studio.ui.panel.onboarding import Onboarding, WaitingMessage
from studio.ui.panel.stage_header import StageHeader
from studio.ui.stages import Stage, pictures, stage
from studio.ui.stages.candidates import CandidateGrid
from studio.ui.stages.image import ImageStage
from studio.ui.widgets.controls import named
from studio.ui.widgets.drop_zone import DropZone
from studio.ui.widgets.layout import add, column, row
from studio.ui.widgets.messages import MessageBar
from studio.ui.widgets.page import LazyRefresh
from studio.ui.widgets.text import count, job_stage, sentence, tr

STAGE_WIDTH = 300  # pixels that the stage keeps before the settings beside it become narrower


@dataclass(eq=False)
class CandidateBatch:
    """The jobs of one Generate, and their works by position."""

    jobs: Sequence[Job]
    assets: dict[int, Asset] = field(default_factory=dict[int, Asset])
    waiting: set[int] = field(init=False)  # positions whose outcome was not reported yet

    def __post_init__(self) -> None:
        self.waiting = set(range(len(self.jobs)))

    @property
    def live(self) -> bool:
        return any(job.state in ("queued", "running") for job in self.jobs)


class StageArea(QFrame):
    """Shows works, and what is being made.

    `example_requested`, or `example_chosen(request)`; `command_requested(name)` for the work that is shown;
    `edited(payload)`: save it as a new work; `load_failed(error)`: it cannot be shown; `message(words)` for a toast;
    `choice_picked(index)`: a live candidate was clicked; `live_closed`: what was live is no longer shown; `live_left`:
    live candidates are shown again; `changed`: the shown content changed.
    """

    example_requested = Signal()
    example_chosen = Signal(object)
    command_requested = Signal(str)
    edited = Signal(object)
    load_failed = Signal(object)
    message = Signal(str)
    choice_picked = Signal(int)
    live_closed = Signal()
    live_left = Signal()
    changed = Signal()

    def __init__(self, studio: Studio, medium: Medium, thumbnails: ThumbnailLoader, importer: Importer) -> None:
        super().__init__()
        self.setObjectName("stageArea")
        self.asset: Asset | None = None  # the work that is shown
        self._batch: CandidateBatch | None = None  # what is being made, or was made last, where that is shown
        self._following = True  # show what is being made, until another work is chosen
        # Whether several works made together are shown in a grid to choose from.
        self._offers_candidates = medium.stage == "image"
        self._live = False  # what is shown is not saved
        self._loading = False  # what was shown before stays until the stage has read the work's file
        self._candidates_of: CandidateBatch | None = None  # whose works the grid shows
        self._candidates_shown: set[int] = set()  # those of its works that are there, or are being read
        self._reading = BackgroundTasks(self)
        self._choices_caption = ""  # the header's words while there are live candidates to go back to
        self.stage = stage(medium.stage, studio.paths.documents)
        self.stage.apply_settings(studio.settings)
        self.header = StageHeader(self.stage)
        self.error = MessageBar("error")
        self.candidates = CandidateGrid()
        self.onboarding = Onboarding(medium)
        self.waiting = WaitingMessage()
        self._stack = QStackedWidget()
        for widget in (self.onboarding, self.stage, self.candidates, self.waiting):
            self._stack.addWidget(widget)
        self.filmstrip = Filmstrip(WorkListModel(studio.library, thumbnails, LibraryQuery(medium=medium.name)))
        self._lazy_refresh = LazyRefresh(self, self.filmstrip.schedule_refresh)
        self._filmstrip_area = named(QFrame(), "filmstripArea")
        column(self._filmstrip_area, self.filmstrip, margins=(12, 8, 12, 4))
        upper = column(spacing=0)
        add(upper, self.header, row(self.error, margins=(16, 0, 16, 8)), (self._stack, 1), self._filmstrip_area)
        self._columns = row((upper, 1), spacing=0)
        self.setLayout(self._columns)
        words = tr("Drop it here to import it")
        self._drop_zone = DropZone(
            self, words, importer.accepts, lambda data: importer.import_data(data, self._show_imported)
        )
        self._wire()
        self._update_filmstrip()

    def _wire(self) -> None:
        self.stage.stepped.connect(self.step)
        self.stage.show_requested.connect(self.select_work)
        self.stage.command_requested.connect(self._on_command)
        self.stage.save_requested.connect(self.edited)
        self.stage.loaded.connect(self._on_loaded)
        self.stage.load_failed.connect(self._on_load_failed)
        self.stage.message.connect(lambda words, hint: self.message.emit(f"{words} {hint}".strip()))
        self.header.command_requested.connect(self._on_command)
        self.candidates.chosen.connect(self._on_candidate_chosen)
        self.onboarding.tried.connect(self.example_requested)
        self.onboarding.chosen.connect(self.example_chosen)
        self.onboarding.failed.connect(self.load_failed)
        self.waiting.late.connect(lambda: self._switch(self.waiting))
        self.filmstrip.chosen.connect(self.select_work)
        self.filmstrip.model().modelReset.connect(self._update_filmstrip)

    def _update_filmstrip(self) -> None:
        """Show the filmstrip from the first Generate on, so that nothing moves when the work arrives."""
        self._filmstrip_area.setVisible(self.filmstrip.model().rowCount() > 0 or self._batch is not None)

    def add_side_panel(self, widget: QWidget) -> None:
        """Put a widget at the right, as high as the window."""
        self._columns.addWidget(widget)
        self._side_panel = widget

    def width_wanted(self) -> int:
        """The side panel at its least, and beside it a stage that is no stripe."""
        beside = 0 if self._side_panel.isHidden() else self._side_panel.minimumSizeHint().width()
        return beside + STAGE_WIDTH

    def areas(self) -> list[QWidget]:
        """The parts that the keyboard steps through, in their order."""
        beside = [] if self._side_panel.isHidden() else [self._side_panel]
        return [self.header, self._stack, *beside, self._filmstrip_area]

    def _on_command(self, name: str) -> None:
        if name == "all":
            self.back_to_candidates()
        else:
            self.command_requested.emit(name)

    @property
    def on_stage(self) -> bool:
        """Whether the stage is shown, or about to be, and not the candidates or the onboarding."""
        return self._loading or self._stack.currentWidget() is self.stage

    @property
    def visible_work(self) -> Asset | None:
        """The work on the stage; None while previews or candidates are shown."""
        if self.asset is None or not self.on_stage or self._batch is None:
            return self.asset if self.on_stage else None
        return self.asset if self.asset.id in {each.id for each in self._batch.assets.values()} else None

    def show_work(self, asset: Asset | None) -> None:
        """Show a work on the stage; None shows the onboarding."""
        self._batch = None
        self.header.show_back(False)
        self._display(asset)

    def select_work(self, asset: Asset) -> None:
        """Show a work that a person chose, whatever is being made meanwhile."""
        self._following = False
        self.show_work(asset)

    def step(self, step: int) -> None:
        """To the next (+1) or previous (-1) work."""
        beside = None if self.asset is None else self.filmstrip.neighbour(self.asset.id, step)
        if beside is not None:
            self.select_work(beside)

    def _display(self, asset: Asset | None) -> None:
        self._close_live()
        self.waiting.patience.stop()
        if asset is not None:
            try:
                self.stage.show_asset(asset)
            except (StudioError, OSError) as error:
                self.load_failed.emit(error)
                asset = None
        self.asset = asset
        self.header.show_asset(asset, self.stage.title() if asset is not None else "")
        self.filmstrip.highlight(asset.id if asset is not None else "")
        if asset is None:
            self._switch(self.onboarding)
            self.stage.clear()
        elif self.stage.loading and self._stack.currentWidget() in (self.candidates, self.waiting):
            self._loading = True
        else:
            self._switch(self.stage)
        self.changed.emit()

    def _switch(self, widget: QWidget) -> None:
        self._loading = False
        self._stack.setCurrentWidget(widget)

    def _on_loaded(self) -> None:
        """The work's picture is there: show the stage."""
        if self._loading:
            focused = self.candidates.hasFocus()
            self._switch(self.stage)
            if focused:
                self.stage.setFocus()
            self.changed.emit()

    def _on_load_failed(self, error: Failure) -> None:
        self.load_failed.emit(error)
        self._display(None)

    def _show_imported(self, works: Sequence[Asset]) -> None:
        """Show the first work that this stage can show."""
        shown = next((work for work in works if work.path.suffix in self.stage.suffixes), None)
        if shown is not None:
            self.select_work(shown)

    def works_changed(self) -> None:
        """Works were added, removed or changed: read them again, now or when this is next shown."""
        self._lazy_refresh.changed()

    def stay(self) -> None:
        """Go on showing the work on the stage, whatever is being made meanwhile."""
        self._following, self._batch = False, None
        self.header.show_back(False)

    def follow(self) -> None:
        """From now on show what is being made."""
        self._following = True

    def expect(self, batch: CandidateBatch) -> None:
        """Prepare for the results of a batch."""
        self._close_live()
        self._batch = batch
        self._filmstrip_area.show()
        self.header.show_back(False)
        self.filmstrip.highlight("")
        words = sentence(job_stage(batch.jobs[0]))
        self.header.show_asset(None, words)
        if self._shows_grid(batch):
            if self._candidates_of is not batch:
                self._candidates_of, self._candidates_shown = batch, set()
                request = batch.jobs[0].request
                shape = QSize(getattr(request, "width", 0) or 1, getattr(request, "height", 0) or 1)
                self.candidates.expect(len(batch.jobs), shape=shape)
            for at, asset in batch.assets.items():
                if at not in self._candidates_shown:
                    self._show_candidate(at, asset)
            self._mark_ended(batch)
            self._switch(self.candidates)
            number = len(batch.jobs if batch.live else batch.assets)
            self.header.show_asset(None, count(number, "%n candidate", "%n candidates"))
        else:
            self.stage.expect(batch.jobs[0].request)
            self.waiting.say(words, 0, 0)
            self.waiting.patience.start()
        self.changed.emit()

    def progress(self, batch: CandidateBatch, job: Job) -> None:
        """Show the progress and the preview of a job."""
        self._follow_batch(batch)
        if batch is not self._batch:
            return
        words = sentence(job_stage(job))
        self.waiting.say(words, job.progress.done, job.progress.total)
        preview = job.progress.preview
        if self._shows_grid(batch):
            if isinstance(preview, Image):
                self.candidates.show_image(batch.jobs.index(job), pictures.of_payload(preview), done=False)
        elif preview is not None and not (isinstance(preview, TextPreview) and not preview.length):
            self.waiting.patience.stop()
            self.stage.preview(preview)
            self._switch(self.stage)
        self.header.show_asset(None, words)

    def arrived(self, batch: CandidateBatch, at: int, asset: Asset) -> None:
        self._follow_batch(batch, finished=True)
        if batch is self._batch:
            if self._shows_grid(batch):
                self._show_candidate(at, asset)
            else:
                self._display(asset)

    def settled(self, batch: CandidateBatch) -> None:
        """A job of the batch has ended."""
        if batch is self._batch and not batch.live and not batch.assets:
            self.show_work(self.asset)  # no results: show again what was there before
        shown = self._batch
        if batch is self._batch and self._shows_grid(batch):
            self._mark_ended(batch)
        if shown is not None and not shown.live and self._stack.currentWidget() is self.candidates:
            self.header.show_asset(None, count(len(shown.assets), "%n candidate", "%n candidates"))

    def _mark_ended(self, batch: CandidateBatch) -> None:
        """Say of candidates in the grid why they do not come; once all have ended, cancelled ones leave no frame."""
        for at, job in enumerate(batch.jobs):
            if at in batch.assets or job.state not in ("failed", "cancelled"):
                continue
            if job.state == "cancelled" and not batch.live and batch.assets:
                self.candidates.leave_out(at)
            else:
                self.candidates.show_ended(at, sentence(job_stage(job)))

    def live_stage(self, words: str, *, lasting: bool = True) -> Stage:
        """The stage, shown for an unsaved result that it is to be given now, with `words` in the header; `lasting`: the
        result can be saved.
        """
        self._switch_to_live(self.stage, words, lasting)
        return self.stage

    def set_live_caption(self, words: str) -> None:
        """Change the header while unsaved results are being made."""
        if self._live:
            self._choices_caption = words if self._choices_caption else ""
            self.header.caption.set_text(words)

    @property
    def choosing(self) -> bool:
        """Whether unsaved candidates are shown."""
        return bool(self._choices_caption) and self._stack.currentWidget() is self.candidates

    def play_live(self, clip: Clip, side: int, words: str) -> None:
        """Play an unsaved clip. Raises StudioError and OSError where its file cannot be read."""
        assert isinstance(self.stage, ImageStage)
        self._switch_to_live(self.stage, words, False)
        self.stage.show_clip(clip, side)

    def show_choices(self, many: int, words: str, captions: Sequence[str] = ()) -> None:
        """Show a grid for unsaved candidates, each with its caption if there are any."""
        self._choices_caption = words
        self._candidates_of = None
        self.candidates.expect(many, captions)
        self._switch_to_live(self.candidates, words, False)
        self.header.show_back(False)
        self.candidates.setFocus()

    def show_choice(self, at: int, payload: Image) -> None:
        self.candidates.show_image(at, pictures.of_payload(payload), done=True)

    def _switch_to_live(self, widget: QWidget, words: str, lasting: bool) -> None:
        self.waiting.patience.stop()
        self._live, self._batch, self._following = True, None, False
        self._switch(widget)
        if self.asset is not None or self.header.caption.full_text() != words:
            self.asset = None
            self.filmstrip.highlight("")
            self.header.show_asset(None, words, live=lasting)
        self.header.show_back(bool(self._choices_caption) and widget is self.stage)
        self.changed.emit()

    def _close_live(self) -> None:
        if self._live:
            self._live, self._choices_caption = False, ""
            self.live_closed.emit()

    @property
    def has_candidates(self) -> bool:
        """Whether what is shown is one of several candidates, or all of them."""
        return bool(self._choices_caption) or (self._batch is not None and self._shows_grid(self._batch))

    def back_to_candidates(self) -> bool:
        """From one candidate back to all of them; False if there are none."""
        if self._choices_caption and self.on_stage:
            self.live_left.emit()
            self._switch_to_live(self.candidates, self._choices_caption, False)
            self.candidates.setFocus()
            return True
        if self._batch is not None and self.has_candidates and self.on_stage:
            self.expect(self._batch)
            return True
        return False

    def _shows_grid(self, batch: CandidateBatch) -> bool:
        return self._offers_candidates and len(batch.jobs) > 1

    def _follow_batch(self, batch: CandidateBatch, *, finished: bool = False) -> None:
        """Show the batch that is being made, if the one before has ended and no other work was chosen. What was made
        before stays until the next one has a `finished` work: the previews of that would cover it unseen.
        """
        before = self._batch
        if not self._following or batch is before or (before is not None and before.live):
            return
        if finished or before is None or not before.assets:
            self.expect(batch)

    def _show_candidate(self, at: int, asset: Asset) -> None:
        """Read the picture of a candidate, and show it if its batch is still shown."""
        batch, path = self._candidates_of, asset.path
        self._candidates_shown.add(at)

        def show(image: QImage) -> None:
            if batch is self._candidates_of:
                self.candidates.show_image(at, image, done=True)

        self._reading.run(lambda: pictures.load(path), show, self.load_failed.emit)

    def _on_candidate_chosen(self, at: int) -> None:
        batch = self._batch
        if self._choices_caption:
            self.choice_picked.emit(at)
        elif batch is not None and at in batch.assets:
            self._following = False
            self._display(batch.assets[at])
            self.header.show_back(True)
            if not self._loading:
                self.stage.setFocus()
