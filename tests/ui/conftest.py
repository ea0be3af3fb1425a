"""A real window on a studio with a real library and a scripted engine, and the ways a person uses it."""

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

WAIT = 15.0  # seconds that anything may take


TURNS = 3  # of the loop without anything to do
SOON = 500  # milliseconds: a longer delay is no part of what a person waits for

background = weakref.WeakSet[BackgroundTasks]()
"""All that work in other threads: a QObject is not always below the window."""


def _remember(self: BackgroundTasks, asker: QObject, begin: Any = BackgroundTasks.__init__) -> None:
    begin(self, asker)
    background.add(self)


BackgroundTasks.__init__ = _remember


def _unsettled() -> bool:
    """Whether something is on its way: an answer, a delay, an animation, or news of a job."""
    # Who asked may be gone with its widget; then no answer comes.
    if any(isValid(tasks) and tasks.busy for tasks in background):
        return True
    for top in QApplication.topLevelWidgets():
        if _delays(top):
            return True
        if any(_ends(each) for each in top.findChildren(QAbstractAnimation)):
            return True
    return False


def _ends(animation: QAbstractAnimation) -> bool:
    """Whether it runs and will end: a bar that says only that something is done moves for ever."""
    return animation.state() == QAbstractAnimation.State.Running and animation.totalDuration() >= 0


def _delays(top: QWidget) -> list[QTimer]:
    """What is put off for a moment; what is built ahead while the window has nothing else to do is nobody's wait."""
    timers = [each for each in top.findChildren(QTimer) if each.isActive() and each.isSingleShot()]
    return [each for each in timers if each.interval() <= SOON and not isinstance(each.parent(), PagePreloader)]


def _questions() -> list[Future[None]]:
    """One to each thread that reads the library: once it is answered, all that were asked before are."""
    loaders = [each for top in QApplication.topLevelWidgets() for each in top.findChildren(ThumbnailLoader)]
    return [question for each in loaders if (question := each.submit(lambda: None)) is not None]


class Loop(QEventLoop):
    """Nothing is done once what was waited for is there. Qt's events of one more turn would be handled outside the
    loop, where no job can be awaited: a live one that was asked for in that very moment failed."""

    def run_until_complete(self, future: Coroutine[Any, Any, Any]) -> Any:
        waiting = asyncio.ensure_future(future, loop=self)
        waiting.add_done_callback(lambda _: self.stop())
        self.run_forever()
        return waiting.result()


class Room:
    """The theme and the loop, for widgets by themselves, which need no window."""

    def __init__(self, loop: QEventLoop) -> None:
        self.loop = loop

    def until(self, condition: Callable[[], object], seconds: float = WAIT) -> None:
        """Let the window live until something is true."""

        async def wait() -> None:
            deadline = time.monotonic() + seconds
            while not condition():
                assert time.monotonic() < deadline, "it never came"
                await asyncio.sleep(0.01)

        self.loop.run_until_complete(wait())

    def settle(self) -> None:
        """Let the window live until nothing is left to happen: no work in other threads, no delay that ends soon, no
        animation, no event. Then what has not happened does not happen."""
        quiet, asked = 0, _questions()

        def settled() -> bool:
            nonlocal quiet, asked
            if _unsettled():
                quiet, asked = 0, _questions()
            elif all(question.done() for question in asked):
                quiet += 1
            return quiet > TURNS

        self.until(settled)


class Desk(Room):
    """The window as a test uses it: find, click, wait."""

    def __init__(self, home: Path, loop: QEventLoop, *, first: bool = False, studio: Studio | None = None) -> None:
        """`first` is the very first start, which begins with a welcome; without a studio, one with fake engines."""
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
        """The visible widget of that name on the page that is shown, or else anywhere in the window."""
        page = self.window.pages.currentWidget()
        found = [each for each in [*page.findChildren(kind, name), *self.window.findChildren(kind, name)]]
        seen = [each for each in found if each.isVisible()]
        assert seen, f"no {name} to be seen"
        return seen[0]

    def click(self, name: str) -> None:
        """Press a button as a person does."""
        widget = self.find(name)
        assert isinstance(widget, QAbstractButton)
        assert widget.isEnabled(), f"{name} cannot be pressed"

        async def press() -> None:
            QTest.mouseClick(widget, Qt.MouseButton.LeftButton)

        self.loop.run_until_complete(press())

    def act(self, name: str) -> None:
        """Choose an action of the menu bar."""

        async def choose() -> None:
            self.window.menu_actions[name].trigger()

        self.loop.run_until_complete(choose())

    def panel(self, name: str) -> Panel:
        found = self.window.panel(name)
        assert found is not None
        return found

    def idle(self) -> None:
        """Wait until all jobs have ended and the window has heard of it."""
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
    """Collections look at what the test itself made: where other tests have loaded torch, the rest takes a third of a
    second each time, hundreds of times."""
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
    # Without a screen Qt frees what was copied after Python has gone, and what Python had made of it with it: a crash.
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
    """Where a widget can stand by itself; an error that reaches nobody fails the test."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    if app.findChild(Theme) is None:
        Theme(app)
    with no_unexpected_errors(loop):
        yield Room(loop)
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture
def desk(home: Path, loop: QEventLoop) -> Iterator[Desk]:
    """A window on a fresh studio; an error that reaches nobody fails the test."""
    with no_unexpected_errors(loop):
        made = Desk(home, loop)
        yield made
        made.close()
