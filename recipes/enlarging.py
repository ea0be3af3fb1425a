"""Measures the starters' own enlargers beside an installed upscaler and Lanczos, on drawings in the starters' sizes.

    python -m recipes.enlarging avatars.jsonl.zst MODEL [--count 60]

MODEL is the folder of an installed upscaler, such as realesr-animevideov3. Drawings of faces that were held out leave
128 px for 512, painted posters 64 x 96 for 512 x 768. Printed for each: PSNR of the whole picture and at its edges in
dB, and the mean error of the gradients there in levels a pixel. Edges are pixels whose grey changes by more than 12
levels a pixel, and their neighbours.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import PIL.Image
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from scipy.ndimage import maximum_filter

from recipes.avatar.prepare import attributes_of, drawings, held_out, reduced, render
from recipes.poster.painter import paint, plan
from studio.backends.avatar.engine import upscaler
from studio.backends.avatar.engine.synthesis import to_pixels
from studio.backends.avatar.engine.training.batches import premultiplied
from studio.backends.poster.enlarge import fit
from studio.backends.upscale.engine.networks import network
from studio.backends.upscale.engine.tiles import enlarge
from studio.models import weights

STARTER = Path(__file__).parent.parent / "resources" / "models" / "avatar-starter"
EDGE = 12
TILE = 128

Pixels = NDArray[np.uint8]
Enlarger = Callable[[Pixels], Pixels]


def faces(source: Path, count: int) -> Iterable[tuple[Pixels, Pixels]]:
    """Held-out drawings of 128 and 512 px, uint8 [S, S, 4]."""
    rows = [row for row in drawings(source) if held_out(row["style"], attributes_of(row))]
    random.Random(1).shuffle(rows)
    for row in rows[:count]:
        large = render(row["svg"], row["style"], 4 * 128)
        yield reduced(large), large


def posters(count: int) -> Iterable[tuple[Pixels, Pixels]]:
    """Painted posters of 64 x 96 and 512 x 768 px, uint8 [H, W, 3]."""
    for seed in range(900_000, 900_000 + count):
        large = paint(plan(seed), 512, 768)
        yield np.asarray(PIL.Image.fromarray(large).resize((64, 96), PIL.Image.Resampling.BOX)), large


def own_face(network: upscaler.Upscaler, small: Pixels) -> Pixels:
    return to_pixels(network(premultiplied(torch.from_numpy(small[None]))))[0]


def upscaled(network: torch.nn.Module, small: Pixels, wide: int) -> Pixels:
    """Four times by the network, and the rest by Lanczos."""
    return resized(enlarge(network, small, 4, TILE, lambda done, total: None), wide)  # type: ignore[arg-type]


def resized(small: Pixels, wide: int) -> Pixels:
    picture = PIL.Image.fromarray(small)
    size = wide, wide * picture.height // picture.width
    if picture.mode != "RGBA":
        return np.asarray(picture.resize(size, PIL.Image.Resampling.LANCZOS))
    return np.asarray(picture.convert("RGBa").resize(size, PIL.Image.Resampling.LANCZOS).convert("RGBA"))


def errors(made: Pixels, drawn: Pixels) -> tuple[float, float, float]:
    """PSNR of the whole and at edges, and the error of the gradients there; transparent pixels are seen on white."""
    x, y = _on_white(made), _on_white(drawn)
    slopes, wanted = (np.stack(np.gradient(z.mean(2))) for z in (x, y))
    edges = maximum_filter(np.hypot(*wanted) > EDGE, 3).astype(np.bool_)
    squares = (x - y) ** 2
    apart = np.hypot(*(slopes - wanted))
    whole, near = (10 * np.log10(255**2 / max(float(part.mean()), 1e-9)) for part in (squares, squares[edges]))
    return whole, near, float(apart[edges].mean())


def _on_white(pixels: Pixels) -> NDArray[np.float64]:
    colour = pixels[..., :3].astype(np.float64)
    return colour if pixels.shape[2] == 3 else 255 + (colour - 255) * (pixels[..., 3:] / 255)


def table(name: str, pairs: Iterable[tuple[Pixels, Pixels]], enlargers: dict[str, Enlarger]) -> None:
    found: dict[str, list[tuple[float, float, float]]] = {each: [] for each in enlargers}
    for small, large in pairs:
        for each, enlarger in enlargers.items():
            found[each].append(errors(enlarger(small), large))
    for each, rows in found.items():
        whole, edges, gradients = np.mean(rows, axis=0)
        print(f"{name:8} {each:10} whole {whole:.1f} dB, edges {edges:.1f} dB, gradients {gradients:.1f}")


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--count", type=int, default=60)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    config = weights.read_json(asked.model / "config.json")
    net = network(config["model_type"], config)
    net.load_state_dict(load_file(asked.model / "model.safetensors"))
    net.eval()
    own = upscaler.read(STARTER)
    assert own is not None
    beside: dict[str, Enlarger] = {
        "upscaler": lambda small: upscaled(net, small, 512),
        "Lanczos": lambda small: resized(small, 512),
    }
    table("faces", faces(asked.source, asked.count), {"own": lambda small: own_face(own, small), **beside})
    table("posters", posters(asked.count // 4), {"own": lambda small: fit(small, 512, 768), **beside})


if __name__ == "__main__":
    main()
