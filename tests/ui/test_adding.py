"""Does what docs/adding.md says in a copy of the studio, a tool on a page and a setting, and counts the files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
QASYNC = "ignore:'asyncio.iscoroutinefunction' is deprecated:DeprecationWarning:qasync"  # as in pyproject.toml
DOC = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")


class Copy:
    """A copy of the studio's source that may be edited. `touched` are the files that were."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.touched: set[str] = set()
        shutil.copytree(ROOT / "studio", folder / "studio", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("resources", "tests"):
            (folder / name).symlink_to(ROOT / name)

    def add(self, name: str, text: str) -> None:
        """A new file."""
        self.touched.add(name)
        (self.folder / name).write_text(text, encoding="utf-8")

    def insert(self, name: str, *edits: tuple[str, str]) -> None:
        """Each text behind the line that begins with another."""
        self.touched.add(name)
        path = self.folder / name
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        for after, text in edits:
            at = next(at for at, line in enumerate(lines) if line.startswith(after))
            lines.insert(at + 1, text + "\n")
        path.write_text("".join(lines), encoding="utf-8")

    def run(self, script: str) -> None:
        """Run a script with this studio instead of the real one."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "STUDIO_HOME": str(self.folder / "home")}
        ended = subprocess.run(
            [sys.executable, "-W", "error", "-W", QASYNC, "-c", SCRIPT + script],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ended.returncode == 0, ended.stderr[-3000:]


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path / "copy")


def files_said(heading: str) -> int:
    """How many files the document says that something takes."""
    found = re.search(rf"^## {heading}\n\nFiles: (\d+)", DOC, re.MULTILINE)
    assert found is not None, heading
    return int(found[1])


SCRIPT = """
import asyncio
from pathlib import Path
from PySide6.QtWidgets import QApplication
import studio
from studio.system.paths import AppPaths
from tests.faces import FaceEngine, face_studio
from tests.ui.conftest import Desk, Loop

assert Path(studio.__file__).parent.parent == Path.cwd()
home = Path.cwd() / "home"
loop = Loop(QApplication(["studio"]))
asyncio.set_event_loop(loop)
FaceEngine.gate.set()
FaceEngine.pause = 0.0
desk = Desk(home, loop, studio=face_studio(home))
desk.until(lambda: desk.window._preloader.ready)
"""

TOOL = '''"""The tab that takes the next seed."""

from PySide6.QtWidgets import QWidget

from studio.ui.avatar.session import FaceSession
from studio.ui.widgets.controls import button
from studio.ui.widgets.layout import column
from studio.ui.widgets.text import tr


class NextSeedTab(QWidget):
    def __init__(self, session: FaceSession) -> None:
        super().__init__()
        self._session = session
        column(self).addWidget(button(tr("Next seed"), "takeNextSeed", clicked=self._take))

    def commands(self):
        return {"next.seed": self._take}

    def _take(self) -> None:
        self._session.settle(lambda face: face.replace(seed=face.seed + 1))
'''


def test_a_tool_on_the_avatar_page(copy: Copy) -> None:
    copy.add("studio/ui/avatar/next_seed_tab.py", TOOL)
    copy.insert(
        "studio/ui/avatar/inspector.py",
        (
            "from studio.ui.avatar.morph_tab import",
            "from studio.ui.avatar.next_seed_tab import NextSeedTab",
        ),
        (
            '        self.tabs.add("people"',
            "        self.next_seed = NextSeedTab(self.session)\n"
            '        self.tabs.add("next", tr("Next"), [self.next_seed])',
        ),
        ("            **self.characters.commands(),", "            **self.next_seed.commands(),"),
    )
    copy.insert(
        "studio/ui/avatar/__init__.py",
        ("COMMANDS = (", '    Command("next.seed", "Next see&d", CREATE, "Ctrl+Alt+N"),'),
    )
    copy.run("""
from tests.ui.avatar_actions import brief, page, shows

panel, inspector = page(desk)
seed = brief(panel).seed
desk.click("tab.next")
desk.click("takeNextSeed")
desk.until(lambda: shows(panel, brief(panel)))
assert brief(panel).seed == seed + 1
desk.act("next.seed")
desk.until(lambda: shows(panel, brief(panel)))
assert brief(panel).seed == seed + 2
desk.close()
""")
    assert len(copy.touched) == files_said("A tool on the avatar page")


def test_a_setting(copy: Copy) -> None:
    copy.insert(
        "studio/schema/settings.py",
        (
            "    reduced_motion: bool",
            '    window_name: str = field("", FreeText(label="Window name", help="Shown above the window.", '
            'group="Window"))',
        ),
    )
    copy.insert(
        "studio/ui/shell/window.py",
        (
            "        self.setWindowTitle(",
            "        self.setWindowTitle(studio.settings.window_name or self.windowTitle())",
        ),
    )
    copy.run("""
from PySide6.QtTest import QTest

title = desk.window.windowTitle()
desk.window.open("settings")
page = desk.window.pages.currentWidget()
line = desk.find("window_name")
QTest.keyClicks(line, "Mine")
desk.until(lambda: desk.studio.settings.window_name == "Mine")
assert 'window_name = "Mine"' in (AppPaths.under(home).config / "settings.toml").read_text("utf-8")
assert desk.window.windowTitle() == title
desk.close()
desk = Desk(home, loop, studio=face_studio(home))
assert desk.window.windowTitle() == "Mine"
desk.close()
""")
    assert len(copy.touched) == files_said("A setting")
