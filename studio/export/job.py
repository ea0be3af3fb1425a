"""An export job: what is asked for, and the files made from it one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from studio.errors import BadInput
from studio.export import icons
from studio.export.compose import PictureStyle, render, times_larger
from studio.export.formats import find_format
from studio.export.metadata import NO_METADATA, EmbeddedMetadata
from studio.export.sizes import size_in_pixels
from studio.library.asset import without_surrogates
from studio.media import codecs
from studio.media.payloads import Image


@dataclass(frozen=True, slots=True)
class ExportJob:
    """A style, the sizes as `parse_sizes` gives them, and the name of a format. Vectors are one file for all sizes of
    the same proportions.
    """

    style: PictureStyle
    sizes: tuple[str, ...] = ("512",)
    kind: str = "png"

    def __post_init__(self) -> None:
        find_format(self.kind)

    @property
    def drawn(self) -> tuple[str, ...]:
        """The sizes without the icon set."""
        return tuple(size for size in self.sizes if size != "icons")

    @property
    def count(self) -> int:
        """How many files it gives."""
        pictures = len(self.vectors if find_format(self.kind).draw else self.drawn)
        return pictures + (icons.COUNT if "icons" in self.sizes else 0)

    @property
    def vectors(self) -> tuple[str, ...]:
        """The first size of each proportions."""
        first: dict[object, str] = {}
        for size in self.drawn:
            shape = size if size == "original" else Fraction(*size_in_pixels(size))
            first.setdefault(shape, size)
        return tuple(first.values())

    def vector_name(self, name: str) -> str:
        """The name of the first vector file for a work called `name`; empty where there is none."""
        form = find_format(self.kind)
        return f"{name}{form.suffix}" if form.draw and self.drawn else ""


def read_picture(path: Path) -> Image:
    """The picture in a file. Raises BadInput where it is none."""
    payload = codecs.read(path)
    if not isinstance(payload, Image):
        raise BadInput("{name} is not a picture.", "Pictures are exported; save a copy of other works.", name=path.name)
    return payload


def enlargement(job: ExportJob, size: tuple[int, int], *, cut: bool) -> float:
    """How many times larger than its `size` a picture is drawn where the job asks for most: more than 1 where it has
    too few pixels. 0 where vectors alone are drawn. `cut`: a part of it is transparent.
    """
    sizes = [] if find_format(job.kind).draw else [size_in_pixels(each, size) for each in job.drawn]
    if "icons" in job.sizes:
        sizes.append((icons.LARGEST, icons.LARGEST))
    return max((times_larger(size, job.style, *each, cut=cut) for each in sizes), default=0.0)


def render_files(
    job: ExportJob,
    picture: Image,
    name: str,
    *,
    title: str = "",
    origin: EmbeddedMetadata = NO_METADATA,
    ground: Image | None = None,
    drawing: str = "",
) -> Iterator[tuple[str, bytes]]:
    """The files, each with its place below the folder they go to. `name` begins their names, `title` is for people.
    `drawing` is the SVG that the work has itself; vectors are drawn by it instead of being traced.

    Raises BadInput where no size is chosen, or as `render` does.
    """
    if not job.sizes:
        raise BadInput("No size is chosen.", "Choose at least one.")
    title = without_surrogates(title or name)
    form = find_format(job.kind)
    own = (picture.pixels.shape[1], picture.pixels.shape[0])
    if form.draw:
        for size in job.vectors:
            called = job.vector_name(name) if size == job.vectors[0] else f"{name}-{size}{form.suffix}"
            yield called, form.draw(picture, job.style, title, origin, ground, size_in_pixels(size, own), drawing)
    elif form.encode:
        under = job.style.colour if job.style.ground == "colour" else "#ffffff"
        for size in job.drawn:
            wide, high = size_in_pixels(size, own)
            made = render(picture, job.style, wide, high, ground)
            called = name if size == "original" else f"{name}-{size}"
            yield f"{called}{form.suffix}", form.encode(made, origin, under)
    if "icons" in job.sizes:
        # Folders of their own, where other files come beside them.
        above = "icons/" if job.drawn else ""
        for inner, data in icons.icon_set(picture, job.style, title, origin, ground):
            yield above + inner, data
