"""The inspector of the avatar page: its tabs of tools, and the face that they change, which is the one that is seen.

While a slider moves, the face is a draft that is only drawn; once it settles, it is one step of the brief. Where a work
was seen, the brief takes up the work's face before that, so that undo leads back to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from studio.backends.avatar.capabilities import ModelCapabilities, kind
from studio.backends.avatar.requests import AvatarProjectRequest, AvatarRequest, AvatarSheetRequest, AvatarWalkRequest
from studio.errors import StudioError
from studio.jobs.job import Job
from studio.library.library import Asset
from studio.media.payloads import Image
from studio.models.catalog import Model
from studio.schema.request import Request
from studio.ui.avatar import face_ops
from studio.ui.avatar.candidate_picker import CandidatePicker
from studio.ui.avatar.directions import DirectionsTab
from studio.ui.avatar.face_ops import Change
from studio.ui.avatar.find_tab import FindFaceTab
from studio.ui.avatar.identity_actions import DEEDS, IdentityActions
from studio.ui.avatar.inspector_tabs import InspectorTabs
from studio.ui.avatar.live_face import LiveFace
from studio.ui.avatar.mix_tab import MixTab
from studio.ui.avatar.people_tab import PeopleTab
from studio.ui.avatar.portraits import PortraitLoader
from studio.ui.avatar.tool_wiring import ToolWiring
from studio.ui.avatar.trait_sliders import TraitSliders
from studio.ui.avatar.walk_tab import WalkTab
from studio.ui.commands import keys_of
from studio.ui.panel.inspector import PanelInspector
from studio.ui.stages import pictures
from studio.ui.widgets.basic import button, column, tip, tool
from studio.ui.widgets.text import tr

if TYPE_CHECKING:
    from studio.ui.panel.panel import Panel

PATIENCE = 600  # milliseconds without a picture after which it is said why
FORM = ("style", "psi", "noise", "cutoff", "label", "seed", "size", "model")  # of the brief: what changes the picture
LOADING = "Loading the model…"
HIDDEN = ("traits", "slides", "near", "mix", "latent")  # what the inspector alone changes


class AvatarInspector(PanelInspector):
    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.setAccessibleName(tr("Inspector"))
        self._brief, self._easel, self._studio = panel.brief, panel.stage_area, panel.studio
        self._draft: AvatarRequest | None = None  # the face while a slider moves: no step of the brief yet
        self._begun: Asset | None = None  # the work that was seen when the draft was begun
        self._origin: Asset | None = None  # the work whose face the brief took up last
        self._seen = self.face  # as it was when the brief changed last
        self._kind = ModelCapabilities()
        self._exports = False  # the face that is being kept is to be exported
        self._undrawn = False  # what is said above the stage is that a face could not be drawn
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(PATIENCE)
        self._patience.timeout.connect(lambda: panel.work_actions.notify(tr(LOADING), ()))
        self.hand = LiveFace(self._studio, self)
        self.portraits = PortraitLoader(self._studio, self)
        self.traits, self.directions = TraitSliders(), DirectionsTab()
        self.mixing, self.walking = MixTab(self.portraits), WalkTab(self.portraits)
        self.finding = FindFaceTab(panel.work_actions.arrivals)
        self.people = PeopleTab()
        self.board = InspectorTabs()
        for name, words, parts, foot in (
            ("face", tr("Face"), [self.traits, self.directions], None),
            ("mix", tr("Mix"), [self.mixing], None),
            ("walk", tr("Walk"), [self.walking], self.walking.foot),
            ("find", tr("Find"), [self.finding], self.finding.foot),
            ("people", tr("People"), [self.people], self.people.foot),
        ):
            self.board.add(name, words, parts, foot)
        column(self, spacing=0).addWidget(self.board)
        self.keep = button(tr("Keep"), "keepFace", "compact", icon="plus", clicked=self.keep_face)
        self.keep.setToolTip(tip(tr("Put this face into the library"), keys_of("keep")))
        self.fold = tool("sliders", tr("Fold or unfold the inspector"), "foldInspector", keys=keys_of("inspector"))
        self.fold.setCheckable(True)
        self.fold.setChecked(True)
        self._easel.header.add_widgets(self.keep, live=True)
        self._easel.header.add_widgets(self.fold, live=False)
        self.gathering = CandidatePicker(self)
        self.crowd = self.gathering.crowd
        self.searches, self.keeping = ToolWiring(self), IdentityActions(self)
        self._wire()
        self._follow_model()
        self._show_face()

    def _wire(self) -> None:
        self.fold.toggled.connect(self.setVisible)
        for part in (self.traits, self.directions, self.mixing):
            part.moved.connect(self.move_face)
            part.settled.connect(self.settle_face)
        self.directions.failed.connect(self.fail)
        self._brief.form.changed.connect(self._brief_changed)
        self._brief.history_moved.connect(self._returned)
        self._easel.live_closed.connect(self._parted)
        self._easel.changed.connect(self._show_face)
        self.hand.drawn.connect(self._drawn)
        self.hand.failed.connect(self._lost)
        self.hand.kept.connect(self._kept)

    # The face in the brief.

    @property
    def face(self) -> AvatarRequest:
        """What the brief says; where that cannot be, what it said last."""
        try:
            value = self._brief.form.value()
        except StudioError:
            value = self._brief.history.value
        assert isinstance(value, AvatarRequest)
        return value

    @property
    def model(self) -> Model | None:
        """The model that draws it; None where there is none."""
        return self._model_of(self.face)

    def _model_of(self, face: AvatarRequest) -> Model | None:
        try:
            return face_ops.model_for(self._studio.catalog, face)
        except StudioError:
            return None

    @property
    def work(self) -> Asset | None:
        """The work that is looked at; while there are faces to choose from in its place, that is still the one."""
        return None if self.hand.face is not None else self._easel.visible_work or self.gathering.stood

    def shown(self) -> AvatarRequest:
        """The face that is looked at: the one under the hand, that of the work on the stage, or the brief's."""
        return self._draft or _face_of(self.work) or self.face

    def move_face(self, change: Change) -> None:
        """Draw the face as a moving slider has it; the brief hears of it once that settles."""
        self.searches.stop_preview()
        if self._draft is None:
            self._begun = self.work
        self._draft = change(self.shown())
        self._hold(moving=True)

    def settle_face(self, change: Change) -> None:
        """One step of the brief."""
        work = self._begun if self._draft is not None else self.work
        changed = change(self.shown())
        self._take_up(work)
        self.take_face(changed)

    def _take_up(self, work: Asset | None) -> None:
        """The face of a work is what stood before the step that follows."""
        face = _face_of(work)
        if face is not None:
            self._origin = work
            self._brief.history.step(face)

    def take_face(self, face: AvatarRequest) -> None:
        """Make this the face in the brief, and draw it."""
        self._draft = self._begun = None
        self._easel.error.hide()
        self._brief.form.set_value(face)
        self.show_in_hand()

    def _brief_changed(self) -> None:
        before, self._seen = self._seen, self.face
        by_hand = self._brief.form.last_changed in FORM and self._seen != before
        fit = face_ops.drop_latent_if_changed(before, self._seen)
        if self._seen.model != before.model:
            self._follow_model()
            fit = face_ops.fit_to_model(self._seen, self._kind)
        if by_hand and fit != self._seen:
            self._brief.amend(fit)
        if any(getattr(before, name) != getattr(self._seen, name) for name in HIDDEN):
            self._draft = None
        if self._draft is not None and by_hand:
            changed = {name: getattr(self._seen, name) for name in FORM}
            self._draft = self._draft.replace(**{k: v for k, v in changed.items() if v != getattr(before, k)})
        if by_hand:
            self.show_in_hand()
        elif self.hand.face is not None:
            self._hold(moving=False)
        self._show_face()

    def _returned(self) -> None:
        """What undo and redo have brought back is seen; as a work, where it is the face that a work was begun with."""
        origin = self._origin
        if origin is not None and _face_of(origin) == self.face:
            try:
                origin = self._studio.library.get(origin.id)
            except StudioError:
                origin = None
            if origin is not None and not origin.binned:
                self._easel.select_work(origin)
                return
        self.show_in_hand()

    def _hold(self, *, moving: bool) -> None:
        if self.hand.face is None:
            self._patience.start()
        self.hand.hold(self._draft or self.face, moving=moving)

    def show_in_hand(self) -> None:
        """Draw the brief's face on the stage."""
        self.searches.stop_preview()
        self._hold(moving=False)
        self._show_face()

    def _arrive(self) -> None:
        """What was waited for is there, or not wanted any more."""
        self._patience.stop()
        self.panel.work_actions.unsay(tr(LOADING))

    def _show_face(self) -> None:
        brief, face = self.face, self.shown()
        model = self._model_of(face)
        fields = self._brief.form.fields
        fields["style"].setVisible(self._kind.drawn or brief.style != "any")
        fields["label"].setVisible(self._kind.classes > 0 or brief.label >= 0)
        fields["noise"].setVisible(self._kind.noise)
        fields["seed"].show_source(tr("Found in a picture") if brief.latent else "")  # type: ignore[attr-defined]
        self.traits.show_face(face, model)
        self.directions.show_face(face, model)
        self.mixing.show_face(face)
        self.keeping.show_face()

    def _follow_model(self) -> None:
        """Learn what the chosen model knows."""
        model = self.model
        self._kind = kind(model) if model is not None else ModelCapabilities()
        self.hand.model = model.id if model is not None else ""

    # On the stage.

    def _drawn(self, picture: Image, finished: bool) -> None:
        self._arrive()
        side = (
            max(pictures.LARGE_SIDE, picture.pixels.shape[1]) if self.face.size == "large" else picture.pixels.shape[1]
        )
        if self._undrawn:  # what else was said stands until the person goes on
            self._undrawn = False
            self._easel.error.hide()
        self._easel.show_live(picture, side, tr("Not kept yet"), rough=not finished)

    def _parted(self) -> None:
        """Another thing is on the stage."""
        self.crowd.close()
        self.let_go()

    def let_go(self) -> None:
        """What is under the hand gives way to another thing."""
        self._arrive()
        self.hand.drop()
        self.searches.stop_preview()
        self._forget_move()

    def _forget_move(self) -> None:
        if self._draft is not None:
            self._draft = self._begun = None
            for part in (self.traits, self.directions, self.mixing):
                part.cancel_move()

    def _lost(self, error: BaseException) -> None:
        self.fail(error)
        self._undrawn = True

    def fail(self, error: BaseException) -> None:
        self._arrive()
        self._undrawn = False
        self._exports = False
        self.keeping.give_up()
        self.panel.show_error(error)
        self._show_face()

    # The library.

    def keep_face(self) -> None:
        """Make a work of the face under the hand; what still moves is settled by that."""
        if self.hand.face is not None and not self.hand.keeping:
            if self._draft is not None:
                self.settle_face(lambda face: face)
            self.hand.keep(self.face, self._parents())

    def _parents(self) -> list[str]:
        """The works that the face in the brief was made from: the one that it was begun with, those mixed into it."""
        face, first = self.face, _face_of(self._origin)
        same = first is not None and (first.seed, first.style, first.latent) == (face.seed, face.style, face.latent)
        begun = [self._origin.id] if self._origin is not None and same else []
        return [*begun, *(id for id in self.searches.parents(face) if id not in begun)]

    def _kept(self, asset: Asset) -> None:
        self._easel.select_work(asset)
        self.keeping.kept(asset)
        if self._exports:
            self._exports = False
            self.panel.work_actions.export(asset)

    def _export(self) -> None:
        """What is exported is a work: the face under the hand becomes one first."""
        self._exports = True
        self.keep_face()

    def arrived(self, job: Job, asset: Asset) -> None:
        face = face_ops.face_of(asset)
        if isinstance(job.request, AvatarProjectRequest) and face is not None:
            self._brief.form.set_value(face)
            self.searches.found(asset)

    def take(self, request: Request) -> None:
        if isinstance(request, AvatarWalkRequest):
            self.walking.take(request)
            self.fold.setChecked(True)
            self.board.show_tab("walk")
        elif isinstance(request, AvatarSheetRequest):
            self.keeping.take(request)

    # What a panel asks.

    def can(self, name: str) -> bool | None:
        if name in ("undo", "redo") and self._walks():
            return getattr(self.walking.history, f"can_{name}")
        if name == "cancel" and self._easel.choosing:
            return True
        if name == "keep" or (name == "export" and self.hand.face is not None):
            return self.hand.face is not None and not self.hand.keeping
        return True if name in ("faces", "near", "inspector", *DEEDS) else None

    def act(self, name: str) -> bool:
        if name in ("undo", "redo") and self._walks():
            getattr(self.walking, name)()
            return True
        if name == "cancel" and self._easel.choosing and not self.panel.busy:
            self.gathering.back()
            return True
        if name == "export" and self.hand.face is not None:
            self._export()
            return True
        deeds: dict[str, Callable[[], object]] = {
            "faces": self.gathering.strangers,
            "near": self.gathering.near,
            "keep": self.keep_face,
            "inspector": self.fold.toggle,
            **{deed: partial(self.keeping.act, deed) for deed in DEEDS},
        }
        if name in deeds:
            deeds[name]()
        return name in deeds

    def _walks(self) -> bool:
        """Whether the keyboard is in the walk, which has steps of its own."""
        focused = QApplication.focusWidget()
        walk = (self.walking, self.walking.foot)
        return focused is not None and any(part.isAncestorOf(focused) for part in walk)

    def models_changed(self) -> None:
        self._follow_model()
        self._show_face()

    def leave(self) -> None:
        self.crowd.close()
        self.searches.leave()
        if self._draft is not None:
            self._forget_move()
            if self.hand.face is not None:
                self._hold(moving=False)

    def close_down(self) -> None:
        self._patience.stop()
        self._forget_move()
        self.searches.close()
        self.keeping.close()
        self.crowd.close()
        self.hand.close()
        self.portraits.close()

    def state(self) -> dict[str, Any]:
        return {"folded": not self.fold.isChecked(), "walk": self.walking.walk().to_json(), **self.board.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.fold.setChecked(state.get("folded") is not True)
        self.board.restore(state)
        try:
            walk = Request.from_json(state.get("walk"))
        except StudioError:
            return
        if isinstance(walk, AvatarWalkRequest):
            self.walking.restore(walk)


def _face_of(work: Asset | None) -> AvatarRequest | None:
    return face_ops.face_of(work) if work is not None else None
