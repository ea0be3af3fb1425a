"""Measures the window from inside its process: time until usable, memory, event latency.

Run by several benches as a child; it loads Qt, and must load nothing that its window does not.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtWidgets import QApplication

from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.jobs.job import Job
    from studio.studio import News, Studio
    from studio.ui.shell.window import MainWindow

HEAVY = ("torch", "diffusers", "transformers", "accelerate", "scipy")
PING_SECONDS = 0.002
PATIENCE = 240.0


class FirstPaint(QObject):
    """Notes the first time that a widget paints."""

    def __init__(self) -> None:
        super().__init__()
        self.done = asyncio.Event()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self.done.set()
        return False


class LatencyProbe(QObject):
    """Rings from a thread every 2 ms; each ring notes how late it was heard in the window's thread."""

    rung = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.late: list[float] = []
        self._stop = threading.Event()
        self.rung.connect(self._hear)
        self._thread = threading.Thread(target=self._ring, name="bell")
        self._thread.start()

    def _hear(self, sent: float) -> None:
        self.late.append(time.perf_counter() - sent)

    def _ring(self) -> None:
        while not self._stop.wait(PING_SECONDS):
            self.rung.emit(time.perf_counter())

    def take_delays(self) -> list[float]:
        """The delays since the last call, in seconds."""
        taken, self.late = self.late, []
        return taken

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


async def opening(window: MainWindow, told: dict[str, Any]) -> dict[str, Any]:
    """Seconds from the parent's start of this process to a painted window that answers; then its idle weight."""
    painted = FirstPaint()
    window.installEventFilter(painted)
    window.show()
    gc.freeze()
    await painted.done.wait()
    await asyncio.sleep(0)
    seconds = time.monotonic() - told["start"]
    await asyncio.sleep(told["idle"])
    import psutil

    process = psutil.Process()
    memory = process.memory_full_info()
    return {
        "seconds": seconds,
        "processor": sum(process.cpu_times()[:2]),
        "memory": getattr(memory, "pss", memory.uss),
        "heavy": [name for name in HEAVY if name in sys.modules],
        "files": sorted({each.path for each in process.memory_maps()} | _sources()),
    }


async def working(window: MainWindow, told: dict[str, Any]) -> dict[str, Any]:
    """Delays of events in an idle window, and while a panel makes one work after the other."""
    window.show()
    gc.freeze()
    panel = window.panel(told["medium"])
    assert panel is not None
    await asyncio.sleep(1.0)
    bell = LatencyProbe()
    jobs: list[Job] = []

    def hear(news: News) -> None:
        if news.job is not None and news.job not in jobs:
            jobs.append(news.job)

    end = window.studio.subscribe(hear)
    await asyncio.sleep(told["seconds"] / 4)
    idle = bell.take_delays()
    start = time.monotonic()
    panel.count.setCurrentIndex(0)
    while time.monotonic() - start < told["seconds"]:
        panel.generate.click()
        while any(job.state in ("queued", "running") for job in window.studio.queue.jobs()):
            await asyncio.sleep(0.02)
            if time.monotonic() - start > PATIENCE:
                raise StudioError(
                    "The {medium} job did not end within {seconds:.0f} seconds.",
                    medium=told["medium"],
                    seconds=PATIENCE,
                )
    end()
    busy = bell.take_delays()
    bell.stop()
    states = sorted({job.state for job in jobs})
    failed = next((str(job.error) for job in jobs if job.error is not None), "")
    return {"idle": idle, "busy": busy, "jobs": len(jobs), "states": states, "failed": failed}


async def turning(window: MainWindow, told: dict[str, Any]) -> dict[str, Any]:
    """Seconds from asking for a page to its painted pixels, page by page, after each was made once."""
    window.show()
    gc.freeze()
    pages: dict[str, list[float]] = {name: [] for name in window.names}
    work: dict[str, list[float]] = {name: [] for name in window.names}
    for turn in range(1 + told["turns"]):
        for name in window.names:
            start, worked = time.perf_counter(), time.thread_time()
            window.open(name)
            await asyncio.sleep(0)
            window.repaint()
            if turn:
                pages[name].append(time.perf_counter() - start)
                work[name].append(time.thread_time() - worked)
            await asyncio.sleep(0.05)
    return {"pages": pages, "work": work}


def _sources() -> set[str]:
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    cached = (getattr(module, "__cached__", None) for module in list(sys.modules.values()))
    return {path for path in (*files, *cached) if path}


DOES = {"opening": opening, "working": working, "turning": turning}


def run(
    told: dict[str, Any],
    measured: Callable[[MainWindow, dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]],
    prepare: Callable[[Studio], object] = lambda studio: None,
) -> None:
    """Open a window as the program does, measure, and write what was found as a line of JSON."""
    gc.disable()  # before the window is loaded
    from studio.bench.measurement import BenchSettings
    from studio.studio import Studio
    from studio.system.paths import AppPaths
    from studio.ui.app import GarbageCollector, application, error_hooks, event_loop
    from studio.ui.shell.window import MainWindow

    setting = BenchSettings(bundled=Path(told["bundled"]), engine=told["engine"])
    media, platform = setting.media(), setting.platform
    studio = Studio(AppPaths.for_user(), media=media, bundled=setting.bundled, platform=platform)
    prepare(studio)
    app = application(["studio"], studio)
    loop = event_loop(app)
    with error_hooks(loop), loop:
        collector = GarbageCollector()
        window = MainWindow(studio)
        found = loop.run_until_complete(measured(window, told))
        collector.close()
        window.close()
        studio.close()
    sys.stdout.write(json.dumps({**found, "platform": QApplication.platformName()}) + "\n")


if __name__ == "__main__":
    argument = json.loads(sys.argv[1])
    run(argument, DOES[argument["what"]])
