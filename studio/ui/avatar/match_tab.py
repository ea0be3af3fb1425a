"""The tab that recreates a face from a picture: the picture, and how long to search (projection into latent space)."""

from __future__ import annotations

from typing import cast

from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtWidgets import QWidget

from studio.backends.avatar.requests import AvatarProjectRequest
from studio.library.library import Asset
from studio.schema.fields import WorkKey, WorkRef
from studio.ui.avatar.session import FaceSession
from studio.ui.background import LatestOnly
from studio.ui.forms.form import Form
from studio.ui.library.importer import Importer
from studio.ui.library.picture_import import PictureImport
from studio.ui.stages import pictures
from studio.ui.widgets.controls import button, label
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
        self.source = PictureImport(
            self, arrivals, PICTURE, self.set_picture, lambda error: self.show_remark(" ".join(failure(error)))
        )
        self.asset: Asset | None = None
        self.drop_area = PictureWell(
            "findWell", tr("Picture to match"), tr("Drop or paste a picture of a face"), "avatar"
        )
        self.choose = button(tr("Choose…"), "findChoose", "compact", clicked=lambda: self.source.choose("findFile"))
        self.choose.setToolTip(tr("Choose a picture on this computer"))
        self.paste = button(tr("Paste"), "findPaste", "compact", clicked=lambda: self.source.paste())
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
        if not self.source.accepts(asset.path, asset.title or asset.id):
            return
        self.asset = asset
        self.show_remark("")
        path = asset.path
        self._reading.run(
            lambda: pictures.reduced(pictures.load(path), LONGEST_SIDE), self._show, lambda _: self._show(QImage())
        )

    def show_remark(self, words: str) -> None:
        """Say something about the face that was found."""
        self.remark.setText(words)
        self.remark.setVisible(bool(words))

    def _show(self, image: QImage) -> None:
        self.drop_area.show_picture(image)
        self.go.setEnabled(not image.isNull())

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

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.source() is None and self._arrivals.accepts(event.mimeData()):
            event.acceptProposedAction()
            self.drop_area.set_highlighted(True)

    def dragLeaveEvent(self, event: object) -> None:
        self.drop_area.set_highlighted(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self.drop_area.set_highlighted(False)
        event.acceptProposedAction()
        self.source.take_data(event.mimeData())
