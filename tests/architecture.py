"""Writes the map of the modules in docs/architecture.md from their first lines: `python -m tests.architecture`."""

from __future__ import annotations

from pathlib import Path

from tests import written_section

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "docs" / "architecture.md"
QUOTES = '"""'
BEGIN, END = "<!-- modules: written by `python -m tests.architecture` -->", "<!-- end of modules -->"


def first_line(path: Path) -> str:
    """The first line of a module's docstring, which begins the file; "" where none does."""
    head = path.read_text("utf-8").split("\n", 1)[0]
    return head.removeprefix(QUOTES).partition(QUOTES)[0].strip() if head.startswith(QUOTES) else ""


def tree() -> str:
    """A section for each package, a line for each module in it."""
    lines: list[str] = []
    for package in sorted((ROOT / "studio").rglob("__init__.py")):
        folder = package.parent
        if not any(path.stem != "__init__" for path in folder.glob("*.py")):
            continue
        lines += [f"### {folder.relative_to(ROOT).as_posix()}/", "", first_line(package), ""]
        modules = sorted(path for path in folder.glob("*.py") if path.stem != "__init__")
        lines += [f"- `{path.stem}`: {first_line(path)}" for path in modules]
        lines.append("")
    return "\n".join(lines)


def updated() -> str:
    """docs/architecture.md as it should be: its own text, and the tree as it is now."""
    return written_section.updated(FILE, BEGIN, END, tree())


if __name__ == "__main__":
    FILE.write_text(updated(), "utf-8")
