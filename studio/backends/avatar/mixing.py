"""Mixing by attributes: one drawing with the shape, the features or the colours of another.

A drawing is its style and the codes of its attributes (`attributes.py`), so what is taken from another drawing is taken
exactly: parts whole, colours as far as asked. Drawings of two styles have no part in common. Colours pass from one to
the other under the names that sliders have; features stand on the other style's slider where they stood on their own;
the shape brings its style with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from studio.backends.avatar.attributes import NONE, Attribute, AttributeTable
from studio.backends.avatar.requests import AvatarRequest, StyleMix
from studio.backends.avatar.slider_tracks import (
    FIRST,
    SliderTracks,
    display_name,
    rest_at_stations,
    sample_attributes,
)
from studio.schema.request import Request

SHAPE, FEATURES, COLOURS = BY_ATTRIBUTES = ("shape", "features", "colours")

ON_THE_FACE = frozenset(
    (
        "eyes",
        "eyebrows",
        "mouth",
        "face",
        "nose",
        "facialHair",
        "glasses",
        "accessories",
        "mask",
        "features",
        "earrings",
    )
)
"""Parts that are drawn on a face; all others are its shape: hair, ears, clothes."""

ALIKE = {"Expression": "Mouth", "Mouth": "Expression", "Eyes": "Expression", "Eyebrows": "Expression"}
"""What shows the same in styles that name it otherwise, or draw it as a part of something else."""

Parse = Callable[[str], AvatarRequest]
"""The request of a face that another one names."""


@dataclass(frozen=True, eq=False)
class FaceCode:
    """A drawing: its style, the pick nearest to each attribute's code, and the condition vector [c_dim]."""

    style: int
    picks: tuple[int, ...]
    vector: NDArray[np.float32]

    @classmethod
    def of(cls, table: AttributeTable, style: int, vector: NDArray[np.float32]) -> FaceCode:
        attributes = table.styles[style].attributes
        return cls(style, tuple(nearest_pick(one, vector[table.spans[style][one.name]]) for one in attributes), vector)


def mixes_of(face: AvatarRequest) -> tuple[StyleMix, ...]:
    """What the face takes from others by attributes."""
    return tuple(mix for mix in face.mix if mix.layers in BY_ATTRIBUTES and mix.face and mix.amount)


def face_code(tracks: SliderTracks, face: AvatarRequest, z_dim: int, parse: Parse) -> FaceCode:
    """The drawing that a request asks for. BadInput for a style or slider that the model does not have."""
    return edited_code(tracks, drawn_code(tracks, face, z_dim), face, z_dim, parse)


def drawn_code(tracks: SliderTracks, face: AvatarRequest, z_dim: int) -> FaceCode:
    """The drawing of a request's seed, before anything is taken or moved. BadInput for an unknown style."""
    near = () if face.latent else face.near
    style, _, picks = sample_attributes(tracks.table, face.style, face.seed, z_dim, near)
    return FaceCode(style, tuple(picks), tracks.table.vector(style, picks))


def edited_code(tracks: SliderTracks, drawn: FaceCode, face: AvatarRequest, z_dim: int, parse: Parse) -> FaceCode:
    """A drawing with what the request takes from others; then with its sliders moved.

    Where the shape brought another style, sliders of colours still set the colours of the own style.
    """
    code, traits = drawn, face.traits
    for mix in mixes_of(face):
        code = mixed(tracks, code, face_code(tracks, parse(mix.face), z_dim, parse), mix.layers, mix.amount)
    if code.style != drawn.style:
        coloured = colour_names(tracks, drawn.style) & {trait.name for trait in traits}
        own = FaceCode.of(tracks.table, drawn.style, tracks.condition(drawn.style, drawn.picks, traits))
        code, traits = (
            _painted(tracks, code, own, coloured),
            tuple(trait for trait in traits if trait.name not in coloured),
        )
    if not traits:
        return code
    return FaceCode.of(tracks.table, code.style, tracks.condition(code.style, code.picks, traits, code.vector))


def colour_names(tracks: SliderTracks, style: int) -> set[str]:
    """The names of a style's sliders that set colours."""
    colours = {one.name for one in tracks.table.styles[style].attributes if one.colour}
    return {track.name for track in tracks.styles[style] if track.attribute in colours}


def _painted(tracks: SliderTracks, code: FaceCode, other: FaceCode, names: Collection[str]) -> FaceCode:
    """A drawing with the colours of these names that one of another style has."""
    vector = code.vector.copy()
    for one in tracks.table.styles[code.style].attributes:
        colour = _translated(tracks, other, code.style, one) if one.colour and display_name(one) in names else None
        span = tracks.table.spans[code.style][one.name]
        if colour is not None and vector[span][3]:
            vector[span] = colour * vector[span][3]
    return FaceCode.of(tracks.table, code.style, vector)


def mixed(tracks: SliderTracks, own: FaceCode, other: FaceCode, choice: str, amount: float) -> FaceCode:
    """`own` with what `choice` takes from `other`: at 0 nothing, at 1 all of it.

    In between colours are blended. Parts come one after the other, since half of each is neither; so does a style.
    """
    table, goal = tracks.table, _goal(tracks, own, other, choice)
    if goal.style != own.style:
        share = rest_at_stations(amount)
        near = goal if share >= 0.5 else own
        return FaceCode(near.style, near.picks, _between(own.vector, goal.vector, share))
    vector = own.vector.copy()
    spans = table.spans[own.style]
    taken = [one for one in table.styles[own.style].attributes if (goal.vector != own.vector)[spans[one.name]].any()]
    parts = sorted((one for one in taken if not one.colour), key=_importance)
    for one in taken:
        share = amount if one.colour else rest_at_stations(amount * len(parts) - parts.index(one))
        span = spans[one.name]
        vector[span] = _between(own.vector[span], goal.vector[span], share)
    return FaceCode.of(table, own.style, _with_what_is_needed(table, own.style, vector))


@lru_cache(64)
def parse_face(face: str) -> AvatarRequest:
    """The face that a row of another request holds as JSON, which was checked when the row was made."""
    found = Request.from_json(json.loads(face))
    assert isinstance(found, AvatarRequest)
    return found


def between(tracks: SliderTracks, own: FaceCode, other: FaceCode, part: float) -> list[tuple[FaceCode, float]]:
    """What is seen on the way from one drawing to another, `part` of it gone: one drawing, or two and how much of each.

    Colours are blended. Parts change one after the other, each by dissolving one drawing into the next: what a network
    draws between two parts is neither of them, with specks around it.
    """
    table = tracks.table
    if own.style != other.style:
        share = rest_at_stations(part)
        pair = (
            (mixed(tracks, own, other, COLOURS, part), 1 - share),
            (mixed(tracks, other, own, COLOURS, 1 - part), share),
        )
        return [(code, weight) for code, weight in pair if weight]
    attributes, spans = table.styles[own.style].attributes, table.spans[own.style]
    differing = [one for one in attributes if (own.vector != other.vector)[spans[one.name]].any()]
    parts = sorted((one for one in differing if not one.colour), key=_importance)
    base = own.vector.copy()
    for one in differing:
        if one.colour:
            first, second = own.vector[spans[one.name]], other.vector[spans[one.name]]
            there = [code for code in (first, second) if code[3]]
            base[spans[one.name]] = _between(first, second, part) if len(there) == 2 else there[0]

    def drawn(count: int) -> FaceCode:
        vector = base.copy()
        for one in parts[:count]:
            vector[spans[one.name]] = other.vector[spans[one.name]]
        return FaceCode.of(table, own.style, _with_what_is_needed(table, own.style, vector))

    at = min(int(part * len(parts)), max(0, len(parts) - 1))
    share = rest_at_stations(part * len(parts) - at) if parts else 0.0
    return [(drawn(at + step), weight) for step, weight in ((0, 1 - share), (1, share)) if weight]


def _between(own: NDArray[np.float32], goal: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    return goal if share == 1 else (own + (goal - own) * share).astype(np.float32)


def group_of(one: Attribute) -> str:
    """Which choice takes an attribute."""
    if one.colour:
        return COLOURS
    return FEATURES if one.name in ON_THE_FACE else SHAPE


def _goal(tracks: SliderTracks, own: FaceCode, other: FaceCode, choice: str) -> FaceCode:
    """All of what is taken."""
    table = tracks.table
    style = other.style if choice == SHAPE else own.style
    base = other if choice == SHAPE else own
    vector = np.zeros_like(own.vector)
    vector[style] = 1
    for one in table.styles[style].attributes:
        span = table.spans[style][one.name]
        source = other if group_of(one) == choice else own
        code = source.vector[span] if source.style == style else _translated(tracks, source, style, one)
        if code is None or (one.colour and not code[3]):
            code = base.vector[span]
        vector[span] = code
    return FaceCode.of(table, style, _with_what_is_needed(table, style, vector))


def _translated(tracks: SliderTracks, source: FaceCode, style: int, one: Attribute) -> NDArray[np.float32] | None:
    """The code of a style's attribute for what a drawing of another style has; None where that has no such thing."""
    table, name = tracks.table, display_name(one)
    if one.colour:
        for its in table.styles[source.style].attributes:
            code = source.vector[table.spans[source.style][its.name]]
            if its.colour and display_name(its) == name and code[3]:
                return code / code[3]
        return None
    mine = next((track for track in tracks.styles[style] if track.attribute == one.name), None)
    named = {track.name: track for track in tracks.styles[source.style]}
    its_track = named.get(name) or named.get(ALIKE.get(name, ""))
    if mine is None or its_track is None:
        return None
    names = [each.name for each in table.styles[source.style].attributes]
    pick = source.picks[names.index(its_track.attribute)]
    if pick == NONE:
        return one.code(NONE) if NONE in mine.order else None
    here, there = ([pick for pick in track.order if pick != NONE] for track in (mine, its_track))
    if pick not in there:
        return None
    place = there.index(pick) / max(1, len(there) - 1)
    return one.code(here[round(place * (len(here) - 1))])


def _with_what_is_needed(table: AttributeTable, style: int, vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vector without attributes of what is not there, and with the usual ones of what is."""
    by_name, spans = {one.name: one for one in table.styles[style].attributes}, table.spans[style]
    for one in by_name.values():
        needed = by_name.get(one.needs)
        if needed is None:
            continue
        there = _presence(needed, vector[spans[needed.name]], one.needs_values)
        code = vector[spans[one.name]]
        own = _presence(one, code)
        usual = one.code(int(np.argmax(one.counts)))
        if there not in (own, 0.0) or not own:
            code = (code / np.float32(own) if own else usual) * np.float32(there)
        vector[spans[one.name]] = code if there else 0
    return vector


def _presence(one: Attribute, code: NDArray[np.float32], values: Sequence[str] = ()) -> float:
    """How much of an attribute is there, 0 to 1: of any of its values, or of these."""
    if one.colour:
        return float(code[3])
    return float(sum(share for value, share in zip(one.values, code, strict=True) if not values or value in values))


def nearest_pick(one: Attribute, code: NDArray[np.float32]) -> int:
    """The pick whose code is nearest."""
    if _presence(one, code) < 0.5:
        return NONE
    return int(np.argmin([np.square(one.code(pick) - code).sum() for pick in range(len(one.values))]))


def _importance(one: Attribute) -> int:
    name = display_name(one)
    return FIRST.index(name) if name in FIRST else len(FIRST)
