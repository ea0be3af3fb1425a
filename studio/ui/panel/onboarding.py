"""What a page shows before there is a work: what it is for, a sample picture, and an example to try."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.backends import medium as find_medium
from studio.schema.request import Request
from studio.ui.background import BackgroundTasks
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
    """The empty state of a panel; `tried` asks for an example brief."""

    tried = Signal()

    def __init__(self, medium: str, icon: str, sheet: Path | None) -> None:
        super().__init__()
        self.setObjectName("empty")
        taught = find_medium(medium).onboarding
        heading = label(tr(taught.heading), "title", wrap=True)
        words = label(tr(taught.words), "muted", wrap=True)
        self._texts = (heading, words)
        for text in self._texts:
            text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            text.setFixedWidth(WIDE)
        self.try_it = button(tr("Try an example"), "tryExample", clicked=self.tried.emit)
        whole = column(self, None, spacing=SIZE.medium, margins=(32, 24, 32, 24))
        if sheet is not None and sheet.exists():
            whole.addWidget(SamplePicture(sheet), 6)
        else:
            whole.addLayout(row(None, LargeIcon(icon), None))
        add(whole, row(None, heading, None), row(None, words, None), row(None, self.try_it, None), None)

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
