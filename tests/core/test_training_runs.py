"""What a training leaves behind, and the studio's ways with one: pause, stop and keep, going on after a crash."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.backends import MEDIA
from studio.errors import BadInput
from studio.jobs import training_runs
from studio.jobs.job import Cancelled, Progress, Report
from studio.jobs.training_runs import TrainingLog, can_resume, read_log, resume_request
from studio.media.payloads import Payload, Weights
from studio.models.resources import Resources
from studio.schema.request import Request, TrainRequest
from studio.studio import News, Studio
from tests.fakes import ended, until
from tests.studios import fake_studio, interrupt

TRAIN = MEDIA[0].training_task.request


class Learner:
    """Learns until it is stopped, and leaves a model."""

    def load(self, resources: Resources, report: Report) -> None: ...

    def close(self) -> None: ...

    def run(self, request: Request, report: Report) -> list[Payload]:
        assert isinstance(request, TrainRequest)
        out = Path(request.out)
        model = out / "model"
        model.mkdir(parents=True, exist_ok=True)
        (out / training_runs.CHECKPOINT).write_bytes(b"so far")
        header = json.dumps({"__metadata__": {"out": str(out)}}).encode()
        (model / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
        said = {"medium": "avatar", "family": "stylegan2", "licence": "own", "title": request.title}
        (model / "config.json").write_text(json.dumps(said))
        try:
            for step in range(1_000_000 if request.seed else 3):
                report(Progress("learning", step, 100))
        except Cancelled:
            raise Cancelled([Weights(model)]) from None
        return [Weights(model)]


@pytest.fixture
def studio(home: Path) -> Iterator[Studio]:
    made = fake_studio(home, trainer="tests.core.test_training_runs:Learner")
    yield made
    made.close()


def asked(home: Path, **changes: Any) -> TrainRequest:
    return TRAIN(**{"data": str(home), "out": str(home / "out"), "seed": 1, "title": "Foxes", **changes})


def own(studio: Studio) -> list[str]:
    return [model.title for model in studio.catalog.models("avatar") if not model.bundled]


def test_a_log_holds_means_and_is_followed(tmp_path: Path) -> None:
    log = TrainingLog(tmp_path)
    log.begin(0, 0.0)
    log.add(1, 0.1, {"loss": 4.0})
    first, at = read_log(tmp_path)
    assert [line.values for line in first] == [{}, {"loss": 4.0}]
    log.add(2, 0.4, {"loss": 3.0})
    log.add(3, 1.3, {"loss": 1.0})
    (line,), end = read_log(tmp_path, at)
    assert (line.step, line.seconds, line.values) == (3, 1.3, {"loss": 2.0})
    assert line.time > 1.7e9
    assert read_log(tmp_path, end) == ([], end)
    assert read_log(tmp_path / "nowhere", 5) == ([], 0)


def test_a_log_stays_small(tmp_path: Path) -> None:
    log = TrainingLog(tmp_path)
    log.begin(0, 0.0)
    for step in range(20_000):
        log.add(step, step * 30.0, {"loss": 1.0})
    assert len(read_log(tmp_path)[0]) < 16_000


def test_what_a_crash_undid_leaves_the_log(tmp_path: Path) -> None:
    log = TrainingLog(tmp_path)
    log.begin(0, 0.0)
    for step in range(1, 6):
        log.add(step, step * 2.0, {"loss": float(step)})
    with (tmp_path / training_runs.LOG).open("a") as file:
        file.write('{"time": 1, "sec')
    TrainingLog(tmp_path).begin(3, 6.0)
    lines, at = read_log(tmp_path, 10_000)
    assert [(line.step, len(line.values)) for line in lines] == [(0, 0), (1, 1), (2, 1), (3, 1), (3, 0)]
    assert at == (tmp_path / training_runs.LOG).stat().st_size


def test_damaged_lines_and_values_are_passed_over(tmp_path: Path) -> None:
    TrainingLog(tmp_path).begin(0, 0.0)
    with (tmp_path / training_runs.LOG).open("a") as file:
        file.write('nonsense\n[]\n{"time": 1}\n{"time": 1, "seconds": 2, "step": 3, "loss": null, "p": 0.5}\n')
    assert [line.values for line in read_log(tmp_path)[0]] == [{}, {"p": 0.5}]


def test_going_on_is_for_the_minutes_that_were_left(tmp_path: Path) -> None:
    request = asked(tmp_path, minutes=60)
    assert resume_request(request) == request, "without a checkpoint it begins anew"
    out = Path(request.out)
    out.mkdir()
    (out / training_runs.CHECKPOINT).touch()
    assert can_resume(out)
    assert resume_request(request).resume
    log = TrainingLog(out)
    log.begin(0, 0.0)
    log.add(9, 1200.0, {"loss": 1.0})
    assert resume_request(request).minutes == pytest.approx(40)
    log.begin(9, 1200.0)
    log.add(20, 1800.0, {"loss": 1.0})
    assert resume_request(request).minutes == pytest.approx(50), "what an earlier run took is not this one's"


def test_what_was_broken_off_is_found_again_until_it_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = itertools.count(0, 3600.0)
    monkeypatch.setattr(training_runs.time, "time", lambda: next(hours))
    home = tmp_path / "trainings"
    assert training_runs.unfinished(home) == []
    for at, name in enumerate(("old", "new", "unsaved", "torn", "finished", "tale", "deep")):
        folder = home / name
        folder.mkdir(parents=True)
        kind = MEDIA[0] if name != "tale" else next(one for one in MEDIA if one.name == "story")
        request = kind.training_task.request(data="x", out=str(folder), minutes=90, title=name, seed=at)
        training_runs.save_request(request)
        log = TrainingLog(folder)
        log.begin(0, 0.0)
        log.add(40 * at, 600.0 * at, {"loss": 1.0})
        if name != "unsaved":
            (folder / training_runs.CHECKPOINT).touch()
    (home / "torn" / training_runs.REQUEST).write_text('{"kind": "avatar.train", "size": "large"')
    (home / "deep" / training_runs.REQUEST).write_text("[" * 100_000)
    training_runs.mark_finished(home / "finished")
    found = training_runs.unfinished(home)
    assert [one.request.title for one in found] == ["tale", "new", "old"]
    assert [one.seconds for one in found] == [3000.0, 600.0, 0.0]
    moved = home.rename(tmp_path / "elsewhere")
    again = training_runs.unfinished(moved)[1]
    assert resume_request(again.request).out == str(moved / "new")
    assert (resume_request(again.request).resume, resume_request(again.request).minutes) == (True, 80)


def test_a_training_to_go_on_with_outlives_finished_ones(tmp_path: Path) -> None:
    home = tmp_path / "trainings"
    training_runs.delete_oldest(home)
    for at in range(training_runs.RUNS_KEPT + 3):
        folder = home / f"{at}"
        folder.mkdir(parents=True)
        if at in (0, 2):
            training_runs.save_request(MEDIA[0].training_task.request(data="x", out=str(folder), minutes=90))
        os.utime(folder, (at * 1000.0, at * 1000.0))
    training_runs.delete_oldest(home, [str(home / "3")])
    left = sorted(int(folder.name) for folder in home.iterdir())
    assert left == [0, 2, 3, 5, 6, 7, 8], "finished ones go, the oldest first, but none that is needed"
    for at in range(training_runs.RUNS_KEPT + 3, 2 * training_runs.RUNS_KEPT + 4):
        folder = home / f"{at}"
        folder.mkdir()
        training_runs.save_request(MEDIA[0].training_task.request(data="x", out=str(folder), minutes=90))
        os.utime(folder, (at * 1000.0, at * 1000.0))
    training_runs.delete_oldest(home)
    left = sorted(int(folder.name) for folder in home.iterdir())
    kept = training_runs.RUNS_KEPT
    assert left == list(range(kept + 4, 2 * kept + 4)), "at last the oldest of the others too"


def test_a_finished_training_is_among_the_models_at_once(studio: Studio, home: Path) -> None:
    heard: list[News] = []
    studio.subscribe(heard.append)
    job = studio.submit(asked(home, seed=0))
    (weights,) = job.future.result(20)
    assert own(studio) == ["Foxes"]
    assert studio.catalog.get(weights.folder.name).licence == "own"
    assert "models" in [news.kind for news in heard]


def test_a_training_without_a_name_stays_in_its_folder(studio: Studio, home: Path) -> None:
    job = studio.submit(asked(home, seed=0, title=""))
    (weights,) = job.future.result(20)
    assert weights.folder == home / "out" / "model"
    assert own(studio) == []


def test_stop_and_keep_adds_the_model_and_cancel_does_not(studio: Studio, home: Path) -> None:
    kept, dropped = studio.submit(asked(home)), studio.submit(asked(home, out=str(home / "other")))
    until(lambda: kept.progress.done > 2)
    studio.queue.finish_training(kept.id)
    error = ended(kept)
    assert isinstance(error, Cancelled)
    assert [weights.folder.parent for weights in error.assets] == [studio.paths.models]
    until(lambda: dropped.progress.done > 2)
    studio.queue.cancel(dropped.id)
    assert isinstance(ended(dropped), Cancelled)
    assert own(studio) == ["Foxes"]


def test_a_training_that_learnt_nothing_more_points_to_the_model_it_left_before(studio: Studio, home: Path) -> None:
    first = studio.submit(asked(home, seed=0))
    (made,) = first.future.result(20)
    assert first.duplicate_of == ""
    again = studio.submit(asked(home, resume=True))
    until(lambda: again.progress.done > 2)
    studio.queue.finish_training(again.id)
    error = ended(again)
    assert isinstance(error, Cancelled)
    assert error.assets == [made]
    assert again.duplicate_of == "Foxes"
    assert own(studio) == ["Foxes"]


def test_a_paused_training_waits_and_can_be_stopped(studio: Studio, home: Path) -> None:
    job = studio.submit(asked(home))
    until(lambda: job.progress.done > 2)
    studio.queue.suspend_training(job.id, True)
    until(lambda: _still(job))
    work = studio.submit(MEDIA[0].default_task.request(seed=3))
    work.future.result(20)  # the other lane goes on, and its end does not wake the paused one
    before = job.progress.done
    assert _still(job)
    assert job.progress.done == before
    studio.queue.suspend_training(job.id, False)
    until(lambda: job.progress.done > before)
    studio.queue.suspend_training(job.id, True)
    studio.queue.finish_training(job.id)
    assert isinstance(ended(job), Cancelled)
    assert own(studio) == ["Foxes"]
    again = studio.submit(asked(home, seed=0, out=str(home / "again")))
    again.future.result(20)  # a pause ends with its training


def _still(job: Any) -> bool:
    before = job.progress.done
    try:
        job.future.exception(0.05)
    except TimeoutError:
        return job.progress.done == before
    return False


def test_an_offered_training_goes_on_from_its_checkpoint(home: Path) -> None:
    request = asked(home, minutes=60)
    Path(request.out).mkdir(parents=True)
    (Path(request.out) / training_runs.CHECKPOINT).touch()
    interrupt(home, request)
    studio = fake_studio(home, trainer="tests.core.test_training_runs:Learner")
    try:
        job = studio.queue.resume(*studio.queue.interrupted)
        assert isinstance(job.request, TrainRequest)
        assert job.request.resume
        studio.queue.cancel(job.id)
        ended(job)
        again = studio.queue.retry(job.id)
        assert isinstance(again.request, TrainRequest)
        assert again.request.resume
        studio.queue.cancel(again.id)
        ended(again)
    finally:
        studio.close()


def test_closing_the_program_makes_no_model(home: Path) -> None:
    studio = fake_studio(home, trainer="tests.core.test_training_runs:Learner")
    job = studio.submit(asked(home))
    until(lambda: job.progress.done > 2)
    job.keep_model = True
    studio.close()
    assert not list(studio.paths.models.glob("*"))
    opened = fake_studio(home, trainer="tests.core.test_training_runs:Learner")
    assert [entry.request.kind for entry in opened.queue.interrupted] == ["avatar.train"]
    opened.close()


def test_a_deleted_training_frees_its_room_and_one_that_runs_stays(tmp_path: Path) -> None:
    folder = tmp_path / "foxes"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "model.safetensors").write_bytes(b"x" * 1000)
    training_runs.save_request(TRAIN(out=str(folder), data="x", title="foxes"))
    (folder / training_runs.CHECKPOINT).write_bytes(b"y" * 500)
    TrainingLog(folder).begin(0, 0.0)
    assert 1500 < training_runs.disk_bytes(folder) < 5000
    held = training_runs.lock(folder)
    with pytest.raises(BadInput, match="runs in"):
        training_runs.lock(folder)
    with pytest.raises(BadInput, match="is running"):
        training_runs.delete(folder)
    assert training_runs.unfinished(tmp_path)
    held.release()
    training_runs.delete(folder)
    assert list(tmp_path.iterdir()) == []
    training_runs.delete(folder)  # it is gone already


def test_a_deletion_that_broke_off_leaves_nothing_to_go_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "foxes"
    folder.mkdir()
    training_runs.save_request(TRAIN(out=str(folder), data="x", title="foxes"))
    (folder / training_runs.CHECKPOINT).touch()
    TrainingLog(folder).begin(0, 0.0)
    assert training_runs.unfinished(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(training_runs.shutil, "rmtree", lambda *_, **__: None)
        training_runs.delete(folder)
    assert training_runs.unfinished(tmp_path) == []
    assert list(tmp_path.iterdir())
    training_runs.delete_oldest(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_leaves_a_training_that_runs(tmp_path: Path) -> None:
    for number in range(training_runs.RUNS_KEPT + 2):
        (tmp_path / str(number)).mkdir()
        os.utime(tmp_path / str(number), (number, number))
    held = training_runs.lock(tmp_path / "0")
    os.utime(tmp_path / "0", (0, 0))
    training_runs.delete_oldest(tmp_path)
    held.release()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["0", *map(str, range(2, training_runs.RUNS_KEPT + 2))]
