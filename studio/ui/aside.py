"""One thread for what takes longer than a frame, its outcome brought back to the window; knows not what it does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from PySide6.QtCore import QObject, Signal

T = TypeVar("T")


class Aside(QObject):
    """What is asked for is done in its order. `stopping` is set once the window closes: work in parts then ends early,
    and nothing is called back any more.
    """

    _ended = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.stopping = threading.Event()
        self._pool = ThreadPoolExecutor(1, "aside")
        self._ended.connect(self._call)

    def run(
        self, work: Callable[[], T], then: Callable[[T], object], failed: Callable[[BaseException], object]
    ) -> None:
        """Do the work in the thread; then, in the window's thread, `then(what came of it)` or `failed(error)`."""
        if self.stopping.is_set():
            return

        def done() -> None:
            try:
                made = work()
            except Exception as error:  # noqa: BLE001 - whatever ended it is handed to `failed`, in the window's thread
                call = lambda error=error: failed(error)  # noqa: E731
            else:
                call = lambda: then(made)  # noqa: E731
            if not self.stopping.is_set():
                self._ended.emit(call)

        self._pool.submit(done)

    def close(self) -> None:
        """Wait for the part of the work that is being done."""
        self.stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _call(self, call: Callable[[], object]) -> None:
        if not self.stopping.is_set():
            call()
