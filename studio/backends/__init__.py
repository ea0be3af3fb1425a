"""The media the studio knows. Engines are named as strings, so that nothing here imports torch."""

from __future__ import annotations

from studio.backends import avatar, music, poster, story
from studio.backends.medium import Medium
from studio.errors import BadInput

MEDIA: tuple[Medium, ...] = (avatar.MEDIUM, poster.MEDIUM, story.MEDIUM, music.MEDIUM)


def medium(name: str) -> Medium:
    """The medium of that name; BadInput where there is none."""
    for found in MEDIA:
        if found.name == name:
            return found
    raise BadInput(f"There is no medium {name!r}.", f"Choose one of: {', '.join(found.name for found in MEDIA)}.")
