"""How fast this machine computes: measured once by a program with torch, and kept in a file."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import json
import logging
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from studio.models.fit.demand import HALF_TIME, Machine, Speed
from studio.support import hardware
from studio.system import storage

log = logging.getLogger(__name__)

SECONDS = 120.0
"""That the measurement may take, mostly for importing torch; it computes for about a second."""


class MeasuredSpeed:
    """The speeds of a device, in `file`. `threads` is the number that engines use, 0 for torch's own choice.

    They are measured again when the processor, the card or torch changes. Any thread may ask, and waits for the
    measurement; one that fails is not tried again by this process.
    """

    def __init__(self, file: Path, threads: int) -> None:
        self._file, self._threads = file, threads
        self._lock = threading.Lock()
        self._known: dict[str, Mapping[int, Speed]] = {}

    def of(self, machine: Machine) -> Machine:
        """The machine with the speeds that were measured on it; as it is where they cannot be."""
        name = machine.device
        with self._lock:
            if name not in self._known:
                self._known[name] = self._speeds(name)
            speeds = self._known[name]
        if not speeds:
            return machine
        half = machine.half
        if name == "cpu":
            half = 2 in speeds and speeds[4].matrices < HALF_TIME * speeds[2].matrices
        return dataclasses.replace(machine, speeds=speeds, half=half, measured=True)

    def _speeds(self, device: str) -> Mapping[int, Speed]:
        identity = _identity(device, self._threads)
        kept = self._read()
        known = _speeds(kept.get(identity))
        if known:
            return known
        measured = measure(device, self._threads)
        speeds = _speeds(measured)
        if speeds:
            with contextlib.suppress(OSError):
                self._file.parent.mkdir(parents=True, exist_ok=True)
                storage.write_atomic(self._file, json.dumps({**kept, identity: measured}, indent=1).encode())
        return speeds

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return {}
        return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def measure(device: str, threads: int) -> Any:
    """What the program says of a device; None where it cannot run. Takes seconds."""
    command = [sys.executable, "-m", "studio.backends.engine.speed", device, str(threads)]
    words = hardware.output(command, SECONDS)
    try:
        return json.loads((words or "").strip().splitlines()[-1])
    except (ValueError, IndexError):
        log.warning("how fast this machine computes could not be measured")
        return None


def _speeds(found: Any) -> dict[int, Speed]:
    """The speeds that were written down, by the bytes of a value; none where they are no such thing."""
    try:
        names = [each.name for each in dataclasses.fields(Speed)]
        speeds = {int(value): Speed(*(numbers[name] for name in names)) for value, numbers in found.items()}
        right = all(
            type(number) is float and 0 < number < float("inf")
            for speed in speeds.values()
            for number in dataclasses.astuple(speed)
        )
    except (AttributeError, LookupError, TypeError, ValueError):
        return {}
    return speeds if right and 4 in speeds else {}


def _identity(device: str, threads: int) -> str:
    """What the speeds depend on."""
    where = ", ".join(hardware.nvidia()) if device == "cuda" else hardware.processor()
    try:
        torch = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        torch = "none"
    return f"{device}: {where}, {os.cpu_count()} cores, {threads} threads, torch {torch}"
