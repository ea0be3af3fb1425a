"""The queue as a person handles it: order by drag, the whole error, a notice on the desktop, a machine kept awake."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QLabel
from qasync import QEventLoop

from studio.backends import medium
from studio.backends.avatar.requests import AvatarProjectRequest
from studio.system.keep_awake import KeepAwake
from studio.ui.shell import notifications
from studio.ui.shell import queue as queue_panel
from studio.ui.shell.crash_dialog import CrashDialog
from studio.ui.shell.queue import QueueRow
from tests.fakes import BAD_INPUT, SLOW, UNEXPECTED
from tests.ui.avatar_actions import inside
from tests.ui.conftest import Desk
from tests.ui.test_panels import keep_seed


def fill(desk: Desk, seeds: tuple[int, ...]) -> None:
    desk.studio.queue.pause(True)
    for seed in seeds:
        keep_seed(desk, "poster", seed)
        desk.click("generate")
    desk.click("stripQueue")
    desk.until(lambda: len(desk.window.queue.rows()) == len(seeds))
    desk.settle()


def seeds(desk: Desk) -> list[int]:
    return [row.job.request.seed for row in desk.window.queue.rows()]


def drag(desk: Desk, row: QueueRow, to: QueueRow, *, below: bool) -> None:
    """Take a row by its middle and move it over another."""
    start = row.rect().center()
    end = to.y() + (to.height() - 2 if below else 2)
    QTest.mousePress(row, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(row, QPoint(start.x(), end - row.y()))
    QTest.mouseRelease(row, Qt.MouseButton.LeftButton, pos=start)
    desk.settle()


def test_a_waiting_job_is_dragged_to_another_place(desk: Desk) -> None:
    fill(desk, (1, 2, 3, 4))
    rows = desk.window.queue.rows()
    drag(desk, rows[3], rows[0], below=False)
    assert seeds(desk) == [4, 1, 2, 3]
    assert [job.request.seed for job in desk.studio.queue.jobs()] == [4, 1, 2, 3]
    rows = desk.window.queue.rows()
    drag(desk, rows[0], rows[2], below=True)
    assert [job.request.seed for job in desk.studio.queue.jobs()] == [1, 2, 4, 3]
    desk.studio.queue.pause(False)
    desk.idle()


def test_news_while_dragging_does_not_pull_the_row_away(desk: Desk) -> None:
    fill(desk, (1, 2, 3))
    queue = desk.window.queue
    row = queue.rows()[2]
    QTest.mousePress(row, Qt.MouseButton.LeftButton, pos=row.rect().center())
    QTest.mouseMove(row, QPoint(20, -2 * row.height()))
    assert seeds(desk) != [1, 2, 3]
    held = seeds(desk)
    queue.refresh()
    assert seeds(desk) == held
    QTest.mouseRelease(row, Qt.MouseButton.LeftButton)
    assert [job.request.seed for job in desk.studio.queue.jobs()] == held


def generate_four(desk: Desk, seed: int) -> None:
    keep_seed(desk, "poster", seed)
    count = desk.panel("poster").count
    count.setCurrentIndex(count.findData(4))
    desk.click("generate")


def test_candidates_are_one_row_and_stay_so_after_a_restart(desk: Desk, loop: QEventLoop) -> None:
    desk.studio.queue.pause(True)
    generate_four(desk, 7)
    desk.click("stripQueue")
    (row,) = desk.window.queue.rows()
    assert row.state.full_text() == "4 waiting"
    desk.until(lambda: desk.window.job_strip.queue.text() == "4 waiting")
    desk.window.open("avatar")  # a page that is restored is built before the loop runs, and awaits nothing
    desk.close()
    again = Desk(desk.home, loop)
    try:
        inside(again, lambda: again.window.open("poster"))
        panel = again.panel("poster")
        again.click("stripQueue")
        (row,) = again.window.queue.rows()
        assert row.state.full_text() == "4 waiting"
        again.studio.queue.pause(False)
        again.until(lambda: panel.stage_area.candidates.done == 4)
        again.until(lambda: row.state.full_text().startswith("4 done in "))
        assert panel.stage_area.candidates.isVisible()
        assert row.show_it.isVisible()
        assert not row.bar.isVisible()
    finally:
        again.close()


def test_a_search_that_waited_over_a_restart_fills_in_its_page(desk: Desk, loop: QEventLoop) -> None:
    desk.studio.queue.pause(True)
    desk.studio.submit(AvatarProjectRequest(seed=31))
    desk.studio.submit(AvatarProjectRequest(seed=32))
    desk.window.open("poster")
    desk.close()
    again = Desk(desk.home, loop)
    try:
        first, second = reversed([job for job in again.studio.queue.jobs() if job.state == "queued"])
        inside(again, lambda: again.window.open("avatar"))
        again.studio.queue.pause(False)
        again.until(lambda: (first.state, second.state) == ("done", "done"))
        form = again.panel("avatar").form
        again.until(lambda: (getattr(form.value(), "name", ""), form.value().seed) == ("Found", 32))
    finally:
        again.close()


def test_what_ended_before_its_page_was_opened_is_shown_there(desk: Desk) -> None:
    job = desk.studio.submit(AvatarProjectRequest(seed=33))
    failed = desk.studio.submit(medium("story").default_task.request(seed=BAD_INPUT))
    desk.until(lambda: job.state == "done" and failed.state == "failed")
    inside(desk, lambda: desk.window.open("avatar"))
    form = desk.panel("avatar").form
    desk.until(lambda: form.value().seed == 33)
    inside(desk, lambda: desk.window.open("story"))
    desk.until(lambda: "moon cannot be painted" in desk.panel("story").error.message())


def test_nothing_is_called_by_its_seed_and_waiting_is_not_ready(desk: Desk) -> None:
    keep_seed(desk, "avatar", SLOW)
    desk.click("generate")
    desk.until(lambda: any(job.state == "running" for job in desk.studio.queue.jobs()))
    desk.act("queue")
    assert [row.name.full_text() for row in desk.window.queue.rows()] == ["Avatar"]
    desk.click("cancel")
    desk.idle()
    strip = desk.window.job_strip
    assert strip.words.full_text() == strip._at_rest(0) == "Ready"
    assert strip._at_rest(1) == "1 item is waiting"


def test_a_row_of_candidates_counts_and_is_cancelled_as_one(desk: Desk) -> None:
    generate_four(desk, SLOW)
    queue = desk.window.queue
    desk.click("stripQueue")
    desk.until(lambda: len(queue.rows()) == 1 and queue.rows()[0].state.full_text() == "1 of 4, making 24 of 24")
    (row,) = queue.rows()
    assert (row.bar.value(), row.bar.maximum()) == (1000, 4000)
    desk.until(lambda: desk.window.job_strip.words.full_text() == "Poster · 1 of 4, making 24 of 24")
    row.cancel.click()
    desk.idle()
    desk.until(lambda: row.state.full_text() == "0 of 4 done, then cancelled")
    assert [job.state for job in desk.studio.queue.jobs()] == ["cancelled"] * 4
    assert row.retry.isVisible()


def test_a_group_unfolds_by_keyboard_to_its_jobs_with_their_own_states(desk: Desk) -> None:
    generate_four(desk, SLOW)
    queue = desk.window.queue
    desk.click("stripQueue")
    desk.until(lambda: len(queue.rows()) == 1 and queue.rows()[0].state.full_text() == "1 of 4, making 24 of 24")
    (row,) = queue.rows()
    assert row.members == []
    assert row.unfold.accessibleName() == "Show items"
    height = queue.height()
    row.unfold.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(row.unfold, Qt.Key.Key_Space)
    assert [member.name.full_text()[:3] for member in row.members] == ["1. ", "2. ", "3. ", "4. "]
    assert [member.state.full_text() for member in row.members] == ["Making 24 of 24", *["Waiting"] * 3]
    assert all(member.isVisible() and member.cancel.isVisible() for member in row.members)
    assert not any(member.unfold.isVisible() or member.up.isVisible() for member in row.members)
    assert row.unfold.accessibleName() == "Hide items"
    assert queue.height() > height
    row.members[2].cancel.click()
    desk.until(lambda: row.members[2].state.full_text() == "Cancelled")
    assert [member.job.state for member in row.members] == ["running", "queued", "cancelled", "queued"]
    assert row.bar.maximum() == 4000, "one progress for all"
    assert queue.rows() == [row]
    QTest.keyClick(row.unfold, Qt.Key.Key_Space)
    assert not any(member.isVisible() for member in row.members)
    assert desk.window.focusWidget() is row.unfold
    row.cancel.click()
    desk.idle()


def test_a_job_on_its_own_does_not_unfold(desk: Desk) -> None:
    fill(desk, (1, 2))
    assert not any(row.unfold.isVisible() for row in desk.window.queue.rows())


def test_a_large_group_unfolds_to_its_first_jobs(desk: Desk) -> None:
    desk.studio.queue.pause(True)
    make = medium("poster").default_task.request
    desk.studio.submit_group([make(seed=seed) for seed in range(queue_panel.MEMBERS_SHOWN + 3)], "batch")
    desk.click("stripQueue")
    desk.until(lambda: len(desk.window.queue.rows()) == 1)
    (row,) = desk.window.queue.rows()
    row.unfold.click()
    assert len(row.members) == queue_panel.MEMBERS_SHOWN
    assert "and 3 more" in [shown.text() for shown in row.findChildren(QLabel)]


def test_the_whole_error_is_shown(desk: Desk) -> None:
    fill(desk, (BAD_INPUT, UNEXPECTED))
    desk.studio.queue.pause(False)
    desk.idle()
    rows = {row.job.request.seed: row for row in desk.window.queue.rows()}
    assert rows[BAD_INPUT].why.text() == "The moon cannot be painted. Ask for the sun."
    assert not rows[BAD_INPUT].report.isVisible()
    rows[UNEXPECTED].report.click()
    dialog = desk.window.findChild(QDialog, "unexpected")
    assert isinstance(dialog, CrashDialog)
    assert "ZeroDivisionError: nobody expected this" in dialog.report.toPlainText()
    dialog.accept()


def test_a_long_job_ends_with_a_desktop_notification(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, str]] = []
    desk.window.notifications._notify = lambda *words: shown.append(words)
    front = [True]
    monkeypatch.setattr(desk.window, "isActiveWindow", lambda: front[0])
    monkeypatch.setattr(notifications, "LONG", 0.0)
    monkeypatch.setattr(notifications, "TOGETHER", 0.0)
    for seed, active in ((5, True), (6, False), (BAD_INPUT, False)):
        front[0] = active
        keep_seed(desk, "poster", seed)
        desk.click("generate")
        desk.idle()
    assert [heading for heading, _ in shown] == ["Poster: ready", "Poster: failed"]
    assert shown[1][1] == "The moon cannot be painted."
    monkeypatch.setattr(notifications, "LONG", 20.0)
    keep_seed(desk, "poster", 8)
    desk.click("generate")
    desk.idle()
    assert len(shown) == 2


def test_the_machine_is_awake_while_something_runs_or_waits(desk: Desk) -> None:
    kept: list[bool] = []

    class Noted(KeepAwake):
        def set(self, on: bool) -> None:
            if on != self.on:
                kept.append(on)
            super().set(on)

    desk.window.notifications.awake = Noted([])
    fill(desk, (SLOW, 2))
    desk.window.notifications.update_keep_awake()
    assert kept == []  # held back: nothing will run tonight
    desk.studio.queue.pause(False)
    desk.until(lambda: kept == [True])
    slow = next(job for job in desk.studio.queue.jobs() if job.request.seed == SLOW)
    desk.until(lambda: slow.state == "running")
    desk.studio.queue.cancel(slow.id)
    desk.idle()
    desk.until(lambda: kept == [True, False])
