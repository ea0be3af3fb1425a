"""What can be done with works that exist, from wherever they are shown: favour, bin and take back, copy, make again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QStandardPaths, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QWidget

from studio.errors import StudioError
from studio.library import Asset
from studio.media import Payload
from studio.request import Request, fresh_seed
from studio.ui.bridge import Bridge
from studio.ui.words import count, failure, tr

if TYPE_CHECKING:
    from studio.studio import Studio
    from studio.ui.panel import Panel

Actions = Sequence[tuple[str, Callable[[], object]]]


class Deeds:
    """Every deed tells the library and then all views. `notify` says something in passing, with actions to take."""

    def __init__(
        self,
        studio: Studio,
        bridge: Bridge,
        window: QWidget,
        notify: Callable[[str, Actions], None],
        open_panel: Callable[[str], Panel | None],
    ) -> None:
        self._studio, self._bridge, self._window = studio, bridge, window
        self.notify = notify
        self._open_panel = open_panel

    def do(self, deed: str, asset: Asset) -> None:
        """A deed by its name: recall, again, vary, save, reveal."""
        deeds: dict[str, Callable[[Asset], None]] = {
            "recall": self.recall,
            "again": self.again,
            "vary": self.vary,
            "save": self.save,
            "reveal": self.reveal,
        }
        if deed in deeds:
            self._try(lambda: deeds[deed](asset))

    def _try(self, deed: Callable[[], object]) -> bool:
        """Do it; where it cannot be done, say why."""
        try:
            deed()
        except (StudioError, OSError) as error:
            self.notify(" ".join(failure(error)), ())
            return False
        self._bridge.library_changed()
        return True

    def keep(self, payload: Payload, made_from: Asset) -> Asset | None:
        """Add to the library what a person has made of a work by hand; None where it could not be."""
        kept: list[Asset] = []
        provenance = {**made_from.provenance, "edited": True}
        request, medium = made_from.request, made_from.medium
        add = self._studio.library.add
        self._try(
            lambda: kept.append(
                add(payload, medium=medium, request=request, provenance=provenance, parents=[made_from.id])
            )
        )
        return kept[0] if kept else None

    def favourite(self, assets: Sequence[Asset], on: bool) -> bool:
        return self._try(lambda: self._studio.library.favourite([asset.id for asset in assets], on))

    def bin(self, assets: Sequence[Asset]) -> bool:
        """Put works into the bin, and offer to take them back; False where they could not be."""
        ids = [asset.id for asset in assets]
        if not self._try(lambda: self._studio.library.bin(ids)):
            return False
        words = count(len(ids), "%n work is in the bin.", "%n works are in the bin.")
        self.notify(words, [(tr("Undo"), lambda: self.restore(ids))])
        return True

    def restore(self, ids: Sequence[str]) -> bool:
        return self._try(lambda: self._studio.library.restore(ids))

    def rename(self, asset: Asset, title: str) -> bool:
        return self._try(lambda: self._studio.library.rename(asset.id, title))

    def recall(self, asset: Asset) -> None:
        """Put the brief of a work back into its panel, and show the work there."""
        panel = self._open_panel(asset.medium)
        if panel is not None:
            panel.brief.take(Request.from_json(asset.request))
            panel.show_work(asset)

    def again(self, asset: Asset) -> None:
        """Make the same work once more."""
        self._make(asset, Request.from_json(asset.request), parents=())

    def vary(self, asset: Asset) -> None:
        """Make another of the same brief; it knows what it was varied from."""
        request = Request.from_json(asset.request)
        self._make(asset, request.replace(seed=fresh_seed()), parents=(asset.id,))

    def _make(self, asset: Asset, request: Request, parents: Sequence[str]) -> None:
        panel = self._open_panel(asset.medium)
        if panel is not None:
            panel.submit(request, parents=parents)

    def save(self, asset: Asset) -> None:
        """Ask where to, and copy the file there."""
        pictures = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DownloadLocation)
        name = "".join(letter for letter in asset.title if letter.isalnum() or letter in " -_").strip()[:60] or asset.id
        start = Path(pictures or Path.home()) / f"{name}{asset.path.suffix}"
        dialog = QFileDialog(self._window, tr("Save a copy"), str(start))
        dialog.setObjectName("saveCopy")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(asset.path.suffix.lstrip("."))
        dialog.selectFile(start.name)
        dialog.fileSelected.connect(lambda path: self.copy_to(asset, Path(path)))
        dialog.open()

    def copy_to(self, asset: Asset, path: Path) -> None:
        try:
            shutil.copyfile(asset.path, path)
        except OSError as error:
            self.notify(tr("The copy could not be written: {why}.").format(why=error.strerror), ())
            return
        self.notify(tr("Saved as {name}.").format(name=path.name), ())

    def reveal(self, asset: Asset) -> None:
        """Open the folder that holds the work."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(asset.path.parent)))
