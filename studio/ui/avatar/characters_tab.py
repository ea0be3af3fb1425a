"""The tab for characters: a person's expressions and character sheet, and saving them as an identity."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage, QShowEvent
from PySide6.QtWidgets import QWidget

from studio.backends.avatar import expressions
from studio.backends.avatar.mixing import parse_face
from studio.backends.avatar.requests import AvatarRequest, AvatarSheetRequest
from studio.errors import BadInput, StudioError
from studio.library.identities import Identities, Identity
from studio.library.library import Asset
from studio.media import codecs
from studio.media.payloads import Image
from studio.studio import Studio
from studio.ui.avatar.character_list import SIDE, CharacterList
from studio.ui.avatar.faces import face_of, same_face
from studio.ui.avatar.session import FaceSession
from studio.ui.background import LatestOnly
from studio.ui.bridge import Bridge
from studio.ui.commands import Run, keys_of
from studio.ui.forms.undo import Change, Outcome
from studio.ui.stages import pictures
from studio.ui.widgets.controls import button, label, tip
from studio.ui.widgets.layout import column
from studio.ui.widgets.text import failure, tr

BINNED_SHOWN = 30  # characters in the menu of the bin
OVERSAMPLING = 3  # portraits are read this many times as large as they are shown, for high-resolution screens


class CharactersTab(QWidget):
    """Expressions and sheet of the face that is shown, and the saved characters. `attention`: show this tab."""

    attention = Signal()

    def __init__(self, session: FaceSession, studio: Studio, bridge: Bridge) -> None:
        super().__init__()
        self._session, self._library, self._identities = session, studio.library, studio.identities
        self._reading, self._posing = LatestOnly(self), LatestOnly(self)
        self._pending: tuple[str, AvatarRequest] | None = None  # the name, and the face that is saved as a work first
        self._unnamed = False  # whether that name was made up
        self.keep = button(tr("Save character"), "keepIdentity", "compact", icon="plus")
        self.keep.setToolTip(tip(tr("Save this face under a name, to use the same person again"), keys_of("identity")))
        self.moods = button(tr("Expressions"), "expressions", "compact")
        self.moods.setToolTip(tip(tr("Choose among several expressions of this person"), keys_of("expressions")))
        self.sheet = button(tr("Character sheet"), "characterSheet", "compact")
        self.sheet.setToolTip(tip(tr("One picture with all expressions, for the library"), keys_of("sheet")))
        self._no_expressions = label("", "muted", name="moodless", wrap=True)
        self._no_expressions.hide()
        self.characters = CharacterList()
        tools = (self.keep, self.moods, self.sheet, self._no_expressions)
        face = column(None, label(tr("This face"), "heading"), *tools, spacing=8)
        column(self, face, self.characters, spacing=24)
        self.foot = self.characters.buttons
        self.moods.clicked.connect(lambda: self._run(self._offer_expressions))
        self.sheet.clicked.connect(lambda: self._run(self._make_sheet))
        self.keep.clicked.connect(lambda: self._run(self._save))
        self.characters.chosen.connect(self._use)
        self.characters.renamed.connect(self._rename)
        self.characters.removed.connect(self._remove)
        self.characters.restored.connect(self._restore)
        session.changed.connect(self._show_expressions)
        session.saved.connect(self._face_saved)
        session.failed.connect(lambda _: self._give_up())
        bridge.news.connect(self._news)

    def commands(self) -> dict[str, Run]:
        """What the commands of characters do here."""
        own = {"expressions": self._offer_expressions, "sheet": self._make_sheet, "identity": self._save}
        return {name: partial(self._run, act) for name, act in own.items()}

    def _run(self, act: Callable[[], object]) -> None:
        try:
            act()
        except StudioError as error:
            self._session.fail(error)

    def show_request(self, request: AvatarSheetRequest) -> None:
        """Put the person of a character sheet into the brief."""
        if request.face:
            self._session.set_face(parse_face(request.face).replace(name=request.name))

    def refresh(self) -> None:
        """Read the saved characters, and show them."""
        self._show_expressions()
        identities = self._identities
        self._reading.run(
            lambda: _read(identities), lambda found: self.characters.show_characters(*found), self._session.fail
        )

    def close_down(self) -> None:
        self._reading.close()
        self._posing.close()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def _news(self, news: Any) -> None:
        if news.kind == "identities" and self.isVisible():
            self.refresh()

    def _show_expressions(self) -> None:
        """Offer expressions of the face that is shown, or say why there are none."""
        if not self.isVisible():
            return
        why = ""
        try:
            face = self._session.shown()
            expressions.check_expressive(self._session.model_of(face).folder, face)
        except StudioError as error:
            why = " ".join(failure(error))
        self.moods.setEnabled(not why)
        self.sheet.setEnabled(not why)
        self._no_expressions.setText(why)
        self._no_expressions.setVisible(bool(why))

    def _offer_expressions(self) -> None:
        """Offer expressions as candidates; the one that is picked goes into the brief under the person's name."""
        face = self._session.shown()
        name, folder = self._name(face), self._session.model_of(face).folder

        def offer(found: Sequence[tuple[str, AvatarRequest]]) -> None:
            self._session.offer(
                [posed for _, posed in found],
                lambda chosen: self._session.set_face(chosen.replace(name=name)),
                [tr(words) for words, _ in found],
            )

        self._posing.run(lambda: _expressions(folder, face), offer, self._session.fail)

    def _make_sheet(self) -> None:
        """Make one picture of all expressions."""
        face = self._session.shown()
        face = face.replace(name=self._name(face))
        folder, work = self._session.model_of(face).folder, self._session.work
        parents = [work.id] if work is not None and face_of(work) is not None else []

        def submit(request: AvatarSheetRequest) -> None:
            poses = tuple(dataclasses.replace(pose, words=tr(pose.words)) for pose in request.poses)
            self._session.submit(request.replace(poses=poses), parents)

        self._posing.run(lambda: expressions.sheet(folder, face), submit, self._session.fail)

    def _name(self, face: AvatarRequest) -> str:
        """The name of a face: that in the brief if this is the brief's face, else its own."""
        brief = self._session.face
        return brief.name if brief.name and same_face(brief, face) else face.name or brief.name

    def _save(self) -> None:
        """Save the face that is shown as a character; if it is no work yet, it becomes one first."""
        face, work = self._session.shown(), self._session.work
        name = self._name_to_save(face)
        self._pending, self._unnamed = (name or self._free_name(), face), not name
        if work is not None and work.request.get("kind") == AvatarRequest.kind:
            self._face_saved(work)
            return
        if self._session.live is None:
            self._session.set_face(face)
        self._session.save()

    def _name_to_save(self, face: AvatarRequest) -> str:
        """Empty if only the brief of another face has a name, and that is taken."""
        name = " ".join(self._name(face).split())
        if face.name or same_face(self._session.face, face):
            return name
        return "" if any(one.name.casefold() == name.casefold() for one in self._identities.all()) else name

    def _free_name(self) -> str:
        taken = {one.name.casefold() for one in self._identities.all()}
        names = (tr("Character {n}").format(n=n) for n in range(1, len(taken) + 2))
        return next(name for name in names if name.casefold() not in taken)

    def _face_saved(self, work: Asset) -> None:
        """A face was saved as a work: if it is the pending one, save it as a character."""
        pending, self._pending = self._pending, None
        face = face_of(work)
        if pending is None or face is None:
            return
        name, wanted = pending
        if not same_face(face, wanted):  # its save had begun before
            self._session.set_face(wanted)
            words = tr("Another face was saved first, and {name} is not saved yet. Save the character again.")
            self._session.actions.notify(words.format(name=name), ())
            return
        identities = self._identities
        self._session.actions.tasks.run(
            lambda: _keep(identities, name, face, work), self._character_saved, self._session.fail
        )

    def _give_up(self) -> None:
        """The face did not become a work."""
        self._pending = None

    def _character_saved(self, done: tuple[Identity, tuple[Identity, Image] | None]) -> None:
        one, before = done
        self.characters.select_when_shown(one.id, rename=self._unnamed and before is None)
        self.attention.emit()
        self.refresh()
        if before is None:
            words = tr("{name} is saved.").format(name=one.name)
            self._notify(words, lambda: self._identities.remove(one.id), one.id, self._identities.all)
        else:
            old, portrait = before
            self._notify(
                tr("{name} has this face now.").format(name=one.name),
                lambda: self._identities.save(old.name, old.face, portrait, old.work),
                one.id,
                self._identities.all,
            )

    def _use(self, one: Identity) -> None:
        assert isinstance(one.face, AvatarRequest)
        self._session.set_face(one.face)

    def _rename(self, id: str, name: str) -> None:
        """Rename a character; the brief follows if it has this face."""
        identities, brief = self._identities, self._session.face
        if (before := self._existing(id)) is None:
            return
        if (one := self._try(lambda: identities.rename(id, name))) is None:
            return
        if isinstance(one.face, AvatarRequest) and same_face(brief, one.face) and brief.name in ("", before.name):
            self._session.rename_face(one.name)
        self._title_work(one)
        self._notify(
            tr("{old} is now called {name}.").format(old=before.name, name=one.name),
            lambda: identities.rename(id, before.name),
            id,
            identities.all,
        )

    def _title_work(self, one: Identity) -> None:
        """Give the character's work its name as a title if it has none."""
        if not one.work:
            return
        try:
            work = self._library.get(one.work)
        except StudioError:
            return  # it was deleted
        stage = self._session.stage
        on_stage = stage.asset is not None and stage.asset.id == work.id
        if not work.title and self._session.actions.rename(work, one.name) and on_stage:
            stage.select_work(self._library.get(work.id))

    def _remove(self, id: str) -> None:
        one = self._existing(id) and self._try(lambda: self._identities.remove(id))
        if one is not None:
            words = tr("{name} is in the bin.").format(name=one.name)
            self._notify(words, lambda: self._identities.restore(one.id), one.id, self._identities.binned)

    def _restore(self, id: str) -> None:
        one = self._try(lambda: self._identities.restore(id))
        if one is not None:
            self.characters.select_when_shown(one.id, rename=False)
            words = tr("{name} is restored.").format(name=one.name)
            self._notify(words, lambda: self._identities.remove(one.id), one.id, self._identities.all)

    def _existing(self, id: str) -> Identity | None:
        """The character of that id; None, with a message, if it was removed from elsewhere."""
        one = next((one for one in self._identities.all() if one.id == id), None)
        if one is None:
            self._say_gone()
        return one

    def _say_gone(self) -> None:
        self._session.actions.show_error(BadInput("This character no longer exists."))
        self.refresh()

    def _notify(self, words: str, undo: Callable[[], Identity], id: str, where: Callable[[], list[Identity]]) -> None:
        """Say what was done to a character, with a button that takes it back as long as it is found there."""

        def back() -> Outcome:
            if not any(one.id == id for one in where()):
                self._say_gone()
                return "gone"
            return "failed" if self._try(undo) is None else "done"

        self._session.actions.notify_change(words, Change(back))

    def _try(self, action: Callable[[], Identity]) -> Identity | None:
        """What an action returns; None, with a message, if it failed: then the characters are read again."""
        try:
            return action()
        except StudioError as error:
            self._session.actions.show_error(error)
            self.refresh()
            return None


def _keep(
    identities: Identities, name: str, face: AvatarRequest, work: Asset
) -> tuple[Identity, tuple[Identity, Image] | None]:
    """Save a character. Returns it, and the one that had its name before with its portrait."""
    picture = codecs.read(work.path)
    if not isinstance(picture, Image):
        raise BadInput("This is not a picture.")
    try:
        old = identities.get(name)
        before = (old, identities.portrait(old.id)) if old.name.casefold() == name.casefold() else None
    except StudioError:
        before = None
    return identities.save(name, face, picture, work.id), before


def _expressions(folder: Path, face: AvatarRequest) -> list[tuple[str, AvatarRequest]]:
    """The face in several expressions, each with its name."""
    return [(pose.words, parse_face(pose.face)) for pose in expressions.expressions(folder, face)]


def _read(identities: Identities) -> tuple[Sequence[Identity], Sequence[Identity], dict[str, QImage]]:
    """The saved characters, those in the bin with the last removed first, and the portraits that can be read."""
    found, binned = identities.all(), identities.binned()[:BINNED_SHOWN]
    portraits: dict[str, QImage] = {}
    for one in (*found, *binned):
        try:
            whole = pictures.load(one.portrait)
        except StudioError:
            continue  # a placeholder is shown
        side = SIDE * OVERSAMPLING
        ways = Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
        portraits[one.id] = whole.scaled(side, side, *ways)
    return found, binned, portraits
