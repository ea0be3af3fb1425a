"""The works that requests use: found by id or by their bytes; files from elsewhere are kept by their bytes."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path

from studio.errors import BadInput, Message
from studio.library.library import Library
from studio.library.verify import sha256_of
from studio.schema.fields import WorkKey
from studio.schema.nested import map_works, works_of
from studio.schema.request import Request
from studio.system import storage

log = logging.getLogger(__name__)

FOLDER = "sources"
"""The folder of the library for files that requests use and that are no works: <sha256>.<suffix>."""


class UsedWorks:
    """Names the works of requests by id and sha256, and finds their files again."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._folder = library.folder / FOLDER

    def named(self, request: Request) -> Request:
        """The request with each work named by id and sha256, so that it means the same bytes anywhere.

        A file that is no work of the library is copied into it, below `sources`. BadInput for works and files that do
        not exist, StudioError for disks that fail.
        """
        return map_works(request, self._named) if works_of(request) else request

    def files(self, request: Request) -> Mapping[str, Path]:
        """The files of the works that a named request uses, by `WorkKey.name`. BadInput for one that is missing."""
        return {key.name: self._file(key) for key in works_of(request)}

    def _named(self, key: WorkKey) -> WorkKey:
        if not key.path or key.id or key.sha256:
            return self._of_library(key)
        path = Path(key.path).expanduser()
        if not path.is_file():
            raise BadInput("{path} does not exist.", "Give a file, or the id of a work.", path=path)
        known = self._library.find_file(path)
        if known is not None:
            return WorkKey(id=known.id, sha256=known.sha256)
        with storage.disk_errors_as(Message("{name} could not be read", name=path.name)):
            sha256 = sha256_of(path)
            kept = self._folder / f"{sha256}{path.suffix.lower()}"
            if not kept.is_file():
                self._folder.mkdir(parents=True, exist_ok=True)
                with storage.replacing(kept) as part:
                    storage.copy(path, part, lambda _: None)
        return WorkKey(sha256=sha256)

    def _of_library(self, key: WorkKey) -> WorkKey:
        """The key with the sha256 of its work; one that has it already, and so is found by it, stays as it is."""
        if key.sha256:
            self._file(key)
            return dataclasses.replace(key, path="")
        found = self._library.get_many([key.id])
        if not found:
            raise _missing(key)
        return WorkKey(id=key.id, sha256=found[0].sha256)

    def _file(self, key: WorkKey) -> Path:
        """The file of a work: by its id where it has the bytes that are meant, else by its bytes."""
        for work in self._library.get_many([key.id]) if key.id else ():
            if work.path.is_file() and key.sha256 in ("", work.sha256):
                return work.path
        if key.sha256:
            for kept in sorted(self._folder.glob(f"{key.sha256}*")):
                return kept
            same = self._library.find_bytes(key.sha256)
            if same is not None and same.path.is_file():
                return same.path
        raise _missing(key)


def _missing(key: WorkKey) -> BadInput:
    return BadInput(
        "The work {work} that this uses is not in the library.",
        "Import its file again, or restore it from the bin.",
        work=key.id or key.sha256[:12],
    )
