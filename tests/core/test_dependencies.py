"""What a plain installation brings: everything that the studio imports, without what only its developers install."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from studio.support.credits import LIBRARIES

ROOT = Path(__file__).resolve().parent.parent.parent
BROUGHT_ALONG = {"shiboken6"}  # by PySide6, of which it is a part


def imported(source: str) -> set[str]:
    """The first names of all modules that a source imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = (re.match(r"[\w.-]+", line) for line in project["dependencies"])
    return {normal(name[0]) for name in names if name}


def test_the_studio_imports_only_what_its_own_start_installs(declared: set[str]) -> None:
    makers = metadata.packages_distributions()
    known = {"studio", *sys.stdlib_module_names, *BROUGHT_ALONG}
    missing: dict[str, str] = {}
    for file in sorted((ROOT / "studio").rglob("*.py")):
        for module in imported(file.read_text("utf-8")) - known:
            if not declared.intersection(map(normal, makers.get(module, [module]))):
                missing[module] = str(file.relative_to(ROOT))
    assert missing == {}


def test_about_and_doctor_name_what_is_asked_for(declared: set[str]) -> None:
    assert {normal(name) for name in LIBRARIES} == declared
