"""What an avatar training learns from: packed drawings with attributes, or a folder of pictures; knows no torch."""

from __future__ import annotations

import json
import os
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from studio.backends.avatar.attributes import Table
from studio.errors import BadInput

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
FEWEST, LARGEST_SIDE = 8, 20_000


@dataclass(frozen=True, eq=False)
class Pictures:
    """uint8 [N, size, size, 4], straight alpha. With attributes: the table, a condition vector and a style each.

    `held_out` [N] marks what is not to be learnt from. `skipped` names the files that could not be used, and why.
    """

    pixels: NDArray[np.uint8]
    table: Table | None = None
    conditions: NDArray[np.float32] | None = None
    style: NDArray[np.int64] | None = None
    held_out: NDArray[np.bool_] | None = None
    skipped: tuple[str, ...] = ()


def read(folder: Path, size: int) -> Pictures:
    """The pictures of a folder: a recipe's pack if it is one, else every picture in it. Raises BadInput."""
    if not folder.is_dir():
        raise BadInput(f"{folder} is not a folder.", "Give --data a folder of pictures.")
    if (folder / "drawings.npz").exists():
        return _pack(folder, size)
    return _folder(folder, size)


def _pack(folder: Path, size: int) -> Pictures:
    try:
        table = Table.from_json(json.loads((folder / "attributes.json").read_text(encoding="utf-8")))
        with (folder / "drawings.npz").open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            pixels, values, style, held_out = (file[name] for name in ("pictures", "values", "style", "held_out"))
        conditions = np.stack([_condition(table, int(s), row) for s, row in zip(style, values, strict=True)])
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise BadInput(
            f"The drawings in {folder} cannot be read: {error}.", "Run the recipe's prepare.py again."
        ) from error
    if pixels.shape[1:] != (size, size, 4) or len(pixels) < FEWEST:
        raise BadInput(
            f"{folder} holds {len(pixels)} drawings of {pixels.shape[1]} px, not enough of {size} px.",
            f"Give --size {pixels.shape[1]}, or run the recipe's prepare.py with --size {size}.",
        )
    return Pictures(pixels, table, conditions, style.astype(np.int64), held_out)


def _condition(table: Table, style: int, row: NDArray[np.int16]) -> NDArray[np.float32]:
    start = sum(len(other.attributes) for other in table.styles[:style])
    return table.vector(style, [int(pick) for pick in row[start : start + len(table.styles[style].attributes)]])


def _folder(folder: Path, size: int) -> Pictures:
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    pixels, skipped = [], []
    for path in files:
        try:
            pixels.append(square(path, size))
        except (OSError, ValueError, SyntaxError, Warning, Image.DecompressionBombError) as error:
            skipped.append(f"{path.relative_to(folder)}: {str(error).split(os.linesep)[0][:120]}")
    if len(pixels) < FEWEST:
        broken = f" {len(skipped)} could not be read, such as {skipped[0]}." if skipped else ""
        raise BadInput(
            f"{folder} holds {len(pixels)} pictures that can be used; at least {FEWEST} are needed.{broken}",
            "Add more pictures: some hundreds for a likeness, some thousands for variety.",
        )
    return Pictures(np.stack(pixels), skipped=tuple(skipped))


def square(path: Path, size: int) -> NDArray[np.uint8]:
    """The middle of a picture as uint8 [size, size, 4], upright, straight alpha. Raises OSError or ValueError."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path) as file:
            if max(file.size) > LARGEST_SIDE or min(file.size) < size // 4:
                raise ValueError(f"{file.width}x{file.height} px is too large or too small")
            # Premultiplied while it is resampled, so that hidden colours do not bleed into the edges.
            picture = ImageOps.exif_transpose(file).convert("RGBA").convert("RGBa")
            return np.asarray(ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS).convert("RGBA"))
