"""Checks the files of a music model before it is imported or loaded: JSON and headers only, no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from studio.errors import Message
from studio.models import pipelines, weights
from studio.models.folders import (
    CONFIG,
    check_quantisation,
    check_sizes,
    check_tokenizer,
    read_tensors,
    refuse_value,
)

COUNTS = ("num_layers", "num_decoder_layers", "num_hidden_layers", "num_lstm_layers", "num_residual_layers")
WIDTHS = (
    "vocab_size", "hidden_size", "d_model", "d_ff", "d_kv", "ffn_dim", "num_heads", "num_attention_heads",
    "num_codebooks", "codebook_size", "codebook_dim", "num_filters", "kernel_size", "last_kernel_size",
    "residual_kernel_size", "num_chroma",
)  # fmt: skip
CODEC = "encodec"
GENERATION = "generation_config.json"
LONGEST_HOP = 100_000  # samples that one code may stand for
RATES = (1000, 200_000)  # samples a second
BANDWIDTH = 1000.0  # kbit/s, of which the number of codebooks is computed


def check(folder: Path) -> None:
    """Raises StudioError, which names the file at fault, for a MusicGen that cannot play."""
    path = folder / CONFIG
    config = weights.read_json(path)
    tensors = read_tensors(folder)
    check_quantisation(folder, config, tensors)
    check_sizes(path, config, tensors, COUNTS, WIDTHS)
    parts: dict[str, Mapping[str, Any]] = {}
    for name in ("text_encoder", "audio_encoder", "decoder"):
        part: Any = config.get(name)
        if not isinstance(part, dict):
            refuse_value(path, name, part, Message("the settings of a network"))
        parts[name] = cast("dict[str, Any]", part)
        check_sizes(path, parts[name], tensors, COUNTS, WIDTHS)
    _check_codec(path, parts["audio_encoder"])
    _check_decoder(path, parts["decoder"], parts["audio_encoder"])
    if "chroma_length" in config:
        _check_number(path, "chroma_length", config["chroma_length"], 1, LONGEST_HOP)
    if (folder / GENERATION).exists():
        _check_generation(folder / GENERATION, weights.read_json(folder / GENERATION))
    check_tokenizer(folder)


def check_pipeline(folder: Path) -> None:
    """Raises StudioError, which names the file at fault, for a pipeline of diffusers that cannot play."""
    pipelines.check(folder)
    for name in ("vae", "vocoder"):
        path = folder / name / CONFIG
        config = weights.read_json(path) if path.is_file() else {}
        _check_number(path, "sampling_rate", config.get("sampling_rate", RATES[0]), *RATES)
        _check_number(path, "audio_channels", config.get("audio_channels", 1), 1, 2)
        for ratios in ("downsampling_ratios", "upsample_rates", "encoder_strides"):
            _check_ratios(path, ratios, config.get(ratios, []))


def _check_ratios(path: Path, name: str, ratios: Any) -> None:
    if not isinstance(ratios, list) or any(type(one) is not int or one < 1 for one in cast("list[Any]", ratios)):
        refuse_value(path, name, ratios, Message("a list of whole numbers"))
    if math.prod(cast("list[int]", ratios)) > LONGEST_HOP:
        refuse_value(path, name, ratios, Message("at most {most} multiplied", most=LONGEST_HOP))


def _check_codec(path: Path, codec: Mapping[str, Any]) -> None:
    if codec.get("model_type") != CODEC:
        refuse_value(path, "audio_encoder.model_type", codec.get("model_type"), Message("{name!r}", name=CODEC))
    _check_ratios(path, "upsampling_ratios", codec.get("upsampling_ratios", []))
    _check_number(path, "sampling_rate", codec.get("sampling_rate", RATES[0]), *RATES)
    _check_number(path, "audio_channels", codec.get("audio_channels", 1), 1, 1)
    widths: Any = codec.get("target_bandwidths", [1.0])
    if not isinstance(widths, list) or not widths:
        refuse_value(path, "target_bandwidths", widths, Message("a list of numbers"))
    for one in cast("list[Any]", widths):
        if type(one) not in (int, float) or not 0 < one <= BANDWIDTH:
            refuse_value(path, "target_bandwidths", one, Message("a number up to {most:g}", most=BANDWIDTH))


def _check_decoder(path: Path, decoder: Mapping[str, Any], codec: Mapping[str, Any]) -> None:
    rows = decoder.get("vocab_size", 2048)
    _check_number(path, "audio_channels", decoder.get("audio_channels", 1), 1, 2)
    _check_number(path, "max_position_embeddings", decoder.get("max_position_embeddings", 2048), 2, LONGEST_HOP)
    # Codes that the network may draw are entries of the codec; one more stands where there is none yet.
    _check_number(path, "codebook_size", codec.get("codebook_size", 1024), rows, math.inf)
    _check_number(path, "pad_token_id", decoder.get("pad_token_id", 2048), 0, rows)


def _check_generation(path: Path, data: Mapping[str, Any]) -> None:
    for name, low, high in (("guidance_scale", 0, 100), ("temperature", 0, 100), ("top_k", 0, math.inf)):
        if data.get(name) is not None:
            _check_number(path, name, data[name], low, high, int if name == "top_k" else float)


def _check_number(path: Path, name: str, value: Any, low: float, high: float, kind: type = int) -> None:
    if type(value) not in (int, kind) or not low <= value <= high:
        refuse_value(path, name, value, Message("a number from {low} to {high}", low=low, high=high))
