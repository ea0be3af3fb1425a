"""Qt list model of the works that a query finds; works are read from the library a page at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from studio.errors import StudioError
from studio.export.writer import safe_name
from studio.library import titles
from studio.library.library import Asset, Library, LibraryQuery
from studio.ui.library.thumbnails import ThumbnailLoader
from studio.ui.stages.stage import file_mime_data
from studio.ui.widgets.text import gist, short_gist, tr

PAGE = 60  # works that are read together
KEPT = 20 * PAGE
AHEAD = 30  # works before and behind those that can be seen, which are read before they are scrolled to
STEPS = 64  # runs of rows that come or go one by one; beyond that the model is reset
ASSET = Qt.ItemDataRole.UserRole

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class ListDifference:
    """The difference of two lists of ids: rows removed from the old, then rows added in the new, as (first, last)."""

    gone: list[tuple[int, int]]
    come: list[tuple[int, int]]


def difference(old: Sequence[str], new: Sequence[str]) -> ListDifference | None:
    """The difference; None if the order changed, or if it has too many runs."""
    before, after = set(old), set(new)
    if [id for id in old if id in after] != [id for id in new if id in before]:
        return None
    gone = runs(at for at, id in enumerate(old) if id not in after)
    come = runs(at for at, id in enumerate(new) if id not in before)
    return ListDifference(gone, come) if len(gone) + len(come) <= STEPS else None


def runs(rows: Iterable[int]) -> list[tuple[int, int]]:
    """Ascending numbers as (first, last) of each run."""
    found: list[tuple[int, int]] = []
    for row in rows:
        if found and found[-1][1] == row - 1:
            found[-1] = (found[-1][0], row)
        else:
            found.append((row, row))
    return found


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What a query finds, newest first, and the row of each, unless those are still to be counted."""

    ids: list[str]
    rows: dict[str, int] = field(default_factory=dict[str, int])


def listing(library: Library, query: LibraryQuery) -> QueryResult:
    """Run the query, on any thread, and number the rows."""
    ids = library.ids(query)
    return QueryResult(ids, {id: row for row, id in enumerate(ids)})


class WorkListModel(QAbstractListModel):
    """The works that a query found, newest first. What changes in the library meanwhile shows after `refresh`, and rows
    that stay keep their selection. `changed` is emitted after every query and every refresh.
    """

    changed = Signal()
    _query_done = Signal(object, object)
    _works_read = Signal(object, object)

    def __init__(
        self,
        library: Library,
        thumbnails: ThumbnailLoader,
        query: LibraryQuery,
        parent: QObject | None = None,
        listing: QueryResult | None = None,
    ) -> None:
        """`listing`: the result of the query, if it is known already."""
        super().__init__(parent)
        self._library = library
        self.thumbnails = thumbnails
        self.query = query
        found = listing or QueryResult(library.ids(query))
        self._ids, self._rows = found.ids, found.rows
        self._assets: OrderedDict[str, Asset] = OrderedDict()
        self._before: dict[str, Asset] = {}  # as they were before the last refresh: seen until they are read again
        self._missed: list[str] = []  # what is to be read next; the thread takes the newest only
        self._reading = False
        self._query_done.connect(self._show_result)
        self._works_read.connect(self._on_loaded)
        thumbnails.ready.connect(self._redraw)

    def set_query(self, query: LibraryQuery) -> None:
        """Show another query's works, at once."""
        if query != self.query and not self.thumbnails.closing:
            self.query = query
            self._show_result(query, QueryResult(self._library.ids(query)))

    def refresh(self) -> None:
        """Run the query again in the background: the ids of many thousand works take a frame or two to read."""
        query = self.query

        def question() -> None:
            try:
                found = listing(self._library, query)
            except StudioError:
                return  # the next question says it, where a person asked
            if not self.thumbnails.closing:
                self._query_done.emit(query, found)

        self.thumbnails.submit(question)

    def ids(self, ranges: Sequence[tuple[int, int]] = ((0, 2**31),)) -> list[str]:
        """The ids of these rows, each range (first, last); of all rows where none are named."""
        return [id for first, last in ranges for id in self._ids[first : last + 1]]

    def work_at(self, row: int) -> Asset | None:
        """The work in a row; None where there is no such row or the work has gone since."""
        if not 0 <= row < len(self._ids):
            return None
        id = self._ids[row]
        if id not in self._assets:
            if self.thumbnails.closing:
                return None  # a closing window may still be painted once
            start = row // PAGE * PAGE
            missing = [each for each in self._ids[start : start + PAGE] if each not in self._assets]
            self._keep(self._library.get_many(missing))
        return self._assets.get(id)

    def loaded(self, row: int) -> Asset | None:
        """The work in a row if it has been read, so that painting never waits; `load` reads it."""
        id = self._ids[row]
        return self._assets.get(id) or self._before.get(id)

    def load(self, first: int, last: int) -> None:
        """Read these visible rows in the background, then those around them."""
        around = self._ids[max(0, first - AHEAD) : last + 1 + AHEAD]
        missing = [id for id in self._ids[first : last + 1] if id not in self._assets]
        missing = missing or [id for id in around if id not in self._assets]
        self._missed = missing
        if missing and not self._reading and not self.thumbnails.closing:
            self._reading = True
            self.thumbnails.submit(self._read)

    def row_of(self, id: str) -> int:
        """The row of a work; -1 if it is not in the list."""
        if len(self._rows) != len(self._ids):
            self._rows = {each: row for row, each in enumerate(self._ids)}
        return self._rows.get(id, -1)

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._ids)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        asset = self.work_at(index.row())
        if asset is None:
            return None
        if role == ASSET:
            return asset
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return title_of(asset)
        if role == Qt.ItemDataRole.ToolTipRole:
            return gist(asset.request) or asset.title
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsDragEnabled

    def mimeTypes(self) -> list[str]:
        return ["text/uri-list"]

    def mimeData(self, indexes: Sequence[Any]) -> QMimeData:
        return file_mime_data([asset for index in indexes if (asset := self.work_at(index.row())) is not None])

    def _read(self) -> None:
        """On the thread: read the works that are asked for."""
        missed = self._missed
        try:
            found = self._library.get_many(missed)
        except StudioError:
            found = []  # the next question says it, where a person asked
        if not self.thumbnails.closing:
            self._works_read.emit(missed, found)

    def _on_loaded(self, missed: list[str], found: list[Asset]) -> None:
        read = set(missed)
        self._missed = [id for id in self._missed if id not in read]
        self._reading = bool(self._missed) and not self.thumbnails.closing
        if self._reading:  # one looks elsewhere by now
            self.thumbnails.submit(self._read)
        self._keep(found)
        self._redraw(asset.id for asset in found)

    def _keep(self, found: Sequence[Asset]) -> None:
        for asset in found:
            self._assets[asset.id] = asset
            self._before.pop(asset.id, None)
        while len(self._assets) > KEPT:
            self._assets.popitem(last=False)

    def _show_result(self, query: LibraryQuery, found: QueryResult) -> None:
        """Show this result, unless another query was set since."""
        if query != self.query or self.thumbnails.closing:
            return
        self._before, self._assets = dict(self._assets), OrderedDict()
        ids = found.ids
        if ids != self._ids:
            self._become(ids)
        elif ids:
            self.dataChanged.emit(self.index(0), self.index(len(ids) - 1))
        self._rows = found.rows
        self.changed.emit()

    def _become(self, ids: list[str]) -> None:
        way = difference(self._ids, ids) if self._ids and ids else None
        self._rows = {}
        if way is None:
            self.beginResetModel()
            self._ids = ids
            self.endResetModel()
            return
        for first, last in reversed(way.gone):
            self.beginRemoveRows(QModelIndex(), first, last)
            del self._ids[first : last + 1]
            self.endRemoveRows()
        for first, last in way.come:
            self.beginInsertRows(QModelIndex(), first, last)
            self._ids[first:first] = ids[first : last + 1]
            self.endInsertRows()
        self._rows = {}

    def _redraw(self, ids: Iterable[str]) -> None:
        rows = [row for id in ids if (row := self.row_of(id)) >= 0]
        if rows:
            self.dataChanged.emit(self.index(min(rows)), self.index(max(rows)))


def title_of(asset: Asset) -> str:
    return titles.title_of(asset, short_gist(asset.request), tr)


def file_name(asset: Asset) -> str:
    """A name, without suffix, for copies of a work and for what is exported of it."""
    return safe_name(asset.title or " ".join(gist(asset.request).replace("·", " ").split()), asset.id)
