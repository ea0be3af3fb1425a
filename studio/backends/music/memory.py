"""What composing takes: keys and values of the codes drawn so far, and the codec's maps of the whole sound."""

from __future__ import annotations

import math

from studio.models.fit.demand import Demand, Machine, ModelFacts, Part
from studio.schema.request import Request

VALUE = 4
"""Bytes: music models always run in 32 bits."""
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


def decode(codec: Part, samples: float) -> float:
    """Values that a codec holds at its peak: its first filters at full rate."""
    return CODEC * codec.count("num_filters", usual=FILTERS) * samples


def decoder_values(decoder: Part, layers: int, width: int) -> int:
    """Weights of the decoder that each frame reads: attention to itself and to the text, and the feed-forward part."""
    return layers * width * (8 * width + 2 * decoder.count("ffn_dim", usual=4 * width))
