"""Starts the window: QApplication, asyncio loop, theme, and the reporting of unexpected errors."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import linecache
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QLibraryInfo, QLocale, QObject, QTimer
from PySide6.QtWidgets import QApplication
from qasync import QEventLoop

from studio.system.log import redact
from studio.ui.shell import single_instance
from studio.ui.shell.crash_dialog import ErrorReporter
from studio.ui.widgets.theme import Theme

if TYPE_CHECKING:
    from studio.studio import Studio
    from studio.system.paths import AppPaths

COLLECT_INTERVAL = 500  # milliseconds


def check_libraries() -> None:
    """Raises ImportError where Qt would end the process for want of a library of the system that it needs on X11."""
    asked = os.environ.get("QT_QPA_PLATFORM", "" if os.environ.get("WAYLAND_DISPLAY") else "xcb")
    plugin = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath), "platforms", "libqxcb.so")
    if asked == "xcb" and plugin.exists():
        try:
            ctypes.CDLL(str(plugin))
        except OSError as error:
            raise ImportError(str(error)) from error


def run(studio: Studio, argv: list[str]) -> int:
    """Show the window until it is closed; closes the studio. Returns the exit status.

    Where a window on the same folders is open already, that one comes to the front instead.
    """
    app = application(argv, studio)
    name = single_instance.server_name(studio.paths.state)
    if single_instance.raise_other(name):
        studio.close()
        return 0
    loop = event_loop(app)
    with error_hooks(loop, studio.paths) as shown:
        from studio.ui.shell.window import MainWindow

        collector = GarbageCollector()
        window = MainWindow(studio)
        shown.set_window(window)
        answer = single_instance.InstanceServer(name, window)
        answer.raise_requested.connect(window.raise_window)
        window.show()
        gc.freeze()  # what lives as long as the program need not be looked at by every collection
        try:
            loop.run_forever()
            loop.run_until_complete(_settled(loop))
        finally:
            collector.close()
            answer.close()
            window.hide()
            studio.close()
            loop.close()
    return 0


class GarbageCollector(QObject):
    """Runs Python's cyclic garbage collection in the window's thread only, until `close`.

    Python runs it in whichever thread allocates, and widgets that are garbage would be destroyed there: Qt crashes.
    It also drops the lines of source that PySide has read: it looks into each module that is imported, and `linecache`
    keeps what it read there, 10 MB once all pages are made.
    """

    def __init__(self) -> None:
        super().__init__()
        gc.disable()
        linecache.clearcache()
        self._timer = QTimer(self)
        self._timer.setInterval(COLLECT_INTERVAL)
        self._timer.timeout.connect(self._collect)
        self._timer.start()

    def close(self) -> None:
        """Collect once more, then leave it to Python again."""
        self._timer.stop()
        gc.collect()
        gc.enable()

    def _collect(self) -> None:
        """Collect the oldest generation that is due, as Python would."""
        linecache.clearcache()
        due = [count > limit > 0 for count, limit in zip(gc.get_count(), gc.get_threshold(), strict=True)]
        if True in due:
            gc.collect(max(generation for generation, is_due in enumerate(due) if is_due))


def event_loop(app: QApplication) -> QEventLoop:
    """The asyncio loop inside Qt's, which is also the current one before it runs: jobs of the last session are awaited
    while the window is made."""
    loop = QEventLoop(app)
    asyncio.set_event_loop(loop)
    return loop


def application(argv: list[str], studio: Studio) -> QApplication:
    """The QApplication, in the look that the settings ask for."""
    found = QApplication.instance()
    app = found if isinstance(found, QApplication) else QApplication(argv[:1] or ["studio"])
    app.setApplicationName("aigc-studio")
    app.setApplicationDisplayName("AIGC Studio")
    app.setDesktopFileName("aigc-studio")
    if studio.settings.language != "system":
        QLocale.setDefault(QLocale(studio.settings.language))
    if app.findChild(Theme) is None:
        Theme(app, studio.settings.theme, studio.settings.text_size, studio.settings.reduced_motion)
    return app


async def _settled(loop: asyncio.AbstractEventLoop) -> None:
    """Give what was cancelled with the window the time to end."""
    others = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _anonymous(words: str, places: AppPaths | None) -> str:
    if places is None:
        return words
    from studio.support import diagnostics  # looks at much that a window without errors need not load

    return diagnostics.anonymous(words, places)


@contextlib.contextmanager
def error_hooks(loop: asyncio.AbstractEventLoop, places: AppPaths | None = None) -> Iterator[ErrorReporter]:
    """Bring every unexpected error of this process to one ErrorReporter while the window is open.

    What it shows of an error says nothing of prompts nor, given the `places`, of folders and names.
    """
    reporter = ErrorReporter(lambda words: _anonymous(redact(words), places))

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
        else:
            reporter.report(error.with_traceback(trace))

    def thread_hook(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            reporter.report(args.exc_value)

    def loop_hook(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        reporter.report(error if isinstance(error, BaseException) else RuntimeError(str(context.get("message"))))

    before: tuple[Callable[..., Any], Callable[..., Any]] = (sys.excepthook, threading.excepthook)
    sys.excepthook, threading.excepthook = hook, thread_hook
    loop.set_exception_handler(loop_hook)
    try:
        yield reporter
    finally:
        sys.excepthook, threading.excepthook = before
