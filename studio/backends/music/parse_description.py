"""Reads genre, mood and tempo from a free description by a table of words, and a language from its letters."""

from __future__ import annotations

import re

from studio.backends.music.plan import MANNERS, TONICS
from studio.backends.music.requests import MusicRequest

GENRE_WORDS = {
    "lullaby": ("lullaby", "cradle", "bedtime", "sleep", "music box", "night", "摇篮曲", "睡", "八音盒", "夜"),
    "waltz": ("waltz", "folk", "dance", "carousel", "three-four", "3/4", "华尔兹", "圆舞曲", "民谣", "舞"),
    "lofi": ("lo-fi", "lofi", "chill", "study", "beats", "coffee", "jazz", "hip hop", "学习", "咖啡", "爵士"),
    "march": ("march", "parade", "toy soldier", "adventure", "travel", "festive", "进行曲", "游行", "冒险", "旅行"),
    "ambient": ("ambient", "meditation", "drone", "space", "calm", "floating", "氛围", "冥想", "太空", "空灵"),
}
MOOD_WORDS = {
    "joyful": (
        "joyful",
        "happy",
        "cheerful",
        "joy",
        "merry",
        "playful",
        "bright",
        "sunny",
        "欢快",
        "快乐",
        "开心",
        "明亮",
    ),
    "peaceful": ("peaceful", "calm", "quiet", "serene", "relaxed", "gentle", "still", "平静", "宁静", "安静", "放松"),
    "tender": ("tender", "sweet", "loving", "romantic", "warm", "soft", "温柔", "浪漫", "温暖", "甜"),
    "hopeful": ("hopeful", "uplifting", "inspiring", "hope", "triumphant", "dawn", "希望", "振奋", "黎明"),
    "nostalgic": ("nostalgic", "memory", "memories", "wistful", "childhood", "old", "怀旧", "回忆", "童年"),
    "melancholy": ("melancholy", "sad", "lonely", "rain", "rainy", "tears", "sorrow", "忧郁", "悲伤", "孤独", "雨"),
    "mysterious": ("mysterious", "dark", "mystery", "magic", "dream", "dreamy", "eerie", "神秘", "黑暗", "魔法", "梦"),
}
SLOW = ("slow", "slowly", "adagio", "lento", "largo", "慢")
FAST = ("fast", "quick", "lively", "allegro", "presto", "快")
KEY = re.compile(r"\b([a-g])[ -]?(sharp|flat|#|b|♯|♭)?[ -]?(major|minor)\b")
TEMPO = re.compile(r"\b(\d{2,3}) ?bpm\b")
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
    if not word.isascii():
        return text.find(word)
    match = re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", text)
    return match.start() if match else -1


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
