"""A small convolutional network that enlarges the starter's drawings four times.

It learns from what one generator draws and the same drawings in full size, so it also mends what that generator leaves
soft or blotched. A residual network whose last layer draws all sixteen pixels of each one (sub-pixel convolution, Shi
et al., arXiv 1609.05158), added to the bicubic enlargement. Knows no requests and no generators.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from studio.backends.avatar.engine import files
from studio.backends.avatar.engine.training.batches import premultiplied
from studio.errors import Message

FILE = "upscaler.safetensors"
TIMES, PLANES, WIDTH, DEPTH = 4, 4, 32, 4
CROP, BATCH, RATE = 32, 16, 2e-3
KEPT = 0.998  # of the averaged weights at each step


class Upscaler(nn.Module):
    """picture [N, 4, S, S], premultiplied in [-1, 1] -> [N, 4, 4 S, 4 S]."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Conv2d(PLANES, WIDTH, 3, padding=1)
        self.body = nn.ModuleList(nn.Conv2d(WIDTH, WIDTH, 3, padding=1) for _ in range(DEPTH))
        self.leave = nn.Conv2d(WIDTH, PLANES * TIMES * TIMES, 3, padding=1)
        with torch.no_grad():  # it begins as the plain enlargement
            for parameter in self.leave.parameters():
                parameter.zero_()

    def forward(self, picture: Tensor) -> Tensor:
        x = self.enter(picture.contiguous(memory_format=torch.channels_last))
        for layer in self.body:
            x = x + layer(F.leaky_relu(x, 0.2))
        more = F.pixel_shuffle(self.leave(F.leaky_relu(x, 0.2)), TIMES)
        return (F.interpolate(picture, scale_factor=TIMES, mode="bicubic") + more).clamp(-1, 1)


def train(
    small: NDArray[np.uint8],
    large: NDArray[np.uint8],
    minutes: float,
    *,
    rows: NDArray[np.int64] | None = None,
    seed: int = 0,
    start: Upscaler | None = None,
    steps: int = 0,
    report: Callable[[int, float, float], object] = lambda step, share, loss: None,
) -> Upscaler:
    """An upscaler from pairs: `small` [N, S, S, 4] as drawn, `large` [N, 4 S, 4 S, 4] as it should be.

    Both with straight alpha; picture i of `small` belongs to `large[rows[i]]`, where rows are given. `start` is one to
    go on from. Ends after `minutes`, or `steps` where given; `report` hears the step, the share that is over, and the
    loss.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = Upscaler()
    if start is not None:
        network.load_state_dict(start.state_dict())
    rows = np.arange(len(small)) if rows is None else rows
    mean = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    adam = torch.optim.Adam(network.parameters(), lr=RATE, betas=(0.9, 0.99))
    begun, step = time.monotonic(), 0
    while True:
        share = step / steps if steps else (time.monotonic() - begun) / (minutes * 60)
        if share >= 1:
            break
        adam.param_groups[0]["lr"] = RATE * min(1.0, (step + 1) / 50) * 0.5 * (1 + np.cos(np.pi * share))
        x, y = _crops(small, large, rows, rng)
        made = network(x)
        d = made - y
        loss = d.abs().mean() + 0.5 * (_across(d).abs().mean() + _down(d).abs().mean())
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        step += 1
        keep = min(KEPT, step / (10 + step))
        for name, tensor in network.state_dict().items():
            mean[name].lerp_(tensor, 1 - keep)
        report(step, share, loss.item())
    network.load_state_dict(mean)
    return network.eval().requires_grad_(False)


def write(network: Upscaler, folder: Path) -> None:
    """upscaler.safetensors as fp16."""
    tensors = {name: tensor.detach().cpu().half().contiguous() for name, tensor in network.state_dict().items()}
    save_file(tensors, folder / FILE, metadata={"format": "pt"})


def read(folder: Path) -> Upscaler | None:
    """The upscaler of the model in `folder`; None where it has none. StudioError where it is damaged."""
    path = folder / FILE
    if not path.exists():
        return None
    network = Upscaler()
    network.load_state_dict(files.read_weights(path, network.state_dict(), Message("is no upscaler of this studio")))
    return network.eval().requires_grad_(False)


def _crops(
    small: NDArray[np.uint8], large: NDArray[np.uint8], rows: NDArray[np.int64], rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Pairs of squares from the same place, half of them mirrored."""
    side = min(CROP, small.shape[1])
    xs, ys = [], []
    for i in rng.integers(len(small), size=BATCH):
        top, left = rng.integers(small.shape[1] - side + 1, size=2)
        x = small[i, top : top + side, left : left + side]
        y = large[rows[i], top * TIMES : (top + side) * TIMES, left * TIMES : (left + side) * TIMES]
        turned = rng.random() < 0.5
        xs.append(x[:, ::-1] if turned else x)
        ys.append(y[:, ::-1] if turned else y)
    pairs = (premultiplied(torch.from_numpy(np.stack(part))) for part in (xs, ys))
    x, y = (part.contiguous(memory_format=torch.channels_last) for part in pairs)
    return x, y


def _across(d: Tensor) -> Tensor:
    return d[..., 1:] - d[..., :-1]


def _down(d: Tensor) -> Tensor:
    return d[..., 1:, :] - d[..., :-1, :]
