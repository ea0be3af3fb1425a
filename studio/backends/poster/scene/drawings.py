"""The drawings that things asked for get: an index of names, and the flat shapes of each, read when they are drawn."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import dataclass
from functools import cache
from typing import Any

from studio.system.paths import RESOURCES

FILE = RESOURCES / "poster" / "drawings.zip"
INDEX, NEAR = "index.json", "near.json"
SIDE = 1000
"""Units of the longer side of a drawing."""


@dataclass(frozen=True)
class Drawing:
    """A thing that can be shown. `role` is what it does in a landscape, `size` its class, `aspect` its width over its
    height; the first of `english` is how remarks call it."""

    name: str
    category: str
    role: str
    size: str
    aspect: float
    english: tuple[str, ...]
    chinese: tuple[str, ...]
    set: str
    source: str
    author: str
    turns: bool = True
    """Whether it may be mirrored: what shows a text or a clock may not."""


@dataclass(frozen=True)
class FilledOutline:
    """One filled outline: "#rrggbb", and its commands (M, L, C or Z with 2, 2, 6 or no numbers). The middle of the
    drawing's foot is 0, 0; y goes down."""

    colour: str
    commands: tuple[tuple[str, tuple[float, ...]], ...]


@dataclass(frozen=True)
class DrawingSet:
    """Where drawings come from, and on which terms."""

    name: str
    title: str
    author: str
    licence: str
    source: str


@cache
def drawings() -> dict[str, Drawing]:
    """All of them by name, a few milliseconds the first time."""
    return {
        row["name"]: Drawing(**{**row, "english": tuple(row["english"]), "chinese": tuple(row["chinese"])})
        for row in _index()["drawings"]
    }


@cache
def sets() -> tuple[DrawingSet, ...]:
    return tuple(DrawingSet(**one) for one in _index()["sets"])


@cache
def english() -> dict[str, tuple[str, ...]]:
    """What an English word or phrase, lower case, asks for: names of drawings, mostly one."""
    found = {word: (name,) for name, one in drawings().items() for word in one.english}
    return found | {word: tuple(names) for word, names in _index()["groups"].items()}


@cache
def chinese() -> dict[str, tuple[str, ...]]:
    found = {word: (name,) for name, one in drawings().items() for word in one.chinese}
    return found | {word: tuple(names) for word, names in _index()["groups_zh"].items()}


@cache
def near() -> dict[str, str]:
    """English words that nothing is called, and the drawing whose name comes nearest in meaning."""
    return {word: name for name, words in json.loads(_packed().read(NEAR)).items() for word in words.split()}


@cache
def shapes(name: str) -> tuple[FilledOutline, ...]:
    """The shapes of a drawing from back to front; the first is its silhouette, not to be filled itself."""
    rows = json.loads(_packed().read(f"{name}.json"))
    return tuple(FilledOutline(colour, tuple(_commands(path))) for colour, path in rows)


def _commands(path: str) -> list[tuple[str, tuple[float, ...]]]:
    return [
        (found[1], tuple(float(number) for number in found[2].split()))
        for found in re.finditer(r"([MLCZ])([^MLCZ]*)", path)
    ]


@cache
def _index() -> dict[str, Any]:
    return json.loads(_packed().read(INDEX))


@cache
def _packed() -> zipfile.ZipFile:
    """The file, held in memory: to find its thousand entries anew for each would take longer than to draw one."""
    return zipfile.ZipFile(io.BytesIO(FILE.read_bytes()))
