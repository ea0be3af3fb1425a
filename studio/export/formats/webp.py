"""WebP, lossless where anything shows through."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image as Pillow

from studio.export.formats import ExportFormat, without_opaque_alpha
from studio.export.metadata import NO_METADATA, EmbeddedMetadata
from studio.media import xmp
from studio.media.payloads import Image


def encode(image: Image, origin: EmbeddedMetadata = NO_METADATA, _under: str = "") -> bytes:
    packet = xmp.packet(origin.note, origin.source)
    options: dict[str, Any] = {"xmp": packet} if packet else {}
    made = io.BytesIO()
    picture = Pillow.fromarray(np.ascontiguousarray(without_opaque_alpha(image).pixels))
    clear = picture.mode == "RGBA"
    picture.save(made, "WEBP", lossless=clear, quality=80 if clear else 92, method=4, **options)
    return made.getvalue()


FORMAT = ExportFormat("webp", "WebP", ".webp", 2, encode)
