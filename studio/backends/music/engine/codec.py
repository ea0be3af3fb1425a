"""A small EnCodec (arXiv 2210.13438) in the format of transformers, and its training.

Transformers runs EnCodec but does not train it: the residual quantiser's codebooks learn here, by k-means at first,
then by moving averages, and entries that nothing uses are set on what nothing fits (arXiv 2107.03312, section 3.3).
"""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import EncodecConfig, EncodecModel
from transformers.models.encodec.modeling_encodec import EncodecEuclideanCodebook

from studio.backends.engine.device import device

M = TypeVar("M", bound=nn.Module)

RESOLUTIONS = ((2048, 512), (512, 128), (128, 32))
"""Window and hop, in samples, of the spectra that are compared."""


def small_codec(
    rate: int = 16000,
    ratios: tuple[int, ...] = (5, 5, 4, 4),
    filters: int = 8,
    dimensions: int = 120,
    entries: int = 1024,
    codebooks: int = 5,
) -> EncodecModel:
    """A codec for simple music: `rate` over the product of `ratios` frames a second of `codebooks` codes each."""
    hop = 1
    for ratio in ratios:
        hop *= ratio
    # transformers counts codebooks by bandwidth, in whole bits a code.
    config = EncodecConfig(
        sampling_rate=rate,
        target_bandwidths=[codebooks * (entries - 1).bit_length() * -(-rate // hop) / 1000],
        normalize=False,
        num_filters=filters,
        upsampling_ratios=list(ratios),
        hidden_size=dimensions,
        codebook_dim=dimensions,
        codebook_size=entries,
        num_lstm_layers=1,
        pad_mode="constant",
    )
    model = EncodecModel(config)
    if config.num_quantizers != codebooks:
        raise ValueError(f"{codebooks} codebooks do not come out of this bandwidth")
    return model


class CodecTrainer(nn.Module):
    """An EncodecModel with what it needs to learn."""

    def __init__(self, model: EncodecModel) -> None:
        super().__init__()
        self.model = model

    @property
    def codebooks(self) -> list[EncodecEuclideanCodebook]:
        layers: Any = self.model.quantizer.layers
        return [layer.codebook for layer in layers]

    def branches(self) -> list[nn.Parameter]:
        """What learns: residual branches and recurrent cells.

        The linear trunk stays as it was laid. Its signals ride on a constant (see linear.LIFT), so that the smallest
        step of all its weights together is a loud hum.
        """
        return [value for name, value in self.named_parameters() if ".block." in name or ".lstm." in name]

    def forward(self, sound: Tensor) -> tuple[Tensor, Tensor]:
        """`[B, 1, samples]` to the reconstruction of the same shape and the commitment loss."""
        latent, commitment = self._quantise(self.model.encoder(sound))
        return self.model.decoder(latent)[..., : sound.shape[-1]], commitment

    def _quantise(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        flat = latent.transpose(1, 2).flatten(0, 1)
        residual, total = flat, torch.zeros_like(flat)
        commitment = latent.new_zeros(())
        power = flat.detach().pow(2).mean().clamp(min=1e-8)
        for book in self.codebooks:
            codes = book.quantize(residual.detach())
            entry = F.embedding(codes, book.embed)
            if self.training:
                self._update_codebook(book, residual.detach(), codes)
            commitment = commitment + F.mse_loss(residual, entry) / power
            total = total + entry
            residual = residual - entry
        through = flat + (total - flat).detach()
        return through.view(latent.shape[0], -1, latent.shape[1]).transpose(1, 2), commitment / len(self.codebooks)

    @torch.no_grad()
    def _update_codebook(
        self, book: EncodecEuclideanCodebook, vectors: Tensor, codes: Tensor, decay: float = 0.98
    ) -> None:
        counts = torch.bincount(codes, minlength=len(book.embed)).to(vectors)
        sums = torch.zeros_like(book.embed).index_add_(0, codes, vectors)
        book.cluster_size.mul_(decay).add_(counts, alpha=1 - decay)
        book.embed_avg.mul_(decay).add_(sums, alpha=1 - decay)
        dead = book.cluster_size < 0.02 * book.cluster_size.mean()
        book.embed.copy_(book.embed_avg / book.cluster_size.clamp(min=1e-5).unsqueeze(1))
        if dead.any():
            distance = (vectors - F.embedding(codes, book.embed)).pow(2).sum(1)
            fresh = vectors[torch.multinomial(distance + 1e-9, int(dead.sum()), replacement=True)]
            book.embed[dead] = fresh
            book.cluster_size[dead] = book.cluster_size.mean() * 0.2
            book.embed_avg[dead] = fresh * book.cluster_size[dead].unsqueeze(1)

    @torch.no_grad()
    def init_codebooks(self, sound: Tensor) -> None:
        """Set the codebooks by k-means on the latents of `sound`, `[B, 1, samples]`."""
        residual = self.model.encoder(sound).transpose(1, 2).flatten(0, 1)
        for book in self.codebooks:
            chosen = torch.randperm(len(residual), device=residual.device)
            book.embed.copy_(residual[chosen[torch.arange(len(book.embed)) % len(residual)]])
            counts = residual.new_zeros(len(book.embed))
            for _ in range(8):
                codes = book.quantize(residual)
                counts = torch.bincount(codes, minlength=len(book.embed)).to(residual)
                sums = torch.zeros_like(book.embed).index_add_(0, codes, residual)
                used = counts > 0
                book.embed[used] = sums[used] / counts[used].unsqueeze(1)
            book.cluster_size.copy_(counts.clamp(min=0.1))
            book.embed_avg.copy_(book.embed * book.cluster_size.unsqueeze(1))
            residual = residual - F.embedding(book.quantize(residual), book.embed)


def spectral_loss(made: Tensor, real: Tensor) -> Tensor:
    """How far apart two batches `[B, 1, samples]` sound: magnitudes and their logarithms at several resolutions."""
    made, real = made.flatten(0, 1), real.flatten(0, 1)
    loss = made.new_zeros(())
    for window, hop in RESOLUTIONS:
        shape = torch.hann_window(window, device=made.device)
        a, b = (
            torch.view_as_real(torch.stft(x, window, hop, window=shape, return_complex=True))
            .pow(2)
            .sum(-1)
            .add(1e-3)
            .sqrt()
            for x in (made, real)
        )
        loss = loss + (a - b).abs().mean() / b.mean() + 0.3 * (a.log() - b.log()).abs().mean()
    return loss / len(RESOLUTIONS)


def codec_loss(codec: CodecTrainer, sound: Tensor) -> tuple[Tensor, dict[str, float]]:
    """The loss to descend and its parts, for `[B, 1, samples]`."""
    made, commitment = codec(sound)
    wave = (made - sound).abs().mean() / sound.abs().mean().clamp(min=1e-4)
    spectrum = spectral_loss(made, sound)
    loss = wave + spectrum + 0.25 * commitment
    return loss, {"loss": float(loss.detach()), "wave": float(wave.detach()), "spectrum": float(spectrum.detach())}


def to_device(model: M) -> M:
    """The model on the device that models run on."""
    nn.Module.to(model, device())
    return model


@torch.no_grad()
def encode(model: EncodecModel, sound: Tensor) -> Tensor:
    """`[B, 1, samples]` to codes `[B, codebooks, frames]`."""
    return model.quantizer.encode(model.encoder(sound)).transpose(0, 1)


@torch.no_grad()
def decode(model: EncodecModel, codes: Tensor) -> Tensor:
    """Codes `[B, codebooks, frames]` to `[B, 1, samples]`."""
    return model.decoder(model.quantizer.decode(codes.transpose(0, 1)))
