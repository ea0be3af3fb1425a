"""A Generate click and a slider's move pass through few files, those that docs/architecture.md names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from qasync import QEventLoop

from tests.ui.avatar_actions import brief, face_desk, handle, inside, page, shows
from tests.ui.call_path import CallPath
from tests.ui.conftest import Desk

HAND = ("ui/avatar/sliders.py", "ui/avatar/session.py", "ui/avatar/live_jobs.py")
JOB = ("studio.py", "jobs/queue.py", "jobs/lane.py", "jobs/worker.py")
WORK = ("jobs/results.py", "library/library.py")
RELAY = "ui/background.py"
STAGE = ("ui/stages/image.py", "ui/stages/canvas.py")


@pytest.fixture
def path() -> Iterator[CallPath]:
    made = CallPath()
    yield made
    made.close()


@pytest.fixture
def desk(path: CallPath, home: Path, loop: QEventLoop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with face_desk(home, loop, monkeypatch) as made:
        made.until(lambda: made.window._preloader.ready)
        yield made


def test_the_move_of_a_slider(desk: Desk, path: CallPath) -> None:
    panel, inspector = page(desk)
    slider = inspector.traits.sliders["Hair"].slider
    inside(desk, QTest.mousePress, slider, Qt.MouseButton.LeftButton, pos=handle(slider))
    inside(desk, QTest.mouseMove, slider, QPoint(30, slider.height() // 2))
    desk.until(lambda: panel.stage_area.on_stage)
    desk.settle()
    with path.recorded():
        inside(desk, QTest.mouseMove, slider, QPoint(60, slider.height() // 2))
        face = inspector.session.live
        assert face is not None
        desk.until(lambda: shows(panel, face.replace(size="native")) or shows(panel, face))
    inside(desk, QTest.mouseRelease, slider, Qt.MouseButton.LeftButton, pos=QPoint(60, slider.height() // 2))
    desk.until(lambda: shows(panel, brief(panel)))
    assert path.files == [*HAND, *JOB, RELAY, *STAGE]


def test_a_click_on_generate(desk: Desk, path: CallPath) -> None:
    panel, _ = page(desk)
    panel.brief.count.setCurrentIndex(0)
    desk.settle()
    with path.recorded():
        desk.click("generate")
        desk.until(lambda: panel.asset is not None and not panel.stage.loading)
    assert path.files == ["ui/panel/panel.py", *JOB, *WORK, RELAY, *STAGE]
