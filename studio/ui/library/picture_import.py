"""One picture for a field that wants one: from a file, a drop or the clipboard, as a work of the library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from studio.errors import BadInput
from studio.library.library import Asset
from studio.library.used_works import demand_kind
from studio.media import codecs
from studio.schema.fields import WorkRef
from studio.ui.library.importer import Importer, local
from studio.ui.widgets.dialogs import ask_paths
from studio.ui.widgets.text import tr


class PictureImport:
    """`taken(work)`: the picture is in the library; `refused(error)`: what was given shows none, and nothing was
    imported.
    """

    def __init__(
        self,
        parent: QWidget,
        importer: Importer,
        field: WorkRef,
        taken: Callable[[Asset], object],
        refused: Callable[[BadInput], object],
    ) -> None:
        self._parent, self._importer, self._field = parent, importer, field
        self._taken, self._refused = taken, refused

    def accepts(self, path: Path, name: str) -> bool:
        """Whether a file, which people call `name`, is a picture; else it is refused."""
        try:
            demand_kind(self._field, path, name)
        except BadInput as error:
            self._refused(error)
            return False
        return True

    def take_file(self, path: Path) -> None:
        if self.accepts(path, path.name):
            self._importer.import_paths([path], self._imported)

    def take_data(self, data: QMimeData) -> None:
        """The first picture of what was dropped or pasted."""
        paths = local(data)
        if paths and not any(path.is_dir() or path.suffix.lower() in codecs.SUFFIXES_OF["picture"] for path in paths):
            self.accepts(paths[0], paths[0].name)
        else:
            self._importer.import_data(data, self._imported)

    def paste(self) -> None:
        data = QGuiApplication.clipboard().mimeData()
        if self._importer.accepts(data):
            self.take_data(data)

    def choose(self, name: str) -> None:
        """Ask for a file in a dialog of that name."""
        types = tr("Pictures ({endings})").format(endings=" ".join(f"*{suffix}" for suffix in codecs.IMAGE_SUFFIXES))
        title = tr("Choose a picture")
        ask_paths(self._parent, title, name, lambda paths: self.take_file(paths[0]), start=Path.home(), types=types)

    def _imported(self, works: Sequence[Asset]) -> None:
        drawn = [work for work in works if work.is_image]
        if drawn:
            self._taken(drawn[0])
