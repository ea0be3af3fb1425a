"""Bench of StyleGAN2 synthesis beside a plain version of the paper."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from studio.bench.child import measure
from studio.bench.measurement import BenchSettings, Measurement

FASTER = 1.5  # times ours is faster than the plain version at least


def lines(setting: BenchSettings) -> Iterator[Measurement]:
    found = measure("studio.bench.engine.generator_speed", {"toy": setting.toy, "bundled": str(setting.bundled)})
    for name, one in found["cpu"].items():
        yield _line(name, one)
    for one in found["cuda"]:
        more = {"share_of_matmul": one["share"], "batch": one["count"], "dtype": "float16"}
        yield Measurement(f"generator.cuda.{one['size']}", one["per_second"], "pictures/s", more=more)


def _line(name: str, found: dict[str, Any]) -> Measurement:
    count, ours, plain = found["count"], found["ours"], found["plain"]
    # Pairs ran one after the other, so that what else the machine does weighs on both alike.
    ratio, busy = (statistics.median(a[i] / b[i] for a, b in zip(ours, plain, strict=True)) for i in (0, 1))
    typical = statistics.median(seconds for seconds, _ in plain) / count * 1000
    more = {
        "times_faster": 1 / ratio,
        "processor_ratio": busy,
        "pictures_per_second": 1000 / (ratio * typical),
        "batch": count,
        "size": found["size"],
        "threads": found["threads"],
        "differs": found["differs"],
    }
    return Measurement(f"generator.{name}", ratio * typical, "ms", typical / FASTER, ratio, more)
