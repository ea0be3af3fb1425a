"""The rules of docs/architecture.md that the source itself shows: names, first lines, circles, a complete map."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import grimp
import pytest

from tests import architecture

ROOT = Path(__file__).resolve().parent.parent
STUDIO = ROOT / "studio"
MODULES = sorted(STUDIO.rglob("*.py"))
MOST_MODULES = 20
"""In one folder; a subject with more is two."""
RITUAL = re.compile(
    r"\b(knows? (no|not|nothing|neither)|must not know)\b|; (reads|draws|makes|decides|keeps) n(o|one|othing)\b"
)
"""What a module does not know is for the walls to prove, not for its first line to say."""


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def modules() -> dict[Path, tuple[str, list[str]]]:
    """The docstring of each module, and the names of its classes."""

    def read(path: Path) -> tuple[str, list[str]]:
        tree = ast.parse(path.read_text("utf-8"))
        return ast.get_docstring(tree) or "", [node.name for node in tree.body if isinstance(node, ast.ClassDef)]

    return {path: read(path) for path in MODULES}


def test_class_names_are_unique(modules: dict[Path, tuple[str, list[str]]]) -> None:
    found = Counter(name for _, classes in modules.values() for name in classes)
    assert [one for one, count in found.items() if count > 1] == []


def test_every_module_says_plainly_what_it_is(modules: dict[Path, tuple[str, list[str]]]) -> None:
    odd: list[str] = []
    for path, (docstring, _) in modules.items():
        first = docstring.split("\n")[0]
        if not first.endswith(".") or RITUAL.search(first):
            odd.append(f"{name(path)}: {first}")
    assert odd == []


def test_no_folder_holds_more_modules_than_one_can_survey() -> None:
    counts = Counter(path.parent for path in MODULES)
    assert [f"{name(folder)}: {count}" for folder, count in counts.items() if count > MOST_MODULES] == []


def test_no_module_is_in_a_circle_of_imports() -> None:
    graph = grimp.build_graph("studio", "recipes", cache_dir=None, exclude_type_checking_imports=False)
    assert circles(graph) == []


def test_no_section_banners() -> None:
    """A comment between two blank lines heads a section of a file; a file with sections has several subjects."""
    found: list[str] = []
    for path in MODULES:
        lines = ["", *path.read_text("utf-8").split("\n"), ""]
        found += [
            f"{name(path)}:{at}: {line.strip()}"
            for at, line in enumerate(lines)
            if line.lstrip().startswith("# ") and not lines[at - 1].strip() and not lines[at + 1].strip()
        ]
    assert found == []


def circles(graph: grimp.ImportGraph) -> list[list[str]]:
    """Groups of modules that all import each other, directly or not (Tarjan 1972)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = low[module] = len(number)
        stack.append(module)
        for other in sorted(graph.find_modules_directly_imported_by(module)):
            if other not in number:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], number[other])
        if low[module] == number[module]:
            at = stack.index(module)
            group = stack[at:]
            del stack[at:]
            if len(group) > 1:
                found.append(sorted(group))

    for module in sorted(graph.modules):
        if module not in number:
            visit(module)
    return found


def test_the_map_is_complete() -> None:
    assert (ROOT / "docs" / "architecture.md").read_text("utf-8") == architecture.updated(), (
        "Run `python -m tests.architecture` to bring the tree in docs/architecture.md up to date."
    )
