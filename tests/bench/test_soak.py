"""The soak itself: it says what it saw, and finds what it is there to find. An hour of it is for whoever releases."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from studio.backends import MEDIA
from studio.bench.live import soak as soaking
from studio.bench.measurement import BenchSettings
from studio.bench.soak import Soak
from studio.jobs.job import Job
from tests.studios import FAKE, starters


@pytest.fixture
def setting(tmp_path: Path) -> BenchSettings:
    return BenchSettings(bundled=starters(tmp_path / "bundled"), engine=FAKE)


def test_a_sound_library_is_found_sound(tmp_path: Path, setting: BenchSettings) -> None:
    lines: list[str] = []
    assert Soak(tmp_path / "soak", 0.1, 1, setting, lines.append).check(), "\n".join(lines)
    assert any(" 0 problems, 0 lost" in line for line in lines)
    assert lines[-1].startswith("sound")


@pytest.mark.parametrize(
    ("ends_after", "works", "stuck"),
    [(9, False, True), (1, False, True), (1, True, False), (3, True, False), (9, True, True)],
)
def test_a_job_is_stuck_where_its_engine_does_not_work(
    monkeypatch: pytest.MonkeyPatch, ends_after: int, works: bool, stuck: bool
) -> None:
    """`ends_after` rounds of waiting the job is done, if its engine `works` in each of them."""
    job = Job(MEDIA[0].default_task.request())
    looks = 0

    def seconds() -> float:
        nonlocal looks
        if looks == 2 * ends_after:
            job.finish([])
        looks += 1
        return looks * 5.0 if works else 0.0

    monkeypatch.setattr(soaking, "engine_seconds", seconds)
    monkeypatch.setattr(soaking, "PATIENCE", 0.01)
    if stuck:
        with pytest.raises(TimeoutError):
            soaking.outlast(job)
    else:
        soaking.outlast(job)
    assert looks <= 2 * soaking.ROUNDS


def test_the_processor_time_of_children_is_counted() -> None:
    code = "import time\nwhile time.process_time() < 0.2: pass\nprint(flush=True)\ninput()"
    before = soaking.engine_seconds()
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert soaking.engine_seconds() >= before + 0.15
        child.communicate(b"\n")


def test_a_soak_finds_lost_works_and_what_was_left(tmp_path: Path, setting: BenchSettings) -> None:
    lines: list[str] = []
    soak = Soak(tmp_path / "soak", 0.1, 1, setting, lines.append)
    soak.seen.added.add("20260101-000000-deadbeef")
    (tmp_path / "soak" / "out" / ".copy-x.part").write_bytes(b"")
    assert not soak.check()
    assert any("lost: 20260101-000000-deadbeef" in line for line in lines)
    assert any("left behind: out/.copy-x.part" in line for line in lines)
