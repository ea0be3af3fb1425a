"""What all trainings share: the clock, and a checkpoint that cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studio.backends import MEDIA, training
from studio.backends.training import Training
from studio.errors import BadInput
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


def test_a_damaged_checkpoint_comes_with_advice_that_works(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "checkpoint.pt").write_bytes(b"torn")
    request = MEDIA[0].train(out=str(out), minutes=1, resume=True)

    def nothing(*_: Any) -> Any:
        return {}

    with pytest.raises(BadInput, match="in another folder"):
        Training(request, nothing, state=nothing, restore=nothing, preview=nothing, export=nothing)
