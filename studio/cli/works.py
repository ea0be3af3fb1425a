"""Works named on the command line by number or file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from studio.errors import BadInput
from studio.media import codecs

if TYPE_CHECKING:
    from studio.library.asset import Asset
    from studio.library.library import Library


def find_work(library: Library, word: str) -> tuple[Path, Asset | None]:
    """The file that a word names, and its work: the id of a work, the path of its file, or that of a copy.

    A file that the library does not have comes without a work. Raises BadInput where there is neither.
    """
    path = Path(word).expanduser()
    if not is_path(word):
        asset = library.get(word)
        return asset.path, asset
    if not path.is_file():
        raise BadInput(
            "{path} is no file.", "Give a work's id, as `studio library list` shows it, or its file.", path=path
        )
    return path, library.of_file(path)


def is_path(word: str) -> bool:
    """Whether a word names a file rather than a work."""
    path = Path(word).expanduser()
    return path.name != word or path.suffix.lower() in codecs.SUFFIXES or path.is_file()
