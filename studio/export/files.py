"""Encodes pictures as PNG, WebP and JPEG with the metadata of the work they come from."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from studio.export.compose import flatten
from studio.library.asset import Asset
from studio.media import codecs, images, xmp
from studio.media.payloads import Image
from studio.media.provenance import Background, Embed, embedded_note

Format = Literal["png", "webp", "jpeg"]
FORMATS: tuple[Format, ...] = get_args(Format)
SUFFIX = {"png": ".png", "webp": ".webp", "jpeg": ".jpg"}

JPEG_PACKET = 65_000
"""Bytes of the longest XMP packet that one JPEG segment holds."""


class EmbeddedMetadata:
    """What files that come of a work say of it: the note, as JSON text, and the IPTC digital source type.

    `embed` is the setting of the same name: "all", "provenance" or "none". Files of works that no model made name no
    source type.
    """

    def __init__(self, asset: Asset | None, embed: Embed, *, behind: Asset | None = None) -> None:
        self.note, self.source = "", ""
        if asset is None or embed == "none":
            return
        provenance = replace(asset.provenance, exported=True)
        if behind is not None:
            provenance = replace(provenance, background=Background(behind.request, behind.provenance))
        self.note = codecs.json_text(embedded_note(asset.request, provenance, embed) or {})
        if asset.request or asset.provenance.model:
            alone = behind is None or bool(behind.request or behind.provenance.model)
            self.source = xmp.TRAINED if alone else xmp.COMPOSITE


NO_METADATA = EmbeddedMetadata(None, "none")


def encode(image: Image, form: Format, origin: EmbeddedMetadata = NO_METADATA, *, under: str = "#ffffff") -> bytes:
    """The file's bytes. PNG and WebP (lossless where anything shows through) keep alpha; JPEG lies on `under`."""
    made = io.BytesIO()
    if form == "jpeg":
        packet = xmp.packet(origin.note, origin.source)
        if len(packet) > JPEG_PACKET:
            packet = xmp.packet("", origin.source)
        options: dict[str, Any] = {"xmp": packet} if packet else {}
        picture = Pillow.fromarray(np.ascontiguousarray(flatten(image, under).pixels))
        picture.save(made, "JPEG", quality=93, subsampling=0, optimize=True, **options)
        return made.getvalue()
    picture = Pillow.fromarray(np.ascontiguousarray(_without_opaque_alpha(image).pixels))
    if form == "webp":
        clear = picture.mode == "RGBA"
        packet = xmp.packet(origin.note, origin.source)
        options = {"xmp": packet} if packet else {}
        picture.save(made, "WEBP", lossless=clear, quality=80 if clear else 92, method=4, **options)
        return made.getvalue()
    info = PngInfo()
    info.add(b"sRGB", b"\0")
    if origin.note:
        info.add_itxt(images.KEYWORD, origin.note)
    if origin.source:
        info.add_itxt("XML:com.adobe.xmp", xmp.packet("", origin.source).decode())
    picture.save(made, "PNG", pnginfo=info, compress_level=6)
    return made.getvalue()


def _without_opaque_alpha(image: Image) -> Image:
    """Without an alpha channel that says nothing."""
    if image.pixels.shape[2] == 4 and bool((image.pixels[..., 3] == 255).all()):
        return Image(np.ascontiguousarray(image.pixels[..., :3]))
    return image
