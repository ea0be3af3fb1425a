"""Measures a trained avatar model and puts it where the catalog finds it.

    python recipes/avatar/finish.py RUN/model PACK FOLDER

FOLDER receives config.json, model.safetensors, model.toml, sheet.png (the seeds 0 to 63 as anybody gets them),
styles.png (one row a style) and measured.json. Two figures: how far the model's pictures are from held-out and from
learnt drawings with the same attributes (mean absolute difference, 0 to 255), and how often an attribute can be told: a
held-out drawing is compared with pictures that differ in that attribute only, and the nearest must be the right one.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
import torch
from PIL import Image
from torch import Tensor

from studio import weights
from studio.backends.avatar import AvatarRequest
from studio.backends.avatar.attributes import NONE
from studio.backends.avatar.data import Pictures, read
from studio.backends.avatar.engine import AvatarEngine
from studio.backends.avatar.files import load_into, read_config
from studio.backends.avatar.network import Generator
from studio.backends.avatar.train import premultiplied
from studio.catalog import Model
from studio.job import Progress
from studio.media import Image as Made

ABOUT = {
    "id": "avatar-starter",
    "medium": "avatar",
    "family": "stylegan2",
    "title": "Avatar starter",
    "licence": "cc-by-4.0",
    "source": "recipes/avatar",
    "description": "Illustrated faces in five styles, with transparent background.",
    "native": [64, 64],
    "credits": [
        "Adventurer and its parts by Lisa Wischofsky (CC BY 4.0), as redrawn for DiceBear",
        "Open Peeps by Pablo Stanley (CC0 1.0)",
        "Micah, Avatar Illustration System by Micah Lanier (CC BY 4.0)",
        "Big Smile, Custom Avatar by Ashley Seo (CC BY 4.0)",
        "Personas by Draftbit (CC BY 4.0)",
        "Part libraries as published by DiceBear (github.com/dicebear/dicebear)",
    ],
}
EACH = 12  # drawings of a style that the telling of attributes is measured on


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("pack", type=Path)
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(asked.model / "model.safetensors", asked.folder / "model.safetensors")
    said = json.loads((asked.model / "config.json").read_text(encoding="utf-8"))
    whole = json.dumps({**said, "licence": ABOUT["licence"]}, indent=1)
    (asked.folder / "config.json").write_text(whole + "\n", encoding="utf-8")
    size, sha256 = weights.fingerprint(asked.folder)
    about = {**ABOUT, "size": size, "sha256": sha256}
    (asked.folder / "model.toml").write_text(tomli_w.dumps(about, multiline_strings=True), encoding="utf-8")
    config = read_config(asked.folder)
    network = Generator(config.shape)
    load_into(network, asked.folder, config)
    network.eval().requires_grad_(False)
    sheets(asked.folder, config.styles)
    measured = measure(network, read(asked.pack, config.shape.size))
    (asked.folder / "measured.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(measured, indent=1))


def sheets(folder: Path, styles: tuple[str, ...]) -> None:
    """Uncurated works of the engine itself, at a quarter of their size."""
    engine = AvatarEngine()
    engine.load(Model("avatar-starter", "avatar", "stylegan2", "", "", folder), silent)

    def row(seeds: range, style: str) -> np.ndarray:
        made = []
        for seed in seeds:
            (picture,) = engine.run(AvatarRequest(seed=seed, style=style), silent)
            assert isinstance(picture, Made)
            made.append(np.asarray(Image.fromarray(picture.pixels).resize((96, 96), Image.Resampling.LANCZOS)))
        return np.concatenate(made, axis=1)

    grid = [row(range(first, first + 8), "any") for first in range(0, 64, 8)]
    save(np.concatenate(grid), folder / "sheet.png")
    save(np.concatenate([row(range(100, 108), style) for style in styles]), folder / "styles.png")


def save(pixels: np.ndarray, path: Path) -> None:
    Image.fromarray(pixels).save(path, optimize=True)


def silent(_progress: Progress) -> None:
    """Nobody watches."""


@torch.inference_mode()
def measure(network: Generator, pictures: Pictures) -> dict[str, Any]:
    assert pictures.conditions is not None
    assert pictures.held_out is not None
    held, learnt = np.flatnonzero(pictures.held_out), np.flatnonzero(~pictures.held_out)
    chosen = np.random.default_rng(0).choice(learnt, len(held), replace=False)
    far = {name: float(distance(network, pictures, rows)) for name, rows in (("held_out", held), ("learnt", chosen))}
    return {"difference": far, "told": told(network, pictures, held)}


def draw(network: Generator, c: np.ndarray) -> Tensor:
    """Pictures [N, 4, size, size] in [-1, 1] for conditions, z from one seed."""
    z = torch.randn(len(c), network.shape.z_dim, generator=torch.Generator().manual_seed(1))
    made = [network(z[i : i + 64], torch.from_numpy(c[i : i + 64])) for i in range(0, len(c), 64)]
    return torch.cat(made)


def distance(network: Generator, pictures: Pictures, rows: np.ndarray) -> Tensor:
    assert pictures.conditions is not None
    real = premultiplied(torch.from_numpy(pictures.pixels[rows]))
    return (draw(network, pictures.conditions[rows]).clamp(-1, 1) - real).abs().mean() * 127.5


def told(network: Generator, pictures: Pictures, held: np.ndarray) -> dict[str, Any]:
    """style -> attribute -> [share told, share that guessing would tell]."""
    assert pictures.table is not None
    assert pictures.conditions is not None
    assert pictures.style is not None
    shares: dict[str, Any] = {}
    for s, style in enumerate(pictures.table.styles):
        rows = held[pictures.style[held] == s][:EACH]
        real = premultiplied(torch.from_numpy(pictures.pixels[rows]))
        at = pictures.table.starts[s]
        for one in style.attributes:
            span = slice(at, at + one.width)
            at += one.width
            picks = [NONE, *range(len(one.values))] if one.none and not one.needs else list(range(len(one.values)))
            codes = np.stack([one.code(pick) for pick in picks])
            right = []
            for row, drawing in zip(rows, real, strict=True):
                own = pictures.conditions[row][span]
                if one.needs and not own.any():
                    continue
                c = np.repeat(pictures.conditions[row][None], len(picks), axis=0)
                c[:, span] = codes
                nearest = (draw(network, c) - drawing).abs().mean(dim=(1, 2, 3)).argmin()
                right.append(bool(np.array_equal(codes[int(nearest)], own)))
            if right:
                shares.setdefault(style.name, {})[one.name] = [
                    round(float(np.mean(right)), 2),
                    round(1 / len(picks), 2),
                ]
    return shares


if __name__ == "__main__":
    main()
