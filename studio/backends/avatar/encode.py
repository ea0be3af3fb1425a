"""The encoder: a picture's first guess in W+, learnt from the network's own samples; knows no requests.

After pSp (Richardson et al., arXiv 2008.00951), small: a residual network that says how the w of every layer differs
from the average, in standard deviations of W. It needs no pictures but those that the generator draws.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from studio.backends.avatar.attributes import Table
from studio.errors import StudioError

FILE = "encoder.safetensors"
LOOKED = 64  # pixels of a side that pictures are looked at, at most: what a face is shows at that size
FIRST, MOST, SMALLEST = 24, 96, 4
NARROW = 64  # numbers that say how the layers of one face differ
BATCH, RATE = 16, 2e-3
LIKENESS = 0.5  # weight of the picture's likeness beside that of w


class Residual(nn.Module):
    """Two 3x3 convolutions around a shortcut; halves the side."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(inputs, inputs, 3, padding=1)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.leaky_relu(self.conv0(F.leaky_relu(x, 0.2)), 0.2))
        return F.avg_pool2d(y + self.skip(x), 2)


class Encoder(nn.Module):
    """picture [N, planes, size, size] in [-1, 1] -> ws [N, num_ws, w_dim]."""

    mean: Tensor
    std: Tensor

    def __init__(self, planes: int, size: int, num_ws: int, w_dim: int) -> None:
        super().__init__()
        self.planes, self.size, self.num_ws, self.w_dim = planes, size, num_ws, w_dim
        channels = FIRST
        self.enter = nn.Conv2d(planes, channels, 3, padding=1)
        blocks: list[nn.Module] = []
        side = min(size, LOOKED)
        while side > SMALLEST:
            wider = min(MOST, channels * 3 // 2)
            blocks.append(Residual(channels, wider))
            channels, side = wider, side // 2
        self.blocks = nn.Sequential(*blocks)
        self.shared = nn.Linear(channels * side * side, w_dim)
        self.apart = nn.Sequential(nn.Linear(w_dim, NARROW), nn.Linear(NARROW, num_ws * w_dim))
        self.register_buffer("mean", torch.zeros(w_dim))
        self.register_buffer("std", torch.ones(w_dim))

    def forward(self, picture: Tensor) -> Tensor:
        if self.size > LOOKED:
            picture = F.adaptive_avg_pool2d(picture, LOOKED)
        shared = self.shared(F.leaky_relu(self.blocks(self.enter(picture)), 0.2).flatten(1))
        apart = self.apart(F.leaky_relu(shared, 0.2)).view(-1, self.num_ws, self.w_dim)
        return self.mean + self.std * (shared[:, None] + apart)


def for_network(shape: Any) -> Encoder:
    """An encoder that has learnt nothing yet, for a network of this shape."""
    return Encoder(shape.planes, shape.size, shape.num_ws, shape.w_dim)


def learn(
    network: Any,
    table: Table | None,
    minutes: float,
    *,
    seed: int = 0,
    report: Callable[[int, float, dict[str, float]], object] = lambda step, share, losses: None,
    steps: int = 0,
) -> Encoder:
    """An encoder for `network`, learnt from what that draws, for so many minutes (or `steps`, where given).

    `report` hears the step, the share of the time that is over, and the losses. Half of the samples have layers of two
    faces, so that the encoder learns to tell layers apart.
    """
    shape = network.shape
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    where = next(network.parameters()).device
    encoder = for_network(shape).to(where)
    with torch.no_grad():
        many = _mapped(network, table, 512, rng, where)
        encoder.mean.copy_(many.mean(dim=0))
        encoder.std.copy_(many.std(dim=0).clamp(min=1e-3))
    frozen = network.eval().requires_grad_(False)
    adam = torch.optim.Adam(encoder.parameters(), lr=RATE, betas=(0.9, 0.99))
    start, step = time.monotonic(), 0
    while True:
        share = step / steps if steps else (time.monotonic() - start) / (minutes * 60)
        if share >= 1:
            return encoder.eval().requires_grad_(False)
        adam.param_groups[0]["lr"] = RATE * min(1.0, (step + 1) / 50) * 0.5 * (1 + np.cos(np.pi * share))
        with torch.no_grad():
            ws = _mixed(frozen, table, rng, where)
            picture = frozen.synthesis(ws, "const")
        guess = encoder(_disturbed(picture))
        in_w = ((guess - ws) / encoder.std).square().mean()
        in_picture = (frozen.synthesis(guess, "const") - picture).abs().mean()
        adam.zero_grad(set_to_none=True)
        (in_w + LIKENESS * in_picture).backward()
        adam.step()
        step += 1
        report(step, min(1.0, share), {"w": in_w.item(), "picture": in_picture.item()})


def write(encoder: Encoder, folder: Path) -> None:
    """encoder.safetensors as fp16, with its sizes."""
    tensors = {name: tensor.detach().cpu().half().contiguous() for name, tensor in encoder.state_dict().items()}
    about = json.dumps([encoder.planes, encoder.size, encoder.num_ws, encoder.w_dim])
    save_file(tensors, folder / FILE, metadata={"format": "pt", "sizes": about})


def read(folder: Path, shape: Any) -> Encoder | None:
    """The encoder of the model in `folder`; None where it has none. StudioError where it is damaged or of another
    network."""
    path = folder / FILE
    if not path.exists():
        return None
    encoder = for_network(shape)
    wanted = encoder.state_dict()
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise StudioError(f"{path} is damaged: {error}.", "Fetch or import the model again.") from error
    fits = tensors.keys() == wanted.keys() and all(tensors[name].shape == wanted[name].shape for name in wanted)
    if not fits or not all(torch.isfinite(tensor).all() for tensor in tensors.values()):
        raise StudioError(f"{path} does not belong to this network.", "Fetch or import the model again.")
    encoder.load_state_dict(tensors)
    return encoder.eval().requires_grad_(False)


def _mapped(network: Any, table: Table | None, count: int, rng: np.random.Generator, where: torch.device) -> Tensor:
    """w [count, w_dim] of faces as seeds draw them."""
    z = torch.from_numpy(rng.standard_normal((count, network.shape.z_dim), dtype=np.float32)).to(where)
    if not network.shape.c_dim:
        return network.mapping(z, None)
    if table is None:
        c = np.eye(network.shape.c_dim, dtype=np.float32)[rng.integers(network.shape.c_dim, size=count)]
    else:
        shares = rng.multinomial(count, [1 / len(table.styles)] * len(table.styles))
        c = np.concatenate([table.vectors(style, int(share), rng) for style, share in enumerate(shares)])
        rng.shuffle(c)
    return network.mapping(z, torch.from_numpy(c).to(where))


def _mixed(network: Any, table: Table | None, rng: np.random.Generator, where: torch.device) -> Tensor:
    """ws [BATCH, num_ws, w_dim]; half of them change face at a layer drawn at random (style mixing)."""
    w = _mapped(network, table, BATCH, rng, where)
    ws = network.broadcast(w).clone()
    for i in range(BATCH // 2):
        ws[i, int(rng.integers(1, ws.shape[1])) :] = w[BATCH - 1 - i]
    return ws


def _disturbed(picture: Tensor) -> Tensor:
    """The picture as it may come to be uploaded: a little unsharp for some, and with a little noise."""
    half = len(picture) // 2
    soft = F.interpolate(F.avg_pool2d(picture[:half], 2), scale_factor=2, mode="bilinear", align_corners=False)
    whole = torch.cat([soft, picture[half:]])
    return (whole + 0.02 * torch.randn_like(whole)).clamp(-1, 1)
