"""Where clips lie until they are kept: folders in the temporary place that say whose they are; opens no clip.

A folder's name has the process of the studio that it is for and the process that made it. So nothing of a studio that
is gone stays, and nothing of one that runs beside is touched.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from studio.media import Clip

OWNER = "STUDIO_OWNER"
"""The variable that tells an engine's process which studio it works for."""

PREFIX = "aigc-studio-clip-"
STALE = 24 * 3600.0  # seconds after which a folder goes that names no studio
SLACK = 60.0  # seconds by which clocks of processes and files may differ


def place(suffix: str) -> Path:
    """Where an engine may write a clip: a file that is not there yet, in a temporary folder of its own."""
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{_owner()}-{os.getpid()}-")) / f"clip{suffix}"


def discard(clip: Clip) -> None:
    """Remove the file of a clip that nobody needs any more, with the folder that `place` made for it."""
    with contextlib.suppress(OSError):
        clip.path.unlink(missing_ok=True)
    leave(clip.path)


def leave(path: Path) -> None:
    """Remove the folder that `place` made for the file, once it is empty."""
    if path.parent.name.startswith(PREFIX):
        with contextlib.suppress(OSError):
            path.parent.rmdir()


def drop_unfinished(maker: int) -> None:
    """Remove what a process of ours that has ended left half written."""
    for folder, owner, by in _found():
        with contextlib.suppress(OSError):
            if (owner, by) == (_owner(), maker) and all(file.suffix == ".part" for file in folder.iterdir()):
                shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Remove what studios left that run no more."""
    for folder, owner, _ in _found():
        with contextlib.suppress(OSError):
            made = folder.stat().st_mtime
            if not _runs(owner, made) if owner else time.time() - made > STALE:
                shutil.rmtree(folder, ignore_errors=True)


def _owner() -> int:
    said = os.environ.get(OWNER, "")
    return int(said) if said.isdigit() else os.getpid()


def _found() -> Iterator[tuple[Path, int, int]]:
    """Every folder, the studio it is for and the process that made it; 0 where its name does not say."""
    with contextlib.suppress(OSError):
        for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
            said = re.match(r"(\d+)-(\d+)-", folder.name.removeprefix(PREFIX))
            yield folder, int(said[1]) if said else 0, int(said[2]) if said else 0


def _runs(pid: int, since: float) -> bool:
    """Whether the process that had this number at a time still runs: another may have got the number since."""
    try:
        return psutil.Process(pid).create_time() <= since + SLACK
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True
