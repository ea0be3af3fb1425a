"""What a plain installation brings: everything that the studio imports, without what only its developers install."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

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


@pytest.fixture(scope="module")
def contents() -> Any:
    """packaging/contents.py, which decides what a packaged folder holds."""
    spec = importlib.util.spec_from_file_location("contents", ROOT / "packaging" / "contents.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("licence", "copyleft"),
    [
        ("BSD-3-Clause", False),
        ("MPL-2.0 AND MIT", False),
        ("LGPL-3.0-only OR GPL-2.0-only OR GPL-3.0-only", False),
        ("GNU Library or Lesser General Public License (LGPL)", False),
        ("GPL-3.0-or-later", True),
        ("MIT AND GPL-2.0-only", True),
        ("GNU General Public License v3 (GPLv3)", True),
        ("GNU General Public License, version 2", True),
        ("GNU Affero General Public License v3", True),
    ],
)
def test_knows_which_licences_reach_to_the_whole_folder(contents: Any, licence: str, copyleft: bool) -> None:
    assert contents.reaches_to_the_whole(licence) is copyleft


def test_a_packaged_folder_holds_what_the_studio_asks_for_and_nothing_copyleft(
    contents: Any, declared: set[str]
) -> None:
    found = contents.distributions()
    assert declared <= set(found)
    assert "av" not in found
    terms = {name: contents.licence(each) for name, each in found.items()}
    assert {name: words for name, words in terms.items() if contents.reaches_to_the_whole(words)} == {}


@pytest.mark.parametrize(("system", "platform"), [("Linux", "linux"), ("Windows", "win32"), ("Darwin", "darwin")])
def test_what_a_system_asks_for_alone_is_pinned(declared: set[str], system: str, platform: str) -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = {normal(line.partition("==")[0]) for line in lines if not line.startswith("#")}
    where = {"sys_platform": platform, "platform_system": system, "os_name": "nt" if platform == "win32" else "posix"}
    asked, seen = set(declared), set[str]()
    while asked - seen:
        name = (asked - seen).pop()
        seen.add(name)
        try:
            requirements = map(Requirement, metadata.requires(name) or [])
        except metadata.PackageNotFoundError:  # of another system
            continue
        asked |= {
            normal(each.name)
            for each in requirements
            if each.marker is None or each.marker.evaluate({**where, "extra": ""})
        }
    assert asked - pinned == set()


def test_about_and_doctor_name_what_is_asked_for(declared: set[str]) -> None:
    assert {normal(name) for name in LIBRARIES} == declared
