"""The stage for pictures and clips: fit, zoom and pan, compare two, play a clip in the picture's place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QMimeData, QPointF, QSizeF, Qt
from PySide6.QtGui import (
    QFocusEvent,
    QGuiApplication,
    QHideEvent,
    QImage,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPixmap,
    QShowEvent,
)
from PySide6.QtWidgets import QLabel, QToolButton

from studio.errors import StudioError
from studio.jobs.previews import Preview
from studio.library.library import Asset
from studio.media import codecs
from studio.media.payloads import Clip, Image, Payload
from studio.schema.request import Request
from studio.schema.settings import Settings
from studio.ui.background import Failure, LatestOnly
from studio.ui.stages import pictures
from studio.ui.stages.canvas import PictureCanvas
from studio.ui.stages.clip_player import ClipPlayer
from studio.ui.stages.compare import CompareBar, Comparison
from studio.ui.stages.mask_painter import MaskBar
from studio.ui.stages.stage import MenuEntry, Stage, file_mime_data, start_file_drag
from studio.ui.widgets.controls import label, tool
from studio.ui.widgets.layout import column
from studio.ui.widgets.text import failure, tr, worded
from studio.ui.widgets.theme import theme

PAN_STEP = 64  # widget pixels that a key pans by
SLIDE_STEP = 0.02  # of the width, that a key moves the line between two pictures by
ARROWS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
KEYBOARD_FOCUS = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)


class ImageStage(Stage):
    """One picture or clip, or two pictures compared. Scales are device pixels per pixel of the picture: 1 is 100 %.

    For clips, Space plays and pauses, comma and full stop step a frame, Home and End go to the ends, L loops.
    """

    suffixes = tuple(dict.fromkeys((*codecs.IMAGE_SUFFIXES, *codecs.CLIP_SUFFIXES)))

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Picture"))
        self.setMinimumSize(160, 120)
        self.canvas = PictureCanvas()
        self.canvas.view_changed.connect(self._show_zoom)
        self.canvas.drag_started.connect(self._start_drag)
        self.bar = CompareBar()
        self.bar.hide()
        self.bar.mode_chosen.connect(self._set_comparison_mode)
        self.bar.swapped.connect(self.swap)
        self.bar.closed.connect(self.compare)
        self.mask_bar = MaskBar(self.canvas)
        self.player = ClipPlayer(self)
        self.player.shown.connect(self._show_frame)
        self.player.failed.connect(self._read_failed)
        self.remark = label("", "caption", name="pictureRemark", wrap=True, selectable=True)
        self.remark.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.remark.setContentsMargins(24, 8, 24, 4)
        self.remark.hide()
        column(self, (self.canvas, 1), self.remark, self.bar, self.mask_bar, self.player.transport, spacing=0)
        self._clip_side = 0  # pixels that a clip is shown wide; 0: as wide as it is
        self._reduced_motion = False
        self._mask_wanted: Callable[[QImage], object] | None = None  # what gets the mask that is being painted
        self.mask_bar.finished.connect(self._mask_painted)
        self.mask_bar.layer.painted.connect(self.setFocus)
        self._previous: Asset | None = None  # the work that was shown before this one
        self._expected_size = QSizeF()
        self._reading = LatestOnly(self)
        self._percent = label("", "caption", name="zoom")
        self._percent.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._percent.setMinimumWidth(44)
        words = tr("Compare with another picture (C)")
        self._compare = tool("compare", words, "compare", checked="compare", clicked=self.compare)
        self._tools = (
            tool("fit", tr("Fit (0)"), "fit", clicked=self.fit),
            tool("actual", tr("Actual size (1)"), "actual", clicked=self.actual_size),
            self._compare,
            tool("copy", tr("Copy picture (Ctrl+C)"), "copy", clicked=self.copy),
        )
        self._keys: Mapping[Qt.Key, Callable[[], object]] = {
            Qt.Key.Key_0: self.fit,
            Qt.Key.Key_1: self.actual_size,
            Qt.Key.Key_Plus: lambda: self.zoom_to(self.scale * 1.25),
            Qt.Key.Key_Equal: lambda: self.zoom_to(self.scale * 1.25),
            Qt.Key.Key_Minus: lambda: self.zoom_to(self.scale / 1.25),
            Qt.Key.Key_C: self.compare,
            Qt.Key.Key_S: self._toggle_comparison_mode,
            Qt.Key.Key_X: self.swap,
            Qt.Key.Key_Up: lambda: self.canvas.pan(QPointF(0, PAN_STEP)),
            Qt.Key.Key_Down: lambda: self.canvas.pan(QPointF(0, -PAN_STEP)),
        }
        self._clip_keys: Mapping[Qt.Key, Callable[[], object]] = {
            Qt.Key.Key_Space: self.player.toggle,
            Qt.Key.Key_Comma: lambda: self.player.step_frame(-1),
            Qt.Key.Key_Period: lambda: self.player.step_frame(1),
            Qt.Key.Key_Home: lambda: self.player.seek(0),
            Qt.Key.Key_End: lambda: self.player.seek(10**9),
            Qt.Key.Key_L: self.player.transport.loop.click,
        }

    @property
    def image(self) -> QImage:
        return self.canvas.image

    @property
    def comparison(self) -> Comparison | None:
        return self.canvas.comparison

    @property
    def percent(self) -> QLabel:
        return self._percent

    def tools(self) -> Sequence[QToolButton]:
        return self._tools

    @property
    def clip_loaded(self) -> bool:
        return self.player.frames is not None

    def commands(self) -> Mapping[str, Callable[[], object]]:
        found = dict(super().commands())
        if not self.image.isNull():
            found |= {"fit": self.fit, "actual": self.actual_size}
            if self.asset is not None:
                found["compare"] = self.compare
            if self.comparison is not None:
                found["cancel"] = self.compare
        if self.mask_bar.active:
            found["cancel"] = self.mask_bar.give_up
        if self.clip_loaded:
            found |= {"play": self.player.toggle, "loop": self.player.transport.loop.click}
        return found

    def menu_entries(self) -> Sequence[MenuEntry]:
        entries: list[MenuEntry] = []
        if self.clip_loaded:
            play, loop = tr("Pause") if self.player.playing else tr("Play"), tr("Loop")
            back, on = tr("Previous frame"), tr("Next frame")
            entries += [
                (f"{play}\tSpace", self.player.toggle),
                (f"{back}\t,", lambda: self.player.step_frame(-1)),
                (f"{on}\t.", lambda: self.player.step_frame(1)),
                (f"{loop}\tL", self.player.transport.loop.click),
                None,
            ]
        if self.image.isNull():
            return entries
        fit, actual, copy = tr("Fit"), tr("Actual size"), tr("Copy picture")
        entries += [(f"{fit}\t0", self.fit), (f"{actual}\t1", self.actual_size)]
        if self.asset is not None:
            words = tr("End comparison") if self.comparison is not None else tr("Compare with another picture")
            entries.append((f"{words}\tC", self.compare))
        return [*entries, None, (f"{copy}\tCtrl+C", self.copy)]

    def apply_settings(self, settings: Settings) -> None:
        self._reduced_motion = settings.reduced_motion

    def show_asset(self, asset: Asset) -> None:
        self.mask_bar.give_up()
        self.player.unload()
        self._reading.discard()
        if asset.is_clip:
            self._clip_side = 0
            self.player.load(asset.path)
            self.canvas.show_image(QImage())
        else:
            path = asset.path
            self._reading.run(lambda: pictures.load(path), self._show_loaded, self.load_failed.emit)
        self._set_asset(asset)
        self.setAccessibleDescription(asset.title)
        self._play_unless_still()

    @property
    def loading(self) -> bool:
        return self._reading.busy

    def _show_loaded(self, image: QImage) -> None:
        self.canvas.show_image(image)
        self.loaded.emit()

    def show_clip(self, clip: Clip, side: int) -> None:
        """Play a clip that is no work yet, `side` pixels wide, in place of the pictures that were shown while it was
        made. Raises BadInput and OSError as `ClipFrames` does.
        """
        self.player.load(clip.path)
        self._clip_side = side
        self._play_unless_still()

    def _play_unless_still(self) -> None:
        if not self._reduced_motion and theme().motion:
            self.player.play()

    def _show_frame(self, image: QImage) -> None:
        side = self._clip_side
        size = QSizeF(side, side * image.height() / image.width()) if side else None
        self.canvas.show_image(image, size, rough=self.player.playing, at_once=True)

    def preview(self, payload: Preview) -> None:
        if self.mask_bar.active:  # what is painted is not lost to what runs meanwhile
            return
        self.player.unload()
        if not isinstance(payload, Image):
            return
        self._reading.discard()
        image = pictures.of_payload(payload)
        size = self._expected_size
        same_shape = not size.isEmpty() and abs(size.width() * image.height() - size.height() * image.width()) <= (
            0.02 * size.height() * image.width()
        )
        self.canvas.show_image(image, size if same_shape else None, rough=True)
        self._set_asset(None)

    def show_live(self, payload: Payload, side: int, *, rough: bool) -> None:
        if isinstance(payload, Image):
            self.player.unload()
            self._reading.discard()
            image = pictures.of_payload(payload)
            size = QSizeF(side, side * image.height() / image.width())
            self.canvas.show_image(image, size, rough=rough, at_once=rough)
            self._set_asset(None)

    def _set_asset(self, asset: Asset | None) -> None:
        if self.asset is not None and (asset is None or asset.id != self.asset.id):
            self._previous = self.asset
        self.asset = asset
        self._show_remark("" if asset is None else worded(asset.remark))
        self._update_comparison()

    def _show_remark(self, words: str) -> None:
        """What the engine says of the picture, below it."""
        self.remark.setText(words)
        self.remark.setVisible(bool(words))

    def expect(self, request: Request) -> None:
        """Show previews as large as the picture will be."""
        self._expected_size = pictures.expected_size(request)

    def clear(self) -> None:
        self.mask_bar.give_up()
        self.player.unload()
        self._reading.discard()
        self._previous = self.asset = None
        self._show_remark("")
        self.canvas.compare(None)
        self.canvas.show_image(QImage())
        self._update_comparison()

    def paint_mask(self, mask: QImage | None, then: Callable[[QImage], object]) -> None:
        """Have a mask painted over the picture that is shown, from `mask` (white where it is marked) or from nothing.
        `then` gets it, unless it is given up or another picture is shown.
        """
        if self.image.isNull() or self.clip_loaded:
            return
        self.canvas.compare(None)
        self._update_comparison()
        self.mask_bar.give_up()
        self._mask_wanted = then
        self.remark.hide()
        self.mask_bar.begin(mask)
        self.setFocus()

    def _mask_painted(self, mask: QImage | None) -> None:
        then, self._mask_wanted = self._mask_wanted, None
        self.remark.setVisible(bool(self.remark.text()))
        if mask is not None and then is not None:
            then(mask)

    def copy(self) -> None:
        """Copy the picture; of clips and of works of several files the files too, for programs that take files."""
        if self._reading.busy and self.asset is not None:
            self._reading.discard()
            try:
                self._show_loaded(pictures.load(self.asset.path))
            except (StudioError, OSError) as error:
                self.load_failed.emit(error)
                return
        asset, is_clip = self.asset, self.clip_loaded
        if self.image.isNull() and not is_clip:
            return
        data = file_mime_data([asset]) if asset is not None and (is_clip or asset.files) else QMimeData()
        if not self.image.isNull():
            data.setImageData(self.image)
        QGuiApplication.clipboard().setMimeData(data)
        self.message.emit(tr("Clip copied.") if is_clip else tr("Picture copied."), "")

    def _read_failed(self, error: Failure) -> None:
        self.message.emit(*failure(error))

    def deactivate(self) -> None:
        self.player.suspend()
        self.player.free_memory()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.player.resume()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.player.suspend()

    def toggle(self) -> None:
        self.player.toggle()

    def fit(self) -> None:
        self.canvas.fit()

    def actual_size(self) -> None:
        self.zoom_to(1.0)

    def zoom_to(self, scale: float) -> None:
        self.canvas.zoom(scale)

    @property
    def scale(self) -> float:
        """Device pixels per pixel of the picture."""
        return self.canvas.scale

    def _show_zoom(self) -> None:
        self._percent.setText("" if self.image.isNull() else f"{self.scale * 100:.0f} %")

    def compare(self) -> None:
        """Compare with the picture that was shown before, or else the next one; or end the comparison."""
        if self.comparison is not None:
            self.canvas.compare(None)
        elif self.asset is not None:
            self._begin_comparison(self.asset)
        self._update_comparison()

    def _begin_comparison(self, asset: Asset) -> None:
        other = self._previous
        if other is None or not other.path.exists():
            for step in (1, -1):
                if self.asset is asset:
                    self.stepped.emit(step)
            other = asset if self.asset is not asset else None
        if other is None:
            self.message.emit(tr("There is nothing to compare with."), tr("Create another picture first."))
            return
        try:
            found = pictures.load(other.path)
        except StudioError as error:
            self._read_failed(error)
        else:
            self.canvas.compare(Comparison(found, other))

    def swap(self) -> None:
        """Swap the sides: the picture at the left becomes the one that is shown."""
        pair, asset = self.comparison, self.asset
        if pair is not None and asset is not None and not self._reading.busy:
            other = pair.asset
            pair.asset, pair.image = asset, self.image
            self.show_requested.emit(other)

    def _set_comparison_mode(self, way: str) -> None:
        if self.comparison is not None:
            self.comparison.mode = "beside" if way == "beside" else "slider"
            self.canvas.update_view()
            self._update_comparison()

    def _toggle_comparison_mode(self) -> None:
        if self.comparison is not None:
            self._set_comparison_mode("beside" if self.comparison.mode == "slider" else "slider")

    def _update_comparison(self) -> None:
        """Update the bar and the button."""
        pair = self.comparison
        self._compare.setChecked(pair is not None)
        self.bar.setVisible(pair is not None)
        if pair is not None:
            self.bar.show_works(pair.mode, pair.asset, self.asset)

    def _start_drag(self, left: bool) -> None:
        pair = self.comparison
        asset, image = (pair.asset, pair.image) if pair is not None and left else (self.asset, self.image)
        if asset is not None:
            start_file_drag(self, asset, QPixmap.fromImage(image))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        modified = event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
        if self.mask_bar.active and key in self.mask_bar.key_actions() and not modified:
            self.mask_bar.key_actions()[key]()
        elif self.clip_loaded and key in self._clip_keys and not modified:
            self._clip_keys[key]()
        elif event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif key in ARROWS and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            if self.comparison is not None and self.comparison.mode == "slider":
                self.canvas.slide(ARROWS[key] * SLIDE_STEP)
            else:
                self.canvas.pan(QPointF(-ARROWS[key] * PAN_STEP, 0))
        elif key in ARROWS:
            self.stepped.emit(ARROWS[key])
        elif key in self._keys and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._keys[key]()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show a focus ring, but only to those who came by keyboard."""
        self.canvas.focus_ring = event.reason() in KEYBOARD_FOCUS
        self.canvas.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.canvas.focus_ring = False
        self.canvas.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
