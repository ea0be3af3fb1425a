"""The bar that offers to resume what was running when the program ended, but for downloads that have begun."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from studio.errors import StudioError
from studio.jobs.io.host import IoRequest
from studio.jobs.io.imports import ModelGetRequest
from studio.schema.request import Request, TrainRequest
from studio.studio import Studio
from studio.ui.widgets.layout import column
from studio.ui.widgets.messages import MessageBar
from studio.ui.widgets.text import count, request_name, tr


class ResumeBar(QWidget):
    """`resumed(request)` is called for each job that is resumed, `failed(error)` where one cannot be."""

    def __init__(
        self, studio: Studio, resumed: Callable[[Request], object], failed: Callable[[StudioError], object]
    ) -> None:
        super().__init__()
        self._studio, self._resumed, self._failed = studio, resumed, failed
        self.bar = MessageBar("offer")
        self.bar.dismissed.connect(lambda: self._answer(False))
        column(self, self.bar, margins=(16, 8, 16, 8))
        for entry in studio.queue.interrupted:
            if isinstance(entry.request, ModelGetRequest) and _has_begun(studio, entry.request):
                studio.queue.dismiss(entry)  # the models page offers to go on with it
        offered = studio.queue.interrupted
        self.setVisible(False)
        if offered:
            learning = offered[0].request
            if len(offered) == 1 and isinstance(learning, TrainRequest):
                title, text = tr("The studio closed during a training."), learning.title or learning.data
                go = tr("Resume training")
            else:
                files = [isinstance(entry.request, IoRequest) for entry in offered]
                running = sum(entry.running for entry in offered)
                title = _words(running, len(offered) - running, mixed=any(files))
                text = request_name(offered[0].request)
                go = tr("Continue") if any(files) else tr("Generate now")
                if all(files):
                    title = tr("The studio closed while copying files.")
            self.bar.show_message(title, text, actions=[(go, "offerResume", lambda: self._answer(True))])
            self.setVisible(True)

    def _answer(self, resume: bool) -> None:
        for entry in list(self._studio.queue.interrupted):
            try:
                if resume:
                    self._studio.queue.resume(entry)
                    self._resumed(entry.request)
                else:
                    self._studio.queue.dismiss(entry)
            except StudioError as error:  # the offer stands: what it lacks may be there at the next start
                self._failed(error)
        self.hide()


def _has_begun(studio: Studio, request: ModelGetRequest) -> bool:
    """Whether a download has been written down, so that it can go on."""
    return any(each.id == request.download for each in studio.catalog.downloads())


def _words(running: int, waiting: int, *, mixed: bool) -> str:
    """How many jobs ran when the studio closed, and how many waiting ones cannot run now, in words. `mixed` where files
    were copied or fetched too.
    """
    ran = (
        count(running, "The studio closed before a task was done.", "The studio closed before %n tasks were done.")
        if mixed
        else count(
            running, "The studio closed while generating an item.", "The studio closed while generating %n items."
        )
    )
    sentences = [
        ran,
        count(waiting, "A waiting item could not be started.", "%n waiting items could not be started."),
    ]
    return " ".join(words for words, there in zip(sentences, (running, waiting), strict=True) if there)
