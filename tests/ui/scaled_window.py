"""Visits every place of the window in a process of its own, whose scale the caller has set; prints what is wrong."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtWidgets import QApplication

from studio.ui.app import event_loop
from studio.ui.widgets.theme import theme
from tests.ui.conftest import Desk
from tests.ui.window_tour import blurred, clipped, fill, outside, overlapping, places


def main(scale: float, scheme: str, home: Path, pictures: Path | None) -> list[str]:
    app = QApplication(["studio"])
    QApplication.setQuitOnLastWindowClosed(False)
    loop = event_loop(app)
    desk = Desk(home, loop)
    faults: list[str] = []
    count = 0
    try:
        assert desk.window.devicePixelRatioF() == scale
        fill(desk)
        desk.window.resize(1024, 640)
        theme().choose(scheme)
        for name, shown in places(desk):
            count += 1
            if pictures is not None:
                shown.grab().save(str(pictures / f"{name}-{scheme}-{scale:g}.png"))
            for look in (clipped, outside, overlapping, blurred):
                faults += [f"{name}: {fault}" for fault in look(shown)]
    finally:
        desk.close()
        loop.close()
    print(f"looked at {count} places")  # noqa: T201
    return faults


if __name__ == "__main__":
    faults = main(float(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]) if len(sys.argv) > 4 else None)
    sys.exit("\n".join(dict.fromkeys(faults)) if faults else 0)
