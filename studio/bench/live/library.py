"""Measures the library page from inside its process: first thumbnails, and frames while scrolling.

Run by the bench `scrolling` as a child; it loads Qt, and must load nothing that its window does not.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from PIL import Image
from PySide6.QtWidgets import QApplication

from studio.bench import library as shelf
from studio.bench.live.window import run
from studio.system.paths import AppPaths
from studio.ui.library.page import LibraryPage
from studio.ui.shell.window import MainWindow

SIZE = (1280, 800)
FRAME = 1 / 60
JUMPS = 12
STEP = 24  # pixels from frame to frame, as a wheel scrolls
PATIENCE = 60.0
DRAWN = 24  # different pictures; every work shows one of them


async def opening(window: MainWindow) -> float:
    """Seconds from asking for the page, never shown before, until every tile to be seen is painted with its picture."""
    start = time.perf_counter()
    page = window.open("library")
    assert isinstance(page, LibraryPage)
    await painted(page, start)
    return time.perf_counter() - start


async def painted(page: LibraryPage, start: float) -> None:
    """Wait until all that can be seen of the grid is painted with its pictures."""
    grid = page.grid
    while True:
        await asyncio.sleep(0.001)
        if _read(page):
            grid.viewport().repaint()
            if not grid.delegate.unfinished:
                return
        if time.perf_counter() - start > PATIENCE:
            raise TimeoutError("The thumbnails never came.")


def _read(page: LibraryPage) -> bool:
    """Whether the records and pictures of all that can be seen of the grid are there."""
    works = page.grid.works
    shown = [works.loaded(row) for row in page.grid.visible_rows]
    return bool(shown) and all(asset is not None and works.thumbnails.get(asset) is not None for asset in shown)


async def scrolling(page: LibraryPage, seconds: float, step: int) -> list[float]:
    """What each frame took in the window's thread, in seconds, whatever else the machine did meanwhile."""
    bar = page.grid.verticalScrollBar()
    took: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        bar.setValue((bar.value() + step) % max(1, bar.maximum()))
        QApplication.processEvents()
        took.append(time.perf_counter() - start)
        await asyncio.sleep(max(0.0, FRAME - took[-1]))
    return took


async def landing(page: LibraryPage, times: int) -> list[float]:
    """Seconds from one jump of the scroll bar, to where nobody has looked, until all that is seen there is painted."""
    bar = page.grid.verticalScrollBar()
    took: list[float] = []
    for at in range(times):
        start = time.perf_counter()
        bar.setValue(bar.maximum() * (2 * at + 1) // (2 * times))
        await painted(page, start)
        took.append(time.perf_counter() - start)
    return took


async def measured(window: MainWindow, told: dict[str, Any]) -> dict[str, Any]:
    window.resize(*SIZE)
    window.show()
    panel = window.panel(told["medium"])
    assert panel is not None
    await asyncio.sleep(0.5)
    gc.freeze()
    first = await opening(window)
    page = window.open("library")
    assert isinstance(page, LibraryPage)
    landed = await landing(page, JUMPS)
    idle = await scrolling(page, told["seconds"], STEP)
    jump = await scrolling(page, told["seconds"], page.grid.verticalScrollBar().maximum() // 97 + 1)
    job = window.studio.submit(panel.form.value())
    frames: list[float] = []
    while len(frames) < told["seconds"] * 60 or job.state in ("queued", "running"):
        frames += await scrolling(page, 0.5, STEP)
        if job.state not in ("queued", "running") and len(frames) < told["seconds"] * 60:
            job = window.studio.submit(panel.form.value())
    return {"first": first, "landed": landed, "idle": idle, "jump": jump, "busy": frames, "state": job.state}


def fill(folder: Path, works: int) -> None:
    """A library of pictures: each work with a sidecar and a thumbnail of its own, as files that share their bytes."""
    shelf.fill(folder, works)
    stock = folder / "stock"
    stock.mkdir()
    for at in range(DRAWN):
        image = Image.radial_gradient("L").resize((171, 256)).rotate(at * 15)
        Image.merge("RGB", (image, image.transpose(Image.Transpose.ROTATE_180), image)).save(stock / f"{at}.webp")
    for at, path in enumerate(sorted((folder / "works").glob("*/*.md"))):
        thumbnail = folder / "thumbnails" / path.parent.name / f"{path.stem}.webp"
        thumbnail.parent.mkdir(parents=True, exist_ok=True)
        os.link(stock / f"{at % DRAWN}.webp", thumbnail)


if __name__ == "__main__":
    argument = json.loads(sys.argv[1])
    fill(AppPaths.for_user().library, argument["works"])
    run(argument, measured, lambda studio: studio.library.rebuild())
