"""The way of a click or a drag through the studio's files: the calls that lead to its job, its work and its picture."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import studio
from studio.jobs.lane import Lane
from studio.jobs.worker import ThreadHost
from studio.library.library import Library
from studio.ui.stages.canvas import PictureCanvas

ROOT = f"{Path(studio.__file__).parent}/"
ENDS = {function.__code__ for function in (Lane.put, ThreadHost.run, Library.add, PictureCanvas.show_image)}
"""The job is queued; it is given to the engine, whose process is another; the work is saved; the picture is shown."""


class CallPath:
    """`files`: those whose functions were being called when one of the ENDS was, in any thread of the window's process,
    in their order. Threads are followed that start after it was made.
    """

    def __init__(self) -> None:
        self.files: list[str] = []
        self._on = False
        threading.setprofile(self._follow)

    @contextmanager
    def recorded(self) -> Iterator[None]:
        self._on = True
        sys.setprofile(self._follow)
        try:
            yield
        finally:
            sys.setprofile(None)
            self._on = False

    def close(self) -> None:
        threading.setprofile(None)

    def _follow(self, frame: FrameType, event: str, _argument: object) -> None:
        if not self._on or event != "call" or frame.f_code not in ENDS:
            return
        calls: list[str] = []
        caller: FrameType | None = frame
        while caller is not None:
            calls.append(caller.f_code.co_filename)
            caller = caller.f_back
        for name in reversed(calls):
            if name.startswith(ROOT) and name.removeprefix(ROOT) not in self.files:
                self.files.append(name.removeprefix(ROOT))
