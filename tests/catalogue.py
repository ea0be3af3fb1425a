"""Writes the tables of the catalogue in docs/guides/open-models.md: `python -m tests.catalogue`."""

from __future__ import annotations

from pathlib import Path

from studio.backends import MEDIA, PAGELESS
from studio.cli.models.offered import SELLS
from studio.models.sources.offers import Offer, offers
from studio.system.storage import format_size
from tests import written_section

FILE = Path(__file__).resolve().parent.parent / "docs" / "guides" / "open-models.md"
BEGIN, END = "<!-- models: written by `python -m tests.catalogue` -->", "<!-- end of models -->"


def row(one: Offer) -> str:
    """An offer as a line of a table."""
    size = format_size(one.size) + ("*" if one.computed else "")
    sentence = f"{one.sentence} {one.unsupported}".strip()
    return f"| {one.title} | `{one.id}` | {size} | {SELLS[one.sells].template} | {one.licence} | {sentence} |"


def tables() -> str:
    """A section for each medium, a line for each model."""
    lines: list[str] = []
    for medium in (*MEDIA, *PAGELESS):
        lines += [
            f"### {medium.makes}",
            "",
            "| model | id | size | works sold | licence | good at |",
            "|---|---|---|---|---|---|",
        ]
        lines += [row(each) for each in offers() if each.medium == medium.name]
        lines.append("")
    return "\n".join(lines)


def updated() -> str:
    """docs/guides/open-models.md as it should be: its own text, and the tables as the catalogue is now."""
    return written_section.updated(FILE, BEGIN, END, tables())


if __name__ == "__main__":
    FILE.write_text(updated(), "utf-8")
