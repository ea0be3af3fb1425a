"""A work as the library describes it: its record, its sidecar's JSON, and queries for works.

A sidecar is checked like any other file that the studio reads.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from studio.errors import BadInput, Message, StudioError
from studio.media.payloads import ROLE
from studio.media.provenance import Provenance

SCHEMA = 2
"""The newest version of a sidecar; a larger one was written by a newer studio and is left alone. A work of one file is
still written as version 1, which older studios read."""

FOLDERS = ("works", "bin")
"""The folders of a library in which works lie."""

UNKNOWN = Provenance()
SIDECAR_LIMIT = 8 * 2**20
_FILE = re.compile(r"\d{4}-\d{2}/([\w-][\w.-]{0,150})\.[a-z0-9]{1,5}", re.ASCII)
_PART = re.compile(rf"\.({ROLE.pattern})\.(?!json$|damaged$|gone$|lock$)[a-z0-9]{{1,5}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AssetFile:
    """A further file of a work: the part that plays `role`, such as the SVG beside a picture."""

    role: str
    path: Path
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class PartRecord:
    """The same in a sidecar; `file` as AssetRecord's."""

    role: str
    file: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Asset:
    """A work: an ordinary file at `path`, with what made it. `files` are the further files of a work that has several.

    `created` is seconds since 1970 by the clock of the machine that made it; the library's order does not depend on
    it. `parents` are ids of works that this one was made from. `width` and `height` are pixels, `seconds` the length
    of a sound or of a clip played once. `request` is empty for imported files.
    """

    id: str
    medium: str
    path: Path
    title: str
    created: float
    favourite: bool
    tags: tuple[str, ...]
    collections: tuple[str, ...]
    partial: bool
    parents: tuple[str, ...]
    binned: bool
    sha256: str
    size: int
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    request: dict[str, Any] = field(default_factory=dict[str, Any], hash=False)
    provenance: Provenance = field(default=UNKNOWN, hash=False)
    files: tuple[AssetFile, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files of the work, the main one first."""
        return (self.path, *(file.path for file in self.files))

    @property
    def is_clip(self) -> bool:
        """Whether it is a clip: pictures that take time."""
        return self.seconds is not None and self.width is not None

    @property
    def is_image(self) -> bool:
        """Whether it is one picture."""
        return self.width is not None and self.seconds is None

    @property
    def remark(self) -> Message:
        """The engine's message about it; usually empty."""
        return self.provenance.remark

    @property
    def is_audio(self) -> bool:
        """Whether it is a sound."""
        return self.seconds is not None and self.width is None


@dataclass(frozen=True, slots=True)
class LibraryQuery:
    """Which works: all that match every field that is set. Works in the bin are found only with `binned`.

    `text`: words that all must occur in title, prompt and other request words, tags or model. `since` and `until`:
    seconds since 1970, the first included, the last not.
    """

    text: str = ""
    medium: str | None = None
    model: str | None = None
    favourite: bool | None = None
    tag: str | None = None
    collection: str | None = None
    since: float | None = None
    until: float | None = None
    binned: bool = False


@dataclass(frozen=True, slots=True)
class AssetRecord:
    """What the sidecar holds. `file` is "YYYY-MM/id.suffix", below `works` or, when `binned`, below `bin`.

    `order` grows with every added work, whatever the clock does: microseconds since 1970 while the clock
    goes forward, one more than the last otherwise.
    """

    id: str
    order: int
    medium: str
    file: str
    created: float
    sha256: str
    size: int
    title: str = ""
    favourite: bool = False
    tags: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    partial: bool = False
    parents: tuple[str, ...] = ()
    binned: bool = False
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    request: dict[str, Any] = field(default_factory=dict[str, Any], hash=False)
    provenance: Provenance = field(default=UNKNOWN, hash=False)
    parts: tuple[PartRecord, ...] = ()

    @property
    def file_names(self) -> tuple[str, ...]:
        """All files, the main one last: a work whose main file is in place is in place as a whole."""
        return (*(part.file for part in self.parts), self.file)

    @property
    def folder_name(self) -> str:
        """The folder of the library that the file is in."""
        return "bin" if self.binned else "works"

    def path_in(self, folder: Path) -> Path:
        return folder / self.folder_name / self.file

    def paths_in(self, folder: Path) -> tuple[Path, ...]:
        """All files, the main one last."""
        return tuple(folder / self.folder_name / name for name in self.file_names)

    def sidecar_in(self, folder: Path) -> Path:
        return self.path_in(folder).with_name(self.id + ".json")

    @property
    def model(self) -> str:
        """The id of the model that made it, from the request or else from the provenance; empty if unknown."""
        model: object = self.request.get("model")
        if isinstance(model, dict):
            model = cast("dict[str, object]", model).get("id")
        if isinstance(model, str) and model:
            return model
        return self.provenance.model.id if self.provenance.model else ""

    def to_asset(self, folder: Path) -> Asset:
        """The work with its paths in the library in `folder`."""
        values = {name: getattr(self, name) for name in _SHARED}
        place = folder / self.folder_name
        files = tuple(AssetFile(part.role, place / part.file, part.sha256, part.size) for part in self.parts)
        return Asset(path=self.path_in(folder), files=files, **values)

    def to_json(self, indent: int | None = 1) -> str:
        """The sidecar's text: indented, since people look into it."""
        values = {name: getattr(self, name) for name in AssetRecord.__slots__ if name != "parts"}
        values["provenance"] = self.provenance.to_json()
        if self.parts:
            values["files"] = [
                {"role": part.role, "file": part.file, "sha256": part.sha256, "size": part.size} for part in self.parts
            ]
        schema = SCHEMA if self.parts else 1
        return without_surrogates(json.dumps({"schema": schema, **values}, ensure_ascii=False, indent=indent))

    def normalized(self) -> AssetRecord:
        """The record as it will be read again: lists for tuples in the request, no half characters."""
        return AssetRecord.from_json(self.to_json(indent=None))

    @staticmethod
    def from_json(text: str | bytes) -> AssetRecord:
        """The record in a sidecar. Raises BadInput for a damaged one, StudioError for one of a newer studio."""
        try:
            data: object = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadInput("This sidecar is damaged.") from error
        if not isinstance(data, dict):
            raise BadInput("This sidecar is damaged.")
        given = cast("dict[str, Any]", data)
        schema = given.get("schema")
        if isinstance(schema, int) and schema > SCHEMA:
            raise StudioError("This work was saved by a newer AIGC Studio.", "Update the studio to see it.")
        try:
            return _parse(given)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise BadInput("This sidecar is damaged: {reason}.", reason=error) from error


_SHARED = tuple(name for name in Asset.__slots__ if name not in ("path", "files"))


def without_surrogates(text: str) -> str:
    """The text without lone surrogates, which file names may hold and neither files nor the index can."""
    return text.encode("utf-8", "replace").decode("utf-8")


def search_text(request: Mapping[str, Any]) -> str:
    """The words by which a work is found beside its title: every text in its request, the prompt first."""
    found = [str(request.get("prompt", ""))]
    skipped = {"kind", "model", "prompt", "latent"}
    found += [value for name, value in request.items() if name not in skipped and isinstance(value, str)]
    return "\n".join(word for word in found if word)[:20_000]


def default_title(request: Mapping[str, Any]) -> str:
    """The first line of the prompt, or the name of who is shown, shortened; empty where there is neither."""
    lines = str(request.get("prompt") or request.get("name") or "").strip().splitlines()
    first = lines[0].strip() if lines else ""
    return first if len(first) <= 80 else first[:79].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def _parse(data: dict[str, Any]) -> AssetRecord:
    file = _text(data, "file")
    name = _text(data, "id")
    match = _FILE.fullmatch(file)
    if match is None or match.group(1) != name:
        raise ValueError("its file name is not one of the library's")
    return AssetRecord(
        id=name,
        order=_number(data["order"]),
        medium=_text(data, "medium"),
        file=file,
        created=_finite(data["created"]),
        sha256=_text(data, "sha256"),
        size=_number(data["size"]),
        title=_text(data, "title"),
        favourite=data.get("favourite") is True,
        tags=_texts(data, "tags"),
        collections=_texts(data, "collections"),
        partial=data.get("partial") is True,
        parents=_texts(data, "parents"),
        binned=data.get("binned") is True,
        width=_number(data["width"]) if data.get("width") is not None else None,
        height=_number(data["height"]) if data.get("height") is not None else None,
        seconds=_finite(data["seconds"]) if data.get("seconds") is not None else None,
        request=_object(data, "request"),
        provenance=Provenance.from_json(_object(data, "provenance")),
        parts=_parts(data, file, name),
    )


def _parts(data: dict[str, Any], main: str, id: str) -> tuple[PartRecord, ...]:
    listed: object = data.get("files", [])
    if not isinstance(listed, list):
        raise TypeError("files is not a list")
    parts: list[PartRecord] = []
    for entry in cast("list[object]", listed):
        if not isinstance(entry, dict):
            raise TypeError("a file is not an object")
        given = cast("dict[str, Any]", entry)
        role, file = _text(given, "role"), _text(given, "file")
        month, _, file_name = file.partition("/")
        if month != main.partition("/")[0] or part_role(file_name, id) != role:
            raise ValueError("the name of one of its files is not one of the library's")
        parts.append(PartRecord(role, file, _text(given, "sha256"), _number(given["size"])))
    if len({part.role for part in parts}) < len(parts):
        raise ValueError("two of its files have one role")
    return tuple(parts)


def part_name(id: str, role: str, suffix: str) -> str:
    """The file name of a further file of a work; `suffix` begins with a dot."""
    return f"{id}.{role}{suffix}"


def part_role(file_name: str, id: str) -> str | None:
    """The role of a further file of the work `id` by its name; None for every other name."""
    match = _PART.fullmatch(file_name.removeprefix(id)) if file_name.startswith(id + ".") else None
    return match.group(1) if match else None


def _text(data: dict[str, Any], name: str) -> str:
    value = data[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is not a text")
    return value


def _texts(data: dict[str, Any], name: str) -> tuple[str, ...]:
    values: object = data.get(name, [])
    if not isinstance(values, list):
        raise TypeError(f"{name} is not a list")
    return tuple(str(value) for value in cast("list[object]", values))


def _object(data: dict[str, Any], name: str) -> dict[str, Any]:
    value: object = data.get(name, {})
    if not isinstance(value, dict):
        raise TypeError(f"{name} is not an object")
    return cast("dict[str, Any]", value)


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError(f"{value!r:.40} is not a valid number")
    return value


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r:.40} is not a valid number")
    return float(value)
