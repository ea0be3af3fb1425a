"""Engines that report how long they ran: `studio.bench.stopwatch:M:C` wraps the engine M:C."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from studio.jobs.engine_cache import resolve
from studio.jobs.job import Progress, Report
from studio.media.payloads import Payload
from studio.models.resources import Resources
from studio.schema.request import Request

PREFIX = f"{__name__}:"


class Stopwatch:
    """Runs the engine that a subclass names; its last report carries the seconds that this took."""

    name: str

    def __init__(self) -> None:
        self._engine: Any = resolve(self.name)()

    def load(self, resources: Resources, report: Report) -> None:
        self._engine.load(resources, report)

    def run(self, request: Request, report: Report) -> Sequence[Payload]:
        start = time.perf_counter()
        made = self._engine.run(request, report)
        report(Progress("timed", 1, 1, values={"seconds": time.perf_counter() - start}))
        return made

    def close(self) -> None:
        self._engine.close()


def __getattr__(name: str) -> type[Stopwatch]:
    if ":" not in name:
        raise AttributeError(name)
    return type("Stopwatch", (Stopwatch,), {"name": name})
