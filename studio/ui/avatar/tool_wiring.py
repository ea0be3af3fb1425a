"""What the tools of the avatar page have made: directions, walks, faces of pictures; and whom they are brought."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from studio.backends.avatar.requests import (
    AvatarDirectionsRequest,
    AvatarProjectRequest,
    AvatarRequest,
    AvatarWalkRequest,
)
from studio.errors import StudioError
from studio.jobs.job import Progress
from studio.library.library import Asset
from studio.media import codecs, temp_clips
from studio.media.payloads import Clip, Image
from studio.ui.avatar import face_ops
from studio.ui.avatar.face_sources import WorkChooser, WorkDropTarget
from studio.ui.avatar.live_job import LiveJob
from studio.ui.stages import pictures
from studio.ui.widgets.text import tr

if TYPE_CHECKING:
    from studio.ui.avatar.inspector import AvatarInspector


class ToolWiring(QObject):
    """Joins the tabs of one inspector to the studio."""

    def __init__(self, inspector: AvatarInspector) -> None:
        super().__init__(inspector)
        self._all = inspector
        self._panel, self._easel = inspector.panel, inspector.panel.stage_area
        studio, bridge = self._panel.studio, self._panel.bridge
        self._works: dict[str, str] = {}  # of faces that were brought here, by how rows name them, the works' ids
        self._clip: Clip | None = None  # the preview that plays
        self._looking = LiveJob(studio, bridge, "avatar.directions", self)
        self._walk = LiveJob(studio, bridge, "avatar", self)
        ways, mixing, walking, finding = inspector.directions, inspector.mixing, inspector.walking, inspector.finding
        ways.wanted.connect(self._look)
        ways.stopped.connect(self._looking.stop)
        ways.forgotten.connect(self._forget)
        self._looking.progressed.connect(lambda progress: ways.show_progress((progress.done, progress.total)))
        self._looking.done.connect(lambda _: inspector.models_changed())
        self._looking.ended.connect(lambda: ways.show_progress(None))
        self._walk.progressed.connect(self._step)
        self._walk.done.connect(self._play)
        for running in (self._looking, self._walk):
            running.failed.connect(inspector.fail)
        mixing.wanted.connect(self._mix)
        mixing.failed.connect(inspector.fail)
        walking.wanted.connect(self._station)
        walking.previewed.connect(self._preview)
        walking.made.connect(self._make)
        finding.asked.connect(self._find)
        finding.chosen.connect(self._ask_file)
        for area, take in ((mixing, self._mix_works), (walking, self._station_works)):
            WorkDropTarget(area, studio.library).dropped.connect(take)
        into = WorkDropTarget(finding, studio.library)
        into.dropped.connect(lambda works: finding.take(works[0]))
        into.over.connect(finding.well.lift)

    def close(self) -> None:
        self._looking.stop()
        self.stop_preview()

    def parents(self, face: AvatarRequest) -> list[str]:
        """The works that a face was made from, so far as they came from the library."""
        return list(dict.fromkeys(self._works[mix.face] for mix in face.mix if mix.face in self._works))

    # Directions.

    def _look(self, request: AvatarDirectionsRequest) -> None:
        face = self._all.shown()
        self._all.directions.show_progress((0, 0))
        self._looking.run(request.replace(model=face.model))
        if not self._looking.busy:
            self._all.directions.show_progress(None)

    def _forget(self, id: str) -> None:
        """The face in the brief goes on without it."""
        if face_ops.direction_amount(self._all.shown(), id):
            self._all.settle_face(lambda face: face_ops.with_direction(face, id, 0.0))

    # Faces from elsewhere.

    def _choose(self, beside: QWidget, take: Callable[[Sequence[Asset]], object]) -> None:
        chooser = WorkChooser(self._all, self._panel.studio.library, self._panel.thumbnails)
        chooser.chosen.connect(lambda asset: take([asset]))
        chooser.ask(beside)

    def _faces(self, works: Sequence[Asset]) -> list[AvatarRequest]:
        """The faces of works; those that show none are said."""
        found: list[AvatarRequest] = []
        for asset in works:
            face = face_ops.face_of(asset)
            if face is None:
                words = tr("This is a picture, and no face of a model yet. Look for it with Find first.")
                self._panel.work_actions.notify(words, ())
            else:
                self._works[face_ops.face_json(face)] = asset.id
                found.append(face)
        return found

    def _mix(self, way: str) -> None:
        if way == "sixteen":
            self._all.gathering.strangers(self._all.mixing.add)
        else:
            self._choose(self._all.mixing.choose, self._mix_works)

    def _mix_works(self, works: Sequence[Asset]) -> None:
        for face in self._faces(works):
            self._all.mixing.add(face)

    def _station(self, way: str) -> None:
        if way == "works":
            self._choose(self._all.walking.choose, self._station_works)
        else:
            asset, face = self._all.work, self._all.shown()
            if asset is not None and face_ops.face_of(asset) is not None:
                self._works[face_ops.face_json(face)] = asset.id
            self._all.walking.extend([face])

    def _station_works(self, works: Sequence[Asset]) -> None:
        self._all.walking.extend(self._faces(works))

    # Walks.

    def _preview(self, walk: AvatarWalkRequest) -> None:
        self.stop_preview()
        self._all.hand.drop()
        self._walk.run(walk)

    def _step(self, progress: Progress) -> None:
        if isinstance(progress.preview, Image):
            self._easel.show_live(
                progress.preview, self._side(progress.preview), tr("The walk, quickly"), rough=True, lasting=False
            )

    def _play(self, made: list[Clip]) -> None:
        self._clip = made[0]
        try:
            self._easel.play_live(self._clip, self._side(self._clip), tr("The walk, quickly"))
        except (StudioError, OSError) as error:
            self._all.fail(error)

    def _side(self, shown: Image | Clip) -> int:
        return max(pictures.LARGE_SIDE, shown.width if isinstance(shown, Clip) else shown.pixels.shape[1])

    def leave(self) -> None:
        """Another page is shown: what plays stays where it is, what is being made for it is given up."""
        self._walk.stop()

    def stop_preview(self) -> None:
        """Another thing is shown: the preview's file goes."""
        self._walk.stop()
        if self._clip is not None:
            clip, self._clip = self._clip, None
            self._easel.stage.deactivate()
            temp_clips.discard(clip)

    def _make(self, walk: AvatarWalkRequest) -> None:
        rows = [face_ops.face_json(face_ops.parse_face(station.face)) for station in walk.stations]
        ids = [self._works[row] for row in rows if row in self._works]
        try:
            self._panel.submit(walk, parents=list(dict.fromkeys(ids)))
        except StudioError as error:
            self._all.fail(error)

    # Faces of pictures.

    def _find(self, search: AvatarProjectRequest, asset: Asset) -> None:
        face = self._all.face
        try:
            self._panel.submit(
                search.replace(model=face.model, seed=face.seed, size=face.size, name=face.name), parents=[asset.id]
            )
        except StudioError as error:
            self._all.fail(error)

    def found(self, asset: Asset) -> None:
        """A face was found: what its engine says of it is said here too."""
        words = tr(asset.remark)
        searched = self._all.finding.asset
        if searched is not None and searched.id in asset.parents:
            self._all.finding.say(words)
        if words:
            self._panel.work_actions.notify(words, ())

    def _ask_file(self) -> None:
        dialog = QFileDialog(self._all, tr("Choose a picture"), str(Path.home()))
        dialog.setObjectName("findFile")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        endings = " ".join(f"*{suffix}" for suffix in codecs.IMAGE_SUFFIXES)
        dialog.setNameFilter(tr("Pictures ({endings})").format(endings=endings))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda path: self._all.finding.bring(Path(path)))
        dialog.open()
