"""The stage for pictures: previews, zoom and pan, comparison, copying."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from PySide6.QtCore import QPoint, QPointF, QSizeF, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from studio.backends.poster.requests import PosterRequest
from studio.errors import Message, StudioError
from studio.library.asset import AssetRecord
from studio.library.library import Asset
from studio.media import codecs
from studio.media.payloads import Image
from studio.media.provenance import Provenance
from studio.ui.stages.canvas import MARGIN, ViewTransform
from studio.ui.stages.image import ImageStage
from studio.ui.widgets.theme import MOTION, theme
from tests.ui.conftest import Desk, Room

RED, BLUE = (200, 10, 10), (10, 10, 200)


def picture(wide: int, high: int, colour: tuple[int, int, int] = RED) -> Image:
    return Image(np.full((high, wide, 3), colour, np.uint8))


def work(folder: Path, name: str, payload: Image, **request: object) -> Asset:
    """A work as the library gives it, its file in a folder of the test."""
    path = folder / "works" / "2026-01" / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    codecs.write(payload, path)
    whole = {"kind": "poster", "prompt": f"a {name}", "seed": 5, **request}
    record = AssetRecord(name, 1, "poster", f"2026-01/{name}.png", 0.0, "", 1, title=name, request=whole)
    return record.to_asset(folder)


@pytest.fixture
def stage(room: Room) -> Iterator[ImageStage]:
    made = ImageStage()
    made.resize(600, 400)
    made.show()
    yield made
    made.hide()
    made.deleteLater()


Show = Callable[[Asset], None]


@pytest.fixture
def show(stage: ImageStage, room: Room) -> Show:
    """Shows a work, and waits until its picture is there."""

    def shown(asset: Asset) -> None:
        stage.show_asset(asset)
        room.until(lambda: not stage.loading)

    return shown


def colour_at(stage: ImageStage, x: float, y: float) -> tuple[int, int, int]:
    """The colour at a place of the stage, in shares of the canvas."""
    shot = stage.canvas.grab().toImage()
    colour = shot.pixelColor(int(x * (shot.width() - 1)), int(y * (shot.height() - 1)))
    return colour.red(), colour.green(), colour.blue()


def test_a_better_preview_keeps_the_view(stage: ImageStage) -> None:
    stage.preview(picture(64, 64))
    stage.zoom_to(3.0)
    stage.preview(picture(64, 64, BLUE))
    assert stage.scale == 3.0
    stage.preview(picture(64, 32))
    assert stage.scale != 3.0


def test_a_small_preview_has_the_place_of_the_picture(stage: ImageStage, show: Show, tmp_path: Path) -> None:
    stage.expect(PosterRequest(width=256, height=128))
    stage.preview(picture(32, 16))
    box, scale = stage.canvas.box(), stage.scale
    assert (box.width(), box.height()) == pytest.approx((552.0, 276.0))
    stage.preview(picture(128, 64))
    assert stage.canvas.box() == box
    show(work(tmp_path, "done", picture(256, 128)))
    assert stage.canvas.box() == box
    assert stage.scale == scale
    stage.preview(picture(40, 40))
    assert stage.canvas.box() != box


def test_works_of_one_size_keep_the_zoom(stage: ImageStage, show: Show, tmp_path: Path) -> None:
    show(work(tmp_path, "one", picture(300, 300)))
    stage.zoom_to(4.0)
    show(work(tmp_path, "two", picture(300, 300, BLUE)))
    assert stage.scale == 4.0
    show(work(tmp_path, "three", picture(200, 300)))
    assert stage.scale < 4.0


def test_the_wheel_zooms_at_the_pointer_and_a_drag_pans_to_the_edge() -> None:
    view = ViewTransform()
    view.size, held = QSizeF(1000, 1000), QPointF(100, 300)
    view.set_room(QSizeF(600, 400), 1.0)
    before = (held - view.box().topLeft()) / view.step
    view.zoom(2.0, QPointF(350, 200))
    view.fit()
    view.zoom(1.0)
    assert view.box().center() == QPointF(300, 200)
    at = QPointF(310, 210)
    spot = (at - view.box().topLeft()) / view.step
    view.zoom(2.0, at)
    after = (at - view.box().topLeft()) / view.step
    assert (after - spot).manhattanLength() < 1.0
    view.pan(QPointF(9000, 9000))
    assert view.box().topLeft() == QPointF(MARGIN, MARGIN)
    view.pan(QPointF(-90000, -90000))
    assert view.box().bottomRight() == QPointF(600 - MARGIN, 400 - MARGIN)
    view.zoom(0.1)
    assert view.box().center() == QPointF(300, 200)
    assert before.x() < 0


def test_keys_zoom_pan_and_copy(stage: ImageStage, show: Show, tmp_path: Path) -> None:
    show(work(tmp_path, "one", picture(500, 500)))
    fitted = stage.scale
    QTest.keyClick(stage, Qt.Key.Key_1)
    assert stage.scale == 1.0
    assert stage.percent.text() == "100 %"
    QTest.keyClick(stage, Qt.Key.Key_Plus)
    top = stage.canvas.box().top()
    QTest.keyClick(stage, Qt.Key.Key_Up)
    assert stage.canvas.box().top() > top
    left = stage.canvas.box().left()
    QTest.keyClick(stage, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert stage.canvas.box().left() < left
    QTest.keyClick(stage, Qt.Key.Key_0)
    assert stage.scale == fitted
    QTest.keyClick(stage, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().image().width() == 500
    assert stage.comparison is None


def test_two_are_compared_under_a_slider_and_side_by_side(stage: ImageStage, show: Show, tmp_path: Path) -> None:
    old, new = work(tmp_path, "old", picture(400, 400)), work(tmp_path, "new", picture(400, 400, BLUE))
    show(old)
    show(new)
    QTest.keyClick(stage, Qt.Key.Key_C)
    assert stage.bar.isVisible()
    assert colour_at(stage, 0.4, 0.3) == RED
    assert colour_at(stage, 0.6, 0.3) == BLUE
    room = stage.canvas.rect()
    QTest.mousePress(stage.canvas, Qt.MouseButton.LeftButton, pos=room.center())
    QTest.mouseMove(stage.canvas, QPoint(int(room.width() * 0.7), room.center().y()))
    QTest.mouseRelease(stage.canvas, Qt.MouseButton.LeftButton)
    assert colour_at(stage, 0.65, 0.3) == RED
    assert stage.scale < 1
    line = stage.comparison.share if stage.comparison else 0.0
    QTest.keyClick(stage, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert stage.comparison is not None
    assert stage.comparison.share == pytest.approx(line - 0.02, abs=0.002)
    QTest.keyClick(stage, Qt.Key.Key_S)
    assert colour_at(stage, 0.25, 0.5) == RED
    assert colour_at(stage, 0.75, 0.5) == BLUE
    assert colour_at(stage, 0.45, 0.05) != RED
    said = [label.text() for label in stage.bar.findChildren(QLabel)]
    assert said[0].startswith("Seed 5")
    assert "old" in stage.bar.left.full_text()
    assert "new" in stage.bar.right.full_text()
    stage.preview(picture(400, 400, (9, 200, 9)))
    assert colour_at(stage, 0.75, 0.5) == (9, 200, 9)
    assert stage.bar.right.full_text() == "In progress"
    QTest.keyClick(stage, Qt.Key.Key_C)
    assert stage.bar.isHidden()
    assert stage.comparison is None


def test_comparing_uses_a_neighbour_or_says_there_is_none(stage: ImageStage, tmp_path: Path) -> None:
    said: list[str] = []
    stage.message.connect(lambda words, _: said.append(words))
    stage.show_asset(work(tmp_path, "only", picture(40, 40)))
    stage.compare()
    assert said == ["There is nothing to compare with."]
    assert not stage.bar.isVisible()
    other = work(tmp_path, "other", picture(40, 40))
    stage.stepped.connect(lambda step: stage.show_asset(other) if step == -1 else None)
    stage.compare()
    assert stage.comparison is not None
    assert stage.comparison.asset.id == "only"
    assert stage.asset == other


def test_swapping_shows_the_other_work(stage: ImageStage, show: Show, room: Room, tmp_path: Path) -> None:
    stage.show_requested.connect(stage.show_asset)
    old, new = work(tmp_path, "old", picture(40, 40)), work(tmp_path, "new", picture(40, 40, BLUE))
    show(old)
    show(new)
    stage.compare()
    QTest.keyClick(stage, Qt.Key.Key_X)
    assert stage.comparison is not None
    assert (stage.comparison.asset, stage.asset) == (new, old)
    room.until(lambda: not stage.loading)
    assert stage.image.pixelColor(3, 3).red() == RED[0]


def test_a_file_is_read_on_a_thread_and_the_newest_wins(
    stage: ImageStage, room: Room, show: Show, tmp_path: Path
) -> None:
    show(work(tmp_path, "first", picture(40, 40)))
    stage.show_asset(work(tmp_path, "second", picture(64, 64)))
    stage.show_asset(work(tmp_path, "third", picture(80, 64, BLUE)))
    assert stage.image.width() == 40, "the old picture stays until the new one is there"
    widths: list[int] = []
    stage.loaded.connect(lambda: widths.append(stage.image.width()))
    room.until(lambda: not stage.loading)
    room.settle()
    assert (widths, stage.image.width()) == ([80], 80)
    stage.show_asset(work(tmp_path, "last", picture(90, 64)))
    stage.copy()
    assert QGuiApplication.clipboard().image().width() == 90
    assert widths == [80, 90], "what waits for the picture is told that it is there"


@pytest.mark.parametrize("copied", [False, True])
def test_a_file_that_is_damaged_says_so(stage: ImageStage, room: Room, tmp_path: Path, copied: bool) -> None:
    errors: list[StudioError] = []
    stage.load_failed.connect(errors.append)
    asset = work(tmp_path, "torn", Image(np.random.default_rng(1).integers(0, 255, (90, 90, 3), np.uint8)))
    asset.path.write_bytes(asset.path.read_bytes()[:60])
    stage.show_asset(asset)
    if copied:
        stage.copy()
    room.until(lambda: errors)
    assert [error.message for error in errors] == ["torn.png cannot be shown."]


def test_a_floating_point_tiff_is_shown_as_the_library_reads_it(stage: ImageStage, show: Show, tmp_path: Path) -> None:
    asset = work(tmp_path, "light", picture(2, 2))
    asset = replace(asset, path=asset.path.with_suffix(".tiff"))
    Pillow.fromarray(np.full((40, 60), 0.5, np.float32)).save(asset.path)
    show(asset)
    assert colour_at(stage, 0.5, 0.5) == (128, 128, 128)


def test_the_menu_offers_what_the_work_has(stage: ImageStage, tmp_path: Path) -> None:
    asked: list[str] = []
    stage.command_requested.connect(asked.append)
    stage.show_asset(work(tmp_path, "one", picture(40, 40)))
    menu = stage.menu()
    words = {action.text().split("\t")[0]: action for action in menu.actions() if action.text()}
    words["Copy prompt"].trigger()
    assert QGuiApplication.clipboard().text() == "a one"
    words["Copy seed"].trigger()
    assert QGuiApplication.clipboard().text() == "5"
    words["Move to bin"].trigger()
    words["Vary"].trigger()
    assert asked == ["bin", "vary"]
    menu.deleteLater()
    stage.show_asset(work(tmp_path, "two", picture(40, 40), prompt=""))
    menu = stage.menu()
    assert "Copy prompt" not in [action.text() for action in menu.actions()]
    menu.deleteLater()


def test_transparency_shows_a_checkerboard(stage: ImageStage, tmp_path: Path) -> None:
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[:, 32:] = (200, 10, 10, 255)
    path = tmp_path / "clear.png"
    assert QImage(pixels.tobytes(), 64, 64, 256, QImage.Format.Format_RGBA8888).save(str(path))
    stage.preview(Image(pixels))
    shot = stage.canvas.grab().toImage()
    box = stage.canvas.box()
    tones = {shot.pixelColor(int(box.left()) + at, int(box.top()) + 4).name() for at in range(2, 60)}
    assert len(tones) == 2
    assert colour_at(stage, 0.6, 0.5) == RED


def test_the_window_shows_compares_and_copies_by_its_actions(desk: Desk) -> None:
    panel = desk.panel("poster")
    assert "compare" not in panel.commands()
    for seed in (1, 2):
        asset = desk.studio.library.add(
            picture(48, 48),
            medium="poster",
            request={"kind": "poster", "prompt": "sea", "seed": seed},
            provenance=Provenance(),
        )
        panel.show_work(asset)
        desk.until(lambda: not panel.stage.loading)
    stage = panel.stage
    assert isinstance(stage, ImageStage)
    assert "compare" in panel.commands()
    assert "copy.seed" in panel.commands()
    assert "play" not in panel.commands()
    desk.act("actual")
    assert stage.scale == 1.0
    desk.act("compare")
    assert stage.bar.left.full_text() == "Seed 1 · sea"
    desk.act("copy.seed")
    assert QGuiApplication.clipboard().text() == "2"
    desk.act("copy.prompt")
    assert QGuiApplication.clipboard().text() == "sea"
    QTest.keyClick(stage, Qt.Key.Key_X)
    assert panel.asset is not None
    assert panel.asset.request["seed"] == 1
    desk.act("cancel")
    assert stage.comparison is None


def test_a_preview_fades_into_the_next_and_into_the_work(stage: ImageStage, room: Room, tmp_path: Path) -> None:
    assert 0 < MOTION < 150
    stage.expect(PosterRequest(width=64, height=64))
    stage.preview(picture(64, 64))
    assert colour_at(stage, 0.5, 0.5) == RED, "the first is there at once"
    stage.preview(picture(64, 64, BLUE))
    fade = stage.canvas._fade
    fade._run.pause()
    fade._run.setCurrentTime(0)
    assert colour_at(stage, 0.5, 0.5) == RED, "the next begins with what was to be seen"
    fade._run.setCurrentTime(MOTION // 2)
    assert colour_at(stage, 0.5, 0.5) not in (RED, BLUE)
    red, _, blue = colour_at(stage, 0.5, 0.5)
    assert red + blue == pytest.approx(210, abs=14), "never the ground behind them"
    before = colour_at(stage, 0.5, 0.5)
    done = work(tmp_path, "done", picture(64, 64, RED))
    stage.show_asset(done)
    room.until(lambda: not stage.loading)
    fade._run.pause()
    fade._run.setCurrentTime(0)
    assert colour_at(stage, 0.5, 0.5) == pytest.approx(before, abs=4), "a turn within a turn does not jump"
    fade._run.resume()
    room.until(lambda: not fade.active)
    assert colour_at(stage, 0.5, 0.5) == RED
    stage.show_asset(work(tmp_path, "other", picture(64, 64, BLUE)))
    room.until(lambda: not stage.loading)
    assert colour_at(stage, 0.5, 0.5) == BLUE, "from work to work nothing fades"


def test_reduced_motion_has_no_fades(stage: ImageStage) -> None:
    theme().set_reduced_motion(True)
    try:
        stage.preview(picture(64, 64))
        stage.preview(picture(64, 64, BLUE))
        assert colour_at(stage, 0.5, 0.5) == BLUE
    finally:
        theme().set_reduced_motion(False)


def test_what_the_engine_says_of_a_picture_stands_below_it(stage: ImageStage, show: Show, tmp_path: Path) -> None:
    plain = work(tmp_path, "plain", picture(64, 64))
    said = Message("Not known: {words}.", words="saxophone")
    show(replace(plain, provenance=Provenance(remark=said)))
    assert stage.remark.text() == "Not known: saxophone."
    assert stage.remark.isVisible()
    show(plain)
    assert not stage.remark.isVisible()
    show(replace(plain, provenance=Provenance(remark=said)))
    stage.show_live(picture(64, 64), 64, rough=True)
    assert not stage.remark.isVisible(), "it is about another picture"
