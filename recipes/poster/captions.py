"""Captions: the many ways of saying in a sentence what a plan shows; exact and seeded, never more than is painted."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from studio.backends.poster.scene.words import HOUR_WORDS, OPENINGS, WEATHER_WORDS

if TYPE_CHECKING:
    from recipes.poster.painter import Plan

PLACES = {
    "mountains": (
        "mountains",
        "a mountain",
        "snow-capped mountains",
        "high peaks above a meadow",
        "the Alps",
        "a mountain peak and pines",
    ),
    "coast": (
        "a lighthouse on the coast",
        "the coast with a lighthouse",
        "a lighthouse by the sea",
        "a lighthouse on a cliff",
        "a striped lighthouse above the ocean",
        "a rocky coast",
    ),
    "desert": (
        "a desert",
        "desert dunes",
        "sand dunes and a cactus",
        "the desert with a cactus",
        "golden dunes",
        "a sandy desert",
    ),
    "city": (
        "a city",
        "a city skyline",
        "the skyline of a big city",
        "skyscrapers by the river",
        "city towers by the water",
        "downtown",
    ),
    "forest": (
        "a forest",
        "a pine forest",
        "a path through the forest",
        "deep woods",
        "a trail between fir trees",
        "the woods",
    ),
    "lake": (
        "a lake",
        "a mountain lake",
        "a quiet lake below mountains",
        "an alpine lake",
        "a calm lake with pines",
        "a lake shore",
    ),
    "village": (
        "a village",
        "a village with a church",
        "a small town on a hill",
        "houses around a church tower",
        "a country village",
        "a hill town",
    ),
    "harbour": (
        "a harbour",
        "a harbor town",
        "a fishing port",
        "coloured houses at the harbour",
        "a pier in the harbour",
        "the old port",
    ),
    "island": (
        "an island",
        "a tropical island",
        "an island with palms",
        "palm trees on a beach",
        "a palm island in the sea",
        "a desert island with palm trees",
    ),
    "canyon": (
        "a canyon",
        "a red rock canyon",
        "a river in a canyon",
        "a gorge between red cliffs",
        "the Grand Canyon",
        "a deep canyon",
    ),
}
ACCENTS = {
    "": ("",),
    "boat": ("with a sailing boat", "with a boat", "and a sailboat", "with a small boat"),
    "tent": ("with a tent", "and a tent", "with a camp", "with an orange tent"),
    "balloon": ("with a hot-air balloon", "with a balloon", "and a red balloon", "and a hot air balloon in the sky"),
    "birds": ("with birds", "and birds in the sky", "with a flock of birds", "and some birds"),
}


def caption(what: Plan, rng: random.Random) -> str:
    """One wording; a plain or a full one, in one of several orders."""
    place, hour = rng.choice(PLACES[what.place]), rng.choice(HOUR_WORDS[what.hour])
    weather, accent = rng.choice(WEATHER_WORDS[what.weather]), rng.choice(ACCENTS[what.accent])
    style = rng.random()
    if style < 0.2:
        name = {"coast": "lighthouse", "island": "palm island"}.get(what.place, what.place)
        words = [name, what.hour, "" if what.weather == "clear" else what.weather, what.accent]
        return ", ".join(word for word in words if word)
    if style < 0.35:
        parts = [hour[0].upper() + hour[1:] + ",", place, accent, weather]
    elif style < 0.6:
        parts = [place, accent, hour, weather]
    elif style < 0.8:
        parts = [place, weather, hour, accent]
    else:
        parts = [place, hour, weather, accent]
    text = " ".join(part for part in parts if part)
    return rng.choice(OPENINGS) + text if style >= 0.35 else text


def captions(what: Plan, count: int = 4) -> list[str]:
    rng = random.Random(f"caption {what}")
    return list(dict.fromkeys(caption(what, rng) for _ in range(count)))
