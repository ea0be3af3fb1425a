"""The list of models, grouped by medium, each with a sample picture."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QImage, QImageReader, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from studio.backends import MEDIA, PAGELESS
from studio.backends.medium import SampleSheet
from studio.models.model import Model
from studio.ui.background import BackgroundTasks
from studio.ui.pages.licences import terms
from studio.ui.pages.sample_sheets import fits, sample
from studio.ui.widgets import icons, placeholder
from studio.ui.widgets.text import size, tr
from studio.ui.widgets.theme import SIZE, theme

Index = QModelIndex | QPersistentModelIndex
MODEL = Qt.ItemDataRole.UserRole
PICTURE = 56  # pixels of a side
PICTURED = {medium.name for medium in MEDIA if medium.stage == "image"}  # the sheets of others are diagrams
EDGE = 12  # between the edge of a row and what stands in it


class ModelList(QListWidget):
    """`chosen(model)`: the selected model; None if there is none."""

    chosen = Signal(object)

    def __init__(self, aside: BackgroundTasks) -> None:
        super().__init__()
        self.setObjectName("shelf")
        self.setAccessibleName(tr("Models"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setItemDelegate(ModelRowDelegate(self))
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.pictures: dict[str, QPixmap] = {}
        self._aside = aside
        self._asked: set[str] = set()
        self.currentItemChanged.connect(lambda *_: self.chosen.emit(self.current()))
        theme().changed.connect(self.viewport().update)

    def current(self) -> Model | None:
        item = self.currentItem()
        return item.data(MODEL) if item is not None else None

    def models(self) -> list[Model]:
        found = [self.item(at).data(MODEL) for at in range(self.count())]
        return [model for model in found if model is not None]

    def fill(self, models: Sequence[Model]) -> None:
        """Show these models, and keep the selection."""
        before = self.current()
        self.blockSignals(True)
        self.clear()
        titles = {medium.name: tr(medium.title) for medium in (*MEDIA, *PAGELESS)}
        for name in [*titles, *sorted({model.medium for model in models} - set(titles))]:
            some = [model for model in models if model.medium == name]
            if not some:
                continue
            heading = QListWidgetItem(titles.get(name, name))
            heading.setFlags(Qt.ItemFlag.NoItemFlags)
            self.addItem(heading)
            for model in some:
                item = QListWidgetItem(model.title)
                item.setData(MODEL, model)
                item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{model.title}, {titles.get(name, name)}")
                item.setData(Qt.ItemDataRole.AccessibleDescriptionRole, model.description)
                self.addItem(item)
        self.blockSignals(False)
        self.choose(before.id if before is not None else "")

    def choose(self, id: str) -> None:
        """Select the model of that id, or else the first."""
        rows = [at for at in range(self.count()) if self.item(at).data(MODEL) is not None]
        at = next((at for at in rows if self.item(at).data(MODEL).id == id), rows[0] if rows else -1)
        self.setCurrentRow(at)
        if at == (rows[0] if rows else -1):
            self.scrollToTop()  # with the heading above it
        self.chosen.emit(self.current())

    def picture(self, model: Model) -> QPixmap | None:
        """A corner of its sample sheet; None until it is read, and if there is none."""
        if model.id not in self._asked and model.medium in PICTURED:
            self._asked.add(model.id)
            path = model.folder / "sheet.png"
            side = round(PICTURE * self.devicePixelRatioF())
            layout = next((medium.samples for medium in MEDIA if medium.name == model.medium), None)
            self._aside.run(
                lambda: _read_sample(str(path), side, layout),
                lambda image: self._drawn(model.id, image),
                lambda _error: None,
            )
        return self.pictures.get(model.id)

    def _drawn(self, id: str, image: QImage) -> None:
        if not image.isNull():
            self.pictures[id] = QPixmap.fromImage(image)
            self.viewport().update()


def _read_sample(path: str, side: int, layout: SampleSheet | None) -> QImage:
    """A square of one sample of a sheet, scaled down; of sheets whose layout is not known, of its top left corner."""
    image = QImageReader(path).read()
    if image.isNull():
        return image
    if layout is not None and fits(image, layout):
        part = sample(image, layout, 0)
        cut = min(part.width(), part.height())
        part = QRect(part.x(), part.y() + (part.height() - cut) // 2, cut, cut)
    else:  # a quarter of the shorter side holds one to four samples
        cut = min(image.width(), image.height()) // 4
        part = QRect(0, 0, cut, cut)
    smooth = Qt.TransformationMode.SmoothTransformation
    return image.copy(part).scaled(side, side, Qt.AspectRatioMode.IgnoreAspectRatio, smooth)


class ModelRowDelegate(QStyledItemDelegate):
    """Draws a heading, or a model: picture, title, what it is, and at the right its licence and size."""

    def __init__(self, shelf: ModelList) -> None:
        super().__init__(shelf)
        self._shelf = shelf

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        lines = QFontMetricsF(theme().font()).lineSpacing()
        if index.data(MODEL) is None:
            return QSize(100, round(lines + 24))
        return QSize(100, round(max(PICTURE, 3.3 * lines) + 2 * EDGE))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.data(MODEL)
        look = theme()
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        box = QRectF(option.rect)  # type: ignore[attr-defined]
        if model is None:
            painter.setFont(look.font(strong=True))
            painter.setPen(look.colour("muted"))
            at = Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft
            painter.drawText(box.adjusted(EDGE, 0, -EDGE, -8), at, str(index.data()))
        else:
            self._ground(painter, option, box)
            self._model(painter, box.adjusted(EDGE, EDGE, -EDGE, -EDGE), model)
        painter.restore()

    def _ground(self, painter: QPainter, option: QStyleOptionViewItem, box: QRectF) -> None:
        state = option.state  # type: ignore[attr-defined]
        look, flag = theme(), QStyle.StateFlag
        chosen = bool(state & flag.State_Selected)
        name = "accent_soft" if chosen else "hover" if state & flag.State_MouseOver else ""
        path = QPainterPath()
        path.addRoundedRect(box.adjusted(1, 1, -1, -1), SIZE.card, SIZE.card)
        if name:
            painter.fillPath(path, look.colour(name))
        if chosen and self._shelf.hasFocus():
            painter.setPen(QPen(look.colour("accent"), 2))
            painter.drawPath(path)

    def _model(self, painter: QPainter, box: QRectF, model: Model) -> None:
        look = theme()
        self._picture(painter, QRectF(box.left(), box.center().y() - PICTURE / 2, PICTURE, PICTURE), model)
        words = box.adjusted(PICTURE + EDGE, 0, 0, 0)
        small = look.font(0.88)
        sides = [terms(model.licence).name, size(model.size)]
        wide = max(QFontMetricsF(small).horizontalAdvance(side) for side in sides)
        wide = min(wide, words.width() * 0.4)
        left = words.adjusted(0, 0, -wide - EDGE, 0)
        right = QRectF(words.right() - wide, words.top(), wide, words.height())
        elide = Qt.TextElideMode.ElideRight
        gist = two_lines(_description(model), QFontMetricsF(look.font()), left.width())
        rows = 1 + len(gist)
        lines = [(0, model.title, look.font(strong=True), "ink", left, Qt.AlignmentFlag.AlignLeft)]
        lines += [(at, text, look.font(), "muted", left, Qt.AlignmentFlag.AlignLeft) for at, text in enumerate(gist, 1)]
        lines += [(at, text, small, "muted", right, Qt.AlignmentFlag.AlignRight) for at, text in enumerate(sides)]
        high = QFontMetricsF(look.font()).lineSpacing() * 1.1
        for at, text, font, colour, place, side in lines:
            line = QRectF(place.left(), place.center().y() + (at - rows / 2) * high, place.width(), high)
            painter.setFont(font)
            painter.setPen(look.colour(colour))
            shown = QFontMetricsF(font).elidedText(text, elide, line.width() + 0.5)
            painter.drawText(line, side | Qt.AlignmentFlag.AlignVCenter, shown)

    def _picture(self, painter: QPainter, box: QRectF, model: Model) -> None:
        picture = self._shelf.picture(model)
        if picture is not None:
            placeholder.picture(painter, box, picture)
            return
        path = QPainterPath()
        path.addRoundedRect(box, SIZE.radius, SIZE.radius)
        painter.fillPath(path, theme().colour("hover"))
        known = next((medium.icon for medium in (*MEDIA, *PAGELESS) if medium.name == model.medium), "models")
        icons.paint(painter, known, box.adjusted(16, 16, -16, -16), "muted")


def two_lines(text: str, metrics: QFontMetricsF, wide: float) -> list[str]:
    """The text on one line, or on two if it is too wide; the second may still be too wide."""
    if metrics.horizontalAdvance(text) <= wide:
        return [text]
    words = text.split(" ")
    fits = [at for at in range(1, len(words)) if metrics.horizontalAdvance(" ".join(words[:at])) <= wide]
    return [" ".join(words[: fits[-1]]), " ".join(words[fits[-1] :])] if fits else [text]


def _description(model: Model) -> str:
    """The description of a model, else its family."""
    words = " ".join(model.description.split())
    return words or tr("A {family} model").format(family=model.family)
