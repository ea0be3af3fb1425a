"""SVG: a work's own drawing, or its picture traced into paths; one file for all sizes of the same proportions."""

from __future__ import annotations

from studio.export import vector
from studio.export.compose import PictureStyle
from studio.export.formats import ExportFormat
from studio.export.metadata import EmbeddedMetadata
from studio.media.payloads import Image


def draw(
    picture: Image,
    style: PictureStyle,
    title: str,
    origin: EmbeddedMetadata,
    ground: Image | None,
    size: tuple[int, int],
    drawing: str,
) -> bytes:
    return vector.svg(picture, style, *size, title=title, origin=origin, ground=ground, drawing=drawing)


FORMAT = ExportFormat("svg", "SVG", ".svg", 4, draw=draw)
