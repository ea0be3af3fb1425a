"""What every command gets: the folders, a way to open the studio, and its output."""

from __future__ import annotations

import errno
import sys
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.backends import families
from studio.cli.words import line, one_line_json, table
from studio.errors import BadInput, Message
from studio.models.catalog import Catalog
from studio.schema import settings
from studio.system.paths import RESOURCES, AppPaths
from studio.system.storage import disk_error

if TYPE_CHECKING:
    from studio.library.library import Library
    from studio.studio import Studio


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
        sys.stdout.write(line(words) + "\n")

    def print_table(self, rows: Sequence[tuple[str | Message, ...]], heads: tuple[Message, ...] = ()) -> None:
        """Rows on standard output, with aligned columns; nothing, not even the heads, where there are none."""
        for each in table([heads, *rows] if heads and rows else rows):
            self.print(each)

    def print_json(self, value: Any) -> None:
        """One JSON object on standard output."""
        sys.stdout.write(one_line_json(value) + "\n")

    def print_error(self, *sentences: str | Message) -> None:
        """Lines on standard error."""
        for sentence in sentences:
            sys.stderr.write(f"{line(sentence)}\n")

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
        if error.errno in (errno.ENAMETOOLONG, errno.ENOSPC, errno.EDQUOT):
            raise disk_error("The folder for results cannot be made", error) from error
        reason = error.strerror or str(error)
        raise BadInput(
            "{folder} cannot be written to: {reason}.",
            "Choose another folder with --out.",
            folder=folder,
            reason=reason,
        ) from error
    return folder
