"""Saves and loads what the window remembers, as a small JSON file."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from studio.system import storage

log = logging.getLogger(__name__)

LIMIT = 4_000_000  # bytes: a whole novel may stand in an unsent brief


def load(path: Path) -> dict[str, Any]:
    """The last state; empty where there is none or the file is damaged."""
    try:
        if path.stat().st_size > LIMIT:
            return {}
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def save(path: Path, state: dict[str, Any]) -> None:
    """Save the state. A folder that cannot be written is logged."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        storage.write_atomic(path, json.dumps(state, ensure_ascii=False, indent=1).encode("utf-8"))
    except OSError:
        log.warning("the state of the window could not be saved", exc_info=True)
