"""The avatar page as a person uses it: sixteen faces, sliders under the mouse and the keyboard, keep, undo, errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QSlider, QWidget
from qasync import QEventLoop

from studio.backends.avatar.requests import Variation
from studio.library.library import LibraryQuery
from studio.studio import Studio
from studio.system.paths import AppPaths
from studio.ui.avatar.live_jobs import LiveJobs
from studio.ui.export.dialog import ExportDialog
from tests.faces import BAD_SEED, FaceEngine, face_studio
from tests.ui.avatar_actions import brief, colour_of, face_desk, handle, inside, page, pick, seen, shows, sixteen, works
from tests.ui.conftest import Desk
from tests.ui.window_tour import outside


@pytest.fixture
def desk(home: Path, loop: QEventLoop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with face_desk(home, loop, monkeypatch) as made:
        yield made


def test_sixteen_faces_come_one_is_chosen_kept_undone_and_found_again(desk: Desk, home: Path, loop: QEventLoop) -> None:
    panel, inspector = page(desk)
    before = brief(panel)
    sixteen(desk)
    assert not works(desk)
    assert len({each.seed for each in inspector.session.candidates.faces}) == 16
    assert panel.stage_area.header.caption.full_text() == "Choose one of 16 faces"
    pick(desk, 5)
    chosen = brief(panel)
    assert chosen.seed == inspector.session.candidates.faces[5].seed
    assert panel.stage_area.header.caption.full_text() == "Unsaved"
    desk.click("keepFace")
    desk.until(lambda: works(desk))
    kept = desk.studio.library.page()[0]
    assert kept.path.is_file()
    assert (kept.width, kept.height) == (512, 512)
    assert works(desk)[0].seed == chosen.seed
    assert panel.asset is not None
    assert panel.asset.id == kept.id
    desk.act("undo")
    assert brief(panel) == before
    desk.until(lambda: shows(panel, before))
    desk.act("redo")
    desk.until(lambda: shows(panel, chosen))
    desk.close()
    again = Desk(home, loop, studio=face_studio(home))
    assert brief(again.panel("avatar")) == chosen
    assert again.panel("avatar").filmstrip.model().rowCount() == 1
    again.close()


def test_the_sixteen_are_neither_journaled_nor_saved_and_go_with_the_page(desk: Desk) -> None:
    FaceEngine.gate.clear()
    page(desk)
    desk.click("faces")
    desk.until(lambda: FaceEngine.asked)
    assert all(job.live for job in desk.studio.queue.jobs())
    assert desk.window.job_strip.words.full_text() == "Ready"
    desk.click("rail.poster")
    FaceEngine.gate.set()
    desk.idle()
    assert len(FaceEngine.asked) == 1
    assert not works(desk)
    assert not desk.studio.queue._unfinished()


def test_arrow_keys_and_return_choose_and_escape_goes_back(desk: Desk) -> None:
    panel, inspector = page(desk)
    sixteen(desk)
    grid = panel.stage_area.candidates
    assert grid.hasFocus()
    inside(desk, QTest.keyClick, grid, Qt.Key.Key_Right)
    inside(desk, QTest.keyClick, grid, Qt.Key.Key_Down)
    inside(desk, QTest.keyClick, grid, Qt.Key.Key_Return)
    desk.until(lambda: shows(panel, brief(panel)))
    at = next(i for i, each in enumerate(inspector.session.candidates.faces) if each.seed == brief(panel).seed)
    assert at == 1 + grid._columns_and_rows()[0]
    desk.act("cancel")  # perhaps before the larger picture has come
    assert grid.isVisible()
    desk.idle()
    assert grid.isVisible()
    desk.click("back") if panel.stage_area.header.back.isVisible() else desk.act("cancel")
    desk.until(lambda: shows(panel, brief(panel)))


def test_nothing_that_deletes_comes_under_the_pointer_after_save(desk: Desk) -> None:
    panel, _ = page(desk)
    sixteen(desk)
    pick(desk, 2)
    keep, header = desk.find("keepFace"), panel.stage_area.header
    desk.until(keep.isEnabled)
    place = keep.geometry()
    desk.click("keepFace")
    desk.until(lambda: not keep.isVisible() and header.save.isVisible())
    desk.settle()
    assert not (header.bin.isVisible() and header.bin.geometry().intersects(place))


def test_more_like_this_goes_on_from_the_chosen_one_again_and_again(desk: Desk) -> None:
    panel, inspector = page(desk)
    sixteen(desk)
    pick(desk, 0)
    first = brief(panel)
    inspector.tabs.spread.show_value(0.2, moved=True)
    sixteen(desk, "near")
    assert all(each.near[0].spread == 0.2 for each in inspector.session.candidates.faces)
    pick(desk, 3)
    sixteen(desk, "near")
    pick(desk, 4)
    assert len(brief(panel).near) == 2
    assert brief(panel).seed == first.seed
    for _ in range(2):
        desk.act("undo")
    assert brief(panel) == first


def test_a_chain_that_is_too_long_is_said(desk: Desk) -> None:
    panel, _ = page(desk)
    panel.form.set_value(brief(panel).replace(near=tuple(Variation(i, 0.1) for i in range(64))))
    desk.click("near")
    assert "at most 64" in panel.error.message()
    assert not panel.stage_area.candidates.isVisible()


def test_a_slider_moves_the_face_while_it_is_dragged_and_is_one_step(desk: Desk) -> None:
    panel, inspector = page(desk)
    before = brief(panel)
    line = inspector.traits.sliders["Hair"]
    slider = line.slider
    start = handle(slider)
    inside(desk, QTest.mousePress, slider, Qt.MouseButton.LeftButton, pos=start)
    for x in (40, 60, 80, 100):
        inside(desk, QTest.mouseMove, slider, QPoint(x, start.y()))
    held = inspector.session.live
    assert held is not None
    assert brief(panel) == before, "the brief waits for the button"
    desk.until(lambda: shows(panel, held.replace(size="native")) or shows(panel, held))
    assert not panel.brief.history.can_undo
    inside(desk, QTest.mouseRelease, slider, Qt.MouseButton.LeftButton, pos=QPoint(100, start.y()))
    after = brief(panel)
    assert [trait.name for trait in after.traits] == ["Hair"]
    desk.until(lambda: panel.stage.image.width() == 512)  # type: ignore[attr-defined]
    assert shows(panel, after)
    assert line.reset.isVisible()
    desk.act("undo")
    assert brief(panel) == before
    assert not line.reset.isVisible()
    desk.until(lambda: shows(panel, before))
    assert not works(desk)


def test_no_queue_builds_up_under_a_fast_hand(desk: Desk) -> None:
    panel, inspector = page(desk)
    FaceEngine.gate.clear()
    slider = inspector.traits.sliders["Hair"].slider
    inside(desk, QTest.mousePress, slider, Qt.MouseButton.LeftButton, pos=handle(slider))
    for x in range(20, 110, 2):
        inside(desk, QTest.mouseMove, slider, QPoint(x, slider.height() // 2))
        assert sum(job.state == "queued" for job in desk.studio.queue.jobs()) <= 1
    FaceEngine.gate.set()
    desk.until(lambda: panel.stage_area.on_stage and seen(panel) == colour_of(inspector.session.shown()))
    assert len(FaceEngine.asked) <= 3, "the first, perhaps the second, and the last"
    inside(desk, QTest.mouseRelease, slider, Qt.MouseButton.LeftButton, pos=QPoint(108, slider.height() // 2))
    desk.until(lambda: shows(panel, brief(panel)))


def test_keys_move_a_slider_station_by_station_and_are_one_step(desk: Desk) -> None:
    panel, inspector = page(desk)
    before = brief(panel)
    line = inspector.traits.sliders["Hair"]
    rest = line.value
    key = Qt.Key.Key_Left if rest > 0.5 else Qt.Key.Key_Right
    line.slider.setFocus()
    inside(desk, QTest.keyClick, line.slider, key)
    inside(desk, QTest.keyClick, line.slider, key)
    desk.until(lambda: brief(panel) != before)
    assert abs(brief(panel).traits[0].value - rest) in (0.5, 1.0)
    desk.until(lambda: shows(panel, brief(panel)))
    desk.act("undo")
    assert brief(panel) == before


def test_a_slider_goes_back_to_where_it_rests(desk: Desk) -> None:
    panel, inspector = page(desk)
    rest = inspector.traits.sliders["Skin"].value
    for name in ("Skin", "Glasses"):
        line = inspector.traits.sliders[name]
        line.slider.setFocus()
        inside(desk, QTest.keyClick, line.slider, Qt.Key.Key_End if line.value < 0.5 else Qt.Key.Key_Home)
        inside(desk, line.slider.settle)
    assert {trait.name for trait in brief(panel).traits} == {"Skin", "Glasses"}
    desk.click("reset.Skin")
    assert [trait.name for trait in brief(panel).traits] == ["Glasses"]
    assert inspector.traits.sliders["Skin"].value == rest
    place = inspector.traits.sliders["Skin"].pos()
    desk.click("resetTraits")
    assert brief(panel).traits == ()
    assert not inspector.traits._reset_all.isVisible()
    QApplication.sendPostedEvents()
    assert inspector.traits.sliders["Skin"].pos() == place, "it stays under the hand that drags it"


def test_leaving_or_closing_in_mid_drag_leaves_nothing_behind(desk: Desk, home: Path) -> None:
    FaceEngine.pause = 0.02
    panel, inspector = page(desk)
    before = brief(panel)
    slider = inspector.traits.sliders["Hair"].slider
    inside(desk, QTest.mousePress, slider, Qt.MouseButton.LeftButton, pos=handle(slider))
    inside(desk, QTest.mouseMove, slider, QPoint(90, slider.height() // 2))
    desk.act("page.poster")
    assert brief(panel) == before
    desk.act("page.avatar")
    assert not inspector.session.moving
    assert not slider.isSliderDown()
    inside(desk, QTest.mousePress, slider, Qt.MouseButton.LeftButton, pos=handle(slider))
    inside(desk, QTest.mouseMove, slider, QPoint(60, slider.height() // 2))
    desk.close()
    with_works = Studio(AppPaths.under(home), isolated=False)
    assert not with_works.library.count()
    assert not with_works.queue.jobs()
    with_works.close()


def test_how_unusual_is_followed_too(desk: Desk) -> None:
    panel, _ = page(desk)
    slider = desk.find("psi.slider")
    assert isinstance(slider, QSlider)
    slider.setFocus()
    inside(desk, QTest.keyClick, slider, Qt.Key.Key_Left)
    assert brief(panel).psi == 0.95
    desk.until(lambda: shows(panel, brief(panel)))


def test_a_name_becomes_the_title_and_is_found(desk: Desk) -> None:
    sixteen(desk)
    pick(desk, 2)
    inside(desk, QTest.keyClicks, desk.find("name"), "Ada Lovelace")
    desk.act("keep")
    desk.until(lambda: works(desk))
    found = desk.studio.library.page(LibraryQuery(text="lovelace"))
    assert [each.title for each in found] == ["Ada Lovelace"]


def test_a_face_is_kept_where_it_is_to_be_exported(desk: Desk) -> None:
    page(desk)
    sixteen(desk)
    pick(desk, 2)
    desk.act("export")
    desk.until(lambda: desk.window.findChild(ExportDialog) is not None)
    assert len(works(desk)) == 1
    dialog = desk.window.findChild(ExportDialog)
    assert dialog is not None
    inside(desk, dialog.reject)


def test_what_takes_long_is_said(desk: Desk) -> None:
    FaceEngine.gate.clear()
    panel, inspector = page(desk)
    line = inspector.traits.sliders["Skin"]
    line.slider.setFocus()
    inside(desk, QTest.keyClick, line.slider, Qt.Key.Key_End if line.value < 0.5 else Qt.Key.Key_Home)
    desk.until(lambda: "Loading the model" in desk.window.toast.message())
    FaceEngine.gate.set()
    desk.until(lambda: shows(panel, brief(panel)))


def test_a_face_that_cannot_be_drawn_is_said_with_the_button_that_mends_it(desk: Desk) -> None:
    panel, inspector = page(desk)
    panel.form.set_value(brief(panel).replace(seed=BAD_SEED))
    line = inspector.traits.sliders["Hair"]
    line.slider.setFocus()
    inside(desk, QTest.keyClick, line.slider, Qt.Key.Key_End if line.value < 0.5 else Qt.Key.Key_Home)
    desk.until(lambda: panel.error.message())
    assert "This face cannot be drawn." in panel.error.message()
    desk.click("mend.models")
    assert desk.window.page == "models"


def test_live_faces_run_while_the_queue_is_paused(desk: Desk) -> None:
    page(desk)
    desk.studio.queue.pause(True)
    sixteen(desk)
    assert desk.studio.queue.paused


def test_another_work_takes_the_stage_from_the_hand(desk: Desk) -> None:
    panel, inspector = page(desk)
    sixteen(desk)
    pick(desk, 1)
    desk.act("keep")
    desk.until(lambda: panel.asset is not None)
    line = inspector.traits.sliders["Skin"]
    line.slider.setFocus()
    inside(desk, QTest.keyClick, line.slider, Qt.Key.Key_End if line.value < 0.5 else Qt.Key.Key_Home)
    desk.until(lambda: panel.asset is None and panel.stage_area.on_stage)
    desk.until(lambda: panel.filmstrip.model().rowCount() == 1)
    inside(desk, QTest.mouseClick, panel.filmstrip.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(40, 40))
    assert panel.asset is not None
    assert inspector.session.live is None
    assert not inspector.session.moving
    desk.idle()
    assert panel.asset is not None, "no late picture takes its place"


def test_it_folds_and_stays_folded(desk: Desk, home: Path, loop: QEventLoop) -> None:
    panel, inspector = page(desk)
    sixteen(desk)
    wide = panel.stage_area.candidates.width()
    desk.act("inspector")
    assert not inspector.isVisible()
    desk.until(lambda: panel.stage_area.candidates.width() > wide)
    desk.close()
    again = Desk(home, loop, studio=face_studio(home))
    assert not again.panel("avatar").inspector.isVisible()
    again.click("foldInspector")
    assert again.panel("avatar").inspector.isVisible()
    again.close()


@pytest.mark.parametrize("size", [(1280, 800), (1024, 640)])
def test_the_window_stays_within_its_size(desk: Desk, size: tuple[int, int]) -> None:
    _, inspector = page(desk)
    desk.window.resize(*size)
    for tab in inspector.tabs.tabs:
        desk.click(f"tab.{tab}")
        desk.settle()
        assert (desk.window.width(), desk.window.height()) == size
        assert desk.window.minimumSizeHint().width() <= 1024
        inside = inspector.tabs._pages.currentWidget().findChild(QWidget, "form")  # type: ignore[union-attr]
        assert inside is not None
        assert inside.minimumSizeHint().width() <= inspector.width(), tab


def test_nothing_is_cut_off_in_the_smallest_window(desk: Desk) -> None:
    panel, inspector = page(desk)
    wide = panel.brief.width()
    desk.window.resize(desk.window.minimumSize())
    sixteen(desk)
    pick(desk, 2)
    inspector.tabs.offer_edit(True)
    for tab in inspector.tabs.tabs:
        desk.click(f"tab.{tab}")
        desk.settle()
        assert outside(desk.window) == [], tab
    assert panel.stage.width() >= 200
    assert panel.brief.width() < wide
    desk.click("foldInspector")
    desk.settle()
    assert panel.brief.width() == wide, "there is room again"


def test_other_media_have_no_inspector(desk: Desk) -> None:
    panel = desk.panel("poster")
    assert not panel.inspector.isVisible()
    inside(desk, panel.make)
    desk.until(lambda: panel.asset is not None)
    assert not [name for name in ("faces", "near", "keep", "inspector") if desk.window.can(name)]


def test_a_live_job_that_ends_with_the_window_is_no_error(desk: Desk) -> None:
    FaceEngine.gate.clear()
    panel, inspector = page(desk)
    live = LiveJobs(desk.studio, inspector)
    came: list[object] = []
    inside(desk, live.submit, brief(panel), lambda _, made: came.append(made), slot=None)
    live.stop()
    FaceEngine.gate.set()
    desk.idle()
    assert not came
