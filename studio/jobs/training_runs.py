"""The files of a training's result folder: log, preview, checkpoint, model, and the request to resume it."""

from __future__ import annotations

import contextlib
import json
import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from filelock import BaseFileLock

from studio.errors import BadInput, StudioError
from studio.schema.request import Request, TrainRequest
from studio.system import storage

CHECKPOINT, LOG, PREVIEW, MODEL = "checkpoint.pt", "log.jsonl", "preview.png", "model"
REQUEST = "request.json"  # present until the training is complete
LOCK = ".lock"  # held while it runs
DELETED = ".gone"  # suffix of a folder that is being deleted
NEW_MODEL, OLD_MODEL = "model.part", "model.old"  # present while a new model replaces the old one
LOG_LINES = 2000  # about as many lines are added each time the training time doubles
LOG_TAIL = 4096  # bytes at the end of a log that contain a whole line
RUNS_KEPT = 6  # newest trainings of a folder that are kept; each takes tens of megabytes
MIN_MINUTES = 1.0  # minutes that a resumed training gets at least


@dataclass(frozen=True)
class TrainingLogLine:
    """One line of the log. `seconds` is the training time, earlier runs included; `time` is since the epoch.

    `values` are means over the steps since the previous line. A line without values marks the start of a run.
    """

    time: float
    seconds: float
    step: int
    values: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True)
class UnfinishedTraining:
    """A training that can be resumed: its last request, its training time in seconds, and when it stopped (epoch)."""

    request: TrainRequest
    seconds: float
    time: float


class TrainingLog:
    """Writes the log. Lines are means over ever more steps, so that the log of weeks stays small."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOG
        self._sums: dict[str, tuple[float, int]] = {}
        self._next = 0.0

    def begin(self, step: int, seconds: float) -> None:
        """Start a run at this step; removes later lines, which a crash undid."""
        lines = [line for line in read_log(self._path.parent)[0] if line.step <= step and line.seconds <= seconds]
        text = "".join(_format_line(line) for line in [*lines, TrainingLogLine(time.time(), seconds, step)])
        storage.write_atomic(self._path, text.encode("utf-8"))
        self._next = seconds

    def add(self, step: int, seconds: float, values: Mapping[str, float]) -> None:
        """Add the measurements of one step. Raises OSError where the file cannot be written."""
        for name, value in values.items():
            total, count = self._sums.get(name, (0.0, 0))
            self._sums[name] = (total + value, count + 1)
        if seconds < self._next or not self._sums:
            return
        means = {name: total / count for name, (total, count) in self._sums.items()}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_format_line(TrainingLogLine(time.time(), seconds, step, means)))
        self._sums.clear()
        self._next = seconds + max(1.0, seconds / LOG_LINES)


def read_log(folder: Path, offset: int = 0) -> tuple[list[TrainingLogLine], int]:
    """The complete lines of a training's log from byte `offset` on, and the offset after them.

    A log shorter than `offset` was restarted and is read from its start. Damaged lines are skipped.
    """
    try:
        with (folder / LOG).open("rb") as file:
            if file.seek(0, 2) < offset:
                offset = 0
            file.seek(offset)
            data = file.read()
    except OSError:
        return [], 0
    whole = data[: data.rfind(b"\n") + 1]
    lines = [line for text in whole.splitlines() if (line := _parse_line(text)) is not None]
    return lines, offset + len(whole)


def can_resume(folder: Path) -> bool:
    """Whether there is a checkpoint."""
    return (folder / CHECKPOINT).is_file()


def save_request(request: TrainRequest) -> None:
    """Save the request beside the checkpoint. Raises OSError."""
    text = json.dumps(request.to_json(), ensure_ascii=False, indent=1) + "\n"
    storage.write_atomic(Path(request.out).expanduser() / REQUEST, text.encode("utf-8", "replace"))


def mark_finished(folder: Path) -> None:
    """Mark a training as complete, so that it is no longer offered for resuming. Raises OSError."""
    (folder / REQUEST).unlink(missing_ok=True)


def unfinished(home: Path) -> list[UnfinishedTraining]:
    """The trainings in a folder that can be resumed, newest first."""
    found: list[UnfinishedTraining] = []
    for folder in _folders(home):
        with contextlib.suppress(OSError, ValueError, RecursionError, StudioError):
            request = Request.from_json(json.loads((folder / REQUEST).read_text("utf-8")))
            if isinstance(request, TrainRequest) and can_resume(folder):
                # The current folder: it may have been moved since.
                found.append(UnfinishedTraining(request.replace(out=str(folder)), *_log_end(folder)))
    return sorted(found, key=lambda one: one.time, reverse=True)


def finish_model_swap(folder: Path) -> None:
    """Complete the replacement of a model that was interrupted by a kill. Raises OSError."""
    model, fresh, old = folder / MODEL, folder / NEW_MODEL, folder / OLD_MODEL
    if model.exists() or not old.exists():
        return
    # The old model is moved only after the new one is complete.
    (fresh if fresh.exists() else old).rename(model)


def resume_request(request: TrainRequest) -> TrainRequest:
    """The request that resumes a training for its remaining minutes; unchanged if there is no checkpoint."""
    folder = Path(request.out).expanduser()
    if not can_resume(folder):
        return request
    lines = read_log(folder)[0]
    began = next((line.seconds for line in reversed(lines) if not line.values), 0.0)
    spent = (lines[-1].seconds - began) / 60 if lines else 0.0
    return request.replace(resume=True, minutes=min(request.minutes, max(MIN_MINUTES, request.minutes - spent)))


def lock(folder: Path) -> BaseFileLock:
    """Lock the folder for a running training, until the returned lock is released or the process ends.

    Raises BadInput where another training runs there, OSError where the folder cannot be written.
    """
    held = storage.try_lock(folder / LOCK)
    if held is None:
        raise BadInput(
            "Another training runs in {folder}.", "Wait until it is done, or choose another folder.", folder=folder
        )
    return held


def is_running(folder: Path) -> bool:
    """Whether a training of any studio runs in this folder."""
    if not (folder / LOCK).exists():
        return False
    held = storage.try_lock(folder / LOCK)
    if held is not None:
        held.release()
    return held is None


def delete(folder: Path) -> None:
    """Delete a training's folder. Raises BadInput while it runs, StudioError where deleting fails."""
    deleted = folder.with_name(f".{folder.name}{DELETED}")
    with storage.disk_errors_as("The training could not be deleted"):
        if is_running(folder):
            raise BadInput("This training is running.", "Stop it first.")
        # Renamed first, so that an interrupted deletion leaves nothing that looks resumable.
        shutil.rmtree(deleted, ignore_errors=True)
        if folder.exists():
            folder.rename(deleted)
    shutil.rmtree(deleted, ignore_errors=True)


def disk_bytes(folder: Path) -> int:
    """The size of a training's folder in bytes."""
    total = 0
    with contextlib.suppress(OSError):
        total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return total


def delete_oldest(home: Path, needed: Sequence[str] = ()) -> None:
    """Keep the newest RUNS_KEPT trainings of a folder and delete the rest: complete ones before resumable ones, oldest
    first. Those in `needed` and those that run are not deleted.
    """
    with contextlib.suppress(OSError):
        for deleted in home.glob(f".*{DELETED}"):
            shutil.rmtree(deleted, ignore_errors=True)
        found = sorted(_folders(home), key=lambda each: ((each / REQUEST).exists(), each.stat().st_mtime))
        for old in found[: max(0, len(found) - RUNS_KEPT)]:
            if str(old) not in needed and not is_running(old):
                shutil.rmtree(old, ignore_errors=True)


def _folders(home: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return [each for each in home.iterdir() if each.is_dir() and not each.name.startswith(".")]
    return []


def _log_end(folder: Path) -> tuple[float, float]:
    """Training time in seconds and wall-clock time at the end of the log. Raises OSError."""
    with (folder / LOG).open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - LOG_TAIL))
        lines = [line for text in file.read().splitlines() if (line := _parse_line(text)) is not None]
    return (lines[-1].seconds, lines[-1].time) if lines else (0.0, (folder / CHECKPOINT).stat().st_mtime)


def _format_line(line: TrainingLogLine) -> str:
    # JSON has no NaN.
    values = {name: float(f"{value:.5g}") if math.isfinite(value) else None for name, value in line.values.items()}
    row = {"time": round(line.time, 2), "seconds": round(line.seconds, 2), "step": line.step, **values}
    return json.dumps(row) + "\n"


def _parse_line(text: bytes) -> TrainingLogLine | None:
    with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
        values = cast("dict[str, Any]", json.loads(text))
        at = float(values.pop("time")), float(values.pop("seconds")), int(values.pop("step"))
        return TrainingLogLine(*at, {name: float(value) for name, value in values.items() if value is not None})
    return None
