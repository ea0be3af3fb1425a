"""The soak: a studio that works, fails and is killed for an hour, and must have lost and left nothing at its end.

Run as a program: `python -m studio.bench.soak --minutes 60`. In the first half engines, commands and the whole studio
are killed every minute or so. In the second half one studio runs through, which shows what memory and handles do.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from studio.bench.live.soak import ENGINE
from studio.bench.measurement import ROOT, BenchSettings

LIVES = (20.0, 120.0)  # seconds until a studio is killed
STUCK = 300.0  # seconds without a word
ORPHANED = 60.0  # seconds that what a killed studio had started may take to end
GROWTH, GROWTH_MB, HANDLES = 1.25, 32.0, 16  # how much a studio that runs through may grow


@dataclass(slots=True)
class SoakRecord:
    """What was seen. `added` are works that were reported as saved, `removed` those that were to be deleted."""

    added: set[str] = field(default_factory=set[str])
    removed: set[str] = field(default_factory=set[str])
    done: Counter[str] = field(default_factory=Counter[str])
    faults: list[str] = field(default_factory=list[str])
    kills: int = 0
    calm: list[tuple[float, float, int]] = field(default_factory=list[tuple[float, float, int]])
    """Of the studio that runs through: seconds, MB of memory, handles."""


class Soak:
    """Starts studios in `folder`, one after the other, and writes what it sees with `write`."""

    def __init__(self, folder: Path, minutes: float, seed: int, setting: BenchSettings, write: Callable[[str], None]):
        self.folder, self.seconds, self.write, self.setting = folder, minutes * 60, write, setting
        self.random = random.Random(seed)
        self.seen = SoakRecord()
        self.start = time.monotonic()
        self.interval = min(60.0, self.seconds / 6)
        self._next_line = 0.0
        self._sizes = list[int]()
        for name in ("home", "inputs", "out", "tmp"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    @property
    def now(self) -> float:
        return time.monotonic() - self.start

    def run(self) -> bool:
        """Returns whether nothing was lost, left behind or unexpected."""
        while self.now < self.seconds / 2:
            longest = min(LIVES[1], self.seconds / 6)
            self._live(self.random.uniform(min(LIVES[0], longest / 2), longest), kills=True)
        self._live(self.seconds - self.now, kills=False)
        self._judge_growth()
        return self.check()

    def check(self) -> bool:
        """Open the studio once more: nothing may be lost, damaged or left behind. Returns whether all was sound."""
        self._live(0, kills=False)
        left = self._left()
        if left:
            self.seen.faults.append(f"left behind: {', '.join(left[:20])}")
        return self._verdict()

    def _live(self, seconds: float, kills: bool) -> None:
        """One studio: killed after `seconds` where `kills`, else closed. With 0 seconds it only checks the library."""
        told = {
            "folder": str(self.folder), "seed": self.random.randrange(2**31), "kills": kills, "act": seconds > 0,
            "bundled": str(self.setting.bundled), "engine": self.setting.engine,
        }  # fmt: skip
        environment = {
            **os.environ, "STUDIO_HOME": str(self.folder / "home"), "TMPDIR": str(self.folder / "tmp"),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
        }  # fmt: skip
        with (self.folder / "studio.log").open("ab") as log, subprocess.Popen(
            [sys.executable, "-m", "studio.bench.live.soak", json.dumps(told)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment, text=True, encoding="utf-8",
        ) as process:  # fmt: skip
            lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
            threading.Thread(target=_read, args=(process, lines), daemon=True).start()
            closing = self._follow(process, lines, self.now + seconds, kills)
            started = _children(process.pid)
            if closing:
                self._end(process, lines)
            else:
                process.kill()
                self.seen.kills += 1
            process.wait()
            while (line := lines.get()) is not None:  # what it said before it died
                self._hear(line)
        _, alive = psutil.wait_procs(started, ORPHANED)
        for each in alive:
            self.seen.faults.append(f"it outlived its studio: {_command(each)}")
            with suppress(psutil.Error):
                each.kill()

    def _follow(self, process: subprocess.Popen[str], lines: Any, until: float, kills: bool) -> bool:
        """Hear what the studio says until its time is over; returns whether it is to be closed and not killed."""
        heard = self.now
        while self.now < until:
            self._sample(process.pid, calm=not kills)
            try:
                line = lines.get(timeout=max(0.01, min(until - self.now, 1.0)))
            except queue.Empty:
                if self.now - heard > STUCK:
                    self.seen.faults.append("the studio said nothing for five minutes")
                    return False
                continue
            if line is None:
                self.seen.faults.append(f"the studio ended by itself with status {process.wait()}; see studio.log")
                lines.put(None)
                return True
            heard = self.now
            self._hear(line)
        return not kills

    def _end(self, process: subprocess.Popen[str], lines: Any) -> None:
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.close()
        try:
            process.wait(STUCK)
        except subprocess.TimeoutExpired:
            self.seen.faults.append("the studio did not close within five minutes")
            process.kill()
        if process.returncode not in (0, -9):
            self.seen.faults.append(f"the studio ended with status {process.returncode}; see studio.log")

    def _hear(self, line: str) -> None:
        try:
            told: dict[str, Any] = json.loads(line)
        except ValueError:
            return  # cut by a kill
        self.seen.added.update(told.get("added", ()))
        self.seen.removed.update(told.get("removing", ()))
        if "did" in told:
            self.seen.done[told["did"]] += 1
            if told["outcome"].startswith("refused"):
                self.seen.done[f"{told['did']} {told['outcome']}"[:110]] += 1
        if "surprise" in told:
            self.seen.faults.append(told["surprise"])
        if told.get("settled"):
            self.write(f"  at the start: {told['settled']}")
        self.seen.faults += told.get("problems", ())
        if "works" in told:
            lost = self.seen.added - self.seen.removed - set(told["works"])
            self.seen.faults += [f"lost: {id}" for id in sorted(lost)]
            self.write(f"  verified: {len(told['works'])} works, {len(told['problems'])} problems, {len(lost)} lost")

    def _sample(self, pid: int, calm: bool) -> None:
        """Write a line a minute, of memory, handles, files and works."""
        if self.now < self._next_line:
            return
        self._next_line = self.now + self.interval
        words = list[str]()
        with suppress(psutil.Error):
            for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
                with suppress(psutil.Error):
                    memory, handles = process.memory_info().rss / 1e6, process.num_fds()
                    own = process.pid == pid
                    if own and calm:
                        self.seen.calm.append((self.now, memory, handles))
                    name = "studio" if own else "engine" if ENGINE in _command(process) else "other"
                    words.append(f"{name} {memory:.0f} MB {handles} handles {process.num_threads()} threads")
        library = self.folder / "home" / "library"
        index = sum(path.stat().st_size for path in library.glob("index.sqlite*"))
        works = sum(1 for room in ("works", "bin") for _ in library.glob(f"{room}/*/*.json"))
        self.write(
            f"{self.now / 60:5.1f} min: {'; '.join(words)}; index {index / 1000:.0f} kB; {works} works;"
            f" {len(self._left())} temporary files; {self.seen.done.total()} actions, {self.seen.kills} studios killed,"
            f" {len(self.seen.faults)} faults"
        )

    def _left(self) -> list[str]:
        """What is there only while something runs."""
        library = self.folder / "home" / "library"
        patterns = ("**/.importing-*", "**/.export-*", "**/.copy*-*", "**/*.part", "**/index.damaged-*")
        found = {path for place in ("home", "out") for each in patterns for path in (self.folder / place).glob(each)}
        found |= {*(library / "staging").glob("*")}
        found |= {path for path in (self.folder / "tmp").iterdir() if not path.name.startswith("torchinductor_")}
        return sorted(path.relative_to(self.folder).as_posix() for path in found)

    def _judge_growth(self) -> None:
        seen = self.seen.calm
        if len(seen) < 8:
            return
        warm = seen[len(seen) // 4 : len(seen) // 2]
        last = seen[-len(seen) // 4 :]
        memory = [sum(each[1] for each in part) / len(part) for part in (warm, last)]
        handles = [max(each[2] for each in part) for part in (warm, last)]
        self.write(f"  running through: {memory[0]:.0f} to {memory[1]:.0f} MB, {handles[0]} to {handles[1]} handles")
        if memory[1] > memory[0] * GROWTH + GROWTH_MB:
            self.seen.faults.append(f"the studio grew from {memory[0]:.0f} to {memory[1]:.0f} MB")
        if handles[1] > handles[0] + HANDLES:
            self.seen.faults.append(f"open handles grew from {handles[0]} to {handles[1]}")

    def _verdict(self) -> bool:
        for name, count in sorted(self.seen.done.items()):
            self.write(f"  {count:5} {name}")
        for fault, count in Counter(self.seen.faults).items():
            self.write(f"  fault ({count}): {fault}")
        sound = not self.seen.faults
        self.write(f"{'sound' if sound else 'NOT SOUND'} after {self.now / 60:.1f} minutes")
        return sound


def _read(process: subprocess.Popen[str], lines: Any) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put(None)


def _children(pid: int) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return psutil.Process(pid).children(recursive=True)
    return []


def _command(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())[:200]
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description="Use, break and kill a studio for a while; it must lose nothing.")
    parser.add_argument("--minutes", type=float, default=60, help="how long (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="which things are done, in which order (default: 1)")
    parser.add_argument("--folder", type=Path, help="where it lives; it stays there (default: a temporary one)")
    values = parser.parse_args()

    def write(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def run(folder: Path) -> bool:
        return Soak(folder.absolute(), values.minutes, values.seed, BenchSettings(), write).run()

    if values.folder:
        return 0 if run(values.folder) else 3
    with tempfile.TemporaryDirectory(prefix="studio-soak-") as folder:
        return 0 if run(Path(folder)) else 3


if __name__ == "__main__":
    sys.exit(main())
