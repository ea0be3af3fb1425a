"""What all trainings share: the clock, checkpoints that survive anything, previews, and a stop that keeps the work."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from studio.errors import BadInput, StudioError
from studio.job import Cancelled, Progress, Report
from studio.media import Payload, Weights
from studio.request import TrainRequest


class Training:
    """One training run, iterated step by step until its minutes are over.

    >>> training = Training(request, report, state=..., restore=..., preview=..., export=...)
    >>> for step in training:
    ...     loss = learn(lr * training.anneal())
    ...     training.log(loss=loss)
    >>> return training.finish()

    state/restore: everything needed to go on, as tensors and plain values (read back with `weights_only=True`).
    preview: a sample to look at or listen to, made every `preview_seconds`. export(folder): writes the model in its
    final format. Checkpoints go to `request.out/checkpoint.pt`, replaced atomically, every `save_seconds` and at the
    end.
    A cancel saves, exports and raises Cancelled with the Weights made so far.
    """

    def __init__(
        self,
        request: TrainRequest,
        report: Report,
        *,
        state: Callable[[], dict[str, Any]],
        restore: Callable[[dict[str, Any]], None],
        preview: Callable[[], Payload],
        export: Callable[[Path], None],
        stage: str = "training",
        save_seconds: float = 120.0,
        preview_seconds: float = 60.0,
    ) -> None:
        self.request = request
        self.out = Path(request.out).expanduser()
        self.step = 0
        self._report = report
        self._state, self._restore, self._preview, self._export = state, restore, preview, export
        self._stage = stage
        self._save_seconds, self._preview_seconds = save_seconds, preview_seconds
        self._before = 0.0  # seconds trained in earlier runs
        self._values: dict[str, float] = {}
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"{self.out} cannot be made: {error.strerror}."
            raise BadInput(message, "Choose a folder you may write to.") from error
        if request.resume:
            self._load()
        elif self.checkpoint.exists():
            raise BadInput(
                f"{self.out} already holds a training.", "Add --resume to go on with it, or choose another folder."
            )
        self._start = time.monotonic()

    @property
    def checkpoint(self) -> Path:
        return self.out / "checkpoint.pt"

    @property
    def seconds(self) -> float:
        """Seconds trained so far, earlier runs included, those in which it gave way to others not."""
        return self._before + time.monotonic() - self._start

    @property
    def fraction(self) -> float:
        """How much of the planned time is over, 0 to 1; earlier runs count on both sides."""
        return min(1.0, self.seconds / (self._before + self.request.minutes * 60))

    @property
    def share(self) -> float:
        """How much of this run's minutes is over, from 0 up; time in which it gave way to others does not count."""
        return (time.monotonic() - self._start) / (self.request.minutes * 60)

    def anneal(self, warm: float = 0.02, floor: float = 0.02) -> float:
        """A factor for the learning rate: rises over the first `warm`, holds, falls linearly over the last 60 %."""
        x = self.fraction
        return max(floor, min(1.0, (x + 1e-4) / warm, (1.0 - x) / 0.6))

    def log(self, **values: float) -> None:
        """Measurements to report with the next step."""
        self._values.update(values)

    def __iter__(self) -> Iterator[int]:
        saved = shown = time.monotonic()
        total = max(1, int(self.request.minutes * 60))
        try:
            while True:
                yield self.step
                self.step += 1
                now = time.monotonic()
                preview = None
                if now - shown >= self._preview_seconds:
                    preview, shown = self._preview(), time.monotonic()
                if now - saved >= self._save_seconds:
                    self.save()
                    saved = time.monotonic()
                values = {"step": float(self.step), **self._values}
                done = min(total, int(time.monotonic() - self._start))
                before = time.monotonic()
                try:
                    self._report(Progress(self._stage, done, total, preview, values))
                finally:
                    # A training that gives way waits in there; its minutes are minutes of learning.
                    self._start += time.monotonic() - before
                if self.share >= 1:
                    return
        except Cancelled:
            self.save()
            raise Cancelled([self._exported()]) from None

    def finish(self) -> list[Payload]:
        """Save, export, and return a last preview and the model."""
        self.save()
        return [self._preview(), self._exported()]

    def save(self) -> None:
        """Write the checkpoint beside the old one, then take its place."""
        whole = {"step": self.step, "seconds": self.seconds, "state": self._state()}
        part = self.checkpoint.with_suffix(".part")
        try:
            with part.open("wb") as file:
                torch.save(whole, file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.checkpoint)
        except OSError as error:
            part.unlink(missing_ok=True)
            message = f"The checkpoint could not be written: {error.strerror}."
            raise StudioError(message, "Make room on the disk and go on with --resume.") from error

    def _load(self) -> None:
        if not self.checkpoint.exists():
            raise BadInput(f"There is no checkpoint in {self.out}.", "Start without --resume.")
        try:
            whole = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
            self.step, self._before = int(whole["step"]), float(whole["seconds"])
            self._restore(whole["state"])
        except Exception as error:
            raise BadInput(f"{self.checkpoint} is damaged: {error}.", "Start anew in another folder.") from error

    def _exported(self) -> Weights:
        folder = self.out / "model"
        folder.mkdir(exist_ok=True)
        self._export(folder)
        return Weights(folder)
