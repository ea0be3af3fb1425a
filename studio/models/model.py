"""One model: weights, and what their model.toml says about them."""

from __future__ import annotations

import contextlib
import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, cast

from studio.errors import Message, StudioError, counted

ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """A file outside of a model's folder that the folder links to: its path, and its size and its time of change (in
    nanoseconds) when it was linked.
    """

    path: str
    size: int
    modified: int


@dataclass(frozen=True, slots=True)
class ModelUses:
    """What depends on a model: `works` that cannot be made again without it, those in the bin included, `characters`
    and `documents` by name, and how many `directions` are saved with it.
    """

    works: int = 0
    characters: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    directions: int = 0

    @property
    def said(self) -> list[Message]:
        """A sentence for each kind of thing that depends on it."""
        found: list[Message] = []
        if self.works:
            found.append(
                counted(
                    self.works,
                    "1 work was made with it, and cannot be made again without it.",
                    "{n} works were made with it, and cannot be made again without it.",
                )
            )
        if self.characters:
            found.append(Message("Characters that are drawn with it: {names}.", names=", ".join(self.characters)))
        if self.documents:
            found.append(Message("Documents that use it: {names}.", names=", ".join(self.documents)))
        if self.directions:
            found.append(
                counted(
                    self.directions,
                    "1 direction is saved with it, and goes too.",
                    "{n} directions are saved with it, and go too.",
                )
            )
        return found

    def __bool__(self) -> bool:
        return bool(self.works or self.characters or self.documents or self.directions)


@dataclass(frozen=True, slots=True)
class Model:
    """One set of weights, as `folder`/model.toml describes it.

    `folder` holds config.json and *.safetensors, or one *.gguf; `size` and `sha256` are those of the weights
    (`weights.fingerprint`): works name their model by it. `files` are the sha256 of the files that decide what comes of
    the weights (config, tokenizer, templates) when it was imported, by their relative paths; empty for those that came
    with the studio.
    `native` is the picture size it was trained for, (width, height), or (0, 0); `languages` are those it understands.
    `defaults` are values of fields that suit it better than those of its family.
    `beside` is the folder for what the user adds to it, such as directions: its own folder, or one among the user's
    models for a bundled one; None where there is none.
    `links` are the files that lie elsewhere, by their names in the folder: those of another program, in the folder
    `linked`, or its own weights, moved to the folder `moved` on another disk. `unavailable` says why such a model
    cannot be used now.
    """

    id: str
    medium: str
    family: str
    title: str
    licence: str
    folder: Path
    size: int = 0
    sha256: str = ""
    source: str = ""
    bundled: bool = False
    credits: str = ""
    description: str = ""
    languages: tuple[str, ...] = ()
    native: tuple[int, int] = (0, 0)
    defaults: Mapping[str, Any] = field(default_factory=dict[str, Any], hash=False)
    beside: Path | None = None
    files: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    linked: str = ""
    moved: str = ""
    links: Mapping[str, LinkedFile] = field(default_factory=dict[str, LinkedFile], hash=False)
    unavailable: Message | None = None

    @property
    def fingerprint(self) -> str:
        """The sha256 of everything that decides what it makes: another one is another version of the model."""
        lines = [f"{sha256}  {name}\n" for name, sha256 in sorted(self.files.items())]
        return hashlib.sha256("".join([f"{self.sha256}\n", *lines]).encode()).hexdigest()


def read_model(folder: Path, *, bundled: bool) -> Model:
    """The model that `folder`/model.toml describes. StudioError where it cannot be read or lacks a key."""
    path = folder / "model.toml"
    try:
        data = tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise StudioError("{path} cannot be read: {reason}.", path=path, reason=error.strerror) from error
    except (ValueError, RecursionError) as error:
        raise StudioError("{path} is damaged: it is not valid TOML.", "Import the model again.", path=path) from error
    if not ID.fullmatch(folder.name):
        raise StudioError(
            "{folder} cannot be a model's folder.", "Its name may have a to z, 0 to 9, dots and dashes.", folder=folder
        )
    missing = [key for key in ("medium", "family") if not isinstance(data.get(key), str) or not data[key]]
    if len(missing) == 1:
        raise StudioError("{path} has no {key}.", "Import the model again.", path=path, key=missing[0])
    if missing:
        raise StudioError(
            "{path} has no {one} and no {other}.",
            "Import the model again.",
            path=path,
            one=missing[0],
            other=missing[1],
        )
    if data.get("id", folder.name) != folder.name:
        raise StudioError("{path} belongs to a folder named {id!r}.", "Rename the folder.", path=path, id=data["id"])
    return Model(
        id=folder.name,
        medium=data["medium"],
        family=data["family"],
        title=text_of(data.get("title")) or folder.name,
        licence=text_of(data.get("licence")),
        folder=folder,
        size=data["size"] if type(data.get("size")) is int else 0,
        sha256=text_of(data.get("sha256")),
        source=text_of(data.get("source")),
        bundled=bundled,
        credits=text_of(data.get("credits")),
        description=text_of(data.get("description")),
        languages=tuple(str(item) for item in list_of(data.get("languages"))),
        native=picture_size(data.get("native")),
        defaults=plain_entries(data.get("defaults")),
        files={name: text_of(sha256) for name, sha256 in plain_entries(data.get("files")).items()},
        linked=text_of(data.get("linked")),
        moved=text_of(data.get("moved")),
        links=read_links(data.get("links")),
    )


def read_links(value: Any) -> dict[str, LinkedFile]:
    """The links in a model.toml; those that cannot be are left out."""
    entries = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    found: dict[str, LinkedFile] = {}
    for name, each in entries.items():
        with contextlib.suppress(TypeError, ValueError):
            one = LinkedFile(**each)
            if type(one.path) is str and type(one.size) is int and type(one.modified) is int and is_inside(name):
                found[name] = one
    return found


def is_inside(name: str) -> bool:
    """Whether a relative path leads nowhere out of its folder."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def text_of(value: Any) -> str:
    """A text in a file of facts; a list of them as lines, anything else as none."""
    if isinstance(value, list):
        return "\n".join(str(item) for item in cast(list[Any], value))
    return value if isinstance(value, str) else ""


def list_of(value: Any) -> list[Any]:
    """A list in a file of facts; empty where it is none."""
    return cast(list[Any], value) if isinstance(value, list) else []


def plain_entries(value: Any) -> dict[str, Any]:
    """The entries of a table that a field can have as its value; empty where it is none."""
    entries = cast(dict[str, Any], value) if isinstance(value, dict) else {}
    return {name: each for name, each in entries.items() if isinstance(each, bool | int | float | str)}


def picture_size(value: Any) -> tuple[int, int]:
    """(width, height) in a file of facts; (0, 0) where it is none."""
    sides = [side for side in list_of(value) if type(side) is int]
    return (sides[0], sides[1]) if len(sides) == 2 else (0, 0)
