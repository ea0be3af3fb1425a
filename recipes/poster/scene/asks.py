"""What a poster scene is asked to show: a random ask, and its captions in many wordings."""

from __future__ import annotations

import hashlib
import math
import random
from dataclasses import dataclass, replace

from studio.backends.poster.scene.elements import HOURS
from studio.backends.poster.scene.words import (
    ALL,
    CLEAR,
    CLOUDS,
    FORMATS,
    GRAPHIC,
    HOUR_WORDS,
    MIST,
    NUMBERS,
    OPENINGS,
    PLACES,
    RAIN,
    SIZES,
    SNOW,
    THINGS,
    WEATHER_WORDS,
    asking,
)

WEATHER = {
    "mountains": (CLOUDS, MIST, SNOW),
    "coast": (CLOUDS, MIST, RAIN),
    "desert": (CLOUDS,),
    "city": (CLOUDS, RAIN, SNOW, MIST),
    "forest": (MIST, RAIN, SNOW),
    "lake": (CLOUDS, MIST, SNOW, RAIN),
    "village": (CLOUDS, RAIN, SNOW),
    "harbour": (CLOUDS, MIST, RAIN),
    "island": (CLOUDS, RAIN),
    "canyon": (CLOUDS, MIST),
    "beach": (CLOUDS, RAIN, MIST),
    "hills": (CLOUDS, MIST, RAIN, SNOW),
    "plain": (RAIN, SNOW),
}
WATER = ("coast", "city", "lake", "harbour", "island", "beach")
"""Places in which things can float."""
STANDING = {"island": 2, "coast": 2, "harbour": 3, "lake": 3, "village": 3, "stage": 2, "table": 4}
"""How many things have room to stand in a place, beside the hero of a stage; four in others."""
ROLES = {
    "plain": (("hero", 1.0),),
    "stage": (("stander", 1.0),),
    "table": (("stander", 1.0),),
    "space": (("flyer", 0.75), ("stander", 0.25)),
    "underwater": (("flyer", 0.75), ("stander", 0.25)),
}
"""What things asked for do in graphic posters, and how often; the first on a stage is its hero."""


@dataclass(frozen=True)
class Part:
    """A thing asked for whose drawing is chosen apart: its role, class of size, number (0: not counted), and the width
    of the drawing over its height."""

    role: str
    size: str
    count: int = 0
    aspect: float = 1.0


@dataclass(frozen=True)
class Ask:
    """What a scene is to show. Each thing comes with how many; 0 means that the caption does not count them. The slot
    of a part is its place in `parts`; `scattered` asks for many small drawings."""

    place: str
    hour: str
    weather: str
    things: tuple[tuple[str, int], ...] = ()
    format: str = "portrait"
    parts: tuple[Part, ...] = ()
    scattered: bool = False

    @property
    def height(self) -> float:
        return FORMATS[self.format]

    @property
    def graphic(self) -> bool:
        return self.place in GRAPHIC


def ask(rng: random.Random) -> Ask:
    """A random ask: landscapes with things drawn by the ink, landscapes with parts, and graphic posters, about a third
    each; places and hours evenly, weather and things as they suit the place."""
    kind = rng.random()
    form = rng.choices(tuple(FORMATS), (0.6, 0.2, 0.2))[0]
    if kind < 0.3:
        place = rng.choices(tuple(GRAPHIC), (0.4, 0.2, 0.2, 0.1, 0.1))[0]
        hour = "night" if place == "space" else rng.choice(HOURS)
        weather = rng.choice(WEATHER[place]) if place in WEATHER and rng.random() < 0.15 else CLEAR
        parts = _parts(rng, place, rng.choices((0, 1, 2, 3), (0.04, 0.52, 0.26, 0.18))[0])
        scattered = rng.random() < (0.1 if place in ("plain", "stage") and weather == CLEAR else 0.0)
        return Ask(place, hour, weather, (), form, parts, scattered)
    place, hour = rng.choice(ALL), rng.choice(HOURS)
    weather = CLEAR if rng.random() < 0.4 else rng.choice(WEATHER[place])
    known = [name for name, thing in THINGS.items() if place in thing.places]
    some = kind < 0.65
    names = rng.sample(known, rng.choices((0, 1, 2, 3), (0.8, 0.2, 0, 0) if some else (0.25, 0.4, 0.25, 0.1))[0])
    parts = _parts(rng, place, rng.choices((1, 2, 3), (0.65, 0.25, 0.1))[0]) if some else ()
    if place == "city" and any(part.role == "stander" for part in parts):  # a street, then, and no water
        parts = tuple(part for part in parts if part.role != "floater")
        names = [name for name in names if name != "boat"]
    counted = [rng.randint(1, THINGS[name].most) if THINGS[name].many and rng.random() < 0.5 else 0 for name in names]
    return Ask(place, hour, weather, tuple(zip(names, counted, strict=True)), form, parts)


def _parts(rng: random.Random, place: str, number: int) -> tuple[Part, ...]:
    found: list[Part] = []
    usual = (("stander", 0.6), ("flyer", 0.2), *([("floater", 0.3)] if place in WATER else []))
    roles, often = zip(*ROLES.get(place, usual), strict=True)
    for slot in range(number):
        role = "hero" if place == "stage" and slot == 0 else rng.choices(roles, often)[0]
        if place == "stage" and slot > 0 and rng.random() < 0.12:
            role = "flyer"
        sizes = {"flyer": (0.4, 0.3, 0.3, 0.0), "floater": (0.35, 0.3, 0.35, 0.0)}.get(role, (0.32, 0.3, 0.25, 0.13))
        if place == "table":
            sizes = (0.6, 0.3, 0.1, 0.0)
        size = rng.choices(tuple(SIZES), sizes)[0]
        count = rng.choice((1, 2, 3)) if rng.random() < 0.3 else 0
        low, high = (0.35, 0.75) if size == "tall" else (0.5, 1.6)
        aspect = 1.0 if rng.random() < 0.3 else math.exp(rng.uniform(math.log(low), math.log(high)))
        found.append(Part(role, size, count, round(aspect, 2)))
    standing = 0
    for i, part in enumerate(found):
        room = STANDING.get(place, 4) - standing
        if part.role == "stander" and (part.count or 1) > room:
            if room < 1:
                return tuple(found[:i])
            found[i] = part = replace(part, count=0)
        standing += (part.count or 1) * (part.role == "stander")
    return tuple(found)


def held_out(what: Ask) -> bool:
    """Whether training must never see it: some pairs of place and thing, some triples of place, hour and weather."""

    def chosen(*words: str) -> bool:
        return hashlib.sha256(" ".join(words).encode()).digest()[0] % 10 == 3

    return chosen(what.place, what.hour, what.weather) or any(
        chosen(what.place, name)
        for name in (*(name for name, _ in what.things), *(f"{part.role} {part.size}" for part in what.parts[:1]))
        if what.place != "plain"
    )


def caption(what: Ask, rng: random.Random) -> str:
    """A sentence that says all that is asked, or a bare list of words that may leave some of it out; never more."""
    if rng.random() < 0.75:
        return phrase(what, rng, rng.random() < 0.35 or not what.graphic)
    named = [_thing(name, count, rng).removeprefix("a ").removeprefix("an ") for name, count in what.things]
    place = rng.choice(GRAPHIC[what.place]) if what.graphic else what.place
    words = [place, what.hour, *([] if what.weather == CLEAR else [what.weather]), *named]
    return ", ".join([*([word for word in words if rng.random() < 0.75] or words), *_asked(what)])


def phrase(what: Ask, rng: random.Random, timed: bool = True) -> str:
    """A sentence that says all that is asked, in one of many wordings and orders; the hour only where `timed`."""
    place = rng.choice((GRAPHIC if what.graphic else PLACES)[what.place])
    hour = rng.choice(HOUR_WORDS[what.hour]) if timed else ""
    weather = rng.choice(WEATHER_WORDS[what.weather])
    named = [_thing(name, count, rng) for name, count in what.things]
    rng.shuffle(named)
    together = ", ".join(named[:-1]) + (" and " if named[1:] else "") + "".join(named[-1:])
    things = f"{rng.choice(('with', 'with', 'and'))} {together}" if named else ""
    things = " ".join([things, *_asked(what)]).strip()
    style = rng.random()
    if style < 0.2 and hour:
        return " ".join(part for part in (hour[0].upper() + hour[1:] + ",", place, things, weather) if part)
    if named and style < 0.32 and not what.parts:
        parts = [together, rng.choice(("in", "at", "near")), place, hour, weather]
    else:
        parts = [place, *rng.sample([things, hour, weather], 3)]
    return rng.choice(OPENINGS) + " ".join(part for part in parts if part)


def _asked(what: Ask) -> list[str]:
    """The tokens that ask for the parts."""
    parts = [asking(part.role, slot, part.size, part.count) for slot, part in enumerate(what.parts, 1)]
    return [*(token for words in parts for token in words), *(["<scatter>"] if what.scattered else [])]


def _thing(name: str, count: int, rng: random.Random) -> str:
    thing = THINGS[name]
    if count < 2:
        return rng.choice(thing.one)
    return f"{NUMBERS[count]} {thing.many}"
