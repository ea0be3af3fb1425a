"""The window on machines that lack what it shows text with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the system's fonts cannot be hidden there")
def test_a_machine_without_fonts_still_works(tmp_path: Path) -> None:
    nothing = tmp_path / "fonts.conf"
    nothing.write_text('<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig></fontconfig>')
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from PySide6.QtCore import QTimer\n"
        "from PySide6.QtGui import QFontDatabase\n"
        "from PySide6.QtWidgets import QApplication\n"
        "from studio.ui import app\n"
        "from tests.studios import fake_studio\n"
        "studio = fake_studio(Path(sys.argv[1]))\n"
        "app.application(['studio'], studio)\n"
        "print(len(QFontDatabase.families()))\n"
        "def use():\n"
        "    window = next((one for one in QApplication.topLevelWidgets() if one.isVisible()), None)\n"
        "    if window is None:\n"
        "        return QTimer.singleShot(10, use)\n"
        "    window.panel('poster').generate.click()\n"
        "    wait(window, 600)\n"
        "def wait(window, left):\n"
        "    if left and not studio.library.count():\n"
        "        QTimer.singleShot(100, lambda: wait(window, left - 1))\n"
        "    else:\n"
        "        print(studio.library.count())\n"
        "        window.close()\n"
        "QTimer.singleShot(0, use)\n"
        "sys.exit(app.run(studio, ['studio']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "home")],
        cwd=ROOT,
        env={**os.environ, "FONTCONFIG_FILE": str(nothing), "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    families, works = map(int, done.stdout.split())
    assert families <= 3, "only the names of generic families are left"
    assert works == 1
    assert "Traceback" not in done.stderr
