"""Bench of the library page with 25,000 works: first pictures, and scrolling while an engine works."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from studio.bench.child import measure
from studio.bench.measurement import BenchSettings, Measurement
from studio.errors import StudioError

WORKS = 25_000
FIRST = 100.0  # milliseconds
FRAME = 1000 / 60
SECONDS = 6.0
MEDIUM = "avatar"


def lines(setting: BenchSettings) -> Iterator[Measurement]:
    works = 300 if setting.toy else WORKS
    told = {"works": works, "medium": MEDIUM, "seconds": 0.2 if setting.toy else SECONDS}
    found = measure("studio.bench.live_library", {**told, "bundled": str(setting.bundled), "engine": setting.engine})
    if found["state"] == "failed":
        raise StudioError("The {medium} job failed.", medium=MEDIUM)
    yield Measurement("scrolling.first", found["first"] * 1000, "ms", FIRST, more={"works": works})
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
        yield Measurement(f"scrolling.{name}", _share(frames, 0.99), "ms", FRAME, more=more)


def _share(ordered: Sequence[float], share: float) -> float:
    """The time that this share of frames did not exceed, in milliseconds."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000
