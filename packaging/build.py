#!/usr/bin/env python3
"""Builds a folder that runs the studio without an installed Python: python3 packaging/build.py [--out FOLDER]"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE)]

TOOLS = ("pyinstaller==6.22.3", "pyinstaller-hooks-contrib==2026.9")
NAME = "aigc-studio"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "packaged", help="default: %(default)s")
    out: Path = parser.parse_args().out.resolve()
    in_own_python()
    import contents

    start = time.monotonic()
    refuse_copyleft()
    out.mkdir(parents=True, exist_ok=True)
    tools = install_tools(out)
    if sys.platform != "linux":
        draw_icons(out)
    environment = {**os.environ, "PYTHONPATH": str(tools), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level=WARN"]
    command += [f"--distpath={out}", f"--workpath={out / 'work'}", str(HERE / "studio.spec")]
    subprocess.run(command, env=environment, cwd=ROOT, check=True)
    folder = out / NAME
    inside = folder / "_internal"
    compile_sources(inside)
    found = [str(path) for path in inside.rglob("*") if contents.COPYLEFT_LIBRARIES.match(path.name)]
    if found:
        raise SystemExit("These may not be shipped: " + ", ".join(found))
    lost = [str(path) for path in inside.rglob("*") if path.is_symlink() and not path.exists()]
    if lost:
        raise SystemExit("These links lead nowhere: " + ", ".join(lost))
    for name in ("LICENSE", "NOTICE"):
        shutil.copy2(ROOT / name, folder / name)
    shutil.copytree(HERE / "licences", folder / "licences")  # the wheels of Qt and libsndfile bring none along
    if sys.platform == "linux":
        add_desktop_files(folder)
        add_system_licences(inside)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    count = sum(1 for path in folder.rglob("*") if path.is_file())
    seconds = time.monotonic() - start
    sys.stdout.write(f"{folder}: {size / 1e6:.0f} MB in {count} files, built in {seconds:.0f} s\n")
    return 0


def in_own_python() -> None:
    """Go on in the studio's own environment, which run.py prepares where it is missing."""
    import run

    if Path(sys.prefix) != run.VENV:
        run.prepare(set())
        sys.exit(run.follow([str(run.venv_python()), str(HERE / "build.py"), *sys.argv[1:]]))


def refuse_copyleft() -> None:
    """Stop where a library's licence would reach to the whole folder."""
    import contents

    for name, each in contents.distributions().items():
        if contents.reaches_to_the_whole(contents.licence(each)):
            raise SystemExit(f"{name} is under {contents.licence(each)}: it must not be shipped.")


def install_tools(out: Path) -> Path:
    """PyInstaller in a folder of its own, so that the studio's environment stays what it is."""
    tools = out / "tools"
    if not (tools / "PyInstaller").is_dir():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--target", str(tools), *TOOLS], check=True)
    return tools


def compile_sources(inside: Path) -> None:
    """Compile the copied sources: the packaged Python keeps no compiled file, so each start would compile them anew."""
    command = [sys.executable, "-m", "compileall", "-q", "-j0", "--invalidation-mode=unchecked-hash"]
    subprocess.run([*command, "-s", str(inside), str(inside)], check=False, stdout=subprocess.DEVNULL)


def draw_icons(out: Path) -> None:
    """The icon in the form that Windows or macOS wants, drawn from the SVG."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PIL import Image
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QGuiApplication, QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    app = QGuiApplication([])
    image = QImage(1024, 1024, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(str(HERE / "linux" / f"{NAME}.svg")).render(painter)
    painter.end()
    image.save(str(out / f"{NAME}.png"))
    del app
    with Image.open(out / f"{NAME}.png") as drawn:
        drawn.save(out / f"{NAME}.{'ico' if sys.platform == 'win32' else 'icns'}")


def add_desktop_files(folder: Path) -> None:
    """What a Linux desktop reads, in the places below share/ that it has under /usr and ~/.local."""
    places = {
        f"{NAME}.desktop": "applications",
        f"{NAME}.svg": "icons/hicolor/scalable/apps",
        f"{NAME}.metainfo.xml": "metainfo",
    }
    for name, place in places.items():
        target = folder / "share" / place
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy2(HERE / "linux" / name, target / name)
    shutil.copy2(HERE / "linux" / "add-to-menu.sh", folder / "add-to-menu.sh")


def add_system_licences(inside: Path) -> None:
    """The licence of each library that comes from the system that builds, as Debian's packages state it."""
    if shutil.which("dpkg-query") is None:
        return
    target = inside / "licences-of-system-libraries"
    target.mkdir(exist_ok=True)
    for path in inside.glob("lib*.so*"):
        found = subprocess.run(["dpkg-query", "-S", f"*/{path.name}"], capture_output=True, text=True, check=False)
        for package in set(re.findall(r"^([^:,\s]+)", found.stdout, re.M)):
            terms = Path("/usr/share/doc") / package / "copyright"
            if terms.exists():
                shutil.copyfile(terms, target / f"{package}.txt")


if __name__ == "__main__":
    sys.exit(main())
