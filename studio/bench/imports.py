"""Bench of importing a StyleGAN checkpoint of real size: seconds and memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from studio.bench.child import measure
from studio.bench.measurement import BenchSettings, Measurement

SECONDS, MEMORY = 10.0, 2.0  # of a network of 1024 px; times the size of the file


def lines(setting: BenchSettings) -> Iterator[Measurement]:
    size, width = (64, 1024) if setting.toy else (1024, 32768)
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as folder:
        told = {"path": str(Path(folder) / "network.pkl"), "own": str(Path(folder) / "own"), "size": size}
        measure("studio.bench.engine.import_cost", {**told, "width": width, "write": True})
        found = measure("studio.bench.engine.import_cost", {**told, "write": False})
    more = {"file_mb": found["bytes"] / 1e6, "weights_mb": found["weights"] / 1e6, "size": size}
    yield Measurement("import.time", found["seconds"], "s", SECONDS, more=more)
    # A toy's file is smaller than the interpreter.
    bound = None if setting.toy else MEMORY
    yield Measurement("import.memory", found["peak"] / found["bytes"], "times the file", bound, more=more)
