"""Measures the models page from inside its process: opening it with many models, and filtering by one letter.

Run by the bench `models` as a child; it loads Qt, and must load nothing that its window does not.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from typing import Any

from studio.bench.live.window import run
from studio.bench.models import write_models
from studio.system.paths import AppPaths
from studio.ui.models.page import ModelsPage
from studio.ui.shell.window import MainWindow

SIZE = (1280, 800)


async def measured(window: MainWindow, told: dict[str, Any]) -> dict[str, Any]:
    """Seconds until the page is there and painted, the first time and again, and from a letter to what it leaves."""
    window.resize(*SIZE)
    window.show()
    await asyncio.sleep(0.5)
    gc.freeze()
    home, shown = window.names[0], 0
    window.open(home)
    await asyncio.sleep(0.5)
    taken: dict[str, list[float]] = {"first": [], "again": [], "letter": []}
    worked: dict[str, list[float]] = {"first": [], "again": [], "letter": []}
    for name in ("first", *["again"] * told["times"]):
        start, busy = time.perf_counter(), time.thread_time()
        page = window.open("models")
        await asyncio.sleep(0)
        window.repaint()
        taken[name].append(time.perf_counter() - start)
        worked[name].append(time.thread_time() - busy)
        await asyncio.sleep(0.3)
        assert isinstance(page, ModelsPage)
        shown = len(page.list.entries())
        window.open(home)
        await asyncio.sleep(0.05)
    page = window.open("models")
    assert isinstance(page, ModelsPage)
    left: set[int] = set()
    for turn in range(2 * told["times"]):
        start, busy = time.perf_counter(), time.thread_time()
        page.filters.search.setText("7" if turn % 2 == 0 else "")
        window.repaint()
        if turn % 2 == 0:
            taken["letter"].append(time.perf_counter() - start)
            worked["letter"].append(time.thread_time() - busy)
            left.add(len(page.list.entries()))
        await asyncio.sleep(0.05)
    return {"taken": taken, "worked": worked, "shown": shown, "left": max(left)}


if __name__ == "__main__":
    argument = json.loads(sys.argv[1])
    write_models(AppPaths.for_user().models, argument["models"])
    run(argument, measured)
