"""A lane: whole event sequences, and every way a job can come out of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from studio.backends import MEDIA
from studio.errors import BadInput, StudioError
from studio.jobs.job import Cancelled, Job, Progress
from studio.jobs.lane import Lane
from studio.jobs.worker import EngineResult, OnProgress
from studio.media.payloads import Text
from studio.schema.request import Request

STORY = next(medium for medium in MEDIA if medium.name == "story").default_task.request


class Script:
    """A lane whose engine does what the test tells it to, and a log of all that it said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, ...]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.kept: list[tuple[Job, bool]] = []
        self.fail_keeping: Exception | None = None
        self.killed = False
        self.lane = Lane(
            "test",
            self,
            run=self.run,
            store=self.keep,
            job_changed=self.changed,
            queue_changed=lambda: self.said.append(("queue",)),
        )

    def run(self, job: Job, hear: OnProgress) -> EngineResult:
        for step in range(1, 3):
            while not self.gate.wait(0.002):
                if job.cancelling:
                    raise Cancelled([Text(f"half of {job.request.seed}")])
            if job.cancelling:
                raise Cancelled
            hear(Progress("making", step, 2))
        if job.request.seed == 13:
            raise ZeroDivisionError("unlucky")
        return EngineResult([Text(f"work {job.request.seed}")], {"device": "test"})

    def keep(self, job: Job, made: EngineResult, partial: bool) -> list[Any]:
        if self.fail_keeping:
            raise self.fail_keeping
        self.kept.append((job, partial))
        return [payload.text for payload in made.payloads]  # type: ignore[union-attr]

    def changed(self, job: Job) -> None:
        self.said.append((str(job.request.seed), job.state, job.progress.stage, str(job.progress.done)))

    def hold(self, on: bool) -> None: ...
    def close(self) -> None: ...

    def kill(self) -> None:
        self.killed = True
        self.gate.set()

    def put(self, seed: int, **options: Any) -> Job:
        job = Job(request(seed), **options)
        self.lane.put(job)
        return job


def request(seed: int) -> Request:
    return STORY(seed=seed)


@pytest.fixture
def script() -> Iterator[Script]:
    made = Script()
    yield made
    made.gate.set()
    made.lane.close()


def wait_running(script: Script, job: Job) -> None:
    while script.lane.running is not job:
        assert not job.future.done()


def test_one_job_from_queue_to_result(script: Script) -> None:
    job = script.put(1)
    assert job.future.result(5) == ["work 1"]
    script.lane.close()
    assert [said for said in script.said if said != ("queue",)] == [
        ("1", "running", "starting", "0"),
        ("1", "running", "making", "1"),
        ("1", "running", "making", "2"),
        ("1", "running", "saving", "0"),
        ("1", "done", "saving", "0"),
    ]
    assert job.started is not None
    assert job.ended is not None


def test_jobs_run_in_order_and_move(script: Script) -> None:
    script.gate.clear()
    first, second, third = script.put(1), script.put(2), script.put(3)
    wait_running(script, first)
    script.lane.move(0, third)
    assert script.lane.queued() == [third, second]
    script.gate.set()
    second.future.result(5)
    assert [job.request.seed for job, _ in script.kept] == [1, 3, 2]


def test_cancel_waiting(script: Script) -> None:
    script.gate.clear()
    first, second = script.put(1), script.put(2)
    wait_running(script, first)
    script.lane.cancel(second)
    assert second.state == "cancelled"
    assert isinstance(second.future.exception(0), Cancelled)
    script.gate.set()
    assert first.future.result(5) == ["work 1"]


def test_cancel_running_keeps_what_was_made_as_partial(script: Script) -> None:
    script.gate.clear()
    first, second = script.put(1), script.put(2)
    wait_running(script, first)
    script.lane.cancel(first)
    error = first.future.exception(5)
    assert isinstance(error, Cancelled)
    assert error.assets == ["half of 1"]
    assert script.kept == [(first, True)]
    script.gate.set()
    assert second.future.result(5) == ["work 2"]


def test_nobody_can_take_the_future_away_from_the_lane(script: Script) -> None:
    script.gate.clear()
    first, second = script.put(1), script.put(2)
    assert not second.future.cancel()
    script.gate.set()
    assert first.future.result(5) == ["work 1"]
    assert second.future.result(5) == ["work 2"]


def test_cancelling_what_has_ended_does_nothing(script: Script) -> None:
    first = script.put(1)
    first.future.result(5)
    second = script.put(2)
    script.lane.cancel(first)
    assert second.future.result(5) == ["work 2"]
    assert first.state == "done"


def test_an_engine_that_raises_fails_its_job_only(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    bad, good = script.put(13), script.put(1)
    assert isinstance(bad.future.exception(5), ZeroDivisionError)
    assert good.future.result(5) == ["work 1"]
    assert (bad.state, good.state) == ("failed", "done")
    assert "unlucky" in caplog.text


def test_what_cannot_be_kept_fails_with_the_reason(script: Script) -> None:
    script.fail_keeping = StudioError("The disk is full.", "Make room.")
    assert script.put(1).future.exception(5) is script.fail_keeping
    script.fail_keeping = None
    assert script.put(2).future.result(5) == ["work 2"]


def test_a_listener_that_raises_disturbs_nothing(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    script.lane._job_changed = lambda _job: 1 / 0  # type: ignore[assignment,return-value]
    assert script.put(1).future.result(5) == ["work 1"]
    assert "a listener failed" in caplog.text


def test_pause_lets_the_running_job_go_on(script: Script) -> None:
    script.gate.clear()
    first, second = script.put(1), script.put(2)
    wait_running(script, first)
    script.lane.pause(True)
    script.gate.set()
    first.future.result(5)
    assert second.state == "queued"
    script.lane.pause(False)
    assert second.future.result(5) == ["work 2"]


def test_no_job_moves_before_a_live_one_and_holds_it_in_a_paused_queue(script: Script) -> None:
    script.gate.clear()
    running, first, second = script.put(1, live=True), script.put(2), script.put(3)
    wait_running(script, running)
    live = script.put(4, live=True)
    script.lane.pause(True)
    script.lane.move(0, second)
    assert script.lane.queued() == [live, second, first], "places are counted among those that wait their turn"
    script.lane.move(2, live)
    assert script.lane.queued() == [live, second, first]
    script.gate.set()
    assert live.future.result(5) == ["work 4"]
    assert second.state == "queued"


def test_the_newest_of_a_slot_wins(script: Script) -> None:
    script.gate.clear()
    running = script.put(1, replaces="face")
    wait_running(script, running)
    waiting, other, newest = script.put(2, replaces="face"), script.put(3), script.put(4, replaces="face")
    assert waiting.state == "cancelled"
    assert isinstance(running.future.exception(5), Cancelled)
    script.gate.set()
    assert other.future.result(5) == ["work 3"]
    assert newest.future.result(5) == ["work 4"]


def test_close_cancels_everything_and_refuses_more(script: Script) -> None:
    script.gate.clear()
    first, second = script.put(1), script.put(2)
    wait_running(script, first)
    script.lane.close()
    assert {first.state, second.state} == {"cancelled"}
    with pytest.raises(StudioError, match="closing"):
        script.lane.put(Job(request(3)))


def test_close_ends_an_engine_that_does_not_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.jobs.lane.CLOSE_TIMEOUT", 0.05)
    script = Script()
    deaf = threading.Event()

    def run(job: Job, hear: OnProgress) -> EngineResult:
        while not script.killed:
            deaf.wait(0.005)
        raise BadInput("The engine was ended.")

    script.lane._run = run
    job = script.put(1)
    wait_running(script, job)
    script.lane.close()
    assert script.killed
    assert job.state == "failed"
