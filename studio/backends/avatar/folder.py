"""Checks a folder of pictures for training: which are used, which are not and why; the result is cached.

Knows neither torch nor windows: the window shows what the training will see.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.backends.avatar.crop import NOTES, REASONS, CroppedPicture, UnusablePicture, crop_file
from studio.backends.avatar.duplicates import DuplicateFinder
from studio.errors import BadInput, Message
from studio.system.paths import AppPaths

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif")
FEWEST = 8
FILE_LIMIT = 200_000
VERSION = 1  # of what is kept: another number, and everything is looked at anew
KEPT = 6  # sets of pictures that are kept
TOGETHER = 64  # files between two reports

Heard = Callable[[int, int], object]


@dataclass(frozen=True)
class DatasetEntry:
    """One file. `reason` is a key of crop.REASONS, empty where it is used; `notes` are keys of crop.NOTES."""

    path: str
    reason: str = ""
    detail: str = ""
    notes: tuple[str, ...] = ()

    def words(self) -> Message:
        """Why it is not used."""
        reason = REASONS[self.reason]
        return Message("{reason} ({detail})", reason=reason, detail=self.detail) if self.detail else reason


@dataclass(frozen=True, eq=False)
class CheckedFolder:
    """What a folder holds: every file, and uint8 [used, size, size, 4] of those that are used, in their order."""

    folder: Path
    entries: tuple[DatasetEntry, ...]
    pixels: NDArray[np.uint8]

    @property
    def used(self) -> list[DatasetEntry]:
        return [entry for entry in self.entries if not entry.reason]

    @property
    def skipped(self) -> list[DatasetEntry]:
        return [entry for entry in self.entries if entry.reason]


def check_folder(
    folder: Path, size: int, progress: Heard = lambda done, total: None, cache: Path | None = None
) -> CheckedFolder:
    """Look at every picture under a folder, or remember how they were.

    `heard` gets how many files of how many are done; what it raises passes through. `kept` is where results are kept
    (the studio's cache if None). Raises BadInput for what is no folder or holds far too many files.
    """
    if not folder.is_dir():
        raise BadInput("{folder} is not a folder.", "Choose a folder of pictures.", mend="folders", folder=folder)
    files = list(_files(folder))
    place = (cache or AppPaths.for_user().cache / "pictures") / _key(folder, files, size)
    found = _read_cache(folder, place)
    if found is None:
        found = _check_files(folder, files, size, progress)
        # A cache that cannot be written only costs time.
        with contextlib.suppress(OSError):
            _write_cache(found, place)
    return found


def _files(folder: Path) -> Iterator[Path]:
    """Files that may be pictures, relative to the folder, sorted; hidden ones are left out."""
    found: list[Path] = []
    for parent, names, files in os.walk(folder):
        names[:] = [name for name in names if not name.startswith((".", "__MACOSX"))]
        here = Path(parent)
        for name in files:
            if not name.startswith(".") and name.lower().endswith(SUFFIXES) and (here / name).is_file():
                found.append((here / name).relative_to(folder))
        if len(found) > FILE_LIMIT:
            raise BadInput(
                "{folder} holds more than {limit:,} pictures.",
                "Choose a smaller folder.",
                folder=folder,
                limit=FILE_LIMIT,
            )
    yield from sorted(found, key=lambda path: path.as_posix())


def _key(folder: Path, files: list[Path], size: int) -> str:
    """Changes with every file that comes, goes or is written to."""
    digest = hashlib.sha256(f"{VERSION}\n{size}\n{folder.resolve()}\n".encode("utf-8", "surrogateescape"))
    for path in files:
        with contextlib.suppress(OSError):
            about = (folder / path).stat()
            line = f"{path.as_posix()}\t{about.st_size}\t{about.st_mtime_ns}\n"
            digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:32]


def _check_files(folder: Path, files: list[Path], size: int, heard: Heard) -> CheckedFolder:
    copies = _find_copies(folder, files)
    seen = DuplicateFinder()
    names: list[str] = []
    entries: list[DatasetEntry] = []
    pixels: list[NDArray[np.uint8]] = []

    def one(path: Path) -> CroppedPicture | UnusablePicture:
        first = copies.get(path)
        if first is not None:
            return UnusablePicture("copy", first.as_posix())
        try:
            return crop_file(folder / path, size)
        except UnusablePicture as unfit:
            return unfit

    with ThreadPoolExecutor(2, "pictures") as pool:
        for start in range(0, len(files), TOGETHER):
            heard(start, len(files))
            some = files[start : start + TOGETHER]
            for path, made in zip(some, pool.map(one, some), strict=True):
                name = _printable_name(path)
                if isinstance(made, UnusablePicture):
                    entries.append(DatasetEntry(name, made.reason, _printable_name(made.detail)))
                    continue
                same = seen.same_as(made.pixels)
                if same is not None:
                    entries.append(DatasetEntry(name, "alike", names[same]))
                    continue
                names.append(name)
                pixels.append(made.pixels)
                entries.append(DatasetEntry(name, notes=made.notes))
    heard(len(files), len(files))
    stacked = np.stack(pixels) if pixels else np.zeros((0, size, size, 4), np.uint8)
    return CheckedFolder(folder, tuple(entries), stacked)


def _find_copies(folder: Path, files: list[Path]) -> dict[Path, Path]:
    """Files with the same bytes as one before them, and that one. Only files of equal length are read."""
    by_length: dict[int, list[Path]] = {}
    for path in files:
        with contextlib.suppress(OSError):
            by_length.setdefault((folder / path).stat().st_size, []).append(path)
    copies: dict[Path, Path] = {}
    for some in by_length.values():
        firsts: dict[bytes, Path] = {}
        for path in some if len(some) > 1 else ():
            with contextlib.suppress(OSError), (folder / path).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
                if digest in firsts:
                    copies[path] = firsts[digest]
                firsts.setdefault(digest, path)
    return copies


def _printable_name(path: Path | str) -> str:
    """A name that can be written to a file, whatever bytes the disk has for it."""
    text = path.as_posix() if isinstance(path, Path) else path
    return text.encode("utf-8", "replace").decode("utf-8")


def _write_cache(found: CheckedFolder, place: Path) -> None:
    """Write atomically, then delete the results that were used longest ago."""
    part = place.with_name(f".{place.name}.{uuid.uuid4().hex}")
    part.mkdir(parents=True)
    try:
        np.save(part / "pixels.npy", found.pixels)
        words = json.dumps([asdict(entry) for entry in found.entries], ensure_ascii=False)
        (part / "entries.json").write_text(words, encoding="utf-8")
        shutil.rmtree(place, ignore_errors=True)  # what is there could not be used
        part.replace(place)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    sets = sorted((each for each in place.parent.iterdir() if each.is_dir()), key=lambda each: each.stat().st_mtime)
    for old in sets[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def _read_cache(folder: Path, place: Path) -> CheckedFolder | None:
    """What was kept; None where nothing is, or what is there cannot be used."""
    try:
        rows: list[dict[str, Any]] = json.loads((place / "entries.json").read_text(encoding="utf-8"))
        entries = tuple(DatasetEntry(row["path"], row["reason"], row["detail"], tuple(row["notes"])) for row in rows)
        # Mapped, so that only what is looked at is in memory; "c": what is changed stays in memory.
        pixels = np.load(place / "pixels.npy", mmap_mode="c", allow_pickle=False)
        used = sum(not entry.reason for entry in entries)
        known = all(set(entry.notes) <= set(NOTES) and entry.reason in ("", *REASONS) for entry in entries)
        if pixels.dtype != np.uint8 or pixels.ndim != 4 or len(pixels) != used or not known:
            return None
        os.utime(place)
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None
    return CheckedFolder(folder, entries, pixels)
