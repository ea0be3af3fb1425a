"""The media of the studio. Engines are named as strings, so that nothing here imports torch."""

from __future__ import annotations

from collections.abc import Sequence

from studio.backends.avatar.requests import MEDIUM as AVATAR
from studio.backends.medium import Medium, Task
from studio.backends.music.requests import MEDIUM as MUSIC
from studio.backends.poster.requests import MEDIUM as POSTER
from studio.backends.story.requests import MEDIUM as STORY
from studio.backends.upscale.requests import MEDIUM as UPSCALE
from studio.errors import BadInput
from studio.export.task import ExportRequest
from studio.jobs.io.imports import ModelGetRequest, ModelImportRequest, WorkImportRequest
from studio.jobs.io.linked_models import ModelLinkRequest, ModelMoveRequest, ModelScanRequest
from studio.models.families import Family

MEDIA: tuple[Medium, ...] = (AVATAR, POSTER, STORY, MUSIC)

PAGELESS: tuple[Medium, ...] = (UPSCALE,)
"""Media that work on what others have made: models and verbs like all, and no page of their own."""

TASKS: tuple[Task, ...] = (
    Task(ModelImportRequest, "studio.jobs.io.imports:ModelImportEngine", result="none", lane="io"),
    Task(ModelGetRequest, "studio.jobs.io.imports:ModelGetEngine", result="none", lane="io"),
    Task(ModelScanRequest, "studio.jobs.io.linked_models:ModelScanEngine", result="none", lane="io"),
    Task(ModelLinkRequest, "studio.jobs.io.linked_models:ModelLinkEngine", result="none", lane="io"),
    Task(ModelMoveRequest, "studio.jobs.io.linked_models:ModelMoveEngine", result="none", lane="io"),
    Task(WorkImportRequest, "studio.jobs.io.imports:WorkImportEngine", result="none", lane="io"),
    Task(ExportRequest, "studio.export.task:ExportEngine", result="none", lane="io"),
)
"""Tasks that belong to no medium, such as imports, exports and downloads."""


def families(media: Sequence[Medium] = (*MEDIA, *PAGELESS)) -> dict[str, tuple[Family, ...]]:
    """The families of each medium, by its name: what a model file may be."""
    return {each.name: each.families for each in media}


def medium(name: str) -> Medium:
    """The medium of that name; BadInput where there is none."""
    for found in (*MEDIA, *PAGELESS):
        if found.name == name:
            return found
    raise BadInput(
        "There is no medium {name!r}.",
        "Choose one of: {names}.",
        name=name,
        names=", ".join(found.name for found in MEDIA),
    )
