"""The file formats of exported pictures: one module each in this folder, found by its name.

A new format is a new module with an ExportFormat called FORMAT; the dialog, the command line and presets offer it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from studio.errors import BadInput
from studio.export.metadata import EmbeddedMetadata
from studio.media.payloads import Image

if TYPE_CHECKING:
    from studio.export.compose import PictureStyle

Encode = Callable[[Image, EmbeddedMetadata, str], bytes]
"""The bytes of a picture with its metadata; the last is the colour under it where the format has no alpha."""

Draw = Callable[[Image, "PictureStyle", str, EmbeddedMetadata, Image | None, tuple[int, int], str], bytes]
"""The bytes of a picture in a style, with its title, its metadata, its background, the width and height of it, and the
SVG that the work has itself, empty where it has none."""


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A file format. One of pictures has `encode`, one without a size of its own (vectors) has `draw`.

    `place` orders the formats where they are offered.
    """

    name: str
    title: str
    suffix: str
    place: int
    encode: Encode | None = None
    draw: Draw | None = None


@cache
def formats() -> tuple[ExportFormat, ...]:
    """All formats, in the order in which they are offered."""
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    return tuple(sorted((module.FORMAT for module in modules), key=lambda each: each.place))


def find_format(name: str) -> ExportFormat:
    """The format of that name. Raises BadInput where there is none."""
    for each in formats():
        if each.name == name:
            return each
    names = ", ".join(each.name for each in formats())
    raise BadInput("{name!r:.40} is not a format.", "Choose one of: {names}.", name=name, names=names)


def without_opaque_alpha(image: Image) -> Image:
    """The picture without its alpha channel if all of it is opaque."""
    if image.pixels.shape[2] == 4 and bool((image.pixels[..., 3] == 255).all()):
        return Image(np.ascontiguousarray(image.pixels[..., :3]))
    return image
