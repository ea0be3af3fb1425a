"""Benches of the window: start, idle memory, switching pages, event latency and frames while an engine works."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio.backends import MEDIA
from studio.bench.measurement import BenchSettings, Measurement, measure, percentile
from studio.errors import StudioError

WARM_SECONDS, COLD_SECONDS = 1.0, 2.0
MEMORY = 150.0  # MB of PSS: memory that is shared with other processes counts in part
STARTS = 5
PAGE_SECONDS = 0.05
PAGE_TURNS = 10
FRAME = 1000 / 60  # milliseconds
LATENCY = 16.0  # milliseconds
LATENCY_SECONDS = 10.0
FRAMES = 300
BUSY = MEDIA[1].name  # the diffusion model, whose jobs keep a processor busy for seconds


def start(setting: BenchSettings) -> Iterator[Measurement]:
    """How soon the window is usable, warm and cold, what its process weighs when idle, and what it has not imported."""
    first = _open(setting, idle=0.2 if setting.toy else 3.0)
    memory = first["memory"] / 1e6
    more = {"platform": first["platform"]}
    yield Measurement("window.memory", memory, "MB", MEMORY, more=more)
    yield Measurement("window.heavy", len(first["heavy"]), "modules", 0, more={**more, "found": first["heavy"]})
    warm = [_open(setting) for _ in range(1 if setting.toy else STARTS)]
    seconds = [each["seconds"] for each in warm]
    processor = statistics.median(each["processor"] for each in warm)
    more |= {"worst_s": max(seconds), "processor_s": processor, "times": len(seconds)}
    yield Measurement("window.warm", statistics.median(seconds), "s", WARM_SECONDS, more=more)
    if hasattr(os, "posix_fadvise"):
        forgotten = sum(map(_forget, first["files"]))
        cold = _open(setting)
        more = {"platform": first["platform"], "processor_s": cold["processor"], "files_dropped": forgotten}
        yield Measurement("window.cold", cold["seconds"], "s", COLD_SECONDS, more=more)


def pages(setting: BenchSettings) -> Iterator[Measurement]:
    """From asking for a page until it is painted."""
    told = {"what": "turning", "turns": 1 if setting.toy else PAGE_TURNS}
    found = measure("studio.bench.live.window", {**told, **setting.to_json()})
    for page, seconds in found["pages"].items():
        work = statistics.median(found["work"][page])
        more = {"platform": found["platform"], "worst_s": max(seconds), "processor_s": work, "times": len(seconds)}
        yield Measurement(f"pages.{page}", statistics.median(seconds), "s", PAGE_SECONDS, more=more)


def latency(setting: BenchSettings) -> Iterator[Measurement]:
    """How late events come in the window's thread while an engine works."""
    for medium in MEDIA[:1] if setting.toy else MEDIA:
        told = {"what": "working", "medium": medium.name, "seconds": 0.5 if setting.toy else LATENCY_SECONDS}
        found = measure("studio.bench.live.window", {**told, **setting.to_json()})
        if found["failed"]:
            raise StudioError("The {name} job failed: {reason}", name=medium.name, reason=found["failed"])
        idle, busy = sorted(found["idle"]), sorted(found["busy"])
        more = {
            "p50_ms": percentile(busy, 0.5) * 1000,
            "p999_ms": percentile(busy, 0.999) * 1000,
            "worst_ms": percentile(busy, 1.0) * 1000,
            "idle_p99_ms": percentile(idle, 0.99) * 1000,
            "events": len(busy),
            "jobs": found["jobs"],
        }
        yield Measurement(f"latency.{medium.name}", percentile(busy, 0.99) * 1000, "ms", LATENCY, more=more)


def stages(setting: BenchSettings) -> Iterator[Measurement]:
    """Milliseconds for a frame of each stage while an engine works."""
    told = {"frames": 12 if setting.toy else FRAMES, "medium": BUSY}
    found = measure("studio.bench.live.stages", {**told, **setting.to_json()})
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
        yield Measurement(f"stages.{name}", percentile(busy, 0.95) * 1000, "ms", FRAME, more=more)


def _open(setting: BenchSettings, idle: float = 0.0) -> dict[str, Any]:
    told = {"what": "opening", "idle": idle, **setting.to_json()}
    return measure("studio.bench.live.window", {**told, "start": time.monotonic()})


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
