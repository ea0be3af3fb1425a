"""Continues the text on the stage where the cursor stands, with the settings of the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QPushButton

from studio.backends.story.prompt import clean, prepare_prompt
from studio.errors import StudioError
from studio.jobs.job import Cancelled, Job
from studio.jobs.previews import TextPreview
from studio.media.payloads import Text
from studio.schema.request import fresh_seed
from studio.ui.background import JobWatcher
from studio.ui.commands import Run, keys_of
from studio.ui.panel.inspector import PanelInspector, PanelParts
from studio.ui.stages.text import TextStage
from studio.ui.widgets.controls import button, tip
from studio.ui.widgets.text import job_stage, sentence, tr, worded
from studio.ui.widgets.theme import theme

SENT = 200_000
"""Characters before the cursor that are sent, the newest: more than fit into a model's context, which takes the end."""


class ContinueAtCursor(PanelInspector):
    """What stands before the cursor is sent; what the model writes grows at the cursor. One live job at a time.

    It is no side panel: it adds a button above the stage, and a command.
    """

    def __init__(self, parts: PanelParts) -> None:
        super().__init__(parts)
        self.hide()
        stage = parts.stage_area.stage
        assert isinstance(stage, TextStage)
        self._stage = stage
        self._job: Job | None = None
        self._prompt = self._added = ""  # as the engine begins with it; what of that the page does not have
        self._spaced = False  # a space stands before the cursor, which no prompt ends with
        self._shown_state: tuple[bool, bool, bool] | None = None  # whether it writes, is to be seen, can be pressed
        self._watcher = JobWatcher(self)
        self._watcher.ended.connect(self._ended)
        self.button: QPushButton = button(tr("Continue"), "continueText", "compact", clicked=self._toggle)
        self.button.setFocusPolicy(self.button.focusPolicy().TabFocus)
        parts.stage_area.header.add_widgets(self.button, live=False)
        parts.stage_area.changed.connect(self._update)
        stage.edited.connect(self._update)
        stage.insertion_left.connect(self._leave)
        parts.bridge.news.connect(self._news)
        theme().changed.connect(self._fit)
        self._fit()
        self._update()

    def commands(self) -> Mapping[str, Run | None]:
        if self._job is not None:
            return {"continue": None, "stop": self.stop}
        return {"continue": self.start if self._possible else None}

    @property
    def _possible(self) -> bool:
        area = self.parts.stage_area
        return area.on_stage and area.asset is not None and self._stage.can_insert

    def start(self) -> None:
        """Continue the text at the cursor."""
        if self._job is not None or not self._possible:
            return
        insertion = self._stage.begin_insertion()
        before = clean(insertion.before)[-SENT:]
        self._prompt = prepare_prompt(before)
        bare = before.rstrip(" \t")
        self._spaced = bare != before
        self._added = "\n" * max(0, _line_breaks(self._prompt) - _line_breaks(bare))
        form = self.parts.brief.form
        try:
            request = form.value().replace(prompt=before)
            if form.seed is None or form.seed.rolls:
                request = request.replace(seed=fresh_seed())
            self._job = self.parts.studio.submit(request, live=True, replaces="continuation")
        except StudioError as error:
            self._stage.end_insertion()
            self.parts.show_error(error)
            return
        self.parts.stage_area.error.hide()
        self.parts.stage_area.stay()
        self._watcher.watch(self._job)
        self._update()

    def stop(self) -> None:
        """Stop writing; what was written stays."""
        if self._job is not None and not self._job.has_ended:
            try:
                self.parts.studio.queue.cancel(self._job.id)
            except StudioError:  # it has ended in this moment
                return

    def _leave(self) -> None:
        """Another text is on the stage: the job has nowhere to write to."""
        self.stop()
        self._job = None
        self._update()

    def leave(self) -> None:
        """Another page is shown: the writing goes on."""

    def close_down(self) -> None:
        if self._job is not None:
            self._stage.end_insertion()
            self._leave()
            self._stage.deactivate()

    def _toggle(self) -> None:
        if self._job is not None:
            self.stop()
        else:
            self.start()

    def _news(self, news: Any) -> None:
        job = self._job
        if news.kind == "job" and job is not None and news.job is job and job.state == "running":
            self._stage.say_of_insertion(sentence(job_stage(job)))
            self._show(job)

    def _show(self, job: Job) -> None:
        """Show what a job has written so far."""
        preview, insertion = job.progress.preview, self._stage.insertion
        if isinstance(preview, TextPreview) and preview.length > len(self._prompt) and insertion is not None:
            insertion.show(self._shown(clean(preview.since(len(self._prompt)))))

    def _shown(self, written: str) -> str:
        """What was written as it stands at the cursor."""
        return self._added + (written.lstrip(" ") if self._spaced else written)

    def _ended(self, job: Job) -> None:
        if job is not self._job:
            return
        self._job = None
        error = job.future.exception()
        made = (
            [*error.assets, *error.payloads] if isinstance(error, Cancelled) else [] if error else job.future.result()
        )
        whole = next((payload for payload in made if isinstance(payload, Text)), None)
        if whole is None:
            self._show(job)  # the news of it may not have come
            self._stage.end_insertion()
        else:
            # The engine's text is without blank space at its beginning, and ends with one line break.
            written = whole.text.removesuffix("\n")[len(self._prompt.lstrip()) :]
            self._stage.end_insertion(self._shown(written) if written else "", worded(whole.remark))
        if error is not None and not isinstance(error, Cancelled):
            self.parts.show_error(error)
        self._update()

    def _update(self) -> None:
        """Show what the button does now. Called for every piece of a text, so only what has changed is set."""
        writing, area = self._job is not None, self.parts.stage_area
        seen = writing or (area.on_stage and area.asset is not None)
        now = (writing, seen, writing or self._possible)
        if now == self._shown_state:
            return
        self._shown_state = now
        words = tr("Stop writing") if writing else tr("Continue at the cursor")
        self.button.setText(tr("Stop") if writing else tr("Continue"))
        self.button.setAccessibleName(words)
        self.button.setToolTip(tip(words, None if writing else keys_of("continue")))
        self.button.setVisible(seen)
        self.button.setEnabled(now[2])
        area.header.fit()

    def _fit(self) -> None:
        """As wide as both of its words need: what stands beside it stays where it is."""
        shown, wide = self.button.text(), 0
        for words in (tr("Continue"), tr("Stop")):
            self.button.setText(words)
            wide = max(wide, self.button.sizeHint().width())
        self.button.setText(shown)
        self.button.setMinimumWidth(wide)


def _line_breaks(text: str) -> int:
    """How many line breaks a text ends with."""
    return len(text) - len(text.rstrip("\n"))
