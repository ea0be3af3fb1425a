"""Bench of a dragged slider: pictures a second, delay, and how many renderings wait.

Faces are asked for as a mouse moves, 60 times a second, each replacing the last; nothing here knows how they are made.
"""

from __future__ import annotations

import contextlib
import itertools
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import psutil

from studio.bench.jobs import PATIENCE, open_studio
from studio.bench.measurement import BenchSettings, Measurement
from studio.jobs.job import Cancelled, Job
from studio.schema.request import Request

HAND = 1 / 60  # seconds between two moves
SECONDS = 5.0
FRAME_BOUND, LATE_BOUND, WAITING_BOUND = 50.0, 150.0, 1.0


def lines(setting: BenchSettings) -> Iterator[Measurement]:
    """The time between two pictures, from a move to its picture, and the most requests that waited."""
    with open_studio(setting) as studio:
        studio.submit(_face(0.0), live=True, replaces="avatar").future.result(PATIENCE)
        hand = _DragRecorder()
        waiting, before = 0, _processor()
        moves = 6 if setting.toy else int(SECONDS / HAND)
        start = time.perf_counter()
        for move in range(moves):
            time.sleep(max(0.0, start + move * HAND - time.perf_counter()))
            hand.follow(studio.submit(_face(move / moves), live=True, replaces="avatar"))
            waiting = max(waiting, sum(job.state == "queued" for job in studio.queue.jobs()))
        hand.wait_for_last()
        busy = _processor() - before
        # From one picture to the next, the first from the start of the drag.
        shown = [start, *(at for at, _ in hand.shown)]
        between = [b - a for a, b in itertools.pairwise(shown)]
        late = sorted(lag for _, lag in hand.shown)
        seconds = shown[-1] - start
        more: dict[str, Any] = {
            "frames_per_second": len(hand.shown) / seconds,
            "worst_ms": max(between) * 1000,
            "engine_processor_ms": busy / len(hand.shown) * 1000,
            "moves": moves,
            "shown": len(hand.shown),
        }
        yield Measurement("drag.frame", seconds / len(hand.shown) * 1000, "ms", FRAME_BOUND, more=more)
        p95 = late[min(len(late) - 1, int(0.95 * len(late)))]
        yield Measurement("drag.late", p95 * 1000, "ms", LATE_BOUND, more={"p50_ms": statistics.median(late) * 1000})
        yield Measurement("drag.waiting", waiting, "requests", WAITING_BOUND)


class _DragRecorder:
    """Keeps when each picture came, and how long after its move."""

    def __init__(self) -> None:
        self.shown: list[tuple[float, float]] = []
        self._last: Job | None = None
        self._lock = threading.Lock()

    def follow(self, job: Job) -> None:
        self._last, asked = job, time.perf_counter()

        def came(future: Future[list[Any]]) -> None:
            with self._lock:
                if future.exception() is None:
                    now = time.perf_counter()
                    self.shown.append((now, now - asked))

        job.future.add_done_callback(came)

    def wait_for_last(self) -> None:
        """Wait for the last picture, which nothing replaces."""
        assert self._last is not None
        with contextlib.suppress(Cancelled):
            self._last.future.result(PATIENCE)


def _processor() -> float:
    """Seconds of processor time that the engines' processes have used, which do not depend on what else runs."""
    times = [child.cpu_times() for child in psutil.Process().children()]
    return sum(one.user + one.system for one in times)


def _face(value: float) -> Request:
    told = {"kind": "avatar", "seed": 7, "size": "native", "style": "any"}
    return Request.from_json({**told, "traits": [{"name": "Hair colour", "value": round(value, 4)}]})
