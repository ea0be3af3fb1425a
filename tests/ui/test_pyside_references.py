"""Qt calls that return nothing must not eat references: PySide6 6.12.0 did on Python 3.11, and windows died of it."""

from __future__ import annotations

import sys

import pytest
from PySide6.QtCore import QObject, Signal

CALLS = 2000


class Bell(QObject):
    rung = Signal(object)


def lost(singleton: object, before: int) -> int:
    return before - sys.getrefcount(singleton)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None and True are immortal here: their counts say nothing")
def test_void_calls_keep_none() -> None:
    bell = Bell()
    before = sys.getrefcount(None)
    for _ in range(CALLS):
        bell.setObjectName("bell")
    assert lost(None, before) < CALLS // 10


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None and True are immortal here: their counts say nothing")
def test_emits_keep_true_and_none() -> None:
    bell = Bell()
    heard: list[int] = []
    bell.rung.connect(heard.append)
    none, true = sys.getrefcount(None), sys.getrefcount(True)
    for i in range(CALLS):
        bell.rung.emit(i)
    assert len(heard) == CALLS
    assert lost(None, none) < CALLS // 10
    assert lost(True, true) < CALLS // 10
