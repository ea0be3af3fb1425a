"""Trains a poster model from captioned pictures: the autoencoder first, then the denoiser on its latents."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from studio.backends.engine.device import device, free_memory, generator, translate_out_of_memory
from studio.backends.engine.training import TrainingLoop
from studio.backends.medium import Resources
from studio.backends.poster.engine import network
from studio.backends.poster.engine.dataset import CaptionedPictures, vary_caption
from studio.backends.poster.engine.network import PosterShape
from studio.errors import BadInput
from studio.jobs.job import Report
from studio.media.payloads import Image, Payload
from studio.schema.request import Request

CODEC_SHARE = 0.4
EMPTY_SHARE = 0.12
EARLY = 1.7
CROP = 64
JITTER = 0.02
CALM = 0.05
CODEC_RATE, WORDS_RATE, PAINTER_RATE = 1.5e-3, 2e-3, 1.2e-3
WORDS_STEPS, WORDS_BATCH = 400, 24


class PosterTrainer:
    """Engine of PosterTrainRequest. `part` both: CODEC_SHARE of the minutes for the codec, then latents, then denoiser.

    `resume` goes on with what the checkpoint holds; with part denoiser, its codec is taken as it is, and with part
    codec after that the decoder learns on alone. `shape` may be made smaller by tests.
    """

    def __init__(self) -> None:
        self.shape = PosterShape()
        self.save_seconds, self.preview_seconds = 120.0, 150.0

    def load(self, resources: Resources, report: Report) -> None:
        model = resources.main
        if model is not None and model.folder.exists():
            raise BadInput("A poster training cannot start from another model yet.", "Leave the model empty.")

    def run(self, request: Request, report: Report) -> Sequence[Payload]:
        from studio.backends.poster.requests import PosterTrainRequest

        assert isinstance(request, PosterTrainRequest)
        with translate_out_of_memory():
            studio = _TrainingState(
                request.seed, CaptionedPictures(Path(request.data).expanduser(), self.shape.factor), self.shape
            )
            training = TrainingLoop(
                request,
                report,
                state=studio.state,
                restore=studio.restore,
                preview=studio.preview,
                export=studio.export,
                save_seconds=self.save_seconds,
                preview_seconds=self.preview_seconds,
            )
            if request.part == "denoiser" and not studio.codec_steps:
                raise BadInput("A denoiser needs a codec.", "Train part codec first, then add --resume.")
            share = {"both": CODEC_SHARE, "codec": 1.0, "denoiser": 0.0}[request.part]
            if studio.latents is not None and request.part == "both":
                share = 0.0
            for _ in training:
                x = training.share
                if x < share:
                    training.log(**studio.train_autoencoder(request.batch, _anneal(x / share)))
                elif not studio.latents_ready:
                    training.log(**studio.encode(8))
                    if studio.latents_ready:
                        training.save()
                elif studio.words_steps < WORDS_STEPS:
                    training.log(**studio.train_text_encoder(WORDS_BATCH, _anneal(studio.words_steps / WORDS_STEPS)))
                else:
                    training.log(**studio.train_denoiser(request.batch, _anneal((x - share) / (1 - share))))
            return training.finish()

    def close(self) -> None:
        free_memory()


class _TrainingState:
    """Everything one training holds: networks, optimizers, averages, latents, and its own randomness."""

    def __init__(self, seed: int, pictures: CaptionedPictures, shape: PosterShape) -> None:
        self.pictures, self.shape = pictures, shape
        self.rng, self.noise = random.Random(seed), generator(seed)
        every = [text for texts in pictures.captions.values() for text in texts]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.tokens = network.train_tokenizer(every, shape)
            rows, columns = pictures.height // shape.factor, pictures.width // shape.factor
            self.codec = network.make_autoencoder(shape)
            self.codec.to(device=device(), memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
            self.painter = nn.ModuleDict(
                {
                    "unet": network.make_denoiser(shape, rows, columns),
                    "text": network.make_text_encoder(shape, self.tokens),
                }
            ).to(device())
            self.gist = nn.Linear(shape.words, shape.latent * rows * columns // 4).to(device())
        self.average = copy.deepcopy(self.painter).requires_grad_(False).eval()
        self.codec_optimizer = torch.optim.Adam(self.codec.parameters(), CODEC_RATE, betas=(0.9, 0.98))
        self.painter_optimizer = torch.optim.AdamW(
            self.painter.parameters(), PAINTER_RATE, betas=(0.9, 0.98), weight_decay=0.01
        )
        both = [*self.painter["text"].parameters(), *self.gist.parameters()]
        self.words_optimizer = torch.optim.AdamW(both, WORDS_RATE, betas=(0.9, 0.98), weight_decay=0.01)
        self.schedule = network.make_scheduler()
        self.codec_steps = self.words_steps = self.painter_steps = 0
        self.latents: torch.Tensor | None = None
        self.parts: list[torch.Tensor] = []
        self.colours: dict[str, list[Any]] = {}

    @property
    def latents_ready(self) -> bool:
        return self.latents is not None

    def train_autoencoder(self, batch: int, rate: float) -> dict[str, float]:
        """One step on crops: colours, gradients (edges are what flat pictures consist of), latents kept small.

        Once latents are kept only the decoder learns, so that they stay true.
        """
        x = self.pictures.crops(self.rng, batch, CROP).to(device())
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.set_grad_enabled(not self.latents_ready):
            latent = self.codec.encode(x, return_dict=False)[0]
        # A little noise teaches the decoder to forgive what the denoiser will leave.
        latent = latent + JITTER * torch.randn(latent.shape, generator=self.noise).to(latent)
        back = self.decoded(latent)
        flat = charbonnier(back, x)
        edges = charbonnier(back.diff(dim=2), x.diff(dim=2)) + charbonnier(back.diff(dim=3), x.diff(dim=3))
        size = latent.square().mean()
        _step(self.codec_optimizer, flat + edges + 1e-3 * size, CODEC_RATE * rate)
        self.codec_steps += 1
        return {"loss": flat.item(), "edges": edges.item(), "size": size.item()}

    @torch.no_grad()
    def encode(self, batch: int) -> dict[str, float]:
        """Latents of the next `batch` pictures; after the last one all are scaled to unit variance and kept."""
        done = sum(len(part) for part in self.parts)
        last = min(done + batch, len(self.pictures))
        x = torch.stack([self.pictures.read(i) for i in range(done, last)])
        self.parts.append(self.codec.encode(x.to(device()), return_dict=False)[0].cpu())
        if last == len(self.pictures):
            latents = torch.cat(self.parts)
            scale = 1 / float(latents.std())
            self.codec.register_to_config(scaling_factor=scale)
            self.latents, self.parts = latents.mul_(scale).half(), []
            self.colours = _fit_linear_preview(self.latents[:256], self.pictures, self.shape.factor)
        return {"encoded": float(last)}

    def train_text_encoder(self, batch: int, rate: float) -> dict[str, float]:
        """One step of the text encoder alone: guess the reduced picture, which words mostly determine."""
        chosen, texts = self._sample_batch(batch)
        states = self.painter["text"](self.ids(texts))[0]
        loss = self._gist_loss(states, self._latents(chosen))
        _step(self.words_optimizer, loss, WORDS_RATE * rate)
        self.words_steps += 1
        return {"gist": loss.item()}

    def _gist_loss(self, states: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
        return F.mse_loss(self.gist(states.mean(1)), F.avg_pool2d(clean, 2).flatten(1))

    def _sample_batch(self, batch: int) -> tuple[list[int], list[str]]:
        """Random pictures, and a roughened caption of each."""
        chosen = [self.rng.randrange(len(self.pictures)) for _ in range(batch)]
        return chosen, [vary_caption(self.pictures.caption(i, self.rng), self.rng) for i in chosen]

    def _latents(self, chosen: list[int]) -> torch.Tensor:
        assert self.latents is not None
        return self.latents[chosen].float().to(device())

    def train_denoiser(self, batch: int, rate: float) -> dict[str, float]:
        """One step on kept latents: mean squared error of v at random times, captions dropped now and then."""
        chosen, texts = self._sample_batch(batch)
        clean = self._latents(chosen)
        texts = ["" if self.rng.random() < EMPTY_SHARE else text for text in texts]
        # Evenly spread times (low discrepancy) make the loss of a small batch less noisy; more of them early in the
        # denoising, where words decide what is where.
        spread = 1 - (1 - (torch.arange(batch) + torch.rand(1, generator=self.noise)) / batch) ** EARLY
        steps = (spread * self.schedule.config["num_train_timesteps"]).long().clamp(max=999).to(device())
        noise = torch.randn(clean.shape, generator=self.noise).to(device())
        noisy = self.schedule.add_noise(clean, noise, steps)  # pyright: ignore[reportArgumentType]
        states = self.painter["text"](self.ids(texts))[0]
        guess = self.painter["unet"](noisy, steps, states).sample
        loss = F.mse_loss(guess, self.schedule.get_velocity(clean, noise, steps))  # pyright: ignore[reportArgumentType]
        _step(self.painter_optimizer, loss, PAINTER_RATE * rate)
        self.painter_steps += 1
        keep = min(0.999, (1 + self.painter_steps) / (10 + self.painter_steps))
        with torch.no_grad():
            for slow, fast in zip(self.average.parameters(), self.painter.parameters(), strict=True):
                slow.lerp_(fast, 1 - keep)
        return {"loss": loss.item()}

    def ids(self, texts: list[str]) -> torch.Tensor:
        filled = self.tokens(
            texts, padding="max_length", max_length=self.shape.length, truncation=True, return_tensors="pt"
        )
        return filled.input_ids.to(device())

    @torch.no_grad()
    def preview(self) -> Image:
        """Four pictures beside their reconstructions; once the denoiser trains, four of its samples."""
        if not self.painter_steps:
            x = torch.stack([self.pictures.read(i * len(self.pictures) // 4) for i in range(4)]).to(device())
            back = self.decoded(self.codec.encode(x, return_dict=False)[0])
            return Image(_side_by_side(torch.cat([x[:2], back[:2], x[2:], back[2:]])))
        pipe = self.pipeline()
        pipe.set_progress_bar_config(disable=True)
        order = random.Random(0)
        texts = [self.pictures.caption(order.randrange(len(self.pictures)), order) for _ in range(4)]
        latents: Any = pipe(
            texts,
            num_inference_steps=12,
            guidance_scale=3.0,
            generator=generator(0),
            output_type="latent",
            return_dict=False,
        )[0]
        return Image(_side_by_side(self.decoded(latents / self.codec.config["scaling_factor"])))

    def decoded(self, latents: torch.Tensor) -> torch.Tensor:
        return self.codec.decode(latents, return_dict=False)[0]  # pyright: ignore[reportReturnType]

    def pipeline(self) -> network.StableDiffusionPipeline:
        return network.make_pipeline(self.codec, self.average["unet"], self.average["text"], self.tokens)  # pyright: ignore[reportArgumentType]

    def export(self, folder: Path) -> None:
        native = [self.pictures.width, self.pictures.height]
        notes: dict[str, object] = {"family": "diffusers", "native": native, "latent_rgb": self.colours}
        network.save(self.pipeline(), folder, notes)

    def state(self) -> dict[str, Any]:
        return {
            "codec": self.codec.state_dict(),
            "painter": self.painter.state_dict(),
            "average": self.average.state_dict(),
            "codec_optimizer": self.codec_optimizer.state_dict(),
            "painter_optimizer": self.painter_optimizer.state_dict(),
            "words_optimizer": self.words_optimizer.state_dict(),
            "gist": self.gist.state_dict(),
            "steps": [self.codec_steps, self.words_steps, self.painter_steps],
            "scale": self.codec.config["scaling_factor"],
            "latents": self.latents,
            "colours": self.colours,
            "rng": list(self.rng.getstate()[1]),
            "noise": self.noise.get_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.codec.load_state_dict(state["codec"])
        self.painter.load_state_dict(state["painter"])
        self.average.load_state_dict(state["average"])
        self.codec_optimizer.load_state_dict(state["codec_optimizer"])
        self.painter_optimizer.load_state_dict(state["painter_optimizer"])
        self.words_optimizer.load_state_dict(state["words_optimizer"])
        self.gist.load_state_dict(state["gist"])
        self.codec_steps, self.words_steps, self.painter_steps = state["steps"]
        self.codec.register_to_config(scaling_factor=state["scale"])
        if state["latents"] is not None and len(state["latents"]) == len(self.pictures):
            self.latents, self.colours = state["latents"], state["colours"]
        self.rng.setstate((3, tuple(state["rng"]), None))
        self.noise.set_state(state["noise"])


def _anneal(x: float) -> float:
    """Rises over the first 2 %, holds, falls linearly over the last 60 %."""
    return max(0.02, min(1.0, (x + 1e-4) / 0.02, (1.0 - x) / 0.6))


def _step(optimizer: torch.optim.Optimizer, loss: torch.Tensor, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], 1.0)
    optimizer.step()


def charbonnier(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Charbonnier: squares small errors, so that the many flat pixels are quiet, and takes large ones, edges, as L1."""
    return ((a - b).square() + CALM**2).sqrt().mean() - CALM


def _fit_linear_preview(latents: torch.Tensor, pictures: CaptionedPictures, factor: int) -> dict[str, list[Any]]:
    """The linear map from scaled latents to RGB in [-1, 1] that comes closest to the pictures, for previews."""
    small = torch.stack([F.avg_pool2d(pictures.read(i), factor) for i in range(len(latents))])
    known = latents.float().permute(0, 2, 3, 1).flatten(0, 2)
    known = torch.cat([known, torch.ones(len(known), 1)], 1)
    weights = torch.linalg.lstsq(known, small.permute(0, 2, 3, 1).flatten(0, 2)).solution
    rounded = [[round(float(value), 5) for value in row] for row in weights]
    return {"matrix": rounded[:-1], "bias": rounded[-1]}


def _side_by_side(pictures: torch.Tensor) -> np.ndarray:
    """`[N, 3, H, W]` in [-1, 1] side by side, as uint8 `[H, N * W, 3]`."""
    row = torch.cat(list(pictures.cpu()), dim=2).clamp(-1, 1).add(1).mul(127.5).round()
    return np.ascontiguousarray(row.permute(1, 2, 0).to(torch.uint8).numpy())
