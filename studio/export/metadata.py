"""The metadata of exported files: how a work was made, and its IPTC digital source type."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from studio.errors import BadInput
from studio.export.copies import further_names
from studio.library.asset import Asset
from studio.media import codecs, xmp
from studio.media.payloads import FilePayload, Svg
from studio.media.provenance import Background, Embed, embedded_note

UPSCALER = "upscaler"
"""The role of the model that enlarged a picture, among the further models of its provenance."""


class EmbeddedMetadata:
    """The metadata of files made from a work: the note, as JSON text, and the IPTC digital source type.

    `embed` is the setting of the same name: "all", "provenance" or "none". Files of works that no model made name no
    source type. `behind` is the work that is the background, `enlarged` the work that a network made of `asset`, or of
    a file outside the library, and that is drawn in its place.
    """

    def __init__(
        self, asset: Asset | None, embed: Embed, *, behind: Asset | None = None, enlarged: Asset | None = None
    ) -> None:
        self.note, self.source = "", ""
        made = asset is not None and bool(asset.request or asset.provenance.model)
        asset = asset or enlarged
        if asset is None or embed == "none":
            return
        provenance = replace(asset.provenance, exported=True)
        if enlarged is not None and enlarged is not asset and enlarged.provenance.model is not None:
            models = {**provenance.models, UPSCALER: enlarged.provenance.model}
            provenance = replace(provenance, models=models)
        if behind is not None:
            provenance = replace(provenance, background=Background(behind.request, behind.provenance))
        self.note = codecs.json_text(embedded_note(asset.request, provenance, embed) or {})
        if made or enlarged is not None:
            alone = made and (behind is None or bool(behind.request or behind.provenance.model))
            self.source = xmp.TRAINED if alone else xmp.COMPOSITE


NO_METADATA = EmbeddedMetadata(None, "none")

_SVG_METADATA = re.compile(rf"<metadata>(?:(?!</metadata>).)*{xmp.NAMESPACE}.*?</metadata>", re.DOTALL)


def further_files(asset: Asset, name: str, embed: Embed, main: str = "") -> Iterator[tuple[str, bytes]]:
    """The further files of a work with as much metadata as `embed` allows, named after `name` and unlike `main`.

    Raises BadInput for one that cannot be read.
    """
    note = embedded_note(asset.request, replace(asset.provenance, exported=True), embed)
    for file, inner in zip(asset.files, further_names(name, main, asset.files), strict=True):
        with tempfile.TemporaryDirectory(prefix="aigc-export-") as folder:
            part = Path(folder) / f"part{file.path.suffix}"
            codecs.write(_read_part(file.path), part, note=note)
            yield inner, part.read_bytes()


def own_drawing(asset: Asset) -> str:
    """The SVG that a work has beside its picture, without what it says of how it was made; empty where it has none.

    Raises BadInput for one that cannot be read.
    """
    for file in asset.files:
        if file.role == "svg" and isinstance(part := _read_part(file.path), Svg):
            return part.text
    return ""


def _read_part(path: Path) -> FilePayload:
    if path.suffix != ".svg":
        return codecs.read(path)
    try:
        return Svg(_SVG_METADATA.sub("", path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise BadInput("{name} cannot be read: {reason}.", name=path.name, reason=error) from error
