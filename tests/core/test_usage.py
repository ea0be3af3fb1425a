"""What a job used is measured in the engine's process: memory at its peak, seconds; and kept when it is done."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.backends.upscale.requests import UpscaleRequest
from studio.jobs import usage
from studio.jobs.usage import NOT_MEASURED, PeakMemory
from studio.models.fit.history import RunHistory
from studio.models.model import Model
from studio.schema.fields import WorkKey
from tests.core.test_studio import STORY
from tests.studios import fake_studio

BLOCK = 96_000_000


def peak_of_a_block() -> int:
    """What is measured while a block of memory is filled and given back."""
    with PeakMemory().measured() as peak:
        block = np.ones(BLOCK, np.uint8)
        del block
    return peak.bytes


def test_a_peak_is_seen_though_it_has_passed() -> None:
    with PeakMemory().measured() as before:
        pass
    assert peak_of_a_block() >= before.bytes + BLOCK * 0.9


def test_a_peak_does_not_count_for_the_next() -> None:
    high = peak_of_a_block()
    with PeakMemory().measured() as after:
        pass
    assert after.bytes <= high - BLOCK * 0.5


def test_where_the_system_counts_no_peak_a_thread_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "_reset_peak", lambda: False)
    monkeypatch.setattr(usage, "_lifetime_peak", lambda: 0)
    seen = threading.Event()
    real = PeakMemory._look

    def look(self: PeakMemory, ended: threading.Event) -> None:
        seen.set()
        real(self, ended)

    monkeypatch.setattr(PeakMemory, "_look", look)
    with PeakMemory().measured() as peak:
        assert seen.wait(20)
    assert peak.bytes > 1_000_000
    assert not [each for each in threading.enumerate() if each.name == "memory"]


def test_a_peak_of_a_whole_life_counts_where_it_has_grown(monkeypatch: pytest.MonkeyPatch) -> None:
    peaks = iter([10, 10**15])
    monkeypatch.setattr(usage, "_reset_peak", lambda: False)
    monkeypatch.setattr(usage, "_lifetime_peak", lambda: next(peaks))
    with PeakMemory().measured() as peak:
        pass
    assert peak.bytes == 10**15


def test_a_job_is_measured_in_the_process_of_its_engine_and_kept(home: Path) -> None:
    studio = fake_studio(home, isolated=True)
    try:
        assert studio.fits(STORY(seed=1)) is not None  # so the machine is known
        first, second = (studio.submit(STORY(seed=seed)) for seed in (1, 2))
        second.future.result(120)
        assert first.usage.memory > 1_000_000
        assert first.usage.loading > 0
        assert first.usage.running > 0
        assert second.usage.loading == 0, "its model was loaded already"
    finally:
        studio.close()
    history = RunHistory(home / "state" / "runs.sqlite")
    assert history.typical_seconds("story", first.request.model) is not None
    assert history.memory_ratio("story", "cpu", "llama", first.request.model) is not None


def test_an_engine_in_the_studio_itself_says_nothing_of_memory(home: Path) -> None:
    studio = fake_studio(home)
    try:
        job = studio.submit(STORY(seed=1))
        job.future.result(60)
        assert job.usage == NOT_MEASURED
    finally:
        studio.close()


def test_what_enlarging_takes_follows_from_the_picture(home: Path, tmp_path: Path) -> None:
    studio = fake_studio(home)
    try:
        for side in (100, 600):
            Image.new("RGB", (side, side)).save(tmp_path / f"{side}.png")
        model = Model("small", "upscale", "srvgg", "Small", "MIT", tmp_path)
        found: list[int] = []
        for name in ("100.png", "600.png", "none.png"):
            request = UpscaleRequest(model=model.id, picture=WorkKey(path=str(tmp_path / name)))
            _, demand = studio.fit.demand(request, model)
            found.append(demand.working)
        assert found[0] < found[1] < found[2], "of one that is not there, a large one is thought of"
        kept = studio._used_works.kept(UpscaleRequest(picture=WorkKey(path=str(tmp_path / "600.png"))))
        assert kept.picture.sha256
        assert studio.fit.demand(kept, model)[1].working == found[1]
    finally:
        studio.close()
