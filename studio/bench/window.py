"""Bench of the window's start, warm and cold, its idle memory, and what it has not imported."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio.bench.child import measure
from studio.bench.measurement import BenchSettings, Measurement

WARM_SECONDS, COLD_SECONDS = 1.0, 2.0
MEMORY = 150.0  # MB of PSS: memory that is shared with other processes counts in part
TIMES = 5


def lines(setting: BenchSettings) -> Iterator[Measurement]:
    first = _open(setting, idle=0.2 if setting.toy else 3.0)
    memory = first["memory"] / 1e6
    more = {"platform": first["platform"]}
    yield Measurement("window.memory", memory, "MB", MEMORY, more=more)
    yield Measurement("window.heavy", len(first["heavy"]), "modules", 0, more={**more, "found": first["heavy"]})
    warm = [_open(setting) for _ in range(1 if setting.toy else TIMES)]
    seconds = [each["seconds"] for each in warm]
    processor = statistics.median(each["processor"] for each in warm)
    more |= {"worst_s": max(seconds), "processor_s": processor, "times": len(seconds)}
    yield Measurement("window.warm", statistics.median(seconds), "s", WARM_SECONDS, more=more)
    if hasattr(os, "posix_fadvise"):
        forgotten = sum(map(_forget, first["files"]))
        cold = _open(setting)
        more = {"platform": first["platform"], "processor_s": cold["processor"], "files_dropped": forgotten}
        yield Measurement("window.cold", cold["seconds"], "s", COLD_SECONDS, more=more)


def _open(setting: BenchSettings, idle: float = 0.0) -> dict[str, Any]:
    told = {"what": "opening", "bundled": str(setting.bundled), "engine": setting.engine, "idle": idle}
    return measure("studio.bench.live_window", {**told, "start": time.monotonic()})


def _forget(path: str) -> bool:
    """Drop a file from the system's memory, so that the next start reads it from the disk; whether that was possible.

    Pages that another process has mapped stay.
    """
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(file)
    return Path(path).is_file()
