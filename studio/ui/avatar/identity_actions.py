"""What the people of the avatar page have made and kept: expressions, character sheets, identities; draws no widget."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QImage

from studio.backends.avatar import expressions
from studio.backends.avatar.requests import AvatarRequest, AvatarSheetRequest
from studio.errors import BadInput, StudioError
from studio.library.identities import Identities, Identity
from studio.library.library import Asset
from studio.media import codecs
from studio.media.payloads import Image
from studio.ui.avatar import face_ops
from studio.ui.avatar.people_tab import SIDE
from studio.ui.background import LatestOnly
from studio.ui.stages import pictures
from studio.ui.widgets.text import failure, tr

if TYPE_CHECKING:
    from studio.ui.avatar.inspector import AvatarInspector

DEEDS = ("expressions", "sheet", "identity")
GONE = 30  # of those who were removed, as many are offered
SHARP = 3  # portraits are read so many times as large as they are shown, for fine screens


class IdentityActions(QObject):
    """Joins the tab of people of one inspector to the studio and its identities."""

    def __init__(self, inspector: AvatarInspector) -> None:
        super().__init__(inspector)
        self._all, self._panel, self._people = inspector, inspector.panel, inspector.people
        self._studio, self._identities = inspector.panel.studio, inspector.panel.studio.identities
        self._reading, self._posing = LatestOnly(self), LatestOnly(self)
        self._waiting: tuple[str, AvatarRequest] | None = None  # a name, and the face that is kept under it as a work
        self._naming = False  # whether that name is one that nobody gave
        people = self._people
        people.moods.clicked.connect(lambda: self.act("expressions"))
        people.sheet.clicked.connect(lambda: self.act("sheet"))
        people.keep.clicked.connect(lambda: self.act("identity"))
        people.chosen.connect(self._choose)
        people.renamed.connect(self._rename)
        people.removed.connect(self._remove)
        people.wanted_back.connect(self._restore)
        people.shown.connect(self.refresh)
        inspector.panel.bridge.news.connect(self._hear)

    def act(self, name: str) -> None:
        try:
            {"expressions": self._express, "sheet": self._sheet, "identity": self._keep}[name]()
        except StudioError as error:
            self._all.fail(error)

    def close(self) -> None:
        self._reading.close()
        self._posing.close()

    # Expressions.

    def show_face(self) -> None:
        """Say whether the face that is looked at can show moods."""
        why = ""
        if self._people.isVisible():
            try:
                face = self._all.shown()
                expressions.check_expressive(face_ops.model_for(self._studio.catalog, face).folder, face)
            except StudioError as error:
                why = " ".join(failure(error))
            self._people.show_moods(why)

    def _express(self) -> None:
        """This person in several moods to choose from; the chosen one is the brief's, under its name."""
        face = self._all.shown()
        name, folder = self._name(face), face_ops.model_for(self._studio.catalog, face).folder

        def offer(found: Sequence[tuple[str, AvatarRequest]]) -> None:
            self._all.gathering.offer(
                [posed for _, posed in found],
                lambda chosen: self._all.take_face(chosen.replace(name=name)),
                [tr(words) for words, _ in found],
            )

        self._posing.ask(lambda: _posed(folder, face), offer, self._all.fail)

    def _sheet(self) -> None:
        """One picture of all moods, through the queue, into the library."""
        face = self._all.shown()
        face = face.replace(name=self._name(face))
        folder, work = face_ops.model_for(self._studio.catalog, face).folder, self._all.work
        parents = [work.id] if work is not None and face_ops.face_of(work) is not None else []
        self._posing.ask(
            lambda: expressions.sheet(folder, face), lambda asked: self._draw(asked, parents), self._all.fail
        )

    def _draw(self, asked: AvatarSheetRequest, parents: Sequence[str]) -> None:
        poses = tuple(dataclasses.replace(pose, words=tr(pose.words)) for pose in asked.poses)
        try:
            self._panel.submit(asked.replace(poses=poses), parents=parents)
        except StudioError as error:
            self._all.fail(error)

    def take(self, request: AvatarSheetRequest) -> None:
        """The person of a sheet is the face in the brief again."""
        if request.face:
            self._all.take_face(face_ops.parse_face(request.face).replace(name=request.name))

    def _name(self, face: AvatarRequest) -> str:
        """What a face is called: as the brief says where that is this face, else by its own name."""
        brief = self._all.face
        return brief.name if brief.name and _alike(brief, face) else face.name or brief.name

    # Identities.

    def _keep(self) -> None:
        """Keep the face that is looked at; one that is no work yet becomes one first."""
        face, asset = self._all.shown(), self._all.work
        name = self._whose(face)
        self._waiting, self._naming = (name or self._nameless(), face), not name
        if asset is not None and asset.request.get("kind") == AvatarRequest.kind:
            self.kept(asset)
            return
        if self._all.hand.face is None:
            self._all.take_face(face)
        self._all.keep_face()

    def _whose(self, face: AvatarRequest) -> str:
        """The name to keep a face by: none where only the brief of another face says one that somebody has already."""
        name = " ".join(self._name(face).split())
        if face.name or _alike(self._all.face, face):
            return name
        return "" if any(one.name.casefold() == name.casefold() for one in self._identities.all()) else name

    def _nameless(self) -> str:
        there = {one.name.casefold() for one in self._identities.all()}
        many = (tr("Person {n}").format(n=n) for n in range(1, len(there) + 2))
        return next(words for words in many if words.casefold() not in there)

    def kept(self, asset: Asset) -> None:
        """A face has become a work: the one that was waited for is kept as an identity."""
        waiting, self._waiting = self._waiting, None
        face = face_ops.face_of(asset)
        if waiting is None or face is None:
            return
        name, wanted = waiting
        if not _alike(face, wanted):  # that was on its way before this one was asked for
            self._all.take_face(wanted)
            said = tr("Another face came first: {name} is not kept yet. Keep the face again.")
            self._panel.work_actions.notify(said.format(name=name), ())
            return
        people = self._identities
        self._panel.work_actions.aside.ask(lambda: _keep(people, name, face, asset), self._said, self._all.fail)

    def give_up(self) -> None:
        """The face did not become a work."""
        self._waiting = None

    def _said(self, done: tuple[Identity, tuple[Identity, Image] | None]) -> None:
        one, before = done
        self._people.mark(one.id, naming=self._naming and before is None)
        self._all.fold.setChecked(True)
        self._all.board.show_tab("people")
        self.refresh()
        if before is None:
            self._notify(tr("{name} is kept.").format(name=one.name), lambda: self._identities.remove(one.id))
        else:
            old, portrait = before
            self._notify(
                tr("{name} has this face now.").format(name=one.name),
                lambda: self._identities.keep(old.name, old.face, portrait, old.work),
            )

    def _choose(self, one: Identity) -> None:
        assert isinstance(one.face, AvatarRequest)
        self._all.take_face(one.face)

    def _rename(self, id: str, name: str) -> None:
        """The brief follows where it has this face: what is made of it next has the name."""
        people, brief = self._identities, self._all.face
        if (before := self._there(id)) is None:
            return
        if (one := self._try(lambda: people.rename(id, name))) is None:
            return
        if isinstance(one.face, AvatarRequest) and _alike(brief, one.face) and brief.name in ("", before.name):
            self._panel.form.set_value(brief.replace(name=one.name))
        self._entitle(one)
        self._notify(
            tr("{old} is called {name} now.").format(old=before.name, name=one.name),
            lambda: people.rename(id, before.name),
        )

    def _entitle(self, one: Identity) -> None:
        """The work that shows somebody and has no title yet is called by their name."""
        if not one.work:
            return
        try:
            work = self._studio.library.get(one.work)
        except StudioError:
            return  # it is not there any more
        seen = self._panel.asset
        if (
            not work.title
            and self._panel.work_actions.rename(work, one.name)
            and seen is not None
            and seen.id == work.id
        ):
            self._panel.stage_area.select_work(self._studio.library.get(work.id))

    def _remove(self, id: str) -> None:
        one = self._there(id) and self._try(lambda: self._identities.remove(id))
        if one is not None:
            self._notify(tr("{name} is in the bin.").format(name=one.name), lambda: self._identities.restore(one.id))

    def _restore(self, id: str) -> None:
        one = self._try(lambda: self._identities.restore(id))
        if one is not None:
            self._people.mark(one.id, naming=False)
            self._notify(tr("{name} is back.").format(name=one.name), lambda: self._identities.remove(one.id))

    def _there(self, id: str) -> Identity | None:
        """The one of the list; None where somebody else removed them meanwhile, which is said."""
        one = next((one for one in self._identities.all() if one.id == id), None)
        if one is None:
            self._panel.work_actions.fail(BadInput(tr("This person is not kept any more.")))
            self.refresh()
        return one

    def _notify(self, words: str, undo: Callable[[], Identity]) -> None:
        self._panel.work_actions.notify(words, [(tr("Undo"), lambda: self._try(undo))])

    def _try(self, deed: Callable[[], Identity]) -> Identity | None:
        """Whom it was done with; None where it failed, which is said, and who is there is looked up again."""
        try:
            return deed()
        except StudioError as error:
            self._panel.work_actions.fail(error)
            self.refresh()
            return None

    # Who is there.

    def _hear(self, news: Any) -> None:
        if news.kind == "identities" and self._people.isVisible():
            self.refresh()

    def refresh(self) -> None:
        """Read who is kept, and show them."""
        self.show_face()
        people = self._identities
        self._reading.ask(lambda: _read(people), lambda found: self._people.show_people(*found), self._all.fail)


def _alike(one: AvatarRequest, other: AvatarRequest) -> bool:
    """Whether two are the same face, whatever they are called; a model that is not named is the studio's own."""
    return face_ops.unnamed(one).replace(model="") == face_ops.unnamed(other).replace(model="")


def _keep(
    people: Identities, name: str, face: AvatarRequest, asset: Asset
) -> tuple[Identity, tuple[Identity, Image] | None]:
    """The identity, and who had its name before with the portrait of then."""
    picture = codecs.read(asset.path)
    if not isinstance(picture, Image):
        raise BadInput(tr("This work is no picture."))
    try:
        old = people.get(name)
        before = (old, people.portrait(old.id)) if old.name.casefold() == name.casefold() else None
    except StudioError:
        before = None
    return people.keep(name, face, picture, asset.id), before


def _posed(folder: Path, face: AvatarRequest) -> list[tuple[str, AvatarRequest]]:
    """The face in its moods, with what each of them is called."""
    return [(pose.words, face_ops.parse_face(pose.face)) for pose in expressions.expressions(folder, face)]


def _read(people: Identities) -> tuple[Sequence[Identity], Sequence[Identity], dict[str, QImage]]:
    """Who is kept and who is in the bin, the last removed first, with the portraits that can be read."""
    found, gone = people.all(), people.binned()[:GONE]
    portraits: dict[str, QImage] = {}
    for one in (*found, *gone):
        try:
            whole = pictures.load(one.portrait)
        except StudioError:
            continue  # a quiet block stands in its place
        side = SIDE * SHARP
        ways = Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
        portraits[one.id] = whole.scaled(side, side, *ways)
    return found, gone, portraits
