"""The side panel of the poster page: the picture that a poster starts from, and what of it is painted anew."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QWidget

from studio.backends.poster.requests import PosterRequest
from studio.errors import StudioError
from studio.library.library import Asset
from studio.schema.fields import Range, WorkKey, WorkRef
from studio.ui.background import LatestOnly
from studio.ui.commands import Run, keys_of
from studio.ui.forms.fields import NumberField
from studio.ui.library.picture_import import PictureImport
from studio.ui.panel.inspector import PanelInspector, PanelParts
from studio.ui.stages import pictures
from studio.ui.stages.image import ImageStage
from studio.ui.widgets.controls import button, label, tip, tool
from studio.ui.widgets.drop_zone import DropZone
from studio.ui.widgets.layout import column, row, scrolling
from studio.ui.widgets.picture_well import PictureWell
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE

FIELDS = dict(PosterRequest.fields())
LONGEST_SIDE = 1024  # pixels of the picture that is shown
REPAINTED = 0.9  # how far a part that is painted anew moves away at first

Pictures = tuple[QImage, QImage]


class PosterInspector(PanelInspector):
    """There for models that can start from a picture. What is chosen here is in the request of the brief, where undo
    and presets know it."""

    def __init__(self, parts: PanelParts) -> None:
        super().__init__(parts)
        self.setAccessibleName(tr("Side panel"))
        self._brief, self._area, self._studio = parts.brief, parts.stage_area, parts.studio
        assert isinstance(parts.stage_area.stage, ImageStage)
        self._stage = parts.stage_area.stage
        self._reading, self._keeping = LatestOnly(self), LatestOnly(self)
        self._shown: tuple[WorkKey, WorkKey] = (WorkKey(), WorkKey())  # the picture and the mask that are shown
        self._mask = QImage()
        self._then: Run | None = None  # what waits for the mask that is being painted
        self._awaited: tuple[Asset, QImage | None] | None = None  # what is painted on once it is read, and its mask
        wanted = cast(WorkRef, FIELDS["picture"])
        self.source = PictureImport(self, parts.work_actions.importer, wanted, self._start_from, parts.show_error)
        words = tr("Drop or paste a picture")
        self.well = PictureWell("startWell", tr("Start picture"), words, "poster")
        self.current = button(tr("Use shown"), "startShown", "compact", clicked=self._use_shown)
        self.current.setToolTip(tip(tr("Start from the picture on the stage"), keys_of("start")))
        self.choose = button(tr("Choose…"), "startChoose", "compact", clicked=lambda: self.source.choose("startFile"))
        self.remove = button(tr("Remove"), "startRemove", "compact", hint=tr("Start from nothing"))
        self.remove.clicked.connect(lambda: self._put(picture=WorkKey(), mask=WorkKey()))
        self.strength = NumberField("strength", cast(Range, FIELDS["strength"]))
        self.strength.changed.connect(self._strengthened)
        self.mask_words = label("", "muted", name="maskWords", wrap=True)
        self.paint = button(tr("Paint a mask"), "maskPaint", "compact", icon="brush", clicked=self._paint_mask)
        self.paint.setToolTip(tip(tr("Mark on the stage what is painted anew"), keys_of("mask")))
        self.unmask = button(tr("Remove mask"), "maskRemove", "compact", clicked=lambda: self._put(mask=WorkKey()))
        self._filling = False
        inside = QWidget()
        inside.setObjectName("form")
        rows = column(inside, spacing=16, margins=(16, 16, 16, 16))
        rows.addWidget(label(tr("Start picture"), "heading"))
        rows.addWidget(self.well)
        rows.addLayout(row((self.current, 1), (self.choose, 1)))
        rows.addWidget(self.remove)
        rows.addWidget(self.strength)
        rows.addWidget(self.mask_words)
        rows.addLayout(row((self.paint, 1), (self.unmask, 1)))
        rows.addStretch(1)
        column(self, scrolling(inside), spacing=0)
        self.setFixedWidth(SIZE.inspector)
        self.toggle = tool("sliders", tr("Show or hide the side panel"), "foldInspector", keys=keys_of("inspector"))
        self.toggle.setCheckable(True)
        self.toggle.setChecked(True)
        self.toggle.toggled.connect(lambda _: self._follow())
        self._area.header.add_widgets(self.toggle, live=False)
        words, accepts = tr("Drop it here to start from it"), parts.work_actions.importer.accepts
        self._drop_zone = DropZone(self, words, accepts, self.source.take_data)
        self._brief.form.changed.connect(self._follow)
        self._area.changed.connect(self._follow)
        self._stage.loaded.connect(self._begin_mask)
        self._stage.load_failed.connect(self._give_up_waiting)
        self._follow()

    @property
    def _offered(self) -> bool:
        """Whether the chosen model can start from a picture."""
        return self._brief.uses("picture")

    def commands(self) -> Mapping[str, Run | None]:
        found: dict[str, Run | None] = {}
        if self._offered:
            found["inspector"] = self.toggle.toggle
            if self._shown_work is not None:
                found["start"] = self._use_shown
            if self._brief.uses("mask") and (self._shown_work is not None or self._shown[0]):
                found["mask"] = self._paint_mask
        if self._stage.mask_bar.active:
            found["undo"] = self._stage.mask_bar.layer.undo
        return found

    def finish(self, then: Run) -> bool:
        """Use the mask that is being painted, if anything is marked."""
        bar = self._stage.mask_bar
        if not bar.active or not bar.done.isEnabled():
            bar.give_up()
            return False
        self._then = then
        bar.done.click()
        return True

    @property
    def _shown_work(self) -> Asset | None:
        """The picture on the stage, if it is a work."""
        shown = self._area.asset
        return shown if shown is not None and shown.is_image and not shown.is_clip and self._area.on_stage else None

    def models_changed(self) -> None:
        self._follow()

    def state(self) -> dict[str, Any]:
        return {"shown": self.toggle.isChecked()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.toggle.setChecked(state.get("shown") is not False)

    def _request(self) -> PosterRequest | None:
        """What the brief asks for; None while it is not valid, as while a number is typed."""
        try:
            value = self._brief.form.value()
        except StudioError:
            return None
        return value if isinstance(value, PosterRequest) else None

    def _put(self, kind: str = "", **changes: Any) -> None:
        """Change the request of the brief, as a step that undo takes back; neighbours of one kind are one step."""
        request = self._request()
        if request is not None:
            self._brief.form.set_value(request.replace(**changes), kind)

    def _strengthened(self) -> None:
        if not self._filling:
            self._put("strength", strength=self.strength.value())

    def _follow(self) -> None:
        """The request, the model or the stage has changed."""
        self.toggle.setVisible(self._offered)
        self.setVisible(self._offered and self.toggle.isChecked())
        request = self._request()
        if request is None or not self._offered:
            return
        picture, mask = request.picture, request.mask if self._brief.uses("mask") else WorkKey()
        self._filling = True
        if self.strength.value() != request.strength:
            self.strength.set_value(request.strength)
        self._filling = False
        self.current.setEnabled(self._shown_work is not None)
        self.remove.setVisible(bool(picture))
        self.strength.setVisible(bool(picture) and self._brief.uses("strength"))
        self.paint.setVisible(bool(picture) and self._brief.uses("mask"))
        self.paint.setText(tr("Change mask") if mask else tr("Paint a mask"))
        self.unmask.setVisible(bool(mask))
        self.mask_words.setVisible(bool(picture) and self._brief.uses("mask"))
        self.mask_words.setText(
            tr("What is marked is painted anew; the rest stays as it is.") if mask
            else tr("All of it is painted over. With a mask only a part is.")
        )  # fmt: skip
        if (picture, mask) != self._shown:
            self._shown = picture, mask
            self._show(request.replace(picture=picture, mask=mask))

    def _show(self, request: PosterRequest) -> None:
        if not request.picture:
            self._reading.discard()
            self._show_read((QImage(), QImage()))
            return
        self._reading.run(lambda: self._read(request), self._show_read, lambda _: self._show_read((QImage(), QImage())))

    def _read(self, request: PosterRequest) -> Pictures:
        """The picture as it is shown, and its mask; runs in another thread."""
        if request.picture.path or request.mask.path:
            request = self._studio.keep_used(request)
        files = self._studio.files_used(request)
        mask = pictures.load(files[request.mask.name]) if request.mask else QImage()
        picture = pictures.load(files[request.picture.name])
        return pictures.reduced(picture if mask.isNull() else _marked(picture, mask), LONGEST_SIDE), mask

    def _show_read(self, found: Pictures) -> None:
        picture, self._mask = found
        self.well.show_picture(picture)

    def _use_shown(self) -> None:
        if self._shown_work is not None:
            self._start_from(self._shown_work)

    def _start_from(self, work: Asset) -> None:
        """Start from a work, at its own size where that can be made. One that shows no picture is refused in words."""
        if not self.source.accepts(work.path, work.title or work.id):
            return
        width, height = fitting_size(work.width or 0, work.height or 0)
        self._put(picture=WorkKey(work.id, work.sha256), mask=WorkKey(), width=width, height=height)
        self.toggle.setChecked(True)

    def _paint_mask(self) -> None:
        """Have a mask painted on the start picture, which is shown for that, or else on the picture on the stage."""
        request = self._request()
        if request is None:
            return
        chosen = self._work(request.picture)
        if request.picture and chosen is None:
            self._paint_on_file(request.picture)
            return
        work, same = chosen or self._shown_work, chosen is not None
        if work is None:
            self.parts.work_actions.notify(tr("Show the picture on the stage first."), ())
            return
        if not same:
            self._start_from(work)
        before = self._mask if same and request.mask and not self._mask.isNull() else None
        self._area.select_work(work)  # and nothing that is made meanwhile takes its place
        self._awaited = work, before
        if not self._stage.loading:
            self._begin_mask()

    def _paint_on_file(self, key: WorkKey) -> None:
        """Have a mask painted on a start picture that is no work of the library; it becomes one, to be shown."""
        try:
            file = Path(key.path) if key.path else self._studio.files_used(PosterRequest(picture=key))[key.name]
        except StudioError as error:
            self.parts.show_error(error)
            return

        def imported(works: Sequence[Asset]) -> None:
            request = self._request()
            if works and works[0].is_image and request is not None and request.picture == key:
                self._put(picture=WorkKey(works[0].id, works[0].sha256))
                self._paint_mask()

        self.parts.work_actions.importer.import_paths([file], imported)

    def _begin_mask(self) -> None:
        """A picture was read: the one to paint on, if another was not chosen since."""
        awaited, self._awaited = self._awaited, None
        shown = self._stage.asset
        if awaited is not None and shown is not None and shown.id == awaited[0].id:
            work, before = awaited
            self._stage.paint_mask(before, lambda mask: self._keep_mask(work, mask))

    def _give_up_waiting(self, _error: object) -> None:
        self._awaited = None

    def _keep_mask(self, work: Asset, mask: QImage) -> None:
        """The mask as a file of the library, then in the request."""

        def kept() -> WorkKey:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "mask.png"
                if not mask.save(str(path)):
                    raise StudioError("The mask could not be saved in {folder}.", "Free some space.", folder=folder)
                return self._studio.keep_used(PosterRequest(mask=WorkKey(path=str(path)))).mask

        def use(key: WorkKey) -> None:
            request = self._request()
            if request is None or request.picture.id != work.id:
                self.parts.work_actions.notify(tr("The settings have changed: the mask was not used."), ())
                return
            more: dict[str, Any] = {} if request.mask else {"strength": max(request.strength, REPAINTED)}
            self._put(mask=key, **more)
            if then is not None:
                then()

        then, self._then = self._then, None
        self._keeping.run(kept, use, self.parts.show_error)

    def _work(self, key: WorkKey) -> Asset | None:
        found = self._studio.library.get_many([key.id]) if key.id else []
        return found[0] if found else None


def fitting_size(width: int, height: int) -> tuple[int, int]:
    """The size at which to paint over a picture: its own where a request takes that, else the nearest in its
    proportions, as far as there is one.
    """
    limits = cast(Range, FIELDS["width"])  # those of the height too
    shorter, longer = max(1, min(width, height)), max(1, width, height)
    scale = min(max(1.0, limits.low / shorter), limits.high / longer)
    wide, high = (int(min(limits.high, max(limits.low, round(side * scale)))) for side in (width, height))
    return wide, high


def _marked(picture: QImage, mask: QImage) -> QImage:
    """The picture with what the mask leaves as it is shown pale."""
    shown = picture.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
    grey = mask.convertToFormat(QImage.Format.Format_Grayscale8).scaled(shown.size())
    alpha = QImage(grey.constBits(), grey.width(), grey.height(), grey.bytesPerLine(), QImage.Format.Format_Alpha8)
    bright = shown.copy()
    painter = QPainter(bright)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationIn)
    painter.drawImage(0, 0, alpha)
    painter.end()
    made = QImage(shown.size(), QImage.Format.Format_ARGB32_Premultiplied)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setOpacity(0.35)
    painter.drawImage(0, 0, shown)
    painter.setOpacity(1)
    painter.drawImage(0, 0, bright)
    painter.end()
    return made
