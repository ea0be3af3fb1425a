"""The training page with a scripted trainer: choose, check, start, follow, pause, stop and keep, use, and come back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QImage

from studio.backends.avatar.requests import AvatarTrainRequest
from studio.errors import StudioError
from studio.jobs import training_runs
from studio.jobs.job import Cancelled, Job, Progress, Report
from studio.media.payloads import Image, Payload, Weights
from studio.models.resources import Resources
from studio.schema.request import Request, TrainRequest
from studio.ui.avatar.training.page import training_page
from studio.ui.training.page import TrainingPage
from studio.ui.training.picture_grid import PictureGrid
from studio.ui.training.plot import Plot, PlotCurve
from studio.ui.widgets.dialogs import QuestionDialog
from tests.fakes import SLOW
from tests.studios import fake_studio, interrupt
from tests.ui.conftest import Desk, Room
from tests.ui.test_panels import keep_seed

TRAINER = "tests.ui.test_training_page:Learner"
SEEDS: list[Any] = []  # what a trainer was asked for


class Learner:
    """Learns until it is stopped, or bursts; leaves a log, a preview and a model."""

    bursts = False

    def load(self, resources: Resources, report: Report) -> None: ...

    def close(self) -> None: ...

    def run(self, request: Request, report: Report) -> list[Payload]:
        assert isinstance(request, TrainRequest)
        SEEDS.append(request)
        out = Path(request.out)
        model = out / "model"
        model.mkdir(parents=True, exist_ok=True)
        (out / training_runs.CHECKPOINT).write_bytes(b"so far")
        (model / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
        said = {"medium": "avatar", "family": "stylegan2", "licence": "own", "title": request.title}
        (model / "config.json").write_text(json.dumps(said))
        log = training_runs.TrainingLog(out)
        log.begin(0, 0.0)
        sheet = Image(np.full((64, 128, 4), 200, np.uint8))
        try:
            for step in range(1, 1_000_000):
                values = {"generator": 1.0 + step, "critic": 0.5, "p": 0.25, "sureness": 0.7, "images": 16.0 * step}
                log.add(step, step * 5.0, values)
                report(Progress("playing against a critic", step, 100, sheet, {"step": float(step), **values}))
                if Learner.bursts and step > 5:
                    raise StudioError("The training lost its way.", "Go on with another seed.")
        except Cancelled:
            raise Cancelled([Weights(model)]) from None
        return []


@pytest.fixture
def desk(home: Path, loop: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(Learner, "bursts", False)
    made = Desk(home, loop, studio=fake_studio(home, trainer=TRAINER))
    yield made
    made.close()


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    folder = tmp_path / "foxes"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(10):
        small = Picture.fromarray(rng.integers(0, 256, (5, 5, 3), np.uint8))
        small.resize((70, 70)).save(folder / f"{i}.png")
    (folder / "torn.png").write_bytes(b"no")
    return folder


def page(desk: Desk) -> TrainingPage:
    found = desk.window.open("training")
    assert isinstance(found, TrainingPage)
    return found


def begun(desk: Desk, faces: Path) -> TrainingPage:
    shown = page(desk)
    shown.form.set_folder(faces)
    desk.until(lambda: shown.start_button.isEnabled())
    desk.click("trainBegin")
    desk.until(lambda: shown.save_button.isEnabled())
    return shown


def words(shown: TrainingPage) -> str:
    return shown.bar.message()


def own(desk: Desk) -> list[str]:
    return [model.title for model in desk.studio.catalog.models("avatar") if not model.bundled]


@pytest.mark.parametrize("way", ["avatar", "models", "menu"])
def test_it_is_reached_from_where_one_looks_for_it(desk: Desk, way: str) -> None:
    if way == "menu":
        desk.act("train")
    else:
        desk.window.open(way)
        desk.click("trainOwn")
    assert desk.window.page == "training"


def test_a_folder_is_checked_and_shown_before_anything_starts(desk: Desk, faces: Path) -> None:
    shown = page(desk)
    assert not shown.start_button.isEnabled()
    assert shown.empty.isVisible()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(faces))])
    shown._dropped(data)
    desk.until(lambda: shown.start_button.isEnabled())
    assert shown.dataset_check.title.text() == "10 pictures are used"
    assert shown.dataset_check.unused.text() == "1 picture is not used"
    assert shown.dataset_check.list.item(0).text().startswith("torn.png: Could not be opened as an image.")
    assert shown.dataset_check.tiles.count == 10
    assert shown.form.name.text() == "foxes"


def test_too_few_pictures_cannot_be_learnt(desk: Desk, faces: Path) -> None:
    for i in range(5):
        (faces / f"{i}.png").unlink()
    shown = page(desk)
    shown.form.set_folder(faces)
    desk.until(lambda: shown.dataset_check.title.text() == "5 pictures are used")
    assert "At least 8" in shown.dataset_check.details.text()
    assert not shown.start_button.isEnabled()


def test_a_folder_that_is_gone_is_said(desk: Desk, tmp_path: Path) -> None:
    shown = page(desk)
    shown.form.set_folder(tmp_path / "gone")
    desk.until(lambda: words(shown))
    assert "is not a folder" in words(shown)
    assert shown.empty.isVisible()


def test_a_training_is_followed_stopped_and_used(desk: Desk, faces: Path) -> None:
    shown = begun(desk, faces)
    course = shown.progress
    desk.until(lambda: course.losses.curves and course.strength.curves)
    assert [curve.label for curve in course.losses.curves] == ["Generator", "Discriminator"]
    assert "25 %" in course.strength.toolTip()
    assert course.tiles.count == 8 * 4
    assert "left" in course.details.text()
    assert not shown.form.form.isEnabled()
    desk.click("trainKeep")
    desk.until(lambda: "is ready" in words(shown))
    assert own(desk) == ["foxes"]
    desk.click("trainUse")
    assert desk.window.page == "avatar"
    chosen = desk.panel("avatar").form.value().model
    assert desk.studio.catalog.get(chosen).title == "foxes"


def until_it_stands(desk: Desk, job: Job, pace: float) -> None:
    """Wait until nothing has come for as long as ten steps took."""
    last, since = -1, 0.0

    def stands() -> bool:
        nonlocal last, since
        if job.progress.done != last:
            last, since = job.progress.done, time.monotonic()
        return time.monotonic() > since + pace

    desk.until(stands)


def test_pause_and_go_on(desk: Desk, faces: Path) -> None:
    shown = begun(desk, faces)
    job = shown.progress.job
    assert job is not None
    began, first = time.monotonic(), job.progress.done
    desk.until(lambda: job.progress.done > first + 10)
    pace = time.monotonic() - began
    desk.click("trainPause")
    assert shown.pause_button.text() == "Resume"
    assert shown.progress.title.text() == "Paused"
    until_it_stands(desk, job, pace)
    before = job.progress.done
    strip = desk.window.job_strip
    desk.until(lambda: strip.words.full_text().endswith(" · paused"))
    assert strip.left.text() == "", "no time is left to count while it stands"
    keep_seed(desk, "story", SLOW)
    desk.click("generate")
    desk.until(lambda: strip.words.full_text().startswith("Story · "))
    desk.click("stripCancel")
    desk.until(lambda: strip.words.full_text().endswith(" · paused"))
    page(desk)
    desk.click("trainPause")
    desk.until(lambda: job.progress.done > before)
    assert shown.pause_button.text() == "Pause"


def test_cancel_asks_adds_nothing_and_can_be_gone_on_with(desk: Desk, faces: Path) -> None:
    shown = begun(desk, faces)
    desk.click("trainCancel")
    box = desk.window.findChild(QuestionDialog, "cancelTraining")
    assert box is not None
    yes = box.yes
    yes.click()
    desk.until(lambda: "No model was added" in words(shown))
    assert own(desk) == []
    desk.click("trainKeepAfterAll")
    desk.until(lambda: "is ready" in words(shown))
    assert own(desk) == ["foxes"]
    SEEDS.clear()
    desk.click("trainGoOn")
    desk.until(lambda: shown.save_button.isEnabled() and SEEDS)
    assert SEEDS[0].resume


def test_stopped_again_before_it_learnt_more_it_says_so_and_offers_the_model(desk: Desk, faces: Path) -> None:
    shown = begun(desk, faces)
    desk.click("trainKeep")
    desk.until(lambda: words(shown) == "foxes is ready.")
    for way in ("trainKeep", "trainCancel"):
        desk.click("trainGoOn")
        desk.until(lambda: shown.save_button.isEnabled())
        desk.click(way)
        if way == "trainCancel":
            box = desk.window.findChild(QuestionDialog, "cancelTraining")
            assert box is not None
            box.yes.click()
            desk.until(lambda: "No model was added" in words(shown))
            desk.click("trainKeepAfterAll")
        desk.until(lambda: words(shown) == "Nothing has changed: foxes is already in your models.")
        assert own(desk) == ["foxes"]
    desk.click("trainUse")
    chosen = desk.panel("avatar").form.value().model
    assert desk.studio.catalog.get(chosen).title == "foxes"


def test_an_explosion_is_said_where_it_happened(desk: Desk, faces: Path) -> None:
    Learner.bursts = True
    shown = page(desk)
    shown.form.set_folder(faces)
    desk.until(lambda: shown.start_button.isEnabled())
    desk.click("trainBegin")
    desk.until(lambda: "lost its way" in words(shown))
    assert desk.find("trainGoOn").isEnabled()
    assert shown.start_button.isVisible()


def test_a_running_training_survives_the_page(desk: Desk, faces: Path) -> None:
    shown = begun(desk, faces)
    job = shown.progress.job
    desk.window.open("library")
    assert page(desk).progress.job is job
    fresh = training_page(desk.studio, desk.window.bridge, desk.window.panel)
    assert fresh.progress.job is job
    assert fresh.busy
    desk.until(lambda: fresh.progress.tiles.count)
    fresh.close_down()
    fresh.deleteLater()


def test_a_training_that_ended_elsewhere_is_told_when_the_page_is_first_seen(desk: Desk, faces: Path) -> None:
    request = TrainRequest.kinds["avatar.train"](  # type: ignore[call-arg]
        data=str(faces), out=str(faces.parent / "out"), title="Owls", seed=1
    )
    job = desk.studio.submit(request)
    desk.until(lambda: job.progress.done > 2)
    desk.studio.queue.finish_training(job.id)
    desk.idle()
    assert words(page(desk)) == "Owls is ready."


def test_a_training_that_the_last_start_did_not_end_is_offered(home: Path, loop: Any, faces: Path) -> None:
    request = TrainRequest.kinds["avatar.train"](  # type: ignore[call-arg]
        data=str(faces), out=str(home / "out"), title="Owls", seed=1
    )
    (home / "out").mkdir(parents=True)
    (home / "out" / training_runs.CHECKPOINT).touch()
    interrupt(home, request)
    studio = fake_studio(home, trainer=TRAINER)
    desk = Desk(home, loop, studio=studio)
    try:
        assert "during a training. Owls" in desk.window.resume_bar.bar.message()
        SEEDS.clear()
        desk.click("offerResume")
        assert desk.window.page == "training"
        desk.until(lambda: SEEDS)
        assert SEEDS[0].resume
        assert page(desk).busy
    finally:
        desk.close()


def broken_off(home: Path, faces: Path, name: str) -> TrainRequest:
    """A training that came as far as a checkpoint, as the studio's last start left it."""
    out = home / "state" / "trainings" / name
    out.mkdir(parents=True)
    request = AvatarTrainRequest(data=str(faces), out=str(out), title=name, seed=1, minutes=120)
    training_runs.save_request(request)
    (out / training_runs.CHECKPOINT).touch()
    log = training_runs.TrainingLog(out)
    log.begin(0, 0.0)
    log.add(90, 1800.0, {"generator": 1.0})
    return request


def test_a_training_that_was_offered_and_let_go_can_be_taken_up_later(home: Path, loop: Any, faces: Path) -> None:
    broken_off(home, faces, "foxes")
    interrupt(home, broken_off(home, faces, "owls"))
    studio = fake_studio(home, trainer=TRAINER)
    desk = Desk(home, loop, studio=studio)
    try:
        shown = page(desk)
        assert shown.unfinished.isVisible()
        assert shown.unfinished.count == 1, "the other is offered by the window"
        studio.queue.dismiss(studio.queue.interrupted[0])
        desk.until(lambda: shown.unfinished.count == 2)
        go = desk.find("goOn.owls")
        assert go.accessibleName() == "Resume owls"
        SEEDS.clear()
        desk.click("goOn.owls")
        desk.until(lambda: SEEDS and shown.save_button.isEnabled())
        assert (SEEDS[0].title, SEEDS[0].resume, SEEDS[0].minutes) == ("owls", True, 90)
        assert not shown.unfinished.isVisible()
        desk.click("trainKeep")
        desk.until(lambda: "is ready" in words(shown))
        assert shown.unfinished.isVisible()
    finally:
        desk.close()


def test_a_training_of_no_use_is_deleted_once_that_is_confirmed(home: Path, loop: Any, faces: Path) -> None:
    for name in ("foxes", "owls"):
        broken_off(home, faces, name)
    foxes = home / "state" / "trainings" / "foxes"
    desk = Desk(home, loop, studio=fake_studio(home, trainer=TRAINER))

    def answer(name: str) -> None:
        desk.click("deleteTraining.foxes")
        box = desk.window.findChild(QuestionDialog, "deleteTraining")
        assert box is not None
        assert "Delete the training run of foxes and free" in box.question.text()
        next(each for each in (box.yes, box.leave) if name in (each.objectName(), each.text())).click()
        desk.settle()

    try:
        shown = page(desk)
        assert desk.find("deleteTraining.foxes").accessibleName() == "Delete the training run of foxes"
        answer("Keep")
        assert foxes.exists()
        held = training_runs.lock(foxes)  # another studio goes on with it
        answer("deleteTrainingYes")
        desk.until(lambda: words(shown).startswith("This training is running."))
        held.release()
        assert foxes.exists()
        answer("deleteTrainingYes")
        desk.until(lambda: shown.unfinished.count == 1)
        assert [each.name for each in foxes.parent.iterdir()] == ["owls"]
        desk.click("goOn.owls")
        desk.until(lambda: shown.busy)
        shown._delete(shown.progress.job.request)
        assert words(shown).startswith("This training is running.")
        assert (foxes.parent / "owls").exists()
    finally:
        desk.close()


def test_no_room_is_taken_where_nothing_is_unfinished(desk: Desk) -> None:
    assert not page(desk).unfinished.isVisible()


def test_the_plan_comes_back_at_the_next_start(desk: Desk, faces: Path) -> None:
    shown = page(desk)
    shown.form.set_folder(faces)
    shown.form.size_box.setCurrentIndex(0)
    shown.form.hours.setValue(2.5)
    shown.form.mirror.setChecked(True)
    state = json.loads(json.dumps(shown.state()))
    fresh = training_page(desk.studio, desk.window.bridge, desk.window.panel)
    fresh.restore(state)
    asked = fresh.form.request(faces / "out")
    assert (asked.data, asked.size, asked.minutes, asked.mirror) == (str(faces), 32, 150.0, True)
    fresh.restore({"hours": "soon", "size": 7, "folder": 5, "mirror": "yes"})
    assert fresh.form.hours.value() == 2.5
    fresh.close_down()
    fresh.deleteLater()


def test_every_control_has_a_name(desk: Desk, faces: Path) -> None:
    shown = begun(desk, faces)
    for widget in (shown.form.name, shown.form.start, shown.form.size_box, shown.form.hours, shown.form.mirror):
        assert widget.accessibleName()
        assert widget.toolTip()
    for plot in (shown.progress.losses, shown.progress.strength):
        desk.until(plot.accessibleDescription)


def test_a_plot_draws_what_it_is_given(room: Room) -> None:
    plot = Plot("plot", "Losses")
    plot.resize(300, plot.height())
    empty = plot.grab().toImage()
    plot.show_curves(
        [PlotCurve("One", "accent", points=[(float(at), at % 7) for at in range(5000)]), PlotCurve("None", "ink")]
    )
    assert [curve.label for curve in plot.curves] == ["One"]
    assert plot.grab().toImage() != empty
    assert plot._scale() == (0.0, 6.0)
    plot.show_curves([PlotCurve("Wild", "accent", points=[(float(at), 1.0 if at else 1e6) for at in range(500)])])
    assert plot._scale() == (0.0, 1.0), "one wild value does not flatten the rest"


def test_tiles_are_as_large_as_fits(room: Room) -> None:
    tiles = PictureGrid("tiles")
    tiles.resize(800, 400)
    sheet = QImage(160, 80, QImage.Format.Format_RGBA8888)
    sheet.fill(Qt.GlobalColor.red)
    tiles.show_sheet(sheet, 8)
    assert tiles.count == 32
    side, columns, shown = tiles.layout_()
    assert (columns, shown) == (8, 32)
    assert 90 <= side <= 100
    partly = PictureGrid("partly", partly=True)
    partly.resize(300, 150)
    partly.show_sheet(sheet, 8)
    side, columns, shown = partly.layout_()
    assert shown < 32
    assert columns * (side + 4) - 4 <= 300
