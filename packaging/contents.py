"""What goes into the packaged folder: the libraries that the studio asks for, whole, and Python's standard library."""

from __future__ import annotations

import ast
import re
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
QT = {"pyside6-essentials", "shiboken6"}
"""PyInstaller knows which parts of Qt belong to which module; everything else is copied as it is installed."""

COPYLEFT = re.compile(r"(?<!L)GPL|Affero|General Public License", re.IGNORECASE)
"""Licences that would reach to the whole folder. The LGPL does not, as long as its libraries can be replaced."""

NOT_SHIPPED = {"av", "tkinter", "pip"}
# GPL (GNU readline, gdbm), AGPL (Berkeley DB) or of no use in a window; Python works without each of them.
STANDARD_LEFT_OUT = {
    "readline", "_gdbm", "_dbm", "dbm.gnu", "dbm.ndbm", "_tkinter", "tkinter", "turtle", "turtledemo", "idlelib",
    "lib2to3", "ensurepip", "venv", "test", "_curses", "_curses_panel", "curses", "nis", "antigravity", "this",
    "__phello__",
}  # fmt: skip
COPYLEFT_LIBRARIES = re.compile(r"lib(readline|gdbm|db-|x264|x265|avcodec|avformat|swscale)")
WITH_TESTS = {"numpy", "scipy", "sympy", "networkx", "psutil", "mpmath"}  # that ship their own tests
# Parts of Qt for devices without a desktop, and GTK's look, which would mix the builder's GTK with the user's.
QT_LEFT_OUT = re.compile(
    r"(PySide6/Qt/lib/)?libQt6EglF|"
    r"PySide6/Qt/plugins/(egldeviceintegrations/|platformthemes/libqgtk3|platforms/libq(eglfs|linuxfb|minimalegl|vkkhr|vnc))"
)
# Every system has these, and graphics drivers need them as new as the system's.
OF_THE_SYSTEM = re.compile(r"lib(stdc\+\+|gcc_s)\.so")


def name_of(requirement: str) -> str:
    """The normal form of the name that a requirement begins with."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""


def distributions() -> dict[str, metadata.Distribution]:
    """What pyproject.toml asks for without extras, and what that brings along, as far as it is installed."""
    wanted = list(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"])
    found: dict[str, metadata.Distribution] = {}
    while wanted:
        line = wanted.pop()
        name = name_of(line)
        if name in found or "extra ==" in line:
            continue
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            if ";" not in line:
                raise
            continue  # a marker decided that it is not for this Python or system
        wanted += found[name].requires or []
    return dict(sorted(found.items()))


def licence(distribution: metadata.Distribution) -> str:
    """As the package states it: an expression, else its classifiers, else the first line of its field."""
    for expression in distribution.metadata.get_all("License-Expression") or []:
        return expression
    every = distribution.metadata.get_all("Classifier") or []
    classifiers = [line.split(" :: ")[-1] for line in every if line.startswith("License")]
    stated = "\n".join(distribution.metadata.get_all("License") or ["not stated"])
    return ", ".join(classifiers) or stated.strip().partition("\n")[0]


def reaches_to_the_whole(terms: str) -> bool:
    """Whether a licence is copyleft for the folder as a whole; one that offers another choice is not."""
    choices = re.split(r"\bOR\b", re.sub(r"\bLesser General Public License", "LGPL", terms))
    return all(COPYLEFT.search(choice) for choice in choices)


def files(distribution: metadata.Distribution) -> Iterator[tuple[Path, str]]:
    """Each file of a package with its place in the folder, without what only its developers use."""
    for entry in distribution.files or []:
        place = entry.as_posix()
        if place.startswith("..") or place.endswith((".pyc", ".pyi", ".a", ".lib", ".pdb", ".h", ".hpp", ".cuh")):
            continue
        if place.startswith(("torch/include/", "torch/test/", "torch/share/", "torch/bin/")):
            if place != "torch/bin/torch_shm_manager":
                continue
        elif "tests" in entry.parts[:-1] and entry.parts[0] in WITH_TESTS:
            continue
        path = Path(str(entry.locate()))
        if path.is_file():
            yield path, place


def top_names(distribution: metadata.Distribution) -> set[str]:
    """The modules that a package installs."""
    first = {entry.parts[0] for entry in distribution.files or [] if entry.suffix in (".py", ".so", ".pyd")}
    return {name.partition(".")[0] for name in first if not name.startswith("..") and "-" not in name}


def standard_library() -> list[str]:
    """The names of all modules of the standard library that are shipped: libraries import some only when used."""
    folder = Path(sysconfig.get_path("stdlib"))
    found = set(sys.builtin_module_names)
    for path in folder.rglob("*.py"):
        parts = path.relative_to(folder).with_suffix("").parts
        if parts[0] in ("site-packages", "dist-packages", "lib-dynload") or "-" in parts[0]:
            continue
        if {"test", "tests", "__main__", "idle_test"} & set(parts):
            continue
        found.add(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    for extensions in ((folder / "lib-dynload").glob("*.so"), (Path(sys.base_prefix) / "DLLs").glob("*.pyd")):
        found |= {path.name.partition(".")[0] for path in extensions}
    return sorted(name for name in found if not left_out(name) and not name.startswith(("_test", "xx")))


def left_out(module: str) -> bool:
    return any(module == name or module.startswith(name + ".") for name in STANDARD_LEFT_OUT)


def used(binaries: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Without what is left out, and without system libraries that only that needed.

    `binaries` are PyInstaller's (place, path, kind); the system's libraries have a place without a folder.
    """
    from PyInstaller.depend.bindepend import get_imports

    kept = [each for each in binaries if not may_not_be_shipped(each[0].replace("\\", "/"))]
    if not sys.platform.startswith("linux"):
        return kept
    loose = {place: path for place, path, kind in kept if kind == "BINARY" and re.fullmatch(r"lib[^/]*", place)}
    needed = {place for place in loose if place.startswith("libpython")}
    wanted = [path for place, path, kind in kept if kind in ("BINARY", "EXTENSION") and place not in loose]
    wanted += [loose[place] for place in needed]
    while wanted:
        for name, _ in get_imports(wanted.pop()):
            if name in loose and name not in needed:
                needed.add(name)
                wanted.append(loose[name])
    return [each for each in kept if each[0] not in loose or each[0] in needed]


def may_not_be_shipped(place: str) -> bool:
    """Whether a binary is to stay out of the folder, by its place there."""
    name = place.rpartition("/")[2]
    return bool(QT_LEFT_OUT.match(place) or OF_THE_SYSTEM.match(place) or COPYLEFT_LIBRARIES.match(name))


def qt_modules() -> list[str]:
    """The modules of PySide6 that the studio imports."""
    found: set[str] = set()
    for file in (ROOT / "studio").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names if alias.name.startswith("PySide6.")}
            elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("PySide6."):
                found.add(node.module)
            elif isinstance(node, ast.ImportFrom) and node.module == "PySide6":
                found |= {f"PySide6.{alias.name}" for alias in node.names}
    return sorted(found)


def sources() -> Iterator[tuple[Path, str]]:
    """The studio itself, laid out as in the source tree: it imports engines and pages by name."""
    for top in ("studio", "resources"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path, path.relative_to(ROOT).as_posix()
    for name in ("LICENSE", "NOTICE"):
        yield ROOT / name, name
