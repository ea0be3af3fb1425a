"""The avatar page with the starter itself: sixteen faces, a slider that is dragged, keep, undo, and the next start."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from qasync import QEventLoop

from studio.studio import Studio
from studio.system.paths import AppPaths
from tests.ui.avatar_actions import brief, handle, inside, page, works
from tests.ui.conftest import Desk

LONG = 120.0  # seconds that torch and the starter may take to come


def test_the_starter_is_under_the_hand(home: Path, loop: QEventLoop) -> None:
    desk = Desk(home, loop, studio=Studio(AppPaths.under(home)))
    desk.window.resize(1280, 800)
    panel, inspector = page(desk)
    before = brief(panel)
    desk.click("faces")
    desk.until(lambda: panel.stage_area.candidates.done == 16 or panel.error.message(), LONG)
    assert not panel.error.message()
    desk.settle()
    spot = panel.stage_area.candidates.cell(6).center().toPoint()
    inside(desk, QTest.mouseClick, panel.stage_area.candidates, Qt.MouseButton.LeftButton, pos=spot)
    chosen = brief(panel)
    assert chosen.seed == inspector.session.candidates.faces[6].seed
    desk.until(lambda: panel.stage.image.width() == 512, LONG)  # type: ignore[attr-defined]
    resting = panel.stage.image.copy()  # type: ignore[attr-defined]

    line = inspector.traits.sliders["Hair colour"]
    inside(desk, QTest.mousePress, line.slider, Qt.MouseButton.LeftButton, pos=handle(line.slider))
    aim = 10 if line.value > 0.5 else line.slider.width() - 10
    for step in range(1, 9):
        x = round(handle(line.slider).x() + (aim - handle(line.slider).x()) * step / 8)
        inside(desk, QTest.mouseMove, line.slider, QPoint(x, 10))
    desk.until(lambda: panel.stage.image.width() < 512, LONG)  # type: ignore[attr-defined]
    assert brief(panel) == chosen, "the brief waits for the button"
    inside(desk, QTest.mouseRelease, line.slider, Qt.MouseButton.LeftButton, pos=QPoint(aim, 10))
    moved = brief(panel)
    assert [trait.name for trait in moved.traits] == ["Hair colour"]
    desk.until(lambda: panel.stage.image.width() == 512, LONG)  # type: ignore[attr-defined]
    assert panel.stage.image != resting  # type: ignore[attr-defined]

    desk.click("keepFace")
    desk.until(lambda: panel.asset is not None, LONG)
    assert works(desk)[0].traits == moved.traits
    desk.act("undo")
    assert brief(panel) == chosen
    desk.until(lambda: panel.asset is None and panel.stage.image == resting, LONG)  # type: ignore[attr-defined]
    desk.act("undo")
    assert brief(panel) == before
    desk.close()

    again = Desk(home, loop, studio=Studio(AppPaths.under(home)))
    assert again.panel("avatar").asset is not None
    assert brief(again.panel("avatar")) == before
    again.close()
