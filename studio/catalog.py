"""Which models exist, their licence, size, hash and place; never opens their weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Model:
    """One set of weights. `folder` holds config.json and *.safetensors; `size` is their bytes together."""

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
