"""Tasks for models that lie elsewhere: finding those of other programs, linking to them, moving own ones to a disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from studio.jobs.io.host import IoEngine, ModelIoRequest
from studio.jobs.io.imports import ImportPath
from studio.jobs.job import Progress, Report
from studio.models.model import Model
from studio.schema import request as schema
from studio.schema.nested import ListOf
from studio.schema.request import Flag, FreeText, PathTo, Request

if TYPE_CHECKING:
    from studio.models.sources.programs import ModelScan


@dataclass(frozen=True, kw_only=True)
class ModelScanRequest(ModelIoRequest):
    """Look for models of other programs: where these keep them, unless `usual` is off, and in further folders."""

    kind: ClassVar[str] = "scan.models"
    title: ClassVar[str] = "Look for models"

    folders: tuple[ImportPath, ...] = schema.field(
        (), ListOf(of=ImportPath, limit=1000, label="Folders", help="Further folders to look in.")
    )
    usual: bool = schema.field(True, Flag(label="Usual folders", help="Look where other programs keep models."))

    @property
    def subject(self) -> str:
        return ", ".join(Path(each.path).name for each in self.folders[:3]) + ("…" if len(self.folders) > 3 else "")


class ModelScanEngine(IoEngine):
    """Results: one ModelScan. Progress is the number of models found so far."""

    def run(self, request: Request, report: Report) -> list[ModelScan]:
        assert isinstance(request, ModelScanRequest)
        folders = [Path(each.path).expanduser() for each in request.folders]
        found = self._context.catalog.scan(
            folders, usual=request.usual, report=lambda found, folder: report(Progress("reading", found))
        )
        return [found]


@dataclass(frozen=True, kw_only=True)
class ModelLinkRequest(ModelIoRequest):
    """Add a model of another program by links to its files, which stay where they are.

    `path`, `program`, `name` and `licence` are those of the FoundModel.
    """

    kind: ClassVar[str] = "link.model"
    title: ClassVar[str] = "Link model"

    path: str = schema.field("", PathTo(label="File", help="A file or folder of weights."))
    program: str = schema.field("", FreeText(label="Program", help="The program that it belongs to.", limit=80))
    name: str = schema.field("", FreeText(label="Name", help="What it is called there.", limit=300))
    licence: str = schema.field("", FreeText(label="Licence", help="The licence, if known.", limit=200))
    accept_licence: bool = schema.field(False, Flag(label="Licence accepted", help="Whether its terms are accepted."))

    @property
    def subject(self) -> str:
        return self.name or Path(self.path).name


class ModelLinkEngine(IoEngine):
    """Results: the Model. Progress is in bytes that were read."""

    def run(self, request: Request, report: Report) -> list[Model]:
        assert isinstance(request, ModelLinkRequest)
        from studio.models.sources import programs

        report(Progress("reading"))
        catalog = self._context.catalog
        found = programs.find(Path(request.path), catalog.families, request.program, request.name, request.licence)
        model = catalog.link(
            found,
            accept_licence=request.accept_licence,
            report=lambda done, total: report(Progress("checking", done, total, unit="B")),
        )
        self._context.changed("models")
        return [model]


@dataclass(frozen=True, kw_only=True)
class ModelMoveRequest(ModelIoRequest):
    """Move the weights of a model to a folder on another disk; an empty folder brings them back."""

    kind: ClassVar[str] = "move.model"
    title: ClassVar[str] = "Move model"

    id: str = schema.field("", FreeText(label="Model", help="The id of a model.", limit=80))
    folder: str = schema.field("", PathTo(label="Folder", help="A folder on another disk.", folder=True))

    @property
    def subject(self) -> str:
        return self.id

    @property
    def unfinished(self) -> tuple[Path, str] | None:
        from studio.models.links import MOVING

        return (Path(self.folder), MOVING) if self.folder else None


class ModelMoveEngine(IoEngine):
    """Results: the Model. Progress is in bytes: each is copied, then read again."""

    def run(self, request: Request, report: Report) -> list[Model]:
        assert isinstance(request, ModelMoveRequest)
        model = self._context.catalog.move(
            request.id,
            Path(request.folder) if request.folder else None,
            lambda done, total: report(Progress("copying", done, total, unit="B")),
        )
        self._context.changed("models")
        return [model]
