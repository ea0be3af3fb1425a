"""Bench of event latency in the window's thread while an engine works."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from studio.backends import MEDIA
from studio.bench.child import measure
from studio.bench.measurement import BenchSettings, Measurement
from studio.errors import StudioError

BOUND = 16.0  # milliseconds, a frame of the screen
SECONDS = 10.0


def lines(setting: BenchSettings) -> Iterator[Measurement]:
    for medium in MEDIA[:1] if setting.toy else MEDIA:
        told = {"what": "working", "medium": medium.name, "seconds": 0.5 if setting.toy else SECONDS}
        found = measure("studio.bench.live_window", {**told, "bundled": str(setting.bundled), "engine": setting.engine})
        if found["failed"]:
            raise StudioError("The {name} job failed: {reason}", name=medium.name, reason=found["failed"])
        idle, busy = sorted(found["idle"]), sorted(found["busy"])
        more = {
            "p50_ms": _share(busy, 0.5),
            "p999_ms": _share(busy, 0.999),
            "worst_ms": _share(busy, 1.0),
            "idle_p99_ms": _share(idle, 0.99),
            "events": len(busy),
            "jobs": found["jobs"],
        }
        yield Measurement(f"latency.{medium.name}", _share(busy, 0.99), "ms", BOUND, more=more)


def _share(ordered: Sequence[float], share: float) -> float:
    """The delay that this share of events did not exceed, in milliseconds."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000
