"""Says how well faces are found in pictures where they stand anywhere: `python -m recipes.avatar.find`.

Draws faces of seeds that no one has seen, puts each somewhere on a larger background, and reads it: in the middle
square of the picture, and where it is found. Prints the share of attributes that is read right, and how far the face
that the reading gives is from the one that was put there (mean absolute difference of premultiplied planes, 0 to 255).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from torch import Tensor

from studio.backends.avatar import slider_tracks
from studio.backends.avatar.engine import encoder as encode
from studio.backends.avatar.engine import files
from studio.backends.avatar.engine.detect_face import FaceDetector, figure_boxes
from studio.backends.avatar.engine.latents import Latents
from studio.backends.avatar.engine.projection import READ_BETTER, EncoderReader
from studio.backends.avatar.engine.synthesis import render, single_thread, to_pixels
from studio.backends.avatar.engine.target import to_planes
from studio.backends.avatar.requests import AvatarRequest

MODEL = Path(__file__).parents[2] / "resources" / "models" / "avatar-starter"
GROUNDS = ("plain", "gradient", "two tones", "disc", "card")
FIRST = 900_000  # seed of the faces
SIDE = 400  # pixels of a side of the pictures


def ground(kind: str, side: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A background [side, side, 3], 0 to 255."""
    one, other = rng.uniform(0, 255, (2, 3))
    y, x = np.mgrid[0 : 1 : side * 1j, 0 : 1 : side * 1j]
    if kind == "gradient":
        turn = rng.uniform(0, 2 * np.pi)
        along = (np.cos(turn) * (x - 0.5) + np.sin(turn) * (y - 0.5)) / 1.42 + 0.5
        return one + (other - one) * along[..., None]
    if kind == "two tones":
        turn, cut = rng.uniform(0, 2 * np.pi), rng.uniform(-0.2, 0.2)
        first = np.cos(turn) * (x - 0.5) + np.sin(turn) * (y - 0.5) > cut
        return np.where(first[..., None], one, other)
    return np.full((side, side, 3), one)


def put(face: NDArray[np.uint8], kind: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A face [S, S, 4] at 0.4 to 1 of the height of a picture [SIDE, SIDE, 3], anywhere on it. On a disc it is clipped
    by that, on a card it fills it, as on a page of a screen."""
    under = Pillow.fromarray(ground(kind, SIDE, rng).round().astype(np.uint8))
    side = round(SIDE * rng.uniform(0.4, 1.0))
    left, top = rng.integers(0, SIDE - side + 1, 2)
    at = (int(left), int(top))
    large = Pillow.fromarray(face).convert("RGBa").resize((side, side), Pillow.Resampling.LANCZOS).convert("RGBA")
    if kind in ("disc", "card"):
        y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
        inside = (x**2 + y**2 < 1) if kind == "disc" else np.ones((side, side), np.bool_)
        colour = tuple(int(level) for level in rng.integers(0, 256, 3))
        whole = Pillow.new("RGBA", (side, side), (*colour, 255))
        whole.alpha_composite(large)
        under.paste(whole, at, Pillow.fromarray((inside * 255).astype(np.uint8)))
    else:
        under.paste(large, at, large)
    return np.asarray(under)


@torch.inference_mode()
def measure(count: int, sheet: Path | None = None) -> dict[str, Any]:
    network, config = files.open_network(MODEL)
    table = config.table
    encoder = encode.read(MODEL, network.shape, table)
    assert table is not None
    assert encoder is not None
    latents = Latents(network, config, slider_tracks.read(MODEL, table))
    shape = network.shape
    reader = EncoderReader(latents, encoder, AvatarRequest())
    frames = []
    for style in table.styles:
        ws = network.broadcast(latents.samples(AvatarRequest(style=style.name), 9))
        frames.append(figure_boxes(render(network, ws, "const", 0)))
    results: dict[str, list[tuple[float, float, float, float]]] = {}
    shown: list[NDArray[np.uint8]] = []
    for number in range(count):
        rng = np.random.default_rng(FIRST + number)
        kind = ("in place", *GROUNDS)[number % 6]
        face = AvatarRequest(style=table.styles[number % len(table.styles)].name, seed=FIRST + number)
        which, picks = latents.picks(face)
        truth = render(network, latents.ws(face), "const", 0)
        picture = to_pixels(truth)[0] if kind == "in place" else put(to_pixels(truth)[0], kind, rng)
        aligning = FaceDetector(reader, shape.planes, shape.size, torch.device("cpu"), better=READ_BETTER)
        found = aligning.find(picture, frames, lambda done, total: None)
        first = aligning.middle
        row: list[float] = []
        for canvas, place in ((first.canvas, first.place), (found.canvas, found.place)):
            square = to_planes(canvas.crop(place, shape.size), shape.planes)
            (reading,) = reader.readings(square)
            made = render(network, reader.faces([reading], [reading.styles[0]]), "const", 0)
            right = [pick == said[0] for pick, said in zip(picks, reading.picks[which], strict=True)]
            row += [float(np.mean(right)) if reading.styles[0] == which else 0.0, _apart(made, truth)]
            shown += [to_pixels(square)[0], to_pixels(made)[0]]
        shown.insert(-4, np.asarray(Pillow.fromarray(picture).convert("RGBA").resize((shape.size, shape.size))))
        results.setdefault(kind, []).append((row[0], row[2], row[1], row[3]))
    if sheet is not None:
        _save(shown, 5, sheet)
    return {
        kind: dict(
            zip(
                ("attributes in the middle", "attributes where found", "apart in the middle", "apart where found"),
                np.mean(rows, axis=0).round(3).tolist(),
                strict=True,
            )
        )
        for kind, rows in results.items()
    }


def _apart(one: Tensor, other: Tensor) -> float:
    return float((one.clamp(-1, 1) - other.clamp(-1, 1)).abs().mean()) * 127.5


def _save(shown: list[NDArray[np.uint8]], across: int, path: Path) -> None:
    """Rows of: the picture, its middle square, that as read, the place that was found, that as read."""
    side = shown[0].shape[0]
    sheet = Pillow.new("RGB", (side * across * 2, side * -(-len(shown) // (across * 2))), (200, 200, 200))
    for at, one in enumerate(shown):
        picture = Pillow.fromarray(one)
        sheet.paste(picture, (at % (across * 2) * side, at // (across * 2) * side), picture)
    sheet.save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description="How well faces are found in pictures where they stand anywhere.")
    parser.add_argument("--count", type=int, default=60, help="faces (default: 60)")
    parser.add_argument("--sheet", type=Path, help="a picture of them all")
    values = parser.parse_args()
    with single_thread(1):
        print(json.dumps(measure(values.count, values.sheet), indent=1))


if __name__ == "__main__":
    main()
