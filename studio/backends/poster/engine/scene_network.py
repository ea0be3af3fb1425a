"""A diffusion model of vector scenes: a transformer that denoises a set of elements, told the words of a caption.

A scene is the rows of numbers of scene/rows.py. The network sees the noisy set and its own last guess of the clean one
(self-conditioning, 2208.04202) and predicts the clean set. The schedule is a cosine (2102.09672), the steps are
DDIM's (2010.02502), the guidance is classifier-free (2207.12598); time and words scale and shift every layer
(2212.09748).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from studio.backends.poster.scene import SCENE
from studio.backends.poster.scene.elements import FIELDS, Scene
from studio.backends.poster.scene.prompt import LONGEST
from studio.backends.poster.scene.rows import NAMES, SLOTS, WIDTH, decode
from studio.backends.poster.scene.words import FORMATS, tokens
from studio.errors import StudioError


@dataclass(frozen=True)
class SceneConfig:
    """Everything that shapes the network. `words` is its vocabulary; 0 is no word."""

    words: tuple[str, ...]
    width: int = 128
    layers: int = 5
    heads: int = 4
    kinds: tuple[str, ...] = NAMES
    fields: tuple[str, ...] = FIELDS
    slots: int = SLOTS


class Layer(nn.Module):
    """Attention over the set and a feed-forward, each scaled, shifted and gated by the condition."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.condition = nn.Linear(width, 6 * width)
        nn.init.zeros_(self.condition.weight)
        nn.init.zeros_(self.condition.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """x [B, N, width], condition [B, width]."""
        a, b, c, d, e, f = self.condition(condition)[:, None].chunk(6, -1)
        batch, count, width = x.shape
        q, k, v = self.qkv(self.norm(x) * (1 + a) + b).view(batch, count, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, count, width)
        x = x + c * self.out(mixed)
        return x + f * self.down(F.gelu(self.up(self.norm(x) * (1 + d) + e), approximate="tanh"))


class SceneModel(nn.Module):
    def __init__(self, config: SceneConfig) -> None:
        super().__init__()
        if config.kinds != NAMES or config.fields != FIELDS or config.slots != SLOTS:
            raise ValueError("the model was made for other kinds, fields or slots of scenes")
        self.config, width = config, config.width
        self.index = {word: i + 1 for i, word in enumerate(config.words)}
        self.enter = nn.Linear(2 * WIDTH, width)
        self.slot = nn.Parameter(0.02 * torch.randn(SLOTS, width))
        self.time = nn.Sequential(nn.Linear(64, width), nn.SiLU(), nn.Linear(width, width))
        self.word = nn.Embedding(len(config.words) + 1, width, padding_idx=0)
        self.caption = nn.Sequential(nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))
        self.format = nn.Embedding(len(FORMATS), width)
        self.layers = nn.ModuleList(Layer(width, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, WIDTH)
        self.told = nn.Linear(width, SLOTS * width)
        nn.init.zeros_(self.told.weight)
        nn.init.zeros_(self.told.bias)
        nn.init.normal_(self.word.weight, std=0.5)
        nn.init.zeros_(self.word.weight[0])

    def read(self, captions: Sequence[str]) -> Tensor:
        """Token ids int64 [B, LONGEST] of captions; unknown words are left out."""
        ids = torch.zeros(len(captions), LONGEST, dtype=torch.int64)
        for row, text in zip(ids, captions, strict=True):
            known = [self.index[word] for word in tokens(text) if word in self.index][:LONGEST]
            row[: len(known)] = torch.tensor(known, dtype=torch.int64)
        return ids

    def forward(self, noisy: Tensor, guess: Tensor, time: Tensor, ids: Tensor, formats: Tensor) -> Tensor:
        """The clean set [B, SLOTS, WIDTH] of a noisy one; `guess` is its last answer or zeros, `time` [B] 0 to 1."""
        rates = torch.exp(torch.linspace(0, math.log(1000), 32))
        angles = time[:, None] * rates
        condition = self.time(torch.cat([angles.sin(), angles.cos()], -1))
        condition = condition + self.caption(self.word(ids).sum(1)) + self.format(formats)
        condition = F.silu(condition)
        # What the words say to each row: which of them a thing asked for goes to is learned several times faster so.
        told = self.told(condition).view(len(noisy), SLOTS, -1)
        x = self.enter(torch.cat([noisy, guess], -1)) + self.slot + told
        for layer in self.layers:
            x = layer(x, condition)
        return self.leave(self.norm(x))

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        save_file({name: value.contiguous() for name, value in self.state_dict().items()}, folder / "model.safetensors")
        about = {"model_type": SCENE, **asdict(self.config)}
        (folder / "config.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> SceneModel:
        """The model in a folder that `check` has passed."""
        about = json.loads((folder / "config.json").read_text("utf-8"))
        known = {each.name for each in fields(SceneConfig)}
        config: dict[str, Any] = {
            name: tuple(v) if isinstance(v, list) else v for name, v in about.items() if name in known
        }
        model = cls(SceneConfig(**config))
        model.load_state_dict(load_file(folder / "model.safetensors"))
        return model.eval()


def signal(time: Tensor) -> Tensor:
    """The share of variance that is signal at a time from 0 (clean) to 1 (noise)."""
    return torch.cos((time * 0.985 + 0.005) * math.pi / 2) ** 2


def loss(model: SceneModel, clean: Tensor, ids: Tensor, formats: Tensor, generator: torch.Generator) -> Tensor:
    """The weighted squared error of the predicted clean set; captions are dropped in one case of ten."""
    batch = len(clean)
    time = (torch.arange(batch) + torch.rand(batch, generator=generator)) / batch
    kept = signal(time)[:, None, None]
    noise = torch.randn(clean.shape, generator=generator)
    noisy = kept.sqrt() * clean + (1 - kept).sqrt() * noise
    ids = ids * (torch.rand(batch, 1, generator=generator) > 0.1)
    guess = torch.zeros_like(clean)
    if torch.rand((), generator=generator) < 0.5:
        with torch.no_grad():
            guess = model(noisy, guess, time, ids, formats)
    error = (model(noisy, guess, time, ids, formats) - clean) ** 2
    there = (clean[..., len(NAMES) - 1] < 0).float() * 0.8 + 0.2
    weight = (kept / (1 - kept)).clamp(0.25, 16).sqrt()
    kinds, fields = error[..., : len(NAMES)].sum(-1) / 8, error[..., len(NAMES) :].mean(-1)
    return ((kinds + fields) * there * weight[..., 0]).mean()


@torch.no_grad()
def sample(
    model: SceneModel,
    captions: Sequence[str],
    formats: Sequence[str],
    seeds: Sequence[int],
    steps: int = 60,
    guidance: float = 2.0,
    spread: float = 1.0,
    report: Callable[[int, Callable[[], list[Scene]]], object] | None = None,
) -> list[Scene]:
    """A scene for each caption, format and seed, from noise of `spread` times the deviation that was trained. `report`
    is called after each step, with a way to see the scenes as they stand. StudioError where the network answers with
    what are no numbers.
    """
    noise = [torch.randn(SLOTS, WIDTH, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    x = spread * torch.stack(noise)
    ids, shapes = model.read(captions), torch.tensor([list(FORMATS).index(name) for name in formats])
    guess = torch.zeros_like(x)
    times = torch.linspace(1, 0, steps + 1)

    def scenes() -> list[Scene]:
        rows = guess.numpy()
        return [decode(r, FORMATS[f], s) for r, f, s in zip(rows, formats, seeds, strict=True)]

    for step in range(steps):
        if guidance == 1:
            told = model(x, guess, times[step].expand(len(x)), ids, shapes)
        else:
            both = [torch.cat([each, each]) for each in (x, guess, shapes)]
            words = torch.cat([ids, torch.zeros_like(ids)])
            told, free = model(both[0], both[1], times[step].expand(len(words)), words, both[2]).chunk(2)
            told = free + guidance * (told - free)
        if not bool(told.isfinite().all()):
            raise StudioError(
                "The model's results are not numbers.", "Its weights are damaged: import or train it again."
            )
        guess = told.clamp(-6, 6)
        kept, after = signal(times[step]), signal(times[step + 1])
        noise = (x - kept.sqrt() * guess) / (1 - kept).sqrt()
        x = after.sqrt() * guess + (1 - after).sqrt() * noise
        if report is not None:
            report(step + 1, scenes)
    return scenes()
