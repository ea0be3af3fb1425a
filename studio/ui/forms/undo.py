"""Undo and redo: over immutable values, and over changes of the library; several histories in one order."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

Value = TypeVar("Value")

LIMIT = 200  # steps back
_moments = itertools.count(1)


def moment() -> int:
    """A number larger than all before, by which steps of different histories are put in order."""
    return next(_moments)


class History(Protocol):
    """Moments of a history: of its last step, which undo takes back, and of its last undo, which redo takes back; each
    0 where there is none. `changed_at`: the last new step, after which nothing older is redone.
    """

    @property
    def undo_at(self) -> int: ...
    @property
    def redo_at(self) -> int: ...
    @property
    def changed_at(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Undoable:
    """A history, and what steps back and forward in it."""

    history: History
    undo: Callable[[], object]
    redo: Callable[[], object]


def undo_and_redo(parts: Iterable[Undoable]) -> dict[str, Callable[[], object]]:
    """The commands that take back the last thing that was done in any of these, and the last undo."""
    all_ = list(parts)
    last = max(all_, key=lambda part: part.history.undo_at)
    undone = max(all_, key=lambda part: part.history.redo_at)
    found: dict[str, Callable[[], object]] = {}
    if last.history.undo_at:
        found["undo"] = last.undo
    if undone.history.redo_at > max(part.history.changed_at for part in all_):
        found["redo"] = undone.redo
    return found


class UndoHistory(Generic[Value]):
    """`value` is the current one. Consecutive steps of one kind, such as typing, are one step."""

    def __init__(self, start: Value) -> None:
        self.value = start
        self._before: list[Value] = []
        self._after: list[Value] = []
        self._kind = ""
        self._done_at: list[int] = []  # moments of the steps to `value`, as `_before`
        self._undone_at: list[int] = []  # as `_after`
        self.changed_at = 0

    @property
    def undo_at(self) -> int:
        return self._done_at[-1] if self._done_at else 0

    @property
    def redo_at(self) -> int:
        return self._undone_at[-1] if self._undone_at else 0

    def step(self, value: Value, kind: str = "") -> None:
        """Add a step. Steps of the same `kind` are merged until `end_step`; those without a kind never are."""
        if value == self.value:
            return
        self.changed_at = moment()
        if not kind or kind != self._kind:
            self._before = [*self._before, self.value][-LIMIT:]
            self._done_at = [*self._done_at, self.changed_at][-LIMIT:]
        else:
            self._done_at[-1] = self.changed_at
        self.value, self._kind = value, kind
        self._after, self._undone_at = [], []

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
            self._undone_at.append(moment())
            self.value = self._before.pop()
            self._done_at.pop()
        self.end_step()
        return self.value

    def redo(self) -> Value:
        """The value that was undone last; the current one if there is none."""
        if self._after:
            self._before.append(self.value)
            self._done_at.append(moment())
            self.value = self._after.pop()
            self._undone_at.pop()
        self.end_step()
        return self.value


Outcome = Literal["done", "failed", "gone"]
"""How a step back or forward went: done; failed, and can be tried again; or what it changes exists no more."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """Something that was done and can be taken back. Each call says why where it could not. Without `redo` it cannot be
    done again.
    """

    undo: Callable[[], Outcome]
    redo: Callable[[], Outcome] | None = None


class ChangeHistory:
    """Changes of works and characters, newest last. `changed` is called after each.

    A step that fails leaves its change where it was, to be tried again; one whose works are gone is forgotten.
    """

    def __init__(self, changed: Callable[[], object]) -> None:
        self._announce = changed
        self._before: list[tuple[int, Change]] = []
        self._after: list[tuple[int, Change]] = []
        self.changed_at = 0

    @property
    def undo_at(self) -> int:
        return self._before[-1][0] if self._before else 0

    @property
    def redo_at(self) -> int:
        return self._after[-1][0] if self._after else 0

    def add(self, change: Change) -> None:
        self.changed_at = moment()
        self._before = [*self._before, (self.changed_at, change)][-LIMIT:]
        self._after = []
        self._announce()

    def undo(self, change: Change | None = None) -> None:
        """Take back this change, or the last one; nothing happens where it was taken back already."""
        found = next((pair for pair in reversed(self._before) if change in (None, pair[1])), None)
        if found is not None:
            self._step(found, found[1].undo, self._before, self._after if found[1].redo is not None else None)

    def redo(self) -> None:
        if self._after and (redo := self._after[-1][1].redo) is not None:
            self._step(self._after[-1], redo, self._after, self._before)

    def failed_later(self, change: Change) -> None:
        """A step of this change that counted as done, and went on in the background, has failed: it is still to do."""
        for here, there in ((self._before, self._after), (self._after, self._before)):
            found = next((pair for pair in here if pair[1] is change), None)
            if found is not None and change.redo is not None:
                here.remove(found)
                there.append((moment(), change))
                self._announce()
                return

    def _step(
        self,
        pair: tuple[int, Change],
        step: Callable[[], Outcome],
        here: list[tuple[int, Change]],
        there: list[tuple[int, Change]] | None,
    ) -> None:
        outcome = step()
        if outcome != "failed" and pair in here:
            here.remove(pair)
            if outcome == "done" and there is not None:
                there.append((moment(), pair[1]))
        self._announce()
