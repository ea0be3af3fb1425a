"""What all trainings share: the clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studio.backends import MEDIA, training
from studio.backends.training import Training
from studio.job import Progress
from studio.media import Payload, Text


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

    request = MEDIA[0].train(out=str(tmp_path / "out"), minutes=1)
    run = Training(request, held, state=nothing, restore=nothing, preview=sample, export=nothing)
    for _ in run:
        steps += 1
        clock.now += 10
    assert steps == 6
    assert run.seconds == pytest.approx(60)
    assert run.share == pytest.approx(1)
