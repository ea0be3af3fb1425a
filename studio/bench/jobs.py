"""Benches of a job's overhead beside its engine's own time, of a cancel, and of a queue in which many jobs wait."""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from studio.backends import MEDIA
from studio.bench.measurement import BenchSettings, Measurement
from studio.bench.stopwatch import PREFIX
from studio.errors import StudioError
from studio.jobs.job import Cancelled, Job
from studio.schema.request import Request
from studio.studio import News, Studio
from studio.system.paths import AppPaths

COST_SECONDS, COST_SHARE = 0.030, 0.03
CANCEL_SECONDS = 0.5
TIMES = {"avatar": 12, "poster": 3, "story": 3, "music": 3}
PATIENCE = 300.0
WAITING, CHANGES, CHANGE_SECONDS = 1000, 20, 0.01


def cost(setting: BenchSettings) -> Iterator[Measurement]:
    """From submit to outcome, less the time inside the engine: queue, journal, pipe, previews, encoding, library."""
    with open_studio(setting, PREFIX) as studio:
        timed: dict[str, float] = {}

        def hear(news: News) -> None:
            if news.job is not None and "seconds" in news.job.progress.values:
                timed[news.job.id] = news.job.progress.values["seconds"]

        studio.subscribe(hear)
        for medium in MEDIA:
            studio.submit(medium.default_task.request(seed=1)).future.result(PATIENCE)
            costs: list[float] = []
            engine: list[float] = []
            for seed in range(1 if setting.toy else TIMES[medium.name]):
                start = time.perf_counter()
                job = studio.submit(medium.default_task.request(seed=2 + seed))
                job.future.result(PATIENCE)
                whole = time.perf_counter() - start
                engine.append(timed[job.id])
                costs.append(whole - engine[-1])
            typical = statistics.median(engine)
            bound = max(COST_SECONDS, COST_SHARE * typical)
            more = {"engine_ms": typical * 1000, "worst_ms": max(costs) * 1000, "jobs": len(costs)}
            yield Measurement(f"job.{medium.name}", statistics.median(costs) * 1000, "ms", bound * 1000, more=more)


def cancel(setting: BenchSettings) -> Iterator[Measurement]:
    """From cancelling a running job to the start of the one that waits behind it; the slowest of several tries."""
    with open_studio(setting) as studio:
        for medium in MEDIA:
            studio.submit(medium.default_task.request(seed=1)).future.result(PATIENCE)
            waits: list[float] = []
            for attempt in range(1 if setting.toy else 3):
                waits.append(_free_after_cancel(studio, medium.default_task.request, attempt))
            bound = CANCEL_SECONDS * 1000
            yield Measurement(f"cancel.{medium.name}", max(waits) * 1000, "ms", bound, more={"tries": len(waits)})


def queue(setting: BenchSettings) -> Iterator[Measurement]:
    """Changes of a paused queue in which many jobs wait: the median of some, and a group of as many at once."""
    make = MEDIA[0].default_task.request
    waiting, changes = (20, 3) if setting.toy else (WAITING, CHANGES)
    with open_studio(setting) as studio:
        studio.queue.pause(True)
        start = time.perf_counter()
        group = studio.submit_group([make(seed=seed) for seed in range(waiting)], "batch")
        group_ms = (time.perf_counter() - start) * 1000
        jobs = [studio.submit(make(seed=seed)) for seed in range(2 * changes)]

        def milliseconds(change: Callable[[Job], object]) -> float:
            times: list[float] = []
            for job in jobs[:changes]:
                start = time.perf_counter()
                change(job)
                times.append(time.perf_counter() - start)
            return statistics.median(times) * 1000

        found = {
            "submit": milliseconds(lambda job: studio.submit(job.request)),
            "move": milliseconds(lambda job: studio.queue.move(job.id, 0)),
            "cancel": milliseconds(lambda job: studio.queue.cancel(job.id)),
        }
        for name, value in found.items():
            yield Measurement(f"queue.{name}", value, "ms", CHANGE_SECONDS * 1000, more={"waiting": waiting})
        yield Measurement("queue.group", group_ms, "ms", more={"jobs": waiting})
        studio.queue.cancel(group.id)


def _free_after_cancel(studio: Studio, make: type[Request], attempt: int) -> float:
    """Cancel a job at a step that differs with `attempt`; seconds until the next one runs."""
    job, next_job = (studio.submit(make(seed=seed + attempt)) for seed in (100, 200))
    while job.state in ("queued", "running") and job.progress.done <= attempt * job.progress.total // 4:
        time.sleep(0.0005)
    start = time.perf_counter()
    studio.queue.cancel(job.id)
    while next_job.state == "queued":
        time.sleep(0.0005)
    seconds = time.perf_counter() - start
    studio.queue.cancel(next_job.id)
    for ended in (job, next_job):
        with contextlib.suppress(Cancelled):
            ended.future.result(PATIENCE)
    return seconds


@contextlib.contextmanager
def open_studio(setting: BenchSettings, wrap: str = "") -> Iterator[Studio]:
    """A studio in a home that is thrown away after; its models must be there."""
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as home:
        studio = Studio(
            AppPaths.under(Path(home)), media=setting.media(wrap), bundled=setting.bundled, platform=setting.platform
        )
        try:
            if not studio.catalog.models():
                raise StudioError("There are no models in {folder}.", folder=setting.bundled)
            yield studio
        finally:
            studio.close()
