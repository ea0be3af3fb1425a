"""Work aside from the window's thread: answered in that thread, never to an asker that is gone; errands are ended."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QWidget

from studio.errors import BadInput
from studio.ui.background import BackgroundTasks, LatestOnly, SerialTasks
from tests.ui.conftest import Room

KINDS = (BackgroundTasks, LatestOnly, SerialTasks)


def nobody(told: object) -> None:
    raise AssertionError(f"nobody waits for {told!r}")


def settled(room: Room) -> None:
    """Let all that works aside end, and its answers arrive."""
    for thread in threading.enumerate():
        if thread.name == "aside":
            thread.join(10)
    room.settle()


@pytest.mark.parametrize("kind", KINDS)
def test_answers_and_failures_come_in_the_windows_thread(kind: type[BackgroundTasks], room: Room) -> None:
    owner, told = QWidget(), list[tuple[object, bool]]()

    def tell(what: object) -> None:
        told.append((what, threading.current_thread() is threading.main_thread()))

    def fail() -> int:
        raise BadInput("It is no picture.")

    aside = kind(owner)
    aside.run(lambda: threading.current_thread() is threading.main_thread(), tell, nobody)
    room.until(lambda: told)
    aside.run(fail, tell, lambda error: tell(str(error)))
    room.until(lambda: len(told) == 2)
    assert told == [(False, True), ("It is no picture.", True)]
    assert not aside.busy
    aside.close()
    owner.deleteLater()


@pytest.mark.parametrize("kind", KINDS)
def test_errors_that_nobody_takes_surface(
    kind: type[BackgroundTasks], room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    surfaced: list[type[BaseException]] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, *_: surfaced.append(kind))
    owner = QWidget()
    aside = kind(owner)
    aside.run(lambda: 1 // 0, nobody, nobody)
    room.until(lambda: surfaced)
    aside.run(lambda: [][0], nobody)
    room.until(lambda: len(surfaced) == 2)
    assert surfaced == [ZeroDivisionError, IndexError]
    aside.close()
    owner.deleteLater()


@pytest.mark.parametrize("kind", [BackgroundTasks, LatestOnly])
def test_what_is_dropped_and_what_comes_too_late_is_not_told(kind: type[BackgroundTasks], room: Room) -> None:
    told: list[int] = []
    owner = QWidget()
    dropped, closed = kind(owner), kind(owner)
    dropped.run(lambda: 1, told.append)
    dropped.discard()
    closed.run(lambda: 2, told.append)
    closed.close()
    closed.run(lambda: 3, told.append)
    gate = threading.Event()
    gone = QWidget()
    late = kind(gone)
    late.run(lambda: gate.wait(5) and 4, told.append)
    del late
    gone.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    del gone
    gate.set()
    settled(room)
    assert told == []
    owner.deleteLater()


def test_one_that_hangs_holds_up_no_other(room: Room) -> None:
    owner, told = QWidget(), list[object]()
    aside = BackgroundTasks(owner)
    gate = threading.Event()
    aside.run(lambda: gate.wait(10), told.append)
    aside.run(lambda: "quick", told.append)
    room.until(lambda: told)
    assert told == ["quick"]
    gate.set()
    settled(room)
    assert told == ["quick", True]
    owner.deleteLater()


def test_only_the_newest_is_told_and_the_overtaken_never_begun(room: Room) -> None:
    owner, told, begun = QWidget(), list[int](), list[int]()
    newest = LatestOnly(owner)
    gate = threading.Event()

    def work(number: int) -> Callable[[], int]:
        def run() -> int:
            begun.append(number)
            assert gate.wait(10)
            return number

        return run

    for number in (1, 2, 3):
        newest.run(work(number), told.append)
    gate.set()
    room.until(lambda: told)
    settled(room)
    assert (told, begun) == ([3], [1, 3])
    assert not newest.busy
    newest.run(work(4), told.append)
    room.until(lambda: told == [3, 4])
    owner.deleteLater()


def test_errands_go_in_order_and_closing_waits_for_the_one_at_work(room: Room) -> None:
    owner, told, done = QWidget(), list[int](), list[int]()
    errands = SerialTasks(owner)
    begun = threading.Event()

    def write(number: int) -> Callable[[], int]:
        def run() -> int:
            begun.set()
            if number == 2:
                assert errands.stopping.wait(10)
            done.append(number)
            return number

        return run

    errands.run(write(1), told.append)
    room.until(lambda: told)
    begun.clear()
    for number in (2, 3):
        errands.run(write(number), told.append)
    assert begun.wait(10)
    errands.close()
    room.settle()
    assert done == [1, 2]  # the second to its end, the third never begun
    assert told == [1]
    owner.deleteLater()
