"""Bench of the memory and time that are foretold before a job, beside what it really takes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

from studio.bench.measurement import BenchSettings, Measurement, measure
from studio.errors import StudioError
from studio.models.catalog import Catalog
from studio.models.model import Model
from studio.system.paths import AppPaths

PATIENCE, LONGEST = 60.0, 240.0  # seconds for one case, with loading: where nothing else runs, and at most
STARTING = 300.0  # seconds more that its process may take to begin, and to measure the machine
WRITTEN = ("sd", "pixart", "llama", "gpt2", "musicgen", "stylegan2", "srvgg", "rrdb")
"""The models of random weights that are written for it."""
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
    """Each request in a process of its own, with a limit of its own: foretold and real bytes, and seconds, as reckoned
    and as the run before has corrected them; and what it takes to foretell. A case that fails or takes longer than a
    minute (on a busy machine longer, as its load says) is left out with the reason, and the next one follows."""
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as folder:
        paths = AppPaths.under(Path(folder))
        paths.models.mkdir(parents=True)
        for name in ("llama", "srvgg") if setting.toy else WRITTEN:
            told = {"folder": str(paths.models), "names": [name], "toy": setting.toy}
            try:
                measure("studio.bench.engine.fit_models", told)
            except StudioError as error:
                yield _left_out(f"fit.{name}", str(error))
        own = setting.own or AppPaths.for_user().models
        for path in [] if setting.toy else sorted(own.glob("*/model.toml")):
            (paths.models / path.parent.name).symlink_to(path.parent)
        picture = Path(folder) / "picture.png"
        Image.fromarray(np.random.default_rng(3).integers(0, 255, (300, 400, 3), np.uint8)).save(picture)
        for model in Catalog(setting.bundled, paths.models).models():
            if (not model.bundled or not setting.toy) and model.medium in REQUESTS:
                yield from _model_lines(Path(folder), setting, model, picture)


def _model_lines(folder: Path, setting: BenchSettings, model: Model, picture: Path) -> Iterator[Measurement]:
    correction: list[float] = []
    for at, values in enumerate(REQUESTS[model.medium]):
        patience = _patience()
        told = {
            "folder": str(folder), "bundled": str(setting.bundled), "model": model.id, "values": values,
            "picture": str(picture) if model.medium == "upscale" else "", "patience": patience,
            "correction": correction,
        }  # fmt: skip
        name = f"fit.{model.id}.{at}"
        try:
            found = measure("studio.bench.fit_case", told, patience + STARTING)
        except StudioError as error:
            yield _left_out(name, str(error))
            continue
        if "left_out" in found:
            yield Measurement(name, 0.0, "of the memory", more=found)
            continue
        correction = found.pop("correction")
        yield Measurement(name, abs(found["error"]), "of the memory", more={"family": model.family, **found})


def _left_out(name: str, reason: str) -> Measurement:
    return Measurement(name, 0.0, "of the memory", more={"left_out": reason})


def _patience() -> float:
    """Seconds that a case may take while so much else runs."""
    return min(LONGEST, PATIENCE * max(1.0, psutil.getloadavg()[0] / (psutil.cpu_count() or 1)))
