"""Tells the tale of a seed: one of the plots, with one cast, under a title."""

from __future__ import annotations

import random
import re

from recipes.story import bargains, grammar, plots, travels, wonders

SMALL = {"a", "an", "and", "of", "the", "to", "in", "on", "for", "from", "at", "with", "by"}


def tell(seed: int | str, *, wide: bool = False) -> str:
    """The tale of this seed: a title line, an empty line, paragraphs."""
    near = (plots.lost, plots.fear, plots.stranger, bargains.making, bargains.trade)
    odd = (wonders.noise, wonders.star, bargains.quarrel, wonders.newcomer, wonders.storm)
    far = (travels.postcards, travels.postcards, travels.tour, travels.quest)
    tale = grammar.begin(random.Random(seed), wide=wide)
    title, paragraphs = tale.dice.choice([*near, *odd, *far])(tale)
    hero = tale.people["h"]
    if hero.noun not in ("girl", "boy") and tale.dice.random() < 0.25:
        # A title that names who it is about, so that "# The Lighthouse Keeper" is a beginning that says something.
        title = tale.say(
            "[The {h.noun}|{H} the {h.noun}|The {size} {h.noun}|A {h.noun} named {h}|The story of a {h.noun}]"
        )
    paragraphs = [re.sub(r" +", " ", paragraph).strip() for paragraph in paragraphs]
    return "\n\n".join([f"# {headline(title)}", *paragraphs])


def headline(title: str) -> str:
    """Capitals as in a title; names with capitals of their own stay as they are."""
    words = title.split(" ")
    last = len(words) - 1
    return " ".join(
        word if word in SMALL and 0 < n < last else word[:1].upper() + word[1:] for n, word in enumerate(words)
    )
