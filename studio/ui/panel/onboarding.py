"""What a page shows before there is a work: what it is for, and examples to try."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPixmap, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.backends import medium as find_medium
from studio.backends.medium import Medium
from studio.models.model import Model
from studio.schema.request import Request
from studio.ui.background import BackgroundTasks, LatestOnly
from studio.ui.panel.example_wall import ExampleTile, ExampleWall, tiles_of
from studio.ui.widgets import placeholder
from studio.ui.widgets.controls import ProgressBar, button, label
from studio.ui.widgets.layout import add, column, row
from studio.ui.widgets.page import timer
from studio.ui.widgets.placeholder import LargeIcon
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE

WIDE, NARROW = 430, 240  # pixels: the width of text where there is room, and the least width of an empty page


def example(request: Request, at: int) -> Request:
    """The `at`-th example brief of the request's medium, in turn; unknown fields are skipped."""
    briefs = find_medium(request.medium).onboarding.examples
    names = {name for name, _ in request.fields()}
    return request.replace(**{name: value for name, value in briefs[at % len(briefs)].items() if name in names})


class SamplePicture(QWidget):
    """A sample picture as wide as fits, with round corners; read on a thread, since sheets are large."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._picture, self._scaled = QPixmap(), QPixmap()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 60)
        self.setAccessibleName(tr("Examples of this model"))
        self._late = timer(self, self.update, placeholder.PATIENCE)
        self._late.start()
        self._aside = BackgroundTasks(self)
        self._aside.run(lambda: QImage(str(path)), self._show)

    @property
    def ready(self) -> bool:
        return not self._aside.busy

    def sizeHint(self) -> QSize:
        return QSize(480, 240)

    def _show(self, image: QImage) -> None:
        self._late.stop()
        self._picture, self._scaled = QPixmap.fromImage(image), QPixmap()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._picture.isNull():
            self._draw(painter)
        elif not self._late.isActive():
            placeholder.block(painter, QRectF(self.rect()), SIZE.card)
        painter.end()

    def _draw(self, painter: QPainter) -> None:
        ratio = self.devicePixelRatioF()
        size = self._picture.size().scaled(self.size() * ratio, Qt.AspectRatioMode.KeepAspectRatio)
        if size.width() > self._picture.width() * 2:
            size = self._picture.size() * 2
        if size != self._scaled.size():  # a large sheet: scaled once for a size, not with every paint
            smooth = Qt.TransformationMode.SmoothTransformation
            self._scaled = self._picture.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, smooth)
        shown = self._scaled
        box = QRectF(0, 0, size.width() / ratio, size.height() / ratio)
        box.moveCenter(QRectF(self.rect()).center())
        box.moveTo(round(box.x() * ratio) / ratio, round(box.y() * ratio) / ratio)  # pixel on pixel is drawn faster
        placeholder.picture(painter, box, shown, SIZE.card)


class Onboarding(QWidget):
    """The empty state of a panel: what it is for, and a wall of examples of the model that is chosen. Where there are
    none, its sheet of samples or an icon, and a button to try an example.

    `tried` asks for an example brief, `chosen(request)` for this one; `failed(error)` where a sound cannot be played.
    """

    tried = Signal()
    chosen = Signal(object)
    failed = Signal(object)

    def __init__(self, medium: Medium) -> None:
        super().__init__()
        self.setObjectName("empty")
        self._medium = medium
        self._model: Model | None = None
        self._read_of: Model | None = None  # whose examples are shown, or being read
        self._reading = LatestOnly(self)
        heading = label(tr(medium.onboarding.heading), "title", wrap=True)
        words = label(tr(medium.onboarding.words), "muted", wrap=True)
        self._texts = (heading, words)
        for text in self._texts:
            text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            text.setFixedWidth(WIDE)
        self.wall = ExampleWall()
        self.wall.chosen.connect(self._take)
        self.wall.failed.connect(self.failed)
        self._icon = LargeIcon(medium.icon)
        self._sheet: SamplePicture | None = None
        self.try_it = button(tr("Try an example"), "tryExample", clicked=self.tried.emit)
        self._alone = QWidget()
        self._alone_rows = column(self._alone, None, spacing=SIZE.medium)
        add(self._alone_rows, row(None, self._icon, None), row(None, self.try_it, None), None)
        whole = column(self, spacing=SIZE.small, margins=(SIZE.large, SIZE.large, SIZE.large, SIZE.large))
        add(whole, row(None, heading, None), row(None, words, None), SIZE.small, (self.wall, 1), (self._alone, 1))
        self._alone.hide()

    def show_model(self, model: Model | None) -> None:
        """Show examples of this model, once this is seen."""
        self._model = model
        if self.isVisible():
            self._read()

    @property
    def ready(self) -> bool:
        return not self._reading.busy and self._read_of == self._model

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._read()

    def _read(self) -> None:
        medium, model = self._medium, self._model
        if self._read_of == model and model is not None:
            return
        self._read_of = model
        if model is None:
            self._show(([], None))
            return

        def read() -> tuple[Sequence[ExampleTile], Path | None]:
            tiles, sheet = tiles_of(medium, model), model.folder / "sheet.png"
            return tiles, sheet if not tiles and sheet.is_file() else None

        self._reading.run(read, self._show, lambda _: self._show(([], None)))

    def _show(self, found: tuple[Sequence[ExampleTile], Path | None]) -> None:
        tiles, sheet = found
        self.wall.show_tiles(tiles)
        self.wall.setVisible(bool(tiles))
        if self._sheet is not None:
            self._sheet.setParent(None)
            self._sheet.deleteLater()
            self._sheet = None
        if sheet is not None:
            self._sheet = SamplePicture(sheet)
            self._alone_rows.insertWidget(1, self._sheet, 6)
        self._icon.setVisible(sheet is None)
        self._alone.setVisible(not tiles)

    def _take(self, tile: ExampleTile) -> None:
        if tile.request is None:
            self.tried.emit()
        else:
            self.chosen.emit(tile.request)

    def minimumSizeHint(self) -> QSize:
        return QSize(NARROW, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        for text in self._texts:
            text.setFixedWidth(min(WIDE, max(NARROW, self.width()) - 2 * SIZE.wide))


class WaitingMessage(QWidget):
    """The message on the stage until there is a preview; shown only after a while."""

    late = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("waiting")
        self.words = label("", "muted", name="waitingWords")
        self.words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.bar = ProgressBar(220)
        column(self, None, self.words, row(None, self.bar, None), None, spacing=12)
        self.patience = timer(self, self.late, 150)

    def say(self, words: str, done: int, total: int) -> None:
        self.words.setText(words)
        self.bar.show_progress(done, total)
