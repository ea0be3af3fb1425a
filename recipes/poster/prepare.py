"""Prepare: writes a folder of painted posters with captions, as `studio train poster --data` reads it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from PIL import Image

from recipes.poster.captions import captions
from recipes.poster.painter import paint, plan


def prepare(folder: Path, count: int, first: int = 0, width: int = 128, height: int = 192) -> None:
    """`count` posters, seeds `first` onwards: NNNNNN.png, and captions.jsonl with several captions for each."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "captions.jsonl").open("w", encoding="utf-8") as lines:
        for seed in range(first, first + count):
            what = plan(seed)
            name = f"{seed:06d}.png"
            Image.fromarray(paint(what, width, height)).save(folder / name)
            for text in captions(what):
                lines.write(json.dumps({"file": name, "caption": text}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--count", type=int, default=2400, help="how many posters")
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    asked = parser.parse_args()
    prepare(asked.out, asked.count, asked.first)
