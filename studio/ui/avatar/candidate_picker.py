"""Many faces to choose from, for the brief or for another purpose, and the way back from them; changes none itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from studio.backends.avatar.requests import AvatarRequest
from studio.errors import StudioError
from studio.library.library import Asset
from studio.media.payloads import Image
from studio.ui.avatar import face_ops
from studio.ui.avatar.live_face import CandidateFaces
from studio.ui.widgets.text import count

if TYPE_CHECKING:
    from studio.ui.avatar.inspector import AvatarInspector

Purpose = Callable[[AvatarRequest], object]
"""What is done with the chosen one."""


class CandidatePicker(QObject):
    """Joins the ways to sixteen faces of one inspector to the stage."""

    def __init__(self, inspector: AvatarInspector) -> None:
        super().__init__(inspector)
        self._all, self._easel = inspector, inspector.panel.stage_area
        self.crowd = CandidateFaces(inspector.panel.studio, self)
        self._purpose: Purpose = inspector.take_face
        self._moods = False
        self._stood: Asset | None = None
        inspector.board.sixteen.clicked.connect(lambda: self.strangers())
        inspector.board.near.clicked.connect(lambda: self.near())
        self._easel.choice_picked.connect(lambda at: self._purpose(self.crowd.faces[at]))
        self.crowd.came.connect(self._came)
        self.crowd.failed.connect(inspector.fail)

    @property
    def stood(self) -> Asset | None:
        """The work in whose place they stand; None where they stand in place of anything else, or are gone."""
        return self._stood if self._easel.choosing else None

    def strangers(self, purpose: Purpose | None = None) -> None:
        """Sixteen other faces as the brief has them. For another purpose they are such as the one that is looked at,
        without what was moved on it, or all would be its near twins.
        """
        like = self._all.shown().replace(traits=(), slides=(), mix=())
        self.offer(face_ops.random_faces(self._all.face if purpose is None else like), purpose)

    def near(self) -> None:
        """Sixteen faces like the one that is looked at."""
        try:
            near = face_ops.similar_faces(self._all.shown(), self._all.board.spread.value)
        except StudioError as error:
            self._all.fail(error)
            return
        self.offer(near, None)

    def offer(self, many: Sequence[AvatarRequest], purpose: Purpose | None, moods: Sequence[str] = ()) -> None:
        """Faces to choose from, for the brief or for another purpose; `moods` has what each of them shows."""
        self._stood, self._moods = self._all.work, bool(moods)
        self._all.let_go()
        self._purpose = purpose or self._all.take_face
        self._easel.error.hide()
        self._easel.show_choices(len(many), count(len(many), "Drawing %n face", "Drawing %n faces"), moods)
        self.crowd.gather(many)

    def back(self) -> None:
        """To what was looked at before."""
        stood = self.stood
        if stood is not None:
            self._easel.select_work(stood)
        else:
            self._all.show_in_hand()

    def _came(self, at: int, picture: Image) -> None:
        self._easel.show_choice(at, picture)
        number = len(self.crowd.faces)
        if self._moods:
            self._easel.set_live_caption(count(number, "Choose %n mood", "Choose one of %n moods"))
        else:
            self._easel.set_live_caption(count(number, "Choose %n face", "Choose one of %n faces"))
