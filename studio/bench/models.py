"""Benches of many models on disk: finding the default one, and the models page."""

from __future__ import annotations

import statistics
import tempfile
import timeit
from collections.abc import Iterator
from pathlib import Path

from studio.backends import MEDIA
from studio.bench.measurement import BenchSettings, Measurement, measure
from studio.models.catalog import Catalog

MODELS, TIMES = 500, 1000
BOUND = 0.1  # milliseconds
PAGE_TIMES = 9
PAGE_BOUND = 50.0  # milliseconds


def lines(setting: BenchSettings) -> Iterator[Measurement]:
    """Milliseconds of one question for the default model, as a submitted request asks it; then those of the page."""
    models = 5 if setting.toy else MODELS
    with tempfile.TemporaryDirectory() as folder:
        write_models(Path(folder), models)
        catalog = Catalog(Path(folder))
        end = catalog.follow(lambda: None)
        try:
            first = timeit.timeit(lambda: catalog.default(MEDIA[0].name), number=1)
            again = timeit.timeit(lambda: catalog.default(MEDIA[0].name), number=TIMES) / TIMES
        finally:
            end()
    yield Measurement("models.default", again * 1000, "ms", BOUND, more={"models": models, "first_ms": first * 1000})
    told = {"models": models, "times": 1 if setting.toy else PAGE_TIMES}
    found = measure("studio.bench.live.models", {**told, **setting.to_json()})
    for name, bound in (("first", None), ("again", PAGE_BOUND), ("letter", PAGE_BOUND)):
        taken, worked = found["taken"][name], found["worked"][name]
        more = {
            "models": models,
            "shown": found["left" if name == "letter" else "shown"],
            "processor_ms": statistics.median(worked) * 1000,
            "worst_ms": max(taken) * 1000,
            "times": len(taken),
        }
        yield Measurement(f"models.page.{name}", statistics.median(taken) * 1000, "ms", bound, more=more)


def write_models(folder: Path, models: int) -> None:
    """So many models of the first medium, without weights."""
    for number in range(models):
        place = folder / f"model-{number}"
        place.mkdir(parents=True)
        (place / "model.toml").write_text(
            f'medium = "{MEDIA[0].name}"\nfamily = "toy"\ntitle = "Model {number}"\nlicence = "MIT"\n', encoding="utf-8"
        )
