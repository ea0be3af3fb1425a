"""Reads genre, mood and tempo from a free description by a table of words, and a language from its letters."""

from __future__ import annotations

import re

from studio.backends.music.description_words import FAST, GENRE_WORDS, KEY, MOOD_WORDS, SLOW, TEMPO, places_of
from studio.backends.music.plan import MANNERS, TONICS
from studio.backends.music.requests import MusicRequest

SHARPS = {"C#": "Db", "D#": "Eb", "E#": "F", "G#": "Ab", "A#": "Bb", "B#": "C", "Gb": "F#", "Cb": "B", "Fb": "E"}


LETTERS = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7af]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
)
"""Letters of languages; Japanese comes first, since it has the signs of Chinese too."""


def fill_from_text(request: MusicRequest) -> MusicRequest:
    """The request with what it leaves open filled in from its words; fields that were set win over words.

    What the words leave open too stays open, for the plan to choose by the seed.
    """
    text = request.prompt.lower()
    genre = request.genre if request.genre != "any" else _first(GENRE_WORDS, text)
    mood = request.mood if request.mood != "any" else _first(MOOD_WORDS, text)
    return request.replace(
        genre=genre,
        mood=mood,
        key=request.key if request.key != "any" else _key(text),
        tempo=request.tempo or _tempo(text, genre),
    )


def as_text(request: MusicRequest) -> str:
    """The request in a line of text, for models that read."""
    parts = [request.prompt.strip()]
    parts += [value for value in (request.genre, request.mood) if value != "any"]
    parts += [f"{request.tempo} bpm"] if request.tempo else []
    parts += [f"in {request.key}"] if request.key != "any" else []
    return ", ".join(part for part in parts if part)


def language_of(lyrics: str) -> str:
    """The code of the language that lyrics are written in, as far as their letters tell; else English."""
    return next((code for code, letters in LETTERS if letters.search(lyrics)), "en")


def _first(table: dict[str, tuple[str, ...]], text: str) -> str:
    """The entry whose word comes first in the text; "any" where none does."""
    found = [(place, name) for name, words in table.items() for word in words if (place := _find(word, text)) >= 0]
    return min(found)[1] if found else "any"


def _find(word: str, text: str) -> int:
    return next((start for start, _ in places_of(word, text)), -1)


def _key(text: str) -> str:
    match = KEY.search(text)
    if not match:
        return "any"
    sign = {"sharp": "#", "♯": "#", "#": "#", "flat": "b", "♭": "b", "b": "b"}.get(match[2] or "", "")
    tonic = match[1].upper() + sign
    tonic = SHARPS.get(tonic, tonic)
    return f"{tonic} {match[3]}" if tonic in TONICS else "any"


def _tempo(text: str, genre: str) -> int:
    match = TEMPO.search(text)
    if match:
        return max(20, min(240, int(match[1])))
    manner = MANNERS.get(genre)
    if any(_find(word, text) >= 0 for word in SLOW):
        return manner.slowest if manner else 66
    if any(_find(word, text) >= 0 for word in FAST):
        return manner.fastest if manner else 132
    return 0
