"""The media of the studio. Engines are named as strings, so that nothing here imports torch."""

from __future__ import annotations

from studio.backends.avatar.requests import MEDIUM as AVATAR
from studio.backends.medium import Medium, Task
from studio.backends.music.requests import MEDIUM as MUSIC
from studio.backends.poster.requests import MEDIUM as POSTER
from studio.backends.story.requests import MEDIUM as STORY
from studio.errors import BadInput

MEDIA: tuple[Medium, ...] = (AVATAR, POSTER, STORY, MUSIC)

TASKS: tuple[Task, ...] = ()
"""Tasks that belong to no medium, such as imports, exports and downloads."""


def medium(name: str) -> Medium:
    """The medium of that name; BadInput where there is none."""
    for found in MEDIA:
        if found.name == name:
            return found
    raise BadInput(
        "There is no medium {name!r}.",
        "Choose one of: {names}.",
        name=name,
        names=", ".join(found.name for found in MEDIA),
    )
