"""Measures a scene model: what was asked and is there, faults, layouts beside composed ones, variety; draws a sheet.

    python -m recipes.poster.scene.measure RUN/model --count 400 --sheet sheet.png

Nothing is judged by a network: the elements have names. Seeds are counted upwards, and no scene is left out.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
import torch

from recipes.poster.scene.asks import Ask, ask, held_out, phrase
from recipes.poster.scene.compose import compose
from studio.backends.poster.engine.scene_network import SceneModel, sample
from studio.backends.poster.scene.elements import HOURS, KINDS, ORDER, Scene, faults
from studio.backends.poster.scene.raster import pixels
from studio.backends.poster.scene.render import svg
from studio.backends.poster.scene.words import CLEAR, CLOUDS, MIST, RAIN, SNOW, THINGS

OWN = {"village": ("church", "house"), "island": ("palm",)}
"""Things that a place has without being asked."""
FIRST_SEED = 5_000_000


def place(scene: Scene) -> str:
    """The place a scene shows, told from the kinds of its elements."""
    count = Counter(e.kind for e in scene.elements)
    signs = (
        ("canyon", count["wall"] >= 2),
        ("harbour", count["terrace"] >= 3),
        ("city", count["tower"] >= 4),
        ("village", count["house"] >= 3 and count["church"] > 0),
        ("coast", count["cliff"] > 0 and count["water"] > 0),
        ("beach", count["dune"] > 0 and count["water"] > 0),
        ("desert", count["dune"] > 0),
        ("island", any(e.depth < 0.3 for e in scene.having("island")) and count["water"] > 0),
        ("lake", count["ridge"] > 0 and count["water"] > 0),
        ("mountains", count["ridge"] > 0),
        ("forest", count["woods"] >= 2),
        ("hills", count["hill"] >= 2),
    )
    return next((name for name, found in signs if found), "")


def weather(scene: Scene) -> str:
    falling = [name for name in (RAIN, SNOW, MIST) if scene.having(name)]
    return falling[0] if falling else CLOUDS if scene.having("cloud") else CLEAR


def shows(scene: Scene, what: Ask) -> dict[str, bool]:
    """Whether the scene shows each part of an ask; "nothing else": whether it shows no thing that nobody asked for."""
    count = Counter(e.kind for e in scene.elements)
    found = {
        "place": place(scene) == what.place,
        "hour": [e.kind for e in scene.elements if e.kind in HOURS] == [what.hour],
        "weather": weather(scene) == what.weather,
    }
    for name, number in what.things:
        found[name] = count[name] == number if number > 1 else count[name] > 0
    known = {*OWN.get(what.place, ()), *(name for name, _ in what.things)}
    found["nothing else"] = not any(count[name] for name in THINGS if name not in known)
    return found


def layout(scene: Scene) -> np.ndarray:
    """How many there are of each kind, where on average, how large and how deep: float64 [5 x kinds]."""
    numbers = np.zeros((len(KINDS), 5))
    for e in scene.elements:
        numbers[ORDER[e.kind]] += (1, e.x - 0.5, e.y / scene.height - 0.6, np.log(e.size / scene.short) + 2, e.depth)
    numbers[:, 1:] /= np.maximum(1, numbers[:, :1])
    return numbers.ravel()


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Unbiased squared kernel distance (times 1000) between two sets of features [N, D], cubic kernel (1801.01401)."""

    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x @ y.T / x.shape[1] + 1) ** 3

    def within(x: np.ndarray) -> float:
        k = kernel(x, x)
        return float((k.sum() - np.trace(k)) / (len(x) * (len(x) - 1)))

    return 1000 * (within(a) + within(b) - 2 * float(kernel(a, b).mean()))


def asks(count: int, held: bool, first: int) -> list[Ask]:
    """Asks that training never saw (`held`) or might have seen, all of which the composer can show."""
    found: list[Ask] = []
    while len(found) < count:
        first += 1
        what = ask(random.Random(f"measure {first}"))
        if held_out(what) == held:
            found.append(what)
    return found


@dataclass(frozen=True)
class Sampling:
    """How scenes are made: of `among` drawn for each ask, the first that has the fewest faults is kept."""

    guidance: float = 2.0
    steps: int = 60
    among: int = 1


def made(model: SceneModel, wanted: Sequence[Ask], first: int, how: Sampling) -> list[Scene]:
    """One scene for each ask, by a full caption."""
    scenes: list[Scene] = []
    batch = max(1, 48 // how.among)
    for i in range(0, len(wanted), batch):
        some = [(n, wanted[n]) for n in range(i, min(i + batch, len(wanted)))]
        captions = [phrase(what, random.Random(f"words {first + n}")) for n, what in some for _ in range(how.among)]
        formats = [what.format for _, what in some for _ in range(how.among)]
        seeds = [(first + n) * how.among + k for n, _ in some for k in range(how.among)]
        drawn = sample(model, captions, formats, seeds, how.steps, how.guidance)
        groups = [drawn[n : n + how.among] for n in range(0, len(drawn), how.among)]
        scenes += [min(group, key=lambda scene: len(faults(scene))) for group in groups]
    return scenes


def composed(wanted: Sequence[Ask], first: int) -> list[Scene]:
    """What the composer makes of the same asks; an ask for which it finds no room is left out."""
    scenes: list[Scene] = []
    for i, what in enumerate(wanted):
        try:
            scenes.append(compose(what, first + i))
        except ValueError:
            continue
    return scenes


def share(values: Sequence[bool]) -> float:
    return round(sum(values) / max(1, len(values)), 3)


def figures(scenes: Sequence[Scene], wanted: Sequence[Ask]) -> dict[str, float]:
    """Shares of what was asked and found, and of scenes with each fault."""
    found = [shows(scene, what) for scene, what in zip(scenes, wanted, strict=True)]
    wrong = [faults(scene) for scene in scenes]
    parts = ("place", "hour", "weather", "nothing else")
    about = {part: share([f[part] for f in found]) for part in parts}
    about["things"] = share([yes for f in found for part, yes in f.items() if part not in parts])
    for fault in ("doubled", "missing", "floating", "cut", "scale", "crowded"):
        about[fault] = share([any(line.startswith(fault) for line in lines) for lines in wrong])
    about["any fault"] = share([bool(lines) for lines in wrong])
    return about


def measure(model: SceneModel, count: int, how: Sampling) -> dict[str, object]:
    seen, held = asks(count, False, FIRST_SEED), asks(count, True, FIRST_SEED)
    began = time.process_time()
    scenes, others = (made(model, wanted, FIRST_SEED, how) for wanted in (seen, held))
    seconds = (time.process_time() - began) / (2 * count)
    painted = composed(seen, FIRST_SEED) + composed(held, FIRST_SEED)
    fresh = composed(seen, 2 * FIRST_SEED) + composed(held, 2 * FIRST_SEED)
    x, y, z = (np.stack([layout(scene) for scene in group]) for group in ([*scenes, *others], painted, fresh))
    middle, spread = y.mean(0), np.maximum(0.05, y.std(0))
    x, y, z = ((part - middle) / spread for part in (x, y, z))
    four = [what for what in seen[: count // 8] for _ in range(4)]
    alike = [_apart(made(model, four, 3 * FIRST_SEED, how), spread), _apart(composed(four, 0), spread)]
    size = [len(scene.elements) for scene in scenes + others], [len(scene.elements) for scene in painted]
    return {
        "seen": figures(scenes, seen),
        "held out": figures(others, held),
        "layout distance": round(distance(x, y), 2),
        "layout distance, composed twice": round(distance(z, y), 2),
        "spread of four": round(alike[0], 2),
        "spread of four, composed": round(alike[1], 2),
        "elements": [round(float(np.mean(s)), 1) for s in size],
        "seconds each": round(seconds, 3),
        "count": 2 * count,
    }


def _apart(scenes: Sequence[Scene], spread: np.ndarray) -> float:
    """The mean distance between the four scenes of each ask, in layout features."""
    x = np.stack([layout(scene) / spread for scene in scenes[: len(scenes) // 4 * 4]]).reshape(-1, 4, len(spread))
    gaps = [np.linalg.norm(x[:, i] - x[:, j], axis=-1).mean() for i in range(4) for j in range(i)]
    return float(np.mean(gaps))


def sheet(model: SceneModel, prompts: Sequence[str], seeds: Sequence[int], how: Sampling) -> PIL.Image.Image:
    """A row for each prompt, a column for each seed."""
    width, gap = 160, 8
    high = round(1.5 * width)
    page = PIL.Image.new("RGB", (len(seeds) * (width + gap) + gap, len(prompts) * (high + gap) + gap), "white")
    for row, prompt in enumerate(prompts):
        scenes = sample(model, [prompt] * len(seeds), ["portrait"] * len(seeds), seeds, how.steps, how.guidance)
        for column, scene in enumerate(scenes):
            picture_ = PIL.Image.fromarray(pixels(svg(scene, width, high)))
            page.paste(picture_, (gap + column * (width + gap), gap + row * (high + gap)))
    return page


PROMPTS = (
    "snow-capped mountains at dawn with a tent",
    "a lighthouse on the coast at night",
    "desert dunes at sunset with two balloons",
    "a city skyline at night with a boat",
    "a path through the forest in the snow",
    "a lake below mountains in mist with a pier",
    "a village by day with birds",
    "a harbour at sunset in the rain with three boats",
    "an island at sunset with a kite",
    "a canyon by day with cacti and a balloon",
    "a beach at dawn with a windmill",
    "rolling hills in the evening with a church and flowers",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder with model.safetensors and config.json")
    parser.add_argument("--count", type=int, default=400, help="scenes of seen asks, and as many of asks held out")
    parser.add_argument("--guidance", type=float, default=Sampling.guidance)
    parser.add_argument("--steps", type=int, default=Sampling.steps)
    parser.add_argument("--among", type=int, default=Sampling.among, help="scenes drawn for each, of which one is kept")
    parser.add_argument("--sheet", type=Path, help="picture to write: a row for each prompt, seeds from 0")
    parser.add_argument("--columns", type=int, default=8)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    how = Sampling(asked.guidance, asked.steps, asked.among)
    model = SceneModel.load(asked.model)
    if asked.sheet is not None:
        sheet(model, PROMPTS, range(asked.columns), how).save(asked.sheet)
    if asked.count:
        print(json.dumps(measure(model, asked.count, how), indent=1))


if __name__ == "__main__":
    main()
