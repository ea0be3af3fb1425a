"""What a poster scene is asked to show: a random ask, and its captions in many wordings."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass

from studio.backends.poster.scene.elements import HOURS
from studio.backends.poster.scene.words import (
    ALL,
    CLEAR,
    CLOUDS,
    FORMATS,
    HOUR_WORDS,
    MIST,
    NUMBERS,
    OPENINGS,
    PLACES,
    RAIN,
    SNOW,
    THINGS,
    WEATHER_WORDS,
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
}


@dataclass(frozen=True)
class Ask:
    """What a scene is to show. Each thing comes with how many; 0 means that the caption does not count them."""

    place: str
    hour: str
    weather: str
    things: tuple[tuple[str, int], ...] = ()
    format: str = "portrait"

    @property
    def height(self) -> float:
        return FORMATS[self.format]


def ask(rng: random.Random) -> Ask:
    """A random ask: places and hours evenly, weather and none to three things as they suit the place."""
    place, hour = rng.choice(ALL), rng.choice(HOURS)
    weather = CLEAR if rng.random() < 0.4 else rng.choice(WEATHER[place])
    known = [name for name, thing in THINGS.items() if place in thing.places]
    names = rng.sample(known, rng.choices((0, 1, 2, 3), (0.25, 0.4, 0.25, 0.1))[0])
    counted = [rng.randint(1, THINGS[name].most) if THINGS[name].many and rng.random() < 0.5 else 0 for name in names]
    form = rng.choices(tuple(FORMATS), (0.6, 0.2, 0.2))[0]
    return Ask(place, hour, weather, tuple(zip(names, counted, strict=True)), form)


def held_out(what: Ask) -> bool:
    """Whether training must never see it: some pairs of place and thing, some triples of place, hour and weather."""

    def chosen(*words: str) -> bool:
        return hashlib.sha256(" ".join(words).encode()).digest()[0] % 10 == 3

    return chosen(what.place, what.hour, what.weather) or any(chosen(what.place, name) for name, _ in what.things)


def caption(what: Ask, rng: random.Random) -> str:
    """A sentence that says all that is asked, or a bare list of words that may leave some of it out; never more."""
    if rng.random() < 0.75:
        return phrase(what, rng)
    named = [_thing(name, count, rng).removeprefix("a ").removeprefix("an ") for name, count in what.things]
    words = [what.place, what.hour, *([] if what.weather == CLEAR else [what.weather]), *named]
    return ", ".join([word for word in words if rng.random() < 0.75] or words)


def phrase(what: Ask, rng: random.Random) -> str:
    """A sentence that says all that is asked, in one of many wordings and orders."""
    place, hour = rng.choice(PLACES[what.place]), rng.choice(HOUR_WORDS[what.hour])
    weather = rng.choice(WEATHER_WORDS[what.weather])
    named = [_thing(name, count, rng) for name, count in what.things]
    rng.shuffle(named)
    together = ", ".join(named[:-1]) + (" and " if named[1:] else "") + "".join(named[-1:])
    things = f"{rng.choice(('with', 'with', 'and'))} {together}" if named else ""
    style = rng.random()
    if style < 0.2:
        return " ".join(part for part in (hour[0].upper() + hour[1:] + ",", place, things, weather) if part)
    if named and style < 0.32:
        parts = [together, rng.choice(("in", "at", "near")), place, hour, weather]
    else:
        parts = [place, *rng.sample([things, hour, weather], 3)]
    return rng.choice(OPENINGS) + " ".join(part for part in parts if part)


def _thing(name: str, count: int, rng: random.Random) -> str:
    thing = THINGS[name]
    if count < 2:
        return rng.choice(thing.one)
    return f"{NUMBERS[count]} {thing.many}"
