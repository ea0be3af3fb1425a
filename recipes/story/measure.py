"""Measure a story model: how well it predicts texts it never saw, and whether its own stories hold together.

    python -m recipes.story.measure MODEL DATA [--stories 40] [--samples FILE]

Prints one JSON object; `--samples` writes the stories of seeds 0 to 9, as they come, as Markdown.
"""

from __future__ import annotations

import argparse
import json
import lzma
import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from studio.backends.story.engine.engine import StoryEngine
from studio.backends.story.engine.generation import TransformersModel
from studio.backends.story.engine.texts import TokenDataset, read_texts
from studio.backends.story.requests import StoryRequest
from studio.media.payloads import Text
from studio.models.model import Model
from studio.models.resources import Resources

CHARS = 25_000  # of a collection's held-out text, at most
HEROES = (
    ("Once there lived a curious girl named Mirabel.", "Mirabel", "she"),
    ("There was a little fox called Zuno, in a den under an old oak. He", "Zuno", "he"),
    ("# The Lost Bell\n\nTilda was a quiet baker. She", "Tilda", "she"),
    ("A young boy called Marek lived in a small town by the sea.", "Marek", "he"),
    ("One morning, the wind shook the windows. Oona, a little owl, woke up. She", "Oona", "she"),
)
COMMON = (
    "The A An And But So Then When What Where Who Why How It He She They We You I In On At From Of To For With "
    "Without That This There Here All Every Everybody Nobody Somebody One Two Three Now Not No Yes Once Soon "
    "Suddenly Only Even After Before Dear Love Yours Hello Please Thank Good Grandma Grandpa Mum Dad Oh Is Are Do "
    "Does Did Have Has Had Can Could Will Would Let Look Come Take Try His Her Their My Your Our As If Perhaps "
    "Halfway Near Together Greetings Postcard Postcards Dearest "
)
NOT_NAMES = set(COMMON.split())


def bits(model: TransformersModel, texts: Sequence[str]) -> float:
    """Bits per UTF-8 byte that the model needs for `texts`, each read in pieces as long as its context."""
    nats = 0.0
    for piece in TokenDataset(list(texts), model.tokenizer, model.context).pieces:
        ids = torch.from_numpy(piece)[None]
        with torch.inference_mode():
            loss = float(model.network(input_ids=ids, labels=ids).loss)
        nats += loss * (ids.shape[1] - 1)
    return nats / math.log(2) / sum(len(text.encode()) for text in texts)


def packed(seen: Sequence[str], texts: Sequence[str]) -> float:
    """Bits per byte that xz needs for `texts` once it has read `seen`: a baseline that learns, but no language."""

    def size(whole: str) -> int:
        return len(lzma.compress(whole.encode(), preset=9))

    before = "\n\n".join(seen)
    added = "\n\n".join(texts)
    return 8 * (size(before + "\n\n" + added) - size(before)) / len(added.encode())


def repeated(text: str, n: int = 4) -> float:
    """The share of word n-grams that occurred before in the same text."""
    words = re.findall(r"[\w']+", text.lower())
    grams = [tuple(words[at : at + n]) for at in range(len(words) - n + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def names(text: str) -> list[str]:
    """Capitalised words that begin no sentence, or that speak: the people (and cities) of a story, as they come."""
    body = "\n".join(line for line in text.split("\n") if not line.startswith("#"))
    found = re.findall(r"(?:(?<=[a-z,;] )|(?<=[a-z]\" ))[A-Z][a-z]+", body)
    return [name for name in found if name not in NOT_NAMES]


def strangers(text: str) -> float:
    """The share of names in the second half of a story that its first half does not know."""
    half = text.find(" ", len(text) // 2)
    known, later = set(re.findall(r"[A-Z][a-z]+", text[:half])), names(text[half:])
    return sum(name not in known for name in later) / len(later) if later else 0.0


def write(engine: StoryEngine, seed: int, prompt: str = "", tokens: int = 300) -> str:
    (made,) = engine.run(StoryRequest(seed=seed, prompt=prompt, tokens=tokens), lambda progress: None)
    assert isinstance(made, Text)
    return made.text.strip()


def heroes(engine: StoryEngine, each: int) -> dict[str, float]:
    """How often a hero whom the prompt names comes back, is still there at the end, and is spoken of rightly."""
    back, last, right, said = 0, 0, 0, 0
    for prompt, name, pronoun in HEROES:
        for seed in range(each):
            rest = write(engine, 100 + seed, prompt, 220)[len(prompt) :]
            back += name in rest
            last += name in rest[-len(rest) // 3 :]
            for first, second in pairwise(re.split(r"(?<=[.!?]) ", rest)):
                # "Mirabel ran home. She ...": the pronoun that begins a sentence after one with only the hero in it.
                started = re.match(r"(He|She) ", second)
                if started and name in first and set(names("x " + first)) <= {name}:
                    said += 1
                    right += started[1].lower() == pronoun
    total = len(HEROES) * each
    return {"hero_returns": back / total, "hero_in_last_third": last / total, "pronoun_right": right / max(1, said)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--stories", type=int, default=40)
    parser.add_argument("--samples", type=Path)
    asked = parser.parse_args()
    engine = StoryEngine()
    engine.load(Resources(Model("measured", "story", "", "", "", asked.model)), lambda progress: None)
    model = engine.model
    assert isinstance(model, TransformersModel)
    report: dict[str, Any] = {"parameters": sum(p.numel() for p in model.network.parameters())}
    for path in sorted(asked.data.glob("*.jsonl")):
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        texts = {row["text"]: str(row["group"]) for row in lines}
        writings = [writing for writing in read_texts(asked.data) if writing.text in texts]
        learned = list(dict.fromkeys(writing.text for writing in writings if not writing.held_out))
        held_out, chars = [], 0
        for text in dict.fromkeys(writing.text for writing in writings if writing.held_out):
            if chars < CHARS:
                held_out.append(text)
                chars += len(text)
        if held_out:
            rounded = {"model": round(bits(model, held_out), 3), "xz": round(packed(learned, held_out), 3)}
            report[path.stem] = {"bits_per_byte": rounded, "texts": len(held_out), "bytes": chars}
        if path.stem == "tales":
            whole = held_out[: asked.stories]
            report["tales"] |= {"repeated": mean(map(repeated, whole)), "strangers": mean(map(strangers, whole))}
    stories = [write(engine, seed) for seed in range(asked.stories)]
    report["own"] = {
        "repeated": mean(map(repeated, stories)),
        "strangers": mean(map(strangers, stories)),
        "words": mean(len(story.split()) for story in stories),
        "different_titles": len({story.split("\n")[0] for story in stories}),
        "commonest_names": Counter(name for story in stories for name in set(names(story))).most_common(3),
        **heroes(engine, max(2, asked.stories // 5)),
    }
    if asked.samples:
        parts = [f"## Seed {seed}\n\n{story.replace('# ', '### ', 1)}" for seed, story in enumerate(stories[:10])]
        asked.samples.write_text("# Samples, as they came\n\n" + "\n\n".join(parts) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=1))


def mean(values: Any) -> float:
    values = list(values)
    return round(sum(values) / len(values), 3) if values else 0.0


if __name__ == "__main__":
    main()
