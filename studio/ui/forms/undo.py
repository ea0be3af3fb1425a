"""Undo and redo over immutable values."""

from __future__ import annotations

from typing import Generic, TypeVar

Value = TypeVar("Value")

LIMIT = 200  # steps back


class UndoHistory(Generic[Value]):
    """`value` is the current one. Consecutive steps of one kind, such as typing, are one step."""

    def __init__(self, start: Value) -> None:
        self.value = start
        self._before: list[Value] = []
        self._after: list[Value] = []
        self._kind = ""

    def step(self, value: Value, kind: str = "") -> None:
        """Add a step. Steps of the same `kind` are merged until `end_step`; those without a kind never are."""
        if value == self.value:
            return
        if not kind or kind != self._kind:
            self._before = [*self._before, self.value][-LIMIT:]
        self.value, self._kind = value, kind
        self._after = []

    def amend(self, value: Value) -> None:
        """Change the current value without a new step."""
        self.value = value

    def end_step(self) -> None:
        """Do not merge the next step with the last."""
        self._kind = ""

    @property
    def can_undo(self) -> bool:
        return bool(self._before)

    @property
    def can_redo(self) -> bool:
        return bool(self._after)

    def undo(self) -> Value:
        """The value before; the current one if there is none."""
        if self._before:
            self._after.append(self.value)
            self.value = self._before.pop()
        self.end_step()
        return self.value

    def redo(self) -> Value:
        """The value that was undone last; the current one if there is none."""
        if self._after:
            self._before.append(self.value)
            self.value = self._after.pop()
        self.end_step()
        return self.value
