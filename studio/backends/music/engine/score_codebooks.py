"""Codebooks solved from scores: where it is known which note sounds when, they are fitted by least squares.

Each voice of the score has a codebook of its own whose entries are (pitch, age): how a note of that pitch sounds that
many frames after its onset. Entry 0 is silence. The codes of a scored sound are then known, and what remains, the
shape that belongs to each entry, is a linear regression on the sound. The shapes are laid into an EnCodec,
which sums codebook entries and turns the sum into sound. It must not know priors or requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import EncodecModel

from studio.backends.music.dataset import LabelledSound
from studio.backends.music.engine.linear_init import initialise


@dataclass(frozen=True, slots=True)
class VoiceRanges:
    """The lowest pitch of each voice and how many it has; `entries` of a codebook are shared out among them."""

    lowest: tuple[int, ...]
    pitches: tuple[int, ...]
    entries: int

    @classmethod
    def of(cls, sounds: Sequence[LabelledSound], entries: int) -> VoiceRanges:
        """The voices that the scores of `sounds` use; every sound must have a score."""
        count = 1 + max(voice for sound in sounds for _, voice, _ in sound.notes)
        used = [
            {pitch for sound in sounds for _, voice, pitch in sound.notes if voice == number} for number in range(count)
        ]
        return cls(tuple(min(own) for own in used), tuple(max(own) - min(own) + 1 for own in used), entries)

    def ages(self, voice: int) -> int:
        """How many frames a note of that voice can be distinguished; after them it is silence."""
        return (self.entries - 1) // self.pitches[voice]

    def codes(self, notes: Sequence[tuple[float, int, int]], frames: int, rate: float) -> Tensor:
        """`[voices, frames]`: what sounds in each frame."""
        codes = torch.zeros(len(self.lowest), frames, dtype=torch.long)
        for start, voice, pitch in sorted(notes):
            begin, ages = round(start * rate), self.ages(voice)
            first = 1 + (pitch - self.lowest[voice]) * ages
            codes[voice, begin:] = 0
            left = codes[voice, begin : begin + ages]
            left.copy_(first + torch.arange(len(left)))
        return codes

    def names(self) -> tuple[Tensor, Tensor]:
        """`[voices, entries]` twice: the pitch of each entry (0 for silence), and the entry a frame later in a note."""
        pitches = torch.zeros(len(self.lowest), self.entries, dtype=torch.long)
        following = torch.zeros(len(self.lowest), self.entries, dtype=torch.long)
        for voice, (low, count) in enumerate(zip(self.lowest, self.pitches, strict=True)):
            ages = self.ages(voice)
            for i in range(count):
                first = 1 + i * ages
                pitches[voice, first : first + ages] = low + i
                following[voice, first : first + ages - 1] = torch.arange(first + 1, first + ages)
        return pitches, following

    def onsets(self) -> Tensor:
        """`[voices, entries]`: true for entries with which a note begins."""
        onsets = torch.zeros(len(self.lowest), self.entries, dtype=torch.bool)
        for voice, count in enumerate(self.pitches):
            onsets[voice, 1 : 1 + count * self.ages(voice) : self.ages(voice)] = True
        return onsets

    def changes(self, codes: Tensor) -> Tensor:
        """Where codes `[voices, frames]` are not what the frame before leads to: onsets, in truth."""
        _, following = self.names()
        led = torch.gather(following, 1, codes[:, :-1])
        return F.pad(codes[:, 1:] != led, (1, 0), value=True)


class CodebookWaveforms:
    """What every entry sounds like, `[entries, hop]` for each voice, found by sweeps over frames of sound.

    A sweep gives each voice in turn what the others leave, averaged over the frames in which an entry sounds
    (Gauss-Seidel on the normal equations); the error falls with every sweep.
    """

    def __init__(self, frames: Tensor, codes: Tensor, entries: int) -> None:
        """`[N, hop]` frames of sound and their codes `[voices, N]`."""
        self.codes = codes
        self.tables = torch.zeros(len(codes), entries, frames.shape[1])
        self.counts = torch.stack([torch.bincount(row, minlength=entries) for row in codes]).to(frames)
        self._left = frames.clone()
        self._power = frames.pow(2).sum()

    def sweep(self) -> float:
        """One sweep; returns the error that is left, in dB of the sound's power."""
        for table, counts, codes in zip(self.tables, self.counts, self.codes, strict=True):
            change = torch.zeros_like(table).index_add_(0, codes, self._left) / counts.clamp(min=1).unsqueeze(1)
            change[0] = 0
            table += change
            self._left -= change[codes]
        return float(10 * torch.log10(self._left.pow(2).sum() / self._power))


def write_waveforms(model: EncodecModel, shapes: CodebookWaveforms) -> float:
    """Put the shapes into a model made by `small_codec`; returns the share of their power that finds room in it."""
    weighted = (shapes.counts.sqrt().unsqueeze(2) * shapes.tables).flatten(0, 1)
    laid = initialise(model, weighted, shapes.tables)
    with torch.no_grad():
        layers: Any = model.quantizer.layers
        for layer, table, counts in zip(layers, shapes.tables, shapes.counts, strict=True):
            layer.codebook.embed.copy_(table @ laid.analysis)
            layer.codebook.cluster_size.copy_(counts.clamp(min=1e-3))
            layer.codebook.embed_avg.copy_(layer.codebook.embed)
    return laid.share
