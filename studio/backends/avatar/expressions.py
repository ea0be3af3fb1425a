"""The same face in several expressions: which mouth, eyes and brows show what, in each drawing style.

Moods are recognised by the names of the values in the model's table. Only what shows a mood changes: hair, skin,
glasses, clothes and colours stay, and so do make-up and teeth that belong to a value; a mask comes off.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from studio.backends.avatar.requests import AvatarRequest, AvatarSheetRequest, SheetCell, StyleMix
from studio.backends.avatar.slider_tracks import EXPRESSIVE
from studio.backends.avatar.sliders import SliderState, sliders, style_of, with_trait
from studio.errors import BadInput
from studio.schema.request import Request

MANY = 9
"""Expressions of a sheet, where nothing else is asked for."""

CAPTION = 60  # characters below a face

Mood = Mapping[str, Sequence[str]]
"""Of attributes the values that show it, the most telling attribute first; of several values one."""

MOODS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "adventurer": {
        "Calm": {"mouth": "variant02", "eyes": "variant26"},
        "Happy": {"mouth": "variant26", "eyes": "variant25"},
        "Sad": {"mouth": "variant04", "eyes": "variant15", "eyebrows": "variant12"},
        "Surprised": {"mouth": "variant07", "eyes": "variant24", "eyebrows": "variant13"},
        "Angry": {"mouth": "variant11", "eyes": "variant05", "eyebrows": "variant02"},
        "Laughing": {"mouth": "variant25", "eyes": "variant19"},
        "Cheeky": {"mouth": "variant16", "eyes": "variant22"},
        "Worried": {"mouth": "variant14", "eyes": "variant07", "eyebrows": "variant12"},
        "Tired": {"mouth": "variant15", "eyes": "variant20"},
    },
    "open-peeps": {
        "Calm": {"face": "calm"},
        "Happy": {"face": "smile"},
        "Sad": {"face": "solemn"},
        "Surprised": {"face": "hectic"},
        "Angry": {"face": "veryAngry"},
        "Laughing": {"face": "smileLOL"},
        "Cheeky": {"face": "cheeky"},
        "Worried": {"face": "concerned"},
        "Tired": {"face": "tired"},
    },
    "micah": {
        "Calm": {"mouth": "smirk", "eyes": "eyes eyesShadow", "eyebrows": "up eyelashesUp"},
        "Happy": {"mouth": "smile", "eyes": "smiling smilingShadow", "eyebrows": "up eyelashesUp"},
        "Sad": {"mouth": "sad", "eyes": "eyes eyesShadow", "eyebrows": "down eyelashesDown"},
        "Surprised": {"mouth": "surprised", "eyes": "round eyesShadow", "eyebrows": "up eyelashesUp"},
        "Cross": {"mouth": "frown", "eyes": "round eyesShadow", "eyebrows": "down eyelashesDown"},
        "Laughing": {"mouth": "laughing", "eyes": "smiling smilingShadow", "eyebrows": "up eyelashesUp"},
        "Cheeky": {"mouth": "pucker", "eyes": "smiling smilingShadow", "eyebrows": "up eyelashesUp"},
        "Worried": {"mouth": "nervous", "eyes": "round eyesShadow", "eyebrows": "down eyelashesDown"},
        "Delighted": {"mouth": "laughing", "eyes": "round eyesShadow", "eyebrows": "up eyelashesUp"},
    },
    "big-smile": {
        "Calm": {"mouth": "kawaii", "eyes": "normal"},
        "Happy": {"mouth": "openedSmile braces gapSmile", "eyes": "cheery"},
        "Sad": {"mouth": "openSad", "eyes": "sad"},
        "Amazed": {"mouth": "openedSmile braces gapSmile", "eyes": "starstruck"},
        "Angry": {"mouth": "unimpressed", "eyes": "angry"},
        "Laughing": {"mouth": "teethSmile", "eyes": "cheery"},
        "Cheeky": {"mouth": "openedSmile braces gapSmile", "eyes": "winking"},
        "Awkward": {"mouth": "awkwardSmile", "eyes": "confused"},
        "Tired": {"mouth": "unimpressed", "eyes": "sleepy"},
    },
    "personas": {
        "Calm": {"mouth": "smirk", "eyes": "open"},
        "Happy": {"mouth": "smile", "eyes": "open"},
        "Sad": {"mouth": "frown", "eyes": "sleep"},
        "Surprised": {"mouth": "surprise", "eyes": "open"},
        "Cross": {"mouth": "frown", "eyes": "open"},
        "Laughing": {"mouth": "bigSmile", "eyes": "happy"},
        "Cheeky": {"mouth": "smirk", "eyes": "wink"},
        "Content": {"mouth": "smile", "eyes": "happy"},
        "Tired": {"mouth": "surprise", "eyes": "sleep"},
    },
}
"""By style, values separated by blanks. The drawings of Adventurer only number theirs; these are what the numbers show.
"""

OWN = ("Shadow", "eyelashes", "braces", "gap")
"""What belongs to the person where it occurs in a value's name: of the values of a mood, the one that has it too."""

WORN = "glasses"
"""What a mood does not take off, in styles that draw it in place of the eyes."""

COVERS = ("mask", "respirator")
"""What hides a mood, and is taken off for it."""


def sheet(folder: Path, face: AvatarRequest, count: int = MANY) -> AvatarSheetRequest:
    """The character sheet of a face, titled with its name. Raises as `expressions` does."""
    poses = tuple(expressions(folder, face, count))
    return AvatarSheetRequest(
        seed=face.seed, model=face.model, name=face.name, face=_face_json(face), poses=poses, size=face.size
    )


def expressions(folder: Path, face: AvatarRequest, count: int = MANY) -> list[SheetCell]:
    """The same person in up to `count` moods, no two of which look alike, each with the mood's name.

    Fewer where the model draws fewer. BadInput where it draws one only, or knows nothing of faces; StudioError for a
    damaged model.
    """
    found: dict[AvatarRequest, str] = {}
    for words, posed in _all_expressions(folder, face):
        found.setdefault(posed, words)
    if len(found) < 2:
        raise _no_expressions()
    return [SheetCell(words, _face_json(posed)) for posed, words in list(found.items())[:count]]


def check_expressive(folder: Path, face: AvatarRequest) -> None:
    """Raises as `expressions` does. Looks at no face that is mixed in, and is quick enough to ask at every change."""
    found: set[AvatarRequest] = set()
    for _, posed in _all_expressions(folder, face.replace(mix=())):
        found.add(posed)
        if len(found) > 1:
            return
    raise _no_expressions()


def _no_expressions() -> BadInput:
    return BadInput(
        "This model has no expressions: its training set did not say what mouths and eyes show.",
        "Choose the studio's starter, or a model that was trained on drawings with attributes.",
    )


def _all_expressions(folder: Path, face: AvatarRequest) -> Iterator[tuple[str, AvatarRequest]]:
    """The face in every mood that its style can show, some of which may look alike, each with the mood's name."""
    there = {one.attribute: one for one in sliders(folder, face)}
    for words, mood in (_known_moods(style_of(folder, face), there) or _moods_by_name(there)).items():
        posed = _with_mood(folder, face, mood)
        if posed is not None:
            yield words, posed


def _known_moods(style: str, there: Mapping[str, SliderState]) -> dict[str, Mood]:
    """The moods of a style in our table, where the model draws what tells them."""
    found: dict[str, Mood] = {}
    for words, mood in MOODS.get(style, {}).items():
        split = {attribute: tuple(values.split()) for attribute, values in mood.items()}
        telling, values = next(iter(split.items()))
        if telling in there and set(values) & set(there[telling].values):
            found[words] = split
    return found


def _with_mood(folder: Path, face: AvatarRequest, mood: Mood) -> AvatarRequest | None:
    """The face in a mood, its mixed-in faces too; None where nothing of it can be shown."""
    there = {one.attribute: one for one in sliders(folder, face)}
    posed = face.replace(name="", mix=())
    for slider in there.values():
        if "" in slider.values and any(cover in slider.at.lower() for cover in COVERS):
            posed = with_trait(posed, slider.name, slider.values.index("") / (slider.stations - 1))
    for at, (attribute, values) in enumerate(mood.items()):
        slider = there.get(attribute)
        place = None if slider is None else _place(slider, values)
        if slider is not None and place is not None:
            posed = with_trait(posed, slider.name, place)
        elif not at:
            return None
    return posed.replace(mix=tuple(_mixed_with_mood(folder, mix, mood) for mix in face.mix))


def _mixed_with_mood(folder: Path, mix: StyleMix, mood: Mood) -> StyleMix:
    """A face mixed in, whose layers would hide the mood of the one that it is mixed into."""
    other = Request.from_json(json.loads(mix.face)) if mix.face else None
    posed = _with_mood(folder, other, mood) if isinstance(other, AvatarRequest) else None
    return mix if posed is None else dataclasses.replace(mix, face=_face_json(posed))


def _face_json(face: AvatarRequest) -> str:
    return json.dumps(face.to_json(), ensure_ascii=False)


def _place(slider: SliderState, values: Sequence[str]) -> float | None:
    """Where a slider shows the mood; None to leave it where it is."""
    if WORN in slider.at.lower():
        return None
    there = [value for value in values if value in slider.values]
    alike = [value for value in there if _own(value) == _own(slider.at)]
    chosen = next(iter(alike or there), None)
    return None if chosen is None else slider.values.index(chosen) / (slider.stations - 1)


def _own(value: str) -> set[str]:
    return {mark for mark in OWN if mark in value}


def _moods_by_name(there: Mapping[str, SliderState]) -> dict[str, Mood]:
    """Moods of a style that is not in our table: the values of the most telling attribute, by their names."""
    telling = [one for name in EXPRESSIVE for one in there.values() if one.name == name]
    if not telling:
        return {}
    return {_words(value): {telling[0].attribute: (value,)} for value in telling[0].values if value}


def _words(value: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z0-9])", " ", value).replace("_", " ").replace("-", " ").lower()
    return (words[:1].upper() + words[1:])[:CAPTION]
