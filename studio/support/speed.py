"""How fast this machine computes: measured now and then by programs with torch and llama.cpp, and kept in a file."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from studio.models.fit.demand import HALF_TIME, PACKED, Machine, Speed
from studio.support import hardware
from studio.system import storage

log = logging.getLogger(__name__)

SECONDS = 120.0
"""That each measurement may take, mostly for importing torch; they compute for a few seconds."""
KEPT = 42 * 86_400.0
"""Seconds after which a machine is measured again: systems, drivers and what else runs change."""


@dataclass(frozen=True, slots=True)
class SpeedMeasurement:
    """The speeds of a device by the bytes of a value, `at` which second since 1970 they were measured, and whether
    llama.cpp computes on a graphics card.
    """

    speeds: Mapping[int, Speed]
    at: float
    llama_card: bool = False

    @property
    def is_old(self) -> bool:
        return not 0 <= time.time() - self.at < KEPT


class MeasuredSpeed:
    """The speeds of a device, in `file`. `threads` is the number that engines use, 0 for torch's own choice.

    They are measured again when the processor, its cores, the card, torch, llama.cpp or the power differs, and after
    some weeks. Any thread may ask, and waits for the measurement; one that fails is not tried again by this process.
    """

    def __init__(self, file: Path, threads: int) -> None:
        self._file, self._threads = file, threads
        self._lock = threading.Lock()
        self._known: dict[str, SpeedMeasurement] = {}
        self._failed = set[str]()
        self._places: dict[str, str] = {}

    def of(self, machine: Machine) -> Machine:
        """The machine with the speeds that were measured on it; as it is where they cannot be."""
        found = self.measurement(machine.device)
        if found is None:
            return machine
        half = machine.half
        if machine.device == "cpu":
            half = 2 in found.speeds and found.speeds[4].matrices < HALF_TIME * found.speeds[2].matrices
        speeds = {**machine.speeds, **found.speeds}
        if 2 not in found.speeds:
            speeds.pop(2, None)
        return dataclasses.replace(machine, speeds=speeds, half=half, measured=True, llama_card=found.llama_card)

    def measurement(self, device: str, *, anew: bool = False) -> SpeedMeasurement | None:
        """That of a device, measured now where there is none yet, it is old, or `anew` is asked for; None where it
        cannot be.
        """
        with self._lock:
            identity = self._identity(device)
            kept = self._read()
            known = self._known.get(identity) or _measurement(kept.get(identity))
            fresh = known is not None and not known.is_old
            if anew or not (fresh or identity in self._failed):
                known = self._measured(device, identity, kept) or known
            if known is not None:
                self._known[identity] = known
            return known

    def _measured(self, device: str, identity: str, kept: Mapping[str, Any]) -> SpeedMeasurement | None:
        entry = {"at": time.time(), **(measure(device, self._threads) or {})}
        found = _measurement(entry)
        if found is None:
            self._failed.add(identity)
            return None
        self._failed.discard(identity)
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            storage.write_atomic(self._file, json.dumps({**kept, identity: entry}, indent=1).encode())
        return found

    def _identity(self, device: str) -> str:
        if device not in self._places:
            self._places[device] = _identity(device, self._threads)
        return f"{self._places[device]}, {hardware.power()}"

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return {}
        return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def measure(device: str, threads: int) -> dict[str, Any] | None:
    """What the programs say of a device: "speeds" by the bytes of a value, and whether there is a "llama_card". None
    where they cannot run. Takes seconds.
    """
    speeds = _said("studio.backends.engine.speed", device, threads)
    if not isinstance(speeds, dict):
        log.warning("how fast this machine computes could not be measured")
        return None
    packed = _said("studio.backends.engine.packed_speed")
    said, known = cast("dict[str, Any]", packed if isinstance(packed, dict) else {}), cast("dict[str, Any]", speeds)
    speed, card = said.get("speed"), said.get("card") is True
    if not isinstance(speed, dict):
        log.warning("how fast llama.cpp computes here could not be measured")
        return {"speeds": speeds}
    return {"speeds": {**known, str(PACKED): speed if card else _of_all(speed, known, threads)}, "llama_card": card}


def _of_all(one: Any, speeds: Mapping[str, Any], threads: int) -> Any:
    """What so many threads of llama.cpp reach, where one reaches this: all that they compute, and no more bytes than
    the memory gives, as torch has read them.
    """
    import psutil  # the window starts without it

    many = threads or psutil.cpu_count(logical=False) or os.cpu_count() or 1
    try:
        most = max(speed["bandwidth"] for speed in speeds.values())
        raised = {name: number * many for name, number in one.items() if name != "call"}
        return {**one, **raised, "bandwidth": min(raised["bandwidth"], max(most, one["bandwidth"]))}
    except (AttributeError, LookupError, TypeError):
        return one


def _said(module: str, *asked: object) -> Any:
    """The JSON in the last line that a program prints; None where it cannot run."""
    words = hardware.output([sys.executable, "-m", module, *map(str, asked)], SECONDS)
    try:
        return json.loads((words or "").strip().splitlines()[-1])
    except (ValueError, IndexError):
        return None


def _measurement(found: Any) -> SpeedMeasurement | None:
    """The measurement that was written down; None where it is no such thing."""
    entry = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    speeds, at = _speeds(entry.get("speeds")), entry.get("at")
    if not speeds or type(at) not in (int, float):
        return None
    return SpeedMeasurement(speeds, cast(float, at), entry.get("llama_card") is True)


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
    versions: list[str] = []
    for name in ("torch", "xllamacpp"):
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"no {name}")
    return f"{device}: {where}, {os.cpu_count()} cores, {threads} threads, {', '.join(versions)}"
