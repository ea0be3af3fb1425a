"""Measurements as JSON lines, the machine they were taken on, the settings of a bench, and its child processes."""

from __future__ import annotations

import functools
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import studio
from studio.backends import MEDIA
from studio.backends.medium import Medium
from studio.errors import Message, StudioError
from studio.jobs.engine_cache import PLATFORM
from studio.system.paths import RESOURCES

ROOT = Path(studio.__file__).resolve().parent.parent
PATIENCE = 600.0  # seconds until a child process counts as stuck


@dataclass(frozen=True, slots=True)
class BenchSettings:
    """How to measure. `toy` takes the smallest of everything, to see that a bench runs; its figures mean nothing.

    `engine`, where set, stands in for the engine of every medium ("module:Class"), on models in `bundled`. `own` are
    imported models, those of the user where it is None.
    """

    toy: bool = False
    bundled: Path = RESOURCES / "models"
    engine: str = ""
    own: Path | None = None

    def media(self, wrap: str = "") -> Sequence[Medium]:
        """The media, their engines behind the prefix `wrap`."""
        return [medium.with_engines(lambda task: wrap + (self.engine or task.engine)) for medium in MEDIA]

    @property
    def platform(self) -> str:
        return "" if self.engine else PLATFORM

    def to_json(self) -> dict[str, Any]:
        """What a child that opens a window is told of it."""
        return {"bundled": str(self.bundled), "engine": self.engine}


@dataclass(frozen=True, slots=True)
class Measurement:
    """One figure. `bound` is what `value` must not exceed, None where it is only recorded; `ratio` compares with the
    plain library call in the same run."""

    bench: str
    value: float
    unit: str
    bound: float | None = None
    ratio: float | None = None
    more: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def ok(self) -> bool:
        return self.bound is None or self.value <= self.bound

    def to_json(self) -> dict[str, Any]:
        ratio = {} if self.ratio is None else {"ratio": round(self.ratio, 3)}
        bound = None if self.bound is None else _short(self.bound)
        head = {"bench": self.bench, "value": _short(self.value), "unit": self.unit, "bound": bound, "ok": self.ok}
        more = {name: _short(value) if isinstance(value, float) else value for name, value in self.more.items()}
        return {**head, **ratio, **machine_state(), **more}


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that this share (0 to 1) of sorted values does not exceed."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def machine_state() -> Mapping[str, Any]:
    """The machine, how much else it does at this moment, and the state of the code that a figure belongs to."""
    import psutil  # what is measured must not load more than its window does

    return {
        "device": _processor(),
        "cores": psutil.cpu_count() or 1,
        "load": round(psutil.getloadavg()[0], 1),
        "python": platform.python_version(),
        "commit": _commit(),
    }


@functools.cache
def _processor() -> str:
    if sys.platform.startswith("linux"):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


@functools.cache
def _commit() -> str:
    """The commit, with + where files differ from it; the version where this is no working copy."""
    try:
        command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--exclude=*"]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return studio.__version__
    return found.stdout.strip() if found.returncode == 0 else studio.__version__


def measure(module: str, settings: dict[str, Any], patience: float = PATIENCE) -> dict[str, Any]:
    """Run `python -m module` with `settings` as JSON in its one argument, and return the JSON object of its last line.

    In a process of its own, so that neither Qt nor torch enters the bench's, and with a temporary home. Raises
    StudioError with the end of its standard error if it fails, and where it has not ended after `patience` seconds.
    """
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as home:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        environment = {**os.environ, "PYTHONPATH": path, "STUDIO_HOME": str(Path(home) / "home")}
        if sys.platform.startswith("linux") and not {"DISPLAY", "WAYLAND_DISPLAY"} & environment.keys():
            environment.setdefault("QT_QPA_PLATFORM", "offscreen")
        command = [sys.executable, "-m", module, json.dumps(settings)]
        try:
            ran = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=patience, check=False,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise StudioError(
                "{module} did not end within {seconds:.0f} seconds.", module=module, seconds=patience
            ) from None
    lines = ran.stdout.strip().splitlines()
    if ran.returncode or not lines:
        last_words = " | ".join(ran.stderr.strip().splitlines()[-3:])
        raise StudioError(
            "{module} ended with status {status}: {reason}.",
            module=module,
            status=ran.returncode,
            reason=last_words or Message("it said nothing"),
        )
    return json.loads(lines[-1])
