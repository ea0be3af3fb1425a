"""Copying exercises: something said, then said again. A short while among them, early, teaches a model to look back.

Without them a model this small learns every phrase of the tales long before it learns that the name in the next
sentence is the one in the last; with them the heads that copy form within a few hundred steps. They are left out
again for the rest of the training, so that stories never contain them.
"""

from __future__ import annotations

import random

from recipes.story import world
from recipes.story.grammar import begin, tell

DOES = ["laughed", "sang", "was afraid", "went home", "found a key", "looked up", "was hungry", "lost a hat"]
THEN = ["slept", "ran", "was glad", "had a kite", "took the lamp", "was late", "said nothing"]
NAMES = [*world.GIRLS, *world.BOYS, *world.PETS]


def exercise(seed: str) -> str:
    """A list of names, a heap of words, or small sentences, twice."""
    dice = random.Random(seed)
    kind = dice.choice(["names", "words", "sentences"])
    if kind == "names":
        said = ", ".join(dice.choice(NAMES) for _ in range(dice.randint(6, 40)))
    elif kind == "words":
        words = [word.strip('.,"!?') for word in tell(seed).split()]
        said = " ".join(dice.choice(words) for _ in range(dice.randint(8, 50)))
    else:
        tale, joins = begin(dice), ["and", "but", "so"]
        said = " ".join(
            f"{tale.name('f')} {dice.choice(DOES)}, {dice.choice(joins)} {tale.name('m')} {dice.choice(THEN)}."
            for _ in range(dice.randint(2, 6))
        )
    return f"Say it again: {said}\n\n{said}"
