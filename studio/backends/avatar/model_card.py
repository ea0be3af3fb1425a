"""The sample sheet and the card of a trained avatar model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from studio.media.payloads import Image
from studio.models.model import Model

ACROSS = 8


def grid(pixels: NDArray[np.uint8]) -> Image:
    """Pictures [N, H, W, 4], N a multiple of ACROSS, side by side in rows."""
    rows = [np.concatenate(list(pixels[i : i + ACROSS]), axis=1) for i in range(0, len(pixels), ACROSS)]
    return Image(np.concatenate(rows, axis=0))


def write_card(folder: Path, sheet: Image, title: str, start: Model | None, facts: dict[str, str]) -> None:
    """sheet.png and card.md into a model's folder."""
    Pillow.fromarray(sheet.pixels).save(folder / "sheet.png", "PNG", optimize=True)
    licence = start.licence if start is not None else "own"
    rows = "\n".join(f"| {name} | {value} |" for name, value in facts.items())
    text = f"""# {title or "An avatar model of your own"}

Trained on this computer with AIGC Studio. The pictures of `sheet.png` are the first that were drawn, not chosen.

| | |
|---|---|
{rows}

Licence: {licence}

What it draws resembles the pictures it learnt from. Whether you may publish its works depends on your rights in those
pictures{"" if start is None else f", and on the licence of {start.title or start.id}, which it began as"}.
"""
    (folder / "card.md").write_text(text, encoding="utf-8")


def model_facts(start: Model | None, size: int) -> dict[str, object]:
    """The facts for the catalog. A model that was trained on from another one keeps that one's licence."""
    facts: dict[str, object] = {
        "licence": "own",
        "source": "trained in the studio",
        "description": "Trained on pictures of your own.",
        "native": [size, size],
    }
    if start is not None:
        facts |= {"licence": start.licence or "unknown", "credits": start.credits}
        facts["description"] = f"Trained on pictures of your own, from {start.title or start.id}."
    return facts
