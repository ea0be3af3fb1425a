"""Bench of a frame of each stage while an engine works; 16 ms are 60 frames a second."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from studio.bench.child import measure
from studio.bench.measurement import BenchSettings, Measurement

BOUND = 1000 / 60  # milliseconds
FRAMES = 300
MEDIUM = "poster"


def lines(setting: BenchSettings) -> Iterator[Measurement]:
    told = {"frames": 12 if setting.toy else FRAMES, "medium": MEDIUM}
    found = measure("studio.bench.live_stages", {**told, "bundled": str(setting.bundled), "engine": setting.engine})
    for name in ("waveform", "preview", "pan"):
        idle, working = found[f"{name}.idle"], found[f"{name}.busy"]
        busy = sorted(working["seconds"])
        more = {
            "p50_ms": statistics.median(busy) * 1000,
            "worst_ms": busy[-1] * 1000,
            "processor_ms": working["processor"] * 1000,
            "idle_p50_ms": statistics.median(idle["seconds"]) * 1000,
            "frames": len(busy),
            "jobs": found["jobs"],
            "platform": found["platform"],
        }
        late = busy[min(len(busy) - 1, int(len(busy) * 0.95))]
        yield Measurement(f"stages.{name}", late * 1000, "ms", BOUND, more=more)
