"""The encoder: reads a picture as the attributes that its generator was trained with.

Learnt from the network's own samples, whose attributes are known, as pSp (Richardson et al., arXiv 2008.00951) learns
its latents. It tells attributes instead of w, since the mapping network makes w of them: sixty short answers are learnt
in minutes where thousands of numbers take hours, and what is found stands on the sliders at once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from studio.backends.avatar.attributes import NONE, AttributeTable
from studio.backends.avatar.engine import files
from studio.errors import Message

FILE = "encoder.safetensors"
LOOKED = 64  # pixels of a side that pictures are looked at, at most: what a face is shows at that size
WIDTHS, SMALLEST = (32, 48, 64, 96), 4
NARROW = 128  # numbers between what is seen and what is said of it
SAMPLES = 12_000  # pictures that the network draws to learn from
BATCH, RATE = 32, 2e-3
KEPT = 0.995  # of the averaged weights at each step
SHARPEST = 0.1  # of the samples stay as they are; the others are disturbed


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut; halves the side."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm0, self.norm1 = nn.GroupNorm(8, inputs), nn.GroupNorm(8, inputs)
        self.conv0 = nn.Conv2d(inputs, inputs, 3, padding=1)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv0(F.leaky_relu(self.norm0(x), 0.2))
        y = self.conv1(F.leaky_relu(self.norm1(y), 0.2))
        return F.avg_pool2d(y + self.skip(x), 2)


class Encoder(nn.Module):
    """picture [N, planes, size, size] in [-1, 1] -> scores [N, answers]: of the styles, then, for each attribute of
    each style, of its values and last of its absence. The softmax of each of these runs is what is likely."""

    def __init__(self, planes: int, size: int, answers: int) -> None:
        super().__init__()
        self.planes, self.size, self.answers = planes, min(size, LOOKED), answers
        self.enter = nn.Conv2d(planes * 4, WIDTHS[0], 3, padding=1)
        blocks: list[nn.Module] = []
        side, channels = self.size // 2, WIDTHS[0]
        for wider in WIDTHS[1:]:
            if side > SMALLEST:
                blocks.append(ResidualBlock(channels, wider))
                channels, side = wider, side // 2
        self.blocks = nn.Sequential(*blocks)
        self.shared = nn.Linear(channels * side * side, NARROW)
        self.say = nn.Linear(NARROW, answers)

    def forward(self, picture: Tensor) -> Tensor:
        if picture.shape[2] != self.size:
            picture = F.adaptive_avg_pool2d(picture, self.size)
        x = self.blocks(self.enter(F.pixel_unshuffle(picture, 2)))
        return self.say(F.leaky_relu(self.shared(F.leaky_relu(x, 0.2).flatten(1)), 0.2))


@dataclass(frozen=True, slots=True)
class AttributeReading:
    """What one picture shows: styles likeliest first, and for each style the picks of each attribute likeliest first
    (an index of its values, or NONE)."""

    styles: tuple[int, ...]
    picks: tuple[tuple[tuple[int, ...], ...], ...]

    @classmethod
    def of(cls, scores: Tensor, table: AttributeTable) -> Self:
        """From the scores [answers] of one picture."""
        numbers = scores.detach().cpu().numpy()
        picks: list[list[tuple[int, ...]]] = [[] for _ in table.styles]
        for style, which, span in _questions(table):
            one = table.styles[style].attributes[which]
            order = [int(at) for at in np.argsort(-numbers[span], kind="stable")]
            said = [NONE if at == len(one.values) else at for at in order]
            picks[style].append(tuple(pick for pick in said if pick != NONE or one.none or one.needs))
        styles = np.argsort(-numbers[: len(table.styles)], kind="stable")
        return cls(tuple(int(style) for style in styles), tuple(map(tuple, picks)))


def _questions(table: AttributeTable) -> Iterator[tuple[int, int, slice]]:
    """(style, attribute, slice of the scores) of every attribute."""
    at = len(table.styles)
    for s, style in enumerate(table.styles):
        for i, one in enumerate(style.attributes):
            yield s, i, slice(at, at + len(one.values) + 1)
            at += len(one.values) + 1


def encoder_for(shape: Any, table: AttributeTable) -> Encoder:
    """An untrained encoder for a generator of this shape and these attributes."""
    answers = len(table.styles) + sum(span.stop - span.start for *_, span in _questions(table))
    return Encoder(shape.planes, shape.size, answers)


def train(
    network: Any,
    table: AttributeTable,
    minutes: float,
    *,
    seed: int = 0,
    start: Encoder | None = None,
    samples: int = SAMPLES,
    report: Callable[[int, float, dict[str, float]], object] = lambda step, share, losses: None,
    steps: int = 0,
) -> Encoder:
    """An encoder for `network`, learnt from what that draws, for so many minutes (or `steps`, where given).

    `start` is one to go on from. `report` hears the step, the share of the time that is over, and the loss in nats for
    an answer.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    where = next(network.parameters()).device
    encoder = encoder_for(network.shape, table)
    if start is not None:
        encoder.load_state_dict(start.state_dict())
    encoder = encoder.to(where).train().requires_grad_(True)
    pictures, answers = _samples(network, table, encoder.size, samples, rng)
    mean = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    adam = torch.optim.AdamW(encoder.parameters(), lr=RATE, betas=(0.9, 0.99), weight_decay=0.02)
    begun, step = time.monotonic(), 0
    while True:
        share = step / steps if steps else (time.monotonic() - begun) / (minutes * 60)
        if share >= 1:
            break
        adam.param_groups[0]["lr"] = RATE * min(1.0, (step + 1) / 50) * 0.5 * (1 + np.cos(np.pi * share))
        pick = torch.from_numpy(rng.integers(len(pictures), size=BATCH))
        seen = distort(pictures[pick].to(where).float() / 127.5 - 1, rng)
        loss = _loss(encoder(seen), answers[pick].to(where), table)
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        step += 1
        keep = min(KEPT, step / (10 + step))
        for name, tensor in encoder.state_dict().items():
            mean[name].lerp_(tensor, 1 - keep)
        report(step, share, {"loss": loss.item()})
    encoder.load_state_dict(mean)
    return encoder.eval().requires_grad_(False)


def _loss(scores: Tensor, answers: Tensor, table: AttributeTable) -> Tensor:
    """Cross entropy of the style and of the attributes of the picture's own style: `answers` [N, 1 + attributes of all
    styles], the style, then the index of each right answer, -1 where nothing is asked."""
    total = F.cross_entropy(scores[:, : len(table.styles)], answers[:, 0], reduction="sum")
    for at, (*_, span) in enumerate(_questions(table)):
        total = total + F.cross_entropy(scores[:, span], answers[:, 1 + at], ignore_index=-1, reduction="sum")
    return total / (answers >= 0).sum()


@torch.no_grad()
def _samples(
    network: Any, table: AttributeTable, size: int, count: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Samples [count, planes, size, size] uint8 of the generator, and the right answers for them (see _loss)."""
    questions = list(_questions(table))
    answers = np.full((count, 1 + len(questions)), -1, np.int64)
    conditions = np.empty((count, table.c_dim), np.float32)
    for n in range(count):
        style = table.draw_style(rng)
        picks = table.draw(style, rng)
        conditions[n] = table.vector(style, picks)
        answers[n, 0] = style
        for at, (s, i, span) in enumerate(questions):
            if s == style:
                answers[n, 1 + at] = picks[i] if picks[i] != NONE else span.stop - span.start - 1
    where = next(network.parameters()).device
    pictures: list[Tensor] = []
    for some in torch.from_numpy(conditions).split(BATCH):
        z = torch.from_numpy(rng.standard_normal((len(some), network.shape.z_dim), dtype=np.float32)).to(where)
        drawn = network.synthesis(network.broadcast(network.mapping(z, some.to(where))), "const")
        drawn = F.adaptive_avg_pool2d(drawn, size).clamp(-1, 1)
        pictures.append(((drawn + 1) * 127.5).round().byte().cpu())
    return torch.cat(pictures), torch.from_numpy(answers)


def distort(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Pictures as they may come to be uploaded: framed a little otherwise, unsharp, grainy, or before a colour."""
    count, planes, size, _ = pictures.shape
    to = {"device": pictures.device, "dtype": pictures.dtype}
    clean = torch.from_numpy(rng.random(count) < SHARPEST).to(pictures.device)[:, None, None, None]
    scale = torch.from_numpy(rng.uniform(0.88, 1.1, count)).to(**to)
    shift = torch.from_numpy(rng.uniform(-0.09, 0.09, (count, 2))).to(**to)
    theta = torch.zeros(count, 2, 3, **to)
    theta[:, 0, 0] = theta[:, 1, 1] = scale
    theta[:, :, 2] = shift
    grid = F.affine_grid(theta, [count, planes, size, size], align_corners=False)
    # Beyond the edge is nothing: -1 in every plane.
    x = F.grid_sample(pictures + 1, grid, mode="bilinear", align_corners=False) - 1
    soft = F.interpolate(F.avg_pool2d(x, 2), scale_factor=2, mode="bilinear", align_corners=False)
    x = torch.where(torch.from_numpy(rng.random(count) < 0.3).to(x.device)[:, None, None, None], soft, x)
    if planes == 4:
        colour = torch.from_numpy(rng.uniform(-1, 1, (count, 3, 1, 1))).to(**to)
        # Premultiplied in [-1, 1]: what the alpha leaves of the colour is added.
        left = (1 - x[:, 3:]) / 2
        before = torch.cat([x[:, :3] + (colour + 1) * left, torch.ones_like(left)], dim=1)
        x = torch.where(torch.from_numpy(rng.random(count) < 0.25).to(x.device)[:, None, None, None], before, x)
    noise = torch.from_numpy(rng.standard_normal(x.shape, dtype=np.float32)).to(**to)
    return torch.where(clean, pictures, (x + 0.03 * noise).clamp(-1, 1))


def write(encoder: Encoder, folder: Path) -> None:
    """encoder.safetensors as fp16, with its sizes."""
    tensors = {name: tensor.detach().cpu().half().contiguous() for name, tensor in encoder.state_dict().items()}
    about = json.dumps([encoder.planes, encoder.size, encoder.answers])
    save_file(tensors, folder / FILE, metadata={"format": "pt", "sizes": about})


def read(folder: Path, shape: Any, table: AttributeTable | None) -> Encoder | None:
    """The encoder of the model in `folder`; None where it has none. StudioError where it is damaged or of another
    network."""
    path = folder / FILE
    if table is None or not path.exists():
        return None
    encoder = encoder_for(shape, table)
    encoder.load_state_dict(files.read_weights(path, encoder.state_dict(), Message("does not belong to this network")))
    return encoder.eval().requires_grad_(False)
