"""Copies of works outside the library: their names, and writing them so that nothing is overwritten; no widgets."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from studio.library.library import Asset

LONGEST = 60  # characters of a file's name


def copy_name(asset: Asset) -> str:
    """A file name that any system takes, after the work's title."""
    words = "".join(letter for letter in asset.title if letter.isalnum() or letter in " -_").strip()
    return f"{words[:LONGEST].strip() or asset.id}{asset.path.suffix}"


def copy_file(asset: Asset, path: Path) -> Path:
    """Raises OSError."""
    shutil.copyfile(asset.path, path)
    return path


def copy_files(works: Sequence[Asset], folder: Path, stopping: Callable[[], bool]) -> list[Path]:
    """Copy the files into the folder, each under a name that is free there. Raises OSError."""
    made: list[Path] = []
    for asset in works:
        if stopping():
            break
        made.append(copy_file(asset, _free(folder / copy_name(asset))))
    return made


def _free(path: Path) -> Path:
    number, free = 2, path
    while free.exists():
        free = path.with_stem(f"{path.stem} {number}")
        number += 1
    return free
