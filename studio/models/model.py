"""One model: weights, and what their model.toml says about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Model:
    """One set of weights, as `folder`/model.toml describes it.

    `folder` holds config.json and *.safetensors; `size` and `sha256` are those of the weights (`weights.fingerprint`).
    `native` is the picture size it was trained for, (width, height), or (0, 0); `languages` are those it understands.
    `defaults` are values of fields that suit it better than those of its family.
    `beside` is the folder for what the user adds to it, such as directions: its own folder, or one among the user's
    models for a bundled one; None where there is none.
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
