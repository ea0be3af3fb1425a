"""The lines that a bench writes."""

from __future__ import annotations

import json
from typing import Any

from studio.bench import BenchSettings, run

FIELDS = {"bench", "value", "unit", "bound", "ok", "device", "cores", "load", "python", "commit"}


def lines(name: str, setting: BenchSettings) -> list[dict[str, Any]]:
    """Run a bench, and return its lines."""
    written: list[str] = []
    held = run(name, written.append, setting)
    found = [json.loads(line) for line in written]
    assert held is all(line["ok"] for line in found), written
    return found


def check(name: str, benches: set[str], setting: BenchSettings) -> None:
    """Run a bench, which must find at least `benches`, each with all that belongs to a line."""
    found = lines(name, setting)
    assert not [line["error"] for line in found if "error" in line]
    assert benches <= {line["bench"] for line in found}
    for line in found:
        assert line.keys() >= FIELDS
        assert line["value"] >= 0
        assert line.get("found", []) == []  # what the window's process loaded of torch and its like
