"""Families of models: how one is recognised, and what it changes of a request's fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from studio.models.model import Model
from studio.schema.fields import Field, Range
from studio.schema.request import Request


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing that a family is recognised by.

    "pipeline": the class that diffusers' model_index.json names; "model_type": that of a config.json; "architecture":
    the ending of a class that transformers' config.json names; "tensor": a part of a tensor's name in a single file;
    "checkpoint": the layout of a checkpoint that the studio converts.
    """

    kind: Literal["pipeline", "model_type", "architecture", "tensor", "checkpoint"]
    text: str


def _nothing_ignored(_request: Request, _model: Model) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Family:
    """Models of one architecture.

    `title` is what people call it. `defaults` are values of fields that suit it better than the request's own;
    `limits` are the lowest and the highest value of a number where it takes less than the request allows; `controls`
    are the fields that have an effect, None where all have. `ignored` says in a sentence which fields of a request
    have none with one model of it; empty where all have. A family without a name stands for all that its marks fit:
    they are called as their files call them.
    """

    name: str
    title: str = ""
    marks: tuple[Mark, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict[str, Any])
    limits: Mapping[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    controls: frozenset[str] | None = None
    ignored: Callable[[Request, Model], str] = _nothing_ignored

    def fields(self, request: type[Request]) -> Iterator[tuple[str, Field]]:
        """The fields of a request for this family: numbers within its limits, those without effect hidden."""
        for name, each in request.fields():
            if name in self.limits and isinstance(each, Range):
                low, high = self.limits[name]
                each = dataclasses.replace(each, low=max(each.low, low), high=min(each.high, high))
            if self.controls is not None and name not in self.controls and name not in ("model", "seed"):
                each = dataclasses.replace(each, hidden=True)
            yield name, each

    def check(self, request: Request) -> None:
        """BadInput that names the field that is out of this family's limits."""
        for name, each in self.fields(type(request)):
            if name in self.limits:
                each.check(name, getattr(request, name))

    def suited(self, request: Request) -> Request:
        """The request with this family's defaults."""
        known = dict(request.fields())
        return request.replace(**{name: value for name, value in self.defaults.items() if name in known})


Families = Mapping[str, Sequence[Family]]
"""The families of each medium, by its name."""


def recognised(families: Families, kind: str, fits: Callable[[str], bool]) -> tuple[str, Family] | None:
    """The first family, and its medium, with a mark of that kind that fits."""
    for medium, members in families.items():
        for family in members:
            if any(mark.kind == kind and fits(mark.text) for mark in family.marks):
                return medium, family
    return None


def marks(families: Families, kind: str) -> list[str]:
    """All marks of that kind, sorted."""
    return sorted(
        mark.text for members in families.values() for one in members for mark in one.marks if mark.kind == kind
    )
