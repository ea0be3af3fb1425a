"""The metadata of exported files: how a work was made, and its IPTC digital source type."""

from __future__ import annotations

from dataclasses import replace

from studio.library.asset import Asset
from studio.media import codecs, xmp
from studio.media.provenance import Background, Embed, embedded_note


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
