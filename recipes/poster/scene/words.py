"""What a poster scene is asked to show: a random ask, its captions in many wordings, and their tokens."""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import dataclass

from recipes.poster import captions
from recipes.poster.scene.elements import HOURS

FORMATS = {"portrait": 1.5, "square": 1.0, "landscape": 2 / 3}
"""Height of the sheet over its width."""

CLEAR, CLOUDS, MIST, RAIN, SNOW = "clear", "clouds", "mist", "rain", "snow"
PLACES: dict[str, tuple[str, ...]] = {
    "mountains": (
        "mountains",
        "a mountain",
        "high peaks",
        "the Alps",
        "a mountain range",
        "a mountain landscape",
        "summits and a meadow",
    ),
    "coast": (
        "a coast",
        "a rocky coast",
        "cliffs by the sea",
        "a sea cliff",
        "the coastline",
        "cliffs above the ocean",
    ),
    "desert": ("a desert", "desert dunes", "sand dunes", "golden dunes", "a sandy desert", "the Sahara"),
    "city": (
        "a city",
        "a city skyline",
        "skyscrapers",
        "the skyline of a big city",
        "city towers by the water",
        "downtown",
    ),
    "forest": ("a forest", "a pine forest", "deep woods", "the woods", "fir trees", "a woodland"),
    "lake": ("a lake", "a mountain lake", "a quiet lake", "an alpine lake", "a lake below mountains", "a lake shore"),
    "village": (
        "a village",
        "a small town on a hill",
        "a country village",
        "a hill town",
        "village houses",
        "houses around a church",
    ),
    "harbour": (
        "a harbour",
        "a harbor town",
        "a fishing port",
        "coloured houses at the harbour",
        "the old port",
        "a harbour front",
    ),
    "island": (
        "an island",
        "a tropical island",
        "an island in the sea",
        "a desert island",
        "a small island",
        "an islet",
    ),
    "canyon": (
        "a canyon",
        "a red rock canyon",
        "a gorge",
        "the Grand Canyon",
        "a deep canyon",
        "a river between red cliffs",
    ),
    "beach": (
        "a beach",
        "a sandy beach",
        "the seaside",
        "a beach by the sea",
        "the sand and the sea",
        "a seaside beach",
    ),
    "hills": ("rolling hills", "the countryside", "green hills", "fields and hills", "a meadow", "farmland"),
}
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
class Thing:
    """Something that can be asked for: how it is called (one and several), where it may be, and how many at most."""

    one: tuple[str, ...]
    places: tuple[str, ...]
    many: str = ""
    most: int = 1


ALL = tuple(PLACES)
OPEN = ("mountains", "desert", "forest", "lake", "canyon", "hills", "beach")
THINGS: dict[str, Thing] = {
    "boat": Thing(
        ("a boat", "a sailing boat", "a sailboat"), ("coast", "city", "lake", "harbour", "island", "beach"), "boats", 3
    ),
    "balloon": Thing(("a balloon", "a hot-air balloon", "a hot air balloon"), ALL, "balloons", 3),
    "birds": Thing(("birds", "a flock of birds", "some birds"), ALL),
    "plane": Thing(("a plane", "an aeroplane", "an airplane"), ALL),
    "kite": Thing(("a kite", "a flying kite"), ("coast", "beach", "hills", "village", "island", "lake"), "kites", 2),
    "tent": Thing(("a tent", "a camp", "an orange tent"), OPEN, "tents", 3),
    "campfire": Thing(("a campfire", "a fire"), OPEN),
    "deer": Thing(("a deer", "a stag"), ("mountains", "forest", "lake", "hills"), "deer", 3),
    "windmill": Thing(("a windmill", "a mill"), ("hills", "coast", "lake", "village", "beach")),
    "lighthouse": Thing(("a lighthouse", "a striped lighthouse"), ("coast", "island", "beach", "lake")),
    "pier": Thing(("a pier", "a jetty", "a wooden pier"), ("lake", "harbour")),
    "flowers": Thing(("flowers", "wild flowers"), ("hills", "mountains", "lake", "forest")),
    "cactus": Thing(("a cactus", "a tall cactus"), ("desert", "canyon"), "cacti", 3),
    "church": Thing(("a church", "a chapel"), ("mountains", "lake", "hills", "coast")),
    "palm": Thing(("palms", "palm trees", "palm trees"), ("desert", "beach", "coast", "canyon")),
    "house": Thing(("a house", "a cabin", "a cottage"), ("mountains", "forest", "lake", "hills", "coast", "beach")),
    "path": Thing(("a path", "a trail", "a winding path"), ("forest", "hills", "mountains", "desert")),
}
PLURALS = {thing.many for thing in THINGS.values() if thing.many and not thing.one[0].endswith(thing.many)}
NUMBERS = ("", "one", "two", "three")


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
    place, hour = rng.choice(PLACES[what.place]), rng.choice(captions.HOURS[what.hour])
    weather = rng.choice(captions.WEATHER[what.weather])
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
    return rng.choice(captions.OPENINGS) + " ".join(part for part in parts if part)


def _thing(name: str, count: int, rng: random.Random) -> str:
    thing = THINGS[name]
    if count < 2:
        return rng.choice(thing.one)
    return f"{NUMBERS[count]} {thing.many}"


def tokens(text: str) -> list[str]:
    """The words of a text in lower case; a number and the word after it are one token, and a plural alone is two."""
    words = re.findall(r"[a-z]+", text.lower().replace("-", " "))
    found: list[str] = []
    for word in words:
        if found and found[-1] in NUMBERS[2:]:
            found[-1] += f" {word}"
        else:
            found.append(f"two {word}" if word in PLURALS else word)
    return found


def vocabulary() -> list[str]:
    """Every token that a caption can hold, sorted."""
    phrases = list(captions.OPENINGS)
    for wordings in (PLACES, captions.HOURS, captions.WEATHER):
        phrases += [*wordings, *sum(wordings.values(), ())]
    phrases += [*THINGS, "with and in at near"]
    for thing in THINGS.values():
        phrases += [*thing.one, *(f"{number} {thing.many}" for number in NUMBERS[2 : thing.most + 1])]
    return sorted({word for phrase in phrases for word in tokens(phrase)})
