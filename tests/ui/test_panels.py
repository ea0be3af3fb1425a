"""What a person sees at a panel: making each medium, the queue, cancel, errors, candidates, the filmstrip."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPlainTextEdit, QPushButton

from studio.backends import MEDIA
from studio.errors import BadInput, StudioError
from studio.library.library import LibraryQuery
from studio.ui.library.send_to import obstacle
from studio.ui.library.work_menu import WorkMenu
from studio.ui.stages.audio import AudioStage
from studio.ui.stages.image import ImageStage
from studio.ui.stages.text import TextStage
from studio.ui.widgets.theme import theme
from tests import fakes
from tests.fakes import BAD_INPUT, NOTHING_YET, SLOW, UNEXPECTED, FakeEngine
from tests.ui.conftest import Desk


def keep_seed(desk: Desk, medium: str, seed: int) -> None:
    panel = desk.panel(medium)
    panel.form.set_value(panel.form.value().replace(seed=seed))
    assert panel.form.seed is not None
    panel.form.seed.lock.setChecked(True)
    panel.count.setCurrentIndex(0)


@pytest.mark.parametrize("medium", [medium.name for medium in MEDIA])
def test_generate_shows_the_work(desk: Desk, medium: str) -> None:
    desk.click(f"rail.{medium}")
    keep_seed(desk, medium, 77)
    desk.click("generate")
    desk.until(lambda: desk.panel(medium).asset is not None)
    panel = desk.panel(medium)
    assert panel.asset is not None
    assert panel.asset.request["seed"] == 77
    desk.until(lambda: panel.stage.isVisible() and not panel.stage.loading)
    desk.until(lambda: panel.filmstrip.model().rowCount() == 1)
    if isinstance(panel.stage, ImageStage):
        side = panel.stage.image.size()
        assert (side.width(), side.height()) == fakes.size(panel.form.value())
    elif isinstance(panel.stage, TextStage):
        assert panel.stage.page.toPlainText().startswith("Tale 77\n")
        assert "从前有一只狐狸" in panel.stage.page.toPlainText()
    elif isinstance(panel.stage, AudioStage):
        assert panel.stage.time.text() == "0:00 / 0:12"


def test_an_unlocked_seed_is_rolled_and_a_locked_one_stays(desk: Desk) -> None:
    panel = desk.panel("poster")
    desk.click("generate")
    desk.idle()
    first = panel.form.value().seed
    desk.click("generate")
    desk.idle()
    assert panel.form.value().seed != first
    desk.click("seed.lock")
    second = panel.form.value().seed
    desk.click("generate")
    desk.idle()
    assert panel.form.value().seed == second


def test_candidates_appear_side_by_side_and_a_click_chooses(desk: Desk) -> None:
    panel = desk.panel("avatar")
    keep_seed(desk, "avatar", 100)
    panel.count.setCurrentIndex(panel.count.findData(9))
    desk.click("generate")
    desk.until(lambda: panel.stage_area.candidates.done == 9)
    assert panel.stage_area.candidates.isVisible()
    assert panel.stage_area.candidates.accessibleName() == "Candidates: 9 of 9 ready"
    spot = panel.stage_area.candidates.cell(4).center().toPoint()
    QTest.mouseClick(panel.stage_area.candidates, Qt.MouseButton.LeftButton, pos=spot)
    desk.until(panel.stage.isVisible)
    assert panel.asset is not None
    assert panel.asset.request["seed"] == 104
    assert panel.stage.hasFocus()
    desk.click("back")
    assert panel.stage_area.candidates.isVisible()
    assert panel.stage_area.candidates.done == 9, "they are still there"


def test_candidates_of_a_name_are_told_apart(desk: Desk) -> None:
    panel = desk.panel("avatar")
    panel.form.set_value(panel.form.value().replace(name="Robin"))
    panel.count.setCurrentIndex(panel.count.findData(4))
    desk.click("generate")
    desk.until(lambda: panel.stage_area.candidates.done == 4)
    assert sorted(work.title for work in desk.studio.library.page()) == ["Robin", "Robin 2", "Robin 3", "Robin 4"]


def test_a_candidate_that_is_cancelled_says_so_in_its_place(desk: Desk) -> None:
    panel = desk.panel("poster")
    keep_seed(desk, "poster", SLOW)
    panel.count.setCurrentIndex(panel.count.findData(2))
    desk.click("generate")
    desk.until(lambda: any(job.state == "running" for job in desk.studio.queue.jobs()))
    waits = next(job for job in desk.studio.queue.jobs() if job.state == "queued")
    desk.studio.queue.cancel(waits.id)
    desk.until(lambda: panel.stage_area.candidates.ended(1) == "Cancelled")
    assert not panel.stage_area.candidates.ended(0)
    QTest.keyClick(panel.stage_area.candidates, Qt.Key.Key_Right)
    assert panel.stage_area.candidates.accessibleDescription() == "2 of 2, Cancelled"


def test_what_waits_for_another_page_is_not_called_starting(desk: Desk) -> None:
    keep_seed(desk, "poster", SLOW)
    desk.click("generate")
    desk.until(lambda: any(job.state == "running" for job in desk.studio.queue.jobs()))
    desk.click("rail.story")
    keep_seed(desk, "story", 5)
    desk.click("generate")
    desk.until(lambda: desk.panel("story").stage_area.header.caption.full_text() == "Waiting")


def test_two_in_a_row_wait_and_both_come(desk: Desk) -> None:
    panel = desk.panel("poster")
    keep_seed(desk, "poster", SLOW)
    desk.click("generate")
    desk.until(lambda: any(job.state == "running" for job in desk.studio.queue.jobs()))
    keep_seed(desk, "poster", 5)
    desk.click("generate")
    desk.until(lambda: desk.window.job_strip.queue.text() == "1 waiting")
    desk.click("stripQueue")
    assert [row.job.state for row in desk.window.queue.rows()] == ["running", "queued"]
    desk.window.queue.hide()
    desk.click("stripCancel")
    desk.until(lambda: panel.asset is not None and panel.asset.request["seed"] == 5)
    works = desk.studio.library.page(LibraryQuery(medium="poster"))
    assert sorted((work.request["seed"], work.partial) for work in works) == [(5, False), (SLOW, True)]


def test_what_was_made_stays_until_the_next_is_finished(desk: Desk) -> None:
    panel = desk.panel("poster")
    desk.studio.queue.pause(True)
    for seed in (5, SLOW):
        keep_seed(desk, "poster", seed)
        desk.click("generate")
    desk.studio.queue.pause(False)
    progress: list[int] = []
    panel._jobs.progressed.connect(lambda batch, job: progress.append(job.request.seed))
    desk.until(lambda: SLOW in progress)
    desk.until(panel.stage.isVisible)
    assert panel.stage.asset is not None
    assert panel.stage.asset.request["seed"] == 5
    assert "Poster" in desk.window.job_strip.words.full_text()
    desk.click("cancel")
    desk.idle()
    assert panel.stage.asset.request["seed"] == SLOW, "it has something finished too"


def test_escape_stops_nothing(desk: Desk) -> None:
    panel = desk.panel("poster")
    keep_seed(desk, "poster", SLOW)
    panel.count.setCurrentIndex(panel.count.findData(4))
    desk.click("generate")
    desk.until(lambda: any(job.state == "running" for job in desk.studio.queue.jobs()))
    words = desk.find("prompt", QPlainTextEdit)
    for place in (words, panel.stage_area.candidates, desk.find("generate")):
        place.setFocus()
        QTest.keyClick(place, Qt.Key.Key_Escape)
    desk.act("queue")
    QTest.keyClick(desk.window.queue, Qt.Key.Key_Escape)
    assert not desk.window.queue.isVisible(), "it closes what is open"
    assert not any(job.cancelling or job.has_ended for job in desk.studio.queue.jobs())


def test_a_button_says_how_many_it_stops_and_nothing_is_left_behind(desk: Desk) -> None:
    panel = desk.panel("poster")
    keep_seed(desk, "poster", 5)
    desk.click("generate")
    desk.idle()
    before = panel.asset
    assert before is not None
    keep_seed(desk, "poster", NOTHING_YET)
    panel.count.setCurrentIndex(panel.count.findData(4))
    desk.click("generate")
    desk.until(lambda: any(job.state == "running" for job in desk.studio.queue.jobs()))
    desk.until(lambda: panel.cancel.text() == desk.window.job_strip.cancel.text() == "Cancel 4")
    desk.studio.queue.cancel(next(job.id for job in desk.studio.queue.jobs() if job.state == "queued"))
    desk.until(lambda: panel.cancel.text() == desk.window.job_strip.cancel.text() == "Cancel 3")
    desk.click("cancel")
    desk.idle()
    assert all(job.state == "cancelled" for job in desk.studio.queue.jobs()[:4])
    assert not panel.cancel.isVisible()
    assert (panel.asset, panel.stage.asset) == (before, before)
    assert panel.stage.isVisible()


def test_cancelled_candidates_leave_no_frame(desk: Desk) -> None:
    panel = desk.panel("poster")
    keep_seed(desk, "poster", 20)
    panel.count.setCurrentIndex(panel.count.findData(4))
    desk.studio.queue.pause(True)
    desk.click("generate")
    for job in desk.studio.queue.jobs():
        if job.request.seed in (21, 23):
            desk.studio.queue.cancel(job.id)
    desk.studio.queue.pause(False)
    grid = panel.stage_area.candidates
    desk.until(lambda: grid.done == 2)
    desk.idle()
    assert grid.count == 2
    QTest.keyClick(grid, Qt.Key.Key_Right)
    assert grid.accessibleDescription() == "2 of 2"
    QTest.keyClick(grid, Qt.Key.Key_Return)
    desk.until(lambda: panel.asset is not None and panel.asset.request["seed"] == 22)
    desk.act("cancel")
    assert grid.isVisible()
    assert grid.count == 2
    assert panel.stage_area.header.caption.full_text() == "2 candidates"


def test_cancelling_keeps_what_there_was(desk: Desk) -> None:
    panel = desk.panel("story")
    keep_seed(desk, "story", SLOW)
    desk.click("generate")
    desk.until(lambda: f"{SLOW} foxes" in panel.stage.page.toPlainText())  # type: ignore[attr-defined]
    assert panel.cancel.isVisible()
    desk.act("stop")
    desk.until(lambda: panel.asset is not None)
    assert panel.asset is not None
    assert panel.asset.partial
    assert panel.stage_area.header.caption.full_text().endswith("unfinished")
    desk.until(lambda: not panel.cancel.isVisible())


def test_an_error_stands_at_the_panel_in_words_with_a_retry(desk: Desk) -> None:
    panel = desk.panel("poster")
    keep_seed(desk, "poster", BAD_INPUT)
    desk.click("generate")
    desk.until(lambda: panel.error.isVisible())
    assert panel.error.message() == "The moon cannot be painted. Ask for the sun."
    desk.idle()
    desk.click("retry")
    desk.until(
        lambda: len(desk.studio.queue.jobs()) == 2 and all(job.state == "failed" for job in desk.studio.queue.jobs())
    )


def test_retry_saves_what_was_made_while_the_disk_was_full(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object, **_values: object) -> None:
        raise StudioError("The disk is full.", "Make room and try again.")

    def run(*_: object) -> None:
        raise BadInput("It is made anew.")

    panel = desk.panel("poster")
    keep_seed(desk, "poster", 5)
    with monkeypatch.context() as patch:
        patch.setattr(desk.studio.library, "add", full)
        desk.click("generate")
        desk.until(lambda: panel.error.isVisible())
    monkeypatch.setattr(FakeEngine, "run", run)
    desk.idle()
    desk.click("retry")
    desk.until(lambda: panel.asset is not None and panel.asset.request["seed"] == 5)
    assert not panel.error.isVisible()


def test_an_unexpected_error_is_said_as_well(desk: Desk) -> None:
    panel = desk.panel("music")
    keep_seed(desk, "music", UNEXPECTED)
    desk.click("generate")
    desk.until(lambda: panel.error.isVisible())
    assert "unexpected error" in panel.error.message()
    assert panel.stage_area.onboarding.isVisible()


def test_a_request_that_cannot_be_says_so_before_anything_runs(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise BadInput("There is no model called x.", "Choose another.")

    monkeypatch.setattr(desk.studio, "submit", refuse)
    desk.panel("poster")
    desk.click("generate")
    assert desk.panel("poster").error.message() == "There is no model called x. Choose another."


@pytest.mark.parametrize("medium", [medium.name for medium in MEDIA])
def test_the_empty_page_makes_an_example(desk: Desk, medium: str) -> None:
    panel = desk.panel(medium)
    assert panel.stage_area.onboarding.isVisible()
    desk.act("example")
    desk.idle()
    assert not panel.stage_area.onboarding.isVisible()
    assert desk.studio.library.count(LibraryQuery(medium=medium)) == panel.count.currentData()


def test_the_filmstrip_brings_back_a_work_and_its_brief(desk: Desk) -> None:
    panel = desk.panel("story")
    for seed, prompt in ((1, "A fox"), (2, "A hare")):
        panel.form.set_value(panel.form.value().replace(prompt=prompt))
        keep_seed(desk, "story", seed)
        desk.click("generate")
        desk.idle()
    strip = panel.filmstrip
    desk.until(lambda: strip.model().rowCount() == 2)
    spot = strip.visualRect(strip.model().index(1, 0)).center()
    QTest.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert panel.asset is not None
    assert panel.asset.request["prompt"] == "A fox"
    assert panel.form.value().prompt == "A hare"  # type: ignore[attr-defined]
    desk.click("recall")
    assert panel.form.value().prompt == "A fox"  # type: ignore[attr-defined]
    assert panel.form.seed is not None
    assert panel.form.seed.locked
    QTest.keyClick(strip, Qt.Key.Key_Left)


def test_arrow_keys_go_through_works(desk: Desk) -> None:
    panel = desk.panel("poster")
    for seed in (1, 2):
        keep_seed(desk, "poster", seed)
        desk.click("generate")
        desk.idle()
    desk.until(lambda: panel.filmstrip.model().rowCount() == 2)
    QTest.keyClick(panel.stage, Qt.Key.Key_Right)
    assert panel.asset is not None
    assert panel.asset.request["seed"] == 1
    QTest.keyClick(panel.stage, Qt.Key.Key_Left)
    assert panel.asset.request["seed"] == 2


def test_bin_and_undo(desk: Desk) -> None:
    panel = desk.panel("poster")
    keep_seed(desk, "poster", 3)
    desk.click("generate")
    desk.idle()
    desk.click("bin")
    assert desk.studio.library.count() == 0
    assert desk.window.toast.message() == "1 item moved to the bin."
    assert panel.stage_area.onboarding.isVisible()
    desk.click("toastAction")
    assert desk.studio.library.count() == 1
    desk.until(lambda: panel.filmstrip.model().rowCount() == 1)


@pytest.fixture
def text_size() -> Iterator[Callable[[float], None]]:
    """Sets the size of texts for this test."""
    yield theme().set_text_size
    theme().set_text_size(1.0)


@pytest.mark.parametrize("size", [1.0, 1.5])
@pytest.mark.parametrize("wide", [880, 1024, 1280])
def test_what_has_no_room_above_the_stage_is_in_a_menu_but_never_the_main_deeds(
    desk: Desk, wide: int, size: float, text_size: Callable[[float], None]
) -> None:
    desk.window.resize(wide, 640)
    text_size(size)
    keep_seed(desk, "avatar", 3)
    desk.click("generate")
    desk.idle()
    panel = desk.panel("avatar")
    header = panel.stage_area.header
    buttons = [*header._work_buttons, *header._tools]
    shown = [each for each in buttons if each.isVisible()]
    assert {"save", "exportWork"} <= {each.objectName() for each in shown}
    assert all(header.rect().contains(each.geometry()) for each in shown)
    assert not [pair for pair in itertools.combinations(shown, 2) if pair[0].geometry().intersects(pair[1].geometry())]
    header.more.menu().aboutToShow.emit()
    entries = [each for each in header.more.menu().actions() if not each.isSeparator()]
    offered = {each.objectName().removeprefix("more."): each for each in entries}
    assert set(offered) == {each.objectName() for each in buttons if each not in shown}
    assert header.more.isVisible() is bool(offered)
    if "bin" in offered:
        offered["bin"].trigger()
    else:
        desk.click("bin")
    assert desk.studio.library.count() == 0


def test_copy_favourite_and_save(desk: Desk) -> None:
    panel = desk.panel("poster")
    keep_seed(desk, "poster", 3)
    desk.click("generate")
    desk.idle()
    desk.click("copy")
    assert QGuiApplication.clipboard().image().width() == 512
    desk.click("star")
    assert panel.asset is not None
    assert desk.studio.library.get(panel.asset.id).favourite
    target = desk.home.parent / "mine.png"
    desk.window.work_actions.copy_to(panel.asset, target)
    desk.until(lambda: desk.window.toast.message() == "Saved as mine.png.")
    assert target.read_bytes() == panel.asset.path.read_bytes()


def test_zoom(desk: Desk) -> None:
    panel = desk.panel("poster")
    keep_seed(desk, "poster", 3)
    panel.form.set_value(panel.form.value().replace(width=64, height=96))
    desk.click("generate")
    desk.idle()
    stage = panel.stage
    assert isinstance(stage, ImageStage)
    fitted = stage.scale
    assert fitted > 1
    desk.click("actual")
    assert stage.scale == 1
    assert panel.findChild(QLabel, "zoom").text() == "100 %"
    QTest.keyClick(stage, Qt.Key.Key_Plus)
    assert stage.scale == pytest.approx(1.25)
    desk.click("fit")
    assert stage.scale == fitted


def test_jobs_from_elsewhere_are_followed(desk: Desk) -> None:
    panel = desk.panel("poster")
    keep_seed(desk, "poster", BAD_INPUT)
    desk.click("generate")
    desk.idle()
    desk.studio.submit(panel.form.value().replace(seed=SLOW))
    desk.until(lambda: panel.stage.isVisible())
    assert panel.cancel.isVisible()
    desk.click("cancel")
    desk.until(lambda: panel.asset is not None)


def test_a_library_that_cannot_be_written_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = desk.panel("poster")
    keep_seed(desk, "poster", 3)
    desk.click("generate")
    desk.idle()

    def full(*_: object) -> None:
        raise StudioError("The disk is full.", "Free some space.")

    monkeypatch.setattr(desk.studio.library, "bin", full)
    desk.click("bin")
    assert desk.window.toast.message() == "The disk is full. Free some space."
    assert panel.asset is not None


def test_works_that_come_while_another_page_is_shown_are_there_on_return(desk: Desk) -> None:
    panel = desk.panel("poster")
    keep_seed(desk, "poster", 3)
    desk.click("generate")
    desk.panel("story")
    desk.idle()
    desk.panel("poster")
    desk.until(lambda: panel.filmstrip.isVisible() and panel.filmstrip.model().rowCount() == 1)


def test_the_menu_of_the_filmstrip_acts_on_the_work_under_the_pointer(desk: Desk) -> None:
    panel = desk.panel("poster")
    for seed in (1, 2):
        keep_seed(desk, "poster", seed)
        desk.click("generate")
        desk.idle()
    strip = panel.filmstrip
    desk.until(lambda: strip.model().rowCount() == 2)
    asked: list[object] = []
    strip.menu_requested.connect(lambda asset, at: asked.append(asset))
    spot = strip.visualRect(strip.model().index(1, 0)).center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, spot, strip.viewport().mapToGlobal(spot))
    QApplication.sendEvent(strip.viewport(), event)
    desk.until(lambda: panel.findChild(WorkMenu) is not None)
    menu = panel.findChild(WorkMenu)
    assert menu is not None
    assert menu.isVisible()
    assert [asset.request["seed"] for asset in asked] == [1]  # type: ignore[attr-defined]
    names = [action.objectName().removeprefix("menu.") for action in menu.actions() if action.objectName()]
    assert {"open", "recall", "again", "vary", "favourite", "save", "reveal", "bin"} <= set(names)
    deeds = {action.objectName(): action for action in menu.actions()}
    deeds["menu.favourite"].trigger()
    first, second = sorted(desk.studio.library.page(LibraryQuery()), key=lambda work: work.request["seed"])
    assert (first.favourite, second.favourite) == (True, False)
    assert panel.asset is not None
    assert panel.asset.request["seed"] == 2, "the work on the stage stays"
    deeds["menu.bin"].trigger()
    menu.close()
    desk.until(lambda: strip.model().rowCount() == 1)
    assert panel.asset.request["seed"] == 2


def test_send_to_says_why_it_cannot(desk: Desk) -> None:
    keep_seed(desk, "avatar", 1)
    desk.panel("avatar").count.setCurrentIndex(0)
    desk.click("generate")
    desk.idle()
    panel = desk.panel("avatar")
    assert panel.asset is not None

    def send() -> tuple[bool, str]:
        menu = panel.menu(desk.studio.library.get(panel.asset.id))  # type: ignore[union-attr]
        found = next(action for action in menu.actions() if action.text() == "Send to")
        told = found.isEnabled(), found.toolTip() if found.menu().accessibleDescription() else ""
        menu.deleteLater()
        return told

    assert send() == (False, obstacle(panel.asset))
    assert "Give it a title" in obstacle(panel.asset)
    library = desk.window.open("library")
    desk.until(lambda: library.grid.model().rowCount() == 1)  # type: ignore[attr-defined]
    library.grid.setCurrentIndex(library.grid.model().index(0, 0))  # type: ignore[attr-defined]
    desk.until(lambda: library.findChild(QPushButton, "details.send").isVisible())
    button = desk.find("details.send")
    assert not button.isEnabled()
    assert button.toolTip() == button.accessibleDescription() == obstacle(panel.asset)
    desk.studio.library.rename(panel.asset.id, "A fox in a hat")
    assert send() == (True, "")
