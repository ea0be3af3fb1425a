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
    pool: int = 6000
    fresh: int = 8
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

    `start` is the folder of a model whose weights a new training begins with; its words and kinds must be `config`'s.
    """
    torch.manual_seed(seed)
    model = SceneModel(config)
    if start is not None:
        begun = SceneModel.load(start)
        if begun.config != config:
            raise ValueError(f"{start} was trained for other words, kinds or sizes")
        model.load_state_dict(begun.state_dict())
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
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, help="folder of a model whose weights to begin with")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    plan = TrainingPlan(minutes=asked.minutes, batch=asked.batch)
    train(asked.out, plan, SceneConfig(tuple(vocabulary())), asked.seed, asked.start)


if __name__ == "__main__":
    main()
