"""Presets: requests saved under a name, one JSON file each."""

from __future__ import annotations

import json
import logging
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from studio.errors import BadInput
from studio.schema.request import Request
from studio.system import storage

log = logging.getLogger(__name__)

FORMAT = "aigc-studio preset"
SIZE_LIMIT = 1_000_000  # bytes
NAME_LIMIT = 80  # characters
HINT = "Choose a file that this studio has saved as a preset."


@dataclass(frozen=True, slots=True)
class Preset:
    """A request with a name. Its seed has no meaning: a preset is for making many works."""

    name: str
    request: Request
    path: Path


class Presets:
    """The presets in a folder, which need not exist yet. Other files in it are ignored."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, kind: str) -> list[Preset]:
        """The presets for one kind of request, sorted by name."""
        found: list[Preset] = []
        for path in sorted((self._folder / kind).glob("*.json")):
            try:
                found.append(read(path))
            except BadInput as error:
                log.warning("a preset was skipped: %s", error)
        return sorted((one for one in found if one.request.kind == kind), key=lambda one: one.name.casefold())

    def save(self, name: str, request: Request) -> Preset:
        """Save a request under a name, in place of an older preset of that name.

        Raises BadInput without a name, StudioError if the disk is full.
        """
        name = " ".join(name.split())[:NAME_LIMIT]
        if not name:
            raise BadInput("A preset needs a name.", "Enter a name.")
        same = next((one for one in self.of(request.kind) if one.name.casefold() == name.casefold()), None)
        folder = self._folder / request.kind
        path = same.path if same is not None else _free(folder, name)
        with storage.disk_errors_as("The preset could not be saved"):
            folder.mkdir(parents=True, exist_ok=True)
            write(path, name, request)
        return Preset(name, request, path)

    def remove(self, preset: Preset) -> None:
        with storage.disk_errors_as("The preset could not be removed"):
            preset.path.unlink(missing_ok=True)


def write(path: Path, name: str, request: Request) -> None:
    """Write a preset's file. Raises OSError where it cannot be written."""
    fields = {key: value for key, value in request.to_json().items() if key != "seed"}
    whole = {"format": FORMAT, "name": name, "request": fields}
    storage.write_atomic(path, json.dumps(whole, ensure_ascii=False, indent=1).encode("utf-8"))


def read(path: Path) -> Preset:
    """The preset in a file. Raises BadInput if it is not one."""
    try:
        if path.stat().st_size > SIZE_LIMIT:
            raise BadInput("{name} is far too large for a preset.", HINT, name=path.name)
        data: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput("{name} cannot be read as a preset.", HINT, name=path.name) from error
    if not isinstance(data, dict) or cast("dict[str, Any]", data).get("format") != FORMAT:
        raise BadInput("{name} is not a preset.", HINT, name=path.name)
    preset = cast("dict[str, Any]", data)
    name = " ".join(str(preset.get("name", "")).split())[:NAME_LIMIT] or path.stem
    return Preset(name, Request.from_json(preset.get("request")), path)


def _free(folder: Path, name: str) -> Path:
    """A free file name that is valid on every file system."""
    plain = unicodedata.normalize("NFC", name).casefold()
    stem = "".join(letter if letter.isalnum() else "-" for letter in plain).strip("-")[:40] or "preset"
    return storage.free_path(folder / f"{stem}.json", "-")
