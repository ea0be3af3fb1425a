"""Trains a music model from a folder of sounds: a codec first, then a prior over its tokens."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import EncodecModel

from studio.backends.engine.device import device, free_memory, generator, translate_out_of_memory
from studio.backends.engine.training import TrainingLoop
from studio.backends.medium import Resources
from studio.backends.music.dataset import LabelledSound, crops, find_sounds, read
from studio.backends.music.engine.codec import CodecTrainer, codec_loss, decode, encode, small_codec, to_device
from studio.backends.music.engine.files import LoadedStarter, grammar_of, load_starter, save_starter
from studio.backends.music.engine.linear_init import initialise
from studio.backends.music.engine.prior import Prior, SamplingOptions, init_from_names, sample, small_prior
from studio.backends.music.engine.score_codebooks import CodebookWaveforms, VoiceRanges, write_waveforms
from studio.backends.music.plan import UNKNOWN, PiecePlan
from studio.backends.music.requests import MusicTrainRequest
from studio.errors import BadInput
from studio.jobs.job import Progress, Report
from studio.media.payloads import Audio, Payload
from studio.schema.request import Request

CODEC_RATE, CODEC_SECONDS, CODEC_BATCH = 5e-5, 1.2, 8
BEGINNING = 256
"""Crops that a codec without scores is laid out from, by principal components and k-means."""
SCORED_SOUNDS, SWEEPS = 200, 10
PRIOR_RATE, PRIOR_BATCH = 2e-3, 6
HELD_SHARE = 0.2
FORGET = 0.1
"""How often the prior learns without its conditions, so that it can do without and be guided by the difference."""


class MusicTrainer:
    """The engine of music.train. The result folder holds the prior's checkpoint, the finished model, and codec/."""

    def load(self, resources: Resources, report: Report) -> None:
        model = resources.main
        self.start = load_starter(model.folder) if model else None

    def run(self, request: Request, report: Report) -> Sequence[Payload]:
        if not isinstance(request, MusicTrainRequest):
            raise BadInput("{kind} is not a training of music.", kind=request.kind)
        if not request.out:
            raise BadInput("There is no folder for the result.", "Choose one with --out.")
        sounds = find_sounds(Path(request.data).expanduser())
        torch.manual_seed(request.seed)
        out = Path(request.out).expanduser()
        parts = ("codec", "prior") if request.part == "both" else (request.part,)
        made: Sequence[Payload] = []
        for part in parts:
            folder = out / "codec" if part == "codec" else out
            own = request.replace(out=str(folder), minutes=max(0.01, request.minutes / len(parts)))
            if request.resume and len(parts) == 2 and not (folder / "checkpoint.pt").exists():
                own = own.replace(resume=False)
            learn = train_codec if part == "codec" else train_prior
            with translate_out_of_memory():
                made = learn(own, sounds, self._starting_point(out), report)
        return made

    def close(self) -> None:
        self.start = None
        free_memory()

    def _starting_point(self, out: Path) -> LoadedStarter | None:
        """What there is to go on from: an earlier part of this training, else the model the request names."""
        folder = out / "codec" / "model"
        return load_starter(folder) if (folder / "config.json").exists() else self.start


def train_codec(
    request: MusicTrainRequest, sounds: list[LabelledSound], known: LoadedStarter | None, report: Report
) -> list[Payload]:
    """A codec of these sounds: solved where every one has a score; else a linear one, improved by descent."""
    model = known.codec if known else small_codec()
    voices = known.voices if known else None
    codec = CodecTrainer(model).to(device())
    rate, hop = model.config.sampling_rate, model.config.hop_length
    optimiser = torch.optim.Adam(codec.branches(), CODEC_RATE, betas=(0.8, 0.99))
    rng = np.random.default_rng(request.seed)

    def batch(count: int) -> Tensor:
        seconds = round(CODEC_SECONDS * rate / hop) * hop / rate
        return torch.from_numpy(crops(sounds, rate, seconds, count, rng)).unsqueeze(1).to(device())

    def state() -> dict[str, Any]:
        return {"codec": codec.state_dict(), "optimiser": optimiser.state_dict()}

    def restore(kept: dict[str, Any]) -> None:
        codec.load_state_dict(kept["codec"])
        optimiser.load_state_dict(kept["optimiser"])

    def preview() -> Payload:
        made = decode(model, encode(model, batch(4)))
        return Audio(made.flatten().clamp(-1, 1).cpu().numpy()[None], rate)

    def export(folder: Path) -> None:
        save_starter(folder, LoadedStarter(model, None, voices))

    scored = all(sound.notes for sound in sounds)
    training = TrainingLoop(
        request, report, state=state, restore=restore, preview=preview, export=export, stage="codec"
    )
    if scored:
        if not request.resume:
            voices = solve_codebooks(model, sounds, report)
        return training.finish()
    voices = None
    if known is None and not request.resume:
        crops_of_all = batch(BEGINNING)
        frames = crops_of_all.view(-1, hop)
        initialise(model, frames, frames[None])
        codec.init_codebooks(crops_of_all)
    codec.train()
    for _ in training:
        for group in optimiser.param_groups:
            group["lr"] = CODEC_RATE * training.anneal()
        loss, parts = codec_loss(codec, batch(CODEC_BATCH))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(codec.branches(), 1.0)
        optimiser.step()
        training.log(**parts)
    return training.finish()


def solve_codebooks(model: EncodecModel, sounds: list[LabelledSound], report: Report) -> VoiceRanges:
    """Lay the notes of scored sounds into the codec; a matter of seconds."""
    config = model.config
    rate, hop = config.sampling_rate, config.hop_length
    voices = VoiceRanges.of(sounds, config.codebook_size)
    frames, codes = [], []
    for sound in sounds[:SCORED_SOUNDS]:
        samples = torch.from_numpy(read(sound, rate))
        count = len(samples) // hop
        frames.append(samples[: count * hop].view(count, hop))
        codes.append(voices.codes(sound.notes, count, rate / hop))
    shapes = CodebookWaveforms(torch.cat(frames), torch.cat(codes, 1), config.codebook_size)
    for i in range(SWEEPS):
        report(Progress("codec", i, SWEEPS, values={"error": shapes.sweep()}))
    write_waveforms(model, shapes)
    return voices


def train_prior(
    request: MusicTrainRequest, sounds: list[LabelledSound], known: LoadedStarter | None, report: Report
) -> list[Payload]:
    """A prior over the codes of the codec in `known`; goes on from its prior where there is one."""
    if known is None:
        raise BadInput("There is no codec to write codes for.", "Train the codec first, or name a model with --model.")
    codec = to_device(known.codec).eval()
    config = codec.config
    prior = (known.prior or new_prior(known)).to(device())
    context = prior.decoder.config.max_position_embeddings
    optimiser = torch.optim.AdamW(prior.parameters(), PRIOR_RATE, betas=(0.9, 0.98), weight_decay=0.01)
    rng = np.random.default_rng(request.seed)
    pieces = CodeDataset(known, sounds, rng)
    finished = dataclasses.replace(known, prior=prior, labelled=any(sound.plan.chords for sound in sounds))

    def state() -> dict[str, Any]:
        return {"prior": prior.state_dict(), "optimiser": optimiser.state_dict()}

    def restore(kept: dict[str, Any]) -> None:
        prior.load_state_dict(kept["prior"])
        optimiser.load_state_dict(kept["optimiser"])

    def preview() -> Payload:
        labels, timeline = pieces.conditions(sounds[int(rng.integers(len(sounds)))].plan, 0, context)
        prior.eval()
        codes = sample(
            prior.decoder,
            prior.condition(labels, timeline),
            context,
            context,
            SamplingOptions(0.8, 20),
            generator(request.seed),
            lambda columns, done: None,
            prior.grammar,
        )
        prior.train()
        return Audio(decode(codec, codes)[0].clamp(-1, 1).cpu().numpy(), config.sampling_rate)

    def export(folder: Path) -> None:
        save_starter(folder, finished)

    training = TrainingLoop(
        request,
        report,
        state=state,
        restore=restore,
        preview=preview,
        export=export,
        stage="prior",
        preview_seconds=300,
    )
    prior.train()
    for _ in training:
        for group in optimiser.param_groups:
            group["lr"] = PRIOR_RATE * training.anneal()
        loss = prior.loss(*pieces.batch(PRIOR_BATCH, context))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(prior.parameters(), 1.0)
        optimiser.step()
        training.log(loss=float(loss.detach()))
    return training.finish()


def new_prior(known: LoadedStarter) -> Prior:
    """An untrained prior for a codec; where the codec's entries have names, it starts from these."""
    config = known.codec.config
    prior = Prior(small_prior(config.num_quantizers, config.codebook_size), grammar_of(known.voices))
    if known.voices:
        init_from_names(prior.decoder, *known.voices.names())
    return prior


class CodeDataset:
    """The sounds as codes, made when first asked for, and batches of pieces of them with their conditions."""

    LONGEST = 60.0
    """Seconds of a file that are used."""

    def __init__(self, known: LoadedStarter, sounds: list[LabelledSound], rng: np.random.Generator) -> None:
        self._known, self._sounds, self._rng = known, sounds, rng
        self._codes: dict[int, Tensor] = {}

    def codes(self, number: int) -> Tensor:
        """`[codebooks, frames]` of one sound: from its score where the codec was solved from scores, else encoded."""
        if number not in self._codes:
            sound, known = self._sounds[number], self._known
            seconds = min(sound.seconds, self.LONGEST)
            if known.voices and sound.notes:
                made = known.voices.codes(sound.notes, round(seconds * known.frame_rate), known.frame_rate)
            else:
                samples = torch.from_numpy(read(sound, known.codec.config.sampling_rate, 0, seconds))
                made = encode(known.codec, samples[None, None].to(known.codec.device))[0].cpu()
            self._codes[number] = made
        return self._codes[number]

    def conditions(self, plan: PiecePlan, first: int, frames: int) -> tuple[Tensor, Tensor]:
        """`[1, 4]` labels and `[1, frames, 5]` timed features of a plan, from frame `first` on."""
        labels = torch.from_numpy(plan.labels())
        if plan.chords and plan.tempo:
            line = torch.from_numpy(plan.timeline(first + frames, self._known.frame_rate)[first:])
        else:
            line = torch.full((frames, 5), UNKNOWN)
        return labels[None].to(device()), line[None].to(device())

    def weights(self, codes: Tensor) -> Tensor:
        """How much each code counts. Where notes have names, most codes only hold one; a share stands for all those."""
        if not self._known.voices:
            return torch.ones(codes.shape)
        held = torch.from_numpy(self._rng.random(codes.shape) < HELD_SHARE).float() / HELD_SHARE
        return torch.where(self._known.voices.changes(codes), torch.ones(()), held)

    def batch(self, count: int, frames: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Codes and their weights `[count, codebooks, frames]`, labels and timed features, some of them forgotten."""
        rng, rows = self._rng, []
        for _ in range(count):
            number = int(rng.integers(len(self._sounds)))
            codes = self.codes(number)
            last = max(0, codes.shape[1] - frames // 2)
            first = 0 if rng.random() < 0.2 else int(rng.integers(last + 1))
            piece = codes[:, first : first + frames]
            missing = (0, frames - piece.shape[1])
            piece, weights = F.pad(piece, missing), F.pad(self.weights(piece), missing)
            labels, line = self.conditions(self._sounds[number].plan, first, frames)
            if rng.random() < FORGET:
                labels, line = torch.zeros_like(labels), torch.zeros_like(line)
            forgotten = torch.from_numpy(rng.random(labels.shape) < FORGET).to(labels.device)
            rows.append(
                (
                    piece.to(device()),
                    weights.to(device()),
                    labels.masked_fill(forgotten, UNKNOWN)[0],
                    line[0],
                )
            )
        pieces, weights, labels, lines = zip(*rows, strict=True)
        return torch.stack(pieces), torch.stack(weights), torch.stack(labels), torch.stack(lines)
