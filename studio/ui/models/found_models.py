"""The models of other programs on this machine: looking for them, and using one where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from studio.errors import Message, StudioError
from studio.jobs.io.imports import ImportPath
from studio.jobs.io.linked_models import ModelLinkRequest, ModelScanRequest
from studio.jobs.job import Cancelled, Job
from studio.studio import Studio
from studio.ui.background import JobWatcher
from studio.ui.bridge import Bridge
from studio.ui.widgets.controls import ElidedLabel, button, label, named
from studio.ui.widgets.layout import column, row
from studio.ui.widgets.text import count, tr, worded

if TYPE_CHECKING:
    from studio.models.sources.programs import FoundModel


class FoundModels(QObject):
    """`progressed` while it looks; `changed` after more is known; `failed(error)` where looking failed. `models` and
    `notes` are what was found last.
    """

    progressed = Signal()
    changed = Signal()
    failed = Signal(object)

    def __init__(self, studio: Studio, bridge: Bridge, parent: QObject) -> None:
        super().__init__(parent)
        self._studio = studio
        self.models: list[FoundModel] = []
        self.notes: list[Message] = []
        self.looked = False  # whether anyone has looked since the start
        self._watcher = JobWatcher(self)
        self._watcher.ended.connect(self._ended)
        self._watcher.follow((ModelScanRequest, ModelLinkRequest), studio.queue.jobs(), bridge.news)
        bridge.news.connect(self._receive)

    @property
    def looking(self) -> Job | None:
        """The job that looks for models; None where none does."""
        return next((job for job in self._watcher.watched if isinstance(job.request, ModelScanRequest)), None)

    def look(self) -> None:
        """Look where other programs keep their models, and in the folders that were added."""
        if self.looking is not None:
            return
        from studio.models.sources import programs

        self.looked = True
        folders = programs.remembered(self._studio.settings.model_folders)
        request = ModelScanRequest(folders=tuple(ImportPath(path=str(folder)) for folder in folders))
        try:
            self._watcher.watch(self._studio.submit(request))
        except StudioError as error:
            self.failed.emit(error)
        self.changed.emit()

    def add_folders(self, folders: Sequence[Path]) -> None:
        """Look in further folders too, now and from now on."""
        from studio.models.sources import programs

        text = programs.remember(self._studio.settings.model_folders, folders)
        try:
            self._studio.change_settings(model_folders=text)
        except StudioError as error:
            self.failed.emit(error)
        else:
            self.look()

    def _receive(self, news: Any) -> None:
        if news.job is not None and news.job is self.looking:
            self.progressed.emit()

    def _ended(self, job: Job) -> None:
        error = job.future.exception()
        if isinstance(job.request, ModelScanRequest):
            if error is None:
                found = job.future.result()[0]
                self.models, self.notes = list(found.models), list(found.notes)
            elif not isinstance(error, Cancelled):
                self.failed.emit(error)
        elif error is None and isinstance(job.request, ModelLinkRequest):
            path, id = Path(job.request.path), job.future.result()[0].id
            self.models = [replace(each, installed=id) if each.path == path else each for each in self.models]
        self.changed.emit()


class OtherProgramsBar(QWidget):
    """Says how many models of other programs were found, with the buttons to look again and in another folder."""

    def __init__(self) -> None:
        super().__init__()
        self.words = named(ElidedLabel(role="muted"), "foundWords")
        self.notes = label("", "caption", name="foundNotes", wrap=True)
        self.again = button(tr("Look again"), "lookAgain", "quiet")
        self.add = button(tr("Add a folder…"), "lookInFolder", "quiet", icon="plus")
        line = row((self.words, 1), self.again, self.add, spacing=4)
        column(self, line, self.notes, spacing=2, margins=(12, 0, 8, 0))
        self.hide()

    def show_found(self, number: int, job: Job | None, notes: Sequence[Message]) -> None:
        """`job` is the one that looks, while it does; `notes` is what was left out, and why."""
        if job is not None:
            done = job.progress.done
            found = count(done, "%n model found", "%n models found")
            words = tr("Looking, {found} so far").format(found=found) if done else tr("Looking")
        else:
            words = count(number, "%n model of other programs", "%n models of other programs") if number else ""
        self.words.set_text(words)
        self.again.setEnabled(job is None)
        self.notes.setText("\n".join(map(worded, notes)))
        self.notes.setVisible(bool(notes) and job is None)
