"""The tracks of a model's named sliders: which attribute each sets, and the values along it.

A trait is one attribute of a style with its values in an order in which neighbours look alike: a track of stations.
A slider's place, 0 to 1, is a place on that track; between two stations their codes are blended. `traits.json` beside
the weights keeps the orders that the recipe measured (slider_order.py); a model without it orders them by names alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from studio.backends.avatar.attributes import NONE, Attribute, AttributeTable, DrawingStyle
from studio.backends.avatar.requests import SliderValue, Variation
from studio.errors import BadInput, StudioError
from studio.models import weights
from studio.system import storage

FILE, VERSION = "traits.json", 1

NAMES = {
    "hair": "Hair", "head": "Hair", "hairColor": "Hair colour", "headContrastColor": "Hair colour",
    "skinColor": "Skin", "baseColor": "Skin", "glasses": "Glasses", "glassesColor": "Glasses colour",
    "facialHair": "Beard", "mouth": "Mouth", "face": "Expression", "eyes": "Eyes",
    "eyebrows": "Eyebrows", "eyeShadowColor": "Eye shadow", "nose": "Nose", "ears": "Ears", "earrings": "Earrings",
    "earringColor": "Earring colour", "shirt": "Clothing", "body": "Clothing", "clothing": "Clothing",
    "clothingColor": "Clothing colour", "shirtColor": "Clothing colour", "accessories": "Accessories", "mask": "Mask",
    "features": "Marks",
}  # fmt: skip
"""What a person calls the attributes that drawings have; others are called by their own names."""

FIRST = ("Hair", "Hair colour", "Skin", "Eyes", "Eyebrows", "Mouth", "Expression", "Beard", "Glasses", "Clothing")
EXPRESSIVE = ("Expression", "Mouth", "Eyes", "Eyebrows")
"""Traits that show a mood, the most telling first."""

GLADNESS = {
    "angry": -3, "rage": -3, "frown": -2, "sad": -2, "fear": -2, "concerned": -2, "tired": -1, "suspicious": -1,
    "contempt": -1, "monster": -2, "hectic": -1, "nervous": -1, "unimpressed": -1, "solemn": -1, "serious": -1,
    "old": 0, "blank": 0, "calm": 0, "normal": 0, "open": 0, "awkward": 0, "pucker": 0, "lips": 0, "surprise": 0,
    "awe": 1, "cute": 1, "driven": 1, "smirk": 1, "kawaii": 1, "cheeky": 2, "smile": 2, "happy": 2, "cheery": 2,
    "grin": 3, "laugh": 3, "lol": 3, "big": 1, "teeth": 1,
}  # fmt: skip
"""How glad a word in a value's name is."""


@dataclass(frozen=True, slots=True)
class SliderTrack:
    """One slider of one style: `order` holds picks of `attribute`, NONE for going without."""

    name: str
    attribute: str
    order: tuple[int, ...]

    def place(self, pick: int) -> float:
        """The position of a pick on the track, 0 to 1."""
        return self.order.index(pick) / (len(self.order) - 1) if pick in self.order else 0.0

    def between(self, value: float) -> tuple[int, int, float]:
        """The stations on both sides of a place, and how far it is from the first to the second."""
        at = value * (len(self.order) - 1)
        low = min(int(at), len(self.order) - 2)
        return self.order[low], self.order[low + 1], at - low


@dataclass(frozen=True)
class SliderTracks:
    """The tracks of every style, in the table's order."""

    table: AttributeTable
    styles: tuple[tuple[SliderTrack, ...], ...]

    @classmethod
    def by_name(cls, table: AttributeTable) -> Self:
        """Tracks whose orders come from names and colours alone."""
        return cls(table, tuple(tuple(_tracks(style)) for style in table.styles))

    @classmethod
    def from_json(cls, table: AttributeTable, data: Mapping[str, Any]) -> Self:
        """Raises KeyError, TypeError or ValueError for what does not belong to the table."""
        if data["version"] > VERSION:
            raise ValueError("it was written by a newer studio")
        styles: list[tuple[SliderTrack, ...]] = []
        for style in table.styles:
            by_name = {one.name: one for one in style.attributes}
            tracks: list[SliderTrack] = []
            for said in data["styles"][style.name]:
                one = by_name[said["attribute"]]
                order = tuple(NONE if value is None else one.values.index(value) for value in said["order"])
                if len(order) < 2 or len(set(order)) != len(order):
                    raise ValueError(f"the order of {one.name} is none")
                tracks.append(SliderTrack(str(said["name"]), one.name, order))
            styles.append(tuple(tracks))
        return cls(table, tuple(styles))

    def to_json(self) -> dict[str, Any]:
        styles: dict[str, Any] = {}
        for style, tracks in zip(self.table.styles, self.styles, strict=True):
            values = {one.name: one.values for one in style.attributes}
            styles[style.name] = [
                {
                    "name": track.name,
                    "attribute": track.attribute,
                    "order": [None if pick == NONE else values[track.attribute][pick] for pick in track.order],
                }
                for track in tracks
            ]
        return {"version": VERSION, "styles": styles}

    def write(self, folder: Path) -> None:
        text = json.dumps(self.to_json(), indent=1, ensure_ascii=False) + "\n"
        storage.write_atomic(folder / FILE, text.encode("utf-8"))

    def condition(
        self,
        style: int,
        picks: Sequence[int],
        traits: Sequence[SliderValue],
        start: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """The condition vector [c_dim] of a drawing with these picks whose sliders were moved; `start` is its vector
        before, where that lies between picks.

        Sliders that other styles have are left out; BadInput for a name that no style has.
        """
        given = {trait.name: trait.value for trait in traits}
        for name in given:
            self._check_exists(name)
        vector = self.table.vector(style, picks) if start is None else start.copy()
        # What others need comes first: a colour that nothing has is none, in whatever order the sliders were moved.
        needs = {one.name: one.needs for one in self.table.styles[style].attributes}
        for track in sorted(self.styles[style], key=lambda track: bool(needs[track.attribute])):
            if track.name in given:
                self._set(vector, style, picks, track, given)
        return vector

    def positions(self, style: int, picks: Sequence[int], traits: Sequence[SliderValue]) -> dict[str, float]:
        """The position of every visible slider: as sampled, or where it was moved to."""
        given = {trait.name: trait.value for trait in traits}
        attributes = self.table.styles[style].attributes
        drawn = {one.name: pick for one, pick in zip(attributes, picks, strict=True)}
        by_name = {one.name: one for one in attributes}
        tracks = {track.attribute: track for track in self.styles[style]}
        found: dict[str, float] = {}
        for track in self.styles[style]:
            one = by_name[track.attribute]
            if one.needs in by_name:
                needed, pick = tracks.get(one.needs), drawn[one.needs]
                if needed is not None and needed.name in given:
                    low, high, part = needed.between(given[needed.name])
                    pick = high if part >= 0.5 else low
                if not is_visible(one, by_name[one.needs], pick):
                    continue
            found[track.name] = given.get(track.name, track.place(drawn[track.attribute]))
        return found

    def _set(
        self,
        vector: NDArray[np.float32],
        style: int,
        picks: Sequence[int],
        track: SliderTrack,
        given: Mapping[str, float],
    ) -> None:
        attributes = self.table.styles[style].attributes
        spans = self.table.spans[style]
        by_name = {one.name: one for one in attributes}
        one = by_name[track.attribute]
        code = sum(weight * one.code(pick) for pick, weight in _weights(track, one, given))
        if one.needs in by_name:
            needed = by_name[one.needs]
            there = [(picks[attributes.index(needed)], 1.0)]
            for each in self.styles[style]:
                if each.attribute == one.needs and each.name in given:
                    there = _weights(each, needed, given)
            code = code * sum(weight * is_visible(one, needed, pick) for pick, weight in there)
        vector[spans[one.name]] = code
        for other in attributes:
            if other.needs == one.name:
                span = spans[other.name]
                share = sum(weight * is_visible(other, one, pick) for pick, weight in _weights(track, one, given))
                usual = other.code(int(np.argmax(other.counts)))
                vector[span] = share * (vector[span] if vector[span].any() else usual)

    def _check_exists(self, name: str) -> None:
        names = sorted({track.name for tracks in self.styles for track in tracks})
        if name not in names:
            raise BadInput(
                "This model has no slider {name!r}.", "It has: {names}.", name=name[:60], names=", ".join(names)
            )


def _weights(track: SliderTrack, one: Attribute, given: Mapping[str, float]) -> list[tuple[int, float]]:
    """The picks on both sides of a moved slider, with their weights."""
    low, high, part = track.between(given[track.name])
    part = part if one.colour else rest_at_stations(part)
    return [(pick, weight) for pick, weight in ((low, 1 - part), (high, part)) if weight]


def rest_at_stations(part: float) -> float:
    """A place between two parts, nearer to one of them: half way between two shapes is neither."""
    return min(1.0, max(0.0, 2 * part - 0.5))


def read(folder: Path, table: AttributeTable) -> SliderTracks:
    """The tracks of the model in `folder`. StudioError where its traits.json is damaged."""
    path = folder / FILE
    if not path.exists():
        return SliderTracks.by_name(table)
    try:
        return SliderTracks.from_json(table, weights.read_json(path))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StudioError(
            "{path} is damaged: {reason}.", "Fetch or import the model again.", path=path, reason=error
        ) from error


def sample_attributes(
    table: AttributeTable, style: str, seed: int, z_dim: int, near: Sequence[Variation] = ()
) -> tuple[int, NDArray[np.float32], list[int]]:
    """What a seed means: style, z [z_dim] and picks. BadInput for a style that the table does not have.

    The style is drawn even where it is asked for, so that asking for the one a seed draws changes nothing. Steps
    nearby change some of the picks: a drawing has neighbours, and what lies between two of them is none.
    """
    names = [one.name for one in table.styles]
    if style not in ("any", *names):
        raise BadInput(
            "This model has no style {style!r}.",
            "Choose one of: any, {names}.",
            style=style[:60],
            names=", ".join(names),
        )
    rng = np.random.default_rng(seed)
    which = table.draw_style(rng)
    which = which if style == "any" else table.style(style)
    z = rng.standard_normal(z_dim, dtype=np.float32)
    picks = table.draw(which, rng)
    for step in near:
        picks = table.vary(which, picks, step.spread, np.random.default_rng(step.seed))
    return which, z, picks


def _tracks(style: DrawingStyle) -> list[SliderTrack]:
    """A track for every attribute that varies, ordered by colour or by name."""
    tracks: list[SliderTrack] = []
    for one in style.attributes:
        name, number = display_name(one), 2
        while any(track.name == name for track in tracks):
            name, number = f"{display_name(one)} {number}", number + 1
        order = (
            by_lightness(one)
            if one.colour
            else sorted(range(len(one.values)), key=lambda i: mood_of_name(one.values[i]))
        )
        going_without = (NONE,) if one.none and not one.needs else ()
        if len(order) + len(going_without) > 1:
            tracks.append(SliderTrack(name, one.name, (*going_without, *order)))
    return tracks


def display_name(one: Attribute) -> str:
    """The attribute's name in the window."""
    if one.name == "accessories" and sum("glass" in value.lower() for value in one.values) > len(one.values) // 2:
        return "Glasses"
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", one.name).replace("_", " ").lower()
    return NAMES.get(one.name, words[:1].upper() + words[1:])


def by_lightness(one: Attribute) -> list[int]:
    """Picks of a colour from dark to light, by relative luminance of the sRGB values (Rec. 709 weights)."""
    return sorted(range(len(one.values)), key=lambda i: float(np.dot(one.code(i)[:3], (0.2126, 0.7152, 0.0722))))


def mood_of_name(value: str) -> int:
    """How cheerful a value's name sounds; 0 where it says nothing."""
    return sum(worth for word, worth in GLADNESS.items() if word in value.lower())


def names_tell_mood(one: Attribute) -> bool:
    """Whether most of an attribute's value names say a mood."""
    known = sum(any(word in value.lower() for word in GLADNESS) for value in one.values)
    return known > len(one.values) / 2


def is_visible(one: Attribute, needed: Attribute, pick: int) -> bool:
    """Whether an attribute shows where the one that it needs has this pick."""
    return pick != NONE and (not one.needs_values or needed.values[pick] in one.needs_values)
