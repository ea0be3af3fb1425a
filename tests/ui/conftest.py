"""Fixtures of the window's tests: a real window on a studio with a real library and the fake engine."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QAbstractAnimation, QCoreApplication, QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget
from qasync import QEventLoop
from shiboken6 import isValid

from studio.studio import Studio
from studio.ui.app import application, error_hooks
from studio.ui.background import BackgroundTasks
from studio.ui.library.thumbnails import ThumbnailLoader
from studio.ui.panel.panel import Panel
from studio.ui.preload import PagePreloader
from studio.ui.shell.window import MainWindow
from studio.ui.widgets.theme import Theme
from tests.studios import fake_studio

WAIT = 15.0  # seconds after which a wait fails
MOMENT = 0.01  # seconds between two looks at what is waited for
TURNS = 3  # turns of the loop with nothing to do, after which the window has settled
TURN = 0.002  # seconds of such a turn
SOON = 500  # milliseconds; `settle` does not wait for timers with a longer interval

background = weakref.WeakSet[BackgroundTasks]()
"""All that run work in threads; not all of them are children of the window."""


def _remember(self: BackgroundTasks, asker: QObject, begin: Any = BackgroundTasks.__init__) -> None:
    begin(self, asker)
    background.add(self)


BackgroundTasks.__init__ = _remember


def _roots() -> list[QWidget]:
    """The windows that belong to no other, in which all others are found."""
    return [top for top in QApplication.topLevelWidgets() if top.parent() is None]


def _still_to_come() -> float | None:
    """The seconds after which to look again, while an answer, a timer or an animation is still to come; else None."""
    # Where the asker is gone, no answer comes.
    if any(isValid(tasks) and tasks.busy for tasks in background):
        return MOMENT
    for top in _roots():
        if delays := _delays(top):
            return max(MOMENT, min(each.remainingTime() for each in delays) / 1000)
        if any(_ends(each) for each in top.findChildren(QAbstractAnimation)):
            return MOMENT
    return None


def _ends(animation: QAbstractAnimation) -> bool:
    """Whether it runs and will end; the bar of a progress without an end does not."""
    return animation.state() == QAbstractAnimation.State.Running and animation.totalDuration() >= 0


def _delays(top: QWidget) -> list[QTimer]:
    """Single-shot timers that fire soon, except those that build pages in idle moments."""
    timers = [each for each in top.findChildren(QTimer) if each.isActive() and each.isSingleShot()]
    return [each for each in timers if each.interval() <= SOON and not isinstance(each.parent(), PagePreloader)]


def _thumbnail_tasks() -> list[Future[None]]:
    """An empty task for each thread that reads the library; once it is done, so are those before it."""
    loaders = [each for top in _roots() for each in top.findChildren(ThumbnailLoader)]
    return [task for each in loaders if (task := each.submit(lambda: None)) is not None]


class Loop(QEventLoop):
    """Stops as soon as the awaited result is there. Otherwise one more turn of Qt's events would be handled outside the
    loop, where a job that is submitted in it cannot be awaited."""

    def run_until_complete(self, future: Coroutine[Any, Any, Any]) -> Any:
        waiting = asyncio.ensure_future(future, loop=self)
        waiting.add_done_callback(lambda _: self.stop())
        self.run_forever()
        return waiting.result()


class Room:
    """The theme and the loop, for tests of widgets without a window."""

    def __init__(self, loop: QEventLoop) -> None:
        self.loop = loop

    def until(self, condition: Callable[[], object], seconds: float = WAIT) -> None:
        """Run the loop until the condition is true."""

        async def wait() -> None:
            deadline = time.monotonic() + seconds
            while not condition():
                assert time.monotonic() < deadline, "the condition stayed false"
                await asyncio.sleep(MOMENT)

        self.loop.run_until_complete(wait())

    def settle(self) -> None:
        """Run the loop until there is no work in other threads, no timer that fires soon, no animation and no event.
        What has not happened then does not happen."""

        async def wait() -> None:
            deadline = time.monotonic() + WAIT
            turns: int = 0
            tasks: list[Future[None]] | None = None
            while turns <= TURNS:
                assert time.monotonic() < deadline, "the window did not settle"
                pause = _still_to_come()
                if pause is not None:
                    turns, tasks = 0, None
                elif tasks is None:
                    tasks = _thumbnail_tasks()
                elif all(task.done() for task in tasks):
                    turns += 1
                await asyncio.sleep(pause or TURN)

        self.loop.run_until_complete(wait())


class Desk(Room):
    """Drives the window in a test: find, click, wait."""

    def __init__(self, home: Path, loop: QEventLoop, *, first: bool = False, studio: Studio | None = None) -> None:
        """`first`: the first start ever, with the welcome. Without a `studio`, one with fake engines is made."""
        super().__init__(loop)
        self.home = home
        if not first and not (home / "state").exists():
            (home / "state").mkdir(parents=True)
            (home / "state" / "window.json").write_text("{}", encoding="utf-8")
        self.studio: Studio = studio or fake_studio(home)
        application([], self.studio)
        self.window = MainWindow(self.studio)
        self.window.show()
        self.window.activateWindow()
        QTest.qWaitForWindowActive(self.window)
        self.open = True

    def find(self, name: str, kind: type[QWidget] = QWidget) -> QWidget:
        """The visible widget of that name on the current page, or else anywhere in the window."""
        page = self.window.pages.currentWidget()
        assert page is not None
        found = [*page.findChildren(kind, name), *self.window.findChildren(kind, name)]
        visible = [each for each in found if each.isVisible()]
        assert visible, f"there is no visible {name}"
        return visible[0]

    def click(self, name: str) -> None:
        """Click a button with the mouse."""
        widget = self.find(name)
        assert isinstance(widget, QAbstractButton)
        assert widget.isEnabled(), f"{name} is disabled"

        async def press() -> None:
            QTest.mouseClick(widget, Qt.MouseButton.LeftButton)

        self.loop.run_until_complete(press())

    def act(self, name: str) -> None:
        """Trigger an action of the menu bar."""

        async def choose() -> None:
            self.window.menu_actions[name].trigger()

        self.loop.run_until_complete(choose())

    def panel(self, name: str) -> Panel:
        found = self.window.panel(name)
        assert found is not None
        return found

    def idle(self) -> None:
        """Wait until all jobs have ended and the window has settled."""
        self.until(lambda: not [job for job in self.studio.queue.jobs() if job.state in ("queued", "running")])
        self.settle()

    def close(self) -> None:
        if self.open:
            self.open = False
            self.window.close()
            self.settle()
            # Widgets of pages that were not finished: engines collect garbage in their threads, where Qt would crash.
            gc.collect()
            self.studio.close()
            self.window.deleteLater()
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture(autouse=True)
def own_heap() -> Iterator[None]:
    """Garbage collection looks only at what the test itself made: after tests that load torch, the rest would take a
    third of a second each time."""
    gc.freeze()
    yield
    gc.collect()
    gc.unfreeze()


@pytest.fixture
def loop() -> Iterator[QEventLoop]:
    app = QApplication.instance() or QApplication(["studio"])
    QApplication.setQuitOnLastWindowClosed(False)  # a test goes on after its window
    loop = Loop(app)
    asyncio.set_event_loop(loop)
    yield loop
    # Without a screen Qt frees the clipboard after the interpreter has ended, which crashes.
    QGuiApplication.clipboard().clear()
    asyncio.set_event_loop(None)
    loop.close()


@contextmanager
def no_unexpected_errors(loop: QEventLoop) -> Iterator[None]:
    """Fails at its end for an error that nothing in the window has handled."""
    caught: list[BaseException] = []
    with error_hooks(loop) as reporter:
        reporter.report = lambda error: caught.append(error)
        yield
    gc.collect()
    assert not caught, f"unexpected: {caught!r}"


@pytest.fixture
def room(loop: QEventLoop) -> Iterator[Room]:
    """For widgets without a window; an unhandled error fails the test."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    look = app.findChild(Theme) or Theme(app)
    app.setStyleSheet(look.style_sheet)  # which otherwise comes with the window
    with no_unexpected_errors(loop):
        yield Room(loop)
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    app.setStyleSheet("")


@pytest.fixture
def desk(home: Path, loop: QEventLoop) -> Iterator[Desk]:
    """A window on a new studio; an unhandled error fails the test."""
    with no_unexpected_errors(loop):
        made = Desk(home, loop)
        yield made
        made.close()
