"""Work that takes a while, done in a thread of its own and answered in the window's; knows nothing of what it does.

Unlike a pool it is never waited for: a window closes at once, whatever its machine or its disks are still busy with.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Signal

from studio.errors import StudioError

_T = TypeVar("_T")


class Aside(QObject):
    """Runs work beside the window. After `close` nothing is answered any more."""

    _ended = Signal(int, object, object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.closing = threading.Event()
        # Kept here and not by the thread: a thread that outlives the window must not hold its widgets.
        self._waiting: dict[int, tuple[Callable[[Any], object], Callable[[StudioError], object]]] = {}
        self._number = 0
        self._ended.connect(self._answer)

    def run(
        self, work: Callable[[], _T], then: Callable[[_T], object], otherwise: Callable[[StudioError], object]
    ) -> None:
        """`then` gets what the work returns, `otherwise` an error in words; any other error surfaces in the window.

        `work` must not hold widgets, since it may outlive them.
        """
        self._number += 1
        number = self._number
        self._waiting[number] = (then, otherwise)

        def whole() -> None:
            made, failed = None, None
            try:
                made = work()
            except Exception as error:  # noqa: BLE001 - handed to the window's thread, whatever it is
                failed = error
            if not self.closing.is_set():
                with contextlib.suppress(RuntimeError):  # the window went while the work ended
                    self._ended.emit(number, made, failed)

        threading.Thread(target=whole, name="aside", daemon=True).start()

    def close(self) -> None:
        self.closing.set()
        self._waiting.clear()

    def _answer(self, number: int, made: Any, failed: Exception | None) -> None:
        if number not in self._waiting:
            return
        then, otherwise = self._waiting.pop(number)
        if failed is None:
            then(made)
        elif isinstance(failed, StudioError):
            otherwise(failed)
        else:
            raise failed
