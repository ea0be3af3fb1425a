"""One control per kind of note: a number, a choice, words, yes or no, a seed, a model, a path; knows no requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from studio.schema.request import Choice, Flag, ModelId, Note, PathTo, Range, Seed, Text
from studio.ui.forms.choices import ChoiceField, FlagField, ModelField, Models
from studio.ui.forms.field import BESIDE, Field, Shape
from studio.ui.forms.numbers import NumberField, SeedField
from studio.ui.forms.paths import PathField
from studio.ui.forms.texts import TextField

__all__ = [
    "BESIDE",
    "ChoiceField",
    "Field",
    "FlagField",
    "ModelField",
    "Models",
    "NumberField",
    "PathField",
    "SeedField",
    "Shape",
    "TextField",
    "field",
]


def field(name: str, note: Note, *, models: Models = tuple, shape: Shape = "slider") -> Field:
    """The control for a note."""
    if isinstance(note, Range):
        return NumberField(name, note, shape)
    if isinstance(note, Choice):
        return ChoiceField(name, note, shape)
    if isinstance(note, PathTo):
        return PathField(name, note, shape)
    if isinstance(note, ModelId):
        return ModelField(name, note, models)
    for kind, control in _CONTROLS:
        if isinstance(note, kind):
            return control(name, note)
    raise TypeError(f"There is no control for {type(note).__name__}.")


_CONTROLS: tuple[tuple[type[Note], Callable[[str, Any], Field]], ...] = (
    (Text, TextField),
    (Flag, FlagField),
    (Seed, SeedField),
)
