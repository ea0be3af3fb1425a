"""Work that takes a while, done in a thread of its own and answered in the window's; knows nothing of what it does."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QObject, Signal

from studio.errors import StudioError

_T = TypeVar("_T")


class Aside(QObject):
    """Runs work beside the window. After `close` nothing is answered any more."""

    _ended = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.closing = threading.Event()
        self._ended.connect(self._answer)

    def run(
        self, work: Callable[[], _T], then: Callable[[_T], object], otherwise: Callable[[StudioError], object]
    ) -> None:
        """`then` gets what the work returns, `otherwise` an error in words; any other error surfaces in the window."""

        def whole() -> None:
            answer: Callable[[], object]
            try:
                answer = functools.partial(then, work())
            except StudioError as error:
                answer = functools.partial(otherwise, error)
            except Exception as error:  # noqa: BLE001 - raised again where the window shows it
                answer = functools.partial(_surface, error)
            if not self.closing.is_set():
                with contextlib.suppress(RuntimeError):  # the window went while the work ended
                    self._ended.emit(answer)

        threading.Thread(target=whole, name="aside", daemon=True).start()

    def close(self) -> None:
        self.closing.set()

    def _answer(self, answer: Callable[[], object]) -> None:
        if not self.closing.is_set():
            answer()


def _surface(error: Exception) -> None:
    raise error
