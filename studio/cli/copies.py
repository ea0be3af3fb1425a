"""Copies works into a folder of the user's under new names, never over a file."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from studio.errors import BadInput, Message, StudioError
from studio.system.storage import disk_error, unique_name


def folder_for_copies(folder: Path) -> Path:
    """The folder, made if need be, once a file could be written there. BadInput otherwise."""
    folder = folder.expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadInput(
            "{folder} cannot be written to: {reason}.",
            "Choose another folder with --out.",
            folder=folder,
            reason=reason,
        ) from error
    return folder


def copy(source: Path, folder: Path, stem: str) -> tuple[Path, str]:
    """Copy a file to `folder`/`stem` with its own ending, or with -2, -3 ... after the stem; (where, sha256).

    The name is taken with O_EXCL before anything is written, so that two runs never choose the same one, and the
    content replaces it whole.
    """
    try:
        with _new_name(folder, stem, source.suffix) as target:
            handle, name = tempfile.mkstemp(dir=folder, prefix=".copy-", suffix=".part")
            part = Path(name)
            try:
                with os.fdopen(handle, "wb") as file, source.open("rb") as work:
                    shutil.copyfileobj(work, file)
                    file.flush()
                    os.fsync(file.fileno())
                part.chmod(target.stat().st_mode & 0o777)
                with part.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                part.replace(target)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise _failed(folder, error) from error
    return target, digest


def write(data: bytes, folder: Path, stem: str, suffix: str) -> Path:
    """Write a new file in `folder`, named as `copy` names."""
    try:
        with _new_name(folder, stem, suffix) as target:
            target.write_bytes(data)
    except OSError as error:
        raise _failed(folder, error) from error
    return target


@contextmanager
def _new_name(folder: Path, stem: str, suffix: str) -> Generator[Path]:
    """A name that was free and is now an empty file of ours; gone again if what happens inside fails."""

    def taken(name: str) -> bool:
        try:
            (folder / f"{name}{suffix}").touch(exist_ok=False)
        except FileExistsError:
            return True
        return False

    target = folder / f"{unique_name(stem, taken, '-')}{suffix}"
    try:
        yield target
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _failed(folder: Path, error: OSError) -> StudioError:
    return disk_error(Message("The copy in {folder} could not be written", folder=folder), error)
