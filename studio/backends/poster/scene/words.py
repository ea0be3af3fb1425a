"""The words that ask for a scene: places, hours, weather and things in many wordings, and the tokens of a text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from studio.backends.poster.scene.elements import MOST_THINGS, ROLES

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
GRAPHIC: dict[str, tuple[str, ...]] = {
    "plain": ("a graphic poster", "a plain background", "a bold graphic poster", "a plain wall"),
    "stage": ("a stage", "a concert", "a concert stage", "a music festival", "a band on a stage", "a gig"),
    "table": ("a table", "a still life", "a still life on a table", "dinner", "a café table", "a market stall"),
    "space": ("space", "outer space", "the universe", "a galaxy"),
    "underwater": ("an underwater scene", "a coral reef", "a reef", "the seabed", "underwater"),
}
"""Posters that are no landscapes."""
HOUR_WORDS = {
    "dawn": ("at dawn", "at sunrise", "in the early morning", "at daybreak", "in morning light"),
    "day": ("by day", "at noon", "in daylight", "at midday", "during the day", "in the afternoon"),
    "sunset": ("at sunset", "at dusk", "in the evening", "in evening light", "as the sun goes down"),
    "night": ("at night", "by night", "at midnight", "in moonlight", "in the dark"),
}
WEATHER_WORDS = {
    "clear": ("", "", "", "under a clear sky", "in clear weather"),
    "clouds": ("with clouds", "under a few clouds", "with a cloudy sky"),
    "mist": ("in mist", "in the fog", "on a misty day", "with fog"),
    "rain": ("in the rain", "on a rainy day", "with rain", "in rainy weather"),
    "snow": ("in the snow", "in winter", "with falling snow", "in snowy weather"),
}
OPENINGS = ("", "", "", "", "a poster of ", "travel poster of ", "poster: ", "picture of ", "a flat illustration of ")


@dataclass(frozen=True)
class Thing:
    """Something that can be asked for: how it is called (one and several), where it may be, and how many at most."""

    one: tuple[str, ...]
    places: tuple[str, ...]
    many: str = ""
    most: int = 1


ALL = tuple(PLACES)
SIZES = {"small": 0.17, "middle": 0.26, "large": 0.4, "tall": 0.56}
"""Classes of things, from a cup to a tower, and the size of a near one on a sheet 1 wide."""
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


def tokens(text: str) -> list[str]:
    """The words of a text in lower case; a number and the word after it are one token, and a plural alone is two."""
    words = re.findall(r"<[^<>]{1,20}>|[a-zé]+", text.lower().replace("-", " "))
    found: list[str] = []
    for word in words:
        if found and found[-1] in NUMBERS[2:] and word[0] != "<":
            found[-1] += f" {word}"
        else:
            found.append(f"two {word}" if word in PLURALS else word)
    return found


def asking(role: str, slot: int, size: str, count: int) -> list[str]:
    """The tokens that ask for a thing in a slot, 1 to 3. What a graphic poster shows large has no size of its own; a
    count of 0 leaves it open."""
    said = [role, *([size] if role != "hero" else []), *([NUMBERS[count]] if count > 1 else [])]
    return [f"<{word} {slot}>" for word in said]


def vocabulary() -> list[str]:
    """Every token that a caption can hold, sorted."""
    phrases = list(OPENINGS)
    for wordings in (PLACES, GRAPHIC, HOUR_WORDS, WEATHER_WORDS):
        phrases += [*wordings, *sum(wordings.values(), ())]
    phrases += [*THINGS, "with and in at near <scatter>"]
    for thing in THINGS.values():
        phrases += [*thing.one, *(f"{number} {thing.many}" for number in NUMBERS[2 : thing.most + 1])]
    for slot in range(1, MOST_THINGS + 1):
        said = [asking(role, slot, size, count) for role in ROLES for size in SIZES for count in (2, 3)]
        phrases += [" ".join(words) for words in said]
    return sorted({word for phrase in phrases for word in tokens(phrase)})
