"""What all trainings share: the clock, the log, what explodes, and a checkpoint that cannot be read."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.backends import MEDIA
from studio.backends.engine import training
from studio.backends.engine.training import TrainingLoop
from studio.errors import BadInput, StudioError
from studio.jobs.job import Cancelled, Progress
from studio.jobs.training_runs import LOG, is_running, read_log, unfinished
from studio.media.payloads import Payload, Text


class Clock:
    """Goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


def test_minutes_are_minutes_of_learning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(training, "time", clock)
    steps = 0

    def held(progress: Progress) -> None:
        if steps == 2:
            clock.now += 3600  # an hour in which the machine was somebody else's

    def nothing(*_: Any) -> Any:
        return {}

    def sample() -> Payload:
        return Text("")

    request = MEDIA[0].training_task.request(out=str(tmp_path / "out"), minutes=1)
    run = TrainingLoop(request, held, state=nothing, restore=nothing, preview=sample, export=nothing)
    for _ in run:
        steps += 1
        clock.now += 10
    assert steps == 6
    assert run.seconds == pytest.approx(60)
    assert run.share == pytest.approx(1)


def test_a_damaged_checkpoint_comes_with_advice_that_works(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "checkpoint.pt").write_bytes(b"torn")
    request = MEDIA[0].training_task.request(out=str(out), minutes=1, resume=True)

    def nothing(*_: Any) -> Any:
        return {}

    with pytest.raises(BadInput, match="in another folder"):
        TrainingLoop(request, nothing, state=nothing, restore=nothing, preview=nothing, export=nothing)


class Toy:
    """A number that learns, for the harness alone."""

    def __init__(self, out: Path, **asked: Any) -> None:
        self.value = torch.zeros(1)
        request = MEDIA[0].training_task.request(**{"out": str(out), "minutes": 1.0, **asked})
        self.run = TrainingLoop(
            request,
            lambda progress: None,
            state=lambda: {"value": self.value},
            restore=self.restore,
            preview=lambda: Text("so far"),
            export=lambda folder: (folder / "value.txt").write_text(f"{self.value.item():g}"),
        )

    def restore(self, state: dict[str, Any]) -> None:
        self.value = state["value"]


def test_no_step_begins_for_which_there_is_no_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(training, "time", clock)
    steps = 0
    toy = Toy(tmp_path)
    for _ in toy.run:
        steps += 1
        clock.now += 25
    assert steps == 2, "a third would end after 75 seconds of 60"
    assert Toy(tmp_path / "slow").run.share == 0
    slow = Toy(tmp_path / "slower")
    for _ in slow.run:
        clock.now += 500  # the first is made however long it takes, and none after it
    assert slow.run.step == 1


def test_short_reports_count_as_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(training, "time", clock)
    toy = Toy(tmp_path)

    def talk(progress: Progress) -> None:
        clock.now += training.WAITED

    toy.run._report = talk
    for _ in toy.run:
        clock.now += 1.0
    assert toy.run.step < 60 / (1.0 + training.WAITED) + 2


def test_what_is_no_number_ends_a_training_with_the_last_good_state(tmp_path: Path) -> None:
    toy = Toy(tmp_path)

    def learn() -> None:
        for step in toy.run:
            toy.value += 1
            if step == 3:
                toy.run.save()
            toy.run.log(loss=float("nan") if step == 5 else 1.0)

    with pytest.raises(StudioError, match="at step 5: loss") as caught:
        learn()
    assert "step 3 is kept" in caught.value.message
    assert (tmp_path / "model" / "value.txt").read_text() == "4"


def test_a_model_is_exported_whole_or_not_at_all(tmp_path: Path) -> None:
    toy = Toy(tmp_path, title="Numbers")
    toy.run.finish()
    assert (tmp_path / "model" / "model.toml").read_text() == 'title = "Numbers"\n'
    toy.value += 7

    def torn(folder: Path) -> None:
        (folder / "value.txt").write_text("half")
        raise OSError(errno.ENOSPC, "the disk is full")

    toy.run._export, whole = torn, toy.run._export
    with pytest.raises(StudioError, match="The model could not be written: the disk is full") as caught:
        toy.run.finish()
    assert "--resume" in caught.value.hint
    assert (tmp_path / "model" / "value.txt").read_text() == "0"
    toy.run._export = whole
    toy.run.finish()
    assert (tmp_path / "model" / "value.txt").read_text() == "7"
    assert not list(tmp_path.glob("model.*"))


def test_a_training_says_what_it_is_for_until_all_of_it_is_done(tmp_path: Path) -> None:
    out = tmp_path / "run"
    toy = Toy(out, title="Numbers", seed=4)
    toy.run.save()
    (found,) = unfinished(tmp_path)
    assert (found.request.title, found.request.seed, found.request.resume) == ("Numbers", 4, False)
    again = Toy(out, title="Numbers", seed=5, resume=True)
    assert unfinished(tmp_path)[0].request.seed == 5
    again.run.finish()
    assert unfinished(tmp_path) == []


class Killed(BaseException):
    """Stands for the death of the process: nothing gets to tidy up."""


@pytest.mark.parametrize(("renames", "there"), [(0, "0"), (1, "7")])
def test_a_kill_while_a_model_takes_its_place_loses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renames: int, there: str
) -> None:
    toy = Toy(tmp_path)
    toy.run.finish()
    toy.value += 7
    left, real = iter(range(renames)), Path.rename

    def rename(path: Path, target: Path) -> Path:
        if next(left, None) is None:
            raise Killed
        return real(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(Killed):
        toy.run.finish()
    monkeypatch.undo()
    again = Toy(tmp_path, resume=True)
    assert (tmp_path / "model" / "value.txt").read_text() == there
    again.value += 1
    again.run.finish()
    assert (tmp_path / "model" / "value.txt").read_text() == "8"
    assert not list(tmp_path.glob("model.*"))


def test_an_old_model_whose_heir_is_gone_is_the_model_again(tmp_path: Path) -> None:
    toy = Toy(tmp_path)
    toy.run.finish()
    (tmp_path / "model").rename(tmp_path / "model.old")
    toy.run._export = lambda folder: (folder / "nowhere" / "value.txt").write_text("lost")
    with pytest.raises(StudioError, match="could not be written"):
        toy.run.finish()
    assert (tmp_path / "model" / "value.txt").read_text() == "0"


def test_a_full_disk_is_put_in_words_that_fit_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = Toy(tmp_path)
    toy.run.write_text("skipped.txt", "odd \udcff.png")
    assert (tmp_path / "skipped.txt").read_text() == "odd \\udcff.png"

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StudioError, match=r"skipped\.txt could not be written: No space left") as caught:
        toy.run.write_text("skipped.txt", "others")
    assert (caught.value.hint, caught.value.mend) == ("Free disk space and start again.", "room")
    monkeypatch.undo()
    assert (tmp_path / "skipped.txt").read_text() == "odd \\udcff.png", "what was there stays whole"
    toy.run.save()
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StudioError, match=r"skipped\.txt") as caught:
        toy.run.write_text("skipped.txt", "others")
    assert "--resume" in caught.value.hint


def test_the_log_begins_with_its_run_and_is_begun_anew_where_it_goes_on(tmp_path: Path) -> None:
    toy = Toy(tmp_path)
    toy.run.save()
    (tmp_path / LOG).write_text((tmp_path / LOG).read_text() + '{"time": 1, "seconds": 9, "step": 9, "loss": 1}\n')
    again = Toy(tmp_path, resume=True)
    assert [(line.step, dict(line.values)) for line in read_log(tmp_path)[0]] == [(0, {}), (0, {})]
    assert again.run.step == 0


def test_two_trainings_never_share_a_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    toy = Toy(out)
    for _ in toy.run:
        assert is_running(out)
        with pytest.raises(BadInput, match="Another training runs"):
            Toy(out, resume=True)
        toy.run.save()
        break
    assert not is_running(out), "nobody iterates any more"
    again = Toy(out, resume=True, minutes=0.01)
    for _ in again.run:
        assert is_running(out)
    assert is_running(out)
    again.run.finish()
    assert not is_running(out)


def test_a_training_that_fails_or_is_cancelled_lets_its_folder_go(tmp_path: Path) -> None:
    def fail(out: Path) -> None:
        for _ in Toy(out).run:
            raise ZeroDivisionError

    def cancel(_: Progress) -> None:
        raise Cancelled

    with pytest.raises(ZeroDivisionError):
        fail(tmp_path / "out")
    assert not is_running(tmp_path / "out")
    toy = Toy(tmp_path / "other")
    toy.run._report = cancel
    with pytest.raises(Cancelled):
        list(toy.run)
    assert not is_running(tmp_path / "other")
