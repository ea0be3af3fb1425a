"""The characters of text files: Unicode, or else the older encoding that charset-normalizer finds likeliest."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

from studio.errors import BadInput, Message

ENCODINGS = {
    "gb18030": "Chinese (GB 18030)",
    "cp1252": "Western European (Windows-1252)",
    "cp932": "Japanese (Shift JIS)",
    "big5": "Chinese (Big5)",
    "euc_jp": "Japanese (EUC-JP)",
    "cp949": "Korean (Windows-949)",
    "cp1251": "Cyrillic (Windows-1251)",
    "koi8_r": "Cyrillic (KOI8-R)",
    "cp1250": "Central European (Windows-1250)",
    "cp1253": "Greek (Windows-1253)",
    "cp1254": "Turkish (Windows-1254)",
    "cp1255": "Hebrew (Windows-1255)",
    "cp1256": "Arabic (Windows-1256)",
    "cp874": "Thai (Windows-874)",
}
"""The encodings that are guessed at and what people call them; of those equally likely, the first."""

UTF16 = {"utf_16_le": "UTF-16", "utf_16_be": "UTF-16 (big-endian)"}
NO_TEXT = ("Cc", "Cn", "Co", "Cs")
"""The Unicode categories of what stands in no text: control, unassigned, private and half characters."""

LATIN_WITHIN = re.compile(rb"[A-Za-z][\x80-\xff]+|[\x80-\xff]+[A-Za-z]")
OTHER_ALPHABETS = ("cp1251", "koi8_r", "cp1253", "cp1255", "cp1256", "cp874")
"""Encodings of alphabets whose words have no Latin letters in them."""

SAMPLE = 2**16  # bytes that a guess is made by
MESS = 0.5  # in charset-normalizer's measure, 0 to 1: beyond it is no text
MARGIN = 0.05  # in the same measure: a short text cannot be told apart more finely


def decode(data: bytes, path: Path, warn: Callable[[Message], object]) -> str:
    """The text of a file's bytes; where its encoding had to be guessed, `warn` is told which it was read as.

    Raises BadInput for what is no text.
    """
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = data.decode("utf-16" if marked else "utf-8-sig")
        if "\0" not in text:
            return text
    except UnicodeDecodeError:
        pass
    guess = None if marked else _utf16(data) if b"\0" in data else _likeliest(data)
    if guess is None:
        raise BadInput("{name} is not a text.", "Save it as UTF-8 and try again.", name=path.name)
    encoding, text = guess
    name = UTF16.get(encoding) or ENCODINGS[encoding]
    warn(
        Message(
            "{name} is not in UTF-8. It is read as {encoding}; if that looks wrong, save it as UTF-8.",
            name=path.name,
            encoding=Message.of(name),
        )
    )
    return text


def _utf16(data: bytes) -> tuple[str, str] | None:
    """UTF-16 without a mark, and the text that it gives: in the right byte order most zeros are half of an ASCII
    character, and no character is one that stands in no text.
    """
    zeros = data.count(0)
    for encoding in UTF16:
        with contextlib.suppress(UnicodeDecodeError):
            text = data.decode(encoding)
            whole = not any(unicodedata.category(each) in NO_TEXT and each not in "\t\n\r\f" for each in text[:SAMPLE])
            if whole and sum(map(str.isascii, text)) >= 0.75 * zeros:
                return encoding, text
    return None


def _likeliest(data: bytes) -> tuple[str, str] | None:
    """The likeliest encoding and the text that it gives; None where none fits."""
    from charset_normalizer import from_bytes  # here since few files need it

    known, sample = list(ENCODINGS), data
    if len(data) > SAMPLE:
        # From the first line that is not ASCII; ended where no character can be cut in two.
        first = re.search(rb"[\x80-\xff]", data)
        start = data.rfind(b"\n", 0, first.start() if first else 0) + 1
        end = max(data.rfind(mark, start, start + SAMPLE) for mark in (b"\n", b" ", b",")) + 1
        sample = data[start : end or len(data)]
    if 2 * len(LATIN_WITHIN.findall(sample)) > len(re.findall(rb"[\x80-\xff]+", sample)):
        known = [name for name in known if name not in OTHER_ALPHABETS]
    # One at a time, since it ends its search at the first that fits.
    found = [
        (match, name)
        for name in known
        for match in from_bytes(sample, cp_isolation=[name], threshold=MESS, enable_fallback=False)
    ]
    tidy = min((match.chaos for match, _ in found), default=0.0) + MARGIN
    found = [(match, name) for match, name in found if match.chaos <= tidy]
    for _, name in sorted(found, key=lambda each: (-each[0].coherence, known.index(each[1]))):
        with contextlib.suppress(UnicodeDecodeError):  # beyond the sample
            return name, data.decode(name)
    return None
