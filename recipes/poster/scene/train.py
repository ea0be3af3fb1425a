"""Trains the scene model on scenes that are composed as it goes; stop and start it again with the same command.

    python -m recipes.poster.scene.train --out RUN --minutes 90

RUN receives model/ (the average of the weights: model.safetensors, config.json), state.pt to go on from, and log.jsonl.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import random
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from recipes.poster.scene.asks import Ask, ask, caption, held_out
from recipes.poster.scene.compose import compose
from studio.backends.poster.engine.scene_network import SceneConfig, SceneModel, loss
from studio.backends.poster.scene.rows import encode
from studio.backends.poster.scene.words import FORMATS, vocabulary


@dataclass(frozen=True)
class TrainingPlan:
    """How long and how: the rate rises over `warm` steps and falls to nothing as minutes or steps run out."""

    minutes: float = math.inf
    steps: float = math.inf
    batch: int = 64
    rate: float = 1e-3
    warm: int = 200
    pool: int = 4000
    fresh: int = 6
    keep: float = 0.999


class Pool:
    """Composed scenes of asks that are not held out: encoded, with what was asked. It grows as training goes on."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.asks: list[Ask] = []
        self.rows: list[np.ndarray] = []

    def grow(self, count: int) -> None:
        while count:
            self.seed += 1
            what = ask(random.Random(f"train {self.seed}"))
            if held_out(what):
                continue
            try:
                scene = compose(what, self.seed)
            except ValueError:
                continue
            self.asks.append(what)
            self.rows.append(encode(scene).astype(np.float16))
            count -= 1


def train(out: Path, plan: TrainingPlan, config: SceneConfig, seed: int = 0, start: Path | None = None) -> SceneModel:
    """Train until minutes or steps are spent, those of earlier calls counted; returns the averaged model.

    `start` is the folder of a model whose weights a new training begins with; see `begin_with`.
    """
    torch.manual_seed(seed)
    model = SceneModel(config)
    if start is not None:
        begin_with(model, start)
    mean = copy.deepcopy(model)
    optimiser = torch.optim.AdamW(model.parameters(), plan.rate, betas=(0.9, 0.98), weight_decay=0.01)
    step, spent = 0, 0.0
    out.mkdir(parents=True, exist_ok=True)
    if (out / "state.pt").exists():
        state = torch.load(out / "state.pt", weights_only=True)
        model.load_state_dict(state["model"])
        mean.load_state_dict(state["mean"])
        optimiser.load_state_dict(state["optimiser"])
        step, spent = state["step"], state["spent"]
    pool = Pool(10_000_000 * seed + 1_000_000 * (step > 0) + step * plan.fresh)
    pool.grow(plan.pool)
    rng, generator = random.Random(f"{seed} {step}"), torch.Generator().manual_seed(seed + step)
    brief = faster_in_bfloat16(config.width)
    began, saved, running = time.monotonic() - 60 * spent, time.monotonic(), 0.0
    while (done := max((spent := (time.monotonic() - began) / 60) / plan.minutes, step / plan.steps)) < 1:
        pool.grow(plan.fresh)
        chosen = [rng.randrange(len(pool.rows)) for _ in range(plan.batch)]
        clean = torch.from_numpy(np.stack([pool.rows[i] for i in chosen]).astype(np.float32))
        ids = model.read([caption(pool.asks[i], rng) for i in chosen])
        formats = torch.tensor([list(FORMATS).index(pool.asks[i].format) for i in chosen])
        fall = 0.5 + 0.5 * math.cos(math.pi * done)
        for group in optimiser.param_groups:
            group["lr"] = plan.rate * min(1.0, (step + 1) / plan.warm) * fall
        with torch.autocast("cpu", torch.bfloat16, enabled=brief):
            value = loss(model, clean, ids, formats, generator)
        optimiser.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        step += 1
        with torch.no_grad():
            keep = min(plan.keep, (1 + step) / (10 + step))
            for a, b in zip(mean.parameters(), model.parameters(), strict=True):
                a.lerp_(b, 1 - keep)
        running = value.item() if not running else 0.98 * running + 0.02 * value.item()
        if step % 50 == 0:
            with (out / "log.jsonl").open("a", encoding="utf-8") as lines:
                about = {"step": step, "minutes": round(spent, 2), "loss": round(running, 4), "scenes": len(pool.rows)}
                lines.write(json.dumps(about) + "\n")
        if time.monotonic() - saved > 120:
            _save(out, model, mean, optimiser, step, spent)
            saved = time.monotonic()
    _save(out, model, mean, optimiser, step, spent)
    return mean.eval()


def faster_in_bfloat16(width: int) -> bool:
    """Whether this processor multiplies matrices of the model's size faster in 16 bits, by a short measurement."""
    taken: list[float] = []
    for dtype in (torch.float32, torch.bfloat16):
        rows, weights = torch.ones(4096, width, dtype=dtype), torch.ones(width, 4 * width, dtype=dtype)
        rows @ weights
        began = time.process_time()
        for _ in range(20):
            rows @ weights
        taken.append(time.process_time() - began)
    return taken[1] < 0.6 * taken[0]


def begin_with(model: SceneModel, folder: Path) -> None:
    """Give a model the weights of the one in `folder`, which may lack some of its words and kinds: what is new has no
    say at first. Widths, layers and rows must be the same; ValueError where they are not."""
    about = json.loads((folder / "config.json").read_text("utf-8"))
    ours = model.config
    if any(about[name] != getattr(ours, name) for name in ("width", "layers", "heads", "slots")):
        raise ValueError(f"{folder} has other sizes")
    old, new = load_file(folder / "model.safetensors"), model.state_dict()
    new.update({name: value.float().clone() for name, value in old.items() if value.shape == new[name].shape})
    before, now = [*about["kinds"], *about["fields"]], [*ours.kinds, *ours.fields]
    new["enter.weight"][:], new["leave.weight"][:], new["leave.bias"][:] = 0.0, 0.0, -1.0
    for name in set(before) & set(now):
        i, j = now.index(name), before.index(name)
        for half in (0, 1):
            new["enter.weight"][:, half * len(now) + i] = old["enter.weight"][:, half * len(before) + j]
        for part in ("leave.weight", "leave.bias"):
            new[part][i] = old[part][j]
    for word in set(about["words"]) & set(ours.words):
        new["word.weight"][model.index[word]] = old["word.weight"][about["words"].index(word) + 1]
    model.load_state_dict(new)


def _save(
    out: Path, model: SceneModel, mean: SceneModel, optimiser: torch.optim.Optimizer, step: int, spent: float
) -> None:
    mean.save(out / "model")
    state = {"model": model.state_dict(), "mean": mean.state_dict(), "optimiser": optimiser.state_dict()}
    torch.save({**state, "step": step, "spent": spent}, out / "state.new")
    (out / "state.new").replace(out / "state.pt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--width", type=int, default=SceneConfig.width, help="channels of each element")
    parser.add_argument("--rate", type=float, default=TrainingPlan.rate, help="of learning, at its height")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, help="folder of a model whose weights to begin with")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    plan = TrainingPlan(minutes=asked.minutes, batch=asked.batch, rate=asked.rate)
    train(asked.out, plan, SceneConfig(tuple(vocabulary()), asked.width), asked.seed, asked.start)


if __name__ == "__main__":
    main()
