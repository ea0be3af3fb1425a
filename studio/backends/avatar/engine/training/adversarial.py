"""Trains a StyleGAN2 from pictures alone: generator against discriminator.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (arXiv 1912.04958), called [2]: non-saturating
logistic loss, lazy R1 and path length regularisation, style mixing, an average of the weights; and "Training Generative
Adversarial Networks with Limited Data" (arXiv 2006.06676), called [A]: adaptive augmentation. A step depends on nothing
but the step before it, never on the clock, so that a training that was stopped and resumed gives the same weights.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import math
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.backends.avatar.attributes import AttributeTable
from studio.backends.avatar.dataset import FaceDataset
from studio.backends.avatar.engine import files
from studio.backends.avatar.engine.network import Generator, GeneratorShape, MappingNetwork
from studio.backends.avatar.engine.synthesis import to_pixels
from studio.backends.avatar.engine.training.augment import AugmentStrength, augment
from studio.backends.avatar.engine.training.batches import premultiplied
from studio.backends.avatar.engine.training.discriminator import Discriminator
from studio.backends.avatar.model_card import grid, model_facts, write_card
from studio.backends.avatar.requests import AvatarTrainRequest
from studio.backends.engine.device import device, generator
from studio.backends.engine.training import TrainingLoop
from studio.errors import BadInput
from studio.jobs.job import Report
from studio.media.payloads import Image, Payload
from studio.models.model import Model

RATE = 0.0025  # of Adam, for both players
R1_EVERY, PATH_EVERY = 16, 8  # steps ([2] section 3.1)
PATH_DECAY = 0.01  # of the running mean path length ([2] equation 5)
MIXED = 0.9  # share of pictures whose layers come from two w (1812.04948 section 3.1)
HALF_LIFE, RAMP = 10_000.0, 0.05  # pictures after which the average forgets half; at first a share of those seen
HEAD_START = 48  # steps that a new critic learns alone where the generator knows something already
HUGE = 1e4  # a loss beyond which the game is lost
SHOWN, ON_SHEET, AVERAGED = 32, 64, 4000  # samples: of a preview, of the model's sheet, of the mean w


def batch_for(size: int) -> int:
    """Pictures in a step: few on a CPU, so that a step that must give way is soon over."""
    if device().type != "cpu":
        return 32
    return 16 if size <= 64 else 8


def r1_weight(size: int, batch: int) -> float:
    """The weight of R1 that fits a resolution and a batch ([A] appendix C)."""
    return 0.0002 * size * size / batch


def path_weight(size: int) -> float:
    """The weight of path length regularisation ([2] appendix B)."""
    return math.log(2) / (size * size * (math.log(size) - math.log(2)))


def path_lengths(pictures: Tensor, w: Tensor, random: torch.Generator) -> Tensor:
    """[N]: |J_w^T y|, how far pictures [N, ...] move along a random y when their w [N, w_dim] do ([2] equation 4)."""
    y = torch.randn(pictures.shape, generator=random).to(pictures)
    (slope,) = torch.autograd.grad((pictures * y).sum(), w, create_graph=True)
    return (slope.square().sum(dim=1) + 1e-12).sqrt()


class GanTrainer:
    """One training from a plain folder: both players, their optimisers, and a step of each."""

    def __init__(
        self, request: AvatarTrainRequest, pictures: FaceDataset, start: Model | None, shape: GeneratorShape
    ) -> None:
        self.request, self.start, self.skipped = request, start, pictures.skipped
        torch.manual_seed(request.seed)  # of the first weights; all else comes from generators of its own
        self.random = generator(request.seed)
        self.noise = generator(request.seed, device())
        self.pixels = torch.from_numpy(pictures.pixels)
        self.table: AttributeTable | None = None
        self.z_kind = "own"
        self.g = Generator(shape) if start is None else self._load_start(start)
        shape = self.g.shape
        # Channels last is what convolutions want on processors and on graphics cards alike.
        self.where: dict[str, Any] = {"device": device(), "memory_format": torch.channels_last}
        self.g = self.g.to(**self.where).train().requires_grad_(True)
        self.ema = copy.deepcopy(self.g).requires_grad_(False)
        self.d = Discriminator(_discriminator_shape(shape)).to(**self.where)
        self.batch = batch_for(shape.size)
        rate = request.rate or RATE
        self.g_adam = torch.optim.Adam(self.g.parameters(), lr=rate, betas=(0.0, 0.99))
        self.d_adam = torch.optim.Adam(self.d.parameters(), lr=rate, betas=(0.0, 0.99))
        self.gamma = request.gamma or r1_weight(shape.size, self.batch)
        self.strength = AugmentStrength()
        self.path_mean = 0.0
        self.images = 0
        self.last: dict[str, float] = {}
        rng = generator(1234)
        self.show_z = torch.randn(ON_SHEET, shape.z_dim, generator=rng).to(device())
        self.show_c = self._conditions(ON_SHEET, rng)

    def _load_start(self, start: Model) -> Generator:
        """The network of a model to go on from. Raises BadInput where it cannot learn these pictures."""
        network, config = files.open_network(start.folder)
        if not isinstance(network, Generator):
            raise BadInput(
                "{title} is a StyleGAN3, which cannot be trained here.", "Choose a StyleGAN2.", title=start.title
            )
        size = network.shape.size
        if size != self.request.size:
            raise BadInput(
                "{title} draws {size} px, and the training is for {wanted} px.",
                "Set the size to {size}, or begin a new model.",
                title=start.title,
                size=size,
                wanted=self.request.size,
            )
        self.table, self.z_kind = config.table, config.z
        return network

    def run(self, report: Report) -> list[Payload]:
        self.training = TrainingLoop(
            self.request,
            report,
            state=self.state,
            restore=self.restore,
            preview=self.preview,
            export=self.export,
            stage="playing against a critic",
            preview_seconds=20.0,
            about=model_facts(self.start, self.g.shape.size),
        )
        if self.skipped:
            self.training.write_text("skipped.txt", "\n".join(self.skipped) + "\n")
        for step in self.training:
            self.training.log(**self.train_step(step), skipped=float(len(self.skipped)))
        return self.training.finish()

    def train_step(self, step: int) -> dict[str, float]:
        """One step of each player. They share the generated pictures, which saves drawing them twice."""
        p = self.strength.p if self.request.augment == "auto" else 0.0
        made = augment(self.g.synthesis(self._ws(self.batch), "random", self.noise), p, self.random)
        if self.start is None or step >= HEAD_START:
            self.last["generator"] = self._generator_step(step, made)
        self.last["critic"] = self._discriminator_step(step, made.detach(), p)
        self.images += self.batch
        self._average()
        return {**self.last, "p": p, "sureness": self.strength.sureness, "images": float(self.images)}

    def _generator_step(self, step: int, made: Tensor) -> float:
        self.d.requires_grad_(False)
        loss = whole = F.softplus(-self.d(made)).mean()
        if step % PATH_EVERY == 0:
            whole = loss + self._path_length_step() * PATH_EVERY
        self._step(self.g_adam, whole, "the generator's loss")
        return loss.item()

    def _discriminator_step(self, step: int, made: Tensor, p: float) -> float:
        self.d.requires_grad_(True)
        # The slope is taken where the critic looks: at pictures as they come out of the augmentation.
        real = augment(self._real(self.batch), p, self.random).requires_grad_(step % R1_EVERY == 0)
        on_real, on_made = self.d(real), self.d(made)
        loss = whole = F.softplus(-on_real).mean() + F.softplus(on_made).mean()
        if step % R1_EVERY == 0:
            (slope,) = torch.autograd.grad(on_real.sum(), real, create_graph=True)
            r1 = slope.square().sum(dim=(1, 2, 3)).mean()
            whole = loss + r1 * (self.gamma / 2 * R1_EVERY)
            self.last["r1"] = r1.item()
        self._step(self.d_adam, whole, "the critic's loss")
        self.strength.update(on_real)
        return loss.item()

    def _path_length_step(self) -> Tensor:
        """Path length regularisation on half a batch, which is enough ([2] appendix B)."""
        n = max(1, self.batch // 2)
        w = self.g.mapping(self._z(n), self._conditions(n, self.random))
        lengths = path_lengths(self.g.synthesis(self.g.broadcast(w), "random", self.noise), w, self.random)
        mean = self.path_mean + PATH_DECAY * (lengths.mean().item() - self.path_mean)
        self.path_mean = mean
        self.last["path"] = lengths.mean().item()
        return (lengths - mean).square().mean() * path_weight(self.g.shape.size)

    def _step(self, adam: torch.optim.Adam, loss: Tensor, name: str) -> None:
        """A step of one player, unless what it would learn from is no sensible number any more."""
        adam.zero_grad(set_to_none=True)
        loss.backward()
        slopes = [p.grad for group in adam.param_groups for p in group["params"] if p.grad is not None]
        size = torch.stack([slope.abs().amax() for slope in slopes]).amax()
        if not abs(loss.item()) < HUGE or not bool(torch.isfinite(size)):
            self.training.fail_diverged(name)
        adam.step()

    def _average(self) -> None:
        """The weights' moving average with a half-life in pictures, short at first ([A] appendix C)."""
        half_life = min(HALF_LIFE, max(self.images * RAMP, 1e-8))
        keep = 0.5 ** (self.batch / half_life)
        with torch.no_grad():
            for mean, new in zip(self.ema.parameters(), self.g.parameters(), strict=True):
                mean.lerp_(new, 1 - keep)

    def _real(self, n: int) -> Tensor:
        pick = torch.randint(len(self.pixels), (n,), generator=self.random)
        real = premultiplied(self.pixels[pick])
        if self.request.mirror:
            flip = torch.rand(n, generator=self.random) < 0.5
            real = torch.where(flip[:, None, None, None], real.flip(3), real)
        if self.g.shape.planes == 3:
            # On white: premultiplied [-1, 1], what is missing to full alpha is added.
            real = real[:, :3] + (1 - real[:, 3:])
        return real.to(**self.where)

    def _z(self, n: int) -> Tensor:
        return torch.randn(n, self.g.shape.z_dim, generator=self.random).to(device())

    def _ws(self, n: int) -> Tensor:
        """[n, num_ws, w_dim]; the layers of most come from two w, one up to a random layer, one from there on."""
        c = self._conditions(n, self.random)
        ws = self.g.broadcast(self.g.mapping(self._z(n), c))
        other = self.g.broadcast(self.g.mapping(self._z(n), c))
        layers = self.g.shape.num_ws
        cut = torch.randint(1, layers, (n, 1), generator=self.random)
        cut = torch.where(torch.rand(n, 1, generator=self.random) < MIXED, cut, layers)
        first = (torch.arange(layers)[None] < cut)[:, :, None].to(ws.device)
        return torch.where(first, ws, other)

    def _conditions(self, n: int, random: torch.Generator) -> Tensor | None:
        """Conditions of a network with attributes or classes, sampled as seeds sample them."""
        c_dim = self.g.shape.c_dim
        if not c_dim:
            return None
        if self.table is None:
            labels = torch.randint(c_dim, (n,), generator=random)
            return F.one_hot(labels, c_dim).float().to(device())
        rng = np.random.default_rng(int(torch.randint(2**31, (1,), generator=random)))
        rows = [self.table.vector(style := self.table.draw_style(rng), self.table.draw(style, rng)) for _ in range(n)]
        return torch.from_numpy(np.stack(rows)).to(device())

    def state(self) -> dict[str, Any]:
        return {
            "g": self.g.state_dict(),
            "ema": self.ema.state_dict(),
            "d": self.d.state_dict(),
            "g_adam": self.g_adam.state_dict(),
            "d_adam": self.d_adam.state_dict(),
            "strength": self.strength.state(),
            "path_mean": self.path_mean,
            "images": self.images,
            "last": dict(self.last),
            "seed": self.request.seed,
            "random": self.random.get_state(),
            "noise": self.noise.get_state(),
        }

    def restore(self, whole: dict[str, Any]) -> None:
        for part in ("g", "ema", "d", "g_adam", "d_adam"):
            getattr(self, part).load_state_dict(whole[part])
        for adam in (self.g_adam, self.d_adam):
            for group in adam.param_groups:
                group["lr"] = self.request.rate or RATE
        self.strength.restore(whole["strength"])
        self.path_mean, self.images = float(whole["path_mean"]), int(whole["images"])
        self.last = dict(whole["last"])
        # Another seed is how a person asks for another way than the one that led astray.
        if whole["seed"] == self.request.seed:
            self.random.set_state(whole["random"])
            if self.noise.get_state().shape == whole["noise"].shape:  # else it was learnt on another kind of device
                self.noise.set_state(whole["noise"])

    def _sample_pictures(self, n: int) -> np.ndarray:
        c = None if self.show_c is None else self.show_c[:n]
        with torch.inference_mode():
            return to_pixels(self.ema(self.show_z[:n], c, noise="const"))

    def preview(self) -> Image:
        """Samples of the averaged weights, always of the same z."""
        return grid(self._sample_pictures(SHOWN))

    def export(self, folder: Any) -> None:
        with torch.inference_mode():
            self._centres()
        files.write(self.ema, folder, self.table)
        if self.z_kind != "own":
            path = folder / files.CONFIG
            said = json.loads(path.read_text(encoding="utf-8"))
            path.write_text(json.dumps({**said, "z": self.z_kind}, indent=1) + "\n", encoding="utf-8")
        facts = {
            "Pictures": f"{len(self.pixels):,}, and {len(self.skipped):,} that were not used",
            "Size": f"{self.g.shape.size} px",
            "Learnt from": f"{self.images:,} pictures in {self.training.step:,} steps",
            "Time": f"{self.training.seconds / 60:.0f} minutes on {device().type}",
            "Began as": "a new network" if self.start is None else self.start.title or self.start.id,
        }
        write_card(folder, grid(self._sample_pictures(ON_SHEET)), self.request.title, self.start, facts)

    def _centres(self) -> None:
        """What truncation pulls towards: the mean w of seeds, or of styles' usual drawings."""
        mapping, shape = cast(MappingNetwork, self.ema.mapping), self.g.shape
        random = generator(1234)
        z = torch.randn(AVERAGED, shape.z_dim, generator=random).to(device())
        if self.table is None:
            mapping.w_avg.copy_(mapping(z, self._conditions(AVERAGED, random)).mean(dim=0))
        else:
            write_centres(mapping, self.table, z)


def write_centres(mapping: MappingNetwork, table: AttributeTable, z: Tensor) -> None:
    """Write the w that truncation pulls towards: of every style its usual drawing's, the mean over z [N, z_dim]; and of
    all, their mean. Half way between drawings is a fade: the mean of all of a style's w would be a face of ghosts."""
    for style in range(len(table.styles)):
        c = torch.from_numpy(table.usual(style)).to(z)
        mapping.w_avg_of[style] = mapping(z, c.expand(len(z), -1)).mean(dim=0)
    mapping.w_avg.copy_(mapping.w_avg_of.mean(dim=0))


def _discriminator_shape(shape: GeneratorShape) -> GeneratorShape:
    """The critic's layer sizes: those of the generator, and below its first as many channels as that has."""
    first = shape.channels[0]
    below = [first] * int(math.log2(shape.start // 4))
    plain = {"constant": 0, "first": 3, "patterns": ()} if hasattr(shape, "constant") else {}
    return dataclasses.replace(shape, start=4, channels=(*below, *shape.channels), c_dim=0, classes=0, **plain)
