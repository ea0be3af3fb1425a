"""Requests from files: JSON, and works that carry the request that made them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from studio.errors import BadInput
from studio.media import codecs
from studio.models import weights
from studio.schema.request import Request

SIZE_LIMIT = 8_000_000  # bytes of a request file; the longest prompt is a twentieth of that


def from_file(path: Path) -> Request:
    """The request in a JSON file, in a sidecar of the library, or embedded in a work. BadInput where there is none."""
    path = path.expanduser()
    if not path.is_file():
        raise BadInput(
            "{path} is no file.", "Give a request file, or a work made by the studio, with --request.", path=path
        )
    if path.suffix.lower() != ".json":
        return from_work(path)
    data = _json(path)
    inner = data.get("request")
    return Request.from_json(inner if isinstance(inner, dict) and "kind" not in data else data)


def unknown_fields(request: Request) -> str:
    """The names of fields that a request carries along without knowing them."""
    return ", ".join(name[:40] for name in json.loads(request.unknown))


def from_work(path: Path) -> Request:
    """The request that a work's file carries, or else the sidecar beside it. BadInput where neither does."""
    note: Any = codecs.read_note(path)
    found: Any = cast("dict[str, Any]", note).get("request") if note else None
    if not found:
        # A work in the library may carry nothing itself, where the settings say so; its sidecar still knows.
        sidecar = path.with_suffix(".json")
        found = _json(sidecar).get("request") if sidecar.is_file() else None
    if not isinstance(found, dict) or not found:
        raise BadInput("{name} does not say how it was made.", "Give a work as the studio made it.", name=path.name)
    return Request.from_json(found)


def _json(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise BadInput(
            "{path} cannot be read: {reason}.", "Check that you may read it.", path=path, reason=error.strerror
        ) from error
    if len(raw) > SIZE_LIMIT:
        raise BadInput("{name} is too large for a request.", "A request is a small JSON object.", name=path.name)
    try:
        return weights.parse(raw)
    except weights.DamagedWeights as error:
        raise BadInput(
            "{name} is no request: {reason}.",
            "A request is a JSON object with the key `kind`.",
            name=path.name,
            reason=error,
        ) from error
