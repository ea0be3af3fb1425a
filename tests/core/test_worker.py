"""The engines' process: it works, dies without harm, hears a cancel, and never outlives its studio."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest

from studio.backends import MEDIA
from studio.errors import BadInput, Message, StudioError
from studio.jobs import worker
from studio.jobs.engine_cache import EngineLimits
from studio.jobs.job import Cancelled, Job, Progress
from studio.jobs.previews import TextPreview
from studio.jobs.worker import ProcessHost, ThreadHost
from studio.media.payloads import Image, Text
from studio.models.resources import Resources
from studio.system.log import crash_path
from tests import fakes

ENGINE = "tests.fakes:FakeEngine"
RULES = EngineLimits(platform="")


def job(seed: int, medium: str = "story") -> Job:
    return Job(next(found for found in MEDIA if found.name == medium).default_task.request(seed=seed))


@pytest.fixture
def host() -> Iterator[ProcessHost]:
    made = ProcessHost(RULES)
    yield made
    made.close()


@pytest.mark.parametrize("kind", [ThreadHost, ProcessHost])
def test_one_interface_two_places(kind: type[ThreadHost] | type[ProcessHost]) -> None:
    host = kind(RULES)
    heard: list[Progress] = []
    asked = job(7)
    made = host.run(asked, ENGINE, Resources(), heard.append)
    host.close()
    assert list(made.payloads) == [fakes.payload("story", 7)]
    assert [(progress.stage, progress.done) for progress in heard] == [
        ("loading", 0),
        ("loading", 1),
        *(("making", step) for step in range(1, fakes.steps(asked.request) + 1)),
    ]
    previews = [progress.preview.text for progress in heard if isinstance(progress.preview, TextPreview)]
    whole = fakes.payload("story", 7)
    assert isinstance(whole, Text)
    assert previews, "the first is never left out"
    assert all(whole.text.startswith(text) and text for text in previews)
    assert all(later.startswith(earlier) and later != earlier for earlier, later in pairwise(previews))


def test_a_picture_crosses_whole(host: ProcessHost) -> None:
    (image,) = host.run(job(300, "avatar"), ENGINE, Resources(), lambda _: None).payloads
    expected = fakes.payload("avatar", 300)
    assert isinstance(image, Image)
    assert isinstance(expected, Image)
    assert (image.pixels == expected.pixels).all()


def test_errors_cross_in_words(host: ProcessHost) -> None:
    with pytest.raises(BadInput, match="moon") as caught:
        host.run(job(fakes.BAD_INPUT), ENGINE, Resources(), lambda _: None)
    assert (caught.value.hint, caught.value.mend) == ("Ask for the sun.", "models")
    with pytest.raises(RuntimeError, match="ZeroDivisionError: nobody expected this"):
        host.run(job(fakes.UNEXPECTED), ENGINE, Resources(), lambda _: None)


def test_an_error_crosses_with_its_template_and_its_parameters(host: ProcessHost) -> None:
    with pytest.raises(StudioError, match="The sea is rough: 4 m") as caught:
        host.run(job(1), "tests.core.test_worker:Awkward", Resources(), lambda _: None)
    assert caught.value.template == "The {where} is rough: {metres} m."
    assert caught.value.params == {"where": Message("sea"), "metres": 4}
    assert caught.value.hint == "Stay at home."
    assert type(caught.value) is Rough
    assert host.run(job(1), ENGINE, Resources(), lambda _: None).payloads


def test_an_answer_that_cannot_be_read_fails_its_job_only(
    host: ProcessHost, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("studio.jobs.worker.EXIT_TIMEOUT", 0.05)
    with pytest.raises(StudioError, match="could not be read"):
        host.run(job(1), "tests.core.test_worker:Riddle", Resources(), lambda _: None)
    assert "could not be read" in caplog.text
    assert host.run(job(1), ENGINE, Resources(), lambda _: None).payloads


def test_a_hold_while_the_child_starts_does_not_come_first(host: ProcessHost, monkeypatch: pytest.MonkeyPatch) -> None:
    listen = worker._read_answers

    def held_meanwhile(*ends: Any) -> None:
        host.suspend(False)  # another thread's, at the worst moment
        said.set()
        listen(*ends)

    said = threading.Event()
    write = worker.write_frame

    def late(pipe: Any, message: tuple[Any, ...]) -> None:
        if message[0] == "hello":
            assert said.wait(5)
        write(pipe, message)

    monkeypatch.setattr(worker, "_read_answers", held_meanwhile)
    monkeypatch.setattr(worker, "write_frame", late)
    assert host.run(job(1), ENGINE, Resources(), lambda _: None).payloads


def test_killed_fails_with_a_reason_and_the_next_job_works(host: ProcessHost) -> None:
    with pytest.raises(StudioError, match="engine process was killed"):
        host.run(job(fakes.KILLED), ENGINE, Resources(), lambda _: None)
    assert host.run(job(1), ENGINE, Resources(), lambda _: None).payloads


@pytest.mark.skipif(sys.platform == "win32", reason="another signal there")
def test_the_trace_of_a_native_crash_outlives_the_next_child(tmp_path: Path) -> None:
    host = ProcessHost(RULES, log=tmp_path / "worker-device.log")
    try:
        with pytest.raises(StudioError, match="ended unexpectedly"):
            host.run(job(1), "tests.core.test_worker:Falling", Resources(), lambda _: None)
        assert host.run(job(1), ENGINE, Resources(), lambda _: None).payloads
    finally:
        host.close()
    trace = crash_path(tmp_path, "worker-device").read_text(encoding="utf-8")
    assert trace.startswith("Fatal Python error: Segmentation fault")
    assert "in fall" in trace


def test_killed_in_the_middle(host: ProcessHost) -> None:
    def hear(progress: Progress) -> None:
        if progress.done == fakes.DEFAULT_STEPS:
            assert host.pid is not None
            os.kill(host.pid, signal.SIGKILL)

    with pytest.raises(StudioError, match="engine process was killed"):
        host.run(job(fakes.SLOW), ENGINE, Resources(), hear)
    assert host.run(job(1), ENGINE, Resources(), lambda _: None).payloads


def test_killed_while_idle_is_started_again(host: ProcessHost) -> None:
    host.run(job(1), ENGINE, Resources(), lambda _: None)
    first = host.pid
    assert first is not None
    host.kill()
    psutil.wait_procs([psutil.Process(first)])
    assert host.run(job(2), ENGINE, Resources(), lambda _: None).payloads == [fakes.payload("story", 2)]
    assert host.pid != first


def test_a_death_that_shows_only_when_a_job_is_sent(host: ProcessHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.run(job(1), ENGINE, Resources(), lambda _: None)
    assert host._process is not None
    host.kill()
    host._process.wait()
    monkeypatch.setattr(host._process, "poll", lambda: None)  # the system has not told yet
    assert host.run(job(2), ENGINE, Resources(), lambda _: None).payloads == [fakes.payload("story", 2)]


def killed_with(host: ProcessHost, monkeypatch: pytest.MonkeyPatch, deaths: int) -> list[int]:
    """Have the child die once a job is in its pipe and before it reads it, that many times; the ids of the children
    that jobs are sent to.
    """
    asked: list[int] = []
    write = worker.write_frame

    def sent(pipe: Any, message: tuple[Any, ...]) -> None:
        if message[0] != "run":
            return write(pipe, message)
        assert host.pid is not None
        asked.append(host.pid)
        if len(asked) > deaths:
            return write(pipe, message)
        psutil.Process(host.pid).suspend()
        write(pipe, message)
        return host.kill()

    monkeypatch.setattr(worker, "write_frame", sent)
    return asked


def test_a_death_that_shows_only_when_an_answer_is_awaited(host: ProcessHost, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = killed_with(host, monkeypatch, 1)
    heard: list[Progress] = []
    assert host.run(job(2), ENGINE, Resources(), heard.append).payloads == [fakes.payload("story", 2)]
    assert len(set(asked)) == 2
    assert [progress.stage for progress in heard].count("loading") == 2, "one beginning and one end, told once"


def test_two_deaths_before_anything_is_heard_fail_in_words(host: ProcessHost, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = killed_with(host, monkeypatch, 2)
    with pytest.raises(StudioError, match="engine process was killed"):
        host.run(job(2), ENGINE, Resources(), lambda _: None)
    assert len(asked) == 2
    assert host.run(job(3), ENGINE, Resources(), lambda _: None).payloads


def test_a_job_cancelled_while_its_child_dies_is_not_tried_again(
    host: ProcessHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = killed_with(host, monkeypatch, 1)
    cancelled = job(2)
    cancelled.start()
    cancelled.stop()
    with pytest.raises(Cancelled):
        host.run(cancelled, ENGINE, Resources(), lambda _: None)
    assert len(asked) == 1


def test_cancel_stops_within_a_step_and_keeps_what_was_made(host: ProcessHost) -> None:
    slow, late = job(fakes.SLOW), 0

    def hear(progress: Progress) -> None:
        nonlocal late
        late += slow.cancelling
        if progress.done == 2:
            slow.stop()

    with pytest.raises(Cancelled) as caught:
        host.run(slow, ENGINE, Resources(), hear)
    assert isinstance(caught.value.payloads[0], Text)
    assert late < 50, "an engine that reports faster than the host polls must still hear of the cancel"
    pid = host.pid
    assert host.run(job(1), ENGINE, Resources(), lambda _: None).payloads
    assert host.pid == pid, "a cancel must not cost the process"


def test_a_step_that_never_ends_is_ended(host: ProcessHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.jobs.worker.CANCEL_TIMEOUT", 0.05)
    deaf = job(fakes.HANGS)
    with pytest.raises(Cancelled):
        host.run(deaf, ENGINE, Resources(), lambda progress: deaf.stop() if progress.stage == "thinking" else None)
    assert host.run(job(1), ENGINE, Resources(), lambda _: None).payloads


def stands(steps: list[int], pace: float) -> bool:
    """Whether nothing comes for as long as twenty steps took."""
    before, began = steps[0], time.monotonic()
    fakes.until(lambda: steps[0] != before or time.monotonic() > began + pace, pace + 10)
    return steps[0] == before


def test_held_waits_at_its_next_report_and_can_be_cancelled(host: ProcessHost) -> None:
    slow, steps = job(fakes.SLOW), [0]

    def hear(progress: Progress) -> None:
        steps[0] += 1

    outcome: list[BaseException] = []

    def run() -> None:
        try:
            host.run(slow, ENGINE, Resources(), hear)
        except Cancelled as cancelled:
            outcome.append(cancelled)

    thread = threading.Thread(target=run)
    thread.start()
    fakes.until(lambda: steps[0] > 0)
    began, first = time.monotonic(), steps[0]
    fakes.until(lambda: steps[0] > first + 20)
    pace = time.monotonic() - began
    host.suspend(True)
    fakes.until(lambda: stands(steps, pace))
    before = steps[0]
    host.suspend(False)
    fakes.until(lambda: steps[0] > before + 5)
    host.suspend(True)
    slow.stop()
    thread.join(5)
    assert len(outcome) == 1


def test_the_child_ends_with_its_studio(tmp_path: Path) -> None:
    code = (
        "import time; from tests import fakes; from tests.core.test_worker import *\n"
        "host = ProcessHost(RULES); host.run(job(1), ENGINE, Resources(), lambda _: None)\n"
        "print(host.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    fakes.until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_what_libraries_print_does_not_enter_the_pipe(host: ProcessHost, tmp_path: Path) -> None:
    host.close()
    log = tmp_path / "worker.log"
    loud = ProcessHost(RULES, log=log)
    try:
        loud.run(job(1), "tests.core.test_worker:Loud", Resources(), lambda _: None)
    finally:
        loud.close()
    assert "hello from C" in log.read_text()
    assert "hello from Python" in log.read_text()


class Falling(fakes.FakeEngine):
    """Takes its process down with it."""

    def run(self, request: object, report: object) -> list[Text]:  # type: ignore[override]
        def fall() -> None:
            ctypes.string_at(0)

        fall()
        return []


class Rough(StudioError):
    """Made from what its message is not made of."""

    def __init__(self, metres: int, *, where: Message) -> None:
        super().__init__("The {where} is rough: {metres} m.", "Stay at home.", where=where, metres=metres)


class Awkward(fakes.FakeEngine):
    """Fails with an error of a class of its own."""

    def run(self, request: object, report: object) -> list[Text]:  # type: ignore[override]
        raise Rough(4, where=Message("sea"))


class Secret:
    """Can be written, and not be read again."""

    def __reduce__(self) -> tuple[object, tuple[list[int]]]:
        return int, ([],)


class Riddle(fakes.FakeEngine):
    """Answers with what nobody can read."""

    def run(self, request: object, report: object) -> list[Text]:  # type: ignore[override]
        return [Secret()]  # type: ignore[list-item]


class Loud(fakes.FakeEngine):
    """Prints to everything there is to print to."""

    def run(self, request: object, report: object) -> list[Text]:  # type: ignore[override]
        print("hello from Python", flush=True)  # noqa: T201
        os.write(1, b"hello from C\n")
        return [Text(sys.stdin.read() if sys.stdin else "")]
