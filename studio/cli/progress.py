"""Progress of running jobs on standard error: a bar on a terminal, lines in a log, or JSON lines."""

from __future__ import annotations

import contextlib
import math
import shutil
import sys
import time
from collections.abc import Mapping
from typing import Protocol, TextIO

from studio.cli.words import line, one_line_json, printable, tr, worded
from studio.errors import Message
from studio.jobs.job import Job

LINE_SECONDS = 15.0  # between two quiet lines of the same stage
FRAME_SECONDS = 0.05  # between two drawings of the bar
BLOCKS = "·▏▎▍▌▋▊▉█"


class ProgressDisplay(Protocol):
    """Shows one job at a time. `index` counts from 1 to `count`."""

    def show(self, job: Job, index: int, count: int, left: float | None) -> None: ...
    def say(self, words: str | Message) -> None: ...
    def close(self) -> None: ...


def display(style: str) -> ProgressDisplay:
    """`json`: JSON lines. `bar`: a bar where standard error is a terminal, quiet lines elsewhere."""
    stream = sys.stderr
    if style == "json":
        return JsonProgress(stream)
    return BarProgress(stream) if stream.isatty() else LineProgress(stream)


class JsonProgress:
    """One JSON object a line, whenever something changed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last: object = None

    def show(self, job: Job, index: int, count: int, left: float | None) -> None:
        progress, state = job.progress, job.state
        if self._last == (job.id, state, progress.stage, progress.done, progress.total):
            return
        self._last = (job.id, state, progress.stage, progress.done, progress.total)
        self._write(
            {
                "job": index,
                "count": count,
                "kind": job.request.kind,
                "seed": job.request.seed,
                "state": state,
                "stage": worded(progress.stage),
                "done": progress.done,
                "total": progress.total,
                "seconds": round(job.seconds, 3),
                "left": None if left is None else round(left, 1),
                # JSON has no NaN, which a training that has lost its way may report.
                "values": {k: round(v, 6) if math.isfinite(v) else None for k, v in progress.values.items()},
            }
        )

    def say(self, words: str | Message) -> None:
        self._write({"message": worded(words)})

    def close(self) -> None:
        self._stream.flush()

    def _write(self, line: Mapping[str, object]) -> None:
        self._stream.write(one_line_json(line) + "\n")
        self._stream.flush()


class LineProgress:
    """A line when a stage begins, and every quarter of a minute while it lasts."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._stage: object = None
        self._next = 0.0

    def show(self, job: Job, index: int, count: int, left: float | None) -> None:
        stage = (job.id, job.progress.stage)
        now = time.monotonic()
        if job.state != "running" or (stage == self._stage and now < self._next):
            return
        self._stage, self._next = stage, now + LINE_SECONDS
        self.say(f"{_name(job, index, count)}: {_words(job, left)}")

    def say(self, words: str | Message) -> None:
        self._stream.write(line(words) + "\n")
        self._stream.flush()

    def close(self) -> None:
        self._stream.flush()


class BarProgress:
    """One line with a bar, redrawn by tqdm, as wide as the terminal at most."""

    def __init__(self, stream: TextIO) -> None:
        from tqdm import tqdm  # only where there is a terminal to draw on

        tqdm.monitor_interval = 0  # it draws when told to, and needs no thread for that
        self._stream = stream
        self._next = 0.0
        self._bar = tqdm(
            total=1, file=stream, leave=False, ascii=BLOCKS, delay=math.inf, bar_format="{desc}  {bar:24}  {unit}",
        )  # fmt: skip

    def show(self, job: Job, index: int, count: int, left: float | None) -> None:
        now = time.monotonic()
        if now < self._next and job.state == "running":
            return
        self._next = now + FRAME_SECONDS
        progress = job.progress
        self._bar.total, self._bar.n = progress.total or 1, min(progress.done, progress.total)
        self._bar.set_description_str(_name(job, index, count), refresh=False)
        self._bar.unit = _words(job, left)
        self._bar.ncols = shutil.get_terminal_size().columns - 1
        self._bar.refresh()

    def say(self, words: str | Message) -> None:
        self._bar.clear()
        self._stream.write(line(words) + "\n")
        self._stream.flush()

    def close(self) -> None:
        self._bar.clear()
        self._bar.close()
        self._stream.flush()


class QuietOnBrokenPipe:
    """Shows as another display does, as long as somebody reads it."""

    def __init__(self, display: ProgressDisplay) -> None:
        self._display = display

    def show(self, job: Job, index: int, count: int, left: float | None) -> None:
        with contextlib.suppress(OSError):
            self._display.show(job, index, count, left)

    def say(self, words: str | Message) -> None:
        with contextlib.suppress(OSError):
            self._display.say(words)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._display.close()


def _name(job: Job, index: int, count: int) -> str:
    number = f" {index}/{count}" if count > 1 else ""
    return f"{job.request.kind}{number}"


def _words(job: Job, left: float | None) -> str:
    progress = job.progress
    words = [worded(progress.stage)]
    if progress.total:
        words.append(f"{progress.done}/{progress.total}")
    words += [f"{name} {value:.4g}" for name, value in progress.values.items()]
    if left is not None and left >= 1:
        words.append(tr("{time} left", time=duration(left)))
    return printable("  ".join(words))


def duration(seconds: float) -> str:
    """Seconds as a person says them: 8 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return tr("{n} s", n=whole)
    if whole >= 3600:
        return tr("{h} h {m} min", h=whole // 3600, m=whole % 3600 // 60)
    if whole % 60:
        return tr("{m} min {s} s", m=whole // 60, s=whole % 60)
    return tr("{n} min", n=whole // 60)
