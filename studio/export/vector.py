"""Traces flat pictures to SVG: few colours, one path for each, alpha respected.

Every colour is traced by itself and lies over those before it, reaching a little under those after it, so that no light
shows through the seams and a colour stays one path that can be given another fill.
"""

from __future__ import annotations

import base64
import io
import re
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageFilter

from studio.errors import BadInput
from studio.export.compose import PictureStyle, Placement, colour_of, needs_ground, own_colour, place, suggest_colours
from studio.export.formats import jpeg
from studio.export.metadata import NO_METADATA, EmbeddedMetadata
from studio.export.shapes import outline
from studio.media import xmp
from studio.media.payloads import Image

COLOURS = 16
TRACE_SIDE = 640
"""Pixels of the longer side that is traced: small pictures are enlarged, so that outlines are curves and no stairs."""

SPECKLE = 0.0002
"""Share of the picture below which a spot of a colour goes to its neighbours."""

MIN_SHARE = 0.0008
"""Share of the picture below which a whole colour goes to the nearest one."""

MERGE_DISTANCE = 16.0
"""Distance in levels below which two colours are one."""

OVERLAP = 2
"""Pixels of the traced picture by which a colour reaches under those that lie over it."""

MIN_SOLID = 0.15
"""Share of a colour's pixels that must lie among their own: less has what only fills the seam between two others."""

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_PATH = re.compile(r'<path d="([^"]*)"[^>]*?translate\((-?[\d.]+),(-?[\d.]+)\)')


def svg(
    picture: Image,
    style: PictureStyle,
    width: int = 512,
    height: int = 0,
    *,
    title: str = "",
    origin: EmbeddedMetadata = NO_METADATA,
    ground: Image | None = None,
    colours: int = COLOURS,
    drawing: str = "",
) -> bytes:
    """The picture in its style as an SVG of `width` x `height` units, a square without a height: by `drawing`, the SVG
    that it was made from, else traced. Raises BadInput where nothing of it can be seen.

    The shape is a clip path and the background a rectangle, so that both can be changed; a background work is embedded.
    """
    paths = (
        [_within(drawing, picture)] if drawing else [f'<path fill="{f}" d="{d}"/>' for f, d in trace(picture, colours)]
    )
    if not paths:
        raise BadInput("This picture is fully transparent: there is nothing to draw.")
    height = height or width
    where = place(picture, style, width, height)
    whole = f'width="{width}" height="{height}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {whole}>']
    if title:
        parts.append(f"<title>{escape(xmp.xml_safe(title))}</title>")
    parts.append(xmp.svg_metadata(origin.note, origin.source).decode())
    defs = f'<clipPath id="shape"><path d="{outline(style.shape, width, height)}"/></clipPath>'
    if style.ground == "gradient":
        defs += _gradient(style, width, height)
    parts.append(f'<defs>{defs}</defs><g clip-path="url(#shape)">')
    if style.ground == "colour":
        parts.append(f'<rect {whole} fill="{style.colour}"/>')
    elif style.ground == "gradient":
        parts.append(f'<rect {whole} fill="url(#ground)"/>')
    elif style.ground == "work":
        parts.append(_embedded(ground, whole))
    elif needs_ground(picture, style, width, height):
        parts.append(f'<rect {whole} fill="{own_colour(picture) or suggest_colours(picture)[0]}"/>')
    parts.append(f'<g transform="{_transform(where, picture)}">')
    parts += paths
    parts.append("</g></g></svg>\n")
    return "".join(parts).encode()


def _within(drawing: str, picture: Image) -> str:
    """An SVG document as an element as large as the picture."""
    head = drawing.index("<svg")
    end = drawing.index(">", head)
    high, wide = picture.pixels.shape[:2]
    kept = re.sub(r'\s(?:width|height)="[^"]*"', "", drawing[head + 4 : end])
    return f'<svg width="{wide}" height="{high}"{kept}{drawing[end:].rstrip()}'


def trace(picture: Image, colours: int = COLOURS) -> list[tuple[str, str]]:
    """(fill, path data) of each colour, from the lowest up, in pixels of the picture; at most `colours` of them."""
    source = Pillow.fromarray(np.ascontiguousarray(picture.pixels)).convert("RGBA")
    scale = TRACE_SIDE / max(source.size)
    size = (max(1, round(source.width * scale)), max(1, round(source.height * scale)))
    large = np.asarray(source.resize(size, Pillow.Resampling.BICUBIC))
    there = large[..., 3] >= 128
    if not there.any():
        return []
    labels, palette = _quantize(large[..., :3], there, colours)
    order = sorted(range(len(palette)), key=lambda at: -int((labels == at).sum()))
    found: list[tuple[str, str]] = []
    over = there.copy()
    for at in order:
        own = labels == at
        over &= ~own  # what lies over this colour
        data = _outlines(own | (_dilate(own) & over), (source.width / size[0], source.height / size[1]))
        if data:
            fill = "#" + "".join(f"{int(level):02x}" for level in palette[at])
            found.append((fill, data))
    return found


def _quantize(
    pixels: NDArray[np.uint8], there: NDArray[np.bool_], colours: int
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """The number of a colour for every pixel, -1 where there is none, and the colours `[n, 3]`."""
    flat = pixels[there]
    side = int(np.ceil(np.sqrt(len(flat))))
    sheet = Pillow.fromarray(np.resize(flat, (side, side, 3)))
    # More than asked for at first: mixed pixels along edges ask for colours of their own, and lose them below.
    chosen = sheet.quantize(min(256, colours * 3), Pillow.Quantize.MEDIANCUT, kmeans=3, dither=Pillow.Dither.NONE)
    numbers = np.asarray(chosen).ravel()[: len(flat)]
    listed = np.array(chosen.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    palette = _merge_colours(listed, np.bincount(numbers, minlength=len(listed))[: len(listed)], colours, len(flat))
    labels = _label(flat, palette, there)
    solid = [
        at for at in range(len(palette)) if _inner_pixels(labels == at) >= MIN_SOLID * max(1, int((labels == at).sum()))
    ]
    if 0 < len(solid) < len(palette):
        palette = palette[solid]
        labels = _label(flat, palette, there)
    return labels, palette


def _label(flat: NDArray[np.uint8], palette: NDArray[np.uint8], there: NDArray[np.bool_]) -> NDArray[np.int16]:
    labels = np.full(there.shape, -1, np.int16)
    labels[there] = _nearest(flat, palette)
    return _smooth_labels(labels, there, len(palette))


def _inner_pixels(own: NDArray[np.bool_]) -> int:
    """Pixels of a colour whose neighbours, up to two pixels away, have the same."""
    return int((~_dilate(~own)).sum())


def _dilate(own: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The region grown by OVERLAP pixels in all eight directions."""
    wide = own.copy()
    for step in range(1, OVERLAP + 1):
        wide[:, step:] |= own[:, :-step]
        wide[:, :-step] |= own[:, step:]
    high = wide.copy()
    for step in range(1, OVERLAP + 1):
        high[step:] |= wide[:-step]
        high[:-step] |= wide[step:]
    return high


def _merge_colours(listed: NDArray[np.uint8], counts: NDArray[np.int64], colours: int, total: int) -> NDArray[np.uint8]:
    """The colours to keep: near ones are merged, then the rarest removed until few enough are left."""
    kept: list[tuple[NDArray[np.float64], int]] = []
    for at in np.argsort(-counts):
        if counts[at] == 0:
            continue
        colour = listed[at].astype(np.float64)
        near = next((i for i, (other, _) in enumerate(kept) if np.abs(other - colour).max() < MERGE_DISTANCE), None)
        if near is None:
            kept.append((colour, int(counts[at])))
        else:
            other, many = kept[near]
            whole = many + int(counts[at])
            kept[near] = ((other * many + colour * int(counts[at])) / whole, whole)
    kept.sort(key=lambda each: -each[1])
    large = [each for each in kept[:colours] if each[1] >= MIN_SHARE * total] or kept[:1]
    return np.rint(np.array([colour for colour, _ in large])).astype(np.uint8)


def _nearest(flat: NDArray[np.uint8], palette: NDArray[np.uint8]) -> NDArray[np.int16]:
    made = np.empty(len(flat), np.int16)
    for start in range(0, len(flat), 100_000):
        part = flat[start : start + 100_000].astype(np.int32)[:, None]
        made[start : start + 100_000] = ((part - palette.astype(np.int32)[None]) ** 2).sum(axis=2).argmin(axis=1)
    return made


def _smooth_labels(labels: NDArray[np.int16], there: NDArray[np.bool_], count: int) -> NDArray[np.int16]:
    """Each pixel as most of its neighbours are, so that the mixed pixels of an edge go to one side or the other."""
    if count < 2:
        return labels
    numbered = Pillow.fromarray(np.where(there, labels, count).astype(np.uint8))
    calm = np.asarray(numbered.filter(ImageFilter.ModeFilter(7))).astype(np.int16)
    calm = np.where(calm >= count, labels, calm)
    return np.where(there, calm, -1).astype(np.int16)


def _outlines(inside: NDArray[np.bool_], scale: tuple[float, float]) -> str:
    """All outlines of a region as the data of one path, in units of `scale` per pixel; empty for specks."""
    import vtracer  # a native library, wanted only here

    height, width = inside.shape
    packed = io.BytesIO()
    Pillow.fromarray(np.where(inside, 0, 255).astype(np.uint8)).convert("RGB").save(packed, "PNG", compress_level=1)
    # By position: the PyO3 in vtracer 0.6.15 misreads the names of arguments on Python 3.14, and the process crashes.
    drawn: str = vtracer.convert_raw_image_to_svg(
        packed.getvalue(),
        "png",
        "binary",  # colormode
        None,  # hierarchical: of no meaning for one colour
        "spline",  # mode
        max(2, round((SPECKLE * width * height) ** 0.5)),  # filter_speckle
        None,  # color_precision
        None,  # layer_difference
        60,  # corner_threshold
        4.0,  # length_threshold
        None,  # max_iterations
        45,  # splice_threshold
        2,  # path_precision
    )
    return "".join(_transform_path(data, float(x), float(y), scale) for data, x, y in _PATH.findall(drawn))


def _transform_path(data: str, across: float, down: float, scale: tuple[float, float]) -> str:
    """Path data of absolute commands with pairs of numbers, moved and scaled."""
    made: list[str] = []
    for command, rest in re.findall(r"([MCLZ])([^MCLZ]*)", data):
        numbers = [float(number) for number in _NUMBER.findall(rest)]
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        moved = [f"{_n((x + across) * scale[0])} {_n((y + down) * scale[1])}" for x, y in pairs]
        made.append(command + " ".join(moved))
    return "".join(made)


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"


def _transform(where: Placement, picture: Image) -> str:
    high, wide = picture.pixels.shape[:2]
    return f"translate({_n(where.left)} {_n(where.top)}) scale({where.width / wide:.6g} {where.height / high:.6g})"


def _gradient(style: PictureStyle, width: int, height: int) -> str:
    """As CSS draws it: the line reaches as far as the corners."""
    turn = np.radians(style.angle)
    long = (abs(width * np.sin(turn)) + abs(height * np.cos(turn))) / 2
    x, y = long * np.sin(turn), -long * np.cos(turn)
    left, top = width / 2, height / 2
    ends = (
        f'gradientUnits="userSpaceOnUse" x1="{_n(left - x)}" y1="{_n(top - y)}" x2="{_n(left + x)}" y2="{_n(top + y)}"'
    )
    colour_of(style.colour), colour_of(style.second)
    stops = f'<stop stop-color="{style.colour}"/><stop offset="1" stop-color="{style.second}"/>'
    return f'<linearGradient id="ground" {ends}>{stops}</linearGradient>'


def _embedded(ground: Image | None, whole: str) -> str:
    if ground is None:
        raise BadInput("No work is chosen for the background.", "Choose one, or another background.")
    data = base64.b64encode(jpeg.encode(ground)).decode()
    return f'<image {whole} preserveAspectRatio="xMidYMid slice" href="data:image/jpeg;base64,{data}"/>'
