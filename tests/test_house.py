"""Rules for how the source is laid out that no other check knows."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import studio
from studio.backends import MEDIA, PAGELESS

ROOT = Path(studio.__file__).parent
NAMES = frozenset(medium.name for medium in (*MEDIA, *PAGELESS))
LISTED = Path("backends/__init__.py")
"""Where MEDIA and PAGELESS are."""

MEASURING = "bench"
"""A bench measures one medium or another, and says which."""


def files() -> Iterator[tuple[Path, frozenset[str]]]:
    """Each file that neither lists nor measures the media, and the medium whose own it is, if any."""
    for path in sorted(ROOT.rglob("*.py")):
        short = path.relative_to(ROOT)
        if short != LISTED and short.parts[0] != MEASURING:
            yield path, NAMES & set(short.parts)


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
        for path, own in files()
        if not own
        for line, text in literals(path)
    ]
    assert not found, "\n".join(found)


@functools.cache
def imports(path: Path) -> list[tuple[int, str]]:
    """The line and name of each module or attribute that is imported, wherever in the file, or named "module:name"."""
    return list(_imports(path))


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("studio."):
            yield node.lineno, node.value.replace(":", ".")


def media_of(name: str) -> frozenset[str]:
    """The medium in whose package a dotted name lies: of its requests and engines, its window, or its verbs."""
    parts = name.split(".")
    inside = parts[0] == "studio" and parts[1:2] in (["backends"], ["ui"], ["cli"])
    return NAMES & set(parts[2:3]) if inside else frozenset()


def test_a_medium_is_imported_in_its_own_folders_only() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path, own in files()
        for line, name in imports(path)
        if media_of(name) - own
    ]
    assert not found, "\n".join(found)


def test_every_way_to_import_a_medium_is_found(tmp_path: Path) -> None:
    source = tmp_path / "source.py"
    source.write_text(
        "import studio.ui.story\n"
        "from studio.backends import MEDIA, avatar, medium\n"
        "from studio.cli.avatar import identities\n"
        "def late():\n"
        "    from studio.backends.poster.requests import PosterRequest\n"
        "    return 'studio.ui.music.page:Page', 'studio.ui.training.page:TrainingPage'\n",
        encoding="utf-8",
    )
    assert sorted((line, name) for line, name in imports(source) if media_of(name)) == [
        (1, "studio.ui.story"),
        (2, "studio.backends.avatar"),
        (3, "studio.cli.avatar.identities"),
        (5, "studio.backends.poster.requests.PosterRequest"),
        (6, "studio.ui.music.page.Page"),
    ]


def test_names_kinds_and_starters_are_found_in_code(tmp_path: Path) -> None:
    source = tmp_path / "source.py"
    source.write_text('A = ["avatar", "poster.train", "story-starter", "a music box", "history"]\n', encoding="utf-8")
    assert [text for _, text in literals(source)] == ["avatar", "poster.train", "story-starter"]


def test_nothing_of_a_test_library_is_used() -> None:
    libraries = ("unittest", "pytest", "doctest")
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in sorted(ROOT.rglob("*.py"))
        for line, name in imports(path)
        if name.partition(".")[0] in libraries
    ]
    assert not found, "\n".join(found)
