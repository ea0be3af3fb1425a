"""Payloads, the things engines return: pictures, clips, texts, sounds and trained models, in plain formats."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.errors import NOTHING, Message


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """A picture: uint8 `[H, W, 3]` or `[H, W, 4]`, sRGB, alpha straight (not premultiplied).

    `request` is the JSON of the request that makes it again, where that is another than the one that was run: a face
    that was found in a picture is a face, not a search. Empty otherwise. `remark` is what a person should
    hear with it: the library keeps it with the work's provenance.
    """

    pixels: NDArray[np.uint8]
    request: str = ""
    remark: Message = NOTHING


@dataclass(frozen=True, slots=True)
class Clip:
    """Moving pictures: a finished WebP, GIF or MP4 in a temporary place, which whoever keeps the clip takes away.

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
    """Plain text or Markdown."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """A sound: float32 `[channels, samples]` in [-1, 1], `rate` samples per second."""

    samples: NDArray[np.float32]
    rate: int


@dataclass(frozen=True, slots=True)
class Weights:
    """A trained model: the folder that holds config.json, *.safetensors and card.md, ready for the catalog."""

    folder: Path


Payload = Image | Clip | Text | Audio | Weights
