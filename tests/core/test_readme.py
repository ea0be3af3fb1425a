"""What README.md tells people to type is something that the command line understands, and its links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from studio import cli

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
OWN = ("test", "--help")  # words of run.py's, and of argparse's that end the program


def commands() -> list[list[str]]:
    found = re.findall(r"python3\s+run\.py([^`\n]*?)(?:`|\n|\s+# )", README)
    typed = [shlex.split(words) for words in found]
    return [words for words in typed if words and words[0] not in OWN]


def test_the_readme_has_commands() -> None:
    assert {words[0] for words in commands()} >= {"demo", "make", "train", "models", "doctor"}


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_its_commands_are_understood(words: list[str]) -> None:
    assert cli.parser().parse_args(words).run


def test_its_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert targets
    assert [target for target in targets if "://" not in target and not (ROOT / target).exists()] == []
