"""The lines below a prompt that say what its model understands and what not, and the offer of one that knows more."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QWidget

from studio.backends.medium import Medium
from studio.errors import StudioError
from studio.models.families import any_words
from studio.models.model import Model
from studio.models.vocabulary import UnderstoodPrompt, places
from studio.schema.request import Request
from studio.studio import Studio
from studio.ui.background import LatestOnly
from studio.ui.forms.fields import TextField
from studio.ui.widgets.controls import ElidedLabel, button, named
from studio.ui.widgets.layout import column
from studio.ui.widgets.page import timer
from studio.ui.widgets.text import tr, worded
from studio.ui.widgets.theme import SIZE, theme

PAUSE = 350  # milliseconds without a change, after which the prompt is read
OFFER = 200  # pixels that the offer takes at most


@dataclass(frozen=True, slots=True)
class PromptReading:
    """What was read, where its unknown words stand, and an installed model that takes any words."""

    understood: UnderstoodPrompt
    unknown_at: tuple[tuple[int, int], ...]
    knows_more: Model | None


class PromptWords(QWidget):
    """Hidden for a model that takes any words. It keeps its room, so that nothing moves while one types.

    `model_chosen(id)` when the person takes the model that knows more, `more_requested` to look for one.
    """

    model_chosen = Signal(str)
    more_requested = Signal()

    def __init__(self, studio: Studio, medium: Medium, prompt: TextField) -> None:
        super().__init__()
        self._studio, self._medium, self._prompt = studio, medium, prompt
        self._asked: tuple[Request, Model] | None = None
        self._tasks = LatestOnly(self)
        self._pause = timer(self, self._read, PAUSE)
        self.known = named(ElidedLabel(role="caption"), "promptKnown")
        self.unknown = named(ElidedLabel(role="caption"), "promptUnknown")
        self.offer = button("", "promptOffer", "link", clicked=self._take_offer)
        self.offer.setMinimumWidth(1)  # its words give way to a narrow form
        prompt.head.addWidget(self.offer)
        prompt.rows.addWidget(self)
        column(self, self.known, self.unknown, spacing=2)
        self._knows_more: Model | None = None
        prompt.installEventFilter(self)
        self._show(None)

    def ask(self, request: Request, model: Model | None) -> None:
        """Say it of this request and its model, once it has stood for a moment."""
        if model is not None and self._medium.family(model.family).understood is any_words:
            model = None
        before, self._asked = self._asked, None if model is None else (request, model)
        self._tasks.discard()
        if self._asked is None:
            self._pause.stop()
            self._show(None)
        elif before is None or before[1] != model:
            self._keep_room(True)
            self._read_soon(0)
        else:
            self._read_soon(PAUSE)

    def ask_again(self) -> None:
        """What is installed has changed."""
        self._read_soon(0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Read it when the prompt is shown: nothing is read for a page that nobody sees."""
        if event.type() == QEvent.Type.Show:
            self._pause.start(0)
        return False

    def _read_soon(self, pause: int) -> None:
        if self._prompt.isVisible():
            self._pause.start(pause)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_offer()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange):
            self._show_offer()

    def _read(self) -> None:
        self._pause.stop()
        if self._asked is None:
            return
        (request, model), studio, medium = self._asked, self._studio, self._medium

        def work() -> PromptReading | None:
            found = medium.family(model.family).understood_of(request, model)
            if found is None:
                return None
            prompt = str(getattr(request, "prompt", ""))
            more = _knows_more(studio, medium, request) if found.unknown else None
            return PromptReading(found, tuple(places(prompt, found.unknown)), more)

        self._tasks.run(work, self._show, lambda _: self._show(None))

    def _show(self, read: PromptReading | None) -> None:
        self._keep_room(read is not None)
        found = UnderstoodPrompt() if read is None else read.understood
        known = worded(found.known_words) or (tr("Understood: nothing") if found.unknown else "")
        unknown = worded(found.unknown_words)
        self.known.set_text(known)
        self.unknown.set_text(unknown)
        title = "" if self._asked is None else self._asked[1].title
        self._prompt.mark(
            () if read is None else read.unknown_at,
            tr("Not known to {model}").format(model=title),
            f"{known}. {unknown}." if unknown else "",
        )
        self._knows_more = None if read is None else read.knows_more
        self.offer.setVisible(bool(found.unknown))
        self._show_offer()

    def _keep_room(self, on: bool) -> None:
        self.setVisible(on)
        policy = self.offer.sizePolicy()
        policy.setRetainSizeWhenHidden(on)
        self.offer.setSizePolicy(policy)

    def _show_offer(self) -> None:
        more = self._knows_more
        words = tr("Models that know more…") if more is None else tr("Use {model}").format(model=more.title or more.id)
        beside = self.width() - self._prompt.title.sizeHint().width() - 2 * SIZE.small
        wide = max(0, min(theme().scaled(OFFER), beside))
        self.offer.setText(QFontMetrics(self.offer.font()).elidedText(words, Qt.TextElideMode.ElideRight, wide))
        self.offer.setAccessibleName(words)
        self.offer.setToolTip(tr("It takes any words") if more is not None else "")

    def _take_offer(self) -> None:
        if self._knows_more is None:
            self.more_requested.emit()
        else:
            self.model_chosen.emit(self._knows_more.id)


def _knows_more(studio: Studio, medium: Medium, request: Request) -> Model | None:
    """The first installed model of the medium that takes any words and runs here; None where there is none."""
    for model in studio.catalog.choices(medium.name):
        family = medium.family(model.family)
        if model.unavailable is not None or "prompt" in family.without_effect(type(request), model):
            continue
        if family.understood_of(request, model) is not None:
            continue
        try:
            fit = studio.fits(request.replace(model=model.id))
        except StudioError:
            continue
        if fit is None or fit.verdict != "no":
            return model
    return None
