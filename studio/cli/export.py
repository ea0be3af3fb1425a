"""`studio export`: pictures in the sizes and formats of feeds, profiles and icon sets."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from studio.cli.make import add_output
from studio.cli.words import tr
from studio.errors import BadInput, Message, counted
from studio.export.compose import GROUNDS, PADDING, SHIFT, Ground, PictureStyle, transparent
from studio.export.formats import find_format, formats
from studio.export.job import ExportJob, enlargement, read_picture, render_files
from studio.export.shapes import SHAPES
from studio.export.sizes import parse_sizes
from studio.media import codecs
from studio.media.payloads import Image
from studio.media.provenance import Embed
from studio.schema.fields import WorkKey

if TYPE_CHECKING:
    from studio.cli.context import CliContext
    from studio.export.writer import File
    from studio.jobs.job import Job
    from studio.library.asset import Asset
    from studio.schema.request import Request

SHEETS = ("contact", "character")


class ExportSource(NamedTuple):
    """A picture and where it comes from; `asset` is None for a file outside the library. `enlarged` is the work that a
    network made of it, whose picture this is then.
    """

    picture: Image
    path: Path
    asset: Asset | None
    name: str
    title: str
    enlarged: Asset | None = None


def add(verbs: Any) -> None:
    verbs.add_parser(
        "export",
        help=tr("export pictures as profiles, posts, icons, sheets or SVG"),
        description=tr("Export works in the sizes and formats that you need. Either all files are written, or none."),
        fill=_add_flags,
    )


def _add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("works", nargs="+", metavar="WORK", help=tr("a work's id, or a picture file"))
    parser.add_argument(
        "--to", type=Path, required=True, metavar="PLACE", help=tr("folder or .zip file to write to (required)")
    )
    parser.add_argument(
        "--shape", choices=SHAPES, default="square", help=tr("shape to cut the picture to (default: square)")
    )
    parser.add_argument(
        "--background",
        default="none",
        metavar="WHAT",
        help=tr(
            "none, a colour (#f2e9dc), a gradient (#f2e9dc,#c9dbe6, optionally an angle in degrees), or a work"
            " (default: none)"
        ),
    )
    parser.add_argument(
        "--sizes",
        default="512",
        metavar="LIST",
        help=tr("numbers, pairs such as 1080x1350, feeds, icons, or a network such as instagram (default: 512)"),
    )
    kinds = [each.name for each in formats()]
    parser.add_argument("--format", choices=kinds, default="png", help=tr("file format (default: png)"))
    for name, (low, high), words in (
        ("padding", PADDING, tr("margin around the picture, as a fraction of the side")),
        ("across", SHIFT, tr("horizontal shift to the right, as a fraction of the side")),
        ("down", SHIFT, tr("vertical shift downwards, as a fraction of the side")),
    ):
        about = tr("{words}; {low:g} to {high:g} (default: 0)", words=words, low=low, high=high)
        parser.add_argument(f"--{name}", type=float, default=0.0, metavar="N", help=about)
    parser.add_argument("--sheet", choices=SHEETS, help=tr("put all works on one sheet (default: no)"))
    parser.add_argument("--title", default="", metavar="TEXT", help=tr("title of a sheet (default: none)"))
    parser.add_argument(
        "--captions",
        metavar="LIST",
        help=tr("captions of a sheet's pictures, separated by commas (default: their titles)"),
    )
    parser.add_argument(
        "--upscale",
        action="store_true",
        help=tr(
            "where a size has more pixels than the picture, enlarge it by a network first, which adds the larger"
            " picture to the library (default: no)"
        ),
    )
    parser.add_argument(
        "--model", default="", metavar="ID", help=tr("model for --upscale (default: the first installed)")
    )
    add_output(parser)
    parser.set_defaults(run=run)


def run(values: argparse.Namespace, context: CliContext) -> int:
    from studio.export import writer

    sizes = parse_sizes(values.sizes)
    look, behind = _look(values)
    to = values.to.expanduser().absolute()
    embed = cast(Embed, context.settings().embed_metadata)
    with context.library() as library:

        def find(word: str) -> ExportSource:
            return _source(word, library.get)

        sources = [find(word) for word in values.works]
        ground = find(behind) if behind else None
    order = ExportJob(look, sizes, values.format)
    if values.upscale:
        if values.sheet:
            raise BadInput("A sheet is not upscaled.", "Leave out --upscale, or --sheet.")
        sources = _upscaled(values, context, order, sources)
    made = _sheet(values, sources, embed) if values.sheet else _files(order, sources, ground, embed)
    name = sources[0].name if len(sources) == 1 else "export"
    written: list[str] = []
    end = writer.write_files(_noting(made, written), to, name)
    if values.json:
        context.print_json({"to": str(end), "files": written})
    else:
        context.print(counted(len(written), "{to}  (1 file)", "{to}  ({n} files)", to=end))
    return 0


def _upscaled(
    values: argparse.Namespace, context: CliContext, order: ExportJob, sources: list[ExportSource]
) -> list[ExportSource]:
    """The sources, those with too few pixels for the order enlarged."""
    from studio.cli import jobs, progress
    from studio.export.upscaling import upscaling

    made = list(sources)
    with context.studio() as studio:
        how = upscaling(studio.media.values())
        assert how is not None  # the studio's own media have one
        waiting: list[int] = []
        requests: list[Request] = []
        for at, source in enumerate(sources):
            height, width = source.picture.pixels.shape[:2]
            times = enlargement(order, (width, height), cut=transparent(source.picture))
            factor = how.factor(times, width * height)
            if not factor:
                continue
            key = WorkKey(id=source.asset.id) if source.asset else WorkKey(path=str(source.path.absolute()))
            request = how.request(key, factor, values.model or studio.catalog.default(how.medium.name).id)
            before = how.made_before(studio.library, source.asset, request) if source.asset else None
            if before is not None:
                made[at] = _enlarged(source, before)
                continue
            waiting.append(at)
            requests.append(request)

        def receive(job: Job, results: list[Any], partial: bool) -> None:
            if not partial:
                made[waiting[job.member]] = _enlarged(sources[waiting[job.member]], results[0])

        if requests:
            display = progress.display(values.progress)
            parents = {at: (asset.id,) for at, each in enumerate(waiting) if (asset := sources[each].asset)}
            jobs.run(studio, requests, display, receive, parents)
        elif made == sources:
            context.print_error(Message("No size needs more pixels than the pictures have: nothing is upscaled."))
    return made


def _enlarged(source: ExportSource, work: Asset) -> ExportSource:
    return source._replace(picture=read_picture(work.path), enlarged=work)


def _noting(made: Iterator[File], written: list[str]) -> Iterator[File]:
    for name, data in made:
        written.append(name)
        yield name, data


def _files(order: ExportJob, sources: list[ExportSource], ground: ExportSource | None, embed: Embed) -> Iterator[File]:
    from studio.export import writer
    from studio.export.metadata import EmbeddedMetadata, further_files, own_drawing

    taken: set[str] = set()
    for source in sources:
        name = writer.unique_file_name(source.name, taken)
        behind = ground.asset if ground else None
        origin = EmbeddedMetadata(source.asset, embed, behind=behind, enlarged=source.enlarged)
        picture = ground.picture if ground else None
        own = own_drawing(source.asset) if source.asset else ""
        made = render_files(order, source.picture, name, title=source.title, origin=origin, ground=picture, drawing=own)
        further = further_files(source.asset, name, embed, order.vector_name(name)) if source.asset else ()
        for inner, data in itertools.chain(made, further):
            # Icons have fixed names; those of several works must not meet.
            above = f"{name}/" if len(sources) > 1 and "/" in inner else ""
            icons_only = len(sources) > 1 and order.sizes == ("icons",)
            yield (f"{name}/{inner}" if icons_only else above + inner), data


def _sheet(values: argparse.Namespace, sources: list[ExportSource], embed: Embed) -> Iterator[File]:
    from studio.export import sheets, writer
    from studio.export.metadata import EmbeddedMetadata

    captions = [source.title for source in sources]
    if values.captions is not None:
        given = [word.strip() for word in values.captions.split(",")]
        if len(given) != len(sources):
            raise BadInput(
                "There are {captions} captions for {works} works.",
                "Give one caption for each work.",
                captions=len(given),
                works=len(sources),
            )
        captions = given
    form = find_format(values.format)
    if form.encode is None:
        raise BadInput("A sheet cannot be exported as {title}.", "Choose png, webp or jpeg.", title=form.title)
    entries = [(source.picture, caption) for source, caption in zip(sources, captions, strict=True)]
    if values.sheet == "contact":
        sheet = sheets.contact_sheet(entries, title=values.title)
    else:
        sheet = sheets.character_sheet(entries, name=values.title)
    name = writer.safe_name(values.title, f"{values.sheet}-sheet")
    yield f"{name}{form.suffix}", form.encode(sheet, EmbeddedMetadata(sources[0].asset, embed), "#ffffff")


def _look(values: argparse.Namespace) -> tuple[PictureStyle, str]:
    """The style of the flags, and the word that names the background work; empty if there is none."""
    what: str = values.background.strip()
    place: dict[str, Any] = {"shape": values.shape, "padding": values.padding}
    place |= {"across": values.across, "down": values.down}
    if what == "none":
        return PictureStyle(**place), ""
    if not what.startswith("#"):
        ground: Ground = GROUNDS[-1]
        return PictureStyle(**place, ground=ground), what
    first, *rest = (part.strip() for part in what.split(","))
    if not rest:
        return PictureStyle(**place, ground="colour", colour=first), ""
    if len(rest) > 2:
        raise BadInput(
            "{what!r} is not a background.",
            "A gradient is two colours and an angle, separated by commas.",
            what=what[:60],
        )
    try:
        angle = float(rest[1]) if len(rest) == 2 else 180.0
    except ValueError:
        raise BadInput("{angle!r} is not an angle.", "Give degrees, such as 135.", angle=rest[1][:40]) from None
    return PictureStyle(**place, ground="gradient", colour=first, second=rest[0], angle=angle), ""


def _source(word: str, get: Callable[[str], Asset]) -> ExportSource:
    """The picture of a work, or in a file. Raises BadInput where it is neither, or no picture."""
    from studio.export import writer

    path = Path(word).expanduser()
    if path.suffix.lower() in codecs.SUFFIXES:
        asset, title = None, path.stem
    else:
        asset = get(word)
        path, title = asset.path, asset.title
    fallback = asset.id if asset is not None else "picture"
    return ExportSource(read_picture(path), path, asset, writer.safe_name(title, fallback), title)
