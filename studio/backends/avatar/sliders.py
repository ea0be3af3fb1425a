"""The named sliders of a face: where each stands, and what it sets."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from studio.backends.avatar.attributes import NONE, AttributeTable
from studio.backends.avatar.mixing import (
    FaceCode,
    colour_names,
    drawn_code,
    edited_code,
    group_of,
    mixes_of,
    nearest_pick,
    parse_face,
)
from studio.backends.avatar.requests import AvatarRequest, SliderValue
from studio.backends.avatar.slider_tracks import FILE, FIRST, SliderTracks, display_name, read
from studio.errors import StudioError
from studio.models import weights


@dataclass(frozen=True, slots=True)
class SliderState:
    """A slider as the window shows it: its position, and the name of its attribute's value at each station; "" is going
    without.
    """

    name: str
    value: float
    attribute: str
    values: tuple[str, ...]

    @property
    def stations(self) -> int:
        return len(self.values)

    @property
    def at(self) -> str:
        """The value at its position, or the nearest one."""
        return self.values[round(self.value * (self.stations - 1))]


Stamp = tuple[tuple[int, int], ...]
"""Times and sizes of the files that sliders are read from: others when they have changed."""


def slider_stamp(folder: Path) -> Stamp:
    """The stamp of a model's files as they are now."""
    return tuple(_stamp(folder / name) for name in ("config.json", FILE))


def sliders(folder: Path, request: AvatarRequest, stamp: Stamp | None = None) -> list[SliderState]:
    """The sliders that the face has, those that matter first; none for models without attributes.

    Reads small files only, and those once while they stay the same; with a `stamp` that was read with before, none at
    all. Raises BadInput and StudioError as `read` does.
    """
    found = _of_face(folder, request, stamp or slider_stamp(folder))
    if found is None:
        return []
    tracks, own, code = found
    places = {
        (code.style, name): place for name, place in tracks.positions(code.style, code.picks, request.traits).items()
    }
    if own != code.style:  # its shape is that of another style, its colours are still set as in its own
        places = _with_own_colours(tracks, own, code, request.traits, places)
    shown: list[SliderState] = []
    for style, name in sorted(places, key=lambda at: FIRST.index(at[1]) if at[1] in FIRST else len(FIRST)):
        track = next(track for track in tracks.styles[style] if track.name == name)
        values = next(one.values for one in tracks.table.styles[style].attributes if one.name == track.attribute)
        stations = tuple("" if pick == NONE else values[pick] for pick in track.order)
        shown.append(SliderState(name, places[style, name], track.attribute, stations))
    return shown


def _with_own_colours(
    tracks: SliderTracks, own: int, code: FaceCode, traits: Sequence[SliderValue], places: dict[tuple[int, str], float]
) -> dict[tuple[int, str], float]:
    """The positions of sliders by style and name, where those of colours are those of the style `own`."""
    table, given = tracks.table, {trait.name: trait.value for trait in traits}
    attributes = {display_name(one): one for one in table.styles[code.style].attributes if one.colour}
    names, found = colour_names(tracks, own), dict(places)
    for track in tracks.styles[own]:
        shown = attributes.get(track.name)
        if track.name not in names or shown is None or (code.style, track.name) not in places:
            continue
        del found[code.style, track.name]
        one = next(one for one in table.styles[own].attributes if one.name == track.attribute)
        pick = nearest_pick(one, code.vector[table.spans[code.style][shown.name]])
        found[own, track.name] = given.get(track.name, track.place(pick))
    return found


def style_of(folder: Path, request: AvatarRequest) -> str:
    """The style that the face is drawn in; empty for models without attributes. Raises as `sliders` does."""
    found = _of_face(folder, request, slider_stamp(folder))
    return "" if found is None else found[0].table.styles[found[2].style].name


def with_trait(request: AvatarRequest, name: str, value: float) -> AvatarRequest:
    """The same face with one slider moved."""
    others = tuple(trait for trait in request.traits if trait.name != name)
    return dataclasses.replace(request, traits=(*others, SliderValue(name, value)))


def without_taken(folder: Path, request: AvatarRequest, choice: str) -> AvatarRequest:
    """The same face without the sliders that were moved on what `choice` takes from another face, which would hide it.
    Raises as `sliders` does.
    """
    found = _of_face(folder, request, slider_stamp(folder))
    if found is None:
        return request
    tracks, own, code = found
    taken: set[str] = set()
    for style in (own, code.style):
        groups = {one.name: group_of(one) for one in tracks.table.styles[style].attributes}
        taken |= {track.name for track in tracks.styles[style] if groups[track.attribute] == choice}
    return request.replace(traits=tuple(trait for trait in request.traits if trait.name not in taken))


def _of_face(folder: Path, request: AvatarRequest, stamp: Stamp) -> tuple[SliderTracks, int, FaceCode] | None:
    """The tracks of a face's model, the style that its seed draws, and the face as it is before its sliders."""
    drawn = AvatarRequest(
        style=request.style,
        seed=request.seed,
        near=() if request.latent else request.near,
        mix=mixes_of(request),
    )
    return _cached_code(drawn, folder, *stamp)


@lru_cache(64)
def _cached_code(
    face: AvatarRequest, folder: Path, *stamps: tuple[int, int]
) -> tuple[SliderTracks, int, FaceCode] | None:
    """As `_of_face`; a drag asks for the same ones again and again."""
    found = _cached_tracks(folder, *stamps)
    if found is None:
        return None
    tracks, z_dim = found
    drawn = drawn_code(tracks, face, z_dim)
    return tracks, drawn.style, edited_code(tracks, drawn, face, z_dim, parse_face)


@lru_cache(8)
def _cached_tracks(folder: Path, *_stamps: tuple[int, int]) -> tuple[SliderTracks, int] | None:
    config = weights.read_json(folder / "config.json")
    if "attributes" not in config:
        return None
    try:
        table = AttributeTable.from_json(config["attributes"])
        z_dim = int(config["shape"]["z_dim"])
    except (KeyError, TypeError, ValueError) as error:
        raise StudioError(
            "{folder} is damaged: {reason}.", "Fetch or import the model again.", folder=folder, reason=error
        ) from error
    return read(folder, table), z_dim


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
