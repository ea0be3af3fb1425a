"""Saved characters: faces that are kept under a name.

Each is two files in one folder: a JSON that names the face's request, the work that shows it and its portrait, and the
portrait, a PNG with real alpha. The JSON takes its place whole and last, so what a crash leaves is an identity or none.
What is removed goes to the bin, a folder beside them, and comes back from there; what a crash leaves in both is not in
the bin.
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

import numpy as np

from studio.errors import BadInput, Message, StudioError
from studio.media import images
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
    """A face with a name. `face` is its avatar request, `work` the id of the work that shows it (empty where there was
    none), `portrait` the file of its picture, `kept` and `changed` seconds since 1970."""

    id: str
    name: str
    face: Request
    work: str
    portrait: Path
    created: float
    changed: float


class Identities:
    """The identities in a folder, which need not exist yet. `changed` is called after every change from here.

    Names are unique, whatever their case. What cannot be read is left out and logged, and never written over.
    """

    def __init__(self, folder: Path, changed: Callable[[], object] = lambda: None) -> None:
        self._folder, self._changed = folder, changed

    def all(self) -> list[Identity]:
        """Everybody who is kept, by name."""
        return _read_folder(self._folder, self._folder)

    def binned(self) -> list[Identity]:
        """Everybody who was removed, the last first."""
        there = {path.stem for path in self._folder.glob("*.json")}
        gone = [one for one in _read_folder(self._folder / BIN, self._folder) if one.id not in there]
        return sorted(gone, key=lambda one: -one.changed)

    def get(self, word: str) -> Identity:
        """The one of that id or name. Raises BadInput where there is none."""
        return _find(word, self.all())

    def portrait(self, id: str) -> Image:
        """The cut-out of one, uint8 [H, W, 4] with straight alpha. StudioError where its file is lost."""
        one = self.get(id)
        try:
            picture = images.read(one.portrait)
        except StudioError as error:
            raise StudioError(
                "The portrait of {name} cannot be read.", "Keep the face again.", name=one.name
            ) from error
        pixels = picture.pixels
        if pixels.shape[2] == 3:
            pixels = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
        return Image(pixels)

    def save(self, name: str, face: Request, portrait: Image, work: str = "") -> Identity:
        """Keep a face under a name; who had that name gets this face and stays the same identity otherwise.

        Raises BadInput for no name, no face or one that is far too long, StudioError for a disk that takes nothing.
        """
        name = _clean(name)
        if not face.keeps_identity:
            raise BadInput("A request for {kind} is no face.", "Keep a face that the avatar page made.", kind=face.kind)
        with self._locked("The identity could not be saved"):
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
        """Give one another name. Raises BadInput where another has it already."""
        name = _clean(name)
        with self._locked("The identity could not be renamed"):
            there = self.all()
            one = _find(id, there)
            taken = next((other for other in there if other.name.casefold() == name.casefold()), None)
            if taken is not None and taken.id != one.id:
                raise BadInput("{name} is there already.", "Choose another name.", name=taken.name)
            one = replace(one, name=name, face=_with_name(one.face, name), changed=time.time())
            _write(self._folder, one)
        self._changed()
        return one

    def remove(self, id: str) -> Identity:
        """Put one into the bin."""
        with self._locked("The identity could not be removed"):
            one = _find(id, self.all())
            bin = self._folder / BIN
            bin.mkdir(exist_ok=True)
            _write(bin, replace(one, changed=time.time()))
            (self._folder / f"{one.id}.json").unlink()
        self._changed()
        return one

    def restore(self, id: str) -> Identity:
        """Take one back from the bin, under another name where somebody has that meanwhile."""
        with self._locked("The identity could not be restored"):
            binned = self.binned()
            one = _found(id, binned)
            if one is None:
                raise BadInput("Nobody in the bin is called {word!r}.", _known(binned), word=id[:60])
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
        """One writer at a time, of all windows and command lines."""
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
        raise ValueError("it is none")
    told = cast("dict[str, Any]", data)
    if told["version"] > VERSION:
        raise ValueError("a newer studio wrote it")
    face = Request.from_json(told["face"])
    if not face.keeps_identity:
        raise ValueError("its face is none")
    file = str(told["portrait"])
    if Path(file).name != file:
        raise ValueError("its portrait lies elsewhere")
    kept, changed = float(told["kept"]), float(told["changed"])
    if not (0 <= kept <= MAX_TIME and 0 <= changed <= MAX_TIME):
        raise ValueError("its times cannot be")
    return Identity(path.stem, _clean(str(told["name"])), face, str(told["work"]), portraits / file, kept, changed)


def _delete_portrait(portrait: Path) -> None:
    """Remove a picture that no identity names. One that is in use elsewhere stays, and does no harm."""
    with suppress(OSError):
        portrait.unlink(missing_ok=True)


def _write(folder: Path, one: Identity) -> None:
    """Raises OSError, and BadInput for what `_read` would refuse."""
    said = {
        "format": FORMAT,
        "version": VERSION,
        "name": one.name,
        "face": one.face.to_json(),
        "work": one.work,
        "portrait": one.portrait.name,
        "kept": one.created,
        "changed": one.changed,
    }
    data = json.dumps(said, ensure_ascii=False, indent=1).encode("utf-8")
    if len(data) > SIZE_LIMIT:
        raise BadInput("This face holds too much to keep.", "Take out some of the faces that are mixed into it.")
    storage.write_atomic(folder / f"{one.id}.json", data)


def _found(word: str, there: list[Identity]) -> Identity | None:
    """The one of that id, or else of that name."""
    known = {one.name.casefold(): one for one in reversed(there)} | {one.id: one for one in there}
    return known.get(word) or known.get(_one_line(word).casefold())


def _find(word: str, there: list[Identity]) -> Identity:
    """The one of that id, or else of that name. Raises BadInput where there is none."""
    found = _found(word, there)
    if found is None:
        raise BadInput("There is no character called {word!r}.", _known(there), word=word[:60])
    return found


def _known(there: list[Identity]) -> Message:
    """Whom there is, as advice; empty for nobody."""
    names = ", ".join(one.name for one in there[:12])
    return Message("There are: {names}.", names=names) if names else Message("")


def _clean(name: str) -> str:
    name = _one_line(name)[:NAME_LIMIT].rstrip()
    if not name:
        raise BadInput("A character needs a name.", "Say who this is.")
    return name


def _one_line(name: str) -> str:
    return " ".join(name.encode("utf-8", "replace").decode("utf-8").replace("\0", "").split())


def _with_name(face: Request, name: str) -> Request:
    """The face under this name."""
    return Request.from_json({**face.to_json(), "name": name})
