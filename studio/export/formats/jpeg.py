"""JPEG, on a colour where the picture has alpha."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image as Pillow

from studio.export.compose import flatten
from studio.export.formats import ExportFormat
from studio.export.metadata import NO_METADATA, EmbeddedMetadata
from studio.media import xmp
from studio.media.payloads import Image

PACKET_LIMIT = 65_000
"""Bytes of the longest XMP packet that one JPEG segment holds."""


def encode(image: Image, origin: EmbeddedMetadata = NO_METADATA, under: str = "#ffffff") -> bytes:
    packet = xmp.packet(origin.note, origin.source)
    if len(packet) > PACKET_LIMIT:
        packet = xmp.packet("", origin.source)
    options: dict[str, Any] = {"xmp": packet} if packet else {}
    made = io.BytesIO()
    picture = Pillow.fromarray(np.ascontiguousarray(flatten(image, under).pixels))
    picture.save(made, "JPEG", quality=93, subsampling=0, optimize=True, **options)
    return made.getvalue()


FORMAT = ExportFormat("jpeg", "JPEG", ".jpg", 3, encode)
