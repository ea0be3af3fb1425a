"""The text that a language model continues: which characters it may hold, and how it begins and ends."""

from __future__ import annotations

import re

TITLE_MARK = "#"  # what a story of the model's own begins with: the mark of a title
UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffd]")
"""Control characters, and bytes that are no character."""


def clean(text: str) -> str:
    """`text` with one kind of line end, and without `UNSHOWN`."""
    return UNSHOWN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def left_out(text: str) -> int:
    """How many characters `clean` leaves out."""
    return len(UNSHOWN.findall(text.replace("\r", "\n")))


def prepare_prompt(prompt: str) -> str:
    """The start of the text: `prompt` without control characters and trailing spaces."""
    prompt = clean(prompt).strip(" \t").lstrip("\n")
    if not prompt.strip():
        return TITLE_MARK
    prompt = re.sub(r"[ \t]+$", "", prompt)
    only_title = prompt.startswith("#") and "\n" not in prompt.strip()
    return prompt.strip() + "\n\n" if only_title and len(prompt.strip("# \n")) > 0 else prompt
