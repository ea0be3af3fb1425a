"""Crash-safe files: atomic writes, transactions, locks between processes, free names; sizes and errors in words."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import os
import shutil
import sqlite3
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Generator
from pathlib import Path
from typing import LiteralString

import filelock

from studio.errors import BadInput, Message, StudioError

COPY_CHUNK = 8 * 2**20  # bytes that are read at once


def format_size(count: int) -> str:
    """Bytes as a person says them."""
    if count < 1000:
        return f"{count} bytes"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.5:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"


def format_estimate(count: int) -> str:
    """Bytes that are an estimate, to two digits: 490 MB, 2.7 GB."""
    value, unit = float(f"{count:.2g}"), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:g} {unit}"


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


@contextlib.contextmanager
def replacing(path: Path) -> Generator[Path]:
    """A file beside `path` to be written; it takes its place at the end, once its bytes are on the disk.

    Readers see the old bytes or the new ones, never a part. What is raised in the block passes through and leaves the
    old file unchanged. The folder must exist.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        yield part
        sync_file(part)
        part.replace(path)
    except BaseException as error:
        if isinstance(error, OSError) and error.filename == str(part):
            error.filename = str(path)  # the name that people know
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_atomic(path: Path, data: bytes) -> None:
    """Write the whole file, or leave the old one unchanged. The folder must exist. Raises OSError."""
    with replacing(path) as part:
        part.write_bytes(data)


def write_private(path: Path, data: bytes) -> None:
    """As `write_atomic`; where the system has such modes, nobody but the user can read the file."""
    with replacing(path) as part:
        part.touch(0o600)
        part.write_bytes(data)


def copy(
    source: Path,
    target: Path,
    on_chunk: Callable[[int], object] = lambda _bytes: None,
    read: Callable[[bytes], object] = lambda _part: None,
) -> None:
    """Copy a file's bytes, links followed, without owner and mode, and return once they are on the disk.

    `read(part)` is called with each part as it was read, to hash it, `on_chunk(bytes)` after it was written. What these
    raise passes through and leaves a part of the file. Raises OSError.
    """
    with source.open("rb") as old, target.open("wb") as new:
        while part := old.read(COPY_CHUNK):
            read(part)
            new.write(part)
            on_chunk(len(part))
        new.flush()
        os.fsync(new.fileno())


def can_link(path: Path, folder: Path) -> bool:
    """Whether the folder can hold another name for the file itself: it is on the same disk, which knows hard links."""
    link = folder / f".{uuid.uuid4().hex}.link"
    try:
        link.hardlink_to(path)
        link.unlink()
    except OSError:
        return False
    return True


def sha256_of(path: Path, on_chunk: Callable[[int], object] = lambda _bytes: None) -> str:
    """The sha256 of a file, in hexadecimal. `on_chunk(bytes)` is called after each part that was read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(COPY_CHUNK):
            digest.update(part)
            on_chunk(len(part))
    return digest.hexdigest()


def try_writing(folder: Path, size: int) -> None:
    """Write a file of `size` bytes to the folder, and delete it. Raises OSError where that fails, as on a full disk."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(size))
        file.flush()


def demand_free_space(folder: Path, need: int, name: str) -> None:
    """Return if the folder's disk has `need` bytes left for what is called `name`. StudioError otherwise."""
    free = shutil.disk_usage(folder).free
    if need > free:
        raise StudioError(
            "{name} needs {need}, and {own} has {free} left.",
            "Free some space.",
            name=name,
            need=format_size(need),
            own=folder,
            free=format_size(free),
        )


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Generator[None]:
    """One transaction: all of it or, when anything is raised, nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise


def disk_error(what: LiteralString | Message, error: OSError | sqlite3.Error) -> StudioError:
    """The error in plain words: `what` failed ("The work could not be saved"), why, and what to do."""
    code = error.errno if isinstance(error, OSError) else _sqlite_cause(error)
    what = what if isinstance(what, Message) else Message(what)
    path = getattr(error, "filename", None) or ""
    if is_full(error):
        return StudioError("{what}: the disk is full.", "Free some space and try again.", mend="room", what=what)
    if code in (errno.EACCES, errno.EPERM, errno.EROFS):
        said = Message("{what}: this folder may not be written to.", what=what)
        if path:
            said = Message("{what}: this folder may not be written to ({path}).", what=what, path=path)
        return StudioError(said, "Change its permissions, or choose another folder.", mend="folders")
    if code in (errno.ENOTDIR, errno.EEXIST):
        said = Message("{what}: there is a file where a folder is needed.", what=what)
        if path:
            said = Message("{what}: there is a file where a folder is needed ({path}).", what=what, path=path)
        return StudioError(said, "Choose another folder.", mend="folders")
    if code == errno.ENAMETOOLONG:
        return BadInput("{what}: no file can have so long a name ({path:.60}…).", "Shorten it.", what=what, path=path)
    if code == errno.EBUSY:
        return StudioError("{what}: another program is using the folder.", "Wait a moment and try again.", what=what)
    why = (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__
    said = Message("{what}: {reason}.", what=what, reason=why)
    if path:
        said = Message("{what}: {reason} ({path}).", what=what, reason=why, path=path)
    return StudioError(said, "Check the disk and try again.")


def _sqlite_cause(error: sqlite3.Error) -> int | None:
    if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_SHMSIZE:
        return errno.ENOSPC  # no room for the shared memory, which is in a file beside the database
    causes = {
        sqlite3.SQLITE_FULL: errno.ENOSPC,
        sqlite3.SQLITE_READONLY: errno.EROFS,
        sqlite3.SQLITE_PERM: errno.EACCES,
        sqlite3.SQLITE_CANTOPEN: errno.EACCES,
        sqlite3.SQLITE_BUSY: errno.EBUSY,
        sqlite3.SQLITE_LOCKED: errno.EBUSY,
    }
    return causes.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)


def is_full(error: OSError | sqlite3.Error) -> bool:
    """Whether the cause of an error is a disk, or a quota on it, that is full."""
    code = error.errno if isinstance(error, OSError) else _sqlite_cause(error)
    return code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class FileLock:
    """A lock between all threads and processes, by `filelock`; the system frees it when its holder dies.

    The holding thread may enter again. Entering raises StudioError after `timeout` seconds of waiting.
    """

    def __init__(self, path: Path, timeout: float = 30.0) -> None:
        self.path = path
        self.timeout = timeout
        # No fallback to a lock file that merely exists: it would stay when its holder is killed.
        self._lock = filelock.FileLock(path, poll_interval=0.002, fallback_to_soft=False)

    def __enter__(self) -> None:
        try:
            self._lock.acquire(timeout=self.timeout)
        except filelock.Timeout as error:
            raise StudioError(
                "{folder} is in use by another studio.",
                "Wait until it is done, or close it.",
                folder=self.path.parent,
            ) from error

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def try_lock(path: Path, seconds: float = 0.0) -> filelock.BaseFileLock | None:
    """The file's lock, held until `release`, which any thread may call; None where another process or thread has it,
    and still has it after `seconds`.
    """
    lock = filelock.FileLock(path, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire(timeout=seconds, poll_interval=0.01)
    except filelock.Timeout:
        return None
    return lock


def release_and_remove(held: filelock.BaseFileLock, path: Path) -> None:
    """Give up the file's lock and delete the file, so that nobody holds the lock of a deleted file while another one
    takes that of a new file.
    """
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
    held.release()
    if sys.platform == "win32":  # where a file that is open cannot be deleted: neither can one that was taken meanwhile
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def staging(folder: Path, prefix: str) -> Generator[Path]:
    """A new folder below `folder` for what is not finished, named `prefix` and a number; what has not been renamed is
    removed at the end. The lock beside it tells `sweep_staging` that its maker lives. `folder` must exist.
    """
    place = folder / f"{prefix}{uuid.uuid4().hex}"
    held = None
    folder.stat()  # the lock would make a folder that is not there
    try:
        with contextlib.suppress(OSError):  # a disk without locks; and mkdir says better what is wrong with the folder
            held = try_lock(_lock_of(place))
        place.mkdir()
        yield place
    except OSError as error:
        if str(error.filename or "").startswith(str(place)):
            error.filename = str(folder)  # the name that people know
        raise
    finally:
        shutil.rmtree(place, ignore_errors=True)
        if held is not None:
            release_and_remove(held, _lock_of(place))


def sweep_staging(folder: Path, prefix: str) -> int:
    """Remove the folders that killed makers left; returns how many. Those whose maker lives stay."""
    removed = 0
    with contextlib.suppress(OSError):
        for place in sorted(folder.glob(f"{prefix}*")):
            with contextlib.suppress(OSError):
                if not place.is_dir() or place.is_symlink() or (held := try_lock(_lock_of(place))) is None:
                    continue
                shutil.rmtree(place, ignore_errors=True)
                release_and_remove(held, _lock_of(place))
                removed += 1
    return removed


def _lock_of(place: Path) -> Path:
    return place.with_name(f"{place.name}.lock")


def unique_name(name: str, taken: Callable[[str], bool], mark: str = " ") -> str:
    """The name, or the first of "name 2", "name 3" ... that is not `taken`; `mark` stands before the number."""
    return numbered_name(name, taken, 2, mark) if taken(name) else name


def numbered_name(name: str, taken: Callable[[str], bool], first: int = 1, mark: str = " ") -> str:
    """The first of "name 1", "name 2" ... that is not `taken`, from the number `first` on."""
    return next(made for number in itertools.count(first) if not taken(made := f"{name}{mark}{number}"))


def free_path(path: Path, mark: str = " ") -> Path:
    """The path, or the first one with a number after its stem where there is nothing, not even a dangling link."""
    return path.with_stem(unique_name(path.stem, lambda stem: os.path.lexists(path.with_stem(stem)), mark))


@contextlib.contextmanager
def disk_errors_as(what: LiteralString | Message) -> Generator[None]:
    """Turn errors of the disk and of the index into a StudioError that begins with `what`."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        raise disk_error(what, error) from error
