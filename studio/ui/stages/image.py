"""The stage for pictures: fit, one to one, zoom, pan, through works, two compared; what draws them is the canvas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QPointF, QSizeF, Qt
from PySide6.QtGui import QFocusEvent, QGuiApplication, QImage, QKeyEvent, QKeySequence, QMouseEvent, QPixmap
from PySide6.QtWidgets import QLabel, QToolButton

from studio.errors import StudioError
from studio.library.library import Asset
from studio.media import codecs
from studio.media.payloads import Image, Payload
from studio.schema.request import Request
from studio.ui.background import Failure, LatestOnly
from studio.ui.stages import pictures
from studio.ui.stages.canvas import PictureCanvas
from studio.ui.stages.compare import CompareBar, Comparison
from studio.ui.stages.stage import Entry, Stage, drag_out
from studio.ui.widgets.basic import column, label, tool
from studio.ui.widgets.text import failure, tr

LARGE = 4_000_000  # pixels from which on a file is read beside the window's thread
STRIDE = 64  # widget pixels that a key pans by
SLIDE = 0.02
SIDES = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
BY_KEY = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)


class ImageStage(Stage):
    """One picture, or another and this one compared. Scales are device pixels per pixel of the picture: 1 is 100 %."""

    suffixes = codecs.IMAGE_SUFFIXES

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Picture"))
        self.setMinimumSize(160, 120)
        self.canvas = PictureCanvas()
        self.canvas.looked.connect(self._looked)
        self.canvas.pulled.connect(self._pull)
        self.bar = CompareBar()
        self.bar.hide()
        self.bar.chosen.connect(self._go_way)
        self.bar.swapped.connect(self.swap)
        self.bar.ended.connect(self.compare)
        self._whole = column(self, spacing=0)
        self._whole.addWidget(self.canvas, 1)
        self._whole.addWidget(self.bar)
        self._before: Asset | None = None  # the work that was looked at before this one
        self._awaited = QSizeF()
        self._reading = LatestOnly(self)
        self._percent = label("", "caption")
        self._percent.setObjectName("zoom")
        self._percent.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._percent.setMinimumWidth(44)
        self._compare = tool("compare", tr("Compare with another work (C)"), "compare", clicked=self.compare)
        self._compare.setCheckable(True)
        self._tools = (
            tool("fit", tr("Fit (0)"), "fit", clicked=self.fit),
            tool("actual", tr("One to one (1)"), "actual", clicked=self.one_to_one),
            self._compare,
            tool("copy", tr("Copy picture (Ctrl+C)"), "copy", clicked=self.copy),
        )
        self._keys: Mapping[Qt.Key, Callable[[], object]] = {
            Qt.Key.Key_0: self.fit,
            Qt.Key.Key_1: self.one_to_one,
            Qt.Key.Key_Plus: lambda: self.zoom_to(self.scale * 1.25),
            Qt.Key.Key_Equal: lambda: self.zoom_to(self.scale * 1.25),
            Qt.Key.Key_Minus: lambda: self.zoom_to(self.scale / 1.25),
            Qt.Key.Key_C: self.compare,
            Qt.Key.Key_S: self._other_way,
            Qt.Key.Key_X: self.swap,
            Qt.Key.Key_Up: lambda: self.canvas.pan(QPointF(0, STRIDE)),
            Qt.Key.Key_Down: lambda: self.canvas.pan(QPointF(0, -STRIDE)),
        }

    @property
    def image(self) -> QImage:
        return self.canvas.image

    @property
    def comparison(self) -> Comparison | None:
        return self.canvas.pair

    @property
    def percent(self) -> QLabel:
        return self._percent

    def tools(self) -> Sequence[QToolButton]:
        return self._tools

    def deeds(self) -> Mapping[str, Callable[[], object]]:
        if self.image.isNull():
            return super().deeds()
        looked = {"fit": self.fit, "actual": self.one_to_one}
        compared = {"compare": self.compare} if self.asset is not None else {}
        ended = {"cancel": self.compare} if self.comparison is not None else {}
        return {**super().deeds(), **looked, **compared, **ended}

    def entries(self) -> Sequence[Entry]:
        if self.image.isNull():
            return ()
        words = tr("End the comparison") if self.comparison is not None else tr("Compare with another work")
        compared = [(f"{words}\tC", self.compare)] if self.asset is not None else []
        fit, actual, copy = tr("Fit"), tr("One to one"), tr("Copy picture")
        return (
            (f"{fit}\t0", self.fit),
            (f"{actual}\t1", self.one_to_one),
            *compared,
            None,
            (f"{copy}\tCtrl+C", self.copy),
        )

    def show_asset(self, asset: Asset) -> None:
        self._reading.drop()
        size = pictures.size(asset.path)
        if size.width() * size.height() > LARGE:
            path = asset.path
            self._reading.ask(lambda: pictures.load(path), self.canvas.take, self._unread)
        else:
            self.canvas.take(pictures.load(asset.path))
        self._turn_to(asset)
        self.setAccessibleDescription(asset.title)

    def preview(self, payload: Payload) -> None:
        if not isinstance(payload, Image):
            return
        self._reading.drop()
        image = pictures.of_payload(payload)
        awaited = self._awaited
        alike = not awaited.isEmpty() and abs(awaited.width() * image.height() - awaited.height() * image.width()) <= (
            0.02 * awaited.height() * image.width()
        )
        self.canvas.take(image, awaited if alike else None, rough=True)
        self._turn_to(None)

    def show_live(self, payload: Payload, side: int, *, rough: bool) -> None:
        if isinstance(payload, Image):
            self._reading.drop()
            image = pictures.of_payload(payload)
            size = QSizeF(side, side * image.height() / image.width())
            self.canvas.take(image, size, rough=rough, at_once=rough)
            self._turn_to(None)

    def _turn_to(self, asset: Asset | None) -> None:
        if self.asset is not None and (asset is None or asset.id != self.asset.id):
            self._before = self.asset
        self.asset = asset
        self._say_sides()

    def expect(self, request: Request) -> None:
        """Previews smaller than the picture will be stand where it will stand."""
        self._awaited = pictures.awaited(request)

    def clear(self) -> None:
        self._reading.drop()
        self._before = self.asset = None
        self.canvas.compare(None)
        self.canvas.take(QImage())
        self._say_sides()

    def copy(self) -> None:
        if self._reading.busy and self.asset is not None:
            self._reading.drop()
            try:
                self.canvas.take(pictures.load(self.asset.path))
            except StudioError as error:
                self._unread(error)
        if not self.image.isNull():
            QGuiApplication.clipboard().setImage(self.image)
            self.said.emit(tr("The picture is on the clipboard."), "")

    def _unread(self, error: Failure) -> None:
        self.said.emit(*failure(error))

    # How it is looked at.

    def fit(self) -> None:
        self.canvas.fit()

    def one_to_one(self) -> None:
        self.zoom_to(1.0)

    def zoom_to(self, scale: float) -> None:
        self.canvas.zoom(scale)

    @property
    def scale(self) -> float:
        """Device pixels per pixel of the picture."""
        return self.canvas.scale

    def _looked(self) -> None:
        self._percent.setText("" if self.image.isNull() else f"{self.scale * 100:.0f} %")

    # Two of them.

    def compare(self) -> None:
        """Put the work looked at before this one beside it, or else the next one; or end that."""
        if self.comparison is not None:
            self.canvas.compare(None)
        elif self.asset is not None:
            self._begin(self.asset)
        self._say_sides()

    def _begin(self, asset: Asset) -> None:
        other = self._before
        if other is None or not other.path.exists():
            for step in (1, -1):
                if self.asset is asset:
                    self.stepped.emit(step)
            other = asset if self.asset is not asset else None
        if other is None:
            self.said.emit(tr("There is no other work to compare with."), tr("Make one more first."))
            return
        try:
            found = pictures.load(other.path)
        except StudioError as error:
            self._unread(error)
        else:
            self.canvas.compare(Comparison(found, other))

    def swap(self) -> None:
        """The work at the left becomes the one that is shown, and this one stands at the left."""
        pair, asset = self.comparison, self.asset
        if pair is not None and asset is not None and not self._reading.busy:
            other = pair.asset
            pair.asset, pair.image = asset, self.image
            self.turned.emit(other)

    def _go_way(self, way: str) -> None:
        if self.comparison is not None:
            self.comparison.way = "beside" if way == "beside" else "slider"
            self.canvas.lay()
            self._say_sides()

    def _other_way(self) -> None:
        if self.comparison is not None:
            self._go_way("beside" if self.comparison.way == "slider" else "slider")

    def _say_sides(self) -> None:
        """The bar and the button follow the comparison."""
        pair = self.comparison
        self._compare.setChecked(pair is not None)
        self.bar.setVisible(pair is not None)
        if pair is not None:
            self.bar.say(pair.way, pair.asset, self.asset)

    def _pull(self, left: bool) -> None:
        pair = self.comparison
        asset, image = (pair.asset, pair.image) if pair is not None and left else (self.asset, self.image)
        if asset is not None:
            drag_out(self, asset, QPixmap.fromImage(image))

    # By keyboard.

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif key in SIDES and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            if self.comparison is not None and self.comparison.way == "slider":
                self.canvas.slide(SIDES[key] * SLIDE)
            else:
                self.canvas.pan(QPointF(-SIDES[key] * STRIDE, 0))
        elif key in SIDES:
            self.stepped.emit(SIDES[key])
        elif key in self._keys and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._keys[key]()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """A ring shows where the keyboard is, to those who came by keyboard."""
        self.canvas.ringed = event.reason() in BY_KEY
        self.canvas.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.canvas.ringed = False
        self.canvas.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
