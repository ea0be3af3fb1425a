"""Whether a model's attributes can be told: drawings are compared with pictures that differ in one attribute only, and
shown to its encoder.

A held-out drawing is compared with a picture for each value that the attribute may have, all other attributes as the
drawing has them; the nearest must be the right one. Also how much of a thing that may be absent appears when it is
there, and how far single pictures are from the drawings they stand for (mean absolute difference, 0 to 255, clear areas
included).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from studio.backends.avatar.attributes import NONE
from studio.backends.avatar.dataset import FaceDataset
from studio.backends.avatar.engine.encoder import AttributeReading, Encoder
from studio.backends.avatar.engine.network import Generator
from studio.backends.avatar.engine.training.batches import premultiplied

EACH = 12  # drawings of a style that are looked at
WORN = 24  # drawings of a style with a thing that may be absent
SEEN = 0.25  # of the range of 2: where a thing changes a picture more, it shows


@torch.inference_mode()
def draw(network: Generator, c: np.ndarray) -> Tensor:
    """Pictures [N, 4, size, size] in [-1, 1] for conditions, z from one seed."""
    z = torch.randn(len(c), network.shape.z_dim, generator=torch.Generator().manual_seed(1))
    made = [network(z[i : i + 64], torch.from_numpy(c[i : i + 64])) for i in range(0, len(c), 64)]
    return torch.cat(made)


@torch.inference_mode()
def distance(network: Generator, pictures: FaceDataset, rows: np.ndarray) -> float:
    assert pictures.conditions is not None
    real = premultiplied(torch.from_numpy(pictures.pixels[rows]))
    return float((draw(network, pictures.conditions[rows]).clamp(-1, 1) - real).abs().mean() * 127.5)


@torch.inference_mode()
def told(network: Generator, pictures: FaceDataset) -> dict[str, Any]:
    """style -> attribute -> [share told, share that guessing would tell]."""
    assert pictures.table is not None
    assert pictures.conditions is not None
    assert pictures.style is not None
    assert pictures.held_out is not None
    held = np.flatnonzero(pictures.held_out)
    shares: dict[str, Any] = {}
    for s, style in enumerate(pictures.table.styles):
        rows = held[pictures.style[held] == s][:EACH]
        real = premultiplied(torch.from_numpy(pictures.pixels[rows]))
        for one in style.attributes:
            span = pictures.table.spans[s][one.name]
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


@torch.inference_mode()
def shown(network: Generator, pictures: FaceDataset) -> dict[str, Any]:
    """style -> attribute that drawings may lack -> how much of it appears: 1 where the model adds what the drawings
    have, 0 where its picture is the same without it. The projection of what it adds onto what there is to add, where
    that shows, over held-out drawings that have it."""
    assert pictures.table is not None
    assert pictures.conditions is not None
    assert pictures.style is not None
    assert pictures.held_out is not None
    shares: dict[str, Any] = {}
    for s, style in enumerate(pictures.table.styles):
        spans = pictures.table.spans[s]
        for one in style.attributes:
            if not one.none or one.needs or one.colour:
                continue
            has = pictures.held_out & (pictures.style == s) & pictures.conditions[:, spans[one.name]].any(axis=1)
            rows = np.flatnonzero(has)[:WORN]
            if not len(rows):
                continue
            c = pictures.conditions[rows]
            bare = c.copy()
            for other in style.attributes:
                if one.name in (other.name, other.needs):
                    bare[:, spans[other.name]] = 0
            without = draw(network, bare)
            wanted = premultiplied(torch.from_numpy(pictures.pixels[rows])) - without
            where = wanted.abs().amax(dim=1, keepdim=True) > SEEN
            added = ((draw(network, c) - without) * wanted * where).sum()
            shares.setdefault(style.name, {})[one.name] = round(float(added / (wanted.square() * where).sum()), 2)
    return shares


@torch.inference_mode()
def read(encoder: Encoder, pictures: FaceDataset) -> dict[str, Any]:
    """What an encoder says of held-out drawings. style -> attribute -> [share where the likeliest value is right, share
    where the right one is among the four likeliest]; "style" -> the share of styles that are right."""
    assert pictures.table is not None
    assert pictures.conditions is not None
    assert pictures.style is not None
    assert pictures.held_out is not None
    found: dict[str, dict[str, list[tuple[bool, bool]]]] = {style.name: {} for style in pictures.table.styles}
    right: list[bool] = []
    for row in np.flatnonzero(pictures.held_out):
        s = int(pictures.style[row])
        style, spans = pictures.table.styles[s], pictures.table.spans[s]
        seen = premultiplied(torch.from_numpy(pictures.pixels[row : row + 1]))
        reading = AttributeReading.of(encoder(seen)[0], pictures.table)
        right.append(reading.styles[0] == s)
        for one, likeliest in zip(style.attributes, reading.picks[s], strict=True):
            own = pictures.conditions[row][spans[one.name]]
            same = [np.array_equal(one.code(pick), own) for pick in likeliest[:4]]
            found[style.name].setdefault(one.name, []).append((same[0], any(same)))
    shares = {
        name: {attribute: [round(float(share), 2) for share in np.mean(told, axis=0)] for attribute, told in of.items()}
        for name, of in found.items()
    }
    return {"style": round(float(np.mean(right)), 3), **shares}
