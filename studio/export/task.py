"""The task that exports a picture of the library to a folder or a zip."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from studio.errors import BadInput
from studio.jobs.io.host import IoEngine, IoRequest
from studio.jobs.job import Progress, Report
from studio.schema.fields import FreeText, PathTo, WorkKey, WorkRef, field
from studio.schema.request import Request

if TYPE_CHECKING:
    from studio.export.job import ExportJob


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportRequest(IoRequest):
    """Write a work as files. `source` and its background `behind` are ids of works, `order` an ExportJob as JSON.

    `enlarged` is a work that a network made of it and that is drawn in its place.
    """

    kind: ClassVar[str] = "export"
    title: ClassVar[str] = "Export"
    icon: ClassVar[str] = "export"

    source: str = field("", FreeText(label="Work", help="The id of the work.", limit=200))
    enlarged: WorkKey = field(WorkKey(), WorkRef(label="Enlarged", help="The picture enlarged by a network."))
    behind: str = field("", FreeText(label="Background", help="The id of the work behind it.", limit=200))
    order: str = field("{}", FreeText(label="Order", help="Style, sizes and format as JSON.", limit=20_000))
    to: str = field("", PathTo(label="Folder", help="A folder, or a file that ends in .zip."))
    name: str = field("", FreeText(label="Name", help="The first part of the file names.", limit=200))

    @property
    def subject(self) -> str:
        return self.name

    @property
    def unfinished(self) -> tuple[Path, str]:
        from studio.export import writer

        to = Path(self.to)
        return to.parent if writer.is_zip(to) else to, writer.EXPORTING


@dataclasses.dataclass(frozen=True, slots=True)
class ExportedFiles:
    """Where the files are (a folder, a zip or one file), and how many there are."""

    path: Path
    count: int


class ExportEngine(IoEngine):
    """Results: one ExportedFiles. A cancelled export leaves nothing."""

    def run(self, request: Request, report: Report) -> list[ExportedFiles]:
        from studio.export import writer  # with what draws, which a window does not need at its start
        from studio.export.job import read_picture, render_files
        from studio.export.metadata import EmbeddedMetadata, further_files, own_drawing

        assert isinstance(request, ExportRequest)
        report(Progress("reading"))
        order = order_from_json(request.order)
        library = self._context.library
        asset = library.get(request.source)
        behind = library.get(request.behind) if request.behind else None
        enlarged = library.get(request.enlarged.id) if request.enlarged else None
        embed = self._context.embed()
        origin = EmbeddedMetadata(asset, embed, behind=behind, enlarged=enlarged)
        ground = read_picture(behind.path) if behind is not None else None
        picture = read_picture((enlarged or asset).path)
        drawing = own_drawing(asset)
        made = render_files(
            order, picture, request.name, title=asset.title, origin=origin, ground=ground, drawing=drawing
        )
        further = further_files(asset, request.name, embed, order.vector_name(request.name))
        total = order.count + len(asset.files)
        report(Progress("exporting", 0, total))
        path = writer.write_files(
            itertools.chain(made, further),
            Path(request.to),
            request.name,
            lambda done: report(Progress("exporting", done, total)),
        )
        return [ExportedFiles(path, total)]


def order_to_json(order: ExportJob) -> str:
    return json.dumps({"style": dataclasses.asdict(order.style), "sizes": order.sizes, "kind": order.kind})


def order_from_json(text: str) -> ExportJob:
    """The job in the JSON. Raises BadInput for anything that `order_to_json` did not write."""
    from studio.export.compose import PictureStyle
    from studio.export.job import ExportJob

    try:
        data: dict[str, Any] = json.loads(text)
        return ExportJob(PictureStyle(**data["style"]), tuple(data["sizes"]), data["kind"])
    except (ValueError, TypeError, KeyError) as error:
        raise BadInput("This export cannot be read any more.", "Start it again from the work.") from error
