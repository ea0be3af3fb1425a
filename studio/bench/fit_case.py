"""Runs one request of the bench `fit` and prints what it took beside what was foretold; its child."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from studio.backends import MEDIA, PAGELESS
from studio.errors import StudioError
from studio.jobs.usage import Usage
from studio.models.fit.estimate import AS_RECKONED, Correction, corrected, seconds_of
from studio.schema.fields import WorkKey
from studio.schema.request import Request
from studio.studio import News, Studio
from studio.system.paths import AppPaths


def main(told: dict[str, Any]) -> dict[str, Any]:
    """The figures of the case; its reason under "left_out" where it has none."""
    paths, bundled = AppPaths.under(Path(told["folder"])), Path(told["bundled"])
    works = {"picture": WorkKey(path=told["picture"])} if told["picture"] else {}
    with contextlib.closing(Studio(paths, persist_queue=False, bundled=bundled)) as opened:
        model = opened.catalog.get(told["model"])
        medium = next(each for each in (*MEDIA, *PAGELESS) if each.name == model.medium)
        asked: dict[str, Any] = {"model": model.id, "seed": 3, **told["values"], **works}
        request: Request = medium.default_task.request(**asked)
        opened.fit.machine()  # which measures it where that was not done yet
        first, again = _milliseconds(opened, request), _milliseconds(opened, request)
        machine, demand = opened.fit.demand(request, model)
        asking = {"asking_ms": first, "asking_again_ms": again}
        try:
            used, cpu = _used(opened, request, told["patience"])
        except (StudioError, TimeoutError) as error:
            return {**asking, "left_out": str(error) or f"it took more than {told['patience']:.0f} seconds"}
    if not used.memory:
        return {**asking, "left_out": "its memory is not known"}
    foretold, reckoned = corrected(demand, AS_RECKONED), seconds_of(demand, machine, AS_RECKONED) or 0.0
    found = {
        "real_mb": used.memory / 1e6,
        "foretold_mb": foretold / 1e6,
        "working_mb": demand.working / 1e6,
        "weights_mb": demand.weights / 1e6,
        "error": foretold / used.memory - 1,
        "loading_s": used.loading,
        "real_s": used.running,
        "cpu_s": cpu,
        "reckoned_s": reckoned,
        "time_error": reckoned / used.running - 1,
        "load": psutil.getloadavg()[0],
        **asking,
    }
    if told["correction"]:
        learned = Correction(*told["correction"])
        found["error_learned"] = corrected(demand, learned) / used.memory - 1
        found["time_error_learned"] = (seconds_of(demand, machine, learned) or 0.0) / used.running - 1
    return {**found, "correction": [used.memory / foretold, used.running / reckoned if reckoned else None]}


def _milliseconds(opened: Studio, request: Request) -> float:
    """Of asking how the request fits, as the window asks it."""
    begun = time.perf_counter()
    opened.fits(request)
    return (time.perf_counter() - begun) * 1000


def _used(opened: Studio, request: Request, patience: float) -> tuple[Usage, float]:
    """What the request took, and the seconds of processors that engines ran for it once it was loaded: on a busy
    machine and with one thread these tell how long it takes on a quiet one. TimeoutError after `patience` seconds, when
    it is cancelled.
    """
    begun: list[float] = []

    def listen(news: News) -> None:
        if news.job is not None and not begun and news.job.progress.stage not in ("", "starting", "loading"):
            begun.append(_processor_seconds())

    opened.subscribe(listen)
    job = opened.submit(request)
    try:
        job.future.result(patience)
    except TimeoutError:
        opened.queue.cancel(job.id)
        raise
    return job.usage, _processor_seconds() - begun[0] if begun else 0.0


def _processor_seconds() -> float:
    """Of all processes of this one."""
    found = 0.0
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            times = child.cpu_times()
            found += times.user + times.system
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))) + "\n")
