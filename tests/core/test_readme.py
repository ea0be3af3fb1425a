"""What README.md and the guides tell people to type, the command line understands, and their links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from studio.cli import main

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "guides").glob("*.md"))]
OWN = ("test", "--bare", "--help")  # words of run.py's, and of argparse's that end the program


def commands() -> list[list[str]]:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    found = re.findall(r"python3\s+run\.py([^`\n]*?)(?:`|\n|\s+# )", text)
    typed = [shlex.split(words) for words in found]
    return [words for words in typed if words and words[0] not in OWN]


def test_the_readme_has_commands() -> None:
    assert {words[0] for words in commands()} >= {"demo", "make", "train", "models", "doctor"}


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_its_commands_are_understood(words: list[str]) -> None:
    if "--help" in words:
        with pytest.raises(SystemExit, match=r"^0$"):
            main.parser().parse_args(words)
    else:
        assert main.parser().parse_args(words).run


def test_links_lead_somewhere() -> None:
    links = [(page, link) for page in PAGES for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))]
    assert {page.name for page, _ in links} >= {"README.md", "avatars.md"}
    for page, link in links:
        if "://" in link:
            continue
        target, _, part = link.partition("#")
        there = page.parent / target if target else page
        assert there.exists(), f"{page.name}: {link}"
        heads = re.findall(r"^#+ (.+)$", there.read_text("utf-8"), re.M) if part else []
        assert not part or part in [head.lower().replace(" ", "-") for head in heads], f"{page.name}: {link}"
