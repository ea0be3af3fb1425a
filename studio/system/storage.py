"""Files that survive a crash: written whole or not at all, locked between processes, failures put in words.

Knows nothing of what the files mean.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, LiteralString

from studio.errors import Message, StudioError

COPY_CHUNK = 8 * 2**20  # bytes between two steps of a copy


def sync_file(path: Path) -> None:
    """Return once the file's bytes are on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Return once the names in the folder are on the disk. Windows has no such call and does it by itself."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_synced(path: Path, data: bytes) -> None:
    """Write the file and return once its bytes are on the disk. A crash may leave it torn."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_atomic(path: Path, data: bytes) -> None:
    """Write beside the file, then take its place: whoever looks sees the old bytes or the new ones, whole.

    The folder must exist. Raises OSError; then the old file is as it was.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        write_synced(part, data)
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def copy(source: Path, target: Path, step: Callable[[int], object]) -> None:
    """Copy the bytes of a file, links followed, owner and mode left behind; `step` hears of each part how long it is.

    What `step` raises passes through and leaves a part of the file. Raises OSError.
    """
    with source.open("rb") as old, target.open("wb") as new:
        while part := old.read(COPY_CHUNK):
            new.write(part)
            step(len(part))
        new.flush()
        os.fsync(new.fileno())


def disk_error(what: LiteralString | Message, error: OSError | sqlite3.Error) -> StudioError:
    """`what` failed ("The work could not be kept"), for a reason and with advice that a person understands."""
    code = error.errno if isinstance(error, OSError) else _sqlite_cause(error)
    what = what if isinstance(what, Message) else Message(what)
    path = getattr(error, "filename", None) or ""
    if code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StudioError("{what}: the disk is full.", "Free some space and try again.", mend="room", what=what)
    if code in (errno.EACCES, errno.EPERM, errno.EROFS):
        said = Message("{what}: this folder may not be written to.", what=what)
        if path:
            said = Message("{what}: this folder may not be written to ({path}).", what=what, path=path)
        return StudioError(said, "Change its permissions, or choose another folder.", mend="folders")
    if code in (errno.ENOTDIR, errno.EEXIST):
        said = Message("{what}: a file stands where a folder is needed.", what=what)
        if path:
            said = Message("{what}: a file stands where a folder is needed ({path}).", what=what, path=path)
        return StudioError(said, "Choose another folder.", mend="folders")
    if code == errno.EBUSY:
        return StudioError("{what}: another program is using the folder.", "Wait a moment and try again.", what=what)
    why = (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__
    said = Message("{what}: {reason}.", what=what, reason=why)
    if path:
        said = Message("{what}: {reason} ({path}).", what=what, reason=why, path=path)
    return StudioError(said, "Check the disk and try again.")


def _sqlite_cause(error: sqlite3.Error) -> int | None:
    causes = {
        sqlite3.SQLITE_FULL: errno.ENOSPC,
        sqlite3.SQLITE_READONLY: errno.EROFS,
        sqlite3.SQLITE_PERM: errno.EACCES,
        sqlite3.SQLITE_CANTOPEN: errno.EACCES,
        sqlite3.SQLITE_BUSY: errno.EBUSY,
        sqlite3.SQLITE_LOCKED: errno.EBUSY,
    }
    return causes.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)


class FileLock:
    """One holder at a time among all threads and processes; the system frees it when its holder dies.

    The holding thread may enter again. Entering raises StudioError after `patience` seconds of waiting.
    """

    def __init__(self, path: Path, patience: float = 30.0) -> None:
        self.path = path
        self.patience = patience
        self._threads = threading.RLock()
        self._depth = 0
        self._handle: int | None = None

    def __enter__(self) -> None:
        self._threads.acquire()
        try:
            if self._depth == 0:
                self._handle = self._wait()
            self._depth += 1
        except BaseException:
            self._threads.release()
            raise

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0 and self._handle is not None:
            os.close(self._handle)
            self._handle = None
        self._threads.release()

    def _wait(self) -> int:
        until = time.monotonic() + self.patience
        pause = 0.001
        while True:
            handle = hold(self.path)
            if handle is not None:
                return handle
            if time.monotonic() >= until:
                raise StudioError(
                    "{folder} is in use by another studio.",
                    "Wait until it is done, or close it.",
                    folder=self.path.parent,
                )
            time.sleep(pause)
            pause = min(0.05, pause * 2)


def hold(path: Path) -> int | None:
    """A handle that holds the file's lock until it is closed; None where somebody else holds it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(handle)
    except OSError as error:
        os.close(handle)
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            return None
        raise
    return handle


def _lock(handle: int) -> None:
    # The module differs by platform and the other one's does not exist, so it is asked for by name.
    system: Any
    if sys.platform == "win32":
        system = importlib.import_module("msvcrt")
        system.locking(handle, system.LK_NBLCK, 1)
    else:
        system = importlib.import_module("fcntl")
        system.flock(handle, system.LOCK_EX | system.LOCK_NB)


@contextlib.contextmanager
def disk_errors_as(what: LiteralString | Message) -> Generator[None]:
    """Turn errors of the disk and of the index into a StudioError that begins with `what`."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        raise disk_error(what, error) from error
