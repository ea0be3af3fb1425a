"""PNG, lossless and with alpha."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from studio.export.formats import ExportFormat, without_opaque_alpha
from studio.export.metadata import NO_METADATA, EmbeddedMetadata
from studio.media import images, xmp
from studio.media.payloads import Image


def encode(image: Image, origin: EmbeddedMetadata = NO_METADATA, _under: str = "") -> bytes:
    info = PngInfo()
    info.add(b"sRGB", b"\0")
    if origin.note:
        info.add_itxt(images.KEYWORD, origin.note)
    if origin.source:
        info.add_itxt("XML:com.adobe.xmp", xmp.packet("", origin.source).decode())
    made = io.BytesIO()
    picture = Pillow.fromarray(np.ascontiguousarray(without_opaque_alpha(image).pixels))
    picture.save(made, "PNG", pnginfo=info, compress_level=6)
    return made.getvalue()


FORMAT = ExportFormat("png", "PNG", ".png", 1, encode)
