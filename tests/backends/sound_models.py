"""Sound models of random weights in folders, as a hub would give them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    MusicgenConfig,
    MusicgenForConditionalGeneration,
    MusicgenMelodyConfig,
    MusicgenMelodyForConditionalGeneration,
    PreTrainedTokenizerFast,
    T5Config,
)

from studio.backends.music.engine.codec import small_codec
from studio.backends.music.engine.prior import small_prior

RATE, HOP = 4000, 100
CODEC: dict[str, Any] = {
    "rate": RATE, "ratios": (5, 5, 4), "filters": 8, "dimensions": 40, "entries": 64, "codebooks": 2,
}  # fmt: skip
MUSICGENS = ("mono", "stereo", "melody")
T5: dict[str, Any] = {"vocab_size": 8, "d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}


def musicgen(folder: Path, kind: str = "mono") -> Path:
    """`folder` with a whole MusicGen, as transformers saves one, with a tokenizer of a few words."""
    torch.manual_seed(0)
    sides = 2 if kind == "stereo" else 1
    decoder: Any = small_prior(2 * sides, 64, width=32, layers=1, context=60).config.to_dict()
    decoder |= {"audio_channels": sides, "initializer_factor": 0.3}
    codec: Any = small_codec(**CODEC)
    for layer in codec.quantizer.layers:
        torch.nn.init.normal_(layer.codebook.embed)
    parts = {"text_encoder": T5Config(**T5).to_dict(), "audio_encoder": codec.config.to_dict(), "decoder": decoder}
    if kind == "melody":
        decoder["model_type"] = "musicgen_melody_decoder"
        config = MusicgenMelodyConfig(**parts, num_chroma=12, chroma_length=5)
        model: Any = MusicgenMelodyForConditionalGeneration(config)
    else:
        model = MusicgenForConditionalGeneration(MusicgenConfig(**parts))
    model.audio_encoder = codec
    settings = {"guidance_scale": 3.0, "do_sample": True, "decoder_start_token_id": 64, "pad_token_id": 64}
    for name, value in settings.items():
        setattr(model.generation_config, name, value)
    model.save_pretrained(folder)
    words().save_pretrained(folder)
    return folder


def words() -> PreTrainedTokenizerFast:
    """A tokenizer of a few words, for a text encoder with eight."""
    known = Tokenizer(models.WordLevel({"<pad>": 0, "</s>": 1, "<unk>": 2, "march": 3, "sad": 4}, unk_token="<unk>"))
    known.pre_tokenizer = pre_tokenizers.Whitespace()  # pyright: ignore[reportAttributeAccessIssue]
    return PreTrainedTokenizerFast(
        tokenizer_object=known, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=16
    )
