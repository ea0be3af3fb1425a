"""The window's thread does not read the disk in a drag, for a candidate, or when another page is shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from qasync import QEventLoop

from tests.disk import disk_reads
from tests.faces import FaceEngine
from tests.ui.avatar_actions import brief, face_desk, handle, inside, page, pick, shows, sixteen
from tests.ui.conftest import Desk


@pytest.fixture
def desk(home: Path, loop: QEventLoop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with face_desk(home, loop, monkeypatch) as made:
        made.until(lambda: made.window._preloader.ready)
        yield made


def test_a_drag_reads_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    panel, inspector = page(desk)
    slider = inspector.traits.sliders["Hair"].slider
    inside(desk, QTest.mousePress, slider, Qt.MouseButton.LeftButton, pos=handle(slider))
    inside(desk, QTest.mouseMove, slider, QPoint(30, slider.height() // 2))
    desk.until(lambda: panel.stage_area.on_stage)
    frames = len(FaceEngine.asked)
    with disk_reads(monkeypatch) as reads:
        for x in (40, 60, 80, 100):
            inside(desk, QTest.mouseMove, slider, QPoint(x, slider.height() // 2))
            held = inspector.session.live
            assert held is not None
            desk.until(lambda held=held: shows(panel, held.replace(size="native")) or shows(panel, held))
    assert len(FaceEngine.asked) >= frames + 4
    assert reads == []
    inside(desk, QTest.mouseRelease, slider, Qt.MouseButton.LeftButton, pos=QPoint(100, slider.height() // 2))
    desk.until(lambda: shows(panel, brief(panel)))


def test_candidates_read_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    sixteen(desk)
    pick(desk, 3)
    with disk_reads(monkeypatch) as reads:
        sixteen(desk)
        pick(desk, 5)
    assert reads == []


def test_a_page_turn_reads_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = ("page.poster", "page.story", "page.music", "page.library", "page.avatar")
    for name in pages:  # each is made when it is first opened
        desk.act(name)
        desk.idle()
    with disk_reads(monkeypatch) as reads:
        for name in pages:
            desk.act(name)
            desk.idle()
    assert reads == []


def test_a_form_whose_model_is_gone_reads_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    panel, _ = page(desk)
    panel.brief.form.set_value(brief(panel).replace(model="gone"))
    desk.settle()
    with disk_reads(monkeypatch) as reads:
        for seed in (5, 6, 7):
            panel.brief.form.set_value(brief(panel).replace(seed=seed))
            desk.settle()
    assert brief(panel).model == "gone"
    assert reads == []


def test_going_through_works_reads_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    panel, _ = page(desk)
    panel.brief.count.setCurrentIndex(0)
    for _ in range(3):
        desk.click("generate")
        desk.idle()
    shown = [panel.asset]
    with disk_reads(monkeypatch) as reads:
        for name in ("next", "next", "previous"):
            desk.act(name)
            desk.until(lambda: not panel.stage.loading)
            shown.append(panel.asset)
        desk.settle()
    assert shown[3] == shown[1]
    assert len({asset.id for asset in shown if asset is not None}) == 3
    assert reads == []


def test_candidates_that_are_works_read_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    panel, _ = page(desk)
    panel.brief.count.setCurrentIndex(panel.brief.count.findData(9))
    grid = panel.stage_area.candidates
    with disk_reads(monkeypatch) as reads:
        desk.click("generate")
        desk.until(lambda: grid.isVisible() and grid.done == 9)
        inside(desk, QTest.mouseClick, grid, Qt.MouseButton.LeftButton, pos=grid.cell(4).center().toPoint())
        desk.until(panel.stage.isVisible)
        desk.act("cancel")
        desk.until(grid.isVisible)
    assert grid.done == 9
    # What a new work asks of the index.
    assert [each for each in reads if not each.endswith("index.sqlite")] == []
