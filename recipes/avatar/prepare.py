"""Renders the drawings of five styles without their background and packs them for `studio train avatar`.

    python -m recipes.avatar.prepare avatars.jsonl.zst PACK [--size 128] [--limit N]

PACK receives `drawings.npz`, `attributes.json` and `large.npy`. `drawings.npz` holds `pictures` (uint8
[N, size, size, 4], straight alpha), `values` (int16 [N, attributes], the row of each attribute's value, -1 where the
drawing has none), `held_out` (bool [N], a hash of the drawing's parts, so that recoloured twins fall on the same side).
`attributes.json` names styles, attributes, values and how often each occurs. `large.npy` (uint8
[N / 4, 4 size, 4 size, 4]) has every fourth drawing at four times the size, for the upscaler.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import sys
from collections import Counter
from pathlib import Path

import cairosvg
import numpy as np
import zstandard
from PIL import Image

TIMES, EVERY = 4, 4  # how much larger the large drawings are, and of how many one is kept so
STYLES = ("adventurer", "open-peeps", "micah", "big-smile", "personas")

# What shows only with another attribute drawn: (style, attribute) -> (other attribute, its values or None for any).
ONLY_WITH = {
    ("micah", "earringColor"): ("earrings", None),
    ("micah", "glassesColor"): ("glasses", None),
    ("micah", "eyeShadowColor"): ("eyes", {"eyesShadow", "smilingShadow"}),
    ("micah", "mouthColor"): ("facialHair", {"beard"}),  # white on a beard, black everywhere else
}
BACKGROUND = re.compile(r'<rect fill="#[0-9a-fA-F]{6}" width="[\d.]+" height="[\d.]+" x="0" y="0" ?/>')


# Drawings that leave much of their square empty are shown closer: the part of the viewBox that is kept.
FRAMES = {"personas": ('viewBox="0 0 64 64"', 'viewBox="8 4 48 48"')}
# The renderer knows no blend modes: a white overlay drawn plainly would turn dark skin grey, so it is drawn fainter.
OVERLAY = re.compile(r'style="mix-blend-mode:overlay" opacity="\.36"')


def drawings(path: Path) -> list[dict]:
    """The rows of the five styles, in file order."""
    with path.open("rb") as file:
        text = io.TextIOWrapper(zstandard.ZstdDecompressor(max_window_size=2**31).stream_reader(file), encoding="utf-8")
        return [row for row in map(json.loads, text) if row["style"] in STYLES]


def attributes_of(row: dict) -> dict[str, str]:
    """What can be seen of the drawing's attributes: no background, no colour of a thing that is not there."""
    seen = {}
    for name, value in row["attrs"].items():
        if name == "primaryBackgroundColor" or value is None:
            continue
        other, needed = ONLY_WITH.get((row["style"], name), ("", None))
        there = row["attrs"].get(other) if other else True
        if there and (needed is None or there in needed):
            seen[name] = value
    return seen


def render(svg: str, style: str, size: int) -> np.ndarray:
    """uint8 [size, size, 4], straight alpha."""
    bare, removed = BACKGROUND.subn("", svg, count=1)
    if not removed:
        raise ValueError("no background found")
    bare = OVERLAY.sub('opacity=".08"', bare).replace(*FRAMES.get(style, ("", "")), 1)
    png = cairosvg.svg2png(bytestring=bare.encode(), output_width=size, output_height=size)
    if png is None:
        raise ValueError("nothing was drawn")
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))


def reduced(large: np.ndarray) -> np.ndarray:
    """A quarter of the side, every pixel the mean of sixteen: even strokes. Straight alpha in and out."""
    alpha = large[..., 3:] / np.float32(255)
    both = np.concatenate([large[..., :3] * alpha, alpha], axis=2)
    size = len(large) // TIMES
    small = both.reshape(size, TIMES, size, TIMES, 4).mean(axis=(1, 3))
    colour = small[..., :3] / np.maximum(small[..., 3:], 1e-6)
    return np.concatenate([colour, small[..., 3:] * 255], axis=2).round().clip(0, 255).astype(np.uint8)


def held_out(style: str, seen: dict[str, str]) -> bool:
    """One in twenty, by the parts of the drawing without its colours."""
    parts = [style] + [f"{name}={value}" for name, value in sorted(seen.items()) if not value.startswith("#")]
    return hashlib.sha256("|".join(parts).encode()).digest()[0] < 13


def table_of(rows: list[tuple[str, dict[str, str]]]) -> dict:
    """Styles, and for each its attributes: kind, values, how often each value occurs, how often none does."""
    styles = []
    for style in STYLES:
        mine = [seen for name, seen in rows if name == style]
        attributes = []
        for name in sorted({key for seen in mine for key in seen}):
            counts = Counter(seen[name] for seen in mine if name in seen)
            values = sorted(counts)
            if len(values) == 1 and counts[values[0]] == len(mine):
                continue
            attributes.append(
                {
                    "name": name,
                    "kind": "colour" if values[0].startswith("#") else "part",
                    "values": values,
                    "counts": [counts[value] for value in values],
                    "none": len(mine) - sum(counts.values()),
                    **_only_with(style, name),
                }
            )
        styles.append({"name": style, "count": len(mine), "attributes": attributes})
    return {"styles": styles}


def _only_with(style: str, name: str) -> dict:
    other, needed = ONLY_WITH.get((style, name), ("", None))
    return {"with": other, "with_values": sorted(needed or [])} if other else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--limit", type=int, default=0, help="only the first N drawings, for a quick look")
    asked = parser.parse_args()
    rows = drawings(asked.source)
    rows = rows[: asked.limit] if asked.limit else rows
    seen = [(row["style"], attributes_of(row)) for row in rows]
    table = table_of(seen)
    columns = [(style["name"], attribute) for style in table["styles"] for attribute in style["attributes"]]
    values = np.full((len(rows), len(columns)), -1, np.int16)
    for i, (style, mine) in enumerate(seen):
        for k, (owner, attribute) in enumerate(columns):
            if owner == style and attribute["name"] in mine:
                values[i, k] = attribute["values"].index(mine[attribute["name"]])
    pictures = np.zeros((len(rows), asked.size, asked.size, 4), np.uint8)
    asked.pack.mkdir(parents=True, exist_ok=True)
    side = asked.size * TIMES
    kept = np.lib.format.open_memmap(
        asked.pack / "large.npy", mode="w+", dtype=np.uint8, shape=(-(-len(rows) // EVERY), side, side, 4)
    )
    for i, row in enumerate(rows):
        large = render(row["svg"], row["style"], side)
        pictures[i] = reduced(large)
        if i % EVERY == 0:
            kept[i // EVERY] = large
        if i % 500 == 0:
            sys.stderr.write(f"\r{i} of {len(rows)}")
    np.savez_compressed(
        asked.pack / "drawings.npz",
        pictures=pictures,
        values=values,
        style=np.array([STYLES.index(style) for style, _ in seen], np.int16),
        held_out=np.array([held_out(style, mine) for style, mine in seen]),
    )
    (asked.pack / "attributes.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    sys.stderr.write(f"\r{len(rows)} drawings, {int(sum(held_out(*row) for row in seen))} of them held out\n")


if __name__ == "__main__":
    main()
