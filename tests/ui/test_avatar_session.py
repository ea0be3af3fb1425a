"""The face being edited: what is on the stage and what the tools show agree; main buttons and titles stay in sight."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from qasync import QEventLoop

from studio.backends import MEDIA
from studio.backends.avatar.requests import (
    AvatarDirectionsRequest,
    AvatarProjectRequest,
    AvatarRequest,
    AvatarTrainRequest,
    AvatarWalkRequest,
)
from studio.backends.medium import StageText
from studio.backends.story.requests import StoryRequest
from studio.errors import BadInput, Message
from studio.jobs.job import Job, Progress
from studio.library.library import Asset
from studio.schema.request import Request
from studio.ui.avatar import directions, faces, session, sliders
from studio.ui.avatar.faces import face_of
from studio.ui.widgets.text import job_stage
from tests.faces import FaceEngine, face_studio
from tests.ui.avatar_actions import brief, face_desk, inside, page, pick, shows, sixteen, works
from tests.ui.conftest import Desk


@pytest.fixture
def desk(home: Path, loop: QEventLoop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with face_desk(home, loop, monkeypatch) as made:
        yield made


def seen_work(desk: Desk, name: str = "") -> tuple[Asset, AvatarRequest]:
    """A work on the stage, and in the brief another face than that."""
    panel, _ = page(desk)
    inside(desk, panel.form.set_value, AvatarRequest(seed=3, style="micah", name=name))
    inside(desk, page(desk)[1].session.draw)
    desk.until(lambda: shows(panel, brief(panel)))
    desk.act("keep")
    desk.until(lambda: panel.asset is not None)
    inside(desk, panel.form.set_value, AvatarRequest(seed=8))
    assert panel.asset is not None
    return panel.asset, brief(panel)


def stands_at(desk: Desk, face: AvatarRequest) -> bool:
    """Whether all sliders stand as those of this face do."""
    _, inspector = page(desk)
    before = {name: line.value for name, line in inspector.traits.sliders.items()}
    inspector.traits.show_face(face, inspector.session.model_of(face))
    return before == {name: line.value for name, line in inspector.traits.sliders.items()}


def drag(desk: Desk, name: str) -> None:
    """Move a slider into its other half, wherever the face has it."""
    slider = page(desk)[1].traits.sliders[name].slider
    low = slider.value() > (slider.minimum() + slider.maximum()) / 2
    where = QPoint(round(slider.width() * (0.2 if low else 0.8)), slider.height() // 2)
    inside(desk, QTest.mousePress, slider, Qt.MouseButton.LeftButton, pos=where)
    inside(desk, QTest.mouseRelease, slider, Qt.MouseButton.LeftButton, pos=where)


def test_sliders_are_those_of_the_work_that_is_seen_and_move_its_face(desk: Desk) -> None:
    panel, inspector = page(desk)
    work, other = seen_work(desk)
    face = face_of(work)
    assert face is not None
    assert inspector.session.shown() == face
    assert stands_at(desk, face)
    drag(desk, "Hair")
    assert (brief(panel).seed, brief(panel).style) == (3, "micah"), "the work's face is the brief's now, and changed"
    assert [trait.name for trait in brief(panel).traits] == ["Hair"]
    desk.until(lambda: shows(panel, brief(panel)))
    changed = brief(panel)
    desk.act("undo")
    assert panel.asset is not None, "and one step back the work is seen again"
    assert panel.asset.id == work.id
    desk.act("redo")
    desk.until(lambda: shows(panel, changed))
    desk.act("undo")
    desk.act("undo")
    assert brief(panel) == other
    desk.until(lambda: shows(panel, other))
    assert stands_at(desk, other)


def test_an_edit_that_new_faces_use_is_seen_or_said_and_can_be_shown(desk: Desk) -> None:
    panel, inspector = page(desk)
    work, _ = seen_work(desk)
    show = inspector.tabs.show_edit
    assert not show.isVisible(), "there is no edit"
    drag(desk, "Hair")
    desk.until(lambda: shows(panel, brief(panel)))
    edited = brief(panel)
    assert not show.isVisible(), "the edit is on the stage"
    inside(desk, panel.stage_area.select_work, work)
    desk.until(lambda: panel.asset is not None and not panel.stage.loading)
    assert brief(panel) == edited
    assert show.isVisible(), "the sliders are those of the work, the brief has the edit"
    sixteen(desk)
    assert {face.traits for face in inspector.session.candidates.faces} == {edited.traits}
    assert show.isVisible(), "and so have these"
    desk.click("showEdit")
    desk.until(lambda: shows(panel, edited))
    assert stands_at(desk, edited)
    assert not show.isVisible()


def test_what_a_work_became_knows_the_work(desk: Desk) -> None:
    work, _ = seen_work(desk)
    drag(desk, "Hair")
    desk.act("keep")
    desk.until(lambda: len(works(desk)) == 2)
    assert desk.studio.library.page()[0].parents == (work.id,)


def test_at_the_start_the_sliders_are_those_of_the_work_on_the_stage(desk: Desk, home: Path, loop: QEventLoop) -> None:
    work, other = seen_work(desk)
    desk.close()
    again = Desk(home, loop, studio=face_studio(home))
    panel, inspector = page(again)
    assert panel.asset is not None
    assert panel.asset.id == work.id
    assert brief(panel) == other, "the unsent brief is what it was"
    assert inspector.session.shown() == face_of(work)
    face = face_of(work)
    assert face is not None
    assert stands_at(again, face)
    again.close()


def test_sixteen_faces_are_as_the_brief_says_whatever_is_on_the_stage(desk: Desk) -> None:
    panel, inspector = page(desk)
    work, _ = seen_work(desk)
    sixteen(desk)
    assert {face.style for face in inspector.session.candidates.faces} == {"any"}
    desk.act("cancel")
    assert panel.asset is not None, "Esc goes back to the work"
    assert panel.asset.id == work.id
    sixteen(desk, "near")
    near = {(face.style, face.seed) for face in inspector.session.candidates.faces}
    assert near == {("micah", 3)}, "those near are near the work"


def test_a_face_of_sixteen_is_mixed_into_the_work_that_is_seen(desk: Desk) -> None:
    panel, _ = page(desk)
    seen_work(desk)
    desk.click("tab.mix")
    desk.click("mixSixteen")
    desk.until(lambda: panel.stage_area.candidates.isVisible() and panel.stage_area.candidates.done == 16)
    pick(desk, 2)
    assert (brief(panel).seed, len(brief(panel).mix)) == (3, 1)


def test_the_chosen_face_is_seen_before_it_is_drawn_again(desk: Desk) -> None:
    _, inspector = page(desk)
    sixteen(desk)
    chosen = inspector.session.candidates.faces[3]
    FaceEngine.gate.clear()
    pick(desk, 3)
    assert inspector.session.live == chosen
    FaceEngine.gate.set()


def test_faces_that_come_after_a_running_job_are_said_to_wait(desk: Desk) -> None:
    panel, _ = page(desk)
    FaceEngine.gate.clear()
    desk.click("generate")
    desk.until(lambda: any(job.state == "running" for job in desk.studio.queue.jobs()))
    desk.click("faces")
    assert panel.stage_area.header.caption.full_text() == session.WAITING
    FaceEngine.gate.set()
    desk.until(lambda: panel.stage_area.header.caption.full_text() == "Choose one of 16 faces")


def test_words_about_loading_go_when_there_is_something_to_see(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    panel, inspector = page(desk)
    inspector.session._loading.setInterval(1)
    FaceEngine.gate.clear()
    inside(desk, inspector.session.draw)
    desk.until(lambda: desk.window.toast.message() == session.LOADING)
    FaceEngine.gate.set()
    desk.until(lambda: shows(panel, brief(panel)))
    assert not desk.window.toast.isVisible()
    seen_work(desk)
    inspector.session._loading.setInterval(2000)
    FaceEngine.gate.clear()
    inside(desk, inspector.session.draw)
    desk.act("faces")
    FaceEngine.gate.set()
    desk.until(lambda: panel.stage_area.candidates.done == 16)
    assert not inspector.session._loading.isActive(), "nothing is said over the sixteen either"


def test_an_older_picture_takes_no_words_away(desk: Desk) -> None:
    panel, inspector = page(desk)
    FaceEngine.gate.clear()
    inside(desk, inspector.session.draw)
    inside(desk, inspector.session.fail, BadInput("No more faces can be mixed in."))
    FaceEngine.gate.set()
    desk.until(lambda: shows(panel, brief(panel)))
    assert "No more faces" in panel.error.message()
    drag(desk, "Hair")
    assert not panel.error.isVisible(), "they go when the person goes on"


@pytest.mark.parametrize("size", [(1024, 640), (1280, 800)])
def test_main_buttons_and_the_title_are_seen_in_a_small_window(desk: Desk, size: tuple[int, int]) -> None:
    panel, inspector = page(desk)
    work, _ = seen_work(desk, "Mara")
    desk.window.resize(*size)
    desk.settle()
    caption = panel.stage_area.header.caption
    assert caption.text() == "Mara" if size[0] == 1024 else "Mara" in caption.text()
    assert caption.width() >= 40
    desk.click("tab.walk")
    inside(desk, inspector.morph.extend, [brief(panel).replace(seed=n) for n in range(4)])
    for tab, names in (("walk", ("walkPreview", "walkMake")), ("find", ("findGo",))):
        desk.click(f"tab.{tab}")
        desk.settle()
        for name in names:
            widget = desk.find(name)
            assert widget.visibleRegion().boundingRect().size() == widget.size(), name
    assert work.title == "Mara"


def test_the_title_has_room_beside_the_way_back_to_the_candidates(desk: Desk) -> None:
    panel, _ = page(desk)
    desk.window.resize(1024, 640)
    panel.count.setCurrentIndex(panel.count.findData(2))
    desk.click("generate")
    desk.until(lambda: panel.stage_area.candidates.isVisible() and panel.stage_area.candidates.done == 2)
    inside(desk, panel.stage_area.candidates.chosen.emit, 0)
    desk.settle()
    head = panel.stage_area.header
    assert head.back.isVisible()
    assert head.caption.width() >= 80
    assert not head.vary.isVisible(), "the menu has it"
    desk.window.resize(1280, 800)
    desk.settle()
    assert head.vary.isVisible()


def test_the_faces_of_a_walk_are_called_by_their_names(desk: Desk) -> None:
    _, inspector = page(desk)
    work, _ = seen_work(desk, "Mara")
    desk.click("tab.walk")
    desk.click("stationAdd")
    assert inspector.morph.stations.item(0).text() == "Mara"
    made: list[object] = []
    inspector.session._submit = lambda request, parents: made.extend(parents)  # type: ignore[method-assign,assignment]
    inside(desk, inspector.morph._make)
    assert made == [work.id]


def test_while_a_slider_moves_the_disk_is_left_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    panel, inspector = page(desk)
    seen_work(desk)
    slider = inspector.traits.sliders["Hair"].slider
    read: list[str] = []

    def watch(module: object, name: str) -> None:
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *asked: (read.append(name), real(*asked))[1])

    start = QPoint(round(slider.width() / 2), slider.height() // 2)
    inside(desk, QTest.mousePress, slider, Qt.MouseButton.LeftButton, pos=start)
    inside(desk, QTest.mouseMove, slider, QPoint(60, start.y()))
    watch(sliders, "slider_stamp")
    watch(directions, "change_stamp")
    watch(faces, "model_for")
    for x in (70, 80, 90):
        inside(desk, QTest.mouseMove, slider, QPoint(x, start.y()))
        face = inspector.session.live
        assert face is not None
        desk.until(lambda face=face: shows(panel, face))
    assert read == []
    inside(desk, QTest.mouseRelease, slider, Qt.MouseButton.LeftButton, pos=QPoint(90, start.y()))
    assert "model_for" in read, "it is looked up again once the slider has settled"


def test_one_step_is_not_counted() -> None:
    job = Job(AvatarRequest())
    job.start()
    job.progress = Progress("loading", 0, 1)
    assert job_stage(job) == "loading"
    job.progress = Progress("sorting", 1, 3)
    assert job_stage(job) == "sorting 1 of 3"


@pytest.mark.parametrize(
    ("request_", "progress", "said"),
    [
        (AvatarRequest(), Progress("mapping", 1, 3), "drawing"),
        (AvatarRequest(), Progress("making room"), "freeing memory"),
        (AvatarProjectRequest(), Progress("looking", 32, 200), "matching, step 32 of 200"),
        (AvatarDirectionsRequest(), Progress("looking", 0, 7), "finding directions"),
        (AvatarWalkRequest(), Progress("walking", 19, 96), "rendering frame 19 of 96"),
        (AvatarTrainRequest(), Progress("playing against a critic", 24, 28800, unit="s"), "training, 24 s of 8 h"),
        (AvatarTrainRequest(), Progress("reading pictures", 3, 9), "reading picture 3 of 9"),
    ],
)
def test_stages_are_shown_in_plain_words(request_: Request, progress: Progress, said: str) -> None:
    job = Job(request_)
    job.start()
    job.progress = progress
    assert job_stage(job) == said


def test_a_story_says_how_far_it_is_and_what_it_reads() -> None:
    job = Job(StoryRequest())
    job.start()
    job.progress = Progress("writing", 55, 220)
    assert job_stage(job) == "writing, 25 %"
    stage = Message("writing after the last {longest} of {count} tokens", longest=292, count=22926)
    job.progress = Progress(stage, 15, 220)
    assert job_stage(job) == "only the end of your text is read, 7 % written"


@pytest.mark.parametrize("text", [text for each in MEDIA for task in each.tasks for text in task.stages])
def test_every_stage_can_be_counted(text: StageText) -> None:
    assert "{" not in text.words
    assert "{" not in text.counted.format(done=1, total=2, percent=50)
