"""Text for a terminal: messages in words, commands as they are typed here, and tables."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
import unicodedata
from collections.abc import Sequence
from typing import Any, LiteralString

from studio.errors import Message

# Control characters, line and paragraph separators, direction marks and overrides, bytes that are no UTF-8.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def worded(said: str | Message) -> str:
    """A message in the reader's language, which is English so far; a text that is no message as it is."""
    return str(said)


def tr(template: LiteralString, /, **params: object) -> str:
    """The text in the reader's language, with `params` in its placeholders, as a Message has them."""
    return worded(Message(template, **params))


def program() -> str:
    """What a person types to start the command line: `studio` where it is installed, else what run.py says."""
    return os.environ.get("STUDIO_PROGRAM") or "studio"


def command(*words: str) -> str:
    """A command of the studio as it is typed here, its words quoted where a shell asks for that."""
    if sys.platform == "win32":
        return f"{program()} {subprocess.list2cmdline(words)}"
    return " ".join([program(), *map(_quoted, words)])


def _quoted(word: str) -> str:
    if not _UNPRINTABLE.search(word):
        return shlex.quote(word)
    slashed = word.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{printable(slashed)}'"


def as_typed(words: str) -> str:
    """`words` with every command in them as it is typed here."""
    return re.sub(r"`studio(?=\s)", lambda _: "`" + program(), words)


def printable(text: str) -> str:
    """A text as one line that cannot steer a terminal: characters that would are escaped, a line feed as `\\n`."""
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def line(said: str | Message) -> str:
    """What is said as one printable line, without its end; commands in a message as they are typed here."""
    return printable(as_typed(worded(said)) if isinstance(said, Message) else said)


def one_line_json(value: Any) -> str:
    """`value` as JSON on one line; what a terminal would heed is escaped, and read back as it was."""
    words = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", words)


def moment(seconds: float) -> str:
    """A time since the epoch as a date and a time of day."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def table(rows: Sequence[tuple[str | Message, ...]]) -> list[str]:
    """Rows as lines with aligned columns; the last column is never padded."""
    if not rows:
        return []
    shown = [tuple(map(line, row)) for row in rows]
    widths = [max(map(display_width, column)) for column in zip(*shown, strict=True)]
    lines: list[str] = []
    for row in shown:
        cells = [cell + " " * (size - display_width(cell)) for cell, size in zip(row, widths, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return lines


def display_width(text: str) -> int:
    """Columns that a terminal uses for a text: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
