"""Delivers the studio's news to the window's thread as a Qt signal."""

from __future__ import annotations

import threading

from PySide6.QtCore import QMetaObject, QObject, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication

from studio.studio import News, Studio
from studio.ui.widgets.page import timer


class Bridge(QObject):
    """Emits `news` in its own thread, at most once per job and kind in each frame of the screen.

    News is replaced by newer news of the same job and kind. How a job ended is never lost: see `JobWatcher`.
    """

    news = Signal(object)

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._pending: dict[tuple[str, str], News] = {}
        self._awake = False
        screen = QGuiApplication.primaryScreen()
        rate = screen.refreshRate() if screen is not None else 60.0
        self._timer = timer(self, self._deliver, round(1000 / min(60.0, max(20.0, rate))))
        self._unsubscribe = studio.subscribe(self._receive)

    def close(self) -> None:
        self._unsubscribe()
        self._timer.stop()
        with self._lock:
            self._pending.clear()
            self._awake = True  # events that are still on their way have no effect

    def library_changed(self) -> None:
        """Announce a change of the library that a view made itself."""
        from studio.studio import News

        self._receive(News("library"))

    def models_changed(self) -> None:
        """Announce that models were added or removed."""
        from studio.studio import News

        self._receive(News("models"))

    def _receive(self, news: News) -> None:
        """Called from any thread."""
        key = (news.kind, news.job.id if news.job is not None else "")
        with self._lock:
            self._pending[key] = news
            asleep, self._awake = not self._awake, True
        if asleep:
            QMetaObject.invokeMethod(self, "_wake", Qt.ConnectionType.QueuedConnection)

    @Slot()
    def _wake(self) -> None:
        self._timer.start()

    def _deliver(self) -> None:
        with self._lock:
            batch, self._pending = list(self._pending.values()), {}
            self._awake = False
        for news in batch:
            self.news.emit(news)
