"""Families of models: how one is recognised, and what it changes of a request's fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from studio.errors import BadInput, Message, counted
from studio.models.fit.demand import Demand, Machine, ModelFacts
from studio.models.model import Model
from studio.models.vocabulary import UnderstoodPrompt
from studio.schema.fields import Field, ModelId, Range, Seed
from studio.schema.picture_sizes import PICTURE_SIZES, SIDES, PictureSize, fitted
from studio.schema.request import Request


@dataclass(frozen=True, slots=True)
class Mark:
    """A feature that a family is recognised by.

    "pipeline": the class that diffusers' model_index.json names; "model_type": that of a config.json; "architecture":
    the ending of a class that transformers' config.json names; "tensor": a part of a tensor's name in a single file;
    "gguf": what the header of a GGUF file has; "checkpoint": the layout of a checkpoint that the studio converts.
    """

    kind: Literal["pipeline", "model_type", "architecture", "tensor", "gguf", "checkpoint"]
    text: str


def _all_used(_model: Model) -> frozenset[str]:
    return frozenset()


def _as_family(_model: Model) -> Mapping[str, Any]:
    return {}


def _unchecked(_folder: Path) -> None:
    pass


def any_words(_model: Model, _prompt: str) -> UnderstoodPrompt | None:
    """What models without a vocabulary of their own understand of a prompt: no word is unknown to them."""
    return None


def weights_alone(facts: ModelFacts, _request: Request, machine: Machine) -> Demand:
    """Where nothing is known of what a family's work takes: its weights, and as much again."""
    weights = facts.values * machine.bytes_per_value(facts)
    return Demand(weights, weights)


@dataclass(frozen=True, slots=True)
class Family:
    """Models of one architecture.

    `title` is what people call it. `defaults` are values of fields that suit it better than the request's own;
    `defaults_of` are those that suit one model of it better still, by its files, and what its model.toml says counts
    most, see `Model.defaults`. `limits` are the lowest and the highest value of a number where it takes less
    than the request allows; `controls` are the fields that have an effect, None where all have. `unused` are fields
    that have none with one model of it. `check_files` raises StudioError, as its engine would, for a folder, or a
    single file, that cannot run; it reads JSON and headers of weights only. `demand` is the formula for what a request
    takes of a machine. `trial` names the program that goes further than `check_files`, see `models.trial`. `understood`
    is what a model makes of a prompt, by its files, without running it; None for one that takes any words. `side_step`
    is what the sides of a picture are multiples of, for a family that paints best at the area of its defaults; 0 where
    any size comes out alike. A family without a name stands for all that its marks fit: they are called as their files
    call them.
    """

    name: str
    title: str = ""
    marks: tuple[Mark, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict[str, Any])
    limits: Mapping[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    controls: frozenset[str] | None = None
    unused: Callable[[Model], frozenset[str]] = _all_used
    defaults_of: Callable[[Model], Mapping[str, Any]] = _as_family
    check_files: Callable[[Path], None] = _unchecked
    demand: Callable[[ModelFacts, Request, Machine], Demand] = weights_alone
    trial: str = ""
    understood: Callable[[Model, str], UnderstoodPrompt | None] = any_words
    side_step: int = 0

    def fields(self, request: type[Request], model: Model | None = None) -> Iterator[tuple[str, Field]]:
        """The fields of a request for a model: numbers within the family's limits, those without effect hidden."""
        without = self.without_effect(request, model)
        for name, each in request.fields():
            if name in self.limits and isinstance(each, Range):
                low, high = self.limits[name]
                each = dataclasses.replace(each, low=max(each.low, low), high=min(each.high, high))
            yield name, dataclasses.replace(each, hidden=True) if name in without else each

    def without_effect(self, request: type[Request], model: Model | None = None) -> frozenset[str]:
        """The fields of a request that change nothing with a model."""
        names = {name for name, each in request.fields() if not isinstance(each, ModelId | Seed)}
        unused = names - self.controls if self.controls is not None else set[str]()
        return frozenset(unused | (names & self.unused(model) if model is not None else set()))

    def ignored(self, request: Request, model: Model, given: Collection[str] = ()) -> Message | None:
        """What was chosen in a request and changes nothing with a model; None where all of it counts.

        Chosen are the fields that were `given`, whatever their value, and those that are neither as usual nor as the
        model has them.
        """
        usual, suited = type(request)(), self.suited(type(request), model)
        without = self.without_effect(type(request), model)
        values = {name: getattr(request, name) for name, _ in request.fields() if name in without}
        chosen = [
            name
            for name, value in values.items()
            if name in given or value not in (getattr(usual, name), suited.get(name, getattr(usual, name)))
        ]
        if not chosen:
            return None
        return counted(
            len(chosen),
            "{model} does not use {names}, which changes nothing.",
            "{model} does not use {names}, which change nothing.",
            model=model.title or model.id,
            names=", ".join(chosen),
        )

    def picture_sizes(self, request: type[Request], model: Model | None = None) -> tuple[PictureSize, ...]:
        """The sizes to offer by name for a request with a model, the one that suits it among them; none where it asks
        for no width and height.
        """
        known = dict(self.fields(request, model))
        width, height = (known.get(name) for name in SIDES)
        if not (isinstance(width, Range) and isinstance(height, Range)) or width.hidden or height.hidden:
            return ()
        usual = request(**self.suited(request, model))
        wide, high = (int(getattr(usual, name)) for name in SIDES)
        area = wide * high if self.side_step else 0
        named = tuple(fitted(PICTURE_SIZES, width, height, area, self.side_step))
        if any((each.width, each.height) == (wide, high) for each in named):
            return named
        return (PictureSize("default", "Default", wide, high), *named)

    def understood_of(self, request: Request, model: Model) -> UnderstoodPrompt | None:
        """What a model makes of a request's prompt; None where it takes any words, or heeds no prompt."""
        prompt = getattr(request, "prompt", None)
        if not isinstance(prompt, str) or "prompt" in self.without_effect(type(request), model):
            return None
        return self.understood(model, prompt)

    def check(self, request: Request) -> None:
        """Raises BadInput that names a field outside of this family's limits."""
        for name, each in self.fields(type(request)):
            if name in self.limits:
                each.check(name, getattr(request, name))

    def suited(self, request: type[Request], model: Model | None = None) -> dict[str, Any]:
        """The values that suit a model better than the request's own."""
        known = dict(request.fields())
        found: dict[str, Any] = {}
        of_model = {} if model is None else {**self.defaults_of(model), **model.defaults}
        for name, value in (*self.defaults.items(), *of_model.items()):
            if name in known:
                try:
                    found[name] = known[name].check(name, value)
                except BadInput:  # written into model.toml by hand
                    continue
        return found


Families = Mapping[str, Sequence[Family]]
"""The families of each medium, by its name."""


def family_named(members: Sequence[Family], name: str) -> Family:
    """The family of that name, else the nameless one, else one that changes nothing."""
    listed = {family.name: family for family in members}
    return listed.get(name) or listed.get("") or Family(name)


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
