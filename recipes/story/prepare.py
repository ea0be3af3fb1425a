"""Prepare what the story starter learns from: simple modern stories, simple old ones, and tales of our own grammar.

    python -m recipes.story.prepare DATA OUT [--tales 9000] [--exercises 0]

DATA holds `storybooks_ccby` and `stories_en`; OUT receives one .jsonl file per collection, lines of {"text", "group"}.
Texts of one group (a story, a book) are held out together by the training. `--exercises` adds copying exercises, for a
folder that is used for a short while only (README.md). CREDITS.md in OUT names everyone.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard

from recipes.story.exercises import exercise
from recipes.story.grammar import tell

STORYBOOK_TIMES = 2  # how often a story of the storybooks is repeated
CLASSIC_CHARS = 700_000
PASSAGE = 1500  # characters of an old book that are learned in one piece
NOTICE = re.compile(
    r"https?:|www\.|storybook|storyweaver|copyright|licen[cs]e|illustrat|supported by|translated|\bisbn\b|dear reader"
    r"|glossary",
    re.IGNORECASE,
)
WORD = re.compile(r"[a-z']+")


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
    """(id, text, row) of every story that is long enough to be one."""
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
        body = "\n\n".join(paragraphs)
        yield row["id"], body if untitled(row["id"]) else f"# {plain(row['title'])}\n\n{body}", row


def passages(row: dict[str, Any]) -> Iterator[str]:
    """Pieces of a book of about PASSAGE characters, cut between paragraphs and never across a heading."""
    piece: list[str] = []
    for paragraph in row["text"].split("\n\n"):
        paragraph = paragraph.strip()
        heading = paragraph.startswith("# ")
        if heading or paragraph == "***" or sum(map(len, piece)) + len(paragraph) > PASSAGE:
            if sum(map(len, piece)) > PASSAGE // 2:
                yield "\n\n".join(piece)
            piece = []
        if heading and len(paragraph) < 60 and not re.search(r"chapter|\d|[IVX]{2}|\.$", paragraph, re.IGNORECASE):
            piece = ["# " + plain(paragraph[2:]).title().replace("'S", "'s")]
        elif not heading and paragraph != "***":
            piece.append(plain(paragraph))


def ease(text: str, common: set[str]) -> float:
    """How simple a passage reads: the share of common words, less for long sentences, more for people talking."""
    words = WORD.findall(text.lower())
    sentences = max(1, len(re.findall(r"[.!?]", text)))
    old = len(
        re.findall(r"\b(thou|thee|thy|hath|ye|unto|upon|whilst|nay|quoth|o'|shall|hither|thither)\b", text.lower())
    )
    known = sum(word in common for word in words) / max(1, len(words))
    return known - 0.006 * len(words) / sentences - 0.01 * old + 0.01 * min(10, text.count('"')) / 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--tales", type=int, default=9_000)
    parser.add_argument("--exercises", type=int, default=0)
    parser.add_argument("--wide", action="store_true", help="tales with hundreds of names")
    parser.add_argument("--classics", type=int, default=CLASSIC_CHARS, help="characters taken from old books")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    count: Counter[str] = Counter()
    credit = ["# Credits", "", "## Storybooks (CC BY 4.0)", ""]

    with (asked.out / "storybooks.jsonl").open("w", encoding="utf-8") as file:
        for name, text, row in storybooks(asked.data / "storybooks_ccby" / "storybooks_en.jsonl.zst"):
            count.update(WORD.findall(text.lower()))
            file.writelines(json.dumps({"text": text, "group": name}) + "\n" for _ in range(STORYBOOK_TIMES))
            people = {
                f"by {row['text_by']}": row["text_by"],
                f"translated by {row['translation_by']}": row["translation_by"],
            }
            named = ", ".join(said for said, whom in people.items() if whom)
            credit.append(f"- {plain(row['title'])}, {named} ({row['collection']}, {row['licence']})")

    with (asked.out / "tales.jsonl").open("w", encoding="utf-8") as file:
        for n in range(asked.tales):
            text = tell(f"tale {n}", wide=asked.wide)
            count.update(WORD.findall(text.lower()))
            text = text.split("\n\n", 1)[1] if untitled(f"tale {n}") else text
            file.write(json.dumps({"text": text, "group": f"tale {n}"}) + "\n")

    if asked.exercises:
        with (asked.out / "exercises.jsonl").open("w", encoding="utf-8") as file:
            for n in range(asked.exercises):
                file.write(json.dumps({"text": exercise(f"exercise {n}"), "group": f"exercise {n}"}) + "\n")

    common = {word for word, _ in count.most_common(2500)}
    scored: list[tuple[float, str, dict[str, Any]]] = []
    for genre in ("fairy", "children"):
        for row in rows(asked.data / "stories_en" / f"{genre}.jsonl.zst"):
            about = {"id": row["id"], "title": row["title"], "author": row["author"]}
            scored += [(ease(piece, common), piece, about) for piece in passages(row)]
    scored.sort(key=lambda item: item[0], reverse=True)
    taken = 0
    books: Counter[str] = Counter()
    with (asked.out / "classics.jsonl").open("w", encoding="utf-8") as file:
        for _, piece, book in scored:
            if taken >= asked.classics:
                break
            taken += len(piece)
            books[f"{book['title']}, {book['author'] or 'various'}"] += 1
            file.write(json.dumps({"text": piece, "group": book["id"]}) + "\n")
    credit += ["", "## Passages of old books (public domain)", ""]
    credit += [f"- {book}: {n} passage{'s' if n > 1 else ''}" for book, n in books.most_common()]
    (asked.out / "CREDITS.md").write_text("\n".join(credit) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
