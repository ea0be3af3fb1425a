"""Actions on the avatar page for tests, and what it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QSlider
from qasync import QEventLoop

from studio.backends.avatar.requests import AvatarRequest
from studio.library.library import LibraryQuery
from studio.studio import Studio
from studio.ui.avatar.inspector import AvatarInspector
from studio.ui.panel.panel import Panel
from studio.ui.stages.image import ImageStage
from tests.faces import FaceEngine, face, face_studio
from tests.ui.conftest import Desk, no_unexpected_errors


@contextmanager
def face_desk(
    home: Path, loop: QEventLoop, monkeypatch: pytest.MonkeyPatch, studio: Studio | None = None
) -> Iterator[Desk]:
    """The window on a studio with faces, which come at once; an unhandled error fails the test."""
    monkeypatch.setattr(FaceEngine, "asked", [])
    monkeypatch.setattr(FaceEngine, "pause", 0.0)
    FaceEngine.gate.set()
    with no_unexpected_errors(loop):
        made = Desk(home, loop, studio=studio or face_studio(home))
        made.window.resize(1280, 800)
        yield made
        FaceEngine.gate.set()
        made.close()


def page(desk: Desk) -> tuple[Panel, AvatarInspector]:
    panel = desk.panel("avatar")
    assert isinstance(panel.inspector, AvatarInspector)
    return panel, panel.inspector


def inside(desk: Desk, action: Callable[..., object], *args: Any, **more: Any) -> None:
    """Call a function while the loop runs, as handlers of events do."""

    async def do() -> None:
        action(*args, **more)

    desk.loop.run_until_complete(do())


def seen(panel: Panel) -> tuple[int, int, int]:
    """The colour of the picture on the stage."""
    assert isinstance(panel.stage, ImageStage)
    assert panel.stage_area.on_stage
    return _colour(panel.stage.image)


def _colour(image: QImage) -> tuple[int, int, int]:
    colour = QColor(image.pixelColor(image.width() // 2, image.height() // 2))
    return colour.red(), colour.green(), colour.blue()


def colour_of(request: AvatarRequest) -> tuple[int, int, int]:
    red, green, blue, _ = face(request)[0, 0]
    return int(red), int(green), int(blue)


def brief(panel: Panel) -> AvatarRequest:
    value = panel.form.value()
    assert isinstance(value, AvatarRequest)
    return value


def shows(panel: Panel, request: AvatarRequest) -> bool:
    return panel.stage_area.on_stage and seen(panel) == colour_of(request)


def sixteen(desk: Desk, button: str = "faces") -> None:
    panel, _ = page(desk)
    desk.click(button)
    desk.until(lambda: panel.stage_area.candidates.isVisible() and panel.stage_area.candidates.done == 16)


def pick(desk: Desk, at: int) -> None:
    panel, _ = page(desk)
    desk.settle()  # the grid moves when the filmstrip appears
    spot = panel.stage_area.candidates.cell(at).center().toPoint()
    inside(desk, QTest.mouseClick, panel.stage_area.candidates, Qt.MouseButton.LeftButton, pos=spot)
    desk.until(lambda: shows(panel, brief(panel)))


def handle(slider: QSlider) -> QPoint:
    share = (slider.value() - slider.minimum()) / (slider.maximum() - slider.minimum())
    return QPoint(round(8 + share * (slider.width() - 16)), slider.height() // 2)


def works(desk: Desk) -> list[AvatarRequest]:
    found = [AvatarRequest.from_json(each.request) for each in desk.studio.library.page(LibraryQuery(medium="avatar"))]
    return [each for each in found if isinstance(each, AvatarRequest)]
