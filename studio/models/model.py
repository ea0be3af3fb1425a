"""One model: weights, and what their model.toml says about them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.errors import Message, counted


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
