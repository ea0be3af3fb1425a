"""A made-up index of many works, to measure lists and searches by; the works have no files."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from studio.asset import Record
from studio.library_index import Index

MEDIA = ("avatar", "poster", "story", "music")
_PLACES = ("a quiet harbour", "the old market", "a mountain pass", "the desert road", "海边的灯塔", "古城的小巷")
_TIMES = ("at dawn", "under heavy rain", "in the blue hour", "on a winter night", "日落时分", "雨后的清晨")
_MANNERS = ("flat shapes", "thin ink lines", "warm paper", "long shadows", "水彩", "剪纸")
_TAGS = ("travel", "draft", "client", "night", "favourites 2026", "旅行")


def fill(folder: Path, count: int = 25_000, seed: int = 0) -> None:
    """Fill the index of the library in `folder` with `count` works in place of what it held.

    Every work has a prompt of its own; one in a hundred carries the word "lighthouse", one in fifty a favourite.
    """
    index = Index(folder / "index.sqlite")
    try:
        index.prepare(lambda: ())
        index.fill(_works(count, random.Random(seed)))
    finally:
        index.close()


def _works(count: int, chance: random.Random) -> Iterator[Record]:
    for number in range(count):
        medium = chance.choice(MEDIA)
        words = [chance.choice(_PLACES), chance.choice(_TIMES), chance.choice(_MANNERS), f"take {number}"]
        if number % 100 == 0:
            words.append("with a lighthouse")
        created = 1_700_000_000.0 + number * 600
        name = f"20250101-{number:06d}"
        model = f"{medium}-starter"
        yield Record(
            id=name,
            order=int(created * 1e6),
            medium=medium,
            file=f"2025-01/{name}.png",
            created=created,
            sha256=f"{number:064x}",
            size=100_000,
            title=f"{words[0]} {number}",
            favourite=number % 50 == 0,
            tags=tuple(chance.sample(_TAGS, chance.choice((0, 0, 0, 1, 2)))),
            collections=("Journey",) if number % 20 == 0 else (),
            request={"kind": medium, "prompt": ", ".join(words), "model": model, "seed": number},
            provenance={"studio": "0.1.0", "model": {"id": model, "licence": "Apache-2.0"}, "device": "cpu"},
        )
