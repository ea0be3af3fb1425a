"""The last export settings of each medium, saved as JSON and validated when they are read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from studio.errors import BadInput
from studio.export.compose import PictureStyle
from studio.export.formats import formats
from studio.export.job import ExportJob
from studio.export.sizes import networks, parse_sizes

SQUARES = ("256", "512", "1024", "2048")
TICKS = ("original", *SQUARES, *(network.lower() for network in networks()), "icons")
"""Everything that can be selected, in the words of `parse_sizes`."""


@dataclass(frozen=True)
class RememberedExport:
    """`ticked`: words of TICKS; `other`: sizes that were typed; `folder`: empty for the Downloads folder."""

    look: PictureStyle = field(default_factory=PictureStyle)
    ticked: tuple[str, ...] = ("original",)
    other: str = ""
    kind: str = "png"
    folder: str = ""
    zipped: bool = False

    def order(self) -> ExportJob:
        """The export as a job. Raises BadInput if no size is selected, or what was typed is none."""
        words = [*self.ticked, *([self.other] if self.other.strip(" ,") else [])]
        if not words:
            raise BadInput("No size is chosen.", "Select at least one.")
        return ExportJob(self.look, parse_sizes(",".join(words)), self.kind)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> RememberedExport:
        """The settings that are valid; defaults for the rest."""
        usual = RememberedExport()
        look = usual.look
        given = data.get("look")
        if isinstance(given, Mapping):
            for each in dataclasses.fields(PictureStyle):
                try:
                    look = dataclasses.replace(look, **{each.name: given.get(each.name, getattr(look, each.name))})
                except (BadInput, TypeError):
                    continue
        if look.ground == "work":  # which work it was is not saved
            look = dataclasses.replace(look, ground="none")
        ticked = data.get("ticked")
        kind = data.get("kind")
        return RememberedExport(
            look=look,
            ticked=tuple(word for word in ticked if word in TICKS) if isinstance(ticked, list) else usual.ticked,
            other=str(data.get("other", ""))[:200],
            kind=kind if kind in [each.name for each in formats()] else usual.kind,
            folder=str(data.get("folder", "")),
            zipped=data.get("zipped") is True,
        )


def remembered(data: Mapping[str, Any], medium: str) -> RememberedExport:
    """The settings of a medium in the saved ones of all. Where it has none yet only the last folder counts, and what
    an earlier studio saved for all media together of format and zip: of its sizes, what suits a face cuts a poster.
    """
    media = data.get("media")
    mine = media.get(medium) if isinstance(media, Mapping) else None
    if isinstance(mine, Mapping):
        return RememberedExport.from_json(mine)
    older = RememberedExport.from_json(data)
    return RememberedExport(folder=older.folder, kind=older.kind, zipped=older.zipped)


def with_remembered(data: Mapping[str, Any], medium: str, choice: RememberedExport) -> dict[str, Any]:
    """The saved settings of all media with these."""
    media = data.get("media")
    others = dict(media) if isinstance(media, Mapping) else {}
    return {"folder": choice.folder, "media": {**others, medium: choice.to_json()}}
