"""Benches of a library of 25,000 works: listing, search, paging, and scrolling its page."""

from __future__ import annotations

import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from studio.backends import MEDIA
from studio.bench.measurement import BenchSettings, Measurement, measure, percentile
from studio.errors import StudioError
from studio.library.asset import AssetRecord, LibraryQuery
from studio.library.library import Library
from studio.media.provenance import ModelOrigin, Provenance

WORKS = 25_000
BOUND = 50.0  # milliseconds
TIMES = 15
FIRST_PICTURES = 100.0  # milliseconds
FRAME = 1000 / 60  # milliseconds
SCROLL_SECONDS = 6.0
START = 1_700_000_000
PLACES = ("coast", "mountains", "forest", "desert", "harbour", "village", "island", "city", "河边", "古城")
THINGS = ("lighthouse", "balloon", "sailing boat", "train", "bridge", "fox", "windmill", "灯塔", "月亮", "帆船")
TIMES_OF_DAY = ("at dawn", "at noon", "at sunset", "by night", "in the rain", "in snow", "黄昏时")


def lines(setting: BenchSettings) -> Iterator[Measurement]:
    works = 200 if setting.toy else WORKS
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as folder:
        fill(Path(folder), works)
        library = Library(Path(folder))
        try:
            start = time.perf_counter()
            found = library.rebuild()
            yield Measurement("library.rebuild", time.perf_counter() - start, "s", more={"works": found})
            for name, ask in queries(library, works).items():
                ask()
                busy = time.process_time()
                taken = [_seconds(ask) for _ in range(TIMES)]
                busy = (time.process_time() - busy) / TIMES
                more = {"works": found, "worst_ms": max(taken) * 1000, "processor_ms": busy * 1000}
                yield Measurement(f"library.{name}", statistics.median(taken) * 1000, "ms", BOUND, more=more)
        finally:
            library.close()


def scrolling(setting: BenchSettings) -> Iterator[Measurement]:
    """The library page: its first pictures, and frames while it scrolls, idle and while an engine works."""
    works = 300 if setting.toy else WORKS
    medium = MEDIA[0].name
    told = {"works": works, "medium": medium, "seconds": 0.2 if setting.toy else SCROLL_SECONDS}
    found = measure("studio.bench.live.library", {**told, **setting.to_json()})
    if found["state"] == "failed":
        raise StudioError("The {medium} job failed.", medium=medium)
    yield Measurement("scrolling.first", found["first"] * 1000, "ms", FIRST_PICTURES, more={"works": works})
    more = {"works": works, "worst_ms": max(found["landed"]) * 1000, "times": len(found["landed"])}
    yield Measurement("scrolling.landed", statistics.median(found["landed"]) * 1000, "ms", more=more)
    for name in ("idle", "jump", "busy"):
        frames = sorted(found[name])
        more = {
            "works": works,
            "p50_ms": statistics.median(frames) * 1000,
            "worst_ms": frames[-1] * 1000,
            "frames": len(frames),
            "late": sum(each * 1000 > FRAME for each in frames),
        }
        yield Measurement(f"scrolling.{name}", percentile(frames, 0.99) * 1000, "ms", FRAME, more=more)


def queries(library: Library, works: int) -> dict[str, Callable[[], object]]:
    """What views ask all day: the first page, one far down, searches that find much, little, nothing, and Chinese."""

    def search(text: str) -> Callable[[], object]:
        return lambda: (library.page(LibraryQuery(text=text)), library.count(LibraryQuery(text=text)))

    return {
        "list": lambda: (library.page(), library.count()),
        "page": lambda: library.page(offset=works * 4 // 5),
        "filter": lambda: library.page(LibraryQuery(medium="poster", favourite=True)),
        "tag": lambda: (library.page(LibraryQuery(tag="tag 7")), library.tags()),
        "search.common": search("lighthouse"),
        "search.two": search("fox dawn"),
        "search.rare": search(f"number {works // 2} "),
        "search.none": search("hippopotamus"),
        "search.chinese": search("灯塔"),
    }


def fill(folder: Path, works: int) -> None:
    """Write works and sidecars as a library keeps them; the index is made from them after."""
    media = ("avatar", "poster", "story", "music")
    for i in range(works):
        medium = media[i % 4]
        created = START + i * 600.0
        name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(created))}-{i:08x}"
        month = f"{name[:4]}-{name[4:6]}"
        prompt = f"{THINGS[i % 10]} {PLACES[i // 10 % 10]} {TIMES_OF_DAY[i % 7]}, number {i} of many"
        text = prompt.encode()
        record = AssetRecord(
            id=name,
            order=int(created * 1e6),
            medium=medium,
            file=f"{month}/{name}.md",
            created=created,
            sha256=hashlib.sha256(text).hexdigest(),
            size=len(text),
            title=prompt,
            favourite=i % 11 == 0,
            tags=(f"tag {i % 23}",) if i % 3 == 0 else (),
            request={"kind": medium, "prompt": prompt, "seed": i, "model": f"{medium}-starter", "steps": 24},
            provenance=Provenance(studio="0.1.0", model=ModelOrigin(f"{medium}-starter"), seed=i),
        )
        path = record.path_in(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
        record.sidecar_in(folder).write_text(record.to_json(), encoding="utf-8")


def _seconds(ask: Callable[[], object]) -> float:
    start = time.perf_counter()
    ask()
    return time.perf_counter() - start
