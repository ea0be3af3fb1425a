"""Saved characters: faces that are saved under a name.

Each is two files in one folder: a JSON file with the face's request, the work that shows it and the name of its
portrait; and the portrait, a PNG with alpha. The JSON is written last and atomically, so that a crash leaves a whole
identity or none. Removed identities are moved to the bin, a folder beside them, and can be restored; one that a crash
left in both folders counts as not removed.

numpy and what uses it are imported by the functions that need them: the window starts without.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, LiteralString, cast

from studio.errors import NOTHING, BadInput, Message, StudioError
from studio.media.payloads import Image
from studio.schema.request import Request
from studio.system import storage

log = logging.getLogger(__name__)

FORMAT, VERSION = "aigc-studio identity", 1
NAME_LIMIT = 120  # characters, as of a face's own name
SIZE_LIMIT = 16_000_000  # bytes of one JSON: more than twelve mixed-in faces of the greatest length take
MAX_TIME = 32_503_680_000.0  # seconds since 1970: the year 3000
BIN = "bin"


@dataclass(frozen=True, slots=True)
class Identity:
    """A face with a name. `face` is its avatar request, `work` the id of the work that shows it (empty for none),
    `portrait` the file of its picture, `created` and `changed` are seconds since 1970.
    """

    id: str
    name: str
    face: Request
    work: str
    portrait: Path
    created: float
    changed: float


class Identities:
    """The identities in a folder, which need not exist yet. `changed` is called after every change made here.

    Names are unique, ignoring case. Files that cannot be read are left out, logged, and never overwritten.
    """

    def __init__(self, folder: Path, changed: Callable[[], object] = lambda: None) -> None:
        self._folder, self._changed = folder, changed

    def all(self) -> list[Identity]:
        """All identities that are not in the bin, by name."""
        return _read_folder(self._folder, self._folder)

    def binned(self) -> list[Identity]:
        """The identities in the bin, the last removed first."""
        there = {path.stem for path in self._folder.glob("*.json")}
        removed = [one for one in _read_folder(self._folder / BIN, self._folder) if one.id not in there]
        return sorted(removed, key=lambda one: -one.changed)

    def get(self, word: str) -> Identity:
        """The identity of that id or name. Raises BadInput where there is none."""
        return _find(word, self.all())

    def portrait(self, id: str) -> Image:
        """The portrait, uint8 [H, W, 4] with straight alpha. StudioError where its file is missing or damaged."""
        import numpy as np

        from studio.media import images

        one = self.get(id)
        try:
            picture = images.read(one.portrait)
        except StudioError as error:
            raise StudioError(
                "The portrait of {name} cannot be read.", "Save the character again.", name=one.name
            ) from error
        pixels = picture.pixels
        if pixels.shape[2] == 3:
            pixels = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
        return Image(pixels)

    def save(self, name: str, face: Request, portrait: Image, work: str = "") -> Identity:
        """Save a face under a name. An identity of that name keeps its id and gets this face.

        Raises BadInput for an empty name, for a request that is no face and for one that is too long, StudioError where
        the disk fails.
        """
        from studio.media import images

        name = _clean(name)
        if not face.keeps_identity:
            raise BadInput("A request for {kind} is no face.", "Save a face from the avatar page.", kind=face.kind)
        with self._locked("The character could not be saved"):
            there = self.all()
            same = next((one for one in there if one.name.casefold() == name.casefold()), None)
            now = time.time()
            id = same.id if same is not None else secrets.token_hex(6)
            file = self._folder / f"{id}.{secrets.token_hex(3)}.png"
            one = Identity(id, name, _with_name(face, name), work, file, same.created if same else now, now)
            try:
                images.write_png(portrait, file, "")
                storage.sync_file(file)
                _write(self._folder, one)
            except BaseException:
                _delete_portrait(file)
                raise
            if same is not None:
                _delete_portrait(same.portrait)
        self._changed()
        return one

    def rename(self, id: str, name: str) -> Identity:
        """Rename an identity. Raises BadInput where another one has the name."""
        name = _clean(name)
        with self._locked("The character could not be renamed"):
            there = self.all()
            one = _find(id, there)
            taken = next((other for other in there if other.name.casefold() == name.casefold()), None)
            if taken is not None and taken.id != one.id:
                raise BadInput("{name} exists already.", "Choose another name.", name=taken.name)
            one = replace(one, name=name, face=_with_name(one.face, name), changed=time.time())
            _write(self._folder, one)
        self._changed()
        return one

    def remove(self, id: str) -> Identity:
        """Move an identity to the bin."""
        with self._locked("The character could not be removed"):
            one = _find(id, self.all())
            bin = self._folder / BIN
            bin.mkdir(exist_ok=True)
            _write(bin, replace(one, changed=time.time()))
            (self._folder / f"{one.id}.json").unlink()
        self._changed()
        return one

    def restore(self, id: str) -> Identity:
        """Restore an identity from the bin, with a number after its name if another one has the name now."""
        with self._locked("The character could not be restored"):
            binned = self.binned()
            one = _found(id, binned)
            if one is None:
                raise BadInput("No character in the bin is called {word!r}.", _known(binned), word=id[:60])
            names = {other.name.casefold() for other in self.all()}
            name = one.name
            if name.casefold() in names:
                name = storage.unique_name(name[: NAME_LIMIT - 8], lambda word: word.casefold() in names)
            one = replace(one, name=name, face=_with_name(one.face, name), changed=time.time())
            _write(self._folder, one)
            (self._folder / BIN / f"{one.id}.json").unlink()
        self._changed()
        return one

    @contextmanager
    def _locked(self, what: LiteralString) -> Generator[None]:
        """Holds the lock of the folder, which all studios share."""
        with storage.disk_errors_as(what):
            self._folder.mkdir(parents=True, exist_ok=True)
            with storage.FileLock(self._folder / ".lock"):
                yield


def _read_folder(folder: Path, portraits: Path) -> list[Identity]:
    found: list[Identity] = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(_read(path, portraits))
        except (BadInput, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            log.warning("an identity was left out: %s: %s", path.name, error)
    return sorted(found, key=lambda one: one.name.casefold())


def _read(path: Path, portraits: Path) -> Identity:
    """Raises OSError, BadInput, ValueError, KeyError, TypeError or RecursionError for what is no identity."""
    if path.stat().st_size > SIZE_LIMIT:
        raise ValueError("it is far too large")
    data: Any = json.loads(path.read_text("utf-8"))
    if not isinstance(data, dict) or cast("dict[str, Any]", data).get("format") != FORMAT:
        raise ValueError("it is not an identity")
    saved = cast("dict[str, Any]", data)
    if saved["version"] > VERSION:
        raise ValueError("a newer studio wrote it")
    face = Request.from_json(saved["face"])
    if not face.keeps_identity:
        raise ValueError("its request is not a face")
    file = str(saved["portrait"])
    if Path(file).name != file:
        raise ValueError("its portrait is in another folder")
    created, changed = float(saved["kept"]), float(saved["changed"])
    if not (0 <= created <= MAX_TIME and 0 <= changed <= MAX_TIME):
        raise ValueError("its times are out of range")
    return Identity(path.stem, _clean(str(saved["name"])), face, str(saved["work"]), portraits / file, created, changed)


def _delete_portrait(portrait: Path) -> None:
    """Delete a portrait that no identity names any more. It stays where another program has it open."""
    with suppress(OSError):
        portrait.unlink(missing_ok=True)


def _write(folder: Path, one: Identity) -> None:
    """Raises OSError, and BadInput for what `_read` would refuse."""
    values = {
        "format": FORMAT,
        "version": VERSION,
        "name": one.name,
        "face": one.face.to_json(),
        "work": one.work,
        "portrait": one.portrait.name,
        "kept": one.created,
        "changed": one.changed,
    }
    data = json.dumps(values, ensure_ascii=False, indent=1).encode("utf-8")
    if len(data) > SIZE_LIMIT:
        raise BadInput("This face is too large to save.", "Remove some of the faces that are mixed into it.")
    storage.write_atomic(folder / f"{one.id}.json", data)


def _found(word: str, there: list[Identity]) -> Identity | None:
    """The identity of that id, or else of that name."""
    known = {one.name.casefold(): one for one in reversed(there)} | {one.id: one for one in there}
    return known.get(word) or known.get(_one_line(word).casefold())


def _find(word: str, there: list[Identity]) -> Identity:
    """The identity of that id, or else of that name. Raises BadInput where there is none."""
    found = _found(word, there)
    if found is None:
        raise BadInput("There is no character called {word!r}.", _known(there), word=word[:60])
    return found


def _known(there: list[Identity]) -> Message:
    """The names there are, as advice; empty where there are none."""
    names = ", ".join(one.name for one in there[:12])
    return Message("There are: {names}.", names=names) if names else NOTHING


def _clean(name: str) -> str:
    name = _one_line(name)[:NAME_LIMIT].rstrip()
    if not name:
        raise BadInput("A character needs a name.", "Enter a name.")
    return name


def _one_line(name: str) -> str:
    return " ".join(name.encode("utf-8", "replace").decode("utf-8").replace("\0", "").split())


def _with_name(face: Request, name: str) -> Request:
    """The face with this name."""
    return Request.from_json({**face.to_json(), "name": name})
