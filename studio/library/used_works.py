"""The works that requests use: found by id or by their bytes; copies of files that are no works, and their removal."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from studio.errors import BadInput, Message, StudioError
from studio.library.index import SHA256
from studio.library.library import Library
from studio.library.store import SOURCES
from studio.media import codecs
from studio.schema.fields import WorkKey, WorkRef
from studio.schema.nested import AnyRequest, map_works, work_fields, works_of
from studio.schema.request import Request
from studio.system import storage
from studio.system.storage import FileLock, sha256_of

COPYING = ".copying-"
"""How the names of the folders begin that hold a copy until it is whole."""

UNUSED_SECONDS = 30 * 86_400.0
"""How long a source must not have been used before it is removed; every use sets the time of its file."""


class UsedWorks:
    """Names the works of requests by id and sha256, and finds their files again. Any thread may use it, and several
    studios at once.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._folder = library.folder / SOURCES
        self._lock = FileLock(library.folder / ".sources.lock")

    def found(self, request: AnyRequest) -> AnyRequest:
        """The request with each work of the library named by id and sha256. Reads no file: those that are no works
        stay paths until `kept`. BadInput for works and files that do not exist, or are not what their field takes.
        """

        def change(field: WorkRef, key: WorkKey) -> WorkKey:
            named, path, name = self._found(key)
            demand_kind(field, path, name)
            return named

        return map_works(request, change)

    def kept(self, request: AnyRequest, on_chunk: Callable[[int], object] = lambda _bytes: None) -> AnyRequest:
        """The request with each work named by id and sha256, so that it means the same bytes anywhere.

        A file that is no work of the library is copied into it, below `sources`. `on_chunk(bytes)` is called after each
        part that was read or copied; what it raises passes through. BadInput for works and files that do not exist or
        are damaged, StudioError for disks that fail.
        """
        return map_works(request, lambda _, key: self._kept(key, on_chunk))

    def files(self, request: Request) -> Mapping[str, Path]:
        """The files of the works that a named request uses, by `WorkKey.name`. BadInput for one that is missing."""
        return {key.name: self._file(key)[0] for key in works_of(request)}

    def missing(self, request: Request) -> list[tuple[str, WorkKey]]:
        """The works and files of the request that are not there, each with the label of its field."""
        return [(field.label, key) for field, key in work_fields(request) if not self._is_there(key)]

    def unused(self, now: float | None = None) -> list[Path]:
        """The sources that were not used for `UNUSED_SECONDS`, and what unfinished copies of that age left."""
        there = self._folder.iterdir() if self._folder.is_dir() else ()
        return [path for path in there if path.is_file() and _is_old(path, now)]

    def remove_unused(self, texts: Iterable[str], now: float | None = None) -> int:
        """Delete the sources of `unused` whose sha256 stands in no sidecar of the library and in none of `texts`;
        returns how many. Those that stand in `texts` are set as used now, for another studio that has the same library
        does not know these texts. What the texts raise passes through, with nothing deleted.
        """
        storage.sweep_staging(self._folder, COPYING)
        unused = self.unused(now)
        if not unused:
            return 0
        made_with = self._library.hashes()
        named = {sha256 for text in texts for sha256 in SHA256.findall(text)}
        removed = 0
        for path in unused:
            if path.stem in made_with:
                continue
            with self._lock:  # a request that uses it now has set its time
                if path.stem in named:
                    _set_used(path, now)
                elif _is_old(path, now):
                    path.unlink(missing_ok=True)
                    removed += 1
        return removed

    def _is_there(self, key: WorkKey) -> bool:
        try:
            self._found(key)
        except BadInput:
            return False
        return True

    def _found(self, key: WorkKey) -> tuple[WorkKey, Path, str]:
        """The key with the sha256 of its work, its file, and what people call it."""
        if key.sha256:  # which it is found by: it stays as it is
            path, name = self._file(key)
            return dataclasses.replace(key, path=""), path, name
        if key.id:
            for work in self._library.get_many([key.id]):
                return WorkKey(id=key.id, sha256=work.sha256), work.path, work.title or work.id
            raise _missing(key)
        path = Path(key.path).expanduser()
        if not path.is_file():
            raise _missing_file(path)
        return key, path, path.name

    def _kept(self, key: WorkKey, on_chunk: Callable[[int], object]) -> WorkKey:
        key, path, _ = self._found(key)
        if not key.path:
            return key
        known = self._library.work_at(path)
        if known is not None:
            return WorkKey(id=known.id, sha256=known.sha256)
        with storage.disk_errors_as(Message("{name} could not be read", name=path.name)):
            sha256 = sha256_of(path, on_chunk)
        known = self._library.find_bytes(sha256)
        if known is not None and known.path.is_file():
            return WorkKey(id=known.id, sha256=sha256)
        codecs.read(path)  # what is damaged is refused under its own name, which its copy does not have
        with storage.disk_errors_as(Message("{name} could not be copied into the library", name=path.name)):
            self._copy(path, sha256, on_chunk)
        return WorkKey(sha256=sha256)

    def _copy(self, path: Path, sha256: str, on_chunk: Callable[[int], object]) -> None:
        if self._source(sha256) is not None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        with storage.staging(self._folder, COPYING) as folder:
            part = folder / f"{sha256}{path.suffix.lower()}"
            storage.copy(path, part, on_chunk)
            if sha256_of(part, on_chunk) != sha256:
                raise StudioError("{name} was changed while it was copied.", "Try again.", name=path.name)
            part.replace(self._folder / part.name)
        storage.sync_folder(self._folder)

    def _file(self, key: WorkKey) -> tuple[Path, str]:
        """The file of a work: by its id where it has the bytes that are meant, else by its bytes. And what people call
        it.
        """
        for work in self._library.get_many([key.id]) if key.id else ():
            if work.path.is_file() and key.sha256 in ("", work.sha256):
                return work.path, work.title or work.id
        if key.sha256:
            source = self._source(key.sha256)
            if source is not None:
                return source, source.name
            same = self._library.find_bytes(key.sha256)
            if same is not None and same.path.is_file():
                return same.path, same.title or same.id
        raise _missing(key)

    def _source(self, sha256: str) -> Path | None:
        """The source with these bytes, its time set so that it is not removed; None where there is none."""
        if not any(self._folder.glob(f"{sha256}*")):
            return None
        with self._lock:
            for source in sorted(self._folder.glob(f"{sha256}*")):
                _set_used(source)
                return source
        return None


def demand_kind(field: WorkRef, path: Path, name: str) -> None:
    """Return if the field takes files like this one, which its suffix tells. BadInput that says `name` otherwise."""
    suffixes = codecs.SUFFIXES_OF[field.takes]
    if path.suffix.lower() in suffixes:
        return
    said = {
        "picture": Message("{name} is not a picture.", name=name),
        "sound": Message("{name} is not a sound.", name=name),
        "text": Message("{name} is not a text.", name=name),
    }
    names = ", ".join(known[1:].upper() for known in suffixes)
    hint = Message("{field} takes {names}.", field=Message.of(field.label), names=names)
    raise BadInput(said[field.takes], hint)


def _set_used(path: Path, now: float | None = None) -> None:
    with contextlib.suppress(PermissionError, FileNotFoundError):  # another user's, or removed by another studio
        os.utime(path, None if now is None else (now, now))


def _is_old(path: Path, now: float | None) -> bool:
    try:
        return path.stat().st_mtime < (time.time() if now is None else now) - UNUSED_SECONDS
    except FileNotFoundError:  # another studio has removed it
        return False


def _missing_file(path: Path) -> BadInput:
    return BadInput("{path} does not exist.", "Give a file, or the id of a work.", path=path)


def _missing(key: WorkKey) -> BadInput:
    return BadInput(
        "The work {work} that this uses is not in the library.",
        "Import its file again, or restore it from the bin.",
        work=key.id or key.sha256[:12],
    )
