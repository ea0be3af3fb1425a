"""Undo and redo over immutable values."""

from __future__ import annotations

from typing import Generic, TypeVar

Value = TypeVar("Value")

LIMIT = 200  # steps back


class UndoHistory(Generic[Value]):
    """`now` is what stands. Steps of one kind that follow each other closely are one step, as typing a word is."""

    def __init__(self, start: Value) -> None:
        self.value = start
        self._before: list[Value] = []
        self._after: list[Value] = []
        self._kind = ""

    def step(self, value: Value, kind: str = "") -> None:
        """Something was changed. Steps of the same `kind` become one until `seal`; those without a kind never do."""
        if value == self.value:
            return
        if not kind or kind != self._kind:
            self._before = [*self._before, self.value][-LIMIT:]
        self.value, self._kind = value, kind
        self._after = []

    def amend(self, value: Value) -> None:
        """What stands was changed by nobody's hand: no step of its own."""
        self.value = value

    def end_step(self) -> None:
        """The next step is one of its own, whatever its kind."""
        self._kind = ""

    @property
    def can_undo(self) -> bool:
        return bool(self._before)

    @property
    def can_redo(self) -> bool:
        return bool(self._after)

    def undo(self) -> Value:
        """What stood before; what stands where there is nothing before."""
        if self._before:
            self._after.append(self.value)
            self.value = self._before.pop()
        self.end_step()
        return self.value

    def redo(self) -> Value:
        """What was taken back last."""
        if self._after:
            self._before.append(self.value)
            self.value = self._after.pop()
        self.end_step()
        return self.value
