"""How far a long search, download or import is: a line on standard error every few seconds; a short one needs none."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from studio.errors import Message, counted
from studio.system.storage import format_size

if TYPE_CHECKING:
    from studio.cli.context import CliContext

SECONDS = 5.0  # between two lines


class SlowTask:
    """Takes the reports of one task, and says nothing twice. `now` is a clock in seconds."""

    def __init__(self, context: CliContext, now: Callable[[], float] = time.monotonic) -> None:
        self._context, self._now = context, now
        self._next = now() + SECONDS
        self._said = ""

    def looked(self, found: int, folder: str) -> None:
        """So many models were found, and this folder is looked at."""
        self._say(
            counted(found, "1 model found, looking in {folder}", "{n} models found, looking in {folder}", folder=folder)
        )

    def fetched(self, done: int, total: int) -> None:
        """So many bytes are here; `total` is 0 while nobody knows how many there are."""
        if total and done >= total:  # a large model is tried once it is here, which takes a while
            self._say(Message("Checking the files"))
        elif total and done:
            self._say(Message("{done} of {total}", done=format_size(done), total=format_size(total)))
        elif done:
            self._say(Message("{done} so far", done=format_size(done)))

    def _say(self, words: Message) -> None:
        now = self._now()
        if now < self._next:
            return
        self._next = now + SECONDS
        if str(words) != self._said:
            self._said = str(words)
            self._context.print_error(words)
