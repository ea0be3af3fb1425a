"""The line that offers to make again what was being made when the program died; it decides nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from studio.errors import StudioError
from studio.ui.widgets import Bar, column
from studio.ui.words import count, failure, gist, tr

if TYPE_CHECKING:
    from studio.studio import Studio


class Offer(QWidget):
    """`resumed(medium)` is called for each work that is made after all, `said(words)` where one cannot be."""

    def __init__(self, studio: Studio, resumed: Callable[[str], object], said: Callable[[str], object]) -> None:
        super().__init__()
        self._studio, self._resumed, self._said = studio, resumed, said
        self.bar = Bar("offer")
        self.bar.dismissed.connect(lambda: self._answer(False))
        column(self, margins=(16, 8, 16, 8)).addWidget(self.bar)
        offered = studio.offered
        self.setVisible(False)
        if offered:
            self.bar.say(
                count(
                    len(offered),
                    "The studio ended while it was making a work.",
                    "The studio ended while it was making %n works.",
                ),
                gist(offered[0].request.to_json()),
                actions=[(tr("Make it now"), "offerResume", lambda: self._answer(True))],
            )
            self.setVisible(True)

    def _answer(self, resume: bool) -> None:
        for entry in list(self._studio.offered):
            try:
                self._studio.take(entry, resume=resume)
                if resume:
                    self._resumed(entry.request.medium)
            except StudioError as error:  # the offer stands: what it lacks may be there at the next start
                self._said(" ".join(failure(error)))
        self.hide()
