"""Bench of the catalog: how long the default model takes to find with many models on disk."""

from __future__ import annotations

import tempfile
import timeit
from collections.abc import Iterator
from pathlib import Path

from studio.bench.measurement import BenchSettings, Measurement
from studio.models.catalog import Catalog

MODELS, TIMES = 500, 1000
BOUND = 0.1  # milliseconds


def lines(setting: BenchSettings) -> Iterator[Measurement]:
    """Milliseconds of one question for the default model, as a submitted request asks it."""
    models = 5 if setting.toy else MODELS
    with tempfile.TemporaryDirectory() as folder:
        for number in range(models):
            place = Path(folder) / f"model-{number}"
            place.mkdir()
            (place / "model.toml").write_text(
                f'medium = "toy"\nfamily = "toy"\ntitle = "Model {number}"\nlicence = "MIT"\n', encoding="utf-8"
            )
        catalog = Catalog(Path(folder))
        end = catalog.follow(lambda: None)
        try:
            first = timeit.timeit(lambda: catalog.default("toy"), number=1)
            again = timeit.timeit(lambda: catalog.default("toy"), number=TIMES) / TIMES
        finally:
            end()
    yield Measurement("models.default", again * 1000, "ms", BOUND, more={"models": models, "first_ms": first * 1000})
