"""The export dialog: style, sizes, format and folder. Pictures are read, rendered and written on threads."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QStandardPaths, Qt, Signal
from PySide6.QtGui import QImage, QShowEvent
from PySide6.QtWidgets import QDialog, QFileDialog, QWidget

from studio.errors import BadInput, StudioError
from studio.export.compose import PictureStyle, hides_ground, render, suggest_colours, transparent
from studio.export.formats import Draw, find_format, formats
from studio.export.job import ExportJob, enlargement, read_picture
from studio.export.metadata import NO_METADATA, own_drawing
from studio.export.sizes import size_in_pixels
from studio.export.task import ExportRequest, order_to_json
from studio.export.upscaling import upscaling
from studio.jobs.job import Cancelled, Job
from studio.library.library import Asset
from studio.media import codecs
from studio.media.payloads import Image
from studio.models.model import Model
from studio.schema.fields import WorkKey
from studio.studio import Studio
from studio.system.storage import free_path
from studio.ui.background import JobWatcher, LatestOnly
from studio.ui.export.preview import ExportPreview
from studio.ui.export.remembered import RememberedExport, remembered, with_remembered
from studio.ui.export.sizes import SizeChoices
from studio.ui.export.style_controls import StyleControls
from studio.ui.library import model
from studio.ui.shell import window_state
from studio.ui.stages import pictures
from studio.ui.widgets.controls import CheckBox, ComboBox, ElidedLabel, ProgressBar, button, label, named
from studio.ui.widgets.dialogs import ask_paths
from studio.ui.widgets.layout import add, column, row, scrolling
from studio.ui.widgets.messages import MessageBar
from studio.ui.widgets.page import timer
from studio.ui.widgets.text import count, job_stage, sentence, tr, worded
from studio.ui.widgets.theme import theme

UPDATE_INTERVAL = 60  # milliseconds between two updates of the progress bar
BACKGROUNDS = 40  # of the newest works that are offered as a background
PREVIEW_SIDE = 1024  # pixels of a side that the preview is rendered from
CONTROLS_WIDTH, MAX_CONTROLS_WIDTH = 440, 560  # pixels: more with larger text, as far as a small window has room
MIN_HEIGHT, MAX_HEIGHT = 540, 736  # of the dialog, as the window has room


class LoadedPicture(NamedTuple):
    """What is read on a thread first: the picture, a smaller one for the preview, its colours, other works."""

    picture: Image
    seen: Image
    tints: tuple[str, ...]
    behind: list[Asset]
    upscalers: list[Model]
    cut: bool  # whether a part of the picture is transparent
    drawing: str  # the SVG that the work has itself


class ExportDialog(QDialog):
    """`arrived(path, count)`: the files are written."""

    arrived = Signal(object, int)

    def __init__(self, parent: QWidget, studio: Studio, asset: Asset) -> None:
        super().__init__(parent)
        self.setObjectName("export")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Export"))
        self._asset, self._studio = asset, studio
        self._others: list[Asset] = []  # what may lie behind, once the library has been asked
        self._file = studio.paths.state / "export.json"
        self._choice = remembered(window_state.load(self._file), asset.medium)
        self._picture: Image | None = None
        self._small: Image | None = None
        self._vectors = ""  # the SVG that the work has itself
        self._cut = False
        self._background: tuple[Asset, Image] | None = None
        self._upscaling = upscaling(studio.media.values())
        self._factor = 0  # by how much a network would enlarge the picture for these sizes; 0: none or not needed
        self._enlarging: Job | None = None  # what the export waits for
        self._job: Job | None = None
        self._watcher = JobWatcher(self)
        self._watcher.ended.connect(self._ended)
        self._reading, self._drawing = LatestOnly(self), LatestOnly(self)
        self._timer = timer(self, self._show_progress, UPDATE_INTERVAL, repeat=True)
        self.preview = ExportPreview()
        self.style_controls = StyleControls(self._choice.look)
        self.sizes: SizeChoices | None = None  # comes once the dialog is seen, so that it is seen at once
        self._build(parent)
        self._fill_timer = timer(self, self._fill)
        self.preview.moved.connect(self.style_controls.move)
        self.style_controls.changed.connect(self._changed)
        self.style_controls.wanted.connect(self._use_background)
        self._read()
        self._count()

    def _build(self, parent: QWidget) -> None:
        self.error = MessageBar("exportError")
        right = named(QWidget(), "form")
        self._inside = column(right, self.style_controls, None, spacing=16, margins=(0, 0, 12, 0))
        area = scrolling(right)
        area.setFixedWidth(min(theme().scaled(CONTROLS_WIDTH), MAX_CONTROLS_WIDTH))
        self.folder = named(ElidedLabel(role="muted"), "exportFolder")
        self.choose = button(tr("Choose…"), "exportChoose", clicked=self._choose)
        self.zipped = CheckBox(tr("Zip file"), "exportZip")
        self.zipped.setChecked(self._choice.zipped)
        self.zipped.toggled.connect(self._show_folder)
        self.kind = named(ComboBox(), "kind", tr("File format"), tr("File format"))
        for each in formats():
            self.kind.addItem(each.title, each.name)
        self.kind.setCurrentIndex(self.kind.findData(self._choice.kind))
        self.kind.currentIndexChanged.connect(self._changed)
        self.upscale = CheckBox("", "exportUpscale")
        self.upscaler = named(ComboBox(), "exportUpscaler", tr("Upscaler"), tr("Upscaler"))
        self.upscaler.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToContents)
        self.upscale_hint = ElidedLabel(tr("The largest size has more pixels than the picture."), "muted")
        self._upscale = QWidget()
        self._upscale.setLayout(row(self.upscale, self.upscaler, (self.upscale_hint, 1), spacing=12))
        self._upscale.hide()
        self.bar = ProgressBar()
        self.bar.hide()
        self.count_label = label("", "muted", name="exportCount")
        self.cancel = button(tr("Cancel"), "exportCancel", clicked=self.reject)
        self.cancel.setFixedHeight(40)
        self.go = button(tr("Export"), "exportGo", "primary", clicked=self.export)
        self.go.setEnabled(False)
        self.go.setDefault(True)
        middle = row(spacing=24)
        middle.addWidget(self.preview, 0, Qt.AlignmentFlag.AlignTop)
        middle.addWidget(area, 1)
        as_, to = label(tr("Format"), "label"), label(tr("Folder"), "label")
        place = row(as_, self.kind, to, (self.folder, 1), self.choose, self.zipped, spacing=12)
        whole = column(self, spacing=12, margins=(24, 20, 24, 20))
        foot = row(self.count_label, None, self.cancel, self.go)
        add(whole, self.error, (middle, 1), self._upscale, place, self.bar, foot)
        self._show_folder()
        self.resize(self.sizeHint().width(), max(MIN_HEIGHT, min(MAX_HEIGHT, parent.height() - 48)))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.sizes is None:
            self.style_controls.focus_shape()
            self._fill_timer.start(0)

    def _fill(self) -> None:
        """Add the sizes, which are below what is seen first."""
        self.sizes = SizeChoices(self._choice, (self._asset.width or 0, self._asset.height or 0))
        self.sizes.changed.connect(self._changed)
        self._inside.insertWidget(1, self.sizes)
        foot = (self.upscale, self.upscaler, self.kind, self.choose, self.zipped, self.cancel, self.go)
        for before, after in pairwise([self.style_controls.last, *self.sizes.order, *foot]):
            self.setTabOrder(before, after)
        self._count()

    @property
    def choice(self) -> RememberedExport:
        choice = dataclasses.replace(
            self._choice, look=self.style_controls.look, kind=self.kind.currentData(), zipped=self.zipped.isChecked()
        )
        if self.sizes is None:
            return choice
        return dataclasses.replace(choice, ticked=self.sizes.ticked, other=self.sizes.other.text())

    def _place(self) -> Path:
        usual = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DownloadLocation)
        return Path(self._choice.folder or usual or Path.home())

    def _choose(self) -> None:
        take, mode = lambda paths: self.send_to(str(paths[0])), QFileDialog.FileMode.Directory
        ask_paths(self, tr("Export to"), "exportPlace", take, start=self._place(), mode=mode)

    def send_to(self, folder: str) -> None:
        """Write the files to another folder."""
        self._choice = dataclasses.replace(self._choice, folder=folder)
        self._show_folder()

    def _show_folder(self) -> None:
        self.folder.set_text(str(self._target()))

    def _target(self) -> Path:
        return free_path(self._place() / f"{self._name()}.zip") if self.zipped.isChecked() else self._place()

    def _name(self) -> str:
        return model.file_name(self._asset)

    def _count(self) -> None:
        """Show how many files there will be, or why there cannot be any."""
        try:
            order: ExportJob | None = self.choice.order()
            total = order.count + len(self._asset.files)
            self.count_label.setText(count(total, "%n file", "%n files"))
        except BadInput as error:
            order = None
            self.count_label.setText(worded(error.said))
        self._offer_upscaling(order)
        ready = self.style_controls.look.ground != "work" or self._background is not None
        self.go.setEnabled(order is not None and self._picture is not None and self._job is None and ready)

    def _offer_upscaling(self, order: ExportJob | None) -> None:
        """Show the upscalers where the largest size has more pixels than the picture."""
        how, picture = self._upscaling, self._picture
        self._factor = 0
        if order is not None and how is not None and picture is not None:
            high, wide = picture.pixels.shape[:2]
            self._factor = how.factor(enlargement(order, (wide, high), cut=self._cut), wide * high)
        if self._factor:
            words = tr("Upscale {factor} times with").format(factor=self._factor)
            self.upscale.setText(words)
            self.upscale.setAccessibleName(words)
        self._upscale.setVisible(bool(self._factor and self.upscaler.count()))

    def _read(self) -> None:
        asset, path = self._asset, self._asset.path
        library, own, how, catalog = self._studio.library, self._asset.id, self._upscaling, self._studio.catalog

        def work() -> LoadedPicture:
            picture = read_picture(path)
            behind = [each for each in library.page(limit=BACKGROUNDS) if each.is_image and each.id != own]
            seen = codecs.thumbnail(picture, PREVIEW_SIDE) or picture
            upscalers = how.models(catalog) if how is not None else []
            tints, cut, drawing = suggest_colours(picture), transparent(picture), own_drawing(asset)
            return LoadedPicture(picture, seen, tints, behind, upscalers, cut, drawing)

        self._reading.run(work, self._show_loaded, self._failed)

    def _show_loaded(self, made: LoadedPicture) -> None:
        self._picture, self._small, self._others = made.picture, made.seen, made.behind
        self.style_controls.set_choices(made.tints, [model.title_of(each) for each in made.behind])
        self._cut, self._vectors = made.cut, made.drawing
        for each in made.upscalers:
            self.upscaler.addItem(each.title, each.id)
        self._changed()

    def _use_background(self, at: int) -> None:
        """Use another work as the background."""
        if not 0 <= at < len(self._others):
            return
        asset = self._others[at]
        self._background = None

        def took(picture: Image) -> None:
            self._background = (asset, picture)
            self._changed()

        self._reading.run(lambda: read_picture(asset.path), took, self._failed)

    def _changed(self) -> None:
        """Render the style; while a slider moves, only the newest state."""
        look, seen = self.style_controls.look, self._small
        self.style_controls.show_hidden(seen is not None and hides_ground(seen, look))
        if look.ground == "work" and self._background is None:
            if self._picture is not None and not self._reading.busy and self._others:
                self._use_background(max(0, self.style_controls.works.currentIndex()))
        elif seen is not None:
            behind, side = self._background[1] if self._background is not None else None, self.preview.pixels
            size, draw = self._previewed_size(side), find_format(self.kind.currentData()).draw
            own = self._vectors
            self._drawing.run(
                lambda: _drawn(seen, look, size, behind, draw, own), self.preview.show_image, self._failed
            )
        self._count()

    def _previewed_size(self, side: int) -> tuple[int, int]:
        """Width and height of the preview, `side` at most: of the proportions of the first size that is chosen."""
        whole = (self._asset.width or 1, self._asset.height or 1)
        try:
            drawn = self.choice.order().drawn
        except BadInput:
            drawn = ()
        wide, high = size_in_pixels(drawn[0], whole) if drawn else (1, 1)
        scale = side / max(wide, high)
        return max(1, round(wide * scale)), max(1, round(high * scale))

    def export(self) -> None:
        """Submit the export; the dialog closes when the files are written."""
        behind = self._background if self.style_controls.look.ground == "work" else None
        try:
            order = self.choice.order()
            if self._picture is None or self._job is not None:
                return
            request = ExportRequest(
                source=self._asset.id,
                behind=behind[0].id if behind is not None else "",
                order=order_to_json(order),
                to=str(self._target()),
                name=self._name(),
            )
            job = self._job = self._submit(request)
        except StudioError as error:
            self._failed(error)
            return
        self.error.hide()
        self.bar.show()
        self._show_progress()
        self._freeze(True)
        self._timer.start()
        self._watcher.watch(job)

    def _submit(self, request: ExportRequest) -> Job:
        """Queue the export, behind the upscaling that it waits for where that is chosen and not there yet."""
        how = self._upscaling
        if how is None or self._upscale.isHidden() or not self.upscale.isChecked():
            return self._studio.submit(request)
        picture = how.request(WorkKey(id=self._asset.id), self._factor, self.upscaler.currentData())
        before = how.made_before(self._studio.library, self._asset, picture)
        if before is not None:
            return self._studio.submit(request.replace(enlarged=WorkKey(id=before.id)))
        group = self._studio.submit_group(
            [picture, request],
            "export",
            title=tr("Export {name}").format(name=request.name),
            parents={0: (self._asset.id,)},
            waits={1: {0: "enlarged"}},
        )
        self._enlarging, job = group.jobs
        return job

    def _show_progress(self) -> None:
        first = self._enlarging
        job = first if first is not None and not first.has_ended else self._job
        if job is None:
            return
        self.bar.show_progress(job.progress.done, job.progress.total)
        if job is first:
            self.count_label.setText(sentence(job_stage(job)))
        elif job.progress.total:
            words = tr("{done} of {total}")
            self.count_label.setText(words.format(done=job.progress.done, total=job.progress.total))

    def _ended(self, job: Job) -> None:
        if job is not self._job:
            return
        first = self._enlarging
        self._end()
        error = job.future.exception()
        if first is not None and first.future.done():
            error = first.future.exception() or error  # why there was nothing to export
        if error is None:
            (made,) = job.future.result()
            self._remember()
            self.arrived.emit(made.path, made.count)
            self.accept()
        elif not isinstance(error, Cancelled):
            self._failed(error)

    def _end(self) -> None:
        self._job = self._enlarging = None
        self._timer.stop()
        self.bar.hide()
        self._freeze(False)
        self._count()

    def _freeze(self, on: bool) -> None:
        for widget in (
            self.style_controls,
            self.sizes,
            self._upscale,
            self.kind,
            self.choose,
            self.zipped,
            self.preview,
            self.go,
        ):
            if widget is not None:
                widget.setEnabled(not on)

    def _failed(self, error: BaseException) -> None:
        self.error.show_error(error)

    def _remember(self) -> None:
        window_state.save(self._file, with_remembered(window_state.load(self._file), self._asset.medium, self.choice))

    def reject(self) -> None:
        """Cancel a running export, of which nothing is left; else close the dialog."""
        if self._job is not None:
            self._cancel()
            return
        self._remember()
        super().reject()

    def _cancel(self) -> None:
        for job in (self._enlarging, self._job):
            if job is not None:
                self._studio.queue.cancel(job.id)

    def close_down(self) -> None:
        """The window closes: cancel what runs."""
        self._cancel()
        for each in (self._reading, self._drawing):
            each.close()
        self._timer.stop()

    def done(self, arg__1: int) -> None:
        self.close_down()
        super().done(arg__1)


def _drawn(
    seen: Image, look: PictureStyle, size: tuple[int, int], behind: Image | None, draw: Draw | None, own: str
) -> QImage:
    """The picture in its style, as it is written: for formats of vectors by its `own` drawing, or else traced."""
    if draw is None:
        return pictures.of_payload(render(seen, look, *size, behind))
    import resvg_py  # of what a window does not need at its start

    drawn = draw(seen, look, "", NO_METADATA, behind, size, own).decode()
    png = resvg_py.svg_to_bytes(svg_string=drawn, width=size[0], height=size[1], skip_system_fonts=True)
    return QImage.fromData(bytes(png)).convertToFormat(QImage.Format.Format_RGBA8888)
