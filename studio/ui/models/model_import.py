"""Imports, links and moves models: asks about a licence where need be, and follows the job that does it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame

from studio.errors import StudioError
from studio.jobs.io.host import IoRequest
from studio.jobs.io.imports import ModelImportRequest
from studio.jobs.io.linked_models import ModelLinkRequest, ModelMoveRequest
from studio.jobs.job import Cancelled, Job
from studio.models import detect
from studio.models.detect import DetectedModel
from studio.models.model import Model
from studio.studio import Studio
from studio.ui.background import BackgroundTasks, Failure, JobWatcher
from studio.ui.bridge import Bridge
from studio.ui.models.dialogs import LicenceDialog, licence_text
from studio.ui.pages.licences import terms
from studio.ui.widgets.controls import ElidedLabel, ProgressBar, button, named
from studio.ui.widgets.layout import column, row
from studio.ui.widgets.text import size, tr

if TYPE_CHECKING:
    from studio.models.sources.programs import FoundModel


class ModelImporter(QFrame):
    """Imports, links and moves models as jobs, and a line that shows how far the running one is.

    `imported(model)`, `moved(model)` or `failed(error)` is emitted once for each model that was not cancelled.
    """

    imported = Signal(object)
    moved = Signal(object)
    failed = Signal(object)

    def __init__(self, studio: Studio, bridge: Bridge, tasks: BackgroundTasks) -> None:
        super().__init__()
        self.setObjectName("bar")
        self.setProperty("kind", "notice")
        self._studio, self._tasks = studio, tasks
        self._unread: list[Path] = []  # whose licence is not known yet, the one that is being read first
        self.words = named(ElidedLabel(role="label"), "importWords")
        self.bar = ProgressBar()
        self.cancel = button(tr("Cancel"), "importCancel", clicked=self.cancel_all)
        texts = column(None, self.words, self.bar, spacing=8)
        self.setLayout(row((texts, 1), self.cancel, spacing=16, margins=(14, 10, 10, 10)))
        self._watcher = JobWatcher(self)
        self._watcher.ended.connect(self._ended)
        self._watcher.follow((ModelImportRequest, ModelLinkRequest, ModelMoveRequest), studio.queue.jobs(), bridge.news)
        bridge.news.connect(self._receive)
        self._refresh()

    def import_paths(self, paths: Sequence[Path]) -> None:
        """Import folders and files, one after the other; asks first where a licence has terms to accept."""
        idle = not self._unread
        self._unread += paths
        if idle:
            self._read()

    def link(self, found: FoundModel) -> None:
        """Use a model of another program where it lies; its licence has been accepted."""
        self._start(
            ModelLinkRequest(
                path=str(found.path),
                program=found.program,
                name=found.title,
                licence=found.licence,
                accept_licence=True,
            )
        )

    def move_model(self, model: Model, folder: Path | None) -> None:
        """Move the weights of a model to a folder on another disk; with None, back to the studio's own."""
        self._start(ModelMoveRequest(id=model.id, folder="" if folder is None else str(folder)))

    def _start(self, request: IoRequest) -> None:
        try:
            self._watcher.watch(self._studio.submit(request))
        except StudioError as error:
            self.failed.emit(error)
        self._refresh()

    def cancel_all(self) -> None:
        """Cancel the imports that run or wait, and forget the files that were not read yet."""
        self._unread.clear()
        for job in list(self._watcher.watched):
            self._studio.queue.cancel(job.id)
        self._refresh()

    def _read(self) -> None:
        self._refresh()
        if self._unread:
            path, families = self._unread[0], self._studio.catalog.families
            self._tasks.run(
                lambda: detect.recognise(path, families),
                lambda found: self._ask(path, found),
                lambda error: self._unreadable(path, error),
            )

    def _next(self) -> None:
        self._unread = self._unread[1:]
        self._read()

    def _unreadable(self, path: Path, error: Failure) -> None:
        if self._unread[:1] == [path]:  # else it was cancelled meanwhile
            self.failed.emit(error)
            self._next()

    def _ask(self, path: Path, found: DetectedModel) -> None:
        if self._unread[:1] != [path]:
            return
        if terms(found.licence).free:
            self._submit(path, found)
        else:
            dialog = LicenceDialog(
                self.window(),
                tr("Import {name}?").format(name=path.name),
                terms(found.licence),
                tr("Import"),
                text=licence_text(found),
            )
            dialog.accepted.connect(lambda: self._submit(path, found))
            dialog.rejected.connect(self._next)
            dialog.open()

    def _submit(self, path: Path, found: DetectedModel) -> None:
        self._start(ModelImportRequest(path=str(path), target=found.medium, accept_licence=True))
        self._next()

    def _receive(self, news: Any) -> None:
        if news.job in self._watcher.watched:
            self._refresh()

    def _refresh(self) -> None:
        """Show how far the running import is, or which file is being read."""
        jobs = self._watcher.watched
        self.setVisible(bool(jobs or self._unread))
        job = next((job for job in jobs if job.state == "running"), None) or next(iter(jobs), None)
        progress = job.progress if job is not None else None
        if job is None or progress is None or progress.unit != "B" or not progress.total:
            name = self._name(job) if job is not None else self._unread[0].name if self._unread else ""
            self.words.set_text(tr("Reading {name}").format(name=name))
            self.bar.setRange(0, 0)
            return
        name = self._name(job)
        if progress.done >= progress.total:
            self.words.set_text(tr("Checking {name}").format(name=name))
            self.bar.setRange(0, 0)
            return
        words = {
            ModelImportRequest: tr("Copying {name}: {done} of {total}"),
            ModelLinkRequest: tr("Reading {name}: {done} of {total}"),
            ModelMoveRequest: tr("Moving {name}: {done} of {total}"),
        }[type(job.request)]
        self.words.set_text(words.format(name=name, done=size(progress.done), total=size(progress.total)))
        self.bar.show_progress(progress.done, progress.total)

    def _name(self, job: Job) -> str:
        """What a job is about, as it is called on this page."""
        if isinstance(job.request, ModelMoveRequest):
            return self._studio.catalog.title_of(job.request.id)
        return job.request.subject if isinstance(job.request, IoRequest) else ""

    def _ended(self, job: Job) -> None:
        error = job.future.exception()
        if error is None:
            done = self.moved if isinstance(job.request, ModelMoveRequest) else self.imported
            done.emit(job.future.result()[0])
        elif not isinstance(error, Cancelled):
            self.failed.emit(error)
        self._refresh()
