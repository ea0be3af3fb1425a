"""Sections of documents that are written from the source, between a line that says so and a line that ends them."""

from __future__ import annotations

from pathlib import Path


def updated(file: Path, begin: str, end: str, written: str) -> str:
    """The file as it should be: its own text, and between the lines `begin` and `end` what is `written` now."""
    head, _, rest = file.read_text("utf-8").partition(begin)
    _, _, tail = rest.partition(end)
    return f"{head}{begin}\n\n{written}\n{end}{tail}"
