"""Bench of switching pages of the window, until the new one is painted."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from studio.bench.child import measure
from studio.bench.measurement import BenchSettings, Measurement

SECONDS = 0.05
TURNS = 10


def lines(setting: BenchSettings) -> Iterator[Measurement]:
    told = {
        "what": "turning",
        "bundled": str(setting.bundled),
        "engine": setting.engine,
        "turns": 1 if setting.toy else TURNS,
    }
    found = measure("studio.bench.live_window", told)
    for page, seconds in found["pages"].items():
        work = statistics.median(found["work"][page])
        more = {"platform": found["platform"], "worst_s": max(seconds), "processor_s": work, "times": len(seconds)}
        yield Measurement(f"pages.{page}", statistics.median(seconds), "s", SECONDS, more=more)
