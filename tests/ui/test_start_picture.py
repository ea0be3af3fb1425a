"""The picture that a poster starts from: chosen, kept with the settings, and a part of it marked on the stage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import tomli_w
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from qasync import QEventLoop

from studio.library.library import Asset, LibraryQuery
from studio.media import images
from studio.schema.fields import WorkKey
from studio.system.paths import AppPaths
from studio.ui.panel.panel import Panel
from studio.ui.poster.inspector import PosterInspector, fitting_size
from studio.ui.stages import mask_painter
from studio.ui.stages.canvas import PictureCanvas
from studio.ui.stages.image import ImageStage
from studio.ui.stages.mask_painter import SMALLEST, MaskBar
from studio.ui.widgets.theme import theme
from tests.ui.conftest import Desk
from tests.ui.test_focus_rings import faults, stops


def painter(home: Path, family: str) -> None:
    """A model of that family, installed."""
    folder = AppPaths.under(home).models / family
    folder.mkdir(parents=True)
    about = {"medium": "poster", "family": family, "title": family, "licence": "mit", "size": 10}
    (folder / "model.toml").write_text(tomli_w.dumps(about), encoding="utf-8")
    (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")


@pytest.fixture
def desk(tmp_path: Path, loop: QEventLoop) -> Iterator[Desk]:
    home = tmp_path / "home"
    for family in ("sd", "pixart"):
        painter(home, family)
    made = Desk(home, loop)
    yield made
    made.close()


def parts(desk: Desk) -> tuple[Panel, PosterInspector, ImageStage]:
    panel = desk.panel("poster")
    assert isinstance(panel.inspector, PosterInspector)
    assert isinstance(panel.stage, ImageStage)
    return panel, panel.inspector, panel.stage


def choose(panel: Panel, model: str, **changes: Any) -> None:
    panel.form.set_value(panel.form.value().replace(model=model, **changes))


def shown_work(desk: Desk) -> Asset:
    """A work that was made, on the stage."""
    desk.click("rail.poster")
    panel, _, stage = parts(desk)
    choose(panel, "sd", width=96, height=64)
    desk.click("generate")
    desk.idle()
    desk.until(lambda: panel.asset is not None and not stage.loading and not stage.image.isNull())
    assert panel.asset is not None
    return panel.asset


def test_the_panel_is_there_for_models_that_can_start_from_a_picture(desk: Desk) -> None:
    desk.click("rail.poster")
    panel, inspector, _ = parts(desk)
    assert inspector.isHidden(), "the starter draws from words alone"
    choose(panel, "sd")
    assert inspector.isVisible()
    assert inspector.strength.isHidden(), "there is no picture yet"
    choose(panel, "pixart")
    assert inspector.isHidden()
    choose(panel, "sd")
    desk.act("inspector")
    assert inspector.isHidden()
    desk.act("inspector")
    assert inspector.isVisible()


def test_a_work_is_started_from_at_its_size_and_undo_takes_that_back(desk: Desk) -> None:
    work = shown_work(desk)
    panel, inspector, _ = parts(desk)
    choose(panel, "sd", width=512, height=512)
    desk.act("start")
    asked: Any = panel.form.value()
    assert (asked.picture, asked.width, asked.height) == (WorkKey(work.id, work.sha256), 96, 64)
    desk.until(lambda: inspector.well.picture is not None)
    inspector.strength.box.setValue(35)
    assert panel.form.value().strength == 0.35  # type: ignore[attr-defined]
    desk.click("generate")
    desk.idle()
    made = desk.studio.library.page(LibraryQuery())[0]
    assert (made.request["picture"], made.request["strength"]) == ({"id": work.id, "sha256": work.sha256}, 0.35)
    desk.act("undo")
    desk.act("undo")
    assert not panel.form.value().picture  # type: ignore[attr-defined]
    desk.until(lambda: inspector.well.picture is None)


def test_a_file_that_is_dropped_becomes_a_work_and_is_started_from(desk: Desk, tmp_path: Path) -> None:
    desk.click("rail.poster")
    panel, inspector, _ = parts(desk)
    choose(panel, "sd")
    file, text = tmp_path / "photo.png", tmp_path / "words.txt"
    PIL.Image.new("RGB", (200, 100), "red").save(file)
    text.write_text("words")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(text))])
    inspector.source.take_data(data)
    assert "is not a picture" in panel.error.message()
    data.setUrls([QUrl.fromLocalFile(str(file))])
    inspector.source.take_data(data)
    desk.until(lambda: inspector.well.picture is not None)
    (work,) = desk.studio.library.page(LibraryQuery())
    asked: Any = panel.form.value()
    assert (asked.picture.id, asked.width, asked.height) == (work.id, 200, 100)


def test_a_slider_that_is_dragged_is_one_step_of_undo(desk: Desk) -> None:
    shown_work(desk)
    panel, inspector, _ = parts(desk)
    desk.act("start")
    before = panel.form.value()
    for percent in (55, 50, 45, 40):
        inspector.strength.box.setValue(percent)
    assert panel.form.value().strength == 0.4  # type: ignore[attr-defined]
    desk.act("undo")
    assert panel.form.value() == before


def test_a_picture_that_cannot_be_read_is_not_painted_on_later(desk: Desk) -> None:
    work = shown_work(desk)
    panel, _, stage = parts(desk)
    desk.act("start")
    whole = work.path.read_bytes()
    panel.show_work(None)
    work.path.write_bytes(b"no picture")
    desk.act("mask")
    desk.settle()
    assert panel.error.isVisible()
    assert not stage.mask_bar.isVisible()
    work.path.write_bytes(whole)
    panel.show_work(None)
    panel.show_work(work)
    desk.until(lambda: not stage.loading and not stage.image.isNull())
    desk.settle()
    assert not stage.mask_bar.isVisible()


def test_a_mask_is_painted_on_the_start_picture_also_where_that_is_a_file(desk: Desk, tmp_path: Path) -> None:
    other = shown_work(desk)
    panel, _, stage = parts(desk)
    file = tmp_path / "photo.png"
    PIL.Image.new("RGB", (80, 40), "red").save(file)
    choose(panel, "sd", picture=WorkKey(path=str(file)))
    desk.act("mask")
    desk.until(lambda: stage.mask_bar.isVisible())
    assert panel.asset is not None
    assert panel.asset.id != other.id
    assert (stage.image.width(), stage.image.height()) == (80, 40)
    drag(desk, stage, (0.3, 0.5), (0.6, 0.5))
    stage.mask_bar.done.click()
    desk.until(lambda: panel.form.value().mask)  # type: ignore[attr-defined]
    assert panel.form.value().picture.id == panel.asset.id  # type: ignore[attr-defined]


def drag(desk: Desk, stage: ImageStage, *shares: tuple[float, float], button: Any = Qt.MouseButton.LeftButton) -> None:
    """A stroke over the picture, through points given as shares of it."""
    layer, box = stage.mask_bar.layer, stage.canvas.box()
    points = [QPoint(round(box.x() + x * box.width()), round(box.y() + y * box.height())) for x, y in shares]
    QTest.mousePress(layer, button, pos=points[0])
    for point in points[1:]:
        QTest.mouseMove(layer, point)
    QTest.mouseRelease(layer, button, pos=points[-1])


def light(mask: QImage) -> np.ndarray[Any, Any]:
    grey = mask.convertToFormat(QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(grey.constBits(), np.uint8).reshape(grey.height(), grey.bytesPerLine())
    return rows[:, : grey.width()].copy()


def test_what_is_marked_on_the_stage_is_the_mask_of_the_request(desk: Desk) -> None:
    work = shown_work(desk)
    panel, inspector, stage = parts(desk)
    desk.act("mask")
    desk.until(lambda: stage.mask_bar.isVisible())
    assert not stage.mask_bar.done.isEnabled(), "nothing is marked yet"
    stage.mask_bar.wide.setValue(16)
    drag(desk, stage, (0.25, 0.5), (0.75, 0.5))
    QTest.keyClick(stage, Qt.Key.Key_Return)
    assert stage.mask_bar.isHidden()
    desk.until(lambda: panel.form.value().mask)  # type: ignore[attr-defined]
    asked: Any = panel.form.value()
    assert asked.picture == WorkKey(work.id, work.sha256)
    assert asked.strength == 0.9
    (file,) = desk.studio.files_used(asked.replace(picture=WorkKey())).values()
    marks = images.read(file).pixels[..., 0]
    assert marks.shape == (64, 96)
    assert marks[32, 48] == 255
    assert marks[32 - 12, 48] == marks[32 + 12, 48] == 0
    assert marks[32, 2] == marks[32, 94] == 0
    desk.until(lambda: inspector.well.picture is not None)
    desk.act("mask")
    desk.until(lambda: stage.mask_bar.isVisible())
    before = light(stage.mask_bar.layer.mask_image())
    assert np.abs(before.astype(int) - marks).max() <= 2, "it goes on from the mask that is there"
    desk.act("cancel")
    assert panel.form.value().mask == asked.mask  # type: ignore[attr-defined]
    inspector.unmask.click()
    assert not panel.form.value().mask  # type: ignore[attr-defined]


def test_brush_eraser_lasso_inverting_and_undo(desk: Desk) -> None:
    shown_work(desk)
    _, _, stage = parts(desk)
    desk.act("mask")
    desk.until(lambda: stage.mask_bar.isVisible())
    bar, layer = stage.mask_bar, stage.mask_bar.layer
    bar.wide.setValue(20)
    drag(desk, stage, (0.1, 0.5), (0.9, 0.5))
    whole = light(layer.mask_image())
    QTest.keyClick(stage, Qt.Key.Key_E)
    drag(desk, stage, (0.5, 0.1), (0.5, 0.9))
    erased = light(layer.mask_image())
    assert whole[32, 48] == 255
    assert erased[32, 48] == 0
    desk.act("undo")
    assert np.array_equal(light(layer.mask_image()), whole)
    QTest.keyClick(stage, Qt.Key.Key_B)
    drag(desk, stage, (0.5, 0.1), (0.5, 0.9), button=Qt.MouseButton.RightButton)
    assert light(layer.mask_image())[32, 48] == 0, "the right button erases"
    desk.act("undo")
    QTest.keyClick(stage, Qt.Key.Key_I)
    assert np.abs(light(layer.mask_image()).astype(int) + whole - 255).max() <= 2
    bar.clear.click()
    QTest.keyClick(stage, Qt.Key.Key_L)
    drag(desk, stage, (0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))
    ring = light(layer.mask_image())
    assert ring[32, 48] == 255
    assert ring[5, 5] == 0
    bar.clear.click()
    assert not bar.done.isEnabled()
    wide = layer.width_of_brush
    QTest.keyClick(stage, Qt.Key.Key_BracketRight)
    assert layer.width_of_brush > wide
    bar.softness.setValue(100)
    QTest.keyClick(stage, Qt.Key.Key_B)
    drag(desk, stage, (0.5, 0.5))
    soft = light(layer.mask_image())[32]
    assert len(set(soft.tolist())) > 5, "it fades out"


def test_the_smallest_mark_on_a_large_picture_counts_and_undo_holds_only_so_much(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    canvas = PictureCanvas()
    canvas.resize(400, 400)
    large = QImage(3000, 3000, QImage.Format.Format_RGB32)
    large.fill(Qt.GlobalColor.gray)
    canvas.show_image(large)
    bar = MaskBar(canvas)
    bar.begin(None)
    assert not bar.done.isEnabled()
    layer = bar.layer
    layer.width_of_brush = SMALLEST
    monkeypatch.setattr(mask_painter, "STEPS_LIMIT", 3 * large.sizeInBytes())
    for _ in range(6):
        QTest.mouseClick(layer, Qt.MouseButton.LeftButton, pos=canvas.box().center().toPoint())
        assert bar.done.isEnabled()
    for _ in range(3):
        assert layer.can_undo
        layer.undo()
    assert not layer.can_undo
    bar.give_up()


def test_what_runs_meanwhile_does_not_take_the_marks_away(desk: Desk) -> None:
    work = shown_work(desk)
    panel, _, stage = parts(desk)
    panel.make()
    desk.act("mask")
    desk.until(lambda: stage.mask_bar.isVisible())
    drag(desk, stage, (0.4, 0.5), (0.6, 0.5))
    desk.idle()
    assert len(desk.studio.library.page(LibraryQuery())) == 2
    assert stage.mask_bar.isVisible()
    assert stage.mask_bar.layer.marked
    assert panel.asset == work


def test_generate_uses_the_mask_that_is_being_painted(desk: Desk) -> None:
    shown_work(desk)
    panel, _, stage = parts(desk)
    desk.act("mask")
    desk.until(lambda: stage.mask_bar.isVisible())
    drag(desk, stage, (0.4, 0.5), (0.6, 0.5))
    panel.make()
    assert stage.mask_bar.isHidden()
    desk.until(lambda: len(desk.studio.library.page(LibraryQuery())) == 2)
    made = desk.studio.library.page(LibraryQuery())[0]
    assert made.request["mask"]["sha256"] == panel.form.value().mask.sha256  # type: ignore[attr-defined]
    desk.act("mask")
    desk.until(lambda: stage.mask_bar.isVisible())
    desk.act("cancel")
    assert stage.mask_bar.isHidden()


def test_the_size_to_start_with_is_the_pictures_as_far_as_it_can_be_made() -> None:
    assert fitting_size(600, 400) == (600, 400)
    assert fitting_size(8192, 4096) == (2048, 1024)
    assert fitting_size(32, 48) == (64, 96)
    assert fitting_size(10_000, 10) == (2048, 64)
    assert fitting_size(0, 0) == (64, 64)


def test_every_control_of_the_mask_bar_has_a_whole_ring(desk: Desk) -> None:
    shown_work(desk)
    _, _, stage = parts(desk)
    theme().choose("light")
    desk.window.resize(1024, 640)
    desk.act("mask")
    desk.until(lambda: stage.mask_bar.isVisible())
    desk.settle()
    assert [each for each in stops(desk) if stage.mask_bar.isAncestorOf(each)]
    assert list(faults(desk, "mask")) == []
