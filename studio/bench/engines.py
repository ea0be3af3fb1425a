"""Bench of the engines beside plain library calls: same weights, dtype, threads, steps and outputs."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from studio.backends import MEDIA
from studio.bench.child import measure
from studio.bench.measurement import BenchSettings, Measurement
from studio.models.catalog import Catalog

SLOWER = 1.1  # how much an engine may take of what the plain call takes; previews, cancels and checks are in it
TIMES = {"avatar": 15, "poster": 5, "story": 5, "music": 3}


def lines(setting: BenchSettings) -> Iterator[Measurement]:
    catalog = Catalog(setting.bundled)
    names = [medium.name for medium in MEDIA if catalog.models(medium.name)]
    # Each in a process of its own, so that none runs in the memory that another left; toys share one.
    for group in [names] if setting.toy else [[name] for name in names]:
        times = {name: 1 if setting.toy else TIMES[name] for name in group}
        found = measure(
            "studio.bench.engine.engine_overhead", {"times": times, "bundled": str(setting.bundled), "toy": setting.toy}
        )
        yield from (_line(name, found[name]) for name in group)


def _line(name: str, found: dict[str, Any]) -> Measurement:
    ours, plain = found.pop("ours"), found.pop("plain")
    # Of pairs that ran one after the other, so that what else the machine does weighs on both alike.
    ratio, busy = (statistics.median(a[i] / b[i] for a, b in zip(ours, plain, strict=True)) for i in (0, 1))
    typical = statistics.median(seconds for seconds, _ in plain)
    if found["device"] == "cpu":
        del found["device"]  # the processor's own name says more
    more = {"plain_s": typical, "processor_ratio": busy, "times": len(ours), **found}
    return Measurement(f"engines.{name}", ratio * typical, "s", SLOWER * typical, ratio, more)
