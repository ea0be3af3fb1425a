"""Thumbnails: visible ones are read first, skipped ones never, results arrive together."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from studio.bench import library as bench
from studio.library.library import Library
from studio.ui.library.thumbnails import ThumbnailLoader
from studio.ui.widgets.lru_cache import LruCache
from tests.ui.conftest import Room


@pytest.fixture
def library(tmp_path: Any) -> Iterator[Library]:
    bench.fill(tmp_path, 60)
    made = Library(tmp_path)
    made.rebuild()
    yield made
    made.close()


@pytest.fixture
def thumbnails(room: Room, library: Library) -> Iterator[ThumbnailLoader]:
    made = ThumbnailLoader(library)
    yield made
    made.close()


def test_visible_thumbnails_are_read_first_and_skipped_ones_never(
    room: Room, library: Library, thumbnails: ThumbnailLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = library.ids()
    read: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def slowly(id: str, size: int) -> None:
        read.append(id)
        begun.set()
        go_on.wait(5)

    monkeypatch.setattr(library, "thumbnail", slowly)
    told: list[frozenset[str]] = []
    thumbnails.ready.connect(told.append)
    thumbnails.get(library.get(ids[0]))
    assert begun.wait(5)
    thumbnails.get(library.get(ids[1]))
    thumbnails.prioritise(ids[10:14])
    thumbnails.prioritise(ids[12:16])  # scrolled on before the first could be read
    go_on.set()
    room.until(lambda: thumbnails.is_loaded(ids[1]))
    assert read == [ids[0], *ids[12:16], ids[1]]
    assert sorted(id for together in told for id in together) == sorted(read)
    assert len(told) < len(read)
    thumbnails.prioritise(ids[12:16])
    room.settle()
    assert len(read) == 6  # what is known is not read again


def test_a_thumbnail_that_is_gone_does_not_stop_the_others(
    room: Room, library: Library, thumbnails: ThumbnailLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = library.page(limit=2)

    def deleted(id: str, size: int) -> None:
        if id == first.id:
            raise FileNotFoundError(errno.ENOENT, "it was deleted meanwhile")

    monkeypatch.setattr(library, "thumbnail", deleted)
    for asset in (second, first):  # the last that is asked for is read first
        thumbnails.get(asset)
    room.until(lambda: thumbnails.is_loaded(first.id) and thumbnails.is_loaded(second.id))


def test_an_lru_cache_keeps_to_its_limit() -> None:
    cache: LruCache[str, int] = LruCache(10)
    for at, name in enumerate("abc"):
        cache.put(name, at, 3)
    assert cache.get("a") == 0
    cache.put("d", 3, 3)
    assert [name in cache for name in "abcd"] == [True, False, True, True]
    cache.put("d", 4, 1)
    assert (cache.get("d"), cache.weight, len(cache)) == (4, 7, 3)
    cache.put("e", 5, 99)  # heavier than all that may be kept: it is what is needed now
    assert (cache.get("e"), len(cache), cache.weight) == (5, 1, 99)
