"""Trains a StyleGAN2 from drawings with attributes: regression first, then against a discriminator.

Where pictures come with attributes, these determine the picture: regressing it (L1, L2 and gradients) gets in minutes
where adversarial training takes hours; that follows and polishes. A plain folder is learnt adversarially alone
(adversarial.py).
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.backends.avatar.attributes import AttributeTable
from studio.backends.avatar.dataset import FaceDataset, read
from studio.backends.avatar.engine import files
from studio.backends.avatar.engine.network import Generator, GeneratorShape
from studio.backends.avatar.engine.training.adversarial import AVERAGED, GanTrainer, write_centres
from studio.backends.avatar.engine.training.batches import BatchSampler, picture_loss, premultiplied
from studio.backends.avatar.engine.training.discriminator import Discriminator
from studio.backends.avatar.engine.training.warm_start import add_patterns, has_patterns, init_from_drawings
from studio.backends.avatar.model_card import grid, model_facts, write_card
from studio.backends.avatar.requests import AvatarTrainRequest
from studio.backends.engine.device import device, generator, translate_out_of_memory
from studio.backends.engine.optimisers import Muon
from studio.backends.engine.training import TrainingLoop
from studio.backends.medium import Resources
from studio.errors import BadInput
from studio.jobs.job import Cancelled, Progress, Report
from studio.media.payloads import Image, Payload
from studio.models.model import Model
from studio.schema.request import Request

SIZES = (16, 32, 64, 128, 256)
CHANNELS = {4: 160, 8: 160, 16: 160, 32: 64, 64: 32, 128: 16, 256: 16}
DICTIONARY, ABOVE, PATTERNS = 768, (128, 48, 24, 16), (96, 64, 32)
"""Of networks that learn from attributes: channels of the constant, channels of each resolution from the constant's on,
and the patterns of each above it."""
R1_EVERY, R1_WEIGHT, LIKENESS = 16, 1.0, 20.0
INNER = ("mapping.fc", ".affine.", ".conv0.", ".conv1.")
LAID = (".patterns.maps", ".patterns.weight")
GROWN = 1 / 3  # share of the time after which pictures of full size are compared
__all__ = ["AvatarTrainer", "RegressionTrainer", "picture_loss", "premultiplied", "shape_for"]


def shape_for(size: int, table: AttributeTable | None) -> GeneratorShape:
    """The starter's layer sizes at `size` pixels."""
    if table is None:
        return GeneratorShape(channels=_channels(4, size), z_dim=256, w_dim=256, layers=4)
    start = min(32, size // 2)
    colours = sum(one.colour for style in table.styles for one in style.attributes)
    return GeneratorShape(
        channels=ABOVE[: (size // start).bit_length()],
        z_dim=32,
        # Room for the whole condition, and once more for what may be negative (warm_start.py).
        w_dim=64 * math.ceil((table.c_dim + 3 * colours) / 64),
        c_dim=table.c_dim,
        layers=2,
        classes=len(table.styles),
        # The mapping network learns by comparing, without the instabilities that a slow rate is for.
        mapping_lr=1.0,
        start=start,
        constant=DICTIONARY,
        first=1,
        patterns=PATTERNS[: (size // start).bit_length() - 1],
    )


def _channels(start: int, size: int) -> tuple[int, ...]:
    return tuple(channels for side, channels in CHANNELS.items() if start <= side <= size)


class AvatarTrainer:
    """Runs an AvatarTrainRequest. `load` may name a model to go on from."""

    def __init__(self) -> None:
        self._from: Model | None = None

    def load(self, resources: Resources, report: Report) -> None:
        self._from = resources.main

    def close(self) -> None:
        self._from = None

    def run(self, request: Request, report: Report) -> Sequence[Payload]:
        """A last sheet of samples and the trained model. Raises BadInput for a folder that cannot be learnt from."""
        assert isinstance(request, AvatarTrainRequest)
        if request.size not in SIZES:
            raise BadInput(
                "size is {size}.", "Choose one of {sizes}.", size=request.size, sizes=", ".join(map(str, SIZES))
            )
        looking = "reading pictures"
        report(Progress(looking))
        folder = Path(request.data).expanduser()
        pictures = read(folder, request.size, lambda done, total: report(Progress(looking, done, total)))
        if request.stage == "regress" and pictures.table is None:
            raise BadInput(
                "Comparing needs drawings with attributes.",
                "Choose the method Automatic (auto) or Adversarial (adversarial).",
            )
        with translate_out_of_memory():
            if pictures.table is None:
                return GanTrainer(request, pictures, self._from, shape_for(request.size, None)).run(report)
            return RegressionTrainer(request, pictures, self._from).run(report)


class RegressionTrainer:
    """One training from drawings with attributes: the networks, their optimisers and a step of each kind."""

    def __init__(self, request: AvatarTrainRequest, pictures: FaceDataset, start: Model | None) -> None:
        self.request = request
        torch.manual_seed(request.seed)
        assert pictures.table is not None
        self.data = BatchSampler(pictures, request.seed)
        self.table, self.start = pictures.table, start
        shape = shape_for(request.size, self.table)
        # Channels last is what convolutions want on processors and on graphics cards alike.
        self.where = {"device": device(), "memory_format": torch.channels_last}
        self.g = Generator(shape).to(**self.where)
        if start is not None:
            files.load_into(self.g, start.folder, files.read_config(start.folder))
        elif request.stage != "adversarial":
            init_from_drawings(self.g, self.data)
        critic = dataclasses.replace(shape, start=4, channels=_channels(4, request.size), constant=0, patterns=())
        self.report: Report = lambda progress: None
        self.ema = copy.deepcopy(self.g).requires_grad_(False)
        self.adversarial = request.stage == "adversarial"
        self.d = Discriminator(critic).to(**self.where) if self.adversarial else None
        self.optimizers = self._optimizers()
        self.rates = [[group["lr"] for group in one.param_groups] for one in self.optimizers]
        self.d_adam = torch.optim.Adam(self.d.parameters(), lr=2e-3, betas=(0.0, 0.99)) if self.d else None
        self.show_z, self.show_c = self._samples(40)

    def _optimizers(self) -> list[torch.optim.Optimizer]:
        """Of the generator. Comparing, Muon moves what lies between other layers: it needs two thirds of Adam's steps,
        and the time of a quarter more. Against a critic, Adam moves all."""
        named = dict(self.g.named_parameters())
        fast = [p for n, p in named.items() if n.startswith("mapping.embed") or n.endswith(LAID)]
        inner: list[torch.nn.Parameter] = []
        if not self.adversarial:
            inner = [
                p
                for n, p in named.items()
                if n.endswith("weight") and any(part in n for part in INNER) and ".patterns." not in n
            ]
        known = {id(p) for p in (*fast, *inner)}
        rest = [p for p in named.values() if id(p) not in known]
        rate, beta = (1e-3, 0.0) if self.adversarial else (3e-3, 0.9)
        adam = torch.optim.Adam([{"params": rest, "lr": rate}, {"params": fast, "lr": rate * 4}], betas=(beta, 0.99))
        return [adam, Muon(inner, 4e-3, weight_decay=0.0)] if inner else [adam]

    def run(self, report: Report) -> list[Payload]:
        self.report = report
        training = TrainingLoop(
            self.request,
            report,
            state=self.state,
            restore=self.restore,
            preview=self.sheet,
            export=self.export,
            stage="playing against a critic" if self.adversarial else "comparing with drawings",
            about=model_facts(self.start, self.request.size),
        )
        for step in training:
            anneal = training.anneal()
            for one, rates in zip(self.optimizers, self.rates, strict=True):
                for group, rate in zip(one.param_groups, rates, strict=True):
                    group["lr"] = rate * anneal
            if self.d_adam:
                self.d_adam.param_groups[0]["lr"] = 2e-3 * anneal
                losses = self.adversarial_step(step)
            else:
                losses = self.regression_step(training.fraction)
            self.average(step)
            training.log(**losses)
        return training.finish()

    def regression_step(self, fraction: float) -> dict[str, float]:
        """One step of regression. The first part of the time goes to small pictures, which cost a fraction; then the
        network gets patterns of what it does not draw yet."""
        size = self.request.size
        if fraction >= GROWN and not has_patterns(self.g):
            self._add_patterns()
        if size >= 32:
            size = size // 2 if fraction < GROWN else size
        real, c, weights = self._batch(16)
        assert weights is not None
        if size < self.request.size:
            real, weights = F.adaptive_avg_pool2d(real, size), F.adaptive_avg_pool2d(weights, size)
        z = torch.randn(len(real), self.g.shape.z_dim, device=real.device)
        ws = self.g.broadcast(self.g.mapping(z, c))
        loss = picture_loss(self.g.synthesis(ws, noise="none", size=size), real, weights)
        self._step(loss)
        return {"loss": loss.item(), "size": float(size)}

    def _add_patterns(self) -> None:
        def follow(done: int, total: int) -> None:
            self.report(Progress("looking for what is missing", done, total))

        # A cancel is raised again at the end of the step, where the result is saved.
        with contextlib.suppress(Cancelled):
            add_patterns([self.ema, self.g], self.data, follow)

    def adversarial_step(self, step: int) -> dict[str, float]:
        """One step of each player, with the likeness kept (1912.04958: non-saturating logistic loss, lazy R1)."""
        assert self.d is not None
        assert self.d_adam is not None
        real, c, weights = self._batch(16)
        z = torch.randn(len(real), self.g.shape.z_dim, device=real.device)
        made = self.g(z, c, noise="random")

        self.d.requires_grad_(False)
        g_loss = F.softplus(-self.d(made, c)).mean()
        assert weights is not None
        likeness = picture_loss(made, real, weights)
        self._step(g_loss + LIKENESS * likeness)

        self.d.requires_grad_(True)
        penalise = step % R1_EVERY == 0
        real.requires_grad_(penalise)
        on_real, on_made = self.d(real, c), self.d(made.detach(), c)
        d_loss = F.softplus(-on_real).mean() + F.softplus(on_made).mean()
        r1 = torch.zeros(())
        if penalise:
            (slope,) = torch.autograd.grad(on_real.sum(), real, create_graph=True)
            r1 = slope.square().sum(dim=(1, 2, 3)).mean()
        self.d_adam.zero_grad(set_to_none=True)
        (d_loss + r1 * (R1_WEIGHT / 2 * R1_EVERY)).backward()
        self.d_adam.step()
        return {"generator": g_loss.item(), "critic": d_loss.item(), "likeness": likeness.item()}

    def _step(self, loss: Tensor) -> None:
        for one in self.optimizers:
            one.zero_grad(set_to_none=True)
        loss.backward()
        for one in self.optimizers:
            one.step()

    def average(self, step: int) -> None:
        """The weights' moving average, over fewer steps at first."""
        keep = min(0.998, (1 + step) / (20 + step))
        for mean, new in zip(self.ema.parameters(), self.g.parameters(), strict=True):
            mean.lerp_(new, 1 - keep)

    def state(self) -> dict[str, Any]:
        whole: dict[str, Any] = {
            "g": self.g.state_dict(),
            "ema": self.ema.state_dict(),
            "optimizers": [one.state_dict() for one in self.optimizers],
        }
        if self.d and self.d_adam:
            whole |= {"d": self.d.state_dict(), "d_adam": self.d_adam.state_dict()}
        return {**whole, "random": self.data.random.get_state(), "torch": torch.get_rng_state()}

    def restore(self, whole: dict[str, Any]) -> None:
        self.g.load_state_dict(whole["g"])
        self.ema.load_state_dict(whole["ema"])
        if self.d and self.d_adam and "d" in whole:
            self.d.load_state_dict(whole["d"])
            self.d_adam.load_state_dict(whole["d_adam"])
        if bool(self.d) == ("d" in whole) and "optimizers" in whole:
            for one, state in zip(self.optimizers, whole["optimizers"], strict=True):
                one.load_state_dict(state)
        self.data.random.set_state(whole["random"])
        torch.set_rng_state(whole["torch"])

    def sheet(self) -> Image:
        """Forty samples of the averaged weights, eight in a row, styles in turn by rows."""
        with torch.inference_mode():
            made = self.ema(self.show_z, self.show_c, noise="const")
        return grid(files.to_straight_alpha(made))

    def export(self, folder: Path) -> None:
        with torch.inference_mode():
            z = torch.randn(AVERAGED, self.g.shape.z_dim, generator=generator(1234)).to(device())
            write_centres(self.ema.mapping, self.table, z)
        files.write(self.ema, folder, self.table)
        facts = {"Drawings": f"{len(self.data.pixels):,}", "Size": f"{self.request.size} px"}
        write_card(folder, self.sheet(), self.request.title, self.start, facts)

    def _batch(self, size: int) -> tuple[Tensor, Tensor | None, Tensor | None]:
        real, c, weights = self.data.batch(size)
        to = device()
        real = real.to(**self.where)
        return real, None if c is None else c.to(to), None if weights is None else weights.to(to)

    def _samples(self, count: int) -> tuple[Tensor, Tensor]:
        """z and conditions as seeds would draw them, the styles in equal shares, one after another."""
        rng = np.random.default_rng(1234)
        z = torch.from_numpy(rng.standard_normal((count, self.g.shape.z_dim), dtype=np.float32)).to(device())
        rows = []
        for i in range(count):
            style = i * len(self.table.styles) // count
            rows.append(self.table.vector(style, self.table.draw(style, rng)))
        return z, torch.from_numpy(np.stack(rows)).to(device())
