"""A command that the system ends: what it made is kept, as with Ctrl-C; each in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from studio.backends import medium
from studio.jobs import worker
from studio.jobs.engine_cache import EngineLimits
from studio.jobs.job import Cancelled, Job, Progress
from studio.jobs.worker import ProcessHost
from studio.models.resources import Resources
from tests import fakes

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = (
    "import signal, sys\n"
    "signal.signal(signal.SIGINT, {interrupt})\n"
    "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"  # the tests may run under nohup
    "for name in {deaf}: signal.signal(getattr(signal, name), signal.SIG_IGN)\n"
    "from studio.cli import main as cli; from tests.core.cli_runs import open_fake\n"
    "sys.exit(cli.main(sys.argv[1:], lambda places: open_fake(places, isolated=True)))"
)
SHELL = "signal.SIG_IGN"  # what a shell that is not interactive does to a command behind `&`
PERSON = "signal.default_int_handler"


@contextmanager
def started(
    *argv: object, interrupt: str = PERSON, deaf: tuple[str, ...] = (), shown: int = subprocess.PIPE
) -> Iterator[subprocess.Popen[str]]:
    """A command in a group of its own, once its job runs."""
    script = COMMAND.format(interrupt=interrupt, deaf=deaf)
    with subprocess.Popen(
        [sys.executable, "-c", script, *map(str, argv), "--progress", "json"],
        cwd=ROOT,
        text=True,
        start_new_session=True,
        stdout=shown,
        stderr=shown,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def running(process: subprocess.Popen[str], steps: int = 3) -> int:
    """Wait until a job has done so many steps; returns how many."""
    assert process.stderr is not None
    for line in process.stderr:
        done = json.loads(line).get("done", 0)
        if done >= steps:
            return done
    raise AssertionError("it ended before")


def training(folder: Path) -> list[object]:
    return ["train", "avatar", "--data", folder, "--out", folder / "out", "--seed", fakes.SLOW, "--json"]


def alone(number: int) -> Callable[[subprocess.Popen[str]], None]:
    return lambda process: process.send_signal(number)


def group(number: int) -> Callable[[subprocess.Popen[str]], None]:
    return lambda process: os.killpg(process.pid, number)


def shutdown(process: subprocess.Popen[str]) -> None:
    """As systemd ends a session: everybody gets one after the other, and those that wait are woken."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCONT, signal.SIGTERM):
        os.killpg(process.pid, number)


@pytest.mark.parametrize(
    ("end", "interrupt"),
    [
        pytest.param(alone(signal.SIGTERM), SHELL, id="killed"),
        pytest.param(group(signal.SIGTERM), SHELL, id="killed-with-its-group"),
        pytest.param(group(signal.SIGHUP), PERSON, id="hung-up"),
        pytest.param(shutdown, PERSON, id="shut-down"),
    ],
)
def test_a_training_ended_by_a_signal_is_saved(
    tmp_path: Path, home: Path, end: Callable[[subprocess.Popen[str]], None], interrupt: str
) -> None:
    with started(*training(tmp_path), interrupt=interrupt) as process:
        running(process)
        end(process)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    (model,) = json.loads(out)["models"]
    assert (model["path"], model["partial"]) == (str(tmp_path / "out" / "model"), True)
    assert "Stopping. Partial results are saved" in err
    assert err.splitlines()[-1] == "Cancelled."


def test_a_work_ended_by_a_signal_is_saved_and_its_copies_are_complete(tmp_path: Path, home: Path) -> None:
    out = tmp_path / "out"
    with started("make", "avatar", "--seed", fakes.SLOW, "--count", 3, "--out", out, "--json") as process:
        running(process)
        os.killpg(process.pid, signal.SIGTERM)
        output, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    (asset,) = json.loads(output)["assets"]
    assert (asset["seed"], asset["partial"]) == (fakes.SLOW, True)
    assert [Path(asset["path"])] == list(out.iterdir())


def test_closing_the_terminal_loses_no_work(tmp_path: Path, home: Path) -> None:
    master, slave = os.openpty()
    with started(*training(tmp_path), shown=slave) as process:
        os.close(slave)
        output = b""
        while b'"done": 3' not in output:
            output += os.read(master, 4096)
        os.close(master)
        os.killpg(process.pid, signal.SIGHUP)
        assert process.wait(60) == 130
    assert (tmp_path / "out" / "model" / "model.safetensors").exists()


def test_a_reader_that_ends_with_the_same_ctrl_c_loses_no_work(tmp_path: Path, home: Path) -> None:
    out = tmp_path / "out"
    with started("make", "avatar", "--seed", fakes.SLOW, "--out", out) as process:
        running(process)
        assert process.stderr is not None
        process.stderr.close()
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)
    assert len(list(out.iterdir())) == 1


def test_a_signal_that_was_ignored_at_the_start_stays_ignored(tmp_path: Path, home: Path) -> None:
    with started(*training(tmp_path), deaf=("SIGHUP",)) as process:
        done = running(process)
        os.killpg(process.pid, signal.SIGHUP)
        running(process, done + 50)
        process.terminate()
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopping. Partial results are saved" in err, "only the second signal stopped it"


LATE = "TEST_SIGNALS_LATE"
"""The environment variable that names the file that Careful waits for."""


class Careful(fakes.FakeEngine):
    """Keeps what it made only once the time for one step is over, which a file says."""

    def run(self, request: Any, report: Any) -> list[Any]:
        try:
            while True:
                report(Progress("making"))
                time.sleep(0.005)
        except Cancelled:
            fakes.until(Path(os.environ[LATE]).exists, 60)
            raise Cancelled([fakes.payload("story", 1)]) from None


class SaveTimeout(float):
    """The time for keeping one's work. Writes the file once it is compared with more than the time for a step."""

    def __lt__(self, elapsed: float) -> bool:
        if elapsed > worker.CANCEL_TIMEOUT:
            Path(os.environ[LATE]).touch()
        return super().__lt__(elapsed)


def test_an_engine_gets_the_time_to_save_its_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LATE, str(tmp_path / "late"))
    monkeypatch.setattr(worker, "CANCEL_TIMEOUT", 0.3)
    monkeypatch.setattr(worker, "SAVE_TIMEOUT", SaveTimeout(worker.SAVE_TIMEOUT))
    host = ProcessHost(EngineLimits(platform=""))
    job = Job(medium("story").default_task.request(seed=1))

    def stop(progress: Progress) -> None:
        # Not while it loads: a busy machine may take longer to import the engine than a loading one is waited for.
        if progress.stage == "making":
            job.stop()

    try:
        with pytest.raises(Cancelled) as caught:
            host.run(job, f"{__name__}:Careful", Resources(), stop)
    finally:
        host.close()
    assert caught.value.payloads
    assert (tmp_path / "late").exists()
