"""Work done beside the window's thread for one widget: the newest wins, and its answer comes back to the widget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QThreadPool, Signal

from studio.errors import StudioError

_T = TypeVar("_T")


def or_why(work: Callable[[], _T]) -> _T | StudioError:
    """What the work gives, or the words why it gives nothing: an answer too, for whoever asked."""
    try:
        return work()
    except StudioError as error:
        return error


class _Wire(QObject):
    """The way back to the window's thread: all that the working thread holds, since it may outlive the widget."""

    came = Signal(int, object, object)


class Beside(QObject):
    """Answers of what was asked before are dropped, and so is every answer to a widget that is gone.

    An error in the work is raised where its answer would have been heard; `or_why` makes answers of those in words.
    """

    def __init__(self, owner: QObject) -> None:
        super().__init__(owner)
        self._turn = 0
        self._then: Callable[[Any], object] | None = None
        self._wire = _Wire()
        self._wire.came.connect(self._hear)

    @property
    def busy(self) -> bool:
        return self._then is not None

    def ask(self, work: Callable[[], Any], then: Callable[[Any], object]) -> None:
        """Have `work`, which must hold no widget, done in another thread, and `then` called here with what it gives."""
        self._turn += 1
        self._then = then
        turn, wire = self._turn, self._wire

        def run() -> None:
            try:
                made, error = work(), None
            except Exception as failed:  # noqa: BLE001 - it is raised again in the window's thread
                made, error = None, failed
            wire.came.emit(turn, made, error)

        QThreadPool.globalInstance().start(run)

    def drop(self) -> None:
        """Nobody wants the answer any more."""
        self._turn += 1
        self._then = None

    def _hear(self, turn: int, made: object, error: Exception | None) -> None:
        then = self._then
        if turn != self._turn or then is None:
            return
        self._then = None
        if error is not None:
            raise error
        then(made)
