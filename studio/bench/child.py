"""Runs a measurement in a process of its own, so that neither Qt nor torch enters the bench's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from studio.bench.measurement import ROOT
from studio.errors import Message, StudioError

PATIENCE = 600.0  # seconds until a measurement counts as stuck


def measure(module: str, told: dict[str, Any]) -> dict[str, Any]:
    """Run `python -m module`, tell it `told` as one argument, and return the JSON object of its last line.

    The child has a home of its own, thrown away after. Raises StudioError with the end of what it said where it fails.
    """
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as home:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        environment = {**os.environ, "PYTHONPATH": path, "STUDIO_HOME": str(Path(home) / "home")}
        if sys.platform.startswith("linux") and not {"DISPLAY", "WAYLAND_DISPLAY"} & environment.keys():
            environment.setdefault("QT_QPA_PLATFORM", "offscreen")
        command = [sys.executable, "-m", module, json.dumps(told)]
        try:
            ran = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise StudioError(
                "{module} did not end within {seconds:.0f} seconds.", module=module, seconds=PATIENCE
            ) from None
    lines = ran.stdout.strip().splitlines()
    if ran.returncode or not lines:
        said = " | ".join(ran.stderr.strip().splitlines()[-3:])
        raise StudioError(
            "{module} ended with status {status}: {reason}.",
            module=module,
            status=ran.returncode,
            reason=said or Message("it said nothing"),
        )
    return json.loads(lines[-1])
