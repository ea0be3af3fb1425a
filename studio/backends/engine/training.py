"""The training loop of every medium: time budget, checkpoints, log, previews, and a stop that keeps the model."""

from __future__ import annotations

import io
import math
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, LiteralString, NoReturn

import tomli_w
import torch
from filelock import BaseFileLock
from PIL import Image as Pillow
from safetensors import SafetensorError

from studio.errors import BadInput, Message, StudioError
from studio.jobs import training_runs
from studio.jobs.job import Cancelled, Progress, Report
from studio.media.payloads import Image, Payload, Weights
from studio.schema.request import TrainRequest
from studio.system import storage

FIRST_SAVE = 15.0  # seconds after which there is something to go on from
WAITED = 0.25  # seconds in a report beyond which it was not talking but waiting
PREVIEW_SPACING = 20  # times as long as a preview takes are learnt before the next


class TrainingLoop:
    """One training run, iterated step by step until its minutes are over.

    >>> training = TrainingLoop(request, report, state=..., restore=..., preview=..., export=...)
    >>> for step in training:
    ...     loss = learn(lr * training.anneal())
    ...     training.log(loss=loss)
    >>> return training.finish()

    state/restore: everything needed to go on, as tensors and plain values (read back with `weights_only=True`).
    preview: a sample to look at or listen to, made every `preview_seconds`. export(folder): writes the model in its
    final format. Checkpoints go to `request.out/checkpoint.pt`, replaced atomically, every `save_seconds` and at the
    end, and measurements to `request.out/log.jsonl`. `about` says what the catalog shall know of the model.
    It ends by the clock, before a step for which there is no time left. A cancel saves, exports and raises Cancelled
    with the Weights made so far. A measurement that is no number ends it with words and the last good state exported.
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
        stage: LiteralString = "training",
        save_seconds: float = 120.0,
        preview_seconds: float = 60.0,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self.request = request
        self.out = Path(request.out).expanduser()
        self.step = 0
        self._report = report
        self._state, self._restore, self._preview, self._export = state, restore, preview, export
        self._stage: LiteralString = stage
        self._save_seconds, self._preview_seconds = save_seconds, preview_seconds
        self._about = dict(about or {}) | ({"title": request.title} if request.title else {})
        self._before = 0.0  # seconds trained in earlier runs
        self._values: dict[str, float] = {}
        self._held: BaseFileLock | None = None  # while it runs
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            training_runs.lock(self.out).release()
            training_runs.finish_model_swap(self.out)
        except OSError as error:
            raise BadInput(
                "{folder} cannot be made: {reason}.",
                "Choose a folder you may write to.",
                mend="folders",
                folder=self.out,
                reason=error.strerror,
            ) from error
        if request.resume:
            self._load()
        elif self.checkpoint.exists():
            raise BadInput(
                "{folder} already holds a training.",
                "Add --resume to go on with it, or choose another folder.",
                folder=self.out,
            )
        self._log = training_runs.TrainingLog(self.out)
        self._write(Message("The log"), lambda: self._log.begin(self.step, self._before))
        self._write(training_runs.REQUEST, lambda: training_runs.save_request(request))
        self._start = time.monotonic()

    def _release_folder(self) -> None:
        """Release the lock on the folder, so that others may train in it."""
        held, self._held = self._held, None
        if held is not None:
            held.release()

    @property
    def checkpoint(self) -> Path:
        return self.out / training_runs.CHECKPOINT

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
        """Measurements to report with the next step. One that is no number any more ends the training."""
        for name, value in values.items():
            if not math.isfinite(value):
                self.fail_diverged(name)
        self._values.update(values)

    def __iter__(self) -> Iterator[int]:
        self._held = training_runs.lock(self.out)
        try:
            yield from self._steps()
        except BaseException:  # or whoever iterates has failed; otherwise `finish` comes
            self._release_folder()
            raise

    def _steps(self) -> Iterator[int]:
        saved = time.monotonic() - self._save_seconds + min(FIRST_SAVE, self._save_seconds)
        next_look = time.monotonic() + self._preview_seconds / 4
        total = max(1, int(self.request.minutes * 60))
        try:
            while True:
                began = time.monotonic()
                yield self.step
                now = time.monotonic()
                took = now - began
                self.step += 1
                preview = None
                if now >= next_look:
                    preview = self._make_preview()
                    done = time.monotonic()
                    next_look = done + max(self._preview_seconds, PREVIEW_SPACING * (done - now))
                if now - saved >= self._save_seconds:
                    self.save()
                    saved = time.monotonic()
                self._write(Message("The log"), lambda: self._log.add(self.step, self.seconds, self._values))
                values = {"step": float(self.step), **self._values}
                seconds = min(total, int(time.monotonic() - self._start))
                self._report_progress(Progress(self._stage, seconds, total, preview, values, unit="s"))
                # A step that begins is finished: begin none that would end long after the time.
                left = self.request.minutes * 60 - (time.monotonic() - self._start)
                if left <= 0 or left < took:
                    return
        except Cancelled:
            self.save()
            raise Cancelled([self._export_model()]) from None

    def _report_progress(self, progress: Progress) -> None:
        """Report; time spent suspended in there does not count as training time."""
        before = time.monotonic()
        try:
            self._report(progress)
        finally:
            waited = time.monotonic() - before
            if waited > WAITED:
                self._start += waited

    def fail_diverged(self, what: str | Message) -> NoReturn:
        """Training diverged in `what`: export the last good state and raise StudioError."""
        words = Message(
            "The training lost its way at step {step}: {what} is no sensible number any more.",
            step=self.step,
            what=what,
        )
        if not self.checkpoint.exists():
            raise StudioError(words, "Begin anew with a lower learning rate, or with more pictures.")
        whole = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        self._restore(whole["state"])
        folder = self._export_model().folder
        raise StudioError(
            "{problem} The model as it was at step {step} is kept in {folder}.",
            "Go on from there with another seed and a lower learning rate.",
            problem=words,
            step=int(whole["step"]),
            folder=folder,
        )

    def finish(self) -> list[Payload]:
        """Save, export, and return a last preview and the model."""
        try:
            self.save()
            made: list[Payload] = [self._make_preview(), self._export_model()]
            self._write(training_runs.REQUEST, lambda: training_runs.mark_finished(self.out))
            return made
        finally:
            self._release_folder()

    def save(self) -> None:
        """Write the checkpoint to a temporary file, then replace the old one."""
        state = self._state()
        if not _finite(state):
            self.fail_diverged(Message("a weight"))
        whole = {"step": self.step, "seconds": self.seconds, "state": state}

        def write() -> None:
            with storage.replacing(self.checkpoint) as part:
                torch.save(whole, part)

        self._write("The checkpoint", write)

    def write_text(self, name: str, words: str) -> None:
        """Leave a text file in the result folder. Raises StudioError where the disk refuses it."""
        data = words.encode("utf-8", "backslashreplace")
        self._write(name, lambda: storage.write_atomic(self.out / name, data))

    def _write(self, what: str | Message, write: Callable[[], object]) -> None:
        try:
            write()
        except (OSError, SafetensorError) as error:
            why = (error.strerror if isinstance(error, OSError) else "") or Message("the disk refused it")
            hint = Message("Free disk space and start again.")
            if self.checkpoint.exists():
                hint = Message("Free disk space and continue with --resume.")
            raise StudioError(
                "{what} could not be written: {reason}.", hint, mend="room", what=what, reason=why
            ) from error

    def _load(self) -> None:
        if not self.checkpoint.exists():
            raise BadInput("There is no checkpoint in {folder}.", "Start without --resume.", folder=self.out)
        try:
            whole = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
            self.step, self._before = int(whole["step"]), float(whole["seconds"])
            self._restore(whole["state"])
        except Exception as error:
            raise BadInput(
                "{path} is damaged: {reason}.", "Start anew in another folder.", path=self.checkpoint, reason=error
            ) from error

    def _make_preview(self) -> Payload:
        """A preview; a picture is also written to the folder, for a page that is opened later."""
        made = self._preview()
        if isinstance(made, Image):
            png = io.BytesIO()
            Pillow.fromarray(made.pixels).save(png, "PNG")
            self._write("The preview", lambda: storage.write_atomic(self.out / training_runs.PREVIEW, png.getvalue()))
        return made

    def _export_model(self) -> Weights:
        """The model in its folder, whole: it takes the place of the one before when it is finished."""
        folder, fresh, old = (
            self.out / name for name in (training_runs.MODEL, training_runs.NEW_MODEL, training_runs.OLD_MODEL)
        )

        def write() -> None:
            training_runs.finish_model_swap(self.out)
            for left in (fresh, old):
                shutil.rmtree(left, ignore_errors=True)
            fresh.mkdir()
            self._export(fresh)
            if self._about:
                (fresh / "model.toml").write_text(tomli_w.dumps(self._about), encoding="utf-8")
            if folder.exists():
                folder.rename(old)
            fresh.rename(folder)

        self._write("The model", write)
        shutil.rmtree(old, ignore_errors=True)
        return Weights(folder)


def _finite(state: object) -> bool:
    """Whether every tensor in nested tables and lists holds only numbers."""
    if isinstance(state, torch.Tensor):
        return not state.is_floating_point() or bool(torch.isfinite(state).all())
    if isinstance(state, Mapping):
        return all(_finite(part) for part in state.values())
    return not isinstance(state, list | tuple) or all(_finite(part) for part in state)
