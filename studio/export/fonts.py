"""Fonts for text on exported pictures, found among the system's by the characters they have."""

from __future__ import annotations

from functools import cache
from typing import Any

from PIL import ImageFont

FONTS = (
    "NotoSansCJK-Regular.ttc", "NotoSansSC-Regular.otf", "SourceHanSansSC-Regular.otf", "PingFang.ttc",
    "Hiragino Sans GB.ttc", "msyh.ttc", "simhei.ttf", "wqy-microhei.ttc", "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf", "Arial Unicode.ttf", "DejaVuSans.ttf",
)  # fmt: skip
"""Faces with Chinese first; Pillow looks for them where each system keeps its own."""

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


@cache
def load_font(size: int, words: str) -> Any:
    """A face of that size in pixels that can write the words, as far as there is one on this machine."""
    plain = ImageFont.load_default(size)
    if _can_write(plain, words):
        return plain
    for name in FONTS:
        try:
            found = ImageFont.truetype(name, size)
        except OSError:
            continue
        if _can_write(found, words):
            return found
    return plain


def fit_text(words: str, size: int, wide: float) -> str:
    """The words on one line, cut with an ellipsis where they are wider than that many pixels."""
    words = " ".join(words.split())
    chosen = load_font(size, words)
    if chosen.getlength(words) <= wide:
        return words
    while words and chosen.getlength(words + ELLIPSIS) > wide:
        words = words[:-1]
    return words.rstrip() + ELLIPSIS


def _can_write(chosen: Any, words: str) -> bool:
    """Whether no letter is drawn as the sign for missing ones."""
    missing = bytes(chosen.getmask("\U0010fffe"))
    return not any(letter > "\x7f" and bytes(chosen.getmask(letter)) == missing for letter in set(words) - {" "})
