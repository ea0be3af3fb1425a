"""The words of a description that decide a piece: genres, moods, tempos and keys, in English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator

from studio.models.vocabulary import UnderstoodPrompt, read_words

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
_SILENT = """a an the of with and in at on for to from by as is it that this some my very please make create play
    compose music piece song tune melody track sound feeling mood style tempo key"""
SILENT = frozenset(_SILENT.split())
"""Words that say nothing of how the music is."""
CHINESE_SILENT = re.compile("音乐|曲子|歌曲|旋律|风格|感觉|一首|一段|一个|[的了和与在是有着首段曲]")


def understood(prompt: str) -> UnderstoodPrompt:
    """The words of a description that the plan is made by, and the others."""
    text = prompt.lower()
    tables = [*GENRE_WORDS.values(), *MOOD_WORDS.values(), SLOW, FAST]
    spans = [span for words in tables for word in words for span in places_of(word, text)]
    spans += [match.span() for match in TEMPO.finditer(text)]
    spans += [match.span() for match in KEY.finditer(text)]
    known: list[tuple[int, int]] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not known or start >= known[-1][1]:
            known.append((start, end))
    rest = text
    for start, end in known:  # a stop parts the phrases before and after it
        rest = rest[:start] + "," * (end - start) + rest[end:]
    rest = CHINESE_SILENT.sub(lambda match: "," * len(match[0]), rest)
    unknown = read_words(rest, lambda _: False, SILENT).unknown
    return UnderstoodPrompt(tuple(dict.fromkeys(text[start:end] for start, end in known)), unknown)


def places_of(word: str, text: str) -> Iterator[tuple[int, int]]:
    """Where the word stands in a text of small letters, as (start, end): English as a whole word, Chinese anywhere."""
    whole = rf"(?<![a-z]){re.escape(word)}(?![a-z])" if word.isascii() else re.escape(word)
    return (match.span() for match in re.finditer(whole, text))
