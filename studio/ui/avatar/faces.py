"""Faces (`AvatarRequest`): compared, edited and written as JSON; and those of works that a person drops or chooses."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QMimeData, QModelIndex, QObject, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QFrame, QListView, QWidget

from studio.backends.avatar import sliders
from studio.backends.avatar.families import ModelCapabilities
from studio.backends.avatar.mixing import parse_face
from studio.backends.avatar.requests import AvatarRequest, AvatarSheetRequest, DirectionStep, SliderValue, Variation
from studio.errors import StudioError
from studio.library.identities import NAME_LIMIT
from studio.library.library import Asset, Library, LibraryQuery
from studio.models.catalog import Catalog
from studio.models.installed import unknown_model
from studio.models.model import Model
from studio.schema.fields import SEED_LIMIT
from studio.schema.request import Request, fresh_seed
from studio.ui.library.delegate import WorkDelegate
from studio.ui.library.importer import local
from studio.ui.library.model import ASSET, WorkListModel
from studio.ui.library.thumbnails import ThumbnailLoader
from studio.ui.widgets.controls import label
from studio.ui.widgets.layout import column
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE

CANDIDATES = 16
Change = Callable[[AvatarRequest], AvatarRequest]
"""An edit: returns the face with something changed."""


def model_for(catalog: Catalog, face: AvatarRequest) -> Model:
    """The model that draws a face: the one it names, else the default. StudioError if there is none."""
    model = catalog.listed(face.model) if face.model else catalog.default("avatar")
    if model is None:
        raise unknown_model(face.model)
    return model


def fit_to_model(face: AvatarRequest, model: ModelCapabilities) -> AvatarRequest:
    """The face without what this model cannot draw: edits, styles, noise and classes of the model before."""
    bare = face.replace(traits=(), slides=(), mix=(), latent="")
    if face.style not in ("any", *model.styles):
        bare = bare.replace(style="any")
    if not model.noise:
        bare = bare.replace(noise="const")
    return bare.replace(label=-1) if face.label >= model.classes else bare


def drop_latent_if_changed(before: AvatarRequest, now: AvatarRequest) -> AvatarRequest:
    """If seed, style or class of a projected face was edited, drop its latent, which would override them."""
    same = (before.seed, before.style, before.label) == (now.seed, now.style, now.label)
    return now if same or now.latent != before.latent else now.replace(latent="", traits=())


def random_faces(face: AvatarRequest) -> list[AvatarRequest]:
    """Other seeds with the sliders of this face; without those of a projected face, which only describe it."""
    start_face = face.replace(near=(), latent="", traits=() if face.latent else face.traits, name="")
    start = fresh_seed()
    return [start_face.replace(seed=(start + at) % SEED_LIMIT) for at in range(CANDIDATES)]


def similar_faces(face: AvatarRequest, spread: float) -> list[AvatarRequest]:
    """Random variations of this face, `spread` 0 to 1 apart. Raises BadInput if it has too many steps already."""
    return [face.replace(near=(*face.near, Variation(fresh_seed(), spread))) for _ in range(CANDIDATES)]


def with_direction(face: AvatarRequest, direction: str, amount: float) -> AvatarRequest:
    """The face moved along a direction by `amount` standard deviations; 0 removes the direction."""
    others = tuple(slide for slide in face.slides if slide.direction != direction)
    return face.replace(slides=(*others, DirectionStep(direction, amount)) if amount else others)


def direction_amount(face: AvatarRequest, direction: str) -> float:
    return next((slide.amount for slide in reversed(face.slides) if slide.direction == direction), 0.0)


def reset_slider(face: AvatarRequest, name: str, rest: Sequence[SliderValue]) -> AvatarRequest:
    """The face with one slider back at its value in `rest`, else at the value that the seed drew."""
    found = next((trait.value for trait in rest if trait.name == name), None)
    if found is not None:
        return sliders.with_trait(face, name, found)
    return face.replace(traits=tuple(trait for trait in face.traits if trait.name != name))


def moved_sliders(face: AvatarRequest, rest: Sequence[SliderValue]) -> set[str]:
    """The names of sliders that are not at their resting values."""
    resting = {trait.name: trait.value for trait in rest}
    return {trait.name for trait in face.traits if resting.get(trait.name) != trait.value}


def face_of(asset: Asset) -> AvatarRequest | None:
    """The face that a work or a character sheet shows, named after the work's title if it has no name of its own;
    None if the work was not made by a face model."""
    try:
        request = Request.from_json(asset.request) if asset.request else None
    except StudioError:
        return None
    if isinstance(request, AvatarSheetRequest) and request.face:
        return parse_face(request.face).replace(name=request.name or asset.title[:NAME_LIMIT])
    if not isinstance(request, AvatarRequest):
        return None
    return request if request.name else request.replace(name=asset.title[:NAME_LIMIT])


def unnamed(face: AvatarRequest) -> AvatarRequest:
    """The face at the network's own size and without a name, neither of which changes who it is."""
    return dataclasses.replace(face, name="", size="native")


def same_face(one: AvatarRequest, other: AvatarRequest) -> bool:
    """Whether two are the same face, whatever their names; a model that is not named is the default."""
    return unnamed(one).replace(model="") == unnamed(other).replace(model="")


def face_json(face: AvatarRequest, name: str = "") -> str:
    """The face as JSON for a row of another request, with `name` if the row shows one."""
    return json.dumps(unnamed(face).replace(name=name).to_json(), ensure_ascii=False)


SIDE, ACROSS, DOWN = 72, 4, 4  # pixels of a work in the popup; most columns and rows that are seen at once


class FaceSources:
    """The faces of works, and which work each face came from."""

    def __init__(
        self, library: Library, thumbnails: ThumbnailLoader, notify: Callable[[str, Sequence[Any]], object]
    ) -> None:
        self._library, self._thumbnails, self._notify = library, thumbnails, notify
        self._works: dict[str, str] = {}  # ids of works by the JSON of their faces

    def faces(self, works: Sequence[Asset]) -> list[AvatarRequest]:
        """The faces of works; the person is told of those that have none."""
        found: list[AvatarRequest] = []
        for work in works:
            face = face_of(work)
            if face is None:
                self._notify(tr("A face model did not make this picture. Recreate it with Match first."), ())
            else:
                self.remember(face, work)
                found.append(face)
        return found

    def remember(self, face: AvatarRequest, work: Asset) -> None:
        """This face is that of a work."""
        self._works[face_json(face)] = work.id

    def works_of(self, faces: Iterable[str]) -> list[str]:
        """The ids of the works that faces, as `face_json` gives them, came from; of those that are known."""
        return [self._works[face] for face in faces if face in self._works]

    def choose(self, beside: QWidget, chosen: Callable[[Sequence[Asset]], object]) -> None:
        """Open a popup beside a widget; `chosen` gets the work that is clicked."""
        chooser = WorkChooser(beside, self._library, self._thumbnails)
        chooser.chosen.connect(lambda work: chosen([work]))
        chooser.show_beside(beside)

    def drop_target(self, area: QWidget) -> WorkDropTarget:
        """Let works be dropped on a widget."""
        return WorkDropTarget(area, self._library)


def dragged_works(data: QMimeData, library: Library) -> list[Asset]:
    """The works of the library whose files are being dragged."""
    found: list[Asset] = []
    for path in local(data):
        try:
            asset = library.get(path.stem)
        except StudioError:
            continue
        if asset.path == path:
            found.append(asset)
    return found


class WorkDropTarget(QObject):
    """Lets works be dropped on `area`. `dropped(works)`; `over(bool)`: whether a drag is above it."""

    dropped = Signal(object)
    over = Signal(bool)

    def __init__(self, area: QWidget, library: Library) -> None:
        super().__init__(area)
        self._library = library
        self._wanted = False  # whether works are being dragged above it
        area.setAcceptDrops(True)
        area.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QDropEvent) and event.type() == QEvent.Type.Drop:
            self.over.emit(False)
            found = dragged_works(event.mimeData(), self._library)
            if found:
                event.acceptProposedAction()
                self.dropped.emit(found)
            return bool(found)
        if isinstance(event, QDragEnterEvent | QDragMoveEvent):
            if isinstance(event, QDragEnterEvent):
                self._wanted = bool(dragged_works(event.mimeData(), self._library))
            if self._wanted:
                event.acceptProposedAction()
                self.over.emit(True)
                return True
        elif event.type() == QEvent.Type.DragLeave:
            self.over.emit(False)
        return False


class WorkChooser(QFrame):
    """A popup with the works made on this page. `chosen(work)`: one was clicked."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget, library: Library, thumbnails: ThumbnailLoader) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("chooser")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.list = QListView(self)  # it has no place where there are no faces
        self.list.setObjectName("chooserList")
        self.list.setAccessibleName(tr("Faces in the library"))
        shown = WorkListModel(library, thumbnails, LibraryQuery(medium="avatar"))
        self.list.setModel(shown)
        shown.setParent(self.list)
        self.list.setItemDelegate(WorkDelegate(SIDE, titled=False, parent=self.list))
        self.list.setViewMode(QListView.ViewMode.IconMode)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.clicked.connect(self._choose)
        self.list.activated.connect(self._choose)
        inside = column(self, margins=(SIZE.small, SIZE.small, SIZE.small, SIZE.small))
        rows = min(DOWN, max(1, -(-shown.rowCount() // ACROSS)))
        self.list.setFixedSize(QSize(ACROSS * (SIDE + 1) + 14, rows * (SIDE + 1) + 2))
        if shown.rowCount():
            inside.addWidget(self.list)
        else:
            self.list.hide()
            inside.addWidget(label(tr("There are no faces in the library yet."), "muted"))

    def show_beside(self, beside: QWidget) -> None:
        """Open below a widget, or above it if there is no room."""
        self.adjustSize()
        at = beside.mapToGlobal(QPoint(beside.width() - self.width(), beside.height() + 4))
        room = beside.screen().availableGeometry()
        if at.y() + self.height() > room.bottom():
            at = beside.mapToGlobal(QPoint(beside.width() - self.width(), -self.height() - 4))
        self.move(max(room.left(), at.x()), max(room.top(), at.y()))
        self.show()
        self.list.setFocus()

    def _choose(self, index: QModelIndex) -> None:
        asset = index.data(ASSET)
        if asset is not None:
            self.close()
            self.chosen.emit(asset)
