"""Engines beside plain library calls: same weights, dtype, threads, steps and outputs, turn by turn in one process."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from studio.backends import MEDIA
from studio.bench.child import measure
from studio.bench.line import Line, Setting

SLOWER = 1.1  # how much an engine may take of what the plain call takes; previews, cancels and checks are in it
TIMES = {"avatar": 15, "poster": 5, "story": 5, "music": 3}


def lines(setting: Setting) -> Iterator[Line]:
    for medium in MEDIA:
        told = {"medium": medium.name, "bundled": str(setting.bundled), "toy": setting.toy}
        found = measure("studio.bench.beside", {**told, "times": 1 if setting.toy else TIMES[medium.name]})
        ours, plain = statistics.median(found["ours"]), statistics.median(found["plain"])
        # Of pairs that ran one after the other, so that what else the machine does weighs on both alike.
        pairs = zip(found["ours"], found["plain"], strict=True)
        ratio = statistics.median(a / b for a, b in pairs)
        more = {name: found[name] for name in ("plain_is", "differs", "torch_device", "dtype", "threads", "work")}
        yield Line(f"engines.{medium.name}", ours, "s", SLOWER * plain, ratio, {"plain_s": plain, **more})
