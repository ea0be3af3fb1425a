"""Judge: measures how well a poster model follows its words, and prints an uncurated sheet of places by hours.

A linear classifier learns place and hour from painted posters only, is checked on painted posters it never saw, and
then says what it sees in the model's own. It never decides what is shown: seeds are counted upwards from --seed.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import PIL.Image

from recipes.poster.painter import HOURS, paint, plan
from recipes.poster.scenes import SCENES
from studio.backends.poster.engine.engine import PosterEngine
from studio.backends.poster.requests import PosterRequest
from studio.media.payloads import Image
from studio.models.model import Model
from studio.models.resources import Resources

PLACES = tuple(SCENES)
WORDS = {"coast": "a lighthouse on the coast", "island": "a palm island"}
HOUR_WORDS = {"dawn": "at dawn", "day": "by day", "sunset": "at sunset", "night": "at night"}
SIZE = (16, 24)


def features(pixels: np.ndarray) -> np.ndarray:
    """A picture as the 16 x 24 colours it reduces to, and 1."""
    small = PIL.Image.fromarray(pixels).resize(SIZE, PIL.Image.Resampling.BOX)
    return np.append(np.asarray(small, np.float64).ravel() / 255 - 0.5, 1.0)


def learn(x: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Ridge regression on one-hot labels."""
    return np.linalg.solve(x.T @ x + 3.0 * np.eye(x.shape[1]), x.T @ np.eye(count)[labels])


def judge(folder: Path, each: int, seed: int, learned_from: int = 1200) -> tuple[dict[str, float], PIL.Image.Image]:
    """Figures and a sheet of 10 places (columns) by 4 hours (rows), the first seed of each."""
    plans = [plan(1_000_000 + i) for i in range(learned_from + 400)]
    x = np.stack([features(paint(what, 128, 192)) for what in plans])
    places = np.array([PLACES.index(what.place) for what in plans])
    hours = np.array([HOURS.index(what.hour) for what in plans])
    tell_place = learn(x[:learned_from], places[:learned_from], len(PLACES))
    tell_hour = learn(x[:learned_from], hours[:learned_from], len(HOURS))

    def right(pictures: np.ndarray, tell: np.ndarray, truth: np.ndarray) -> float:
        return round(float(((pictures @ tell).argmax(1) == truth).mean()), 3)

    engine = PosterEngine()
    engine.load(Resources(Model("judged", "poster", "sd", "", "", folder)), lambda _: None)
    sheet = PIL.Image.new("RGB", (len(PLACES) * 136 + 8, len(HOURS) * 200 + 8), "white")
    made: list[np.ndarray] = []
    truth: list[tuple[int, int]] = []
    start = time.perf_counter()
    for row, hour in enumerate(HOURS):
        for column, place in enumerate(PLACES):
            for i in range(each):
                prompt = f"{WORDS.get(place, 'a ' + place if place != 'mountains' else place)} {HOUR_WORDS[hour]}"
                request = PosterRequest(prompt=prompt, width=128, height=192, seed=seed + i)
                (image,) = engine.run(request, lambda _: None)
                assert isinstance(image, Image)
                made.append(features(image.pixels))
                truth.append((column, row))
                if i == 0:
                    sheet.paste(PIL.Image.fromarray(image.pixels), (8 + column * 136, 8 + row * 200))
    seconds = (time.perf_counter() - start) / len(made)
    samples, answers = np.stack(made), np.array(truth)
    figures = {
        "place_painted": right(x[learned_from:], tell_place, places[learned_from:]),
        "hour_painted": right(x[learned_from:], tell_hour, hours[learned_from:]),
        "place_sampled": right(samples, tell_place, answers[:, 0]),
        "hour_sampled": right(samples, tell_hour, answers[:, 1]),
        "samples": float(len(made)),
        "seconds_each": round(seconds, 2),
    }
    return figures, sheet


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="pipeline folder")
    parser.add_argument("--sheet", type=Path, required=True, help="picture to write")
    parser.add_argument("--each", type=int, default=4, help="samples for each place and hour")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    asked = parser.parse_args()
    found, drawn = judge(asked.model, asked.each, asked.seed)
    drawn.save(asked.sheet)
    print(json.dumps(found))
