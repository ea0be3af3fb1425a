"""Builds a page in idle moments, a step at a time, before it is first shown."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any, TypeAlias

from PySide6 import QtWidgets
from PySide6.QtCore import QObject, QRect
from PySide6.QtWidgets import QWidget

from studio.errors import StudioError
from studio.system import memory
from studio.ui.widgets.page import Page, timer

START = 150  # milliseconds that the window has for itself first
AGAIN = 5  # milliseconds between two looks whether what is waited for has come
KINDS = (
    "QCalendarWidget", "QColorDialog", "QDateEdit", "QDialogButtonBox", "QDockWidget", "QFontComboBox", "QFontDialog",
    "QGraphicsView", "QHeaderView", "QLCDNumber", "QMdiArea", "QMdiSubWindow", "QRhiWidget", "QRubberBand", "QTabBar",
    "QTabWidget", "QTextBrowser", "QWizard",
)  # fmt: skip

BuildSteps: TypeAlias = Generator[Future[Any] | None, bool, None]
"""Work that is done a few milliseconds at a time. What it yields is to be waited for where there is time; the work goes
on without it where there is none. It is told at each step whether it is wanted now, and leaves out what it can then.
"""
PageBuild: TypeAlias = Generator[Future[Any] | None, bool, Page]
"""The same, with a page as its outcome."""


def touch_widget_types() -> BuildSteps:
    """PySide creates wrapper types lazily; touch the slow ones one at a time so that the first page switch does not pay
    for all of them.
    """
    for name in KINDS:
        if (yield):
            return
        getattr(QtWidgets, name)


def lay_out(widget: QWidget) -> None:
    """Give a widget that is not shown yet its looks and its places, as the first showing would."""
    widget.grab(QRect(0, 0, 1, 1))


class PagePreloader(QObject):
    """Begins by itself. What cannot be made ahead is tried again when it is asked for, and its error raised there."""

    def __init__(self, making: Callable[[], PageBuild], parent: QObject) -> None:
        super().__init__(parent)
        self._begin = making
        self._making: PageBuild | None = None
        self._awaited: Future[Any] | None = None
        self._page: Page | None = None
        self._next = timer(self, self._go_on)
        self._next.start(START)

    @property
    def ready(self) -> bool:
        """Whether the page is there."""
        return self._page is not None

    def page(self) -> Page:
        """The page; what is still to be made of it is made at once."""
        self._next.stop()
        while self._page is None:
            self._piece(hurry=True)
        return self._page

    def stop(self) -> None:
        """The window closes: nothing is made any more."""
        self._next.stop()
        self._making = None

    def _go_on(self) -> None:
        if self._awaited is not None and not self._awaited.done():
            self._next.start(AGAIN)
            return
        try:
            self._piece(hurry=False)
        except StudioError:
            return
        if self._page is None:
            self._next.start(0)  # after all that waits to be done by then
        else:
            memory.return_freed()  # 2 MB of the start

    def _piece(self, *, hurry: bool) -> None:
        making, self._making = self._making, None  # one that fails is started again
        try:
            if making is None:
                making = self._begin()
                self._awaited = next(making)
            else:
                self._awaited = making.send(hurry)
            self._making = making
        except StopIteration as ended:
            self._page = ended.value
