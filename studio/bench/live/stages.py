"""Measures the stages from inside the window's process: milliseconds a frame while an engine works.

Run by the bench `stages` as a child; it draws what a person sees: a cursor over a sound, previews, a picture panned.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication

from studio.bench.live.window import run
from studio.jobs.job import Job
from studio.media.payloads import Audio, Image
from studio.schema.request import Request
from studio.studio import Studio
from studio.ui.shell.window import MainWindow
from studio.ui.stages.audio import AudioStage
from studio.ui.stages.image import ImageStage

FRAME_SECONDS = 1 / 60
SIZE = (1280, 800)
SOUND_SECONDS, RATE = 60, 32_000
PREVIEW, LARGE = (512, 768), (2048, 2048)


class BusyEngine:
    """Keeps the studio's engine busy with the works of a medium."""

    def __init__(self, studio: Studio, request: Request | None) -> None:
        self._studio, self._request = studio, request
        self._job: Job | None = None
        self.jobs = 0

    def submit_next(self) -> None:
        if self._request is not None and (self._job is None or self._job.state not in ("queued", "running")):
            self.jobs += 1
            self._job = self._studio.submit(self._request.replace(seed=self.jobs), live=True)

    async def begun(self) -> None:
        """Return when the engine has been loaded and works."""
        self.submit_next()
        while self._job is not None and self._job.state != "done" and not self._job.progress.total:
            await asyncio.sleep(0.01)

    def stop(self) -> None:
        if self._job is not None and self._job.state in ("queued", "running"):
            self._studio.queue.cancel(self._job.id)


async def frames(draw: Callable[[int], None], count: int, work: BusyEngine) -> dict[str, Any]:
    """Seconds that each of `count` frames took, drawn at 60 a second, and the processor's share of one."""
    taken: list[float] = []
    busy = 0.0
    due = time.perf_counter()
    for at in range(count):
        work.submit_next()
        due = max(due + FRAME_SECONDS, time.perf_counter())
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        start, before = time.perf_counter(), time.thread_time()
        draw(at)
        QApplication.processEvents()
        taken.append(time.perf_counter() - start)
        busy += time.thread_time() - before
    return {"seconds": taken, "processor": busy / count}


def sound() -> Audio:
    time_ = np.arange(SOUND_SECONDS * RATE, dtype=np.float32) / RATE
    loud = 0.6 + 0.4 * np.sin(2 * np.pi * 0.7 * time_)
    channels = [np.sin(2 * np.pi * pitch * time_) * loud * 0.8 for pitch in (220, 330)]
    return Audio(np.stack(channels).astype(np.float32), RATE)


def picture(size: tuple[int, int], at: int) -> Image:
    """Noise that differs with `at`, so that nothing drawn before can stand for it."""
    wide, high = size
    random = np.random.default_rng(at)
    small = random.integers(0, 255, (high // 8, wide // 8, 3), np.uint8)
    return Image(np.ascontiguousarray(small.repeat(8, axis=0).repeat(8, axis=1)))


async def drawing(window: MainWindow, told: dict[str, Any]) -> dict[str, Any]:
    """Seconds of the frames of each stage, in an idle window and while an engine works."""
    window.resize(*SIZE)
    window.show()
    gc.freeze()
    audio, image = AudioStage(), ImageStage()
    count = int(told["frames"])
    found: dict[str, Any] = {}
    previews = [picture(PREVIEW, at) for at in range(4)]
    for name in ("idle", "busy"):
        medium = window.studio.media[told["medium"]]
        work = BusyEngine(window.studio, medium.default_task.request() if name == "busy" else None)
        await work.begun()
        pages = window.pages
        for stage in (audio, image):
            pages.addWidget(stage)
            pages.setCurrentWidget(stage)
            if stage is audio:
                audio.preview(sound())
                while audio.spectrogram.busy:
                    await asyncio.sleep(0.01)

                def play(at: int) -> None:
                    audio.seek(at * FRAME_SECONDS)

                found[f"waveform.{name}"] = await frames(play, count, work)
            else:

                def sharpen(at: int) -> None:
                    image.preview(previews[at % len(previews)])

                found[f"preview.{name}"] = await frames(sharpen, count, work)
                image.preview(picture(LARGE, 9))
                image.zoom_to(1.0)

                def pan(at: int) -> None:
                    image.canvas.pan(QPointF(12 if at % 60 < 30 else -12, 5))

                found[f"pan.{name}"] = await frames(pan, count, work)
            pages.removeWidget(stage)
        found["jobs"] = work.jobs
        work.stop()
    for stage in (audio, image):
        stage.deactivate()
        stage.deleteLater()
    return found


if __name__ == "__main__":
    run(json.loads(sys.argv[1]), drawing)
