"""Initial weights for an EnCodec from a principal component analysis of audio frames.

A codec that starts from random weights needs hours before it is anything; the best linear one is a matter of algebra,
and learning goes on from there. It must not know priors or requests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import EncodecModel

LIFT = 1.0
"""ELU is the identity above zero: signals are lifted by this much before it, and let down by the layer behind it."""


@dataclass(frozen=True, slots=True)
class LinearTransform:
    """`analysis` is `[hop, dimensions]`, frames times it are latents; `share` of the frames' power is within them."""

    analysis: Tensor
    share: float


def initialise(model: EncodecModel, frames: Tensor, loudest: Tensor) -> LinearTransform:
    """Set encoder and decoder of a model made by `small_codec` to the principal components of `frames`, `[N, hop]`.

    `loudest` is `[sources, N, hop]`, frames of which one of each source may sound at a time; their sum has to fit.
    The decoder's convolutions unfold components, stride by stride, into samples, and the encoder's fold samples into
    them. Residual branches and recurrent cells start silent, free to learn more.
    """
    _, vectors = torch.linalg.eigh(frames.T @ frames)
    basis = vectors.flip(1)[:, : model.config.codebook_dim]
    scale = 0.9 / float((loudest @ basis).abs().amax((1, 2)).sum())
    levels = _levels(frames @ basis @ basis.T, basis, scale, model)
    with torch.no_grad():
        _init_decoder(model, levels)
        _init_encoder(model, levels)
    return LinearTransform(basis * scale, float((frames @ basis).pow(2).sum() / frames.pow(2).sum()))


@dataclass(frozen=True, slots=True)
class CodecLevel:
    """How a block of samples is kept at one depth of the codec: `fold` is `[channels, samples]`, `unfold` undoes it."""

    fold: Tensor
    unfold: Tensor

    @property
    def samples(self) -> int:
        return self.fold.shape[1]


def _levels(frames: Tensor, basis: Tensor, scale: float, model: EncodecModel) -> list[CodecLevel]:
    """From whole frames down to single samples; the last two channels of each level are left free, for constants."""
    config = model.config
    wide = config.num_filters * 2 ** len(config.upsampling_ratios)
    block = frames.shape[1]
    fold = F.pad(basis.T * scale, (0, 0, 0, wide - basis.shape[1]))
    levels = [CodecLevel(fold, F.pad(basis / scale, (0, wide - basis.shape[1])))]
    for ratio in config.upsampling_ratios:
        wide, block = wide // 2, block // ratio
        if block < wide - 1:
            whole, size = torch.eye(block), 1.0
        else:
            parts = frames.reshape(-1, block)
            _, vectors = torch.linalg.eigh(parts.T @ parts)
            whole, size = vectors.flip(1)[:, : wide - 2], block**0.5
        room = (0, wide - whole.shape[1])
        levels.append(CodecLevel(F.pad(whole / size, room).T.contiguous(), F.pad(whole * size, room)))
    return levels


def _init_decoder(model: EncodecModel, levels: list[CodecLevel]) -> None:
    head, lstm, *stages, _, tail = _layers(model.decoder)
    _set_last_tap(head, torch.eye(head.conv.out_channels, head.conv.in_channels), LIFT)
    _zero_lstm(lstm.lstm)
    for outer, inner, (_, up, block) in zip(levels, levels[1:], _in_threes(stages), strict=False):
        weight = torch.zeros_like(up.conv.weight)
        for i in range(outer.samples // inner.samples):
            rows = outer.unfold[i * inner.samples : (i + 1) * inner.samples]
            weight[:, :, i] = (inner.fold @ rows).T
        # The lift must not come through, nor the rounding of sixteen bits times it: two channels carry nothing else.
        for spare in (-1, -2):
            weight[spare] = -_as_float16(weight).sum(0)
        _set(up.conv, weight, 0.0)
        _init_residual(block, LIFT)
    _set_last_tap(tail, torch.eye(1, tail.conv.in_channels), -LIFT)


def _init_encoder(model: EncodecModel, levels: list[CodecLevel]) -> None:
    head, *stages, lstm, _, tail = _layers(model.encoder)
    _set_last_tap(head, torch.eye(head.conv.out_channels, 1), 0.0)
    deep = levels[::-1]
    for inner, outer, (block, _, down) in zip(deep, deep[1:], _in_threes(stages), strict=False):
        _init_residual(block, LIFT)
        weight = torch.zeros_like(down.conv.weight)
        ratio = outer.samples // inner.samples
        for i in range(ratio):
            weight[:, :, ratio + i] = outer.fold[:, i * inner.samples : (i + 1) * inner.samples] @ inner.unfold
        lift = LIFT if outer is levels[0] else 0.0
        _set(down.conv, weight, lift - LIFT * weight.sum((1, 2)))
    _zero_lstm(lstm.lstm)
    _set_last_tap(tail, torch.eye(tail.conv.out_channels, tail.conv.in_channels), -LIFT)


def _layers(side: Any) -> list[Any]:
    """The layers of an encoder or decoder, whose kinds transformers does not declare."""
    return list(side.layers)


def _in_threes(layers: Sequence[Any]) -> Iterator[tuple[Any, Any, Any]]:
    return zip(layers[::3], layers[1::3], layers[2::3], strict=True)


def _zero_lstm(lstm: nn.LSTM) -> None:
    """A cell whose candidates are zero stays at zero, and still has a gradient."""
    size = lstm.hidden_size
    for name, value in lstm.named_parameters():
        if "_l" in name:
            value[2 * size : 3 * size] = 0


def _as_float16(weight: Tensor) -> Tensor:
    """The weights as they come back from sixteen-bit files, which keep their lengths and directions."""
    length = weight.flatten(1).norm(dim=1).half().float().view(-1, 1, 1)
    direction = weight.half().float()
    return length * direction / direction.flatten(1).norm(dim=1).clamp(min=1e-12).view(-1, 1, 1)


def _init_residual(block: Any, lift: float) -> None:
    """A residual block that adds nothing but `lift` yet."""
    last = block.block[-1].conv
    _set(last, torch.zeros_like(last.weight), 0.0)
    _set_last_tap(block.shortcut, torch.eye(block.shortcut.conv.out_channels), lift)


def _set_last_tap(layer: Any, matrix: Tensor, bias: float) -> None:
    weight = torch.zeros_like(layer.conv.weight)
    weight[..., -1] = matrix
    _set(layer.conv, weight, bias)


def _set(conv: Any, weight: Tensor, bias: Tensor | float) -> None:
    """Give a weight-normalised convolution these weights, rounded as they will be kept; a channel of zeros has a
    direction to learn in."""
    length, direction = conv.parametrizations.weight.original0, conv.parametrizations.weight.original1
    norm = weight.flatten(1).norm(dim=1).view_as(length)
    length.copy_(norm.half())
    direction.copy_(torch.where(norm > 0, weight, direction).half())
    conv.bias.copy_(torch.as_tensor(bias).expand_as(conv.bias))
