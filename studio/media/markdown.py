"""Markdown headings and paragraphs, parsed into blocks and joined again without loss."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

HEADING = re.compile(r"(#{1,6})(?: +|$)")
SOFT_BREAK = "\u2028"  # a line break inside a paragraph
PARAGRAPH_BREAKS = 2  # line breaks between paragraphs
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff][\w'’-]*")


@dataclass(frozen=True, slots=True)
class MarkdownBlock:
    """A heading of `level` 1 to 6, or a paragraph, of level 0, after `breaks` line breaks; it begins at `start`."""

    breaks: int
    level: int
    text: str
    start: int = 0


def parse(text: str) -> tuple[list[MarkdownBlock], str]:
    """The blocks of a text, and the line breaks at its end."""
    body = text.rstrip("\n")
    blocks: list[MarkdownBlock] = []
    at = breaks = 0
    for line in body.split("\n") if body else ():
        if line:
            found = HEADING.match(line)
            level = len(found.group(1)) if found else 0
            words = line[found.end() :] if found else line
            before = blocks[-1] if blocks else None
            if before is not None and breaks == 1 and not level and not before.level:
                blocks[-1] = MarkdownBlock(before.breaks, 0, before.text + SOFT_BREAK + words, before.start)
            else:
                blocks.append(MarkdownBlock(breaks, level, words, at))
            breaks = 0
        breaks += 1
        at += len(line) + 1
    return blocks, text[len(body) :]


def join_blocks(blocks: Iterable[MarkdownBlock]) -> str:
    """The text of blocks; an empty line separates blocks whose `breaks` is 0."""
    made: list[str] = []
    for at, block in enumerate(blocks):
        breaks = block.breaks if not at else block.breaks or PARAGRAPH_BREAKS
        mark = "#" * block.level + " " if block.level else ""
        made.append("\n" * breaks + (mark + block.text).replace(SOFT_BREAK, "\n"))
    return "".join(made)


def word_count(text: str) -> int:
    """The number of words; in Chinese and Japanese, of characters."""
    return sum(1 for _ in _WORD.finditer(text))
