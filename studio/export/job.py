"""An export job: what is asked for, and the files made from it one by one.

Sizes are written as people write them: a number for a square, "1080x1350", the name of a feed or of a network, "feeds"
for all of them, "icons" for the icon set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from studio.errors import BadInput
from studio.export import icons
from studio.export.compose import SIDE_LIMIT, PictureStyle, render
from studio.export.feeds import BY_NAME, FEEDS
from studio.export.formats import find_format
from studio.export.metadata import NO_METADATA, EmbeddedMetadata
from studio.library.asset import without_surrogates
from studio.media.payloads import Image

_SIZE = re.compile(r"(\d{1,5})(?:\s*[x×]\s*(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class ExportJob:
    """A style, the sizes as `parse_sizes` gives them, and the name of a format. Vectors are one file for all sizes."""

    style: PictureStyle
    sizes: tuple[str, ...] = ("512",)
    kind: str = "png"

    def __post_init__(self) -> None:
        find_format(self.kind)

    @property
    def count(self) -> int:
        """How many files it gives."""
        drawn = [size for size in self.sizes if size != "icons"]
        pictures = 1 if find_format(self.kind).draw and drawn else len(drawn)
        return pictures + (icons.COUNT if "icons" in self.sizes else 0)


def parse_sizes(text: str) -> tuple[str, ...]:
    """Sizes from words with commas between them, each once. Raises BadInput that names the one at fault."""
    found: list[str] = []
    networks = {feed.network.lower() for feed in FEEDS}
    for word in (word.strip().lower() for word in text.split(",")):
        match = _SIZE.fullmatch(word)
        if word == "icons":
            found.append(word)
        elif word == "feeds":
            found += [feed.name for feed in FEEDS]
        elif word in networks:
            found += [feed.name for feed in FEEDS if feed.network.lower() == word]
        elif word in BY_NAME:
            found.append(word)
        elif match:
            wide, high = int(match[1]), int(match[2] or match[1])
            if not (1 <= wide <= SIDE_LIMIT and 1 <= high <= SIDE_LIMIT):
                raise BadInput(
                    "{word} is no size that can be made.",
                    "Sides go from 1 to {limit:,} pixels.",
                    word=word,
                    limit=SIDE_LIMIT,
                )
            found.append(str(wide) if wide == high else f"{wide}x{high}")
        else:
            raise BadInput(
                "{word!r} is no size.",
                "Sizes are numbers such as 512, pairs such as 1080x1350, feeds, icons, a network such as instagram, or"
                " one of its uses: {names} and so on.",
                word=word[:40],
                names=", ".join(feed.name for feed in FEEDS[:3]),
            )
    return tuple(dict.fromkeys(found))


def size_in_pixels(size: str) -> tuple[int, int]:
    """Width and height of a size that is not "icons"."""
    if size in BY_NAME:
        return BY_NAME[size].width, BY_NAME[size].height
    wide, _, high = size.partition("x")
    return int(wide), int(high or wide)


def render_files(
    job: ExportJob,
    picture: Image,
    name: str,
    *,
    title: str = "",
    origin: EmbeddedMetadata = NO_METADATA,
    ground: Image | None = None,
) -> Iterator[tuple[str, bytes]]:
    """The files, each with its place below the folder they go to. `name` begins their names, `title` is for people.

    Raises BadInput where no size is chosen, or as `render` does.
    """
    if not job.sizes:
        raise BadInput("No size is chosen.", "Choose at least one.")
    title = without_surrogates(title or name)
    drawn = [size for size in job.sizes if size != "icons"]
    form = find_format(job.kind)
    if form.draw and drawn:
        yield f"{name}{form.suffix}", form.draw(picture, job.style, title, origin, ground)
    elif form.encode:
        under = job.style.colour if job.style.ground == "colour" else "#ffffff"
        for size in drawn:
            wide, high = size_in_pixels(size)
            made = render(picture, job.style, wide, high, ground)
            yield f"{name}-{size}{form.suffix}", form.encode(made, origin, under)
    if "icons" in job.sizes:
        # Folders of their own, where other files come beside them.
        above = "icons/" if drawn else ""
        for inner, data in icons.icon_set(picture, job.style, title, origin, ground):
            yield above + inner, data


def networks() -> Sequence[str]:
    """The networks in the order of the table."""
    return tuple(dict.fromkeys(feed.network for feed in FEEDS))
