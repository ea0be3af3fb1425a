"""The folder of a download: which files it is to have, what is there of each, and who fetches into it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import unquote

from studio.errors import BadInput, StudioError
from studio.system import storage

FILES, PARTS = "files", "parts"
"""The folders of a download: for files that are whole and verified, unless it says another, and for what is there of
the others.
"""

MOMENT = 0.5  # seconds that a lock is waited for: who only looks whether it is held, as `is_claimed`, holds it, too
NAME_BYTES = 255  # that the systems allow for the name of a file
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices, whatever their suffix."""
ADDRESS = re.compile(r"(https?://)(?:[^/?#]*@)?([^?#]*)(?:\?([^#]*))?.*", re.IGNORECASE | re.DOTALL)
KEYS = re.compile(
    r"x-(amz|goog)-.*|awsaccesskeyid|googleaccessid|key-pair-id|policy|expires?|hdn(ea|ts)|verify"
    r"|.*(token|secret|passw(or)?d|signature|session|credential).*|(api|access|auth)?[-_]?key|auth|authorization"
    r"|sign?|hmac|jwt|ticket|pass|pwd",
    re.IGNORECASE,
)
"""Parameters in an address that let in who has it: keys, and what signs an address for a time."""
AZURE = re.compile(r"s[a-z]{1,4}", re.IGNORECASE)
"""Those of an address that Azure has signed, which has the parameter "sig"."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file to fetch: where it is, its name below the folder, and what is published of it.

    `size` is in bytes; `git_sha1` is the hash of git for the file, the sha1 of b"blob <size>\\0" and its bytes.
    `url` may carry secrets of the user's, so it is never shown or written down: `host` and `place` are.
    """

    url: str = field(repr=False)
    name: str
    size: int | None = None
    sha256: str = ""
    git_sha1: str = ""

    @property
    def place(self) -> str:
        """The address as it may be written down, which tells it from another file."""
        return without_secrets(self.url)

    @property
    def host(self) -> str:
        """The host and, where it is named, the port, without a user's name."""
        return re.sub(r"^[a-z0-9+.-]+://(?:[^/?#]*@)?([^/?#]*).*", r"\1", self.url, flags=re.IGNORECASE | re.DOTALL)


def without_secrets(text: str) -> str:
    """An address of http without a user's name and password, without parameters that let in who has it, and without
    what is behind "#"; any other text as it is.
    """
    found = ADDRESS.fullmatch(text)
    if found is None:
        return text
    scheme, place, query = found.groups()
    parts = (query or "").split("&")
    names = [unquote(part.partition("=")[0]) for part in parts]
    azure = "sig" in map(str.lower, names)
    secret = [bool(KEYS.fullmatch(name) or (azure and AZURE.fullmatch(name))) for name in names]
    kept = "&".join(part for part, hidden in zip(parts, secret, strict=True) if part and not hidden)
    return f"{scheme}{place}{'?' if kept else ''}{kept}"


@contextlib.contextmanager
def claimed(folder: Path, title: str) -> Generator[None]:
    """The folder of a download, made where it is missing, held against other studios and threads.

    StudioError at once where another one fetches into it. The system frees it when its holder dies.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = folder.with_name(f"{folder.name}.lock")
    held = storage.try_lock(lock, MOMENT)
    if held is None:
        raise StudioError(
            "{title} is being fetched already, perhaps by another studio.",
            "Wait until that is done, or cancel it there.",
            title=title,
        )
    try:
        folder.mkdir(exist_ok=True)
        yield
    finally:
        if folder.exists():
            held.release()
        else:
            storage.release_and_remove(held, lock)


def is_claimed(folder: Path) -> bool:
    """Whether somebody fetches into the folder just now."""
    lock = folder.with_name(f"{folder.name}.lock")
    if not lock.exists():
        return False
    held = storage.try_lock(lock)
    if held is None:
        return True
    held.release()
    return False


def demand_names(names: Sequence[str]) -> None:
    """Return if files of these names can lie below one folder on every system. BadInput for any other name."""
    seen, files = dict[str, str](), set[str]()
    for name in names:
        parts = name.split("/")
        if not all(map(_can_be_called, parts)):
            raise BadInput(
                "The server names a file {name!r}, which no file here may be called.",
                "Nothing was saved.",
                name=name[:80],
            )
        for at in range(1, len(parts) + 1):
            # Two that differ by case alone are one file on many systems; a folder cannot be a file as well.
            path = "/".join(parts[:at])
            kind = path if at < len(parts) else f"{path}\0"
            known = seen.setdefault(unicodedata.normalize("NFC", path).casefold(), kind)
            if known != kind or kind in files:
                raise BadInput(
                    "The server has two files that are called {name!r}.", "Nothing was saved.", name=name[:80]
                )
        files.add(f"{name}\0")


def _can_be_called(part: str) -> bool:
    try:
        size = len(part.encode("utf-8"))
    except UnicodeEncodeError:
        return False
    return (
        0 < size <= NAME_BYTES
        and not part.endswith((" ", "."))
        and not re.search(r'[\x00-\x1f\x7f\\:*?"<>|]', part)
        and RESERVED.fullmatch(part) is None
    )


def bytes_there(files: Sequence[RemoteFile], folder: Path, into: str = FILES) -> tuple[int, int]:
    """(bytes of the files that lie in the folder of their download, verified or not; bytes of all, 0 if unknown)."""
    return bytes_of([FilePart(file, folder, into) for file in files])


def take_over(file: RemoteFile, path: Path, folder: Path, into: str) -> Path:
    """Move a file that was fetched and verified otherwise to its place in the folder of a download; returns that."""
    part = FilePart(file, folder, into)
    part.path.parent.mkdir(exist_ok=True)
    path.replace(part.path)
    part.length = part.path.stat().st_size
    part.finish()
    return part.target


def whole_file(
    file: RemoteFile, folder: Path, into: str = FILES, report: Callable[[], object] = lambda: None
) -> Path | None:
    """The file in its place, where all of its bytes have come; those that are not the published ones are dropped.

    `report` is called while it is read; what it raises passes through.
    """
    part = FilePart(file, folder, into)
    if part.whole:
        return part.target
    if not part.length or part.length != part.total:
        return None

    def stopped() -> bool:
        report()
        return False

    part.hash_there(stopped)
    if not part.is_right:
        part.drop()
        return None
    part.finish()
    return part.target


def bytes_of(parts: Sequence[FilePart]) -> tuple[int, int]:
    totals = [part.total for part in parts]
    return sum(part.length for part in parts), 0 if None in totals else sum(total or 0 for total in totals)


class FilePart:
    """What is there of one file, and the note beside it: which file of which server it is a part of.

    The file of the part is named by a hash, so that any name has room for a suffix.
    """

    def __init__(self, file: RemoteFile, folder: Path, into: str) -> None:
        self.file = file
        self.target = folder / into / file.name
        name = hashlib.sha256(file.name.encode("utf-8", "surrogatepass")).hexdigest()[:24]
        self.path = folder / PARTS / f"{name}.part"
        self._note = folder / PARTS / f"{name}.json"
        self.note = self._read_note()
        self.resumed = False  # whether some of its bytes were fetched by another attempt than the latest
        self.length = 0  # bytes that are here
        self.whole = self._is_whole()
        if not self.whole:
            self.length = self._length()
        self._digest: Any = None
        self._open: BinaryIO | None = None

    @property
    def total(self) -> int | None:
        """Its size as published, else as its server says; None while nobody has said."""
        return self.file.size if self.file.size is not None else cast("int | None", self.note.get("total"))

    def begin(self, etag: str, modified: str, total: int | None) -> None:
        """Drop what is there, and note what comes now."""
        self.close()
        self.path.write_bytes(b"")
        self.length, self._digest, self.resumed = 0, _digest(self.file), False
        self._write_note({"etag": etag, "modified": modified, "total": total})

    def drop(self) -> None:
        self.close()
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)
        self.length, self.note, self.resumed = 0, {}, False

    def append(self, data: bytes) -> None:
        # Unbuffered: what has come is with the system at once, and survives the death of this process.
        if self._open is None:
            self._open = self.path.open("ab", buffering=0)
        view = memoryview(data)
        while view:
            view = view[self._open.write(view) :]
        self.length += len(data)
        if self._digest is not None:
            self._digest.update(data)

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def hash_there(self, stopped: Callable[[], bool]) -> None:
        """Read what is there, so that the hash goes on from it."""
        self._digest = _digest(self.file)
        if self._digest is None:
            return
        with self.path.open("rb") as file:
            while (chunk := file.read(storage.COPY_CHUNK)) and not stopped():
                self._digest.update(chunk)

    @property
    def hashed(self) -> bool:
        """Whether all bytes that are there have gone through the hash."""
        return self._digest is not None or not (self.file.sha256 or self.file.git_sha1)

    @property
    def is_right(self) -> bool:
        """Whether the hash of its bytes is the published one, where there is one."""
        return self._digest is None or self._digest.hexdigest() == (self.file.sha256 or self.file.git_sha1).lower()

    def finish(self) -> None:
        """Move the whole and verified file to its place."""
        self.close()
        storage.sync_file(self.path)
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self.target.unlink(missing_ok=True)  # another file of that name: this note would vouch for it
        self._write_note({**self.note, "total": self.length, "whole": True})
        self.path.replace(self.target)
        storage.sync_folder(self.target.parent)
        self.whole = True

    def _is_whole(self) -> bool:
        """Whether the file is in its place: it is put there only when it is verified."""
        try:
            size = self.target.stat().st_size
        except OSError:
            return False
        if self.note.get("whole") and self.note.get("total") == size:
            self.length = size
            return True
        return False  # another file of that name: it is replaced

    def _length(self) -> int:
        try:
            length = self.path.stat().st_size
        except OSError:
            return 0
        known = self.total
        if not self.note or (known is not None and length > known):
            return 0
        self.resumed = length > 0
        return length

    def _identity(self) -> list[Any]:
        """What tells the file from another one: its published hash; else the place it comes from."""
        published = self.file.sha256 or self.file.git_sha1
        place = published or hashlib.sha256(self.file.place.encode("utf-8", "surrogatepass")).hexdigest()
        return [self.file.name, self.file.size, place]

    def _read_note(self) -> dict[str, Any]:
        """The note, where it is of this file; empty otherwise."""
        try:
            note = json.loads(self._note.read_bytes())
        except (OSError, ValueError):
            return {}
        found = cast("dict[str, Any]", note) if isinstance(note, dict) else {}
        return found if found.get("of") == self._identity() else {}

    def _write_note(self, note: dict[str, Any]) -> None:
        self.note = {**note, "of": self._identity()}
        storage.write_atomic(self._note, json.dumps(self.note).encode())


def _digest(file: RemoteFile) -> Any:
    """What the bytes of the file are hashed with; None where no hash of it is published."""
    if file.sha256:
        return hashlib.sha256()
    if file.git_sha1 and file.size is not None:
        return hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
    return None
