"""LRU cache bounded by the total size of its entries."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LruCache(Generic[K, V]):
    """Holds entries up to `limit` bytes in total; the newest is always kept."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.weight = 0
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def __contains__(self, key: K) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """The value of the key; None if there is none."""
        found = self._entries.get(key)
        if found is None:
            return None
        self._entries.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, weight: int) -> None:
        """Store a value of `weight` bytes, in place of the key's older one."""
        before = self._entries.pop(key, None)
        self._entries[key] = (value, weight)
        self.weight += weight - (before[1] if before is not None else 0)
        while self.weight > self.limit and len(self._entries) > 1:
            _, (_, less) = self._entries.popitem(last=False)
            self.weight -= less
