"""Runs the command line inside a test, on a studio with the fake engine."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from studio.cli import main
from studio.jobs.job import Cancelled, Progress, Report
from studio.media.payloads import Weights
from studio.models.resources import Resources
from studio.schema.request import Request
from studio.studio import Studio
from studio.system.paths import AppPaths
from tests.fakes import SLOW
from tests.studios import fake_studio, with_trainer


class FakeTrainer:
    """Writes a model that the catalog takes, without training; where it is cancelled, too."""

    def load(self, resources: Resources, report: Report) -> None:
        report(Progress("loading"))

    def run(self, request: Request, report: Report) -> list[Any]:
        folder = Path(request.out) / "model"  # type: ignore[attr-defined]
        folder.mkdir(parents=True, exist_ok=True)
        save_file({"weight": np.zeros(4, np.float32)}, folder / "model.safetensors")
        config = {"medium": "avatar", "family": "stylegan2"}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        (Path(request.out) / "checkpoint.pt").write_bytes(b"x")  # type: ignore[attr-defined]
        step = 0
        try:
            for step in range(3):
                report(Progress("training", step, 3, values={"loss": 1 / (step + 1)}))
            while request.seed == SLOW:
                time.sleep(0.005)
                step += 1
                report(Progress("training", step, step))
        except Cancelled:
            raise Cancelled([Weights(folder)]) from None
        return [Weights(folder)]

    def close(self) -> None:
        pass


def open_fake(paths: AppPaths, *, isolated: bool = False) -> Studio:
    """A studio with fake engines and trainers in the home of `paths`."""
    studio = fake_studio(paths.library.parent, isolated=isolated, persist_queue=False)
    trainer = f"{__name__}:FakeTrainer"
    studio.media = {name: with_trainer(medium, trainer) for name, medium in studio.media.items()}
    return studio


@dataclasses.dataclass
class Ended:
    """The exit status and the output of a command."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as exactly one JSON object."""
        return json.loads(self.out)


class Runs:
    """Calls the command line with arguments, and returns its status and output."""

    def __init__(self, capsys: pytest.CaptureFixture[str], opener: Callable[[AppPaths], Studio] = open_fake) -> None:
        self._capsys, self._opener = capsys, opener
        self.opened = 0

    def __call__(self, *argv: object) -> Ended:
        self._capsys.readouterr()
        status = main.main([str(word) for word in argv], self._open)
        output = self._capsys.readouterr()
        assert "Traceback" not in output.err
        return Ended(status, output.out, output.err)

    def _open(self, paths: AppPaths) -> Studio:
        self.opened += 1
        return self._opener(paths)
