"""Device and dtype: what small models are made with does not depend on how busy the machine is."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time

import pytest
import torch

from studio.backends.engine import device, speed
from studio.backends.story.engine.engine import StoryEngine
from studio.models.catalog import Catalog
from studio.models.fit.demand import Speed
from studio.models.resources import Resources


def test_a_small_model_never_asks_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "fast_dtype", lambda: torch.bfloat16)  # how a measurement may come out
    assert device.dtype_for(device.SMALL - 1) == torch.float32
    assert device.dtype_for(device.SMALL) == torch.bfloat16
    engine = StoryEngine()
    engine.load(Resources(Catalog().default("story")), lambda _: None)
    assert engine.model.network.dtype == torch.float32
    engine.close()


def test_where_a_threads_clock_is_too_coarse_the_other_one_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(time, "thread_time", lambda: 0.0)
    assert speed.best(lambda: time.sleep(0.001)) >= 0.001


def test_the_speed_of_this_machine_is_measured_by_a_program_of_its_own() -> None:
    script = [sys.executable, "-m", "studio.backends.engine.speed", "cpu", "1"]
    done = subprocess.run(script, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": "."})
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.keys() == {"4", "2"}
    for each in found.values():
        assert dataclasses.asdict(Speed(**each)) == each
        assert 1e8 < each["matrices"] < 1e14
        assert 1e8 < each["convolutions"] < 1e14
        assert 1e7 < each["bandwidth"] < 1e13
        assert 1e-8 < each["call"] < 1e-2


def test_the_speed_of_llama_cpp_is_measured_by_a_program_of_its_own() -> None:
    script = [sys.executable, "-m", "studio.backends.engine.packed_speed"]
    done = subprocess.run(script, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": "."})
    found = json.loads(done.stdout.splitlines()[-1])
    assert type(found["card"]) is bool
    assert dataclasses.asdict(Speed(**found["speed"])) == found["speed"]
    assert 1e8 < found["speed"]["matrices"] < 1e14
    assert 1e7 < found["speed"]["bandwidth"] < 1e13
