"""One control per kind of note: a number, a choice, words, yes or no, a seed, a model, a path; knows no requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from studio.schema.request import Choice, Field, Flag, FreeText, ModelId, PathTo, Range, Seed
from studio.ui.forms.choices import ChoiceField, FlagField, ModelField, Models
from studio.ui.forms.field import CHOICE_WIDTH, FormField, Shape
from studio.ui.forms.numbers import NumberField, SeedField
from studio.ui.forms.paths import PathField
from studio.ui.forms.texts import TextField

__all__ = [
    "CHOICE_WIDTH",
    "ChoiceField",
    "FlagField",
    "FormField",
    "ModelField",
    "Models",
    "NumberField",
    "PathField",
    "SeedField",
    "Shape",
    "TextField",
    "make_field",
]


def make_field(name: str, note: Field, *, models: Models = tuple, shape: Shape = "slider") -> FormField:
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


_CONTROLS: tuple[tuple[type[Field], Callable[[str, Any], FormField]], ...] = (
    (FreeText, TextField),
    (Flag, FlagField),
    (Seed, SeedField),
)
