"""Finding the face of a picture in the model: which picture, how long to look; finds nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.backends.avatar.requests import AvatarProjectRequest
from studio.library.library import Asset
from studio.ui.avatar.portraits import paint_portrait
from studio.ui.background import LatestOnly
from studio.ui.forms.form import Form
from studio.ui.library.importer import Importer
from studio.ui.stages import pictures
from studio.ui.widgets import icons
from studio.ui.widgets.basic import button, column, label, row
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE, theme

HIGH = 148
LONG = 1024  # pixels of a picture that are looked at for its small one


class PictureDrop(QWidget):
    """Where a picture is dropped, and then seen."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("findWell")
        self.setAccessibleName(tr("The picture to find"))
        self.setFixedHeight(HIGH)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.picture: QPixmap | None = None
        self._over = False
        theme().changed.connect(self.update)

    def lift(self, over: bool) -> None:
        self._over = over
        self.update()

    def show_picture(self, image: QImage) -> None:
        """A picture as a whole, since a face is looked for anywhere in it; none where that is empty."""
        self.picture = None if image.isNull() else QPixmap.fromImage(image)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        painter.setPen(QPen(look.colour("accent" if self._over else "outline"), 1.5, Qt.PenStyle.DashLine))
        painter.setBrush(look.colour("accent_soft" if self._over else "field"))
        painter.drawRoundedRect(box, SIZE.radius, SIZE.radius)
        if self.picture is not None:
            inside = QSizeF(self.picture.size()).scaled(
                box.width() - 16, box.height() - 16, Qt.AspectRatioMode.KeepAspectRatio
            )
            left, top = box.center().x() - inside.width() / 2, box.center().y() - inside.height() / 2
            paint_portrait(painter, QRectF(round(left), round(top), inside.width(), inside.height()), self.picture)
        else:
            icons.paint(painter, "avatar", QRectF(box.center().x() - 16, box.center().y() - 36, 32, 32), "muted")
            painter.setPen(look.colour("muted"))
            words = QRectF(box.left() + 12, box.center().y() + 4, box.width() - 24, 44)
            wrapped = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(words, wrapped, tr("Drop or paste a picture of a face"))
        painter.end()


class FindFaceTab(QWidget):
    """`asked` has the search and the work that the picture is."""

    asked = Signal(object, object)
    chosen = Signal()  # a file is wanted

    def __init__(self, arrivals: Importer) -> None:
        super().__init__()
        self._arrivals = arrivals
        self._reading = LatestOnly(self)
        self.asset: Asset | None = None
        self.well = PictureDrop()
        self.choose = button(tr("Choose…"), "findChoose", "compact", clicked=self.chosen.emit)
        self.choose.setToolTip(tr("Choose a picture on this computer"))
        self.paste = button(tr("Paste"), "findPaste", "compact", clicked=self._paste)
        self.paste.setToolTip(tr("Take the picture that is on the clipboard"))
        self.form = Form(AvatarProjectRequest(), names=("style", "steps"))
        layout = self.form.layout()
        assert layout is not None
        layout.setContentsMargins(0, 0, 0, 0)
        self.go = button(tr("Find this face"), "findGo", icon="search", clicked=self._ask)
        self.go.setToolTip(tr("Look for this face in the model; the brief takes it up"))
        self.go.setEnabled(False)
        said = tr("The model draws the face that comes nearest. It can then be changed like any other.")
        whole = column(self, spacing=12)
        whole.addWidget(label(said, "muted", wrap=True))
        self.remark = label("", wrap=True, selectable=True)
        self.remark.setObjectName("findRemark")
        self.remark.hide()
        whole.addWidget(self.well)
        whole.addWidget(self.remark)
        line = row(self.choose, self.paste)
        line.setStretch(0, 1)
        line.setStretch(1, 1)
        whole.addLayout(line)
        whole.addWidget(self.form)
        self.foot = QWidget()  # always to be seen, below what may be scrolled
        column(self.foot).addWidget(self.go)
        self.setAcceptDrops(True)

    def take(self, asset: Asset) -> None:
        """This is the picture to find."""
        self.asset = asset
        self.say("")
        path = asset.path
        self._reading.ask(lambda: _small(pictures.load(path)), self._seen, lambda _: self._seen(QImage()))

    def say(self, words: str) -> None:
        """What is to be known of the face that was found for this picture."""
        self.remark.setText(words)
        self.remark.setVisible(bool(words))

    def _seen(self, image: QImage) -> None:
        self.well.show_picture(image)
        self.go.setEnabled(not image.isNull())

    def _brought(self, works: Sequence[Asset]) -> None:
        drawn = [work for work in works if work.drawn]
        if drawn:
            self.take(drawn[0])

    def bring(self, path: Path) -> None:
        """A file that a person has chosen."""
        self._arrivals.bring([path], self._brought)

    def _paste(self) -> None:
        data = QGuiApplication.clipboard().mimeData()
        if self._arrivals.takes(data):
            self._arrivals.take(data, self._brought)

    def _ask(self) -> None:
        if self.asset is not None:
            self.say("")
            self.asked.emit(self.form.value().replace(picture=str(self.asset.path)), self.asset)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.source() is None and self._arrivals.takes(event.mimeData()):
            event.acceptProposedAction()
            self.well.lift(True)

    def dragLeaveEvent(self, event: object) -> None:
        self.well.lift(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self.well.lift(False)
        event.acceptProposedAction()
        self._arrivals.take(event.mimeData(), self._brought)


def _small(image: QImage) -> QImage:
    if max(image.width(), image.height()) <= LONG:
        return image
    ways = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    return image.scaled(QSize(LONG, LONG), *ways)
