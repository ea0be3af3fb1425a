"""The line above Generate that says what a request takes: time and memory, or what would fit where it does not."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from studio.models.fit.estimate import Fit
from studio.schema.request import Request
from studio.studio import Studio
from studio.ui.background import LatestOnly
from studio.ui.widgets.controls import button, label
from studio.ui.widgets.layout import column
from studio.ui.widgets.page import timer
from studio.ui.widgets.text import duration, tr, worded

PAUSE = 400  # milliseconds without a change, after which it is reckoned: the answer may read files


class FitLine(QWidget):
    """Says nothing until something is known; `chosen(request)` when the person takes what would fit."""

    chosen = Signal(object)

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self._studio = studio
        self._request: Request | None = None
        self._number = 1  # how many are to be made
        self.asked: Request | None = None  # that `fit` is of
        self.fit: Fit | None = None
        self._tasks = LatestOnly(self)
        self._pause = timer(self, self._reckon, PAUSE)
        self.words = label("", "muted", name="fitWords", wrap=True)
        self.use = button("", "fitUse", "compact", clicked=self._choose)
        column(self, self.words, self.use, spacing=6)
        self._show(None)

    def ask(self, request: Request) -> None:
        """Say it of this request, once it has stood for a moment."""
        self._request = request
        if self.isVisible():
            self._pause.start()

    def set_number(self, number: int) -> None:
        """So many are made of the request: say how long all of them take."""
        self._number = number
        self._show(self.fit)

    def ask_again(self) -> None:
        """The machine, or what is installed, has changed."""
        if self._request is not None:
            self.ask(self._request)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.ask_again()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._pause.stop()  # once it is seen again, it asks again

    def _reckon(self) -> None:
        studio, request = self._studio, self._request
        if request is not None:
            self.asked = request
            self._tasks.run(lambda: studio.fits(request), self._show, lambda _: self._show(None))

    def _show(self, fit: Fit | None) -> None:
        self.fit = fit
        said = () if fit is None else (fit.words, *fit.instead)
        words = [worded(each) for each in said]
        if fit is not None and self._number > 1 and fit.seconds is not None and fit.verdict != "no":
            all_ = tr("All {number}: about {time}.")
            words.append(all_.format(number=self._number, time=duration(max(1.0, self._number * fit.seconds))))
        self.words.setText(" ".join(words))
        self.words.setVisible(bool(said))
        choice = fit.choice if fit is not None and fit.smaller is not None else None
        offer = tr("Use {choice}").format(choice=worded(choice)) if choice is not None else ""
        self.use.setText(offer)
        self.use.setAccessibleName(offer or tr("Use what fits"))
        self.use.setVisible(bool(offer))

    def _choose(self) -> None:
        if self.fit is not None and self.fit.smaller is not None:
            self.chosen.emit(self.fit.smaller)
