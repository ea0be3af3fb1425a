"""Works that a person brings: files and folders that are dropped, chosen or pasted, taken into the library aside."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QImage

from studio.errors import StudioError
from studio.library.library import Asset, Library
from studio.media import codecs
from studio.ui.background import SerialTasks
from studio.ui.widgets.text import count, failure, tr

Then = Callable[[Sequence[Asset]], object]
MANY = 8  # files from which on it is said that they are coming


@dataclass(slots=True)
class ImportedFiles:
    """What has come of some files: the works, and of each file that could not be read its name and why."""

    works: list[Asset] = field(default_factory=list[Asset])
    failed: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


class Importer:
    """`notify` says how it went, `failed` what went wrong; `changed` tells the views after each file that has come."""

    def __init__(
        self,
        library: Library,
        aside: SerialTasks,
        notify: Callable[[str, Sequence[tuple[str, Callable[[], object]]]], None],
        failed: Callable[[BaseException], object],
        changed: Callable[[], object],
    ) -> None:
        self._library, self._aside, self._changed = library, aside, changed
        self._notify, self._failed = notify, failed

    def takes(self, data: QMimeData) -> bool:
        """Whether there is something in it for the library."""
        return bool(local(data)) or data.hasImage()

    def take(self, data: QMimeData, then: Then | None = None) -> None:
        """Bring in what was dropped or pasted: its files, else its picture. `then` gets the works."""
        if paths := local(data):
            self.bring(paths, then)
        elif data.hasImage():
            image = QImage(data.imageData())
            library, changed = self._library, self._changed

            def paste() -> ImportedFiles:
                made = _pasted(image, library)
                changed()
                return ImportedFiles([made])

            self._aside.run(paste, lambda brought: self._told(brought, then), self._failed)

    def bring(self, paths: Sequence[Path], then: Then | None = None) -> None:
        """Bring in files, and those in folders that can be read; files that are here already are not kept twice."""

        stopping, add, changed = self._aside.stopping.is_set, self._library.import_file, self._changed

        def bring() -> ImportedFiles:
            brought = ImportedFiles()
            for path in files(paths):
                if stopping():
                    break
                try:
                    brought.works.append(add(path))
                except (StudioError, OSError) as error:
                    brought.failed.append((path.name, failure(error)[0]))
                else:
                    changed()
            return brought

        if len(paths) >= MANY or any(path.is_dir() for path in paths):
            self._notify(tr("Bringing in your files…"), ())
        self._aside.run(bring, lambda brought: self._told(brought, then), self._failed)

    def _told(self, brought: ImportedFiles, then: Then | None) -> None:
        if then is not None and brought.works:
            then(brought.works)
        said: list[str] = []
        if brought.works or not brought.failed:
            said.append(count(len(brought.works), "%n work has come in.", "%n works have come in."))
        if brought.failed:
            said.append(count(len(brought.failed), "%n file could not be read:", "%n files could not be read:"))
            said.append(brought.failed[0][1])
        self._notify(" ".join(said), ())


def _pasted(image: QImage, library: Library) -> Asset:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{tr('Pasted picture')}.png"
        image.save(str(path))
        return library.import_file(path)


def local(data: QMimeData) -> list[Path]:
    """The files and folders of this machine that were dropped or pasted."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


def files(paths: Sequence[Path]) -> Iterator[Path]:
    """Every file named, and in folders, at any depth, those that end like something that can be read."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for each in sorted(path.rglob("*")):
            if each.suffix.lower() in codecs.SUFFIXES and each.is_file() and not each.name.startswith("."):
                yield each
