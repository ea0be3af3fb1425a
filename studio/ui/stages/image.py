"""The stage for pictures: fit, one to one, zoom, pan, through works, two compared; what draws them is the canvas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QPointF, QSizeF, Qt
from PySide6.QtGui import QFocusEvent, QGuiApplication, QImage, QKeyEvent, QKeySequence, QMouseEvent, QPixmap
from PySide6.QtWidgets import QLabel, QToolButton

from studio.errors import StudioError
from studio.jobs.previews import Preview
from studio.library.library import Asset
from studio.media import codecs
from studio.media.payloads import Image, Payload
from studio.schema.request import Request
from studio.ui.background import Failure, LatestOnly
from studio.ui.stages import pictures
from studio.ui.stages.canvas import PictureCanvas
from studio.ui.stages.compare import CompareBar, Comparison
from studio.ui.stages.stage import MenuEntry, Stage, start_file_drag
from studio.ui.widgets.basic import column, label, tool
from studio.ui.widgets.text import failure, tr

LARGE = 4_000_000  # pixels from which on a file is read beside the window's thread
PAN_STEP = 64  # widget pixels that a key pans by
SLIDE_STEP = 0.02
ARROWS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
KEYBOARD_FOCUS = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)


class ImageStage(Stage):
    """One picture, or another and this one compared. Scales are device pixels per pixel of the picture: 1 is 100 %."""

    suffixes = codecs.IMAGE_SUFFIXES

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
        self._layout = column(self, spacing=0)
        self._layout.addWidget(self.canvas, 1)
        self._layout.addWidget(self.bar)
        self._previous: Asset | None = None  # the work that was looked at before this one
        self._expected_size = QSizeF()
        self._reading = LatestOnly(self)
        self._percent = label("", "caption")
        self._percent.setObjectName("zoom")
        self._percent.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._percent.setMinimumWidth(44)
        self._compare = tool("compare", tr("Compare with another work (C)"), "compare", clicked=self.compare)
        self._compare.setCheckable(True)
        self._tools = (
            tool("fit", tr("Fit (0)"), "fit", clicked=self.fit),
            tool("actual", tr("One to one (1)"), "actual", clicked=self.actual_size),
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

    def commands(self) -> Mapping[str, Callable[[], object]]:
        if self.image.isNull():
            return super().commands()
        looked = {"fit": self.fit, "actual": self.actual_size}
        compared = {"compare": self.compare} if self.asset is not None else {}
        ended = {"cancel": self.compare} if self.comparison is not None else {}
        return {**super().commands(), **looked, **compared, **ended}

    def menu_entries(self) -> Sequence[MenuEntry]:
        if self.image.isNull():
            return ()
        words = tr("End the comparison") if self.comparison is not None else tr("Compare with another work")
        compared = [(f"{words}\tC", self.compare)] if self.asset is not None else []
        fit, actual, copy = tr("Fit"), tr("One to one"), tr("Copy picture")
        return (
            (f"{fit}\t0", self.fit),
            (f"{actual}\t1", self.actual_size),
            *compared,
            None,
            (f"{copy}\tCtrl+C", self.copy),
        )

    def show_asset(self, asset: Asset) -> None:
        self._reading.discard()
        size = pictures.size(asset.path)
        if size.width() * size.height() > LARGE:
            path = asset.path
            self._reading.run(lambda: pictures.load(path), self.canvas.show_image, self._read_failed)
        else:
            self.canvas.show_image(pictures.load(asset.path))
        self._set_asset(asset)
        self.setAccessibleDescription(asset.title)

    def preview(self, payload: Preview) -> None:
        if not isinstance(payload, Image):
            return
        self._reading.discard()
        image = pictures.of_payload(payload)
        awaited = self._expected_size
        alike = not awaited.isEmpty() and abs(awaited.width() * image.height() - awaited.height() * image.width()) <= (
            0.02 * awaited.height() * image.width()
        )
        self.canvas.show_image(image, awaited if alike else None, rough=True)
        self._set_asset(None)

    def show_live(self, payload: Payload, side: int, *, rough: bool) -> None:
        if isinstance(payload, Image):
            self._reading.discard()
            image = pictures.of_payload(payload)
            size = QSizeF(side, side * image.height() / image.width())
            self.canvas.show_image(image, size, rough=rough, at_once=rough)
            self._set_asset(None)

    def _set_asset(self, asset: Asset | None) -> None:
        if self.asset is not None and (asset is None or asset.id != self.asset.id):
            self._previous = self.asset
        self.asset = asset
        self._update_comparison()

    def expect(self, request: Request) -> None:
        """Previews smaller than the picture will be stand where it will stand."""
        self._expected_size = pictures.expected_size(request)

    def clear(self) -> None:
        self._reading.discard()
        self._previous = self.asset = None
        self.canvas.compare(None)
        self.canvas.show_image(QImage())
        self._update_comparison()

    def copy(self) -> None:
        if self._reading.busy and self.asset is not None:
            self._reading.discard()
            try:
                self.canvas.show_image(pictures.load(self.asset.path))
            except StudioError as error:
                self._read_failed(error)
        if not self.image.isNull():
            QGuiApplication.clipboard().setImage(self.image)
            self.message.emit(tr("The picture is on the clipboard."), "")

    def _read_failed(self, error: Failure) -> None:
        self.message.emit(*failure(error))

    # How it is looked at.

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

    # Two of them.

    def compare(self) -> None:
        """Put the work looked at before this one beside it, or else the next one; or end that."""
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
            self.message.emit(tr("There is no other work to compare with."), tr("Make one more first."))
            return
        try:
            found = pictures.load(other.path)
        except StudioError as error:
            self._read_failed(error)
        else:
            self.canvas.compare(Comparison(found, other))

    def swap(self) -> None:
        """The work at the left becomes the one that is shown, and this one stands at the left."""
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
        """The bar and the button follow the comparison."""
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

    # By keyboard.

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if event.matches(QKeySequence.StandardKey.Copy):
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
        """A ring shows where the keyboard is, to those who came by keyboard."""
        self.canvas.focus_ring = event.reason() in KEYBOARD_FOCUS
        self.canvas.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.canvas.focus_ring = False
        self.canvas.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
