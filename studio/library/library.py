"""The library of all works that were made or imported.

The files hold everything; the index can always be rebuilt from them. Any thread may use it, and several studios may use
one folder at the same time.
"""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.errors import BadInput, Message, StudioError, quiet
from studio.library import index as tables
from studio.library.asset import (
    FOLDERS,
    UNKNOWN,
    Asset,
    AssetFile,
    AssetRecord,
    LibraryQuery,
    PartRecord,
    default_title,
    part_name,
    without_surrogates,
)
from studio.library.index import DamagedIndex, LibraryIndex
from studio.library.store import THUMBNAIL, LibraryStore, Step
from studio.library.verify import (
    LibraryProblem,
    OnProgress,
    SelfHealingIndex,
    find_problems,
    measures,
    medium_of,
    rebuild_records,
    sidecar_records,
    unindexed_texts,
)
from studio.media import codecs, temp_clips
from studio.media.payloads import Audio, Bundle, Clip, Image, Payload, Text
from studio.media.provenance import Embed, Provenance, embedded_note, parse_note
from studio.system import storage
from studio.system.storage import (
    FileLock,
    disk_error,
    disk_errors_as,
    is_full,
    sha256_of,
    sync_file,
    sync_folder,
    try_writing,
)

__all__ = ["Asset", "AssetFile", "Embed", "Library", "LibraryProblem", "LibraryQuery"]

IMPORT_LIMIT = 2**31
"""Bytes of the largest file that can be imported."""

FULL = Message(
    "The disk of the library is full: works can be seen and exported, but nothing can be saved. Free some space."
)
"""Said once the library has been opened to read only."""

Storable = Image | Clip | Audio | Text
NO_PARTS: Mapping[str, tuple[str, Callable[[Path], None]]] = {}


class Library:
    """Works in `folder`: files in works/YYYY-MM with a sidecar each, thumbnails, a bin, and index.sqlite.

    Opening finishes or removes what a crash left, indexes works that were copied into the folder, and rebuilds the
    index where it is missing or damaged; `notices` has messages for the user. On a full disk it opens to read only, and
    what would write raises StudioError until there is room. Raises
    StudioError where the folder cannot be used. `step` is called with the name of every step of a change before it is
    taken.
    """

    def __init__(self, folder: Path, *, step: Step | None = None, clock: Callable[[], float] = time.time) -> None:
        self.folder = Path(folder).absolute()
        self.notices: list[Message] = []
        self._clock = clock
        self._step: Step = step or _no_step
        self._store = LibraryStore(self.folder, self._step)
        self._index = LibraryIndex(self.folder / "index.sqlite")
        self._lock = FileLock(self.folder / ".lock")
        self._queries = SelfHealingIndex(self.folder, self._index, self._lock, self.notices)
        with disk_errors_as("The library could not be opened"):
            self._store.prepare()
            with self._lock:
                self._store.sweep_dead()  # first, since it may be what has filled the disk
                try:
                    self._open()
                except (OSError, sqlite3.OperationalError) as error:
                    if not is_full(error) and self._has_room():
                        raise
                    self._index.copy_to_memory(lambda: sidecar_records(self.folder))
                    self.notices.append(FULL)

    def _open(self) -> None:
        try:
            self._index.prepare(lambda: rebuild_records(self.folder))
        except DamagedIndex:
            self._queries.rebuild()
        self._queries.sync_with_folder(self._queries.retry(lambda: self._store.recover(self._index)))

    def _has_room(self) -> bool:
        try:
            try_writing(self.folder, tables.ROOM)
        except OSError as error:
            return not is_full(error)
        return True

    def close(self) -> None:
        self._index.close()

    def add(
        self,
        payload: Payload,
        *,
        medium: str,
        request: dict[str, Any],
        provenance: Provenance,
        parents: Iterable[str] = (),
        partial: bool = False,
        title: str = "",
        embed: Embed = "all",
    ) -> Asset:
        """Add a work: all of it or, when StudioError is raised, nothing.

        `embed` is what is embedded in the files; the sidecar beside them has everything. The temporary file of a
        clip is deleted once the work is saved, and stays where that failed.
        """
        if not isinstance(payload, Storable | Bundle):
            raise TypeError("a trained model belongs in the catalog, not in the library")
        bundle = payload if isinstance(payload, Bundle) else Bundle(payload, {})
        note = embedded_note(request, provenance, embed)
        kept = self._add_file(
            lambda path: codecs.write(bundle.main, path, note=note),
            codecs.suffix(bundle.main),
            payload=bundle.main,
            parts={
                role: (codecs.suffix(part), lambda path, part=part: codecs.write(part, path, note=note))
                for role, part in bundle.parts.items()
            },
            medium=medium,
            title=title or default_title(request),
            request=request,
            provenance=provenance,
            parents=tuple(dict.fromkeys(parents)),
            partial=partial,
        )
        for each in bundle.payloads:
            if isinstance(each, Clip):
                temp_clips.discard(each)
        return kept

    def import_file(
        self,
        path: Path,
        warn: Callable[[Message], object] = quiet,
        known_before: Callable[[Asset], object] | None = None,
    ) -> Asset:
        """Copy a person's own picture, clip, sound or text into the library, byte for byte.

        A file that the studio made has its request embedded. For a file whose bytes are in the library already, the
        existing work is returned: restored from the bin if it was there, and its file restored if that was missing.
        `known_before` is told such a work, unless it was in the bin. `warn` is told what was guessed or ignored.

        Raises BadInput for what cannot be read.
        """
        path = Path(path)
        if path.is_file() and path.stat().st_size > IMPORT_LIMIT:
            raise BadInput(
                "{name} is too large.",
                "Files up to {limit} GB can be imported.",
                name=path.name,
                limit=IMPORT_LIMIT // 2**30,
            )
        payload = codecs.read(path, warn)
        known = self.find_bytes(sha256_of(path))
        if known:
            if known.binned:
                self.restore([known.id])
            record = self._records([known.id])[0]
            self._restore_file(record, path)
            asset = record.to_asset(self.folder)
            if known_before is not None and not known.binned:
                known_before(asset)
            return asset
        request, provenance = parse_note(codecs.read_note(path))
        return self._add_file(
            lambda place: storage.copy(path, place),
            path.suffix.lower(),
            payload=payload,
            medium=medium_of(request, payload),
            title=path.stem[:200],
            request=request,
            provenance=Provenance(imported=path.name) if provenance == UNKNOWN else provenance,
        )

    def get(self, id: str) -> Asset:
        """Raises BadInput where there is no such work."""
        return self._records([id])[0].to_asset(self.folder)

    def work_at(self, path: Path) -> Asset | None:
        """The work that this file of the library belongs to; None for every other file."""
        path = path.absolute()
        if path.parent.parent not in (self.folder / room for room in FOLDERS):
            return None
        named = self.get_many([path.stem, path.name.split(".", 1)[0]])
        return next((work for work in named if path in work.paths), None)

    def find_file(self, path: Path) -> Asset | None:
        """The work that this file belongs to, or one with the same bytes; None where there is none. Raises StudioError
        where it cannot be read.
        """
        work = self.work_at(path)
        if work is not None:
            return work
        with disk_errors_as("The file could not be read"):
            digest = sha256_of(path)
        return self.find_bytes(digest)

    def find_bytes(self, sha256: str) -> Asset | None:
        """The newest work whose file has this sha256; None where there is none."""
        known = self._queries.query(lambda db: tables.same_bytes(db, sha256))
        return known.to_asset(self.folder) if known else None

    def hashes(self) -> set[str]:
        """Every sha256 that stands in a sidecar, also in those that cannot be read as works."""
        found = self._queries.query(tables.hashes)
        with disk_errors_as("The library could not be read"):
            for text in unindexed_texts(self.folder, self._queries.query(tables.ids)):
                found.update(tables.SHA256.findall(text))
        return found

    def page(self, query: LibraryQuery | None = None, offset: int = 0, limit: int = 100) -> list[Asset]:
        """Works that match the query, newest first."""
        found = self._queries.query(lambda db: tables.page(db, query or LibraryQuery(), max(0, offset), max(0, limit)))
        return [record.to_asset(self.folder) for record in found]

    def count(self, query: LibraryQuery | None = None) -> int:
        return self._queries.query(lambda db: tables.count(db, query or LibraryQuery()))

    def ids(self, query: LibraryQuery | None = None) -> list[str]:
        """The ids of all works that match the query, newest first."""
        return self._queries.query(lambda db: tables.ids_matching(db, query or LibraryQuery()))

    def get_many(self, ids: Iterable[str]) -> list[Asset]:
        """The works of these ids that exist, in that order."""
        wanted = list(ids)
        found = self._queries.query(lambda db: tables.records(db, wanted))
        return [found[id].to_asset(self.folder) for id in wanted if id in found]

    def children(self, id: str) -> list[Asset]:
        """Works made from this one, oldest first."""
        return [
            record.to_asset(self.folder)
            for record in self._queries.query(lambda db: tables.records_labelled(db, "parent", id))
        ]

    def tags(self) -> dict[str, int]:
        """Every tag in use and on how many works, in alphabetical order."""
        return self._queries.query(lambda db: tables.labels(db, "tag"))

    def collections(self) -> dict[str, int]:
        """Every collection and how many works it holds, in alphabetical order."""
        return self._queries.query(lambda db: tables.labels(db, "collection"))

    def count_made_with(self, model: str) -> int:
        """How many works, those in the bin included, the model of this id has made or has helped to make."""
        return self._queries.query(lambda db: tables.count_made_with(db, model))

    def models(self) -> dict[str, int]:
        """The id of every model that works were made with and how many works, in alphabetical order."""
        return self._queries.query(tables.models)

    def favourite(self, ids: Iterable[str], on: bool = True) -> None:
        self._change(ids, lambda record: replace(record, favourite=on))

    def tag(self, ids: Iterable[str], *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        more, less = [_label(name) for name in add], {_label(name) for name in remove}

        def changed(record: AssetRecord) -> AssetRecord:
            return replace(record, tags=tuple(t for t in dict.fromkeys((*record.tags, *more)) if t not in less))

        self._change(ids, changed)

    def collect(self, ids: Iterable[str], name: str, on: bool = True) -> None:
        """Add works to the collection, or remove them. A collection exists while it has works."""
        label = _label(name)

        def changed(record: AssetRecord) -> AssetRecord:
            others = tuple(other for other in record.collections if other != label)
            return replace(record, collections=(*others, label) if on else others)

        self._change(ids, changed)

    def rename(self, id: str, title: str) -> None:
        clean = " ".join(title.split())[:200]
        self._change([id], lambda record: replace(record, title=clean))

    def bin(self, ids: Iterable[str]) -> None:
        """Move works to the bin, where no list shows them, until they are restored or deleted."""
        self._change(ids, lambda record: replace(record, binned=True))

    def restore(self, ids: Iterable[str]) -> None:
        self._change(ids, lambda record: replace(record, binned=False))

    def empty_bin(self) -> int:
        """Delete the works in the bin for good; returns how many."""
        return self.delete(self.ids(LibraryQuery(binned=True)))

    def delete(self, ids: Iterable[str]) -> int:
        """Delete those of the works that are in the bin for good; returns how many they were."""
        wanted = list(dict.fromkeys(ids))
        with self._lock, disk_errors_as("The bin could not be emptied"):
            known = self._queries.query(lambda db: tables.records(db, wanted))
            binned = [record for record in known.values() if record.binned]
            self._queries.retry(lambda: self._store.remove(self._index, binned))
        return len(binned)

    def thumbnail(self, id: str, size: int = THUMBNAIL) -> Path | None:
        """A small WebP picture of the work, made where it is missing; None for a text. At most `size` pixels a side."""
        path = self._store.thumbnail(Path(id).name, size)
        if path.exists() and path.stat().st_size:
            return path
        asset = self.get(id)
        if asset.path.suffix in codecs.TEXT_SUFFIXES:
            return None
        with disk_errors_as("The thumbnail could not be made"):
            return self._make_thumbnail(codecs.read(asset.path), path, size)

    def rebuild(self, on_progress: OnProgress | None = None) -> int:
        """Rebuild the index from the files; returns the number of works. Calls `on_progress(done, total)`."""
        with self._lock, disk_errors_as("The library could not be rebuilt"):
            try:
                return self._index.replace_all(rebuild_records(self.folder, on_progress))
            except DamagedIndex:
                return self._queries.rebuild(on_progress)

    def verify(self, on_progress: OnProgress | None = None) -> list[LibraryProblem]:
        """Compare files, sidecars and index, every byte. Calls `on_progress(done, total)`."""
        rows = self._queries.query(tables.all_records)
        whole = self._queries.query(tables.index_ok)
        return find_problems(self.folder, rows, whole, on_progress)

    def _add_file(
        self,
        fill: Callable[[Path], None],
        suffix: str,
        *,
        payload: Storable,
        parts: Mapping[str, tuple[str, Callable[[Path], None]]] = NO_PARTS,
        **values: Any,
    ) -> Asset:
        """Stage the file that `fill` writes and those of `parts` (role: suffix, fill), then add the work they are."""
        with disk_errors_as("The work could not be saved"):
            with self._lock:
                now = self._clock()
                last = self._queries.query(tables.last_order)
                name = f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}-{secrets.token_hex(4)}"
                held = self._store.reserve(name)
            record: AssetRecord | None = None
            try:
                staged = self._store.staged(name + suffix)
                self._step("stage")
                # Both compress pixels without holding the GIL, and take about as long.
                with ThreadPoolExecutor(1) as beside:
                    drawn = beside.submit(self._make_thumbnail, payload, self._store.thumbnail(name), THUMBNAIL)
                    fill(staged)
                    self._step("flush")
                    sync_file(staged)
                    self._step("thumbnail")
                    drawn.result()
                month = f"{name[:4]}-{name[4:6]}"
                files: list[PartRecord] = []
                for role, (ending, fill_part) in parts.items():
                    self._step("stage")
                    part = self._store.staged(part_name(name, role, ending))
                    fill_part(part)
                    sync_file(part)
                    files.append(PartRecord(role, f"{month}/{part.name}", sha256_of(part), part.stat().st_size))
                draft = AssetRecord(
                    id=name,
                    order=max(last + 1, int(now * 1e6)),
                    file=f"{month}/{staged.name}",
                    created=now,
                    sha256=sha256_of(staged),
                    size=staged.stat().st_size,
                    parts=tuple(files),
                    **measures(payload),
                    **values,
                )
                with self._lock:
                    last = self._queries.query(tables.last_order)
                    record = replace(draft, order=max(last + 1, draft.order)).normalized()
                    self._describe([record])
                    self._store.finish([record])
                return record.to_asset(self.folder)
            except BaseException:
                self._withdraw(name, record)
                raise
            finally:
                self._store.release(name, held)

    def _restore_file(self, record: AssetRecord, source: Path) -> None:
        """Restore the main file of a work from a copy with the same bytes."""
        target = record.path_in(self.folder)
        if target.exists():
            return
        with disk_errors_as("The work could not be saved"), self._lock:
            staged = self._store.staged(target.name)
            storage.copy(source, staged)
            target.parent.mkdir(parents=True, exist_ok=True)
            staged.replace(target)
            sync_folder(target.parent)

    def _withdraw(self, name: str, record: AssetRecord | None) -> None:
        """Remove what was written of a work whose adding failed; the next opening removes the rest."""
        with contextlib.suppress(OSError, sqlite3.Error, StudioError, DamagedIndex):
            if record is None:
                self._store.sweep(name)
                return
            with self._lock:
                self._store.withdraw(self._index, record)

    def _make_thumbnail(self, payload: Payload, path: Path, size: int) -> Path | None:
        from studio.media import images  # the window starts without numpy and Pillow

        small = codecs.thumbnail(payload, size)
        if small is None:
            return None
        self._store.save_thumbnail(path, images.encode_webp(small))
        return path

    def _records(self, ids: Iterable[str]) -> list[AssetRecord]:
        wanted = list(dict.fromkeys(without_surrogates(name) for name in ids))
        found = self._queries.query(lambda db: tables.records(db, wanted))
        missing = [name for name in wanted if name not in found]
        if missing:
            raise BadInput(
                "There is no work {id!r:.80} in the library.", "`studio library list` shows those.", id=missing[0]
            )
        return [found[name] for name in wanted]

    def _change(self, ids: Iterable[str], changed: Callable[[AssetRecord], AssetRecord]) -> None:
        with disk_errors_as("The change could not be saved"), self._lock:
            before = self._records(ids)
            after = [changed(record) for record in before]
            news = [new.normalized() for old, new in zip(before, after, strict=True) if new != old]
            self._describe(news)
            try:
                self._store.finish(news)
            except OSError as error:
                why = disk_error("Files could not be moved", error).said
                self.notices.append(
                    Message("{problem} The change is saved, and its files are moved at the next start.", problem=why)
                )

    def _describe(self, records: list[AssetRecord]) -> None:
        self._queries.retry(lambda: self._store.describe(self._index, records))


def _no_step(_step: str) -> None:
    """The default `step`: does nothing."""


def _label(name: str) -> str:
    clean = " ".join(name.split())
    if not clean or len(clean) > 100:
        raise BadInput("A tag or collection needs a name of 1 to 100 characters.")
    return clean
