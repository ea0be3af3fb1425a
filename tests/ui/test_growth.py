"""A month of use in fast motion: works upon works, and nothing that the window holds grows with them."""

from __future__ import annotations

import asyncio
import gc

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from studio.jobs.job import Job
from studio.ui.panel.panel import Panel
from studio.ui.panel.stage_area import CandidateBatch
from tests.ui.conftest import Desk
from tests.ui.test_panels import keep_seed

DAY = 8  # works made in one round


async def ask(panel: Panel, first: int) -> None:
    """Ask for a quarter of a day's works, as clicks do: inside the loop."""
    for number in range(DAY // 4):
        panel.submit(panel.form.value().replace(seed=first + 4 * number))


def day(desk: Desk, first: int) -> None:
    """Works of every kind, many at once, looked at, with turns of pages between them."""
    for at, page in enumerate(("avatar", "poster", "story", "music")):
        panel = desk.panel(page)
        keep_seed(desk, page, first + at)
        desk.loop.run_until_complete(ask(panel, first + at))
        desk.act("queue")
        desk.idle()
        desk.window.queue.refresh()
        desk.act("queue")
        if panel.asset is not None:
            desk.act("previous")
    desk.window.open("library")
    desk.act("light" if first % 2 else "dark")
    desk.settle()


def counted(desk: Desk) -> dict[str, int]:
    gc.collect()
    return {
        "objects of the window": len(desk.window.findChildren(QObject)),
        "widgets": len(QApplication.allWidgets()),
        "tasks": len(asyncio.all_tasks(desk.loop)),
    }


def test_a_month_leaves_no_more_behind_than_a_day(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.jobs.queue.ENDED_KEPT", DAY)
    for number in (1, 2):  # until what is kept on purpose, such as the last jobs, is full
        day(desk, 1000 * number)
    before = counted(desk)
    for number in (3, 4):
        day(desk, 1000 * number)
    after = counted(desk)
    assert desk.studio.library.count() == 4 * DAY
    assert {name: (before[name], after[name]) for name in before if after[name] > before[name]} == {}
    # Asked for their types: some of a library's objects answer a question for their class with a warning.
    assert sum(issubclass(type(each), Job | CandidateBatch) for each in gc.get_objects()) <= 3 * DAY  # of 64 ever made
    desk.act("system")
