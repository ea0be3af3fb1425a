"""Examples of what a bundled model makes: the request of each, and a small picture, sound or text of its work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.errors import StudioError
from studio.models import weights
from studio.models.model import Model, list_of, text_of
from studio.schema.request import Request
from studio.system.paths import RESOURCES

INDEX = "index.json"
"""Beside the files: the model that made them, and for each its request and its file, text and peaks."""


@dataclass(frozen=True, slots=True)
class ModelExample:
    """`file` is a picture or a sound, None for a text; `peaks` are those of a sound's waveform, 0 to 1."""

    request: Request
    file: Path | None = None
    text: str = ""
    peaks: tuple[float, ...] = ()


def examples_of(model: Model, folder: Path = RESOURCES / "examples") -> tuple[ModelExample, ...]:
    """The examples that came with a model; none where there are none of it, or they cannot be read. Reads files."""
    place = folder / model.medium
    told = weights.json_or_empty(place / INDEX)
    if told.get("model") != model.id or not model.bundled:
        return ()
    found: list[ModelExample] = []
    for each in list_of(told.get("examples")):
        try:
            request = Request.from_json(each["request"])
        except (StudioError, KeyError, TypeError, ValueError):
            continue
        name = text_of(each.get("file"))
        peaks = tuple(float(peak) for peak in list_of(each.get("peaks")))
        found.append(ModelExample(request, place / name if name else None, text_of(each.get("text")), peaks))
    return tuple(found)
