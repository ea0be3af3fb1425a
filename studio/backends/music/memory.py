"""What composing takes: what a network holds of codes or latents, and a decoder's maps of the whole sound."""

from __future__ import annotations

import math

from studio.models.fit.demand import Demand, Machine, ModelFacts, Part, attention_layers
from studio.schema.request import Request

VALUE = 4
"""Bytes: models that draw codes always run in 32 bits, and so do the decoders of all."""
LIBRARIES = 230_000_000
"""Bytes of transformers and what is needed for sound, once they are imported."""
CODEC = 4.0
"""Maps of the sound at full rate that a codec holds at once."""
FILTERS, RATE, RATIOS = 64, 32_000, (8, 5, 4, 4)
"""Those of the codec that came with MusicGen."""
WORDS = 64
CALLS, SAMPLING = 140, 1100
"""Small operations that take as long as those of a layer do for each frame; and those beside all layers, for the
codebooks and of drawing their entries."""
OOBLECK = (2, 4, 4, 8, 8)
"""Samples for each latent, multiplied, of the decoder that came with Stable Audio; its other sizes follow."""
LATENT_RATE, DECODER_CHANNELS = 44_100, 128
TILE = 512
"""Latents that it decodes at once."""
FRAMES, BINS = 100, 64
"""Columns a second and rows of the spectrograms of AudioLDM 2; the sizes of its vocoder follow."""
HIFIGAN, VOCODER_RATE = (5, 4, 2, 2, 2), 16_000
VOCODER, SPECTROGRAM_MAPS, UNET_MAPS = 4.0, 3.0, 40.0
"""Maps at full size that a vocoder, a decoder of spectrograms and a UNet hold at once."""
LEVEL_CALLS = 2000.0
"""Small operations that take as long as starting those of a level of a UNet: five layers of 400."""
LAYERS = 100.0
"""Operations for each sample and pair of channels: three layers of seven and one samples at the last level, which
takes two thirds of all.
"""
STRIDES = ("downsampling_ratios", "encoder_strides")
DECODER = 4.0
"""Maps of the sound at full rate, in all its channels, that such a decoder holds at once."""
TOKENS = 14.0
"""Values of a transformer's width that it holds for each latent."""


def demand(facts: ModelFacts, request: Request, machine: Machine) -> Demand:
    """Of a MusicRequest, with a model of the studio's own or a MusicGen. Guidance makes each frame twice."""
    root = facts.part("")
    own = facts.part("prior")
    decoder = own if own.values else root.inside("decoder")
    codec = facts.part("codec") if own.values else root.inside("audio_encoder")
    rate = codec.count("sampling_rate", usual=RATE)
    seconds = float(getattr(request, "seconds", 12.0))
    frames = seconds * rate / math.prod(codec.counts("upsampling_ratios") or RATIOS)
    guess = max(1, round((facts.values / (16 * 64**2)) ** (1 / 3)))
    layers, width = decoder.count("num_hidden_layers", usual=guess), decoder.count("hidden_size", usual=64 * guess)
    values = decoder_values(decoder, layers, width)
    context = min(frames, decoder.count("max_position_embeddings", usual=2048)) + WORDS
    return Demand(
        weights=facts.values * VALUE,
        working=int(VALUE * (2 * 2 * layers * width * context + decode(codec, seconds * rate))),
        loading=facts.largest,
        libraries=LIBRARIES,
        flops=2 * 2.0 * values * frames,
        traffic=VALUE * float(values) * frames,
        calls=frames * (layers * CALLS + SAMPLING),
    )


def pipeline_demand(facts: ModelFacts, request: Request, machine: Machine) -> Demand:
    """Of a MusicRequest, with a pipeline of diffusers: latents of the whole sound are denoised, then decoded."""
    value = 2 if machine.half and machine.device != "cpu" else VALUE
    seconds = float(getattr(request, "seconds", 30.0))
    batch = 2 if float(getattr(request, "guidance", 0.0)) > 1 else 1
    steps = int(getattr(request, "steps", 100))
    codec, vocoder = facts.part("vae"), facts.part("vocoder")
    if vocoder.values:
        held, flops, convolved, calls = _spectrogram(facts.part("unet"), codec, seconds)
        decoding, decoding_flops = _vocode(codec, vocoder, seconds)
    else:
        rate, hop = codec.count("sampling_rate", usual=LATENT_RATE), math.prod(codec.counts(*STRIDES) or OOBLECK)
        hop *= codec.count("patch_size", usual=1)
        network = facts.part("transformer")
        latents = network.count("sample_size") or seconds * rate / hop
        held, flops, calls = _transformer(network, latents / network.count("patch_size", usual=1))
        convolved = 0.0
        decoding, decoding_flops = _decode_latents(codec, latents, hop)
    exact = codec.values + vocoder.values
    return Demand(
        weights=int(value * (facts.values - exact) + VALUE * exact),
        working=int(max(value * batch * held, VALUE * decoding)),
        loading=facts.largest,
        libraries=LIBRARIES,
        flops=steps * batch * flops,
        convolutions=steps * batch * convolved + decoding_flops,
        calls=steps * calls,
        value=value,
    )


def _transformer(network: Part, tokens: float) -> tuple[float, float, float]:
    """(values held, operations, calls) of one pass."""
    width = network.count("num_attention_heads") * network.count("attention_head_dim", "head_dim")
    width = network.count("hidden_size", "embed_dim") or width or 1536
    layers = network.count("num_layers", "num_hidden_layers", "depth", usual=24)
    tokens += WORDS
    inner = network.count("intermediate_size", usual=4 * width)
    heads = network.count("num_attention_heads", "num_heads", usual=24)
    return TOKENS * width * tokens, attention_layers(int(tokens), width, layers, inner, heads), layers * CALLS


def _decode_latents(codec: Part, latents: float, hop: int) -> tuple[float, float]:
    """(values held, operations) of a decoder of latents of sound itself; its last level decides."""
    channels = codec.count("encoder_channels") * max(codec.counts("encoder_c_mults"), default=0)
    if channels:  # a transformer
        tokens = latents * math.prod(codec.counts("encoder_strides"))
        return TOKENS * channels * tokens, 2.0 * codec.values * tokens
    channels = codec.count("decoder_channels", usual=DECODER_CHANNELS)
    return DECODER * channels * min(latents, TILE) * hop, LAYERS * channels**2 * latents * hop


def _spectrogram(unet: Part, codec: Part, seconds: float) -> tuple[float, float, float, float]:
    """(values held, operations of matrices and of convolutions, calls) of one pass of a UNet over the latents of a
    spectrogram.
    """
    channels = unet.counts("block_out_channels") or (128, 256, 384, 640)
    shrink = 2 ** (len(codec.counts("block_out_channels") or (1, 1, 1)) - 1)
    latents = seconds * FRAMES / shrink * BINS / shrink
    passed = 2.0 * unet.values * latents / len(channels)
    return UNET_MAPS * channels[0] * latents, passed / 2, passed / 2, len(channels) * LEVEL_CALLS


def _vocode(codec: Part, vocoder: Part, seconds: float) -> tuple[float, float]:
    """(values held, operations) of a decoder of spectrograms and of the vocoder after it."""
    pixels, samples = seconds * FRAMES * BINS, seconds * vocoder.count("sampling_rate", usual=VOCODER_RATE)
    wide = max(codec.counts("block_out_channels") or (128,))
    halvings = len(vocoder.counts("upsample_rates") or HIFIGAN)
    last = vocoder.count("upsample_initial_channel", usual=1024) / 2**halvings
    return max(SPECTROGRAM_MAPS * wide * pixels, VOCODER * last * samples), LAYERS * last**2 * samples


def decode(codec: Part, samples: float) -> float:
    """Values that a codec holds at its peak: its first filters at full rate."""
    return CODEC * codec.count("num_filters", usual=FILTERS) * samples


def decoder_values(decoder: Part, layers: int, width: int) -> int:
    """Weights of the decoder that each frame reads: attention to itself and to the text, and the feed-forward part."""
    return layers * width * (8 * width + 2 * decoder.count("ffn_dim", usual=4 * width))
