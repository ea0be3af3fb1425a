"""Bench of the memory and time that are foretold before a job, beside what it really takes."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

from studio.backends import MEDIA, PAGELESS
from studio.bench.measurement import BenchSettings, Measurement, measure
from studio.errors import StudioError
from studio.jobs.usage import Usage
from studio.models.fit.estimate import AS_RECKONED, Correction, corrected, seconds_of
from studio.models.model import Model
from studio.schema.fields import WorkKey
from studio.schema.request import Request
from studio.studio import News, Studio
from studio.system.paths import AppPaths

PATIENCE, LONGEST = 60.0, 240.0  # seconds for one case, with loading: where nothing else runs, and at most
TEXT = "The dragon looked at the spaceship. "

REQUESTS: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "poster": ({"width": 256, "height": 256, "steps": 3}, {"width": 512, "height": 512, "steps": 2}),
    "story": ({"tokens": 24, "prompt": TEXT}, {"tokens": 96, "prompt": TEXT * 100}),
    "music": ({"seconds": 2.0}, {"seconds": 8.0}),
    "avatar": ({"size": "native"}, {"size": "large"}),
    "upscale": ({"factor": "2"}, {"factor": "4"}),
}
"""What is asked of each model of a medium, in turn: the first teaches what is foretold of the second."""


def lines(setting: BenchSettings) -> Iterator[Measurement]:
    """Each model in an engine's process of its own: foretold and real bytes, and seconds, as reckoned and as the run
    before has corrected them; and what it takes to foretell. A case that takes longer than a minute is left out; on a
    busy machine it has longer, as its load says."""
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as folder:
        paths = AppPaths.under(Path(folder))
        paths.models.mkdir(parents=True)
        names = ["llama", "srvgg"] if setting.toy else []
        measure("studio.bench.engine.fit_models", {"folder": str(paths.models), "names": names, "toy": setting.toy})
        own = setting.own or AppPaths.for_user().models
        for path in [] if setting.toy else sorted(own.glob("*/model.toml")):
            (paths.models / path.parent.name).symlink_to(path.parent)
        picture = Path(folder) / "picture.png"
        Image.fromarray(np.random.default_rng(3).integers(0, 255, (300, 400, 3), np.uint8)).save(picture)
        with contextlib.closing(Studio(paths, persist_queue=False, bundled=setting.bundled)) as opened:
            models = [
                each for each in opened.catalog.models()
                if (not each.bundled or not setting.toy) and each.medium in REQUESTS
            ]  # fmt: skip
        for model in models:
            yield from _model_lines(paths, setting, model, picture)


def _model_lines(paths: AppPaths, setting: BenchSettings, model: Model, picture: Path) -> Iterator[Measurement]:
    medium = next(each for each in (*MEDIA, *PAGELESS) if each.name == model.medium)
    correction = AS_RECKONED
    for at, values in enumerate(REQUESTS[model.medium]):
        name = f"fit.{model.id}.{at}"
        works = {"picture": WorkKey(path=str(picture))} if model.medium == "upscale" else {}
        asked: dict[str, Any] = {"model": model.id, "seed": 3, **values, **works}
        request: Request = medium.default_task.request(**asked)
        with contextlib.closing(Studio(paths, persist_queue=False, bundled=setting.bundled)) as opened:
            first, again = _milliseconds(opened, request), _milliseconds(opened, request)
            machine = opened.fit.machine()
            demand = opened.fit.family(medium.name, model.family).demand(opened.fit.facts(model), request, machine)
            asking = {"asking_ms": first, "asking_again_ms": again}
            patience = _patience()
            try:
                used, cpu = _used(opened, request, patience)
            except (StudioError, TimeoutError) as error:
                reason = str(error) or f"it took more than {patience:.0f} seconds"
                yield Measurement(name, 0.0, "of the memory", more={**asking, "left_out": reason})
                continue
        if not used.memory:
            yield Measurement(name, 0.0, "of the memory", more={**asking, "left_out": "its memory is not known"})
            continue
        foretold, reckoned = corrected(demand, AS_RECKONED), seconds_of(demand, machine, AS_RECKONED) or 0.0
        more = {
            "family": model.family,
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
        if correction is not AS_RECKONED:
            more["error_learned"] = corrected(demand, correction) / used.memory - 1
            more["time_error_learned"] = (seconds_of(demand, machine, correction) or 0.0) / used.running - 1
        correction = Correction(used.memory / foretold, used.running / reckoned if reckoned else None)
        yield Measurement(name, abs(foretold / used.memory - 1), "of the memory", more=more)


def _milliseconds(opened: Studio, request: Request) -> float:
    """Of asking how the request fits, as the window asks it."""
    begun = time.perf_counter()
    opened.fits(request)
    return (time.perf_counter() - begun) * 1000


def _patience() -> float:
    """Seconds that a case may take while so much else runs."""
    return min(LONGEST, PATIENCE * max(1.0, psutil.getloadavg()[0] / (psutil.cpu_count() or 1)))


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
