"""Copies works out of the library: all files of a work, under free names that show that they belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from studio.errors import Message
from studio.library.asset import Asset, AssetFile
from studio.media import codecs, markdown
from studio.media.payloads import Text
from studio.system import storage

COPYING = ".copy-"
"""How the names of the folders begin that hold copies until they are whole."""


def further_names(stem: str, main: str, files: Sequence[AssetFile]) -> list[str]:
    """The names of a work's further files beside `main`: "title.svg" where the suffix says what it is, else
    "title-drums.wav".
    """
    taken, made = {main}, list[str]()
    for file in files:
        suffix = file.path.suffix
        name = f"{stem}{suffix}"
        if file.role != suffix.removeprefix(".") or name in taken:
            name = f"{stem}-{file.role}{suffix}"
        taken.add(name)
        made.append(name)
    return made


def copy_work(asset: Asset, folder: Path, stem: str, mark: str = " ") -> list[Path]:
    """Copy all files of a work to `folder`, the main one first, as `stem` or as `stem` with `mark` and a number.

    The files are copied to a folder of their own first, which `storage.sweep_staging` removes after a crash; then every
    name is taken with O_EXCL, so that two programs never choose the same one. Either all files are written, or none.
    Raises StudioError.
    """

    def names(stem: str) -> list[str]:
        main = f"{stem}{asset.path.suffix}"
        return [main, *further_names(stem, main, asset.files)]

    claimed: list[Path] = []

    def taken(stem: str) -> bool:
        for name in names(stem):
            try:
                (folder / name).touch(exist_ok=False)
            except FileExistsError:
                _remove(claimed)
                return True
            claimed.append(folder / name)
        return False

    storage.sweep_staging(folder, COPYING)
    with (
        storage.disk_errors_as(Message("The copy in {folder} could not be written", folder=folder)),
        storage.staging(folder, COPYING) as part,
    ):
        try:
            for at, source in enumerate(asset.paths):
                storage.copy(source, part / str(at))
            storage.unique_name(stem, taken, mark)
            for at, path in enumerate(claimed):
                (part / str(at)).replace(path)
        except BaseException:
            _remove(claimed)
            raise
        storage.sync_folder(folder)
        return claimed


def copy_as(asset: Asset, path: Path) -> None:
    """Copy a work to `path`, in place of what is there; its further files beside it, under free names. A story that is
    saved as .txt loses the marks of its headings.

    Raises StudioError.
    """
    folder, further = path.parent, further_names(path.stem, path.name, asset.files)
    storage.sweep_staging(folder, COPYING)
    with storage.disk_errors_as("The copy could not be saved"), storage.staging(folder, COPYING) as part:
        for at, source in enumerate(asset.paths):
            storage.copy(source, part / str(at))
        if (asset.path.suffix, path.suffix.lower()) == (".md", ".txt"):
            _write_plain(asset.path, part / "0")
        (part / "0").replace(path)
        for at, name in enumerate(further, 1):
            (part / str(at)).replace(storage.free_path(path.with_name(name)))
        storage.sync_folder(folder)


def _write_plain(source: Path, path: Path) -> None:
    """Write the words of a Markdown file: headings without marks, and no note of what made it."""
    payload = codecs.read(source)
    if isinstance(payload, Text):
        blocks, end = markdown.parse(payload.text)
        words = markdown.join_blocks(replace(block, level=0) for block in blocks) + end
        storage.write_atomic(path, words.encode("utf-8", "replace"))


def _remove(files: list[Path]) -> None:
    for path in files:
        path.unlink(missing_ok=True)
    files.clear()
