"""Initial generator weights by least squares: drawings fitted on their attributes.

What attributes say of drawings is, to a first approximation, a sum: each adds a pattern of its own. Least squares
finds the patterns, the singular value decomposition of each splits it into (where, what) pairs, and the strongest pairs
become the channels of the learned constant: channel k is a place in the picture, the first layer's weights say what is
drawn there, and its affine layer reads from w how much of it there is. The mapping network begins as a passage that
lets the condition through. Descent starts from there instead of from noise, and needs a fraction of the pictures. What
a network does not draw after a while, thin and rare things, becomes patterns of its higher resolutions in the same way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from studio.backends.avatar.engine.layers import GAIN, FullyConnected
from studio.backends.avatar.engine.network import Generator, SynthesisBlock
from studio.backends.avatar.engine.training.batches import BatchSampler, premultiplied

RANK = 16  # pairs kept of one number of the condition, before the strongest of all are chosen
RIDGE = 1.0  # in drawings: what a value must be seen before its pattern is believed
RARE = 0.02  # added to how often a value occurs, so that rare ones are drawn too
BATCH = 256
LOOKED = 512  # drawings of each style that are looked at for what is missing
APIECE = 2  # patterns of one number of the condition, at most, on each resolution


@dataclass(frozen=True, eq=False)
class PatternPairs:
    """K patterns: `of` [K] is the number of the condition that one belongs to, `what` [D, K] and `where` [K, S * S]."""

    of: Tensor
    what: Tensor
    where: Tensor


@torch.no_grad()
def init_from_drawings(network: Generator, drawings: BatchSampler) -> None:
    """Give a generator with a dictionary (`shape.constant`, `shape.first` 1) weights that draw the fitted pictures.

    The picture of the first resolution is then close to the drawings' at that size, the layers above have their random
    weights, and their share in the picture is small. Raises ValueError where w has too few numbers for the condition.
    """
    c = drawings.c
    assert c is not None
    shape = network.shape
    pairs = fit_patterns(drawings, shape.start, shape.constant)
    signed = torch.nonzero((c < 0).any(dim=0))[:, 0]
    if shape.c_dim + len(signed) > shape.w_dim:
        raise ValueError(f"w has {shape.w_dim} numbers; the condition needs {shape.c_dim + len(signed)}")
    _init_mapping(network, signed)
    sample = c[:: max(1, len(c) // 2048)]
    where = next(network.parameters()).device
    w = network.mapping(torch.randn(len(sample), shape.z_dim, device=where), sample.to(where))
    read = torch.linalg.solve(w.T @ w + 1e-2 * len(w) * torch.eye(shape.w_dim, device=where), w.T @ sample.to(where))
    block = cast(SynthesisBlock, network.synthesis.get_submodule(f"b{shape.start}"))
    _write_pairs(block, PatternPairs(*(part.to(where) for part in (pairs.of, pairs.what, pairs.where))), read)
    _fit_to_rgb(block, w, _downsampled(drawings, shape.start)[:: max(1, len(c) // 2048)].to(where))
    for size in shape.sizes[1:]:
        cast(SynthesisBlock, network.synthesis.get_submodule(f"b{size}")).torgb.weight.mul_(0.02)


def fit_patterns(drawings: BatchSampler, start: int, count: int) -> PatternPairs:
    """The `count` strongest patterns of the drawings on `start` x `start` cells, each cell a vector of its pixels."""
    assert drawings.c is not None
    assert drawings.style is not None
    found: list[tuple[float, int, Tensor, Tensor]] = []
    for style in drawings.style.unique():
        rows = torch.nonzero(drawings.style == style)[:, 0]
        c = drawings.c[rows]
        used = torch.nonzero(c.abs().sum(dim=0))[:, 0]
        c = c[:, used]
        sums = torch.zeros(1)
        for i in range(0, len(rows), BATCH):
            cells = _cells(premultiplied(drawings.pixels[rows[i : i + BATCH]]), start)
            sums = sums + c[i : i + BATCH].T @ cells.flatten(1)
        gram = c.T @ c + RIDGE * torch.eye(len(used))
        patterns = torch.linalg.solve(gram, sums).unflatten(1, (-1, start * start))
        often = (c.abs().mean(dim=0) + RARE).sqrt()
        what, strength, where = torch.linalg.svd(patterns, full_matrices=False)
        for k, number in enumerate(used.tolist()):
            for r in range(min(RANK, strength.shape[1])):
                half = strength[k, r].sqrt()
                found.append((float(strength[k, r] * often[k]), number, what[k, :, r] * half, where[k, r] * half))
    found.sort(key=lambda pair: -pair[0])
    best = found[:count]
    while len(best) < count:
        best = [*best, *best][:count]  # few attributes: the same patterns again, to part ways while learning
    return PatternPairs(
        torch.tensor([number for _, number, _, _ in best]),
        torch.stack([what for *_, what, _ in best], dim=1),
        torch.stack([where for *_, where in best]),
    )


@torch.no_grad()
def add_patterns(
    networks: Sequence[Generator],
    drawings: BatchSampler,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> None:
    """Give networks of one shape the patterns (layers.Patterns) of what the first of them does not draw yet.

    Least squares finds what each number of the condition lacks, mean over drawings, on every resolution that has
    patterns; the strongest become maps, and affine layers read from w how much of each there is. What a pattern draws
    is left to learn: it adds nothing yet, so no picture changes. `progress` gets how many of how many drawings were
    read, before any weight changes; what it raises passes through.
    """
    network, shape, c = networks[0], networks[0].shape, drawings.c
    assert c is not None
    assert drawings.style is not None
    styles = drawings.style.unique()
    found: dict[int, list[MissingPattern]] = {size: [] for size in shape.sizes if shape.patterns_of(size)}
    seen: list[tuple[Tensor, Tensor]] = []
    for style in styles:
        mine = torch.nonzero(drawings.style == style)[:, 0]
        rows = mine[torch.multinomial(drawings.often[mine], min(LOOKED, len(mine)), generator=drawings.random)]
        lacking = []
        for some in rows.split(BATCH // 4):
            progress(sum(len(w) for w, _ in seen), LOOKED * len(styles))
            w, lacks = _residuals(network, drawings, some)
            lacking.append(lacks)
            seen.append((w, c[some]))
        weight = drawings.weights[int(style)].sqrt()
        for size, missing in found.items():
            missing += _missing_patterns(torch.cat(lacking) * weight, c[rows], size)
    w = torch.cat([w for w, _ in seen])
    known = torch.cat([w, torch.ones_like(w[:, :1])], dim=1)
    gram = known.T @ known + 1e-3 * len(w) * torch.eye(known.shape[1])
    read = torch.linalg.solve(gram, known.T @ torch.cat([code for _, code in seen]))
    for size, missing in found.items():
        many = shape.patterns_of(size)
        best = (sorted(missing, key=lambda one: -one.strength) * many)[:many]
        numbers = [one.number for one in best]
        maps = torch.stack([one.where / one.where.square().mean().sqrt().clamp(min=1e-6) for one in best])
        for one in networks:
            laid = cast(SynthesisBlock, one.synthesis.get_submodule(f"b{size}")).conv1.patterns
            assert laid is not None
            laid.maps.copy_(maps)
            laid.weight.zero_()
            laid.affine.weight.copy_(read[:-1, numbers].T * math.sqrt(shape.w_dim))
            laid.affine.bias.copy_(read[-1, numbers])


def has_patterns(network: Generator) -> bool:
    """Whether a network's patterns have been fitted."""
    maps = [tensor for name, tensor in network.named_parameters() if name.endswith(".patterns.maps")]
    return all(bool(tensor.any()) for tensor in maps)


@dataclass(frozen=True, eq=False)
class MissingPattern:
    """What pictures lack where a number of the condition is 1: `where` [S, S], and how much that matters."""

    strength: float
    number: int
    where: Tensor


def _missing_patterns(lacking: Tensor, c: Tensor, size: int) -> list[MissingPattern]:
    """By least squares, of what drawings [N, planes, H, W] with the conditions [N, c_dim] lack, on `size` pixels."""
    used = torch.nonzero(c.abs().sum(dim=0))[:, 0]
    code = c[:, used]
    gram = code.T @ code + RIDGE * torch.eye(len(used))
    planes = F.adaptive_avg_pool2d(lacking, size).flatten(1)
    patterns = torch.linalg.solve(gram, code.T @ planes).unflatten(1, (lacking.shape[1], size * size))
    often = (code.abs().mean(dim=0) + RARE).sqrt()
    _, strength, where = torch.linalg.svd(patterns, full_matrices=False)
    return [
        MissingPattern(float(strength[k, r] * often[k]), number, where[k, r].unflatten(0, (size, size)))
        for k, number in enumerate(used.tolist())
        for r in range(min(APIECE, strength.shape[1]))
    ]


def _residuals(network: Generator, drawings: BatchSampler, rows: Tensor) -> tuple[Tensor, Tensor]:
    """w [N, w_dim] of drawings, and [N, planes, H, W] the difference to what the network makes of them."""
    assert drawings.c is not None
    to = next(network.parameters())
    w = network.mapping(torch.randn(len(rows), network.shape.z_dim).to(to), drawings.c[rows].to(to))
    made = network.synthesis(network.broadcast(w), "none").cpu()
    return w.cpu(), premultiplied(drawings.pixels[rows]) - made


def _cells(pictures: Tensor, start: int) -> Tensor:
    """[N, planes, H, H] -> [N, planes * f * f, start * start], f the side of a cell in pixels."""
    return F.pixel_unshuffle(pictures, pictures.shape[2] // start).flatten(2)


def _downsampled(drawings: BatchSampler, side: int) -> Tensor:
    """All drawings, premultiplied [N, 4, side, side]."""
    batches = drawings.pixels.split(BATCH)
    return torch.cat([F.adaptive_avg_pool2d(premultiplied(batch), side) for batch in batches])


def _init_mapping(network: Generator, signed: Tensor) -> None:
    """Mapping weights that let every number of the condition through; `signed` ones also with their sign turned.

    A leaky ReLU keeps what is positive, so a number that may be negative travels as two.
    """
    shape, mapping = network.shape, network.mapping
    enter = torch.randn(shape.w_dim, shape.c_dim) * 0.3
    numbers = torch.cat([torch.arange(shape.c_dim), signed])
    enter[: len(numbers)] = 0
    enter[torch.arange(len(numbers)), numbers] = torch.cat(
        [torch.ones(shape.c_dim), -torch.ones(len(signed))]
    ) * math.sqrt(len(numbers) / 5)
    mapping.embed.weight.copy_(enter)
    mapping.embed.bias.zero_()
    for i in range(shape.layers):
        layer = cast(FullyConnected, mapping.get_submodule(f"fc{i}"))
        inputs = layer.weight.shape[1]
        through = torch.randn(shape.w_dim, inputs) * 0.05
        through[:, -shape.w_dim :] += torch.eye(shape.w_dim) * (math.sqrt(inputs) / GAIN)
        layer.weight.copy_(through / layer.lr)
        layer.bias.zero_()


def _write_pairs(block: SynthesisBlock, pairs: PatternPairs, read: Tensor) -> None:
    """Fill the first block: `read` [w_dim, c_dim] is how w tells the condition."""
    layer = block.conv1
    outputs = layer.weight.shape[0]
    size = pairs.where.square().mean(dim=1).sqrt().clamp(min=1e-6)
    # A random rotation spreads what is drawn over the channels: none is worth more than another to what comes after.
    numbers = pairs.what.shape[0]
    turn = torch.linalg.qr(torch.randn(max(outputs, numbers), min(outputs, numbers), device=read.device))[0]
    weight = (turn if outputs >= numbers else turn.T) @ (pairs.what * size)
    scale = (weight.norm(dim=0) / math.sqrt(outputs)).clamp(min=1e-6)
    block.const.copy_((pairs.where / size[:, None]).unflatten(1, block.const.shape[1:]))
    layer.weight.copy_((weight / scale)[:, :, None, None])
    layer.affine.weight.copy_(read[:, pairs.of].T * scale[:, None] * math.sqrt(read.shape[0]))
    layer.affine.bias.zero_()
    layer.bias.zero_()


def _fit_to_rgb(block: SynthesisBlock, w: Tensor, pictures: Tensor) -> None:
    """Make the first block's picture the best fit of its map to `pictures` [N, planes, S, S]."""
    maps = []
    for batch in w.split(BATCH):
        maps.append(block.conv1(block.const.expand(len(batch), -1, -1, -1), batch, "none", None)[:, :, ::2, ::2])
    x = torch.cat(maps).permute(0, 2, 3, 1).flatten(0, 2)
    x = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
    y = pictures[:, :, ::2, ::2].permute(0, 2, 3, 1).flatten(0, 2)
    best = torch.linalg.solve(x.T @ x + 1e-3 * len(x) * torch.eye(x.shape[1], device=x.device), x.T @ y)
    block.torgb.weight.copy_(best[:-1].T[:, :, None, None] * math.sqrt(x.shape[1] - 1))
    block.torgb.bias.copy_(best[-1])
    block.torgb.affine.weight.zero_()
