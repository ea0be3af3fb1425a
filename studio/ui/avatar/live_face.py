"""The face under a person's hand, and sixteen to choose from: live jobs, the newest of which win; shows nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from studio.backends.avatar.requests import AvatarRequest
from studio.errors import StudioError
from studio.jobs.job import Cancelled, Job
from studio.library.library import Asset
from studio.schema.request import Request
from studio.ui.bridge import outcome

if TYPE_CHECKING:
    from studio.studio import Studio

SLOT = "avatar"
REST = 150  # milliseconds without a move, after which the face is drawn as large as it is wanted

Came = Callable[[Job, list[Any]], object]


class LiveJobs(QObject):
    """Live jobs and what comes of them. `failed` has the error of one, unless it was cancelled."""

    failed = Signal(object)

    def __init__(self, studio: Studio, parent: QObject) -> None:
        super().__init__(parent)
        self._studio = studio
        self._tasks: dict[asyncio.Task[None], Job] = {}

    @property
    def busy(self) -> bool:
        return bool(self._tasks)

    def ask(self, request: Request, came: Came, *, slot: str | None, parents: Sequence[str] = ()) -> Job | None:
        """Have it made; `came` gets the job and its payloads. None where it cannot be, which `failed` says."""
        try:
            job = self._studio.submit(request, parents=parents, replaces=slot, live=True)
        except StudioError as error:
            self.failed.emit(error)
            return None
        task = asyncio.ensure_future(self._await(job, came))
        self._tasks[task] = job
        task.add_done_callback(lambda done: self._tasks.pop(done, None))
        return job

    def stop(self) -> None:
        """Cancel all of them, and hear of none any more."""
        for task, job in list(self._tasks.items()):
            task.cancel()
            if job.state in ("queued", "running"):
                try:
                    self._studio.cancel(job.id)
                except StudioError:  # it has ended in this moment
                    continue
            else:
                self._studio.discard(job)
        self._tasks.clear()

    async def _await(self, job: Job, came: Came) -> None:
        try:
            made = await outcome(job)
        except Cancelled:
            return
        except Exception as error:  # noqa: BLE001 - whatever ended it is said above the stage, in words
            self.failed.emit(error)
            return
        came(job, made)


class LiveFace(QObject):
    """`drawn` has a picture and whether it is all there will be; `kept` the work that a face became."""

    drawn = Signal(object, bool)
    failed = Signal(object)
    kept = Signal(object)

    def __init__(self, studio: Studio, parent: QObject) -> None:
        super().__init__(parent)
        self._studio = studio
        self._live, self._keeping = LiveJobs(studio, self), LiveJobs(studio, self)
        self.face: AvatarRequest | None = None  # what is drawn; None while the hand is empty
        self.model = ""  # what draws a face that names no model: looked up once, not at every move
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST)
        self._rest.timeout.connect(self._finish)
        self._live.failed.connect(self._lost)
        self._keeping.failed.connect(self.failed)

    def hold(self, face: AvatarRequest, *, moving: bool) -> None:
        """Draw this face: at once as the network draws it, and larger where that is wanted and it does not move."""
        before, self.face = self.face, face
        if before is None or _quick(before) != _quick(face):
            self._ask(_quick(face))
        if moving or face.size == "native":
            self._rest.stop()
        else:
            self._rest.start()

    def drop(self) -> None:
        """Another thing is shown: nothing of this is drawn any more. What is being kept is kept."""
        self.face = None
        self._rest.stop()
        self._live.stop()

    def close(self) -> None:
        self.drop()
        self._keeping.stop()

    def keep(self, face: AvatarRequest, parents: Sequence[str]) -> None:
        """Make a work of a face."""
        self._keeping.ask(face, self._keep, slot=None, parents=parents)

    @property
    def keeping(self) -> bool:
        return self._keeping.busy

    def _finish(self) -> None:
        if self.face is not None:
            self._ask(self.face.replace(name=""))

    def _ask(self, face: AvatarRequest) -> None:
        self._live.ask(face.replace(model=face.model or self.model), self._came, slot=SLOT)

    def _came(self, job: Job, made: list[Any]) -> None:
        if self.face is not None and made:
            request = job.request
            assert isinstance(request, AvatarRequest)
            self.drawn.emit(made[0], request.size == self.face.size and not self._rest.isActive())

    def _lost(self, error: BaseException) -> None:
        """What cannot be drawn is said once, and not again for its larger picture."""
        self._rest.stop()
        self.face = None
        self.failed.emit(error)

    def _keep(self, job: Job, made: list[Any]) -> None:
        try:
            works: list[Asset] = self._studio.save(job)
        except (StudioError, OSError) as error:
            self.failed.emit(error)
            return
        self.kept.emit(works[0])


class CandidateFaces(QObject):
    """Faces to choose from. `came` has a place and its picture; each picture is a face of `faces`."""

    came = Signal(int, object)
    failed = Signal(object)

    def __init__(self, studio: Studio, parent: QObject) -> None:
        super().__init__(parent)
        self.faces: list[AvatarRequest] = []
        self._live = LiveJobs(studio, self)
        self._live.failed.connect(self._lost)

    def gather(self, faces: Sequence[AvatarRequest]) -> None:
        """Draw these; those of before that are not drawn yet are given up."""
        self._live.stop()
        self.faces = list(faces)
        for at, face in enumerate(self.faces):
            asked = self._live.ask(
                _quick(face), lambda _, made, at=at: made and self.came.emit(at, made[0]), slot=f"{SLOT}.{at}"
            )
            if asked is None:
                break

    def close(self) -> None:
        self._live.stop()

    def _lost(self, error: BaseException) -> None:
        """What one cannot be, the others cannot be either: it is said once."""
        self._live.stop()
        self.failed.emit(error)


def _quick(face: AvatarRequest) -> AvatarRequest:
    return face.replace(size="native", name="")
