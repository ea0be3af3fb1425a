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
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import PIL.Image
import torch

from recipes.poster.scene.asks import Ask, ask, held_out, phrase
from recipes.poster.scene.compose import compose
from studio.backends.poster.engine.scene_network import SceneModel, sample
from studio.backends.poster.scene.elements import HOURS, KINDS, ORDER, PARTS, Element, Scene, faults, place_of
from studio.backends.poster.scene.prompt import misses, read
from studio.backends.poster.scene.raster import pixels
from studio.backends.poster.scene.render import svg
from studio.backends.poster.scene.words import CLEAR, CLOUDS, MIST, RAIN, SIZES, SNOW, THINGS

OWN = {"village": ("church", "house"), "island": ("palm",)}
"""Things that a place has without being asked."""
FIRST_SEED = 5_000_000


def weather(scene: Scene) -> str:
    falling = [name for name in (RAIN, SNOW, MIST) if scene.having(name)]
    return falling[0] if falling else CLOUDS if scene.having("cloud") else CLEAR


def shows(scene: Scene, what: Ask) -> dict[str, bool]:
    """Whether the scene shows each part of an ask; "nothing else": whether it shows no thing that nobody asked for."""
    count = Counter(e.kind for e in scene.elements)
    found = {
        "place": place_of(scene) == what.place,
        "hour": [e.kind for e in scene.elements if e.kind in HOURS] == [what.hour],
        "weather": weather(scene) == what.weather,
    }
    for name, number in what.things:
        found[name] = count[name] == number if number > 1 else count[name] > 0
    for slot, part in enumerate(what.parts, 1):
        number = count[f"{part.role}-{slot}"]
        found[f"{part.role}-{slot}"] = number == part.count if part.count > 1 else number > 0
    known = {*OWN.get(what.place, ()), *found}
    found["nothing else"] = not any(count[name] for name in (*THINGS, *PARTS) if name not in known)
    return found


def drawn_as(scene: Scene, what: Ask) -> Scene:
    """The scene with the proportions and sizes of what is asked, which its faults go by."""
    parts = {f"{part.role}-{slot}": part for slot, part in enumerate(what.parts, 1)}

    def known(e: Element) -> Element:
        if e.kind not in parts:
            return e
        part = parts[e.kind]
        return replace(e, aspect=part.aspect, nominal=0.0 if what.graphic else SIZES[part.size])

    return replace(scene, elements=tuple(known(e) for e in scene.elements))


KINDS_OF_ASKS = ("landscapes", "landscapes with drawings", "graphic posters")


def kind_of(what: Ask) -> str:
    return KINDS_OF_ASKS[2 if what.graphic else 1 if what.parts else 0]


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
    """Asks that training never saw (`held`) or might have seen, as many of each kind."""
    found: list[Ask] = []
    each = Counter[str]()
    while len(found) < count:
        first += 1
        what = ask(random.Random(f"measure {first}"))
        if held_out(what) == held and each[kind_of(what)] < -(-count // len(KINDS_OF_ASKS)):
            each[kind_of(what)] += 1
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
        for (_, what), group in zip(some, groups, strict=True):
            scenes.append(min((drawn_as(scene, what) for scene in group), key=lambda scene: len(faults(scene))))
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
    about: dict[str, object] = {}
    for kind in KINDS_OF_ASKS:
        for name, group, wanted in (("seen", scenes, seen), ("held out", others, held)):
            some = [(scene, what) for scene, what in zip(group, wanted, strict=True) if kind_of(what) == kind]
            about[f"{kind}, {name}"] = figures(*zip(*some, strict=True))
    return about | {
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
    """A row for each prompt, a column for each seed; of `among` scenes, the one nearest to the prompt."""
    width, gap = 160, 8
    high = round(1.5 * width)
    page = PIL.Image.new("RGB", (len(seeds) * (width + gap) + gap, len(prompts) * (high + gap) + gap), "white")
    for row, prompt in enumerate(prompts):
        asked = read(prompt, model.index.keys())
        count = len(seeds) * how.among
        told, numbers = " ".join(asked.told), [seed * how.among + i for seed in seeds for i in range(how.among)]
        scenes = sample(model, [told] * count, ["portrait"] * count, numbers, how.steps, how.guidance)
        for column in range(len(seeds)):
            some = [asked.dressed(scene) for scene in scenes[column * how.among : (column + 1) * how.among]]
            best = min(some, key=lambda scene: misses(scene, asked))
            picture_ = PIL.Image.fromarray(pixels(svg(best, width, high)))
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


THINGS_ASKED = (
    "jazz concert, saxophone player",
    "coffee shop opening",
    "lost cat",
    "elephant in the desert at sunset",
    "rocket over the mountains at night",
    "summer fruit market",
    "book fair",
    "bicycle race in the city",
    "chess tournament",
    "dinosaur museum",
    "winter sale",
    "两只熊猫 竹林",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder with model.safetensors and config.json")
    parser.add_argument("--count", type=int, default=400, help="scenes of seen asks, and as many of asks held out")
    parser.add_argument("--guidance", type=float, default=Sampling.guidance)
    parser.add_argument("--steps", type=int, default=Sampling.steps)
    parser.add_argument("--among", type=int, default=Sampling.among, help="scenes drawn for each, of which one is kept")
    parser.add_argument("--sheet", type=Path, help="picture to write: a row for each prompt, seeds from 0")
    parser.add_argument("--first", type=int, default=0, help="the prompt that the sheet begins with")
    parser.add_argument("--columns", type=int, default=8)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    how = Sampling(asked.guidance, asked.steps, asked.among)
    model = SceneModel.load(asked.model)
    if asked.sheet is not None:
        sheet(model, (*PROMPTS, *THINGS_ASKED)[asked.first :], range(asked.columns), how).save(asked.sheet)
    if asked.count:
        print(json.dumps(measure(model, asked.count, how), indent=1))


if __name__ == "__main__":
    main()
