"""What a command line names: works by id or file, and requests in JSON files or embedded in works."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.errors import BadInput
from studio.media import codecs
from studio.media.provenance import Provenance, parse_note
from studio.models import weights
from studio.schema.request import Request

if TYPE_CHECKING:
    from studio.library.asset import Asset
    from studio.library.library import Library

SIZE_LIMIT = 8_000_000  # bytes of a request file; the longest prompt is a twentieth of that


def from_file(path: Path) -> tuple[Request, Provenance]:
    """The request in a JSON file, in a sidecar of the library, or embedded in a work, and the provenance beside it,
    empty where there is none. BadInput where there is no request. The file is read once.
    """
    path = path.expanduser()
    if not path.is_file():
        raise BadInput(
            "{path} is not a file.", "Give a request file, or a work made by the studio, with --request.", path=path
        )
    if path.suffix.lower() != ".json":
        note = _note(path)
        return _request_in(note, path), parse_note(note)[1]
    data = _json(path)
    inner = data.get("request")
    request = Request.from_json(inner if isinstance(inner, dict) and "kind" not in data else data)
    return request, parse_note(data)[1]


def unknown_fields(request: Request) -> str:
    """The names of fields that a request carries along without knowing them."""
    return ", ".join(name[:40] for name in json.loads(request.unknown))


def from_work(path: Path) -> Request:
    """The request that a work's file carries, or else the sidecar beside it. BadInput where neither does."""
    return _request_in(_note(path), path)


def _request_in(note: dict[str, Any] | None, path: Path) -> Request:
    found, _ = parse_note(note)
    if not found:
        raise BadInput("{name} does not say how it was made.", "Give the file as the studio made it.", name=path.name)
    return Request.from_json(found)


def _note(path: Path) -> dict[str, Any] | None:
    """What the file of a work carries, or else the sidecar beside it."""
    note = codecs.read_note(path)
    if note and isinstance(note.get("request"), dict) and note["request"]:
        return note
    # A work in the library may carry nothing itself, where the settings say so; its sidecar still knows.
    sidecar = path.with_suffix(".json")
    return _json(sidecar) if sidecar.is_file() else note


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
            "{name} is not a request: {reason}.",
            "A request is a JSON object with the key `kind`.",
            name=path.name,
            reason=error,
        ) from error


def find_work(library: Library, word: str) -> tuple[Path, Asset | None]:
    """The file that a word names, and its work: the id of a work, the path of its file, or that of a copy.

    A file that the library does not have comes without a work. Raises BadInput where there is neither.
    """
    path = Path(word).expanduser()
    if not is_path(word):
        asset = library.get(word)
        return asset.path, asset
    if not path.is_file():
        raise BadInput(
            "{path} is not a file.", "Give a work's id, as `studio library list` shows it, or its file.", path=path
        )
    return path, library.find_file(path)


def is_path(word: str) -> bool:
    """Whether a word names a file rather than a work."""
    path = Path(word).expanduser()
    return path.name != word or path.suffix.lower() in codecs.SUFFIXES or path.is_file()
