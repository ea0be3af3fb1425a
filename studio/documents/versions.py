"""Versions of a document: saved states to go back to, named by a person or automatic."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.documents.files import fingerprint, header, seal, unseal
from studio.errors import BadInput, StudioError

AUTOMATIC_LIMIT = 40
"""How many automatic versions stay; versions that a person named stay."""


@dataclass(frozen=True, slots=True)
class DocumentVersion:
    """A state to go back to. `saved` is seconds since 1970; `name` is empty for automatic ones."""

    number: int
    name: str
    automatic: bool
    saved: float


class VersionStore:
    """The sealed states in `folder`, numbered in the order in which they were saved, whatever the clock says."""

    def __init__(self, folder: Path, step: Callable[[str], None]) -> None:
        self.folder = folder
        self._step = step

    def all(self) -> list[DocumentVersion]:
        """Newest first. Damaged ones and those of a newer studio are passed over."""
        found: list[DocumentVersion] = []
        for path in self.folder.glob("*.version"):
            with contextlib.suppress(StudioError, KeyError, ValueError, TypeError):
                head = header(path)
                name, automatic = str(head.get("name", "")), head.get("automatic") is True
                found.append(DocumentVersion(int(path.stem), name, automatic, float(head["saved"])))
        return sorted(found, key=lambda version: version.number, reverse=True)

    def keep(self, state: dict[str, Any], name: str, *, automatic: bool = False) -> DocumentVersion:
        """Raises OSError."""
        known = self.all()
        version = DocumentVersion(known[0].number + 1 if known else 1, name, automatic, time.time())
        self._step("version")
        self.folder.mkdir(exist_ok=True)
        heading = {"name": name, "automatic": automatic, "saved": version.saved}
        seal(self._path(version.number), heading, state)
        return version

    def keep_by_itself(self, state: dict[str, Any]) -> None:
        """Keep the state unless it is empty or the newest version says the same; thin out the oldest automatic ones."""
        known = self.all()
        newest = header(self._path(known[0].number)).get("crc") if known else None
        if state["content"] and newest != fingerprint(state):
            self.keep(state, "", automatic=True)
            for old in [version for version in known if version.automatic][AUTOMATIC_LIMIT - 1 :]:
                self.forget(old.number)

    def state(self, number: int) -> dict[str, Any]:
        """Raises BadInput where it is gone or damaged."""
        path = self._path(number)
        if not path.exists():
            raise BadInput("There is no version {number}.", number=number)
        return unseal(path)

    def forget(self, number: int) -> None:
        self._path(number).unlink(missing_ok=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06d}.version"
