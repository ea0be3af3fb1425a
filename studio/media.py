"""Payloads, the things engines return: pictures, texts, sounds and trained models, in CPU memory and plain formats."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """A picture: uint8 `[H, W, 3]` or `[H, W, 4]`, sRGB, alpha straight (not premultiplied).

    `request` is the JSON of the request that makes it again, where that is another than the one that was run: a face
    that was found in a picture is a face, not a search. Empty otherwise.
    """

    pixels: NDArray[np.uint8]
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


Payload = Image | Text | Audio | Weights
