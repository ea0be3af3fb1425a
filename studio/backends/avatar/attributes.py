"""The attribute table of a set of drawings: styles, their attributes, and how often each value occurs.

A condition vector is the concatenation of: one number a style (1 for the drawing's own), then for each attribute of
each style either one number a value (parts: 1 for the value drawn, all 0 for none) or four (colours: red, green and
blue in [-1, 1], and 1 where the thing is there). So a mapping network's first layer sums embeddings, and colours are
continuous.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

NONE = -1


@dataclass(frozen=True, slots=True)
class Attribute:
    """One thing that varies. `counts` belong to `values`; `none` counts the drawings without it.

    `needs`, where set, names the attribute, and `needs_values` its values (any where empty), without which this one
    cannot be seen.
    """

    name: str
    colour: bool
    values: tuple[str, ...]
    counts: tuple[int, ...]
    none: int = 0
    needs: str = ""
    needs_values: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        return 4 if self.colour else len(self.values)

    def code(self, pick: int) -> NDArray[np.float32]:
        code = np.zeros(self.width, np.float32)
        if pick == NONE:
            return code
        if not self.colour:
            code[pick] = 1
            return code
        rgb = bytes.fromhex(self.values[pick].lstrip("#")[:6])
        code[:] = [*(channel / 127.5 - 1 for channel in rgb), 1]
        return code

    def other(self, pick: int, rng: np.random.Generator) -> int:
        """Another pick than this one, each as often as the drawings have it; the same where there is no other."""
        counts = np.array([*self.counts, 0 if self.needs else self.none], np.float64)
        counts[pick] = 0
        if not counts.any():
            return pick
        drawn = int(rng.choice(len(counts), p=counts / counts.sum()))
        return NONE if drawn == len(self.values) else drawn


@dataclass(frozen=True, slots=True)
class DrawingStyle:
    """One family of drawings and what varies in it."""

    name: str
    count: int
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True)
class AttributeTable:
    """All styles of a model. A drawing is a style and, for each attribute of that style, a pick: an index or NONE."""

    styles: tuple[DrawingStyle, ...]

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Raises KeyError, TypeError or ValueError for what is no table."""
        styles = []
        for style in data["styles"]:
            attributes = []
            for one in style["attributes"]:
                values, counts = tuple(map(str, one["values"])), tuple(map(int, one["counts"]))
                if len(values) != len(counts) or not values or min(counts) < 0:
                    raise ValueError(f"{one['name']}: values and counts disagree")
                attribute = Attribute(
                    name=str(one["name"]),
                    colour=one["kind"] == "colour",
                    values=values,
                    counts=counts,
                    none=int(one.get("none", 0)),
                    needs=str(one.get("with", "")),
                    needs_values=tuple(map(str, one.get("with_values", ()))),
                )
                attribute.code(0)
                attributes.append(attribute)
            styles.append(DrawingStyle(str(style["name"]), int(style["count"]), tuple(attributes)))
        return cls(tuple(styles))

    def to_json(self) -> dict[str, Any]:
        return {
            "styles": [
                {
                    "name": style.name,
                    "count": style.count,
                    "attributes": [
                        {
                            "name": one.name,
                            "kind": "colour" if one.colour else "part",
                            "values": list(one.values),
                            "counts": list(one.counts),
                            "none": one.none,
                            **({"with": one.needs, "with_values": list(one.needs_values)} if one.needs else {}),
                        }
                        for one in style.attributes
                    ],
                }
                for style in self.styles
            ]
        }

    @property
    def c_dim(self) -> int:
        return len(self.styles) + sum(one.width for style in self.styles for one in style.attributes)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Where each style's attributes begin in the condition vector."""
        widths = [sum(one.width for one in style.attributes) for style in self.styles]
        return tuple(len(self.styles) + sum(widths[:i]) for i in range(len(widths)))

    @cached_property
    def spans(self) -> tuple[dict[str, slice], ...]:
        """For each style, where in the condition vector each of its attributes lies, by name and in their order."""
        found: list[dict[str, slice]] = []
        for style, at in zip(self.styles, self.starts, strict=True):
            found.append({one.name: slice(at, at := at + one.width) for one in style.attributes})
        return tuple(found)

    def style(self, name: str) -> int:
        """The index of a style. Raises KeyError."""
        names = [style.name for style in self.styles]
        if name not in names:
            raise KeyError(name)
        return names.index(name)

    def draw_style(self, rng: np.random.Generator) -> int:
        return int(rng.integers(len(self.styles)))

    def draw(self, style: int, rng: np.random.Generator) -> list[int]:
        """Picks for every attribute of a style, each as often as the drawings have it."""
        attributes = self.styles[style].attributes
        picks: dict[str, int] = {}
        for one in attributes:
            counts = np.array([*one.counts, 0 if one.needs else one.none], np.float64)
            pick = int(rng.choice(len(counts), p=counts / counts.sum()))
            picks[one.name] = NONE if pick == len(one.values) else pick
        return self._drop_hidden(style, picks)

    def vectors(self, style: int, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Condition vectors [count, c_dim] of so many drawings of a style, as `draw` would pick them, all at once."""
        attributes = self.styles[style].attributes
        picks: dict[str, NDArray[np.int64]] = {}
        for one in attributes:
            counts = np.array([*one.counts, 0 if one.needs else one.none], np.float64)
            pick = rng.choice(len(counts), count, p=counts / counts.sum())
            picks[one.name] = np.where(pick == len(one.values), NONE, pick)
        vectors = np.zeros((count, self.c_dim), np.float32)
        vectors[:, style] = 1
        by_name = {one.name: one for one in attributes}
        for one in attributes:
            span = self.spans[style][one.name]
            codes = np.stack([one.code(pick) for pick in (*range(len(one.values)), NONE)])
            vectors[:, span] = codes[picks[one.name]]
            other = by_name.get(one.needs)
            if other is not None:
                shows = [not one.needs_values or value in one.needs_values for value in other.values]
                vectors[:, span] *= np.array([*shows, False])[picks[other.name], None]
        return vectors

    def usual(self, style: int) -> NDArray[np.float32]:
        """The condition vector [c_dim] of a style's usual drawing: the most frequent parts, the mean of colours.

        A face to be averaged towards: the mean of all drawings shows the ghosts of all their parts.
        """
        attributes = self.styles[style].attributes
        picks: dict[str, int] = {}
        for one in attributes:
            counts = [*one.counts, 0 if one.needs else one.none]
            pick = int(np.argmax(counts)) if not one.colour else (NONE if one.none > sum(one.counts) else 0)
            picks[one.name] = NONE if pick == len(one.values) else pick
        vector = self.vector(style, self._drop_hidden(style, picks))
        for one in attributes:
            span = self.spans[style][one.name]
            if one.colour and vector[span][3]:
                codes = np.stack([one.code(pick) for pick in range(len(one.values))])
                vector[span] = np.average(codes, axis=0, weights=one.counts)
        return vector

    def _drop_hidden(self, style: int, picks: dict[str, int]) -> list[int]:
        """Picks in the style's order, without those that nothing drawn would show."""
        attributes = self.styles[style].attributes
        by_name = {one.name: one for one in attributes}
        for one in attributes:
            other = by_name.get(one.needs)
            if other is None:
                continue
            pick = picks[other.name]
            if pick == NONE or (one.needs_values and other.values[pick] not in one.needs_values):
                picks[one.name] = NONE
        return [picks[one.name] for one in attributes]

    def vary(self, style: int, picks: Sequence[int], spread: float, rng: np.random.Generator) -> list[int]:
        """Picks like these: each becomes another with the probability `spread`, one at least where that is not 0."""
        attributes = self.styles[style].attributes
        changed = rng.random(len(attributes)) < spread
        free = [i for i, one in enumerate(attributes) if not one.needs and len(one.values) + bool(one.none) > 1]
        one = free[int(rng.integers(len(free)))] if free else 0
        if spread and not changed[free].any():
            changed[one] = True
        others = [one.other(pick, rng) for one, pick in zip(attributes, picks, strict=True)]
        found = {one.name: others[i] if changed[i] else picks[i] for i, one in enumerate(attributes)}
        by_name = {one.name: one for one in attributes}
        for one in attributes:
            needed = by_name.get(one.needs)
            if needed is None:
                continue
            pick = found[needed.name]
            if pick == NONE or (one.needs_values and needed.values[pick] not in one.needs_values):
                found[one.name] = NONE
            elif found[one.name] == NONE:
                found[one.name] = one.other(NONE, rng)
        return [found[one.name] for one in attributes]

    def vector(self, style: int, picks: Sequence[int]) -> NDArray[np.float32]:
        """The condition vector [c_dim] of a drawing."""
        vector = np.zeros(self.c_dim, np.float32)
        vector[style] = 1
        for one, pick in zip(self.styles[style].attributes, picks, strict=True):
            vector[self.spans[style][one.name]] = one.code(pick)
        return vector
