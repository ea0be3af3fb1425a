"""Loads thumbnails, and the first words of texts, in a background thread."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage, QPixmap

from studio.errors import StudioError
from studio.library.library import Asset, Library
from studio.media import codecs
from studio.ui.widgets.lru_cache import LruCache

T = TypeVar("T")

KEPT = 48 * 2**20  # bytes of pictures in memory; a screen full of them takes 5 to 30 million
FACES = 40 * 2**20  # bytes of drawn tiles, of all views together
SLIGHT = 2000  # bytes that a work without a picture counts for
WANTED = 160  # pictures that wait to be read one by one: what was asked for long ago is forgotten
TOGETHER = 0.03  # seconds of reading whose pictures are handed over, and so painted, together
THUMBNAIL = 256
EXCERPT = 600  # bytes of a text that stand for a picture of it


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """What a tile shows of a work: its picture, or the first words of its text, or neither."""

    picture: QPixmap | None
    words: str


class ThumbnailLoader(QObject):
    """Read by a thread of its own: first what can be seen, then what was asked for last. `ready` gives the ids of those
    that have come, several together. `tiles` keeps the drawn tiles of all views, which share one limit of memory.
    """

    ready = Signal(object)
    _arrived = Signal(object)

    def __init__(self, library: Library, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self.tiles: LruCache[Hashable, tuple[Hashable, QPixmap]] = LruCache(FACES)
        self._kept: LruCache[str, Thumbnail] = LruCache(KEPT)
        self._lock = threading.Lock()  # around the next three, and `_reading`
        self._looked: deque[str] = deque()
        self._wanted: OrderedDict[str, None] = OrderedDict()
        self._coming: set[str] = set()  # read, or being read, and not handed over yet
        self._reading = False
        self._closing = False
        self._pool = ThreadPoolExecutor(1, "thumbnails")
        self._arrived.connect(self._keep)

    def get(self, asset: Asset) -> QPixmap | None:
        """The thumbnail, or None while it is being read and for works that have none."""
        seen = self._kept.get(asset.id)
        if seen is None:
            self._want(asset.id)
        return None if seen is None else seen.picture

    def loaded(self, id: str) -> Thumbnail | None:
        """The thumbnail as it was read; None until then. `get` and `prioritise` have it read."""
        return self._kept.get(id)

    def is_loaded(self, id: str) -> bool:
        """Whether it has been read, and so whether a work without a picture has none."""
        return id in self._kept

    def words(self, id: str) -> str:
        """The first words of a text, once they have been read."""
        seen = self._kept.get(id)
        return "" if seen is None else seen.words

    def prioritise(self, ids: Iterable[str]) -> None:
        """Read these first, in their order: they are visible, or will be in a moment. What was
        looked at before, and is not among them, is forgotten where it has not been read.
        """
        with self._lock:
            self._looked = deque(id for id in ids if id not in self._kept and id not in self._coming)
        self._start()

    def submit(self, question: Callable[[], T]) -> Future[T] | None:
        """Run a function on the thread that reads the library; after `close` it is ignored."""
        return None if self._closing else self._pool.submit(question)

    @property
    def closing(self) -> bool:
        """Whether the window has closed, and the library may be closed any moment."""
        return self._closing

    def close(self) -> None:
        self._closing = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _want(self, id: str) -> None:
        with self._lock:
            if id in self._coming or id in self._wanted:
                return
            self._wanted[id] = None
            while len(self._wanted) > WANTED:
                self._wanted.popitem(last=False)
        self._start()

    def _start(self) -> None:
        with self._lock:
            if self._reading or self._closing or not (self._looked or self._wanted):
                return
            self._reading = True
        self._pool.submit(self._read)

    def _read(self) -> None:
        """Read for a while and hand over the results; functions that were submitted run in between."""
        made: list[tuple[str, QImage, str]] = []
        until = time.perf_counter() + TOGETHER
        while not self._closing and time.perf_counter() < until and (id := self._next()):
            made.append((id, *self._one(id)))
        if made and not self._closing:
            self._arrived.emit(made)
        with self._lock:
            self._reading = False
        self._start()

    def _next(self) -> str:
        with self._lock:
            if self._looked:
                id = self._looked.popleft()
                self._wanted.pop(id, None)
            elif self._wanted:
                id, _ = self._wanted.popitem()
            else:
                return ""
            self._coming.add(id)
            return id

    def _one(self, id: str) -> tuple[QImage, str]:
        try:
            path = self._library.thumbnail(id, THUMBNAIL)
        except (StudioError, OSError):  # deleted meanwhile, or not to be read
            path = None
        image = QImage() if path is None else QImage(str(path))
        if image.isNull():
            return image, self._beginning(id)
        form = QImage.Format.Format_ARGB32_Premultiplied if image.hasAlphaChannel() else QImage.Format.Format_RGB32
        return image.convertToFormat(form), ""

    def _beginning(self, id: str) -> str:
        """The first words of a text file."""
        try:
            path = self._library.get(id).path
            if path.suffix not in codecs.TEXT_SUFFIXES:
                return ""
            with path.open("rb") as file:
                text = file.read(EXCERPT).decode("utf-8", "ignore")
        except (StudioError, OSError):
            return ""
        return text.split("<!--")[0].strip()

    def _keep(self, made: list[tuple[str, QImage, str]]) -> None:
        for id, image, words in made:
            picture = None if image.isNull() else QPixmap.fromImage(image)
            self._kept.put(id, Thumbnail(picture, words), max(SLIGHT, image.sizeInBytes()))
        with self._lock:
            self._coming.difference_update(id for id, *_ in made)
        self.ready.emit(frozenset(id for id, *_ in made))
