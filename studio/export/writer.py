"""Writes exported files to a folder or a zip: all of them, or none."""

from __future__ import annotations

import contextlib
import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from studio.errors import BadInput
from studio.system.storage import (
    disk_errors_as,
    free_path,
    staging,
    sweep_staging,
    sync_file,
    sync_folder,
    unique_name,
    write_synced,
)

File = tuple[str, bytes]
"""Its place below the folder, with "/" between the parts, and its bytes."""

EXPORTING = ".export-"
"""How the names of the folders begin that hold exported files until all are there."""

NAME_LIMIT = 60
"""Characters of a name that is made of a title."""

_RESERVED = re.compile(r"(con|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³])(\..*)?", re.IGNORECASE)


def safe_name(title: str, fallback: str) -> str:
    """A file or folder name, without suffix, that is valid on every system."""
    clean = "".join(letter for letter in title if letter.isalnum() or letter in " -_").strip()[:NAME_LIMIT].strip()
    while len(clean.encode("utf-8", "replace")) > 180:
        clean = clean[:-1]
    return fallback if not clean or _RESERVED.fullmatch(clean) else clean


def unique_file_name(name: str, taken: set[str]) -> str:
    """The name, or the first one with a number that differs from all in `taken`, to which it is added.

    Names that differ by case or by how accents are composed are one file on many systems.
    """
    made = unique_name(name, lambda word: _folded(word) in taken)
    taken.add(_folded(made))
    return made


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def write_files(files: Iterable[File], to: Path, name: str, on_file: Callable[[int], None] | None = None) -> Path:
    """Write the files to `to`, a zip by its suffix, or else a folder; returns the zip, folder or file.

    One file alone goes into the folder `to` itself; several into a new folder `name` within it. Nothing is
    overwritten: a name that is taken gets a number, and a zip that exists is refused. `on_file(count)` is called after
    each file; what it or `files` raises passes through, and then nothing has been written. Raises BadInput, or
    StudioError where the disk refuses.
    """
    with disk_errors_as("The export could not be written"):
        return _zip(files, to, on_file) if is_zip(to) else _folder(files, to, name, on_file)


def is_zip(to: Path) -> bool:
    """Whether files that are written to `to` become one zip there."""
    return to.suffix.lower() == ".zip"


def _zip(files: Iterable[File], to: Path, on_file: Callable[[int], None] | None) -> Path:
    if to.exists():
        raise BadInput("There is already a file {to}.", "Choose another name, or move it away first.", to=to)
    made_folder = _make_folder(to.parent)
    try:
        sweep_staging(to.parent, EXPORTING)
        with staging(to.parent, EXPORTING) as folder:
            part = folder / "all.zip"
            with zipfile.ZipFile(part, "w") as whole:
                for count, (inner, data) in enumerate(files, 1):
                    # A fixed time, so that the same work gives the same zip; what is in it is packed already.
                    entry = zipfile.ZipInfo(_check_name(inner), (1980, 1, 1, 0, 0, 0))
                    entry.external_attr = 0o644 << 16
                    whole.writestr(entry, data, zipfile.ZIP_STORED)
                    if on_file:
                        on_file(count)
            sync_file(part)
            part.replace(to)
    except BaseException:
        _remove_empty(made_folder)
        raise
    sync_folder(to.parent)
    return to


def _folder(files: Iterable[File], to: Path, name: str, on_file: Callable[[int], None] | None) -> Path:
    if to.exists() and not to.is_dir():
        raise BadInput("{to} is a file, not a folder.", "Choose a folder, or a name that ends in .zip.", to=to)
    made_folder = _make_folder(to)
    try:
        sweep_staging(to, EXPORTING)
        with staging(to, EXPORTING) as part:
            written: list[Path] = []
            for count, (inner, data) in enumerate(files, 1):
                place = part / _check_name(inner)
                place.parent.mkdir(parents=True, exist_ok=True)
                write_synced(place, data)
                written.append(place)
                if on_file:
                    on_file(count)
            end = free_path(to / (written[0].name if len(written) == 1 else name))
            (written[0] if len(written) == 1 else part).replace(end)
    except BaseException:
        _remove_empty(made_folder)
        raise
    sync_folder(to)
    return end


def _make_folder(folder: Path) -> Path | None:
    """Make the folder; returns the topmost one that was not there before."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing[-1] if missing else None


def _remove_empty(folder: Path | None) -> None:
    """Remove the folders that were made, if they are empty."""
    if folder is not None:
        for each in sorted((each for each in folder.rglob("*") if each.is_dir()), reverse=True):
            with contextlib.suppress(OSError):
                each.rmdir()
        with contextlib.suppress(OSError):
            folder.rmdir()


def _check_name(inner: str) -> str:
    parts = inner.split("/")
    if any(part in ("", ".", "..") or "\\" in part or ":" in part for part in parts):
        raise ValueError(f"{inner!r} is no place below a folder")
    return inner
