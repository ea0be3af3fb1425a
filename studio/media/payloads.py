"""Payloads that engines return: pictures, clips, texts, sounds, bundles of several files, and trained models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studio.errors import NOTHING, Message

if TYPE_CHECKING:  # the window names these types before it has a payload, and starts sooner without numpy
    import numpy as np
    from numpy.typing import NDArray

ROLE = re.compile(r"[a-z0-9][a-z0-9-]{0,29}", re.ASCII)
"""The names of the further files of a work, see Bundle."""


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """A picture: uint8 `[H, W, 3]` or `[H, W, 4]`, sRGB, alpha straight (not premultiplied).

    `request` is the JSON of the request that makes it again, where that is not the one that was run: a projection
    returns the request of the face that it found. Empty otherwise. `remark` is a message to the person, which is saved
    in the work's provenance.
    """

    pixels: NDArray[np.uint8]
    request: str = ""
    remark: Message = NOTHING


@dataclass(frozen=True, slots=True)
class Clip:
    """Moving pictures: a finished WebP, GIF or MP4 in a temporary folder, from where it is moved when it is saved.

    `width` and `height` are pixels, `frames` their number, `seconds` the length played once. `request` as for Image.
    """

    path: Path
    width: int
    height: int
    frames: int
    seconds: float
    request: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text or Markdown. `remark` as for Image."""

    text: str
    remark: Message = NOTHING


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """A sound: float32 `[channels, samples]` in [-1, 1], `rate` samples per second."""

    samples: NDArray[np.float32]
    rate: int


@dataclass(frozen=True, slots=True)
class Weights:
    """A trained model: the folder that holds config.json, *.safetensors and card.md, ready for the catalog."""

    folder: Path


@dataclass(frozen=True, slots=True)
class Svg:
    """A vector drawing: an SVG document as text. Saved beside a picture of it, see Bundle."""

    text: str


FilePayload = Image | Clip | Text | Audio | Svg
"""A payload that is one file of a work."""


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """Several files that are one work: `main` is listed and shown; `parts` go with it, by their roles.

    A role is up to 30 characters of a to z, 0 to 9 and "-", such as "svg", "captions" or "stem-drums"; it becomes a
    part of the file's name. Raises ValueError for any other.
    """

    main: Image | Clip | Text | Audio
    parts: Mapping[str, FilePayload]

    def __post_init__(self) -> None:
        for role in self.parts:
            if not ROLE.fullmatch(role):
                raise ValueError(f"{role!r} is not a role of a file")

    @property
    def payloads(self) -> tuple[FilePayload, ...]:
        """All of them, `main` first."""
        return (self.main, *self.parts.values())


Payload = FilePayload | Bundle | Weights
