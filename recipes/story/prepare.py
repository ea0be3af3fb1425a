"""Prepare what the story starter learns from: simple modern stories, and tales of our own grammar.

    python -m recipes.story.prepare DATA OUT [--tales 12000]

DATA holds `storybooks_ccby`; OUT receives one .jsonl file per collection, lines of {"text", "group"}. Texts of one
group (a story in several versions) are held out together by the training. CREDITS.md in OUT names everyone.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard

from recipes.story.tales import tell

WIDE = 2  # one tale in three has hundreds of names, and made-up ones; in the others everybody's is known
NOTICE = re.compile(
    r"https?:|www\.|storybook|storyweaver|copyright|licen[cs]e|illustrat|supported by|translated|\bisbn\b|dear reader"
    r"|glossary",
    re.IGNORECASE,
)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON objects of a .jsonl.zst file."""
    with path.open("rb") as file:
        reader = zstandard.ZstdDecompressor(max_window_size=2**31).stream_reader(file)
        for line in io.TextIOWrapper(reader, encoding="utf-8"):
            yield json.loads(line)


def plain(text: str) -> str:
    """Straight quotes, single spaces, no emphasis marks."""
    for fancy, simple in (
        ("“", '"'),
        ("”", '"'),
        ("‘", "'"),
        ("’", "'"),
        ("…", "..."),
        ("—", " - "),
        ("_", ""),
        ("*", ""),
    ):
        text = text.replace(fancy, simple)
    return re.sub(r"\s+", " ", text).strip()


def untitled(key: str) -> bool:
    """Whether this text is learned without its title line, so that plain beginnings work too: one in four."""
    return hashlib.sha256(key.encode()).digest()[0] < 64


def storybooks(path: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(id, text, row) of every story that is long enough to be one; without titles, which only tales begin with."""
    for row in rows(path):
        pages = [plain(page) for page in row["pages"]]
        pages = [page for page in pages if page and not NOTICE.search(page)]
        letters = "".join(pages)
        if len(letters) < 400 or len(pages) < 4 or sum(map(str.isupper, letters)) > 0.15 * len(letters):
            continue
        if sum(ord(c) > 127 for c in letters) > 0.01 * len(letters):
            continue
        paragraphs: list[str] = []
        for page in pages:
            # Picture books have a sentence or two on a page; a paragraph wants a few.
            if paragraphs and len(paragraphs[-1]) + len(page) < 220:
                paragraphs[-1] += " " + page
            else:
                paragraphs.append(page)
        yield row["id"], "\n\n".join(paragraphs), row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--tales", type=int, default=12_000)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    credit = ["# Credits", "", "Texts of the storybooks, all under CC BY 4.0:", ""]
    with (asked.out / "storybooks.jsonl").open("w", encoding="utf-8") as file:
        for name, text, row in storybooks(asked.data / "storybooks_ccby" / "storybooks_en.jsonl.zst"):
            file.write(json.dumps({"text": text, "group": name}) + "\n")
            people = {
                f"by {row['text_by']}": row["text_by"],
                f"translated by {row['translation_by']}": row["translation_by"],
            }
            named = ", ".join(said for said, whom in people.items() if whom)
            credit.append(f"- {plain(row['title'])}, {named} ({row['collection']}, {row['licence']})")
    with (asked.out / "tales.jsonl").open("w", encoding="utf-8") as file:
        for n in range(asked.tales):
            text = tell(f"tale {n}", wide=n % 3 == WIDE)
            text = text.split("\n\n", 1)[1] if untitled(f"tale {n}") else text
            file.write(json.dumps({"text": text, "group": f"tale {n}"}) + "\n")
    (asked.out / "CREDITS.md").write_text("\n".join(credit) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
