"""The painter: draws small travel posters in our own hand and says exactly what each of them shows; learns nothing."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from recipes.poster.scenes import SCENES
from studio.backends.poster.scene import props
from studio.backends.poster.scene.ink import PALETTES, Ink, mix, overcast, rgb

HOURS = ("dawn", "day", "sunset", "night")
SKIES = ("clear", "clouds", "mist", "rain", "snow")
LAYOUTS = 3
ACCENTS = ("", "boat", "tent", "balloon", "birds")
WEATHER = {
    "mountains": ("clear", "clouds", "mist", "snow"),
    "coast": ("clear", "clouds", "mist", "rain"),
    "desert": ("clear", "clouds"),
    "city": ("clear", "clouds", "rain", "snow"),
    "forest": ("clear", "mist", "rain", "snow"),
    "lake": ("clear", "clouds", "mist", "snow"),
    "village": ("clear", "clouds", "rain", "snow"),
    "harbour": ("clear", "clouds", "mist", "rain"),
    "island": ("clear", "clouds"),
    "canyon": ("clear", "clouds", "mist"),
}
THINGS = {
    "mountains": ("tent", "balloon", "birds"),
    "coast": ("boat", "balloon", "birds"),
    "desert": ("tent", "balloon", "birds"),
    "city": ("boat", "balloon", "birds"),
    "forest": ("tent", "balloon", "birds"),
    "lake": ("boat", "tent", "balloon", "birds"),
    "village": ("balloon", "birds"),
    "harbour": ("boat", "balloon", "birds"),
    "island": ("boat", "balloon", "birds"),
    "canyon": ("balloon", "birds", "tent"),
}


@dataclass(frozen=True)
class Plan:
    """What one poster shows; together with the seed it decides every pixel."""

    place: str
    hour: str
    weather: str
    accent: str
    seed: int


def plan(seed: int) -> Plan:
    """A random plan: places and hours evenly, weather and accents as they suit the place."""
    rng = random.Random(f"plan {seed}")
    place = tuple(SCENES)[seed % len(SCENES)]
    hour = HOURS[seed // len(SCENES) % len(HOURS)]
    weather = "clear" if rng.random() < 0.45 else rng.choice(WEATHER[place][1:])
    accent = rng.choice(("", *THINGS[place]))
    return Plan(place, hour, weather, accent, seed)


def paint(what: Plan, width: int = 256, height: int = 384) -> np.ndarray:
    """The poster as uint8 [height, width, 3]."""
    rng = random.Random(f"paint {what}")
    palette = rng.choice(PALETTES[what.hour])
    # A small world: LAYOUTS drawings of each place, so that a small model can learn them well. Light, weather, colours
    # and what is in the scene combine freely.
    layout = random.Random(f"{what.place} {rng.randrange(LAYOUTS)}")
    sun_x = rng.choice((0.3, 0.7)) + rng.uniform(-0.03, 0.03)
    grey = {"mist": 0.3, "rain": 0.62, "snow": 0.4}.get(what.weather, 0.0)
    ink = Ink(height / width, overcast(palette, grey) if grey else palette, layout, sun_x)
    horizon = 1.0
    ink.sky(horizon)
    if what.weather in ("clear", "clouds"):
        _lights(ink, what.hour, what.weather == "clear", rng)
    if what.weather in ("clouds", "rain", "snow"):
        _clouds(ink, what.weather != "clouds")
    spots = SCENES[what.place](ink, what.weather == "snow")
    if what.accent:
        x, y, size = spots[what.accent]
        jitter = 0.03 if what.accent in ("balloon", "birds") else 0.012
        getattr(props, what.accent)(ink, x + rng.uniform(-jitter, jitter), y + rng.uniform(-jitter, jitter) * 0.6, size)
    _weather(ink, what.weather)
    return ink.pixels(width, height)


def _lights(ink: Ink, hour: str, clear: bool, rng: random.Random) -> None:
    if hour == "night":
        if clear:
            ink.stars(0.75, 34)
        (ink.disc if rng.random() < 0.5 else ink.crescent)(rng.uniform(0.24, 0.28), 0.085)
    else:
        height = {"dawn": 0.66, "day": 0.24, "sunset": 0.62}[hour] + rng.uniform(-0.02, 0.02)
        ink.disc(height, {"dawn": 0.075, "day": 0.07, "sunset": 0.13}[hour])


def _clouds(ink: Ink, heavy: bool) -> None:
    sky = ink.palette.sky
    pale = mix(sky[-1], ink.palette.disc, 0.45) if not ink.palette.lamps else mix(sky[-1], sky[0], 0.1)
    if heavy:
        dark = mix(sky[0], sky[2], 0.55)
        for y, x, size in ((0.34, 0.85, 0.62), (0.30, 0.2, 0.7), (0.17, 0.75, 0.9), (0.09, 0.25, 0.95)):
            ink.cloud(x + ink.rng.uniform(-0.08, 0.08), y, size, mix(dark, sky[1], y * 1.6))
    else:
        for y, x, size in ((0.50, 0.3, 0.34), (0.34, 0.78, 0.42), (0.17, 0.28, 0.5)):
            ink.cloud(x + ink.rng.uniform(-0.16, 0.16), y, size * ink.rng.uniform(0.85, 1.15), pale)


def _weather(ink: Ink, weather: str) -> None:
    rng = ink.rng
    if weather == "mist":
        veil = mix(ink.palette.haze, ink.palette.sky[-1], 0.5)
        for y, half, alpha in ((0.80, 0.22, 0.75), (1.02, 0.14, 0.85), (1.22, 0.12, 0.6)):
            ink.veil(y + rng.uniform(-0.03, 0.03), half, veil, alpha)
    elif weather == "rain":
        drop = mix(ink.palette.sky[-1], (1, 1, 1), 0.35)
        for _ in range(46):
            x, y, length = rng.uniform(-0.05, 1.1), rng.uniform(0, 1.5), rng.uniform(0.06, 0.12)
            ink.line([(x, y), (x - length * 0.22, y + length)], 0.006, drop, 0.6)
    elif weather == "snow":
        flake = mix(rgb("#ffffff"), ink.palette.haze, 0.1)
        for _ in range(60):
            r = rng.choice((0.006, 0.008, 0.011))
            ink.ellipse(rng.random(), rng.uniform(0, ink.height), r, r, flake, 0.92)
