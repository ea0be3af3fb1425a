"""What every command gets: the folders, a way to open the studio, and its output."""

from __future__ import annotations

import errno
import json
import re
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.backends import families
from studio.errors import BadInput, Message
from studio.models.catalog import Catalog
from studio.schema import settings
from studio.system.paths import RESOURCES, AppPaths
from studio.system.storage import disk_error

if TYPE_CHECKING:
    from studio.library.library import Library
    from studio.studio import Studio


# Control characters, line and paragraph separators, direction marks and overrides, bytes that are no UTF-8.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """A text as one line that cannot steer a terminal: characters that would are escaped, a line feed as `\\n`."""
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def one_line_json(value: Any) -> str:
    """`value` as JSON on one line; what a terminal would heed is escaped, and read back as it was."""
    words = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", words)


def open_studio(places: AppPaths) -> Studio:
    """The studio as the command line uses it: the queue on disk belongs to the window."""
    from studio.studio import Studio

    return Studio(places, persist_queue=False)


@dataclass(frozen=True)
class CliContext:
    """What one command works with: folders, catalog, settings and output."""

    places: AppPaths
    opener: Callable[[AppPaths], Studio] = open_studio
    bundled: Path = field(default=RESOURCES / "models")

    @contextmanager
    def studio(self) -> Generator[Studio]:
        """The studio, closed afterwards; its warnings go to standard error."""
        opened = self.opener(self.places)
        try:
            self.print_error(*opened.warnings)
            yield opened
        finally:
            opened.close()

    @contextmanager
    def library(self) -> Generator[Library]:
        """The library alone, without anything that could run a model."""
        from studio.library.library import Library

        opened = Library(settings.folder(self.settings().library_folder, self.places.library))
        try:
            self.print_error(*opened.notices)
            yield opened
        finally:
            opened.close()

    def catalog(self, *, warn: bool = True) -> Catalog:
        """The models; without `warn` where the studio, which is opened later, says what is wrong with the settings."""
        chosen = self.settings() if warn else settings.load(self.places.config / "settings.toml")[0]
        return Catalog(self.bundled, settings.folder(chosen.models_folder, self.places.models), families())

    def print(self, words: str | Message = "") -> None:
        """A line on standard output."""
        sys.stdout.write(printable(str(words)) + "\n")

    def print_json(self, value: Any) -> None:
        """One JSON object on standard output."""
        sys.stdout.write(one_line_json(value) + "\n")

    def print_error(self, *sentences: str | Message) -> None:
        """Lines on standard error."""
        for sentence in sentences:
            sys.stderr.write(f"{printable(str(sentence))}\n")

    def settings(self) -> settings.Settings:
        """The settings; what is wrong with the file goes to standard error."""
        loaded, warnings = settings.load(self.places.config / "settings.toml")
        self.print_error(*warnings)
        return loaded


def output_folder(folder: Path) -> Path:
    """The folder for results, made if need be, once a file could be written there. BadInput otherwise."""
    folder = folder.expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise disk_error("The folder for results cannot be made", error) from error
        reason = error.strerror or str(error)
        raise BadInput(
            "{folder} cannot be written to: {reason}.",
            "Choose another folder with --out.",
            folder=folder,
            reason=reason,
        ) from error
    return folder


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Rows as lines with aligned columns; the last column is never padded."""
    if not rows:
        return []
    rows = [tuple(map(printable, row)) for row in rows]
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    lines: list[str] = []
    for row in rows:
        cells = [cell + " " * (size - display_width(cell)) for cell, size in zip(row, widths, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return lines


def display_width(text: str) -> int:
    """Columns that a terminal uses for a text: Chinese characters take two."""
    import unicodedata

    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
