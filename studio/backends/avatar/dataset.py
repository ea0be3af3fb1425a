"""The training set of avatars: packed drawings with attributes, or a folder of pictures."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.backends.avatar.attributes import AttributeTable
from studio.backends.avatar.folder import (
    FEWEST,
    CheckedFolder,
    DatasetEntry,
    OnProgress,
    check_folder,
    nearly_the_same,
)
from studio.errors import BadInput, Message


@dataclass(frozen=True, eq=False)
class FaceDataset:
    """uint8 [N, size, size, 4], straight alpha. With attributes: the table, a condition vector and a style each.

    `held_out` [N] marks what is not to be learnt from. `skipped` names the files that could not be used, and why.
    """

    pixels: NDArray[np.uint8]
    table: AttributeTable | None = None
    conditions: NDArray[np.float32] | None = None
    style: NDArray[np.int64] | None = None
    held_out: NDArray[np.bool_] | None = None
    skipped: tuple[str, ...] = ()


def read(folder: Path, size: int, progress: OnProgress = lambda done, total: None) -> FaceDataset:
    """The pictures of a folder: a recipe's pack if it is one, else every picture in it. Raises BadInput.

    `progress` gets how many files of how many are looked at; what it raises passes through.
    """
    if not folder.is_dir():
        raise BadInput("{folder} is not a folder.", "Give --data a folder of pictures.", mend="folders", folder=folder)
    if (folder / "drawings.npz").exists():
        return _read_pack(folder, size)
    return _read_folder(folder, size, progress)


def check_pack(folder: Path, size: int) -> CheckedFolder | None:
    """A recipe's pack as what is found in a folder; None where the folder is no pack. Raises BadInput."""
    if not (folder / "drawings.npz").exists():
        return None
    pixels = _read_pack(folder, size).pixels
    return CheckedFolder(folder, tuple(DatasetEntry(str(at)) for at in range(len(pixels))), pixels)


def _read_pack(folder: Path, size: int) -> FaceDataset:
    try:
        table = AttributeTable.from_json(json.loads((folder / "attributes.json").read_text(encoding="utf-8")))
        with (folder / "drawings.npz").open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            pixels, values, style, held_out = (file[name] for name in ("pictures", "values", "style", "held_out"))
        conditions = np.stack([_condition(table, int(s), row) for s, row in zip(style, values, strict=True)])
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise BadInput(
            "The drawings in {folder} cannot be read: {reason}.",
            "Run the recipe's prepare.py again.",
            folder=folder,
            reason=error,
        ) from error
    if pixels.shape[1:] != (size, size, 4) or len(pixels) < FEWEST:
        raise BadInput(
            "{folder} holds {count} drawings of {own} px, not enough of {size} px.",
            "Give --size {own}, or run the recipe's prepare.py with --size {size}.",
            folder=folder,
            count=len(pixels),
            own=pixels.shape[1],
            size=size,
        )
    return FaceDataset(pixels, table, conditions, style.astype(np.int64), held_out)


def _condition(table: AttributeTable, style: int, row: NDArray[np.int16]) -> NDArray[np.float32]:
    start = sum(len(other.attributes) for other in table.styles[:style])
    return table.vector(style, [int(pick) for pick in row[start : start + len(table.styles[style].attributes)]])


def _read_folder(folder: Path, size: int, progress: OnProgress) -> FaceDataset:
    found = check_folder(folder, size, progress)
    skipped = tuple(f"{entry.path}: {entry.words()}" for entry in found.skipped)
    if len(found.pixels) < FEWEST:
        words = Message(
            "{folder} holds {count} pictures that can be used; at least {fewest} are needed.",
            folder=folder,
            count=len(found.pixels),
            fewest=FEWEST,
        )
        if skipped:
            first = found.skipped[0]
            words = Message(
                "{words} {count} cannot be, such as {path}: {reason}",
                words=words,
                count=len(skipped),
                path=first.path,
                reason=first.words(),
            )
        raise BadInput(
            words, "Add more pictures: some hundreds for a likeness, some thousands for variety.", mend="folders"
        )
    if nearly_the_same(found.pixels):
        raise BadInput(
            "The {count} pictures in {folder} are nearly the same, so there is nothing to learn from them.",
            "Add other pictures: some hundreds for a likeness, some thousands for variety.",
            mend="folders",
            count=len(found.pixels),
            folder=folder,
        )
    return FaceDataset(found.pixels, skipped=skipped)
