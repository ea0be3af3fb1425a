"""Work beside the window's thread for one widget: the newest answer only, none to a widget that is gone."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QThreadPool
from PySide6.QtWidgets import QWidget

from studio.errors import BadInput
from studio.ui.stages.beside import Beside, or_why
from tests.ui.conftest import Room


def test_the_newest_answer_comes_in_the_windows_thread(room: Room) -> None:
    owner, told = QWidget(), list[tuple[int, bool]]()
    beside = Beside(owner)
    gate = threading.Event()
    beside.ask(lambda: gate.wait(5) and 1, lambda n: told.append((n, True)))
    beside.ask(lambda: 2, lambda n: told.append((n, threading.current_thread() is threading.main_thread())))
    gate.set()
    room.until(lambda: told)
    QThreadPool.globalInstance().waitForDone()
    room.breathe()
    assert told == [(2, True)]
    assert not beside.busy
    owner.deleteLater()


def test_what_is_dropped_and_what_comes_too_late_is_not_told(room: Room) -> None:
    told: list[int] = []
    owner = QWidget()
    beside = Beside(owner)
    beside.ask(lambda: 1, told.append)
    beside.drop()
    gate = threading.Event()
    gone = QWidget()
    late = Beside(gone)
    late.ask(lambda: gate.wait(5) and 2, told.append)
    del late
    gone.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    del gone
    gate.set()
    QThreadPool.globalInstance().waitForDone()
    room.breathe()
    assert told == []
    owner.deleteLater()


def test_errors_in_words_are_answers() -> None:
    def fail() -> int:
        raise BadInput("It is no picture.")

    assert or_why(lambda: 3) == 3
    found = or_why(fail)
    assert isinstance(found, BadInput)
    with pytest.raises(ZeroDivisionError):
        or_why(lambda: 1 // 0)
