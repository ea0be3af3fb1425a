"""The composer: what a person is told where not even the window can open."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_a_system_without_the_libraries_of_the_window_says_where_to_look(tmp_path: Path) -> None:
    (tmp_path / "PySide6").mkdir()
    missing = "libEGL.so.1: cannot open shared object file: No such file or directory"
    (tmp_path / "PySide6" / "__init__.py").write_text(f"raise ImportError({missing!r})\n", encoding="utf-8")
    path = os.pathsep.join((str(tmp_path), str(ROOT)))
    done = subprocess.run(
        [sys.executable, "-P", "-m", "studio"],
        env={**os.environ, "PYTHONPATH": path, "STUDIO_PROGRAM": "python3 run.py"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    words = f"The window cannot be opened: {missing}. `python3 run.py doctor` says what is missing here.\n"
    assert done.stderr == words


def test_an_unusable_home_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    environment = {**os.environ, "STUDIO_HOME": str(tmp_path / "file" / "home")}
    done = subprocess.run(
        [sys.executable, "-m", "studio"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "The library could not be opened" in done.stderr
    assert "Choose another folder." in done.stderr
    assert len(done.stderr.splitlines()) == 1
