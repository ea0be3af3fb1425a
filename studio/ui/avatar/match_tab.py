"""The tab that recreates a face from a picture: the picture, and how long to search (projection into latent space)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from PySide6.QtCore import QMimeData, QSize, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QWidget

from studio.backends.avatar.requests import AvatarProjectRequest
from studio.errors import BadInput
from studio.library.library import Asset
from studio.library.used_works import demand_kind
from studio.media import codecs
from studio.schema.fields import WorkKey, WorkRef
from studio.ui.avatar.session import FaceSession
from studio.ui.background import LatestOnly
from studio.ui.forms.form import Form
from studio.ui.library.importer import Importer, local
from studio.ui.stages import pictures
from studio.ui.widgets.controls import button, label
from studio.ui.widgets.dialogs import ask_paths
from studio.ui.widgets.layout import add, column, row
from studio.ui.widgets.picture_well import PictureWell
from studio.ui.widgets.text import failure, tr, worded

PICTURE = cast(WorkRef, dict(AvatarProjectRequest.fields())["picture"])
LONGEST_SIDE = 1024  # pixels of the picture that is shown


class MatchTab(QWidget):
    """The picture to match, how to search, and what was found."""

    def __init__(self, session: FaceSession, arrivals: Importer) -> None:
        super().__init__()
        self._session, self._arrivals = session, arrivals
        self._reading = LatestOnly(self)
        self.asset: Asset | None = None
        self.drop_area = PictureWell(
            "findWell", tr("Picture to match"), tr("Drop or paste a picture of a face"), "avatar"
        )
        self.choose = button(tr("Choose…"), "findChoose", "compact", clicked=self._choose_file)
        self.choose.setToolTip(tr("Choose a picture on this computer"))
        self.paste = button(tr("Paste"), "findPaste", "compact", clicked=self._paste)
        self.paste.setToolTip(tr("Use the picture on the clipboard"))
        self.form = Form(AvatarProjectRequest(), names=("style", "steps"))
        layout = self.form.layout()
        assert layout is not None
        layout.setContentsMargins(0, 0, 0, 0)
        self.go = button(tr("Match"), "findGo", icon="search", clicked=self._search)
        self.go.setToolTip(tr("Find the closest face that the model can draw"))
        self.go.setEnabled(False)
        words = tr("Recreates the closest face that the model can draw. You can edit it like any other.")
        whole = column(self, label(words, "muted", wrap=True), spacing=12)
        self.remark = label("", name="findRemark", wrap=True, selectable=True)
        self.remark.hide()
        add(whole, self.drop_area, self.remark, row((self.choose, 1), (self.paste, 1)), self.form)
        self.foot = QWidget()  # always to be seen, below what may be scrolled
        column(self.foot, self.go)
        self.setAcceptDrops(True)
        works = session.sources.drop_target(self)
        works.dropped.connect(lambda dropped: self.set_picture(dropped[0]))
        works.over.connect(self.drop_area.set_highlighted)

    def set_picture(self, asset: Asset) -> None:
        """Match the picture of this work. One that shows none is refused in words."""
        if self._refuses(asset.path, asset.title or asset.id):
            return
        self.asset = asset
        self.show_remark("")
        path = asset.path
        self._reading.run(lambda: _small(pictures.load(path)), self._show, lambda _: self._show(QImage()))

    def show_remark(self, words: str) -> None:
        """Say something about the face that was found."""
        self.remark.setText(words)
        self.remark.setVisible(bool(words))

    def _show(self, image: QImage) -> None:
        self.drop_area.show_picture(image)
        self.go.setEnabled(not image.isNull())

    def _imported(self, works: Sequence[Asset]) -> None:
        drawn = [work for work in works if work.is_image]
        if drawn:
            self.set_picture(drawn[0])

    def import_file(self, path: Path) -> None:
        """Import a file, and match its picture. One that is none is refused in words, and not imported."""
        if not self._refuses(path, path.name):
            self._arrivals.import_paths([path], self._imported)

    def import_data(self, data: QMimeData) -> None:
        """Import what was dropped or pasted, and match its first picture; refuse it in words where it has none."""
        paths = local(data)
        if paths and not any(path.is_dir() or path.suffix.lower() in codecs.SUFFIXES_OF["picture"] for path in paths):
            self._refuses(paths[0], paths[0].name)
        else:
            self._arrivals.import_data(data, self._imported)

    def _refuses(self, path: Path, name: str) -> bool:
        """Whether the file is no picture, which is then said."""
        try:
            demand_kind(PICTURE, path, name)
        except BadInput as error:
            self.show_remark(" ".join(failure(error)))
            return True
        return False

    def _paste(self) -> None:
        data = QGuiApplication.clipboard().mimeData()
        if self._arrivals.accepts(data):
            self.import_data(data)

    def _search(self) -> None:
        if self.asset is not None:
            self.show_remark("")
            face, search = self._session.face, self.form.value()
            request = search.replace(
                picture=WorkKey(self.asset.id, self.asset.sha256),
                model=face.model,
                seed=face.seed,
                size=face.size,
                name=face.name,
            )
            self._session.submit(request, [self.asset.id])

    def found(self, asset: Asset) -> None:
        """A face was found: say what its engine remarks."""
        words = worded(asset.remark)
        if self.asset is not None and self.asset.id in asset.parents:
            self.show_remark(words)
        if words:
            self._session.actions.notify(words, ())

    def _choose_file(self) -> None:
        types = tr("Pictures ({endings})").format(endings=" ".join(f"*{suffix}" for suffix in codecs.IMAGE_SUFFIXES))
        title, take = tr("Choose a picture"), lambda paths: self.import_file(paths[0])
        ask_paths(self, title, "findFile", take, start=Path.home(), types=types)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.source() is None and self._arrivals.accepts(event.mimeData()):
            event.acceptProposedAction()
            self.drop_area.set_highlighted(True)

    def dragLeaveEvent(self, event: object) -> None:
        self.drop_area.set_highlighted(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self.drop_area.set_highlighted(False)
        event.acceptProposedAction()
        self.import_data(event.mimeData())


def _small(image: QImage) -> QImage:
    if max(image.width(), image.height()) <= LONGEST_SIDE:
        return image
    ways = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    return image.scaled(QSize(LONGEST_SIDE, LONGEST_SIDE), *ways)
