"""Small pictures of works and the first words of texts, read aside; knows neither lists nor how a work is drawn."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage, QPixmap

from studio import codecs
from studio.errors import StudioError
from studio.library import Asset, Library

KEPT = 48 * 2**20  # bytes of pictures in memory; a screen full of them takes 5 to 30 million
WANTED = 160  # pictures that wait to be read: more than any screen shows, so that what scrolled away is forgotten
THUMBNAIL = 256
EXCERPT = 600  # bytes of a text that stand for a picture of it


class Thumbnails(QObject):
    """Read by a thread of its own; the one asked for last is read first. `ready` gives the id of each that has come."""

    ready = Signal(str)
    _arrived = Signal(str, QImage, str)

    def __init__(self, library: Library, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._kept: OrderedDict[str, QPixmap | None] = OrderedDict()
        self._bytes = 0
        self._words: dict[str, str] = {}
        self._wanted: OrderedDict[str, None] = OrderedDict()
        self._asked: set[str] = set()
        self._lock = threading.Lock()
        self._closing = False
        self._pool = ThreadPoolExecutor(1, "thumbnails")
        self._arrived.connect(self._keep)

    def get(self, asset: Asset) -> QPixmap | None:
        """The thumbnail, or None while it is being read and for works that have none."""
        if asset.id in self._kept:
            self._kept.move_to_end(asset.id)
            return self._kept[asset.id]
        if not self._closing and asset.id not in self._asked:
            self._asked.add(asset.id)
            with self._lock:
                self._wanted[asset.id] = None
                while len(self._wanted) > WANTED:
                    gone, _ = self._wanted.popitem(last=False)
                    self._asked.discard(gone)
            self._pool.submit(self._read)
        return None

    def known(self, id: str) -> bool:
        """Whether it has been read, and so whether a work without a picture has none."""
        return id in self._kept

    def words(self, id: str) -> str:
        """How a text begins, once it has been read."""
        return self._words.get(id, "")

    def aside(self, question: Callable[[], object]) -> None:
        """Ask the library something in the thread that reads it; after `close` nothing is asked any more."""
        if not self._closing:
            self._pool.submit(question)

    @property
    def closing(self) -> bool:
        """Whether the window has closed, and the library may be closed any moment."""
        return self._closing

    def close(self) -> None:
        self._closing = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _read(self) -> None:
        with self._lock:
            if not self._wanted:
                return
            id, _ = self._wanted.popitem()
        try:
            path = self._library.thumbnail(id, THUMBNAIL)
        except StudioError:
            path = None
        image = QImage() if path is None else QImage(str(path))
        words = self._beginning(id) if image.isNull() else ""
        if not self._closing:
            self._arrived.emit(id, image, words)

    def _beginning(self, id: str) -> str:
        """The first words of a text, which stand for a picture of it."""
        try:
            path = self._library.get(id).path
            if path.suffix not in codecs.TEXT_SUFFIXES:
                return ""
            with path.open("rb") as file:
                text = file.read(EXCERPT).decode("utf-8", "ignore")
        except (StudioError, OSError):
            return ""
        return text.split("<!--")[0].strip()

    def _keep(self, id: str, image: QImage, words: str) -> None:
        self._asked.discard(id)
        if words:
            self._words[id] = words
        self._kept[id] = None if image.isNull() else QPixmap.fromImage(image)
        self._bytes += image.sizeInBytes()
        while self._bytes > KEPT or len(self._kept) > 4 * WANTED:
            gone, picture = self._kept.popitem(last=False)
            self._bytes -= 0 if picture is None else picture.width() * picture.height() * picture.depth() // 8
            self._words.pop(gone, None)
        self.ready.emit(id)
