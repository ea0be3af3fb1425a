"""The list of models: a row for each, with its picture, below the headings of the media."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QImage, QImageReader, QKeyEvent, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView

from studio.backends import MEDIA
from studio.backends.medium import SampleSheet
from studio.models.model import Model
from studio.ui.background import BackgroundTasks
from studio.ui.models.downloads import DownloadState
from studio.ui.models.entries import ModelEntry, medium_title
from studio.ui.models.model_row import ENTRY, PICTURE, STATE, ModelRowDelegate
from studio.ui.pages.licences import sells_words, terms
from studio.ui.pages.sample_sheets import fits, sample
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import theme

Index = QModelIndex | QPersistentModelIndex
PICTURED = {medium.name for medium in MEDIA if medium.stage == "image"}  # the sheets of others are diagrams
States = Callable[[ModelEntry], DownloadState | None]


class ModelRows(QAbstractListModel):
    """Headings (texts) and models, in the order of the list; `states` says how far the download of one is."""

    def __init__(self, states: States) -> None:
        super().__init__()
        self._rows: list[str | ModelEntry] = []
        self._states = states

    def show_rows(self, rows: Sequence[str | ModelEntry]) -> bool:
        """Show these rows; returns whether they are others than before, not the same ones as they are now."""
        before, after = [_key(row) for row in self._rows], [_key(row) for row in rows]
        if after == before:
            self._rows = list(rows)
            if rows:
                self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
            return False
        self.beginResetModel()
        self._rows = list(rows)
        self.endResetModel()
        return True

    def entry(self, row: int) -> ModelEntry | None:
        """The model of a row; None of a heading, and where there is no such row."""
        found = self._rows[row] if 0 <= row < len(self._rows) else None
        return found if isinstance(found, ModelEntry) else None

    def entries(self) -> list[ModelEntry]:
        return [row for row in self._rows if isinstance(row, ModelEntry)]

    def row_of(self, key: str) -> int:
        """The row of the model with that key, -1 where it is not shown; without a key, the first model's."""
        found = (at for at, row in enumerate(self._rows) if isinstance(row, ModelEntry) and key in ("", row.key))
        return next(found, -1)

    def nearest(self, row: int) -> int:
        """The row of the model that is nearest to this row, -1 where there is none."""
        models = (at for at, each in enumerate(self._rows) if isinstance(each, ModelEntry))
        return min(models, key=lambda at: abs(at - row), default=-1)

    def touch(self, id: str) -> None:
        """The download of the model of that id has gone on."""
        for at, row in enumerate(self._rows):
            if isinstance(row, ModelEntry) and row.id == id:
                self.dataChanged.emit(self.index(at), self.index(at))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        return super().flags(index) if self.entry(index.row()) is not None else Qt.ItemFlag.NoItemFlags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self._rows[index.row()] if index.isValid() else None
        if row is None or isinstance(row, str):
            return row if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole) else None
        if role == ENTRY:
            return row
        if role == STATE:
            return self._states(row)
        if role == Qt.ItemDataRole.DisplayRole:
            return row.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join((row.title, medium_title(row.medium)) if row.medium else (row.title,))
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            state = self._states(row)
            said = (row.reason or row.sentence, "" if state is None else state.words, row.size_words, _licence(row))
            return ". ".join(words.rstrip(".") for words in said if words)
        return None


class ModelList(QListView):
    """`chosen(entry)`: the selected model, None if there is none. `typed(text)`: a person types, which goes to the
    search.
    """

    chosen = Signal(object)
    typed = Signal(str)

    def __init__(self, tasks: BackgroundTasks, states: States) -> None:
        super().__init__()
        self.setObjectName("shelf")
        self.setAccessibleName(tr("Models"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.rows = ModelRows(states)
        self.setItemDelegate(ModelRowDelegate(self, self.picture))
        self.setModel(self.rows)
        self.pictures: dict[str, QPixmap] = {}
        self._tasks = tasks
        self._asked: set[str] = set()
        self._key = ""
        self.selectionModel().currentChanged.connect(lambda *_: self._on_current())
        theme().changed.connect(self.scheduleDelayedItemsLayout)

    def current(self) -> ModelEntry | None:
        return self.rows.entry(self.currentIndex().row())

    def entries(self) -> list[ModelEntry]:
        """The models that are shown, from the top."""
        return self.rows.entries()

    def fill(self, rows: Sequence[str | ModelEntry]) -> None:
        """Show the rows of another query, scrolled to the selected model where it is among them."""
        if self._replace(rows) or self.current() is None:
            self.choose(self._key)
        else:
            self.chosen.emit(self.current())

    def renew(self, rows: Sequence[str | ModelEntry]) -> None:
        """Show what the same query finds now: the selected model and the place that is scrolled to stay."""
        selected, row = self.current(), self.currentIndex().row()
        awaited = selected is None or (selected.key != self._key and self._key in map(_key, rows))
        if selected is None or awaited:
            self.fill(rows)
            return
        seen, top = self._first_seen()
        if self._replace(rows):
            at = self.rows.row_of(selected.key)
            self._select(at if at >= 0 else self.rows.nearest(row))
            at = self.rows.row_of(seen)
            if seen and at >= 0:
                bar = self.verticalScrollBar()
                self.doItemsLayout()
                bar.setValue(bar.value() + self.visualRect(self.rows.index(at)).top() - top)
            self._on_current()
        else:
            self.chosen.emit(self.current())

    def _first_seen(self) -> tuple[str, int]:
        """The key of the first model that is in sight, and the pixels that it is below the top edge."""
        at = max(0, self.indexAt(QPoint(1, 1)).row())
        for row in range(at, self.rows.rowCount()):
            entry = self.rows.entry(row)
            if entry is not None:
                return entry.key, self.visualRect(self.rows.index(row)).top()
        return "", 0

    def _replace(self, rows: Sequence[str | ModelEntry]) -> bool:
        """Show these rows; returns whether they are others than before."""
        blocked = self.selectionModel().blockSignals(True)
        others = self.rows.show_rows(rows)
        self.selectionModel().blockSignals(blocked)
        return others

    def _select(self, row: int) -> None:
        """Select the model of a row, -1 for none, without scrolling to it."""
        blocked, scrolled = self.selectionModel().blockSignals(True), self.verticalScrollBar().value()
        self.setCurrentIndex(self.rows.index(row) if row >= 0 else QModelIndex())
        self.verticalScrollBar().setValue(scrolled)
        self.selectionModel().blockSignals(blocked)
        self.viewport().update()

    def hold(self) -> None:
        """Keep the model selected that was selected because another one was not there."""
        entry = self.current()
        if entry is not None:
            self._key = entry.key

    def choose(self, key: str) -> None:
        """Select the model of that key, or else the first until one of that key comes."""
        at, first = self.rows.row_of(key), self.rows.row_of("")
        at = first if at < 0 else at
        self._select(at)
        if at == first:
            self.scrollToTop()  # with the heading above it
        else:
            self.scrollTo(self.currentIndex())
        self._on_current()
        self._key = key or self._key

    def _on_current(self) -> None:
        entry = self.current()
        if entry is not None:
            self._key = entry.key
        self.chosen.emit(entry)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        text = event.text()
        mods = event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier
        if event.key() == Qt.Key.Key_Home and mods == Qt.KeyboardModifier.NoModifier:
            first = self.rows.entry(self.rows.row_of(""))  # Qt stops at the heading above it
            if first is not None:
                self.choose(first.key)
        elif text.strip() and text.isprintable() and mods == Qt.KeyboardModifier.NoModifier:
            self.typed.emit(text)
        else:
            super().keyPressEvent(event)

    def picture(self, model: Model) -> QPixmap | None:
        """A corner of its sample sheet; None until it is read, and if there is none."""
        if model.id not in self._asked and model.medium in PICTURED:
            self._asked.add(model.id)
            path = model.folder / "sheet.png"
            side = round(PICTURE * self.devicePixelRatioF())
            layout = next((medium.samples for medium in MEDIA if medium.name == model.medium), None)
            self._tasks.run(
                lambda: _read_sample(str(path), side, layout),
                lambda image: self._drawn(model.id, image),
                lambda _error: None,
            )
        return self.pictures.get(model.id)

    def _drawn(self, id: str, image: QImage) -> None:
        if not image.isNull():
            self.pictures[id] = QPixmap.fromImage(image)
            self.viewport().update()


def _key(row: str | ModelEntry) -> str:
    return row if isinstance(row, str) else row.key


def _licence(entry: ModelEntry) -> str:
    """The licence of a model, where it is known, and whether its works may be sold."""
    return f"{terms(entry.licence).name}. {sells_words(entry.sells)}" if entry.licence else ""


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
