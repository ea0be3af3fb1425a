"""The export dialog: preview, written files, cancelling, and remembered settings."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QFileDialog, QLabel, QWidget

from studio.export import job as export_job
from studio.export.compose import PictureStyle
from studio.export.upscaling import Upscaling
from studio.jobs.job import JobGroup
from studio.media import codecs
from studio.media.payloads import Bundle, Image, Svg, Text
from studio.media.provenance import Provenance
from studio.ui.export.dialog import ExportDialog
from studio.ui.export.remembered import TICKS, RememberedExport, remembered, with_remembered
from tests.fakes import BAD_INPUT, SLOW
from tests.ui.conftest import Desk
from tests.ui.test_upscale import install


def drawing() -> Image:
    """A green disc on clear ground."""
    down, across = np.mgrid[:80, :80]
    pixels = np.zeros((80, 80, 4), np.uint8)
    pixels[(across - 39.5) ** 2 + (down - 39.5) ** 2 < 900] = (40, 160, 90, 255)
    return Image(pixels)


def open_dialog(desk: Desk, work: Image | Bundle | None = None, title: str = "我的 / 头像") -> ExportDialog:
    """The dialog for a work on the stage of the avatars, opened by its action and drawn."""
    request = {"kind": "avatar", "seed": 3}
    asset = desk.studio.library.add(
        work or drawing(), medium="avatar", request=request, provenance=Provenance(), title=title
    )
    desk.panel("avatar").show_work(asset)
    desk.act("export")
    found = desk.window.findChild(ExportDialog)
    assert found is not None
    desk.until(lambda: found.sizes is not None and not found.preview.image.isNull() and found.go.isEnabled())
    return found


def press(desk: Desk, dialog: QWidget, name: str) -> None:
    found = dialog.findChild(QAbstractButton, name)
    assert found is not None
    assert found.isEnabled(), name

    async def click() -> None:
        found.click()

    desk.loop.run_until_complete(click())


def preview_colour(dialog: ExportDialog, x: float, y: float) -> tuple[int, ...]:
    image = dialog.preview.image
    colour = image.pixelColor(int(x * (image.width() - 1)), int(y * (image.height() - 1)))
    return colour.red(), colour.green(), colour.blue(), colour.alpha()


def wait_for_preview(desk: Desk, dialog: ExportDialog) -> None:
    desk.until(lambda: not dialog._drawing.busy and not dialog._reading.busy)


def test_the_preview_follows_the_controls(desk: Desk) -> None:
    dialog = open_dialog(desk)
    wait_for_preview(desk, dialog)
    assert preview_colour(dialog, 0.5, 0.5) == (40, 160, 90, 255)
    assert preview_colour(dialog, 0, 0)[3] == 0
    press(desk, dialog, "ground.colour")
    press(desk, dialog, "tint0")
    wait_for_preview(desk, dialog)
    assert preview_colour(dialog, 0, 0)[3] == 255
    press(desk, dialog, "shape.circle")
    wait_for_preview(desk, dialog)
    assert preview_colour(dialog, 0, 0)[3] == 0
    assert preview_colour(dialog, 0.5, 0.02)[3] == 255
    dialog.style_controls._sliders["padding"].setValue(30)
    wait_for_preview(desk, dialog)
    assert preview_colour(dialog, 0.5, 0.3)[:3] != (40, 160, 90)
    press(desk, dialog, "ground.none")
    at = QPoint(100, 100)
    QTest.mousePress(dialog.preview, Qt.MouseButton.LeftButton, pos=at)
    QTest.mouseMove(dialog.preview, at + QPoint(72, 0))
    QTest.mouseRelease(dialog.preview, Qt.MouseButton.LeftButton, pos=at + QPoint(72, 0))
    assert dialog.style_controls.look.across == pytest.approx(0.2, abs=0.01)
    dialog.reject()


def test_a_background_that_the_picture_hides_is_not_hidden_without_a_word(desk: Desk) -> None:
    dialog = open_dialog(desk, Image(np.full((80, 80, 3), 120, np.uint8)))
    said = dialog.findChild(QLabel, "groundHidden")
    assert said is not None
    assert said.isHidden()
    press(desk, dialog, "ground.gradient")
    assert said.isVisible()
    assert "margin" in said.text()
    dialog.style_controls._sliders["padding"].setValue(10)
    assert said.isHidden()
    dialog.reject()


def test_another_work_is_the_background(desk: Desk) -> None:
    behind = Image(np.full((30, 30, 3), 77, np.uint8))
    desk.studio.library.add(
        behind, medium="poster", request={"kind": "poster", "prompt": "a wall"}, provenance=Provenance()
    )
    dialog = open_dialog(desk)
    press(desk, dialog, "ground.work")
    desk.until(lambda: dialog.go.isEnabled())
    wait_for_preview(desk, dialog)
    assert dialog.style_controls.works.currentText() == "a wall"
    assert preview_colour(dialog, 0.02, 0.02) == (77, 77, 77, 255)
    dialog.reject()


def test_files_are_written_and_the_settings_remembered(desk: Desk, tmp_path: Path) -> None:
    dialog = open_dialog(desk)
    assert dialog.sizes is not None
    dialog.send_to(str(tmp_path / "out"))
    press(desk, dialog, "shape.squircle")
    dialog.sizes.ticks["256"].setChecked(True)
    dialog.sizes.ticks["github"].setChecked(True)
    dialog.sizes.other.setText("40x30")
    said = dialog.findChild(QLabel, "exportCount")
    assert said is not None
    assert said.text() == "5 files"
    press(desk, dialog, "exportGo")
    desk.until(lambda: desk.window.work_actions._export is None)
    folder = tmp_path / "out" / "我的  头像"
    names = sorted(path.name for path in folder.iterdir())
    assert [name.removeprefix("我的  头像-") for name in names] == [
        "256.png", "40x30.png", "github-preview.png", "github-profile.png", "我的  头像.png",
    ]  # fmt: skip
    with Pillow.open(folder / names[0]) as picture:
        assert (picture.size, picture.mode) == ((256, 256), "RGBA")
    assert (codecs.read_note(folder / names[0]) or {})["request"]["seed"] == 3
    assert "5 files exported." in desk.window.toast.message()
    again = open_dialog(desk)
    assert again.choice.look.shape == "squircle"
    assert again.sizes is not None
    assert again.sizes.ticks["github"].isChecked()
    assert again.sizes.other.text() == "40x30"
    again.reject()


def test_files_of_a_face_without_a_name_are_called_by_what_it_is(desk: Desk, tmp_path: Path) -> None:
    dialog = open_dialog(desk, title="")
    dialog.send_to(str(tmp_path))
    press(desk, dialog, "exportGo")
    desk.until(lambda: desk.window.work_actions._export is None)
    assert [path.name for path in tmp_path.glob("*.png")] == ["Seed 3.png"]


def test_one_zip_and_an_svg(desk: Desk, tmp_path: Path) -> None:
    dialog = open_dialog(desk)
    dialog.send_to(str(tmp_path))
    dialog.kind.setCurrentIndex(3)
    press(desk, dialog, "exportZip")
    press(desk, dialog, "exportGo")
    desk.until(lambda: desk.window.work_actions._export is None)
    assert (tmp_path / "我的  头像.zip").exists()


def test_a_cancelled_export_leaves_nothing_and_the_dialog_stays(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = open_dialog(desk)
    dialog.send_to(str(tmp_path / "out"))
    begun, go = threading.Event(), threading.Event()

    def slow(*_: Any, **__: Any) -> Any:
        yield "a.png", b"1"
        begun.set()
        go.wait(10)
        yield "b.png", b"2"

    monkeypatch.setattr(export_job, "render_files", slow)
    press(desk, dialog, "exportGo")
    desk.until(begun.is_set)
    assert not dialog.go.isEnabled()
    press(desk, dialog, "exportCancel")
    go.set()
    desk.until(lambda: dialog.go.isEnabled())
    assert not (tmp_path / "out").exists()
    assert dialog.isVisible()
    assert dialog.error.isHidden()
    dialog.reject()


def test_a_window_that_closes_ends_the_export(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dialog = open_dialog(desk)
    dialog.send_to(str(tmp_path / "out"))
    begun = threading.Event()

    def endless(*_: Any, **__: Any) -> Any:
        for at in range(100_000):
            begun.set()
            yield f"{at}.png", b"1"

    monkeypatch.setattr(export_job, "render_files", endless)
    press(desk, dialog, "exportGo")
    desk.until(begun.is_set)
    desk.close()
    assert not (tmp_path / "out").exists()


def test_errors_are_shown_in_the_dialog(desk: Desk, tmp_path: Path) -> None:
    dialog = open_dialog(desk)
    assert dialog.sizes is not None
    dialog.sizes.other.setText("huge")
    said = dialog.findChild(QLabel, "exportCount")
    assert said is not None
    assert "'huge' is not a size" in said.text()
    assert not dialog.go.isEnabled()
    dialog.sizes.other.setText("")
    dialog.sizes.ticks["original"].setChecked(False)
    assert "No size is chosen" in said.text()
    dialog.sizes.ticks["512"].setChecked(True)
    (tmp_path / "file").write_bytes(b"")
    dialog.send_to(str(tmp_path / "file"))
    press(desk, dialog, "exportGo")
    desk.until(lambda: dialog.error.isVisible())
    assert "not a folder" in dialog.error.message()
    assert dialog.go.isEnabled()
    dialog.reject()


def test_what_is_no_picture_is_saved_as_a_copy_instead(desk: Desk, tmp_path: Path) -> None:
    text = desk.studio.library.add(Text("# One"), medium="story", request={"kind": "story"}, provenance=Provenance())
    panel = desk.panel("story")
    panel.show_work(text)
    desk.act("export")
    assert desk.window.findChild(ExportDialog) is None
    dialog = desk.window.findChild(QFileDialog, "saveCopy")
    assert dialog is not None
    assert dialog.nameFilters() == ["Markdown (*.md)", "Plain text (*.txt)"]
    dialog.filterSelected.emit("Plain text (*.txt)")
    assert dialog.defaultSuffix() == "txt"
    dialog.filesSelected.emit([str(tmp_path / "one.txt")])
    dialog.reject()
    desk.until((tmp_path / "one.txt").exists)
    desk.settle()
    assert (tmp_path / "one.txt").read_text("utf-8").strip() == "One"
    desk.act("save")
    again = [each for each in desk.window.findChildren(QFileDialog, "saveCopy") if each.isVisible()]
    assert Path(again[0].directory().absolutePath()) == tmp_path, "the folder of the last copy"
    again[0].reject()
    picture = desk.studio.library.add(drawing(), medium="avatar", request={"kind": "avatar"}, provenance=Provenance())
    desk.panel("avatar").show_work(picture)
    assert "export" in desk.panel("avatar").commands()
    assert desk.find("exportWork").isVisible()
    page: Any = desk.window.open("library")
    desk.settle()
    page.show_work(picture.id)
    assert "export" in page.commands()
    assert "menu.export" in [action.objectName() for action in page.menu().actions()]


def test_every_control_has_a_name_and_is_reached_by_keyboard(desk: Desk) -> None:
    dialog = open_dialog(desk)
    press(desk, dialog, "ground.gradient")
    wanted = {
        each for each in dialog.findChildren(QWidget)
        if each.isVisibleTo(dialog) and each.isEnabled() and each.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not each.objectName().startswith("qt_")
    }  # fmt: skip
    assert len(wanted) > 30
    assert [each.objectName() for each in wanted if not each.accessibleName()] == []
    reached: set[QWidget] = set()
    steps: list[QWidget] = []
    dialog.style_controls.first.setFocus()
    for _ in range(len(wanted) * 2):
        focused = QApplication.focusWidget()
        if focused is not None:
            reached.add(focused)
            steps.append(focused)
        QTest.keyClick(dialog, Qt.Key.Key_Tab)
    # Of buttons that exclude each other the tab key comes to one, and arrow keys to the others.
    assert [each.objectName() for each in wanted - reached if each.property("role") != "segment"] == []
    order = [each.objectName() for each in steps]
    assert order.index("down") < order.index("size.256") < order.index("otherSizes") < order.index("size.icons")
    assert order.index("size.icons") < order.index("kind") < order.index("exportGo")
    dialog.reject()


def test_each_medium_keeps_its_own_choices_and_begins_with_the_whole_picture(desk: Desk, tmp_path: Path) -> None:
    dialog = open_dialog(desk)
    assert dialog.sizes is not None
    dialog.send_to(str(tmp_path / "out"))
    press(desk, dialog, "shape.circle")
    dialog.sizes.ticks["original"].setChecked(False)
    dialog.sizes.ticks["256"].setChecked(True)
    dialog.reject()
    poster = Image(np.full((120, 80, 3), 90, np.uint8))
    poster.pixels[:4] = 200
    work = desk.studio.library.add(poster, medium="poster", request={"kind": "poster"}, provenance=Provenance())
    desk.panel("poster").show_work(work)
    desk.act("export")
    dialog = desk.window.findChild(ExportDialog)
    assert dialog is not None
    desk.until(lambda: dialog.sizes is not None and not dialog.preview.image.isNull() and dialog.go.isEnabled())
    wait_for_preview(desk, dialog)
    assert (dialog.choice.ticked, dialog.choice.look.shape) == (("original",), "square")
    assert dialog.choice.folder == str(tmp_path / "out")
    image = dialog.preview.image
    assert image.width() / image.height() == pytest.approx(80 / 120, abs=0.01)
    assert preview_colour(dialog, 0.5, 0)[0] == 200, "nothing is cut off"
    press(desk, dialog, "exportGo")
    desk.until(lambda: desk.window.work_actions._export is None)
    (file,) = (tmp_path / "out").rglob("*.png")
    with Pillow.open(file) as made:
        assert made.size == (80, 120)
    again = open_dialog(desk)
    assert (again.choice.ticked, again.choice.look.shape) == (("256",), "circle")
    again.reject()


def test_a_work_that_is_a_drawing_is_previewed_and_leaves_as_that(desk: Desk, tmp_path: Path) -> None:
    red = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 80">'
        '<g id="all"><path d="M0 0H80V80H0Z" fill="#f00"/></g></svg>'
    )
    dialog = open_dialog(desk, Bundle(drawing(), {"svg": Svg(red)}))
    wait_for_preview(desk, dialog)
    assert preview_colour(dialog, 0.5, 0.5) == (40, 160, 90, 255)
    dialog.kind.setCurrentIndex(dialog.kind.findData("svg"))
    wait_for_preview(desk, dialog)
    assert preview_colour(dialog, 0.5, 0.5) == (255, 0, 0, 255), "its own drawing, not its pixels traced"
    assert dialog.error.isHidden()


def test_an_svg_has_the_proportions_that_are_chosen_and_is_previewed_as_it_is(desk: Desk, tmp_path: Path) -> None:
    dialog = open_dialog(desk)
    assert dialog.sizes is not None
    dialog.send_to(str(tmp_path))
    dialog.kind.setCurrentIndex(dialog.kind.findData("svg"))
    dialog.sizes.ticks["original"].setChecked(False)
    dialog.sizes.other.setText("300x100, 600x200, 64")
    press(desk, dialog, "ground.colour")
    wait_for_preview(desk, dialog)
    assert dialog.preview.image.width() == dialog.preview.pixels
    assert dialog.preview.image.width() / dialog.preview.image.height() == pytest.approx(3)
    assert dialog.findChild(QLabel, "exportCount").text() == "2 files"  # type: ignore[union-attr]
    press(desk, dialog, "exportGo")
    desk.until(lambda: desk.window.work_actions._export is None)
    made = {path.stem.rpartition("-")[2]: path.read_text("utf-8") for path in tmp_path.rglob("*.svg")}
    assert 'viewBox="0 0 300 100"' in made["我的  头像"]
    assert 'viewBox="0 0 64 64"' in made["64"]


def test_remembered_settings_are_validated() -> None:
    whole = RememberedExport(
        PictureStyle(shape="circle", ground="gradient", padding=0.1), ("icons", "x"), "64", "webp", "/somewhere", True
    )
    assert RememberedExport.from_json(json.loads(json.dumps(whole.to_json()))) == whole
    odd = {"look": {"shape": "star", "padding": 9, "colour": "#123456"}, "ticked": ["512", "moon", 3], "kind": "exe"}
    read = RememberedExport.from_json(odd)
    assert (read.look, read.ticked, read.kind) == (PictureStyle(colour="#123456"), ("512",), "png")
    for broken in ({}, {"look": 3, "ticked": "512"}, {"look": {"ground": "work"}}):
        assert RememberedExport.from_json(broken) == RememberedExport()
    assert "x" in TICKS
    old = {**whole.to_json(), "folder": "/somewhere"}  # as an earlier studio wrote it, for all media together
    assert remembered(old, "story") == RememberedExport(kind="webp", folder="/somewhere", zipped=True)
    now = with_remembered(old, "story", RememberedExport(kind="jpeg"))
    assert remembered(now, "story").kind == "jpeg"


def test_a_picture_with_too_few_pixels_is_enlarged_by_a_network_where_that_is_chosen(
    desk: Desk, tmp_path: Path
) -> None:
    id = install(desk, tmp_path / "toy")
    dialog = open_dialog(desk)
    assert dialog.sizes is not None
    assert not dialog.upscale.isVisible(), "the picture has the pixels of its own size"
    dialog.sizes.ticks["512"].setChecked(True)
    assert dialog.upscale.isVisible()
    assert not dialog.upscale.isChecked()
    assert dialog.upscaler.currentData() == id
    assert dialog.upscale.text() == "Upscale 4 times with"
    dialog.sizes.ticks["original"].setChecked(False)
    dialog.sizes.ticks["512"].setChecked(False)
    dialog.sizes.other.setText("80")
    assert not dialog.upscale.isVisible()
    dialog.sizes.other.setText("80, 150")
    assert dialog.upscale.text() == "Upscale 2 times with"
    dialog.upscale.setChecked(True)
    dialog.send_to(str(tmp_path / "out"))
    press(desk, dialog, "exportGo")
    desk.until(lambda: desk.window.work_actions._export is None)
    files = sorted((tmp_path / "out").rglob("*.png"))
    assert len(files) == 2
    note = codecs.read_note(files[0]) or {}
    assert note["provenance"]["models"]["upscaler"]["id"] == id
    assert note["request"]["seed"] == 3
    (group,) = desk.studio.queue.rows()
    assert isinstance(group, JobGroup)
    assert group.group.title == "Export 我的  头像"
    again = open_dialog(desk)
    assert not again.upscale.isChecked()
    again.reject()


def test_without_an_upscaler_none_is_offered(desk: Desk) -> None:
    dialog = open_dialog(desk)
    assert not dialog.upscale.isVisible()
    dialog.reject()


def test_cancelling_while_the_picture_is_enlarged_exports_nothing_and_a_failure_is_said(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(desk, tmp_path / "toy")
    dialog = open_dialog(desk)
    dialog.send_to(str(tmp_path / "out"))
    assert dialog.sizes is not None
    dialog.sizes.ticks["512"].setChecked(True)
    dialog.upscale.setChecked(True)
    seeds = iter([SLOW, BAD_INPUT])
    real = Upscaling.request
    monkeypatch.setattr(Upscaling, "request", lambda *args: real(*args).replace(seed=next(seeds)))
    press(desk, dialog, "exportGo")
    said = dialog.findChild(QLabel, "exportCount")
    assert said is not None
    desk.until(lambda: said.text().startswith("Making"))
    press(desk, dialog, "exportCancel")
    desk.until(lambda: dialog.go.isEnabled())
    assert dialog.error.message() == ""
    press(desk, dialog, "exportGo")
    desk.until(lambda: dialog.error.message() != "")
    assert dialog.error.message() == "The moon cannot be painted. Ask for the sun."
    assert not (tmp_path / "out").exists()
    dialog.reject()
