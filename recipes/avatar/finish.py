"""Makes a starter of a trained avatar model: sliders, upscaler, encoder, sheets and figures.

    python -m recipes.avatar.finish RUN/model PACK FOLDER [--upscaler 15] [--encoder 15]

FOLDER receives what the catalog finds: config.json, model.safetensors, model.toml, traits.json (the order of the
sliders), upscaler.safetensors and encoder.safetensors (learnt for so many minutes, from what is there already; 0 keeps
that as it is), the sheets sheet.png (the seeds 0 to 63 as anybody gets them), styles.png (a row a style) and
nearest.png (made faces above the drawings most like them), and measured.json, whose figures judge.py and tell.py
explain.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
from PIL import Image

from recipes.avatar import judge, slider_order, tell
from recipes.avatar.prepare import EVERY
from studio.backends.avatar.attributes import AttributeTable
from studio.backends.avatar.dataset import FaceDataset, read
from studio.backends.avatar.engine import encoder as encode
from studio.backends.avatar.engine import upscaler
from studio.backends.avatar.engine.engine import AvatarEngine
from studio.backends.avatar.engine.files import load_into, read_config, to_straight_alpha
from studio.backends.avatar.engine.network import Generator
from studio.backends.avatar.requests import AvatarRequest
from studio.jobs.job import Progress
from studio.media.payloads import Image as Made
from studio.models import weights
from studio.models.model import Model
from studio.models.resources import Resources

SHOWN = 96  # pixels of a side on the sheets
ABOUT = {
    "id": "avatar-starter",
    "medium": "avatar",
    "family": "stylegan2",
    "title": "Avatar starter",
    "licence": "cc-by-4.0",
    "source": "recipes/avatar",
    "description": "Illustrated faces in five styles, with transparent background.",
    "native": [128, 128],
    "credits": [
        "Adventurer and its parts by Lisa Wischofsky (CC BY 4.0), as redrawn for DiceBear",
        "Open Peeps by Pablo Stanley (CC0 1.0)",
        "Micah, Avatar Illustration System by Micah Lanier (CC BY 4.0)",
        "Big Smile, Custom Avatar by Ashley Seo (CC BY 4.0)",
        "Personas by Draftbit (CC BY 4.0)",
        "Part libraries as published by DiceBear (github.com/dicebear/dicebear)",
    ],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("pack", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--upscaler", type=float, default=15, metavar="MINUTES")
    parser.add_argument("--encoder", type=float, default=15, metavar="MINUTES")
    asked = parser.parse_args()
    folder: Path = asked.folder
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(asked.model / "model.safetensors", folder / "model.safetensors")
    said = json.loads((asked.model / "config.json").read_text(encoding="utf-8"))
    whole = json.dumps({**said, "licence": ABOUT["licence"]}, indent=1)
    (folder / "config.json").write_text(whole + "\n", encoding="utf-8")
    config = read_config(folder)
    network = Generator(config.shape)
    load_into(network, folder, config)
    network.eval().requires_grad_(False)
    pictures = read(asked.pack, config.shape.size)
    assert config.table is not None
    slider_order.order_sliders(network, config.table, count("sliders")).write(folder)
    if asked.upscaler:
        upscaler.write(learn_upscaler(network, pictures, asked.pack, asked.upscaler, upscaler.read(folder)), folder)
    encoder = encode.read(folder, config.shape, config.table)
    if asked.encoder:
        heard = losses("encoder")
        encoder = encode.train(network, config.table, asked.encoder, start=encoder, report=heard)
        encode.write(encoder, folder)
    size, sha256 = weights.fingerprint(folder)
    about = {**ABOUT, "size": size, "sha256": sha256}
    (folder / "model.toml").write_text(tomli_w.dumps(about, multiline_strings=True), encoding="utf-8")
    made = sheets(folder, config.styles)
    measured = {
        **likeness(network, pictures, folder, made),
        "told": tell.told(network, pictures),
        "shown": tell.shown(network, pictures),
    }
    if encoder is not None:
        measured["read"] = tell.read(encoder, pictures)
    (folder / "measured.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(measured, indent=1))


def learn_upscaler(
    network: Generator, pictures: FaceDataset, pack: Path, minutes: float, start: upscaler.Upscaler | None
) -> upscaler.Upscaler:
    """From what the network draws for the large drawings that are not held out."""
    assert pictures.conditions is not None
    assert pictures.held_out is not None
    large = np.load(pack / "large.npy", mmap_mode="r")
    kept = np.flatnonzero(~pictures.held_out[::EVERY][: len(large)])
    small = to_straight_alpha(tell.draw(network, pictures.conditions[::EVERY][kept]))
    heard = losses("upscaler")

    def report(step: int, share: float, loss: float) -> None:
        heard(step, share, {"loss": loss})

    return upscaler.train(small, large, minutes, rows=kept, start=start, report=report)


def sheets(folder: Path, styles: tuple[str, ...]) -> np.ndarray:
    """Uncurated works of the engine itself, reduced; returns those of the seeds 0 to 63 as the network draws them."""
    engine = AvatarEngine()
    engine.load(Resources(Model("avatar-starter", "avatar", "stylegan2", "", "", folder)), silent)

    def make(seed: int, style: str, size: str) -> np.ndarray:
        (picture,) = engine.run(AvatarRequest(seed=seed, style=style, size=size), silent)
        assert isinstance(picture, Made)
        return picture.pixels

    def row(seeds: range, style: str) -> np.ndarray:
        return np.concatenate([fitted(make(seed, style, "large")) for seed in seeds], axis=1)

    grid = [row(range(first, first + 8), "any") for first in range(0, 64, 8)]
    save(np.concatenate(grid), folder / "sheet.png")
    save(np.concatenate([row(range(100, 108), style) for style in styles]), folder / "styles.png")
    return np.stack([make(seed, "any", "native") for seed in range(64)])


def likeness(network: Generator, pictures: FaceDataset, folder: Path, made: np.ndarray) -> dict[str, Any]:
    """How far the made pictures are from the drawings: one by one, as sets, and to the nearest learnt one."""
    assert pictures.held_out is not None
    assert pictures.table is not None
    assert pictures.style is not None
    held, learnt = np.flatnonzero(pictures.held_out), np.flatnonzero(~pictures.held_out)
    rng = np.random.default_rng(0)
    halves = pictures.pixels[rng.choice(learnt, len(held), replace=False)]
    real = pictures.pixels[held]
    drawn = to_straight_alpha(tell.draw(network, seeds(pictures.table, pictures.style[held], rng)))
    which, far = judge.nearest(made, pictures.pixels[learnt])
    _, usual = judge.nearest(real[: len(made)], pictures.pixels[learnt])
    chosen = np.arange(0, len(made), 4)
    pairs = [
        np.concatenate([fitted(p) for p in row], axis=1)
        for row in (made[chosen], pictures.pixels[learnt][which[chosen]])
    ]
    save(np.concatenate(pairs), folder / "nearest.png")
    return {
        "difference": {
            "held_out": tell.distance(network, pictures, held),
            "learnt": tell.distance(network, pictures, rng.choice(learnt, len(held), replace=False)),
        },
        "sliced_wasserstein": {
            "made": judge.sliced_wasserstein(drawn, real),
            "two_halves_of_drawings": judge.sliced_wasserstein(halves, real),
        },
        "kernel": {
            "made": judge.kernel_distance(drawn, real),
            "two_halves_of_drawings": judge.kernel_distance(halves, real),
        },
        "nearest_learnt": {
            "made": {"median": float(np.median(far)), "least": float(far.min())},
            "held_out_drawings": {"median": float(np.median(usual)), "least": float(usual.min())},
        },
    }


def seeds(table: AttributeTable, styles: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Conditions as seeds draw them, in the styles of the drawings they are compared with."""
    return np.stack([table.vector(int(style), table.draw(int(style), rng)) for style in styles])


def fitted(pixels: np.ndarray) -> np.ndarray:
    picture = Image.fromarray(pixels).convert("RGBa").resize((SHOWN, SHOWN), Image.Resampling.LANCZOS)
    return np.asarray(picture.convert("RGBA"))


def save(pixels: np.ndarray, path: Path) -> None:
    Image.fromarray(pixels).quantize(256).save(path, optimize=True)


def silent(_progress: Progress) -> None:
    """Nobody watches."""


def count(name: str) -> Callable[[int, int], None]:
    return lambda done, total: print(f"{name} {done} of {total}", file=sys.stderr)


def losses(name: str) -> Callable[[int, float, dict[str, float]], None]:
    def heard(step: int, share: float, values: dict[str, float]) -> None:
        if step % 100 == 0:
            print(name, step, f"{share:.0%}", values, file=sys.stderr)

    return heard


if __name__ == "__main__":
    main()
