"""Differences between two JSON values, as a short list of changes that can be applied.

A change is {"at": [keys], ...} with "put": the new value there, "drop": true, or "cut": [start, count] of a text or
list with "put": what replaces it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

from studio.errors import BadInput

Change = dict[str, Any]

DEPTH_LIMIT = 60
INTEGER_LIMIT = 2**63  # beyond it, other readers of JSON lose digits, and far beyond, Python cannot write them
_SHORT = 48


def plain(value: object, depth: int = 0) -> Any:
    """A deep copy of `value`. Raises BadInput for what JSON cannot hold."""
    if depth > DEPTH_LIMIT:
        raise BadInput("This document is nested too deeply.")
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int) and -INTEGER_LIMIT <= value < INTEGER_LIMIT:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in cast("Sequence[object]", value)]
    if isinstance(value, dict):
        entries = cast("dict[object, object]", value)
        if all(isinstance(key, str) for key in entries):
            return {key: plain(item, depth + 1) for key, item in entries.items()}
    if isinstance(value, int):
        raise BadInput("A document cannot hold so large a number.")
    raise BadInput("A document cannot hold {value}.", value=f"{value!r:.60}")


def between(old: Any, new: Any) -> list[Change]:
    """The changes that turn `old` into `new`; none where they are equal."""
    changes: list[Change] = []
    _compare([], old, new, changes)
    return changes


def apply(value: Any, changes: Sequence[Change]) -> Any:
    """Apply the changes to the value in place and return it. Raises ValueError for changes that do not fit it."""
    box = {"": value}
    try:
        for change in changes:
            _apply(box, change)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError("these changes are of another value") from error
    return box[""]


def _compare(at: list[str | int], old: Any, new: Any, changes: list[Change]) -> None:
    if type(old) is not type(new):
        changes.append({"at": at, "put": new})
    elif isinstance(new, dict):
        _compare_entries(at, cast("dict[str, Any]", old), cast("dict[str, Any]", new), changes)
    elif isinstance(new, list):
        _compare_lists(at, cast("list[Any]", old), cast("list[Any]", new), changes)
    elif old != new:
        if isinstance(new, str) and len(new) > _SHORT:
            changes.append(_splice(at, old, new))
        else:
            changes.append({"at": at, "put": new})


def _compare_entries(at: list[str | int], old: dict[str, Any], new: dict[str, Any], changes: list[Change]) -> None:
    changes.extend({"at": [*at, key], "drop": True} for key in old if key not in new)
    for key, value in new.items():
        if key in old:
            _compare([*at, key], old[key], value, changes)
        else:
            changes.append({"at": [*at, key], "put": value})


def _compare_lists(at: list[str | int], old: list[Any], new: list[Any], changes: list[Change]) -> None:
    if len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            _compare([*at, index], before, after, changes)
    else:
        changes.append(_splice(at, old, new))


def _splice(at: list[str | int], old: Any, new: Any) -> Change:
    most = min(len(old), len(new))
    head = _shared(old, new, most)
    tail = _shared(old[::-1], new[::-1], most - head)
    return {"at": at, "cut": [head, len(old) - tail - head], "put": new[head : len(new) - tail]}


def _shared(a: Any, b: Any, most: int) -> int:
    """How many of the first `most` items are equal; by bisection, since comparing slices is fast."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if _same(a[low:middle], b[low:middle]):
            low = middle
        else:
            high = middle - 1
    return low


def _same(a: Any, b: Any) -> bool:
    # 1, 1.0 and True are equal to Python, but not the same to a reader of the file.
    return a == b and (isinstance(a, str) or not between(a, b))


def _apply(box: dict[str, Any], change: Change) -> None:
    at: list[Any] = ["", *change["at"]]
    holder: Any = box
    for key in at[:-1]:
        holder = holder[key]
    key = at[-1]
    if "drop" in change:
        del holder[key]
    elif "cut" in change:
        start, count = change["cut"]
        old = holder[key]
        if not 0 <= start <= start + count <= len(old):
            raise IndexError(start)
        holder[key] = old[:start] + change["put"] + old[start + count :]
    else:
        holder[key] = change["put"]
