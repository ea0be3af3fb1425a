"""Temporary files of clips that are not saved yet, in folders named after the studio they belong to.

The name has the studio's process, its start time, and the process that made the folder. So the folders of a studio that
has ended can be removed, and those of one that runs are left alone, whatever happens to the machine's clock.
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

if TYPE_CHECKING:
    from studio.media.payloads import Clip

OWNER = "STUDIO_OWNER"
"""The environment variable with the studio's process id, for an engine's process."""

PREFIX = "aigc-studio-clip-"
STALE_AFTER = 24 * 3600.0  # seconds after which a folder without a studio's name is removed


def new_path(suffix: str) -> Path:
    """A path for a new clip, in a temporary folder of its own."""
    owner = _owner()
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{owner}-{_process_start(owner)}-{os.getpid()}-")) / f"clip{suffix}"


def discard(clip: Clip) -> None:
    """Remove the file of a clip that is not needed any more, with the folder that `new_path` made for it."""
    with contextlib.suppress(OSError):
        clip.path.unlink(missing_ok=True)
    remove_folder(clip.path)


def remove_folder(path: Path) -> None:
    """Remove the folder that `new_path` made for the file, once it is empty."""
    if path.parent.name.startswith(PREFIX):
        with contextlib.suppress(OSError):
            path.parent.rmdir()


def remove_unfinished(maker: int) -> None:
    """Remove what an engine's process that has ended left unfinished; `maker` is its id."""
    for folder, owner, _, by in _folders():
        with contextlib.suppress(OSError):
            if (owner, by) == (_owner(), maker) and all(file.suffix == ".part" for file in folder.iterdir()):
                shutil.rmtree(folder, ignore_errors=True)


def remove_stale() -> None:
    """Remove the folders of studios that have ended."""
    for folder, owner, start, _ in _folders():
        with contextlib.suppress(OSError):
            gone = (
                not start or _process_start(owner) != start if owner else _now() - folder.stat().st_mtime > STALE_AFTER
            )
            if gone:
                shutil.rmtree(folder, ignore_errors=True)


def _now() -> float:
    """The time by the clock of the temporary folder's file system, which may be another machine's."""
    with tempfile.TemporaryFile() as file:
        return os.fstat(file.fileno()).st_mtime


def _owner() -> int:
    pid = os.environ.get(OWNER, "")
    return int(pid) if pid.isdigit() else os.getpid()


def _folders() -> Iterator[tuple[Path, int, str, int]]:
    """Every folder, the studio's process, its start, and the process that made it; 0 and "" where the name has none."""
    with contextlib.suppress(OSError):
        for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
            parts = re.match(r"(\d+)-([0-9a-f]*)-(\d+)-", folder.name.removeprefix(PREFIX))
            yield (folder, int(parts[1]), parts[2], int(parts[3])) if parts else (folder, 0, "", 0)


def _process_start(pid: int) -> str:
    """A value that differs between processes that have the same id at different times; empty where there is none.

    psutil counts the start of a process from the machine's, so that setting the clock changes nothing.
    """
    import psutil  # for folders that are left, of which most starts find none

    try:
        return f"{hash(psutil.Process(pid)) & 0xFFFFFFFFFFFF:x}"
    except psutil.NoSuchProcess:
        return ""
