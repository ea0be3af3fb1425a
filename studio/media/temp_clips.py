"""Temporary files of clips that are not saved yet, in folders named after the studio they belong to.

A folder's name has the process of the studio that it is for, its birth, and the process that made it. So nothing of a
studio that is gone stays, and nothing of one that runs beside is touched, whatever happens to the machine's clock.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from studio.media.payloads import Clip

OWNER = "STUDIO_OWNER"
"""The variable that tells an engine's process which studio it works for."""

PREFIX = "aigc-studio-clip-"
STALE_AFTER = 24 * 3600.0  # seconds after which a folder goes that names no studio


def new_path(suffix: str) -> Path:
    """Where an engine may write a clip: a file that is not there yet, in a temporary folder of its own."""
    owner = _owner()
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{owner}-{_process_birth(owner)}-{os.getpid()}-")) / f"clip{suffix}"


def discard(clip: Clip) -> None:
    """Remove the file of a clip that nobody needs any more, with the folder that `place` made for it."""
    with contextlib.suppress(OSError):
        clip.path.unlink(missing_ok=True)
    remove_folder(clip.path)


def remove_folder(path: Path) -> None:
    """Remove the folder that `place` made for the file, once it is empty."""
    if path.parent.name.startswith(PREFIX):
        with contextlib.suppress(OSError):
            path.parent.rmdir()


def remove_unfinished(maker: int) -> None:
    """Remove what a process of ours that has ended left half written."""
    for folder, owner, _, by in _folders():
        with contextlib.suppress(OSError):
            if (owner, by) == (_owner(), maker) and all(file.suffix == ".part" for file in folder.iterdir()):
                shutil.rmtree(folder, ignore_errors=True)


def remove_stale() -> None:
    """Remove what studios left that run no more."""
    for folder, owner, birth, _ in _folders():
        with contextlib.suppress(OSError):
            gone = (
                not birth or _process_birth(owner) != birth if owner else _now() - folder.stat().st_mtime > STALE_AFTER
            )
            if gone:
                shutil.rmtree(folder, ignore_errors=True)


def _now() -> float:
    """The time by the clock that the temporary place gives its files, which may be another machine's."""
    with tempfile.TemporaryFile() as file:
        return os.fstat(file.fileno()).st_mtime


def _owner() -> int:
    said = os.environ.get(OWNER, "")
    return int(said) if said.isdigit() else os.getpid()


def _folders() -> Iterator[tuple[Path, int, str, int]]:
    """Every folder, the studio it is for, its birth, and the process that made it; 0 where its name does not say."""
    with contextlib.suppress(OSError):
        for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
            said = re.match(r"(\d+)-([0-9a-f]*)-(\d+)-", folder.name.removeprefix(PREFIX))
            yield (folder, int(said[1]), said[2], int(said[3])) if said else (folder, 0, "", 0)


def _process_birth(pid: int) -> str:
    """What tells the process that has this number now from others that had it or will; empty where none has it.

    psutil knows processes apart by number and birth, and counts the birth from the machine's start: a clock that is
    set changes nothing.
    """
    try:
        return f"{hash(psutil.Process(pid)) & 0xFFFFFFFFFFFF:x}"
    except psutil.NoSuchProcess:
        return ""
