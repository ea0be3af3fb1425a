"""Contact sheets with captions, and character sheets.

All lengths are pixels. Pictures are never enlarged beyond twice their size and never cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from studio.errors import BadInput
from studio.export.compose import colour_of
from studio.media.payloads import Image

Entry = tuple[Image, str]
"""A picture and its caption, which may be empty."""

PAPER, INK = "#fbfaf8", "#1f1e1b"
ENTRY_LIMIT = 400
GAP, EDGE = 24, 40
WORDS, MOOD = 20, 26
TITLE = 40
MAX_SCALE = 2.0

FONTS = (
    "NotoSansCJK-Regular.ttc", "NotoSansSC-Regular.otf", "SourceHanSansSC-Regular.otf", "PingFang.ttc",
    "Hiragino Sans GB.ttc", "msyh.ttc", "simhei.ttf", "wqy-microhei.ttc", "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf", "Arial Unicode.ttf", "DejaVuSans.ttf",
)  # fmt: skip
"""Faces with Chinese first; Pillow looks for them where each system keeps its own."""

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


def contact_sheet(
    entries: Sequence[Entry], *, title: str = "", columns: int = 0, cell: int = 256, paper: str = PAPER, ink: str = INK
) -> Image:
    """All pictures in cells of one size, from the left and then down, captions below. `columns` 0 chooses by number.

    Raises BadInput for none, too many, or what would not fit into one picture.
    """
    _check(entries, cell)
    across = columns or min(len(entries), max(1, round(len(entries) ** 0.5 * 1.2)))
    down = -(-len(entries) // across)
    words = WORDS + 14 if any(caption for _, caption in entries) else 0
    head = TITLE + 28 if title else 0
    size = (2 * EDGE + across * cell + (across - 1) * GAP, 2 * EDGE + head + down * (cell + words) + (down - 1) * GAP)
    sheet, pen = _blank(size, paper)
    if title:
        _draw_text(pen, title, (EDGE, EDGE), TITLE, size[0] - 2 * EDGE, ink)
    for at, (picture, caption) in enumerate(entries):
        left = EDGE + at % across * (cell + GAP)
        top = EDGE + head + at // across * (cell + words + GAP)
        _paste(sheet, picture, (left, top, cell, cell))
        if caption:
            _draw_text(pen, caption, (left, top + cell + 10), WORDS, cell, ink)
    return Image(np.asarray(sheet))


def character_sheet(
    entries: Sequence[Entry], *, name: str = "", cell: int = 256, paper: str = PAPER, ink: str = INK
) -> Image:
    """One person: the first picture large at the left with the name above, the others in a grid at the right of it,
    its foot level with theirs.

    Raises BadInput as `contact_sheet` does.
    """
    _check(entries, cell)
    others = entries[1:]
    words = MOOD + 18
    across = _columns(len(others))
    down = max(2, -(-len(others) // across) if across else 0)
    head = TITLE + 28 if name else 0
    high = down * (cell + words) + (down - 1) * GAP
    large = min(high - words, 4 * cell)
    size = (2 * EDGE + large + (across * (cell + GAP) + GAP if across else 0), 2 * EDGE + head + high)
    sheet, pen = _blank(size, paper)
    if name:
        _draw_text(pen, name, (EDGE, EDGE), TITLE, size[0] - 2 * EDGE, ink)
    _paste(sheet, entries[0][0], (EDGE, EDGE + head, large, large))
    _draw_text(pen, entries[0][1], (EDGE, EDGE + head + large + 10), MOOD, large, ink, middle=True)
    for at, (picture, caption) in enumerate(others):
        left = EDGE + large + 2 * GAP + at % across * (cell + GAP)
        top = EDGE + head + at // across * (cell + words + GAP)
        _paste(sheet, picture, (left, top, cell, cell))
        _draw_text(pen, caption, (left, top + cell + 10), MOOD, cell, ink, middle=True)
    return Image(np.asarray(sheet))


def _columns(many: int) -> int:
    """Columns for so many pictures beside a large one: a little wider than high, and the fewest places left empty."""
    if many < 3:
        return min(many, 1)
    ideal = min(4.0, many**0.5 * 1.2)
    near = [columns for columns in (2, 3, 4) if abs(columns - ideal) <= 1]
    return min(near, key=lambda columns: (-many % columns, abs(columns - ideal)))


def _check(entries: Sequence[Entry], cell: int) -> None:
    if not entries:
        raise BadInput("A sheet needs at least one picture.")
    if len(entries) > ENTRY_LIMIT:
        raise BadInput(
            "A sheet holds {limit} pictures at most, not {count}.",
            "Make several sheets.",
            limit=ENTRY_LIMIT,
            count=len(entries),
        )
    if not 32 <= cell <= 1024:
        raise BadInput("A cell of a sheet is 32 to 1024 pixels wide.")
    if len(entries) * cell * cell > 100_000_000:
        raise BadInput("This sheet would be too large.", "Choose smaller cells.")


def _blank(size: tuple[int, int], paper: str) -> tuple[Pillow.Image, Any]:
    sheet = Pillow.new("RGB", size, colour_of(paper))
    return sheet, ImageDraw.Draw(sheet)


def _paste(sheet: Pillow.Image, picture: Image, box: tuple[int, int, int, int]) -> None:
    left, top, wide, high = box
    source = Pillow.fromarray(np.ascontiguousarray(picture.pixels)).convert("RGBA")
    scale = min(wide / source.width, high / source.height, MAX_SCALE)
    size = (max(1, round(source.width * scale)), max(1, round(source.height * scale)))
    small = source if size == source.size else source.resize(size, Pillow.Resampling.LANCZOS)
    sheet.paste(small, (left + (wide - size[0]) // 2, top + (high - size[1]) // 2), small)


def _draw_text(
    pen: Any, words: str, at: tuple[int, int], size: int, wide: int, ink: str, *, middle: bool = False
) -> None:
    line = fit_text(words, size, wide)
    if line:
        # By the base line, which stays where it is whatever face the words ask for.
        left, anchor = (at[0] + wide / 2, "ms") if middle else (at[0], "ls")
        pen.text(
            (left, at[1] + round(size * 0.8)),
            line,
            font=load_font(size, line),
            fill=colour_of(ink),
            anchor=anchor,
        )


@cache
def load_font(size: int, words: str) -> Any:
    """A font of that size in pixels that has the characters, if there is one on this machine."""
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
    """Whether the font has all characters."""
    missing = bytes(chosen.getmask("\U0010fffe"))
    return not any(letter > "\x7f" and bytes(chosen.getmask(letter)) == missing for letter in set(words) - {" "})
