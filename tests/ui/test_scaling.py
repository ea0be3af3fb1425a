"""On screens of 150 % and 200 %: nothing cut off, nothing blurred, nothing outside the window, on every page."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0  # seconds that the whole way through the window may take


@pytest.mark.parametrize(("scale", "scheme"), [("1.5", "light"), ("2", "dark")])
def test_every_page_fits_and_is_crisp(scale: str, scheme: str, home: Path) -> None:
    asked = {**os.environ, "QT_SCALE_FACTOR": scale, "QT_QPA_PLATFORM": "offscreen", "STUDIO_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.ui.scaled_window", scale, scheme, str(home)],
        cwd=ROOT,
        env=asked,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    looked = int(done.stdout.split("looked at ")[1].split()[0])
    assert looked >= 16, "seven pages, two sections, queue, palette, welcome and four dialogs"
