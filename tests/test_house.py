"""Rules for how the source is laid out that no other check knows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import studio
from studio.backends import MEDIA

ROOT = Path(studio.__file__).parent
NAMES = frozenset(medium.name for medium in MEDIA)
LISTED = Path("backends/__init__.py")
"""Where MEDIA is."""

MEASURING = "bench"
"""A bench measures one medium or another, and says which."""


def literals(path: Path) -> Iterator[tuple[int, str]]:
    """The line and text of each string that is a medium's name, or the kind or starter of one."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            head = node.value.partition(".")[0].removesuffix("-starter")
            if head in NAMES and " " not in node.value:
                yield node.lineno, node.value


def test_a_medium_is_named_in_its_own_folders_only() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text!r}"
        for path in sorted(ROOT.rglob("*.py"))
        if not NAMES & set(path.relative_to(ROOT).parts)
        and path.relative_to(ROOT) != LISTED
        and path.relative_to(ROOT).parts[0] != MEASURING
        for line, text in literals(path)
    ]
    assert not found, "\n".join(found)


def test_names_kinds_and_starters_are_found_in_code(tmp_path: Path) -> None:
    source = tmp_path / "source.py"
    source.write_text('A = ["avatar", "poster.train", "story-starter", "a music box", "history"]\n', encoding="utf-8")
    assert [text for _, text in literals(source)] == ["avatar", "poster.train", "story-starter"]
