"""The rules of the house, checked: the walls between its rooms, ruff, and a window that opens without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from tests.walls import Wall

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "diffusers", "transformers", "accelerate")


def python(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False)


def wall(**options: list[str]) -> Wall:
    return Wall("a wall", {"root_packages": ["house"]}, options)


def graph(*imports: tuple[str, str]) -> grimp.ImportGraph:
    made = grimp.ImportGraph()
    for importer, imported in imports:
        made.add_import(importer=importer, imported=imported)
    return made


def test_wall_holds_without_a_way_through() -> None:
    house = graph(("house.hall", "house.stairs"), ("house.cellar", "torch"))
    assert wall(modules=["house.hall"], forbidden=["torch"]).check(house, verbose=False).kept


def test_wall_names_the_way_through() -> None:
    house = graph(("house.hall", "house.stairs"), ("house.stairs", "house.cellar"), ("house.cellar", "torch"))
    check = wall(modules=["house.hall"], forbidden=["torch"]).check(house, verbose=False)
    assert not check.kept
    assert check.metadata["chains"] == [("house.hall", "house.stairs", "house.cellar", "torch")]


def test_wall_reports_a_breach_where_it_leaves() -> None:
    house = graph(("house.hall", "house.stairs"), ("house.stairs", "torch"))
    check = wall(modules=["house.*"], forbidden=["torch"]).check(house, verbose=False)
    assert check.metadata["chains"] == [("house.stairs", "torch")]


def test_wall_lets_through_what_it_excepts() -> None:
    house = graph(("house.cellar", "torch"))
    assert wall(**{"modules": ["house.*"], "except": ["house.cellar"], "forbidden": ["torch"]}).check(house, False).kept


def test_the_walls_stand() -> None:
    run = python("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache")
    assert run.returncode == 0, run.stdout + run.stderr


def test_ruff_finds_nothing() -> None:
    run = python("-m", "ruff", "check", "--no-cache", ".")
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("module", ["studio.backends", "studio.ui.app", "studio.cli.main", "studio.studio"])
def test_opens_without_torch(module: str) -> None:
    code = f"import {module}, sys; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    run = python("-c", code)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == ""


def test_core_opens_without_qt() -> None:
    code = "import studio.studio, sys; print('PySide6' in sys.modules)"
    run = python("-c", code)
    assert run.stdout.strip() == "False", run.stderr
