"""Imports files that are dropped, chosen or pasted into the library, as jobs of the I/O lane."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, QObject
from PySide6.QtGui import QImage

from studio.errors import StudioError
from studio.jobs.io.imports import PASTED, ImportedFiles, ImportPath, WorkImportRequest
from studio.jobs.job import Cancelled, Job
from studio.library.library import Asset
from studio.studio import Studio
from studio.ui.background import BackgroundTasks, JobWatcher
from studio.ui.bridge import Bridge
from studio.ui.widgets.text import count, tr, worded

Then = Callable[[Sequence[Asset]], object]
MANY = 8  # files from which on the start of an import is announced


class Importer(QObject):
    """Submits imports and announces their results, also those of imports that were restored at the start.

    `notify(words, actions)` shows a message, `failed(error)` an error.
    """

    def __init__(
        self,
        studio: Studio,
        bridge: Bridge,
        notify: Callable[[str, Sequence[tuple[str, Callable[[], object]]]], None],
        failed: Callable[[BaseException], object],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._studio, self._notify, self._failed = studio, notify, failed
        self._then: dict[str, Then | None] = {}  # by the ids of the jobs that were submitted here
        self._tasks = BackgroundTasks(self)
        self._watcher = JobWatcher(self)
        self._watcher.ended.connect(self._ended)
        self._watcher.follow(WorkImportRequest, studio.queue.jobs(), bridge.news)

    def accepts(self, data: QMimeData) -> bool:
        """Whether there is something in it for the library."""
        return bool(local(data)) or data.hasImage()

    def import_data(self, data: QMimeData, then: Then | None = None) -> None:
        """Import what was dropped or pasted: its files, or its picture. `then` gets the works."""
        if paths := local(data):
            self.import_paths(list(dict.fromkeys(map(self._main_file, paths))), then)
        elif data.hasImage():
            image, folder = QImage(data.imageData()), self._studio.paths.state

            def save() -> Path:
                folder.mkdir(parents=True, exist_ok=True)
                path = Path(tempfile.mkdtemp(prefix=PASTED, dir=folder)) / f"{tr('Pasted picture')}.png"
                if not image.save(str(path)):
                    raise StudioError(
                        "The pasted picture could not be saved in {folder}.",
                        "Free some space.",
                        mend="room",
                        folder=folder,
                    )
                return path

            self._tasks.run(save, lambda path: self._submit([path], then, temporary=True), self._failed)

    def _main_file(self, path: Path) -> Path:
        """The main file of the work that a file of the library belongs to; every other file is itself."""
        work = self._studio.library.work_at(path)
        return work.path if work is not None else path

    def import_paths(self, paths: Sequence[Path], then: Then | None = None) -> None:
        """Import files, and those in folders that can be read; files that are in the library are not kept twice."""
        if len(paths) >= MANY or any(path.is_dir() for path in paths):
            self._notify(tr("Importing your files…"), ())
        self._submit(paths, then)

    def _submit(self, paths: Sequence[Path], then: Then | None, *, temporary: bool = False) -> None:
        request = WorkImportRequest(paths=tuple(ImportPath(path=str(path)) for path in paths), temporary=temporary)
        try:
            job = self._studio.submit(request)
        except StudioError as error:
            self._failed(error)
            return
        self._then[job.id] = then
        self._watcher.watch(job)

    def _ended(self, job: Job) -> None:
        then = self._then.pop(job.id, None)
        error = job.future.exception()
        if isinstance(error, Cancelled):
            made: Sequence[Any] = error.assets
        elif error is not None:
            self._failed(error)
            return
        else:
            made = job.future.result()
        for imported in made:
            if isinstance(imported, ImportedFiles):
                self._show(imported, then)

    def _show(self, imported: ImportedFiles, then: Then | None) -> None:
        if then is not None and imported.works:
            then(imported.works)
        said: list[str] = []
        known = len(imported.known)
        new = len(imported.works) - known
        if new or not (imported.failed or known):
            said.append(count(new, "%n file imported.", "%n files imported."))
        if known:
            said.append(count(known, "%n file was here already.", "%n files were here already."))
        if imported.failed:
            said.append(count(len(imported.failed), "%n file could not be read:", "%n files could not be read:"))
            said.append(worded(imported.failed[0][1]))
        if imported.warnings:
            said.append(worded(imported.warnings[0]))
        self._notify(" ".join(said), ())


def local(data: QMimeData) -> list[Path]:
    """The files and folders of this machine that were dropped or pasted."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
