"""What a model with a vocabulary of its own understands of a prompt: phrases it knows, others, and where they stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from studio.errors import NOTHING, Message

SAID, LONGEST = 8, 60
"""Phrases that a sentence names, and letters that it has of each, at most."""
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?|[,;.:!?]")
_STOPS = ",;.:!?"


@dataclass(frozen=True, slots=True)
class UnderstoodPrompt:
    """The phrases of a prompt that a model knows and does not know, in their order; words that say nothing of what is
    asked for are in neither. Letters may be small where the prompt has capitals.
    """

    known: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def known_words(self) -> Message:
        """What is understood, in a sentence; nothing where nothing is."""
        return Message("Understood: {known}", known=listed(self.known)) if self.known else NOTHING

    @property
    def unknown_words(self) -> Message:
        """What is not known, in a sentence; nothing where all is."""
        return Message("Not known: {unknown}", unknown=listed(self.unknown)) if self.unknown else NOTHING

    def warning(self, model: str) -> Message | None:
        """What to say before a model of this title makes something of the prompt; None where it knows all of it."""
        if not self.unknown:
            return None
        unknown = listed(self.unknown)
        if not self.known:
            return Message("{model} knows nothing of the prompt: {unknown}.", model=model, unknown=unknown)
        return Message(
            "{model} does not know: {unknown}. It understands: {known}.",
            model=model,
            unknown=unknown,
            known=listed(self.known),
        )


def read_words(prompt: str, knows: Callable[[str], bool], silent: Collection[str]) -> UnderstoodPrompt:
    """The prompt by its single words, in small letters; neighbours of one sort are a phrase."""
    found: dict[bool, list[list[str]]] = {True: [], False: []}
    before: bool | None = None
    for word in _WORD.findall(prompt.lower()):
        if word in _STOPS or word in silent:
            before = None
            continue
        known = knows(word)
        if known is before:
            found[known][-1].append(word)
        else:
            found[known].append([word])
        before = known
    known, unknown = (tuple(dict.fromkeys(" ".join(words) for words in found[which])) for which in (True, False))
    return UnderstoodPrompt(known, unknown)


def places(text: str, phrases: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Where phrases stand in a text, each as (start, end), from the left; in any case, as whole words."""
    found: set[tuple[int, int]] = set()
    for phrase in phrases:
        words = r"[^\w,;.:!?]+".join(re.escape(word) for word in phrase.split())
        if not words:
            continue
        # Chinese has no spaces: there a phrase is found inside of others.
        before, after = (r"(?<![^\W_])" if phrase[0].isascii() else "", r"(?![^\W_])" if phrase[-1].isascii() else "")
        found |= {match.span() for match in re.finditer(before + words + after, text, re.IGNORECASE)}
    yield from sorted(found)


def listed(phrases: tuple[str, ...]) -> str:
    """Phrases as a sentence names them: not too many, none too long."""
    short = [phrase if len(phrase) <= LONGEST else f"{phrase[: LONGEST - 1].rstrip()}…" for phrase in phrases[:SAID]]
    return ", ".join([*short, *(["…"] if len(phrases) > SAID else [])])
