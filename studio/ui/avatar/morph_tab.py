"""The tab for morphs: clips that turn one face into the next; their faces, order and timing, and a quick preview."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListWidget, QListWidgetItem, QWidget

from studio.backends.avatar.mixing import parse_face
from studio.backends.avatar.requests import AvatarRequest, AvatarWalkRequest, MorphStop
from studio.errors import StudioError
from studio.jobs.job import Progress
from studio.library.library import Asset
from studio.media import temp_clips
from studio.media.payloads import Clip, Image
from studio.ui.avatar import faces
from studio.ui.avatar.live_jobs import LiveJob, PortraitLoader, portrait_icon
from studio.ui.avatar.session import FaceSession
from studio.ui.forms.form import Form
from studio.ui.forms.undo import UndoHistory
from studio.ui.stages import pictures
from studio.ui.widgets.controls import button, label, named, tool
from studio.ui.widgets.layout import add, column, row
from studio.ui.widgets.text import tr

SIDE = 48
VISIBLE_ROWS = 4  # faces that are seen at once
FACE = Qt.ItemDataRole.UserRole
FIELDS = ("seconds", "way", "curve", "loop", "format")
PREVIEW_FPS = 12


class MorphTab(QWidget):
    """The faces of a morph, its settings with an undo history of their own, its preview, and making it."""

    def __init__(self, session: FaceSession, portraits: PortraitLoader, preview: LiveJob) -> None:
        super().__init__()
        self._session, self._portraits = session, portraits
        self._preview_job = preview
        self._preview_clip: Clip | None = None
        self._filling = False
        self.history = UndoHistory(AvatarWalkRequest())
        self.stations = named(QListWidget(), "stations", tr("Faces of the morph"))
        self.stations.setToolTip(tr("Drag to reorder. Delete removes a face."))
        self.stations.setFrameShape(QFrame.Shape.NoFrame)
        self.stations.setIconSize(QSize(SIDE, SIDE))
        self.stations.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.stations.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.stations.setSpacing(2)
        self.stations.installEventFilter(self)
        self.stations.model().rowsMoved.connect(lambda *_: self._changed("order"))
        self.stations.currentRowChanged.connect(lambda _: self._update_buttons())
        self.nothing = label(
            tr("Add at least two faces: the one you see, or drop some here from the filmstrip."), "muted", wrap=True
        )
        self.add = button(tr("Add this face"), "stationAdd", "compact", icon="plus", clicked=self._add_shown)
        self.add.setToolTip(tr("Add the face you see to the morph"))
        self.choose = button(tr("Choose…"), "stationChoose", "compact", clicked=self._choose)
        self.choose.setToolTip(tr("Choose a face from the library"))
        self.up = tool("up", tr("Move up"), "stationUp", clicked=lambda: self._shift(-1), size=16)
        self.down = tool("down", tr("Move down"), "stationDown", clicked=lambda: self._shift(1), size=16)
        self.remove = tool("trash", tr("Remove this face"), "stationRemove", clicked=self._remove, size=16)
        self.form = Form(AvatarWalkRequest(), names=FIELDS)
        layout = self.form.layout()
        assert layout is not None
        layout.setContentsMargins(0, 0, 0, 0)
        self.form.changed.connect(lambda: self._changed(self.form.last_changed))
        self.films = label(tr("MP4 needs the video extra, which is not installed."), "muted", wrap=True)
        self.preview = button(tr("Preview"), "walkPreview", icon="play", clicked=self._preview)
        self.preview.setToolTip(tr("Quick preview, small and with fewer frames"))
        self.make = button(tr("Create"), "walkMake", clicked=self._make)
        self.make.setToolTip(tr("Render the morph as a clip in the library"))
        self._build()
        portraits.ready.connect(self._update_icons)
        session.live_started.connect(self.stop_preview)
        session.sources.drop_target(self).dropped.connect(self._add_works)
        preview.progressed.connect(self._show_frame)
        preview.done.connect(self._play)
        preview.failed.connect(session.fail)
        self._fill(self.history.value)

    def _build(self) -> None:
        top = column(
            self, self.nothing, self.stations, row(None, self.up, self.down, self.remove, spacing=2), spacing=8
        )
        add(top, row((self.add, 1), (self.choose, 1)), 8, self.form, self.films)
        ends = row((self.preview, 1), (self.make, 1))
        self.foot = QWidget()
        self.foot.setLayout(ends)

    def request(self) -> AvatarWalkRequest:
        """The morph as a request; all faces are drawn by the model of the first one, at its size."""
        stops = [self.stations.item(at).data(FACE) for at in range(self.stations.count())]
        return self.form.value().replace(
            stations=tuple(MorphStop(face=faces.face_json(face, face.name)) for face in stops),
            model=stops[0].model if stops else "",
            size=stops[0].size if stops else AvatarWalkRequest().size,
        )

    def show_request(self, walk: AvatarWalkRequest) -> None:
        """Show another morph, as one undo step."""
        self.history.step(walk)
        self._fill(walk)

    def restore(self, walk: AvatarWalkRequest) -> None:
        """Start with the morph of the last session."""
        self.history = UndoHistory(walk)
        self._fill(walk)

    def extend(self, more: Sequence[AvatarRequest]) -> None:
        """Add faces at the end."""
        walk = self.request()
        added = tuple(MorphStop(face=faces.face_json(face, face.name)) for face in more)
        self.show_request(walk.replace(stations=(*walk.stations, *added)))
        self.stations.setCurrentRow(self.stations.count() - 1)

    def undo(self) -> None:
        self._fill(self.history.undo())

    def redo(self) -> None:
        self._fill(self.history.redo())

    def _fill(self, walk: AvatarWalkRequest) -> None:
        self._filling = True
        at = self.stations.currentRow()
        self.stations.clear()
        for number, station in enumerate(walk.stations, 1):
            face = parse_face(station.face)
            item = QListWidgetItem(face.name or tr("Face {n}").format(n=number))
            item.setData(FACE, face)
            self.stations.addItem(item)
            self._set_icon(item)
        self.stations.setCurrentRow(min(max(0, at), self.stations.count() - 1))
        self.form.set_value(walk)
        self._filling = False
        self._update_buttons()

    def _changed(self, kind: str) -> None:
        if not self._filling:
            self.history.step(self.request(), kind if kind in FIELDS else "")
            self._update_buttons()

    def _update_buttons(self) -> None:
        """Enable what can be done with the faces there are."""
        number, at = self.stations.count(), self.stations.currentRow()
        self.nothing.setVisible(number < 2)
        self.stations.setVisible(number > 0)
        self.stations.setFixedHeight(min(number, VISIBLE_ROWS) * max(SIDE, self.stations.sizeHintForRow(0) + 4) + 4)
        for control, on in ((self.up, at > 0), (self.down, 0 <= at < number - 1), (self.remove, at >= 0)):
            control.setVisible(number > 0)
            control.setEnabled(on)
        possible = self.form.value().format != "mp4" or _mp4_available()
        self.films.setHidden(possible)
        self.preview.setEnabled(number > 1)
        self.make.setEnabled(number > 1 and possible)

    def _add_shown(self) -> None:
        work, face = self._session.work, self._session.shown()
        if work is not None and faces.face_of(work) is not None:
            self._session.sources.remember(face, work)
        self.extend([face])

    def _choose(self) -> None:
        self._session.sources.choose(self.choose, self._add_works)

    def _add_works(self, works: Sequence[Asset]) -> None:
        self.extend(self._session.sources.faces(works))

    def _make(self) -> None:
        request = self.request()
        stops = [faces.face_json(parse_face(station.face)) for station in request.stations]
        self._session.submit(request, self._session.sources.works_of(stops))

    def _preview(self) -> None:
        self.stop_preview()
        self._session.drop_live()
        self._preview_job.run(self.request().replace(size="native", fps=PREVIEW_FPS, format="webp"))

    def cancel_preview(self) -> None:
        """Stop rendering a preview; one that plays stays on the stage."""
        self._preview_job.stop()

    def stop_preview(self) -> None:
        """Stop the preview, and delete its file."""
        self._preview_job.stop()
        if self._preview_clip is not None:
            clip, self._preview_clip = self._preview_clip, None
            self._session.stage.stage.deactivate()
            temp_clips.discard(clip)

    def _show_frame(self, progress: Progress) -> None:
        frame = progress.preview
        if isinstance(frame, Image):
            side = max(pictures.LARGE_SIDE, frame.pixels.shape[1])
            stage = self._session.stage.live_stage(tr("Quick preview"), lasting=False)
            stage.show_live(frame, side, rough=True)

    def _play(self, made: list[Clip]) -> None:
        clip = self._preview_clip = made[0]
        try:
            self._session.stage.play_live(clip, max(pictures.LARGE_SIDE, clip.width), tr("Quick preview"))
        except (StudioError, OSError) as error:
            self._session.fail(error)

    def _shift(self, by: int) -> None:
        at = self.stations.currentRow()
        walk = self.request()
        moved = list(walk.stations)
        moved.insert(at + by, moved.pop(at))
        self.show_request(walk.replace(stations=tuple(moved)))
        self.stations.setCurrentRow(at + by)

    def _remove(self) -> None:
        at = self.stations.currentRow()
        walk = self.request()
        if 0 <= at < len(walk.stations):
            self.show_request(walk.replace(stations=(*walk.stations[:at], *walk.stations[at + 1 :])))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Delete removes the selected face; Alt with an arrow key moves it."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
            actions = {
                (Qt.Key.Key_Delete, False): self._remove,
                (Qt.Key.Key_Backspace, False): self._remove,
                (Qt.Key.Key_Up, True): partial(self._shift_within, -1),
                (Qt.Key.Key_Down, True): partial(self._shift_within, 1),
            }
            action = actions.get((Qt.Key(event.key()), alt))
            if action is not None:
                action()
                return True
        return False

    def _shift_within(self, by: int) -> None:
        if 0 <= self.stations.currentRow() + by < self.stations.count() and self.stations.currentRow() >= 0:
            self._shift(by)

    def _update_icons(self, face: AvatarRequest) -> None:
        for at in range(self.stations.count()):
            if faces.unnamed(self.stations.item(at).data(FACE)) == face:
                self._set_icon(self.stations.item(at))

    def showEvent(self, event: QShowEvent) -> None:
        """Draw portraits once they can be seen, not when the morph of the last session is restored."""
        super().showEvent(event)
        for at in range(self.stations.count()):
            self._set_icon(self.stations.item(at))

    def _set_icon(self, item: QListWidgetItem) -> None:
        picture = self._portraits.get(item.data(FACE)) if self.isVisible() else None
        item.setIcon(portrait_icon(picture, SIDE, self.devicePixelRatioF()))


def _mp4_available() -> bool:
    from studio.media import clips  # the page is built without Pillow

    return clips.mp4_available()
