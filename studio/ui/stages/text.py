"""The stage for texts: a page that follows a text while it is generated, and an editor whose changes are a draft.

The work itself is not changed: edits are saved in a draft beside it, until they are saved as a copy. What a model
writes into the text (TextInsertion) is an edit like what is typed; meanwhile the page is read-only.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent, QTextCursor
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QWidget

from studio.errors import StudioError
from studio.jobs.previews import Preview, TextPreview
from studio.library.library import Asset
from studio.media import codecs, markdown
from studio.media.payloads import Text
from studio.ui.forms.undo import Undoable
from studio.ui.forms.undo import moment as now
from studio.ui.stages.draft import TextDraft
from studio.ui.stages.insertion import TextInsertion
from studio.ui.stages.stage import MenuEntry, Stage
from studio.ui.stages.text_page import READING, TextPage
from studio.ui.widgets.controls import button, label, named, tool
from studio.ui.widgets.layout import column, row
from studio.ui.widgets.page import timer
from studio.ui.widgets.text import count, failure, moment, tr, worded
from studio.ui.widgets.theme import theme

INSET = 48
TYPING_DELAY = 300  # milliseconds after the last key until the text goes to the document
LONGEST_DELAY = 800  # milliseconds after the first key that it has not, until it does
VERSIONS_IN_MENU = 12
SAVE_CHECK = 400  # milliseconds between two checks whether the draft is on disk


class PageHistory:
    """When the page's edits were made and undone, so that undo and redo can put them in order with other changes."""

    def __init__(self, page: TextPage) -> None:
        self._document = page.document()
        self._steps = 0  # back in the document's own history, as they were before its last change
        self._made: list[tuple[int, int]] = []  # of each edit: the steps back with it, and its moment
        self._undone: list[tuple[int, int]] = []  # of each undo: the steps back before it, and its moment
        self.changed_at = 0
        self._document.undoCommandAdded.connect(self._edited)
        self._document.contentsChange.connect(self._changed)

    @property
    def undo_at(self) -> int:
        steps = self._document.availableUndoSteps()
        return next((moment for with_it, moment in reversed(self._made) if with_it <= steps), 0) if steps else 0

    @property
    def redo_at(self) -> int:
        if not self._document.isRedoAvailable():
            return 0
        steps = self._document.availableUndoSteps()
        return next((moment for before, moment in reversed(self._undone) if before > steps), 0)

    def _edited(self) -> None:
        self.changed_at, steps = now(), self._document.availableUndoSteps()
        while self._made and self._made[-1][0] >= steps:
            self._made.pop()
        self._made.append((steps, self.changed_at))
        self._undone.clear()

    def _changed(self, _at: int, removed: int, added: int) -> None:
        steps, before = self._document.availableUndoSteps(), self._steps
        self._steps = steps
        if steps < before:
            self._undone.append((before, now()))
        elif steps > before:
            self._date_last(steps)  # an undo was taken back, or this is a new edit
        elif removed != added and steps:  # what is typed goes on with the last edit
            self.changed_at = self._date_last(steps)

    def _date_last(self, steps: int) -> int:
        """The last edit of so many steps is made now."""
        moment = now()
        at = next((at for at in reversed(range(len(self._made))) if self._made[at][0] <= steps), None)
        if at is not None:
            self._made[at] = self._made[at][0], moment
        return moment


class TextStage(Stage):
    """One text. With `documents`, the folder of drafts, a finished text can be edited.

    `insertion_left`: another text is shown, so that what was being inserted is at its end.
    """

    insertion_left = Signal()
    suffixes = codecs.TEXT_SUFFIXES

    def __init__(self, documents: Path | None = None) -> None:
        super().__init__()
        self._documents = documents
        self._draft: TextDraft | None = None
        self._preview_source: object | None = None  # the growing text that is shown, and how much of it
        self._preview_length = 0
        self._word_count, self._last_word = 0, ""  # words before the last one, which may still grow
        self.page = TextPage()
        self.page.setViewportMargins(0, 0, INSET - 8 - 12, 0)  # with the scroll bar, both margins are equal
        self.page.edited.connect(self._text_edited)
        self._history = PageHistory(self.page)
        self.insertion: TextInsertion | None = None  # what is being written into the text
        self._writing = ""  # what is said of that
        self.words = label("", "caption", name="wordCount")
        self.remark = label("", "caption", name="textRemark", wrap=True, selectable=True)
        self.state = label("", "caption", name="draftState")
        self.history = tool("history", tr("Version history"), "textVersions", clicked=self._open_versions)
        self.save_copy = button(tr("Save as copy"), "textKeep", "quiet", clicked=self._save_copy)
        self._foot = QWidget()
        line = row(self.words, None, self.state, self.history, self.save_copy, margins=(0, 0, INSET - 16, 0))
        self._foot.setLayout(line)
        self._foot.setFixedHeight(40)
        self._paper = named(QFrame(), "paper")
        said = row(self.remark, margins=(0, 0, INSET - 16, 0))
        column(self._paper, self.page, said, self._foot, spacing=4, margins=(INSET, 32, 8, 8))
        self._outer = QHBoxLayout(self)
        self._outer.setContentsMargins(24, 24, 24, 24)
        self._outer.addWidget(self._paper)
        self._tools = (tool("copy", tr("Copy text (Ctrl+Shift+C)"), "copy", clicked=self.copy),)
        self._pause = timer(self, self._save, TYPING_DELAY)
        self._longest = timer(self, self._save, LONGEST_DELAY)
        self._look = timer(self, self._show_state, SAVE_CHECK, repeat=True)
        theme().changed.connect(self._apply_theme)
        self._paper.hide()

    @property
    def text(self) -> str:
        return self.page.text()

    def tools(self) -> Sequence[QToolButton]:
        return self._tools

    def menu_entries(self) -> Sequence[MenuEntry]:
        page = self.page
        if self._paper.isHidden():
            return ()
        whole: list[MenuEntry] = [(tr("Copy text"), self.copy)]
        if page.textCursor().hasSelection():
            copy = tr("Copy")
            whole.insert(0, (f"{copy}\tCtrl+C", page.copy))
        if page.isReadOnly():
            return whole
        undo, redo, paste = tr("Undo"), tr("Redo"), tr("Paste")
        able = page.document()
        written: list[MenuEntry] = []
        if able.isUndoAvailable():
            written.append((f"{undo}\tCtrl+Z", page.undo))
        if able.isRedoAvailable():
            written.append((f"{redo}\tCtrl+Shift+Z", page.redo))
        if page.canPaste():
            written.append((f"{paste}\tCtrl+V", page.paste))
        return [*written, None, *whole] if written else whole

    def show_asset(self, asset: Asset) -> None:
        payload = codecs.read(asset.path)
        self._leave_insertion()
        self._close_draft()
        self.asset = asset
        original = payload.text if isinstance(payload, Text) else ""
        draft = self._open_draft(asset, original)
        self.page.set_writable(False)
        self._set(original if draft is None else draft.text)
        self._draft = draft
        self.page.set_writable(draft is not None)
        self.page.moveCursor(QTextCursor.MoveOperation.Start)
        self._show_remark(worded(asset.remark))
        self._show_state()

    def _open_draft(self, asset: Asset, original: str) -> TextDraft | None:
        if self._documents is None:
            return None
        try:
            return TextDraft(self._documents, asset, original)
        except StudioError as error:
            self.message.emit(*failure(error))
            return None

    def preview(self, payload: Preview) -> None:
        if not isinstance(payload, Text | TextPreview):
            return
        self._leave_insertion()
        self._close_draft()
        self.asset = None
        self._show_remark("")
        self.page.set_writable(False)
        bar = self.page.verticalScrollBar()
        following = bar.value() >= bar.maximum() - 4
        if isinstance(payload, Text):
            self._set(payload.text)
        elif payload.source is self._preview_source and payload.length >= self._preview_length:
            self._append(payload.since(self._preview_length))
            self._preview_length = payload.length
        else:
            self._set(payload.text)
            self._preview_source, self._preview_length = payload.source, payload.length
        self._show_state()
        if following:
            bar.setValue(bar.maximum())

    def clear(self) -> None:
        self._leave_insertion()
        self._close_draft()
        self.asset = None
        self._show_remark("")
        self._set("")

    def title(self) -> str:
        blocks, _ = markdown.parse(self.text.partition("\n")[0])
        return blocks[0].text.strip() if blocks and blocks[0].level else ""

    def copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text)
        self.message.emit(tr("Text copied."), "")

    def deactivate(self) -> None:
        """Save: the draft is on disk when this returns."""
        draft = self._draft
        self._close_draft()
        self._draft = draft  # opens again with the next word

    @property
    def can_insert(self) -> bool:
        """Whether something can be written into the text now."""
        return self._draft is not None and not self.page.isReadOnly() and bool(self.text.strip())

    def begin_insertion(self) -> TextInsertion:
        """Let a text grow where the cursor stands, or at the end where nothing stands before it. A person can read and
        select meanwhile, but not type; end it with `end_insertion`.
        """
        cursor = self.page.textCursor()
        cursor.setPosition(cursor.selectionEnd())
        if not self.page.text_before(cursor).strip("# \n"):
            self.page.moveCursor(QTextCursor.MoveOperation.End)
        self.insertion = TextInsertion(self.page)
        self.page.setReadOnly(True)
        self.page.setTextInteractionFlags(READING)
        self.page.setFocus()
        self.say_of_insertion(tr("Writing…"))
        return self.insertion

    def say_of_insertion(self, words: str) -> None:
        self._writing = words
        self._show_state()

    def end_insertion(self, text: str | None = None, remark: str = "") -> None:
        """Let a person type again, and save the text as a version. `text`: all of what was inserted; None for what is
        shown of it.
        """
        insertion, self.insertion, self._writing = self.insertion, None, ""
        if insertion is None:
            return
        insertion.finish(insertion.text if text is None else text)
        self.page.setReadOnly(False)
        self._apply_theme()
        self._show_remark(remark)
        self._save()
        draft = self._draft
        if draft is not None and insertion.text:
            self._try(draft.save_version)
        self._show_state()
        self.edited.emit()

    def _leave_insertion(self) -> None:
        """Another text is shown: what was written so far stays in this one."""
        if self.insertion is not None:
            self.end_insertion()
            self.insertion_left.emit()

    def undoable(self) -> Undoable | None:
        return Undoable(self._history, self._undo, self.page.redo) if self._draft is not None else None

    def _undo(self) -> None:
        self._leave_insertion()
        self.page.undo()

    def _text_edited(self) -> None:
        self._pause.start()
        if not self._longest.isActive():
            self._longest.start()
        self._show_state()
        self.edited.emit()

    def _save(self) -> None:
        """Pass the text to the document, which saves it."""
        self._pause.stop()
        self._longest.stop()
        self._show_count()
        draft = self._draft
        if draft is not None and (self.insertion is not None or not self.page.isReadOnly()):
            self._try(lambda: draft.write(self.text))
            self._show_state()

    def _close_draft(self) -> None:
        draft = self._draft
        if draft is not None:
            if self._pause.isActive():
                self._save()
            self._draft = None
            self._look.stop()
            self._try(draft.close)

    def _save_copy(self) -> None:
        """Save the text as a new work; then revert the draft of the one it came from."""
        before, text = self.asset, self.text
        self._save()
        self.save_requested.emit(Text(text))
        if before is not None and self._documents is not None and self.asset is not None and self.asset != before:
            self._try(lambda: self._revert(before))

    def _revert(self, asset: Asset) -> None:
        payload = codecs.read(asset.path)
        if self._documents is not None and isinstance(payload, Text):
            draft = TextDraft(self._documents, asset, payload.text)
            try:
                draft.revert()
            finally:
                draft.close()

    def versions(self) -> QMenu:
        """The menu of versions, newest first, and of the original text."""
        made = QMenu(self)
        made.setObjectName("versionsMenu")
        made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._save()
        draft = self._draft
        if draft is None:
            return made
        for version in draft.versions()[:VERSIONS_IN_MENU]:
            restore = functools.partial(draft.restore, version.number)
            length = count(markdown.word_count(draft.text_of_version(version.number)), "%n word", "%n words")
            action = made.addAction(f"{version.name or moment(version.saved)}\t{length}")
            action.triggered.connect(lambda _=False, restore=restore: self._restore(restore))
        made.addSeparator()
        first = made.addAction(tr("Original"))
        first.setEnabled(draft.edited)
        first.triggered.connect(lambda: self._restore(draft.revert))
        made.addAction(tr("Save this version")).triggered.connect(lambda: self._try(draft.save_version))
        return made

    def _open_versions(self) -> None:
        menu = self.versions()
        menu.popup(self.history.mapToGlobal(QPoint(0, -menu.sizeHint().height())))

    def _restore(self, act: Callable[[], object]) -> None:
        draft = self._draft
        if draft is not None and self._try(act):
            self.page.set_writable(False)
            self._set(draft.text)
            self.page.set_writable(True)
            self._show_state()

    def _try(self, act: Callable[[], object]) -> bool:
        try:
            act()
        except (StudioError, OSError) as error:
            words = failure(error) if isinstance(error, StudioError) else (str(error), "")
            self.message.emit(*words)
            return False
        return True

    def _show_state(self) -> None:
        draft = self._draft
        edited = draft is not None and (draft.edited or self._pause.isActive())
        waiting = draft is not None and (self._pause.isActive() or not draft.saved)
        trouble = "" if draft is None else draft.save_error
        if self._writing:
            said = self._writing
        elif not edited:
            said = ""
        elif trouble:
            said = trouble
        else:
            said = tr("Saving…") if waiting else tr("Edited, saved")
        self.state.setText(said)
        free = self.insertion is None
        self.history.setVisible(free and draft is not None and (edited or draft.exists))
        self.save_copy.setVisible(free and edited)
        if waiting != self._look.isActive():
            self._look.start() if waiting else self._look.stop()

    def _show_remark(self, words: str) -> None:
        """What the engine says of the text, below it."""
        self.remark.setText(words)
        self.remark.setVisible(bool(words))

    def _set(self, text: str) -> None:
        self._preview_source = None
        self.page.set_text(text)
        self._paper.setVisible(bool(text))
        self._show_count()

    def _append(self, text: str) -> None:
        """Continue the preview: takes time in proportion to `text`, not to what is shown already."""
        self.page.append_text(text)
        self._paper.setVisible(self._preview_length > 0 or bool(text))
        self._last_word += text
        settled = max(self._last_word.rfind(" "), self._last_word.rfind("\n")) + 1
        self._word_count += markdown.word_count(self._last_word[:settled])
        self._last_word = self._last_word[settled:]
        self._show_word_count(self._word_count + markdown.word_count(self._last_word))

    def _show_count(self) -> None:
        text = self.text
        settled = max(text.rfind(" "), text.rfind("\n")) + 1
        self._last_word = text[settled:]
        self._word_count = markdown.word_count(text[:settled])
        self._show_word_count(self._word_count + markdown.word_count(self._last_word))

    def _show_word_count(self, words: int) -> None:
        self.words.setText(count(words, "%n word", "%n words"))

    def _apply_theme(self) -> None:
        if self.insertion is None:  # other fonts set the text anew, and the place of what is written would be lost
            self.page.apply_fonts()
        self._center_paper()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._center_paper()

    def _center_paper(self) -> None:
        wide = self.page.line_width + INSET * 2
        side = max(16, int((self.width() - wide) / 2))
        self._outer.setContentsMargins(side, 24, side, 24)
