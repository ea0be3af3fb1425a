"""The training set of captioned pictures for posters."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from pathlib import Path

import numpy as np
import PIL.Image
import torch

from studio.errors import BadInput

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}
LONGEST = 96
PIXELS = 64_000_000


class CaptionedPictures:
    """Pictures of `folder`, cut to one size: sides are multiples of `multiple`, the longer at most LONGEST.

    Captions come from captions.jsonl (`{"file", "caption"}` a line, several lines a file allowed) or from NAME.txt
    beside NAME.png. BadInput says what is missing.
    """

    def __init__(self, folder: Path, multiple: int) -> None:
        if not folder.is_dir():
            raise BadInput(
                "There is no folder {folder}.", "Give the folder that holds pictures and captions.", folder=folder
            )
        self.captions = _captions(folder)
        self.paths = sorted(self.captions)
        if len(self.paths) < 4:
            raise BadInput(
                "{folder} holds {count} pictures with captions.",
                "Write captions.jsonl with a line {{file, caption}} for each, or NAME.txt beside NAME.png; at least 4.",
                folder=folder,
                count=len(self.paths),
            )
        self.width, self.height = _common_size(self.paths, multiple)

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, index: int) -> torch.Tensor:
        """Picture `index` as `[3, height, width]` in [-1, 1]."""
        path = self.paths[index]
        try:
            with PIL.Image.open(path) as file:
                if file.width * file.height > PIXELS:
                    raise BadInput(
                        "{name} is too large to learn from.", "Make it smaller than 8000 x 8000.", name=path.name
                    )
                picture = file.convert("RGB")
        except (OSError, ValueError, PIL.Image.DecompressionBombError) as error:
            raise BadInput("{name} cannot be read as a picture.", "Repair or remove it.", name=path.name) from error
        if picture.size != (self.width, self.height):
            scale = max(self.width / picture.width, self.height / picture.height)
            size = max(self.width, round(picture.width * scale)), max(self.height, round(picture.height * scale))
            picture = picture.resize(size, PIL.Image.Resampling.HAMMING)
            left, top = (size[0] - self.width) // 2, (size[1] - self.height) // 2
            picture = picture.crop((left, top, left + self.width, top + self.height))
        return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float().div_(127.5).sub_(1)

    def crops(self, rng: random.Random, count: int, side: int) -> torch.Tensor:
        """`count` random pieces `[count, 3, side, side]`, two from each picture read; smaller where pictures are."""
        high, wide = min(side, self.height), min(side, self.width)
        pieces: list[torch.Tensor] = []
        while len(pieces) < count:
            picture = self.read(rng.randrange(len(self)))
            for _ in range(2):
                top, left = rng.randint(0, self.height - high), rng.randint(0, self.width - wide)
                piece = picture[:, top : top + high, left : left + wide]
                pieces.append(piece.flip(2) if rng.random() < 0.5 else piece)
        return torch.stack(pieces[:count])

    def caption(self, index: int, rng: random.Random) -> str:
        return rng.choice(self.captions[self.paths[index]])


def vary_caption(caption: str, rng: random.Random) -> str:
    """A caption as people might put it: sometimes words left out, sometimes with a word that means nothing."""
    words = caption.split()
    if rng.random() < 0.15 and len(words) > 2:
        words = [word for word in words if rng.random() > 0.15] or words
    if rng.random() < 0.15:
        stray = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(2, 8)))
        words.insert(rng.randint(0, len(words)), stray)
    return " ".join(words)


def _captions(folder: Path) -> dict[Path, list[str]]:
    found: dict[Path, list[str]] = {}
    table = folder / "captions.jsonl"
    if table.exists():
        for number, line in enumerate(table.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                name, caption = str(row["file"]), str(row["caption"])
            except (ValueError, KeyError, TypeError) as error:
                raise BadInput(
                    "Line {number} of {table} is not {{file, caption}}.", "Mend it.", number=number, table=table
                ) from error
            path = folder / name
            if re.search(r"(^|[\\/])\.\.([\\/]|$)", name) or not path.is_file():
                raise BadInput(
                    "Line {number} of {table} names {name}, which is not in the folder.",
                    "Mend it.",
                    number=number,
                    table=table,
                    name=name,
                )
            found.setdefault(path, []).append(caption)
        return found
    for path in sorted(folder.iterdir()):
        words = path.with_suffix(".txt")
        if path.suffix.lower() in SUFFIXES and words.exists():
            found[path] = [words.read_text(encoding="utf-8", errors="replace").strip()]
    return found


def _common_size(paths: list[Path], multiple: int) -> tuple[int, int]:
    """The commonest size among the first pictures, scaled down to LONGEST and to whole multiples."""
    sizes: Counter[tuple[int, int]] = Counter()
    for path in paths[:64]:
        try:
            with PIL.Image.open(path) as file:
                sizes[file.size] += 1
        except (OSError, ValueError, PIL.Image.DecompressionBombError) as error:
            raise BadInput("{name} cannot be read as a picture.", "Repair or remove it.", name=path.name) from error
    width, height = sizes.most_common(1)[0][0]
    scale = min(1.0, LONGEST / max(width, height))
    return tuple(max(multiple, round(side * scale) // multiple * multiple) for side in (width, height))  # pyright: ignore[reportReturnType]
