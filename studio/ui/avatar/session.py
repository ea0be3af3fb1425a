"""The face being edited on the avatar page: in the brief, under a slider, live on the stage, or as candidates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from studio.backends.avatar.families import ModelCapabilities, capabilities_of
from studio.backends.avatar.requests import AvatarRequest
from studio.errors import StudioError
from studio.library.library import Asset
from studio.media.payloads import Image
from studio.models.model import Model
from studio.schema.request import Request
from studio.studio import Studio
from studio.ui.avatar import faces
from studio.ui.avatar.faces import Change, FaceSources
from studio.ui.avatar.live_jobs import CandidateFaces, LiveFace
from studio.ui.library.work_actions import WorkActions
from studio.ui.panel.brief import Brief
from studio.ui.panel.stage_area import StageArea
from studio.ui.stages import pictures
from studio.ui.widgets.text import count, tr

LOADING = "Loading the model…"
WAITING = "Waiting for the job that is running…"
LOADING_DELAY = 600  # milliseconds without a picture, after which the window says that the model is loading
BRIEF_FIELDS = ("style", "psi", "noise", "cutoff", "label", "seed", "size", "model")
"""Fields that a person edits in the brief and that change the picture."""

TOOL_FIELDS = ("traits", "slides", "near", "mix", "latent")
"""Fields that only the tools beside the stage edit."""

Purpose = Callable[[AvatarRequest], object]
"""What is done with the candidate that a person picks."""


class FaceSession(QObject):
    """The face being edited, its model, live drawing, candidates and undo; all that the tools know of each other.

    While a slider moves, the face is a draft that is only drawn; when it settles, it is one undo step of the brief.
    If a work is on the stage, the brief first takes the face of that work, so that undo leads back to it.

    `changed`: another face, model or work is shown. `draft_dropped`: a move that has not settled is forgotten.
    `live_started`: the live face takes the place of whatever else a tool shows on the stage. `saved(asset)`: a face was
    saved in the library. `failed(error)`: shown above the stage.
    """

    changed = Signal()
    draft_dropped = Signal()
    live_started = Signal()
    saved = Signal(object)
    failed = Signal(object)

    def __init__(
        self,
        studio: Studio,
        brief: Brief,
        stage: StageArea,
        actions: WorkActions,
        submit: Callable[..., object],
        sources: FaceSources,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._studio, self._brief, self.stage = studio, brief, stage
        self.actions, self.sources, self._submit = actions, sources, submit
        self.models_version = 0  # grows with every change of the models: what was read of them may be out of date
        self._draft: AvatarRequest | None = None
        self._draft_origin: Asset | None = None  # the work that was on the stage when the draft began
        self._origin: Asset | None = None  # the work whose face the brief took last
        self._last_face = self.face  # as it was at the last change of the brief
        self._model: Model | None = None  # of the face that is shown, looked up when that is another than before
        self._shown_capabilities = ModelCapabilities()  # of that model
        self._capabilities = ModelCapabilities()  # of the brief's model
        self._draw_failed = False  # the error above the stage is that the face could not be drawn
        self._replaced: Asset | None = None  # the work in whose place the candidates stand
        self._captioned = False  # the candidates show expressions
        self._purpose: Purpose = self.set_face
        self._loading = QTimer(self)
        self._loading.setSingleShot(True)
        self._loading.setInterval(LOADING_DELAY)
        self._loading.timeout.connect(lambda: actions.notify(tr(WAITING if self._waits() else LOADING), ()))
        self._live = LiveFace(studio, self)
        self.candidates = CandidateFaces(studio, self)
        brief.form.changed.connect(self._brief_changed)
        brief.history_moved.connect(self._history_moved)
        stage.live_closed.connect(self._left_stage)
        stage.live_left.connect(self._let_go)  # a face that is still being drawn would cover the candidates again
        stage.changed.connect(self._refresh)
        stage.choice_picked.connect(self._pick)
        self._live.drawn.connect(self._drawn)
        self._live.failed.connect(self._drawing_failed)
        self._live.saved.connect(self._saved)
        self.candidates.drawn.connect(self._candidate_drawn)
        self.candidates.failed.connect(self.fail)
        self.models_changed()

    @property
    def face(self) -> AvatarRequest:
        """The face in the brief; while that is not valid, the last one that was."""
        try:
            value = self._brief.form.value()
        except StudioError:
            value = self._brief.history.value
        assert isinstance(value, AvatarRequest)
        return value

    @property
    def live(self) -> AvatarRequest | None:
        """The face that is drawn live; None while the stage shows something else."""
        return self._live.face

    @property
    def saving(self) -> bool:
        return self._live.saving

    @property
    def work(self) -> Asset | None:
        """The work on the stage, or the one in whose place candidates are shown."""
        if self._live.face is not None:
            return None
        return self.stage.visible_work or (self._replaced if self.stage.choosing else None)

    def shown(self) -> AvatarRequest:
        """The face that a person sees: the draft under a slider, that of the work on the stage, or the brief's."""
        return self._draft or _face_of(self.work) or self.face

    @property
    def hides_edit(self) -> bool:
        """Whether the brief's face, which Generate and new faces use, has edits of the tools that nothing shows: a work
        without them is on the stage.
        """
        if self._live.face is not None:
            return False
        face = self.face
        return _differs(face, AvatarRequest(), TOOL_FIELDS) and _differs(face, self.shown(), TOOL_FIELDS)

    @property
    def moving(self) -> bool:
        """Whether a slider is being moved: nothing that reads the disk is done then."""
        return self._draft is not None

    @property
    def model(self) -> Model | None:
        """The model of the face that is shown, as of the last `changed`; None if there is none."""
        return self._model

    @property
    def capabilities(self) -> ModelCapabilities:
        """What the model of the face that is shown can draw, as of the last `changed`."""
        return self._shown_capabilities

    def model_of(self, face: AvatarRequest) -> Model:
        """Raises StudioError if there is none."""
        return faces.model_for(self._studio.catalog, face)

    def move(self, change: Change) -> None:
        """Draw the face while a slider moves; the brief is left alone until `settle`."""
        if self._live.face is None:
            self.live_started.emit()
        if self._draft is None:
            self._draft_origin = self.work
        self._draft = change(self.shown())
        self._draw(moving=True)

    def settle(self, change: Change) -> None:
        """Make an edit one undo step of the brief."""
        work = self._draft_origin if self._draft is not None else self.work
        changed = change(self.shown())
        face = _face_of(work)
        if face is not None:  # undo leads back to the work
            self._origin = work
            self._brief.history.step(face)
        self.set_face(changed)

    def set_face(self, face: AvatarRequest) -> None:
        """Put this face into the brief, and draw it."""
        self._draft = self._draft_origin = None
        self.stage.error.hide()
        self._brief.form.set_value(face)
        self.draw()

    def rename_face(self, name: str) -> None:
        """Change the name in the brief, and nothing else."""
        self._brief.form.set_value(self.face.replace(name=name))

    def draw(self) -> None:
        """Draw the brief's face on the stage."""
        self.live_started.emit()
        self._draw(moving=False)
        self._refresh()

    def drop_live(self) -> None:
        """Stop drawing the live face, but leave its last picture on the stage."""
        self._live.drop()

    def fail(self, error: BaseException) -> None:
        """Show an error above the stage."""
        self._stop_loading_message()
        self._draw_failed = False
        self.failed.emit(error)
        self._refresh()

    def submit(self, request: Request, parents: Sequence[str] = ()) -> None:
        """Queue a request as a job whose result becomes a work."""
        try:
            self._submit(request, parents=list(dict.fromkeys(parents)))
        except StudioError as error:
            self.fail(error)

    def save(self) -> None:
        """Save the live face in the library; a move that has not settled is settled first."""
        if self._live.face is not None and not self._live.saving:
            if self._draft is not None:
                self.settle(lambda face: face)
            self._live.save(self.face, self._parents())

    def models_changed(self) -> None:
        """Models were added, removed or changed."""
        self.models_version += 1
        self._model = None
        self._read_model()
        self._refresh()

    def offer_random(self, purpose: Purpose | None = None) -> None:
        """Offer 16 new faces with the brief's settings; for another purpose, with those of the face that is shown but
        without its edits, or all would be near twins of it.
        """
        like = self.shown().replace(traits=(), slides=(), mix=())
        self.offer(faces.random_faces(self.face if purpose is None else like), purpose)

    def offer_similar(self, spread: float) -> None:
        """Offer 16 variations of the face that is shown."""
        try:
            near = faces.similar_faces(self.shown(), spread)
        except StudioError as error:
            self.fail(error)
            return
        self.offer(near)

    def offer(
        self, offered: Sequence[AvatarRequest], purpose: Purpose | None = None, captions: Sequence[str] = ()
    ) -> None:
        """Show candidates. The one that is picked goes into the brief, or to `purpose`."""
        self._replaced, self._captioned = self.work, bool(captions)
        self._let_go()
        self._purpose = purpose or self.set_face
        self.stage.error.hide()
        words = tr(WAITING) if self._waits() else count(len(offered), "Drawing %n face", "Drawing %n faces")
        self.stage.show_choices(len(offered), words, captions)
        self.candidates.draw(offered)

    def leave_candidates(self) -> None:
        """Show again what was on the stage before the candidates."""
        replaced = self._replaced if self.stage.choosing else None
        if replaced is not None:
            self.stage.select_work(replaced)
        else:
            self.draw()

    def pause(self) -> None:
        """The page is hidden: stop drawing candidates, and forget a move that has not settled."""
        self.candidates.stop()
        if self._draft is not None:
            self._drop_draft()
            if self._live.face is not None:
                self._draw(moving=False)

    def close(self) -> None:
        self._loading.stop()
        self._drop_draft()
        self.candidates.stop()
        self._live.close()

    def _draw(self, *, moving: bool) -> None:
        if self._live.face is None:
            self._loading.start()
        self._live.draw(self._draft or self.face, moving=moving)

    def _drawn(self, picture: Image, finished: bool) -> None:
        self._stop_loading_message()
        side = picture.pixels.shape[1]
        if self.face.size == "large":
            side = max(pictures.LARGE_SIDE, side)
        if self._draw_failed:  # any other error stays until the next edit
            self._draw_failed = False
            self.stage.error.hide()
        self.stage.live_stage(tr("Unsaved")).show_live(picture, side, rough=not finished)

    def _drawing_failed(self, error: BaseException) -> None:
        self.fail(error)
        self._draw_failed = True

    def _pick(self, at: int) -> None:
        """Use a candidate; where it is edited, its picture stands there until it is drawn at its full size."""
        face, picture = self.candidates.faces[at], self.candidates.pictures.get(at)
        self._purpose(face)
        if picture is not None and self._live.face is not None and faces.same_face(self._live.face, face):
            self._drawn(picture, finished=False)

    def _candidate_drawn(self, at: int, picture: Image) -> None:
        self.stage.show_choice(at, picture)
        number = len(self.candidates.faces)
        if self._captioned:
            self.stage.set_live_caption(count(number, "Choose %n expression", "Choose one of %n expressions"))
        else:
            self.stage.set_live_caption(count(number, "Choose %n face", "Choose one of %n faces"))

    def _saved(self, asset: Asset) -> None:
        self.stage.select_work(asset)
        self.saved.emit(asset)

    def _parents(self) -> list[str]:
        """The works that the brief's face was made from: the one it began as, and those mixed into it."""
        face, first = self.face, _face_of(self._origin)
        same = first is not None and (first.seed, first.style, first.latent) == (face.seed, face.style, face.latent)
        begun = [self._origin.id] if self._origin is not None and same else []
        return list(dict.fromkeys([*begun, *self.sources.works_of([mix.face for mix in face.mix])]))

    def _brief_changed(self) -> None:
        before, self._last_face = self._last_face, self.face
        face = self._last_face
        by_hand = self._brief.form.last_changed in BRIEF_FIELDS and face != before
        fit = faces.drop_latent_if_changed(before, face)
        if face.model != before.model:
            self._read_model()
            fit = faces.fit_to_model(face, self._capabilities)
        if by_hand and fit != face:
            self._brief.amend(fit)
            face = self._last_face
        if _differs(before, face, TOOL_FIELDS):
            self._draft = None
        if self._draft is not None and by_hand:
            edited: dict[str, Any] = {name: getattr(face, name) for name in BRIEF_FIELDS}
            self._draft = self._draft.replace(**{k: v for k, v in edited.items() if v != getattr(before, k)})
        if by_hand:
            self.draw()
        elif self._live.face is not None:
            self._draw(moving=False)
        self._refresh()

    def _history_moved(self) -> None:
        """After undo or redo, show the face; as a work, if it is the face that a work began with."""
        origin = self._origin
        if origin is not None and _face_of(origin) == self.face:
            try:
                origin = self._studio.library.get(origin.id)
            except StudioError:
                origin = None
            if origin is not None and not origin.binned:
                self.stage.select_work(origin)
                return
        self.draw()

    def _left_stage(self) -> None:
        """The stage shows something else."""
        self.candidates.stop()
        self._let_go()

    def _let_go(self) -> None:
        self._stop_loading_message()
        self._live.drop()
        self.live_started.emit()
        self._drop_draft()

    def _read_model(self) -> None:
        """Look up the brief's model, and what it can draw."""
        try:
            model = self.model_of(self.face)
        except StudioError:
            model = None
        self._capabilities = capabilities_of(model) if model is not None else ModelCapabilities()
        self._live.model = model.id if model is not None else ""

    def _drop_draft(self) -> None:
        if self._draft is not None:
            self._draft = self._draft_origin = None
            self.draft_dropped.emit()

    def _stop_loading_message(self) -> None:
        self._loading.stop()
        for words in (LOADING, WAITING):
            self.actions.dismiss_message(tr(words))

    def _waits(self) -> bool:
        """Whether something else is made first, as live faces come after the job that is running."""
        running = [job for job in self._studio.queue.jobs() if job.state == "running" and not job.live]
        return any(self._studio.task(job.request).lane == "device" for job in running)

    def _refresh(self) -> None:
        """What is shown has changed. While a slider moves, its model is the same, and the disk is left alone."""
        if not self.moving:
            try:
                model = self.model_of(self.shown())
            except StudioError:
                model = None
            if model != self._model:
                self._model = model
                self._shown_capabilities = ModelCapabilities() if model is None else capabilities_of(model)
        face, fields = self.face, self._brief.form.fields
        fields["style"].setVisible(self._capabilities.has_attributes or face.style != "any")
        fields["label"].setVisible(self._capabilities.classes > 0 or face.label >= 0)
        fields["seed"].show_source(tr("From a picture") if face.latent else "")  # type: ignore[attr-defined]
        self.changed.emit()


def _face_of(work: Asset | None) -> AvatarRequest | None:
    return faces.face_of(work) if work is not None else None


def _differs(one: AvatarRequest, other: AvatarRequest, names: Sequence[str]) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in names)
