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
TROUBLE = "Choose a file that this studio has saved as a preset."


@dataclass(frozen=True, slots=True)
class Preset:
    """A brief with a name. Its seed says nothing: a preset is a way to make works, not one work."""

    name: str
    request: Request
    path: Path


class Presets:
    """The presets in a folder, which need not exist yet. Files in it that are no presets are left alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, kind: str) -> list[Preset]:
        """Those for one kind of request, by name."""
        found: list[Preset] = []
        for path in sorted((self._folder / kind).glob("*.json")):
            try:
                found.append(read(path))
            except BadInput as error:
                log.warning("a preset was left out: %s", error)
        return sorted((one for one in found if one.request.kind == kind), key=lambda one: one.name.casefold())

    def keep(self, name: str, request: Request) -> Preset:
        """Save a brief; an older one of its name is replaced. BadInput for no name, StudioError for a full disk."""
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
    told = {key: value for key, value in request.to_json().items() if key != "seed"}
    whole = {"format": FORMAT, "name": name, "request": told}
    storage.write_atomic(path, json.dumps(whole, ensure_ascii=False, indent=1).encode("utf-8"))


def read(path: Path) -> Preset:
    """The preset in a file. Raises BadInput where it is none."""
    try:
        if path.stat().st_size > SIZE_LIMIT:
            raise BadInput("{name} is far too large for a preset.", TROUBLE, name=path.name)
        data: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput("{name} cannot be read as a preset.", TROUBLE, name=path.name) from error
    if not isinstance(data, dict) or cast("dict[str, Any]", data).get("format") != FORMAT:
        raise BadInput("{name} is not a preset.", TROUBLE, name=path.name)
    told = cast("dict[str, Any]", data)
    name = " ".join(str(told.get("name", "")).split())[:NAME_LIMIT] or path.stem
    return Preset(name, Request.from_json(told.get("request")), path)


def _free(folder: Path, name: str) -> Path:
    """A file name that every file system takes, and that no other preset has."""
    plain = unicodedata.normalize("NFC", name).casefold()
    stem = "".join(letter if letter.isalnum() else "-" for letter in plain).strip("-")[:40] or "preset"
    return storage.free_path(folder / f"{stem}.json", "-")
