"""Program that measures how fast llama.cpp computes with packed weights in one thread, with a model of random ones."""

from __future__ import annotations

import json
import os
import random
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xllamacpp

WIDTH, INNER, LAYERS, HEADS, PAIRS = 1024, 2816, 6, 16, 8
WORDS = 1024  # tokens of its vocabulary
READ, WRITTEN = 64, 16  # tokens that are read at once, and written one by one
TIMES = 3
SEED = 3

Q4_K, Q6_K = (12, 144, (0,)), (14, 210, (208,))
"""Types of weights: the format's number, bytes of a block of 256 values, and where a block has its scales, which must
be numbers. Most of the files that people have are of these two.
"""
SCALE = struct.pack("<e", 0.001)


def write_model(path: Path) -> tuple[int, int]:
    """Write a Llama of random weights to `path` in GGUF; returns how many values its layers have, and the bytes of all
    weights.
    """
    tensors: list[tuple[str, tuple[int, ...], tuple[int, int, tuple[int, ...]] | None]] = [
        ("token_embd.weight", (WIDTH, WORDS), Q6_K),
        ("output_norm.weight", (WIDTH,), None),
    ]
    pairs = WIDTH // HEADS * PAIRS
    for layer in range(LAYERS):
        tensors += [
            (f"blk.{layer}.attn_norm.weight", (WIDTH,), None),
            (f"blk.{layer}.attn_q.weight", (WIDTH, WIDTH), Q4_K),
            (f"blk.{layer}.attn_k.weight", (WIDTH, pairs), Q4_K),
            (f"blk.{layer}.attn_v.weight", (WIDTH, pairs), Q6_K if layer % 2 else Q4_K),
            (f"blk.{layer}.attn_output.weight", (WIDTH, WIDTH), Q4_K),
            (f"blk.{layer}.ffn_norm.weight", (WIDTH,), None),
            (f"blk.{layer}.ffn_gate.weight", (WIDTH, INNER), Q4_K),
            (f"blk.{layer}.ffn_up.weight", (WIDTH, INNER), Q4_K),
            (f"blk.{layer}.ffn_down.weight", (INNER, WIDTH), Q6_K if layer % 2 else Q4_K),
        ]
    words = [f"w{number}" for number in range(WORDS)]
    said: list[tuple[str, Any]] = [
        ("general.architecture", "llama"),
        ("llama.context_length", 512),
        ("llama.embedding_length", WIDTH),
        ("llama.block_count", LAYERS),
        ("llama.feed_forward_length", INNER),
        ("llama.attention.head_count", HEADS),
        ("llama.attention.head_count_kv", PAIRS),
        ("llama.attention.layer_norm_rms_epsilon", 1e-5),
        ("llama.rope.dimension_count", WIDTH // HEADS),
        ("tokenizer.ggml.model", "gpt2"),
        ("tokenizer.ggml.pre", "gpt-2"),
        ("tokenizer.ggml.tokens", words),
        ("tokenizer.ggml.merges", ["w 1"]),
        ("tokenizer.ggml.eos_token_id", 0),
        ("tokenizer.ggml.bos_token_id", 0),
    ]
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(said)) + b"".join(map(_entry, said))
    table, data, layers = b"", b"", 0
    for name, shape, kind in tensors:
        number, weights = (0, struct.pack("<f", 1.0) * shape[0]) if kind is None else (kind[0], _weights(shape, kind))
        sides = struct.pack(f"<{len(shape)}Q", *shape)
        table += _text(name) + struct.pack("<I", len(shape)) + sides + struct.pack("<IQ", number, len(data))
        data += weights + bytes(-len(weights) % 32)
        layers += shape[0] * shape[1] if kind is not None and name.startswith("blk.") else 0
    with path.open("wb") as file:
        file.write(head + table)
        file.write(bytes(-file.tell() % 32) + data)
    return layers, len(data)


def _entry(said: tuple[str, Any]) -> bytes:
    """A value of the header: a whole number, a fraction, a text or a list of texts."""
    name, value = said
    if isinstance(value, int):
        return _text(name) + struct.pack("<II", 4, value)
    if isinstance(value, float):
        return _text(name) + struct.pack("<If", 6, value)
    if isinstance(value, str):
        return _text(name) + struct.pack("<I", 8) + _text(value)
    return _text(name) + struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(_text, value))


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def _weights(shape: tuple[int, ...], kind: tuple[int, int, tuple[int, ...]]) -> bytes:
    """Random blocks; the same one many times, since what is in them takes no longer."""
    _, size, scales = kind
    block = bytearray(random.Random(SEED).randbytes(size))
    for at in scales:
        block[at : at + 2] = SCALE
    if kind is Q4_K:
        block[2:4] = SCALE
    return bytes(block) * (shape[0] * shape[1] // 256)


def measured(path: Path, card: bool) -> dict[str, float]:
    """The fields of a `Speed`: operations a second where many tokens are read at once, and bytes a second of weights
    that one token is multiplied by.
    """
    layers, size = write_model(path)
    params: Any = xllamacpp.CommonParams()  # pyright: ignore[reportAttributeAccessIssue]
    params.model.path = str(path)
    params.n_ctx, params.n_batch, params.n_ubatch, params.n_parallel = 256, 256, 256, 1
    # Several would wait for each other here, which takes long where others hold one up.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.verbosity, params.warmup, params.cache_ram_mib, params.endpoint_metrics = -1, False, 0, True
    params.use_jinja, params.chat_template = False, "chatml"
    server: Any = xllamacpp.Server(params)  # pyright: ignore[reportAttributeAccessIssue]
    server.handle_metrics()

    def ask(tokens: int, kept: bool) -> Callable[[], object]:
        asked = {"prompt": list(range(1, READ + 1)), "n_predict": tokens, "temperature": 0.0, "ignore_eos": True}
        return lambda: server.handle_completions({**asked, "cache_prompt": kept, "stream": True}, lambda _: False)

    # On a processor the time that this process ran counts, not that in which others did.
    clock = time.perf_counter if card else time.process_time
    reading, one, more = (_seconds(ask(*each), clock) for each in ((0, False), (1, True), (1 + WRITTEN, True)))
    found = 2.0 * layers * READ / reading
    return {
        "matrices": found,
        "convolutions": found,
        "bandwidth": size * WRITTEN / max(more - one, 1e-6),
        "call": 1e-6,
    }


def _seconds(run: Callable[[], object], clock: Callable[[], float]) -> float:
    """The fewest that `run` takes."""
    found: list[float] = []
    for _ in range(TIMES):
        begun = clock()
        run()
        found.append(clock() - begun)
    return max(min(found), 1e-6)


def on_card() -> bool:
    """Whether llama.cpp, as it is installed, computes on a graphics card."""
    devices: list[dict[str, Any]] = xllamacpp.get_device_info()  # pyright: ignore[reportAttributeAccessIssue]
    return any("GPU" in each["type"].name for each in devices)


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(10)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # Windows may keep the model open
        found = measured(Path(folder) / "model.gguf", on_card())
    sys.stdout.write(json.dumps({"speed": found, "card": on_card()}) + "\n")
    sys.stdout.flush()
    os._exit(0)  # at once, without waiting for the threads of llama.cpp
