"""Makes a trained scene model a starter: its files in 16 bits, model.toml, and an uncurated sheet from the real engine.

python -m recipes.poster.scene.finish RUN/model resources/models/poster-scenes
"""

from __future__ import annotations

import argparse
from pathlib import Path

import PIL.Image
import tomli_w
import torch
from safetensors.torch import load_file, save_file

from recipes.poster.scene.measure import PROMPTS, THINGS_ASKED
from studio.backends.poster.engine.scenes import SceneEngine
from studio.backends.poster.requests import MEDIUM, PosterRequest
from studio.backends.poster.scene import drawings
from studio.media.payloads import Bundle, Image
from studio.models import weights
from studio.models.model import Model
from studio.models.resources import Resources

CREDITS = "Composed and trained for AIGC Studio. Drawings, with their colours changed: " + "; ".join(
    f"{one.title} by {one.author} ({one.licence}, {one.source})" for one in drawings.sets()
)
ABOUT = {
    "id": "poster-scenes",
    "medium": "poster",
    "family": "scene",
    "title": "Poster scenes",
    "licence": "apache-2.0",
    "source": "recipes/poster/scene",
    "credits": CREDITS,
    "description": "Flat posters in vectors: twelve landscapes, stage, table, plain paper, space, the sea from below, "
    "with about a thousand things to ask for.",
    "languages": ["en", "zh"],
    "native": [512, 768],
    "defaults": {"width": 512, "height": 768, "steps": 60, "guidance": 1.5},
}
SEEDS = 6


def sheet(folder: Path) -> PIL.Image.Image:
    """A row for each of six seeds, a column for each prompt, as the medium's samples lie; none is left out."""
    engine = SceneEngine()
    engine.load(Resources(Model("", "poster", "scene", "", "", folder)), lambda _: None)
    cells = MEDIUM.samples
    assert cells is not None
    width, height, gap = cells.width, cells.height, cells.gap
    prompts = (*PROMPTS[::2], *THINGS_ASKED)
    page = PIL.Image.new("RGB", (len(prompts) * (width + gap) + gap, SEEDS * (height + gap) + gap), "white")
    for column, prompt in enumerate(prompts):
        for row in range(SEEDS):
            request = PosterRequest(prompt=prompt, seed=row, width=width, height=height, steps=60, guidance=1.5)
            (made,) = engine.run(request, lambda _: None)
            assert isinstance(made, Bundle)
            assert isinstance(made.main, Image)
            page.paste(
                PIL.Image.fromarray(made.main.pixels), (gap + column * (width + gap), gap + row * (height + gap))
            )
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.to(torch.float16) for name, value in load_file(asked.model / "model.safetensors").items()}
    save_file(tensors, asked.folder / "model.safetensors")
    config = (asked.model / "config.json").read_bytes()
    (asked.folder / "config.json").write_bytes(config)
    size, sha256 = weights.fingerprint(asked.folder)
    (asked.folder / "model.toml").write_text(tomli_w.dumps({**ABOUT, "size": size, "sha256": sha256}), encoding="utf-8")
    sheet(asked.folder).quantize(256).save(asked.folder / "sheet.png", optimize=True)


if __name__ == "__main__":
    main()
