"""Benches of the engines beside plain library calls, of StyleGAN2 synthesis, and of importing a checkpoint."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio.backends import MEDIA
from studio.bench.measurement import BenchSettings, Measurement, measure
from studio.errors import StudioError
from studio.models.catalog import Catalog
from studio.system.paths import AppPaths

SLOWER = 1.1  # how much an engine may take of what the plain call takes; previews, cancels and checks are in it
LLAMA_SHARE = 0.95  # of llama.cpp's own speed, at least
FASTER = 1.5  # times that our synthesis is faster than the plain version at least
IMPORT_SECONDS, IMPORT_MEMORY = 10.0, 2.0  # of a network of 1024 px; times the size of the file
UPSCALED = 512  # pixels of the side of the picture
TILES = (64, 128, 256, 512)
TIMES = {"avatar": 15, "poster": 5, "story": 5, "music": 3}


def overhead(setting: BenchSettings) -> Iterator[Measurement]:
    """Each engine beside the plain call under it: same weights, dtype, threads, steps and outputs."""
    catalog = Catalog(setting.bundled)
    names = [medium.name for medium in MEDIA if catalog.models(medium.name)]
    # Each in a process of its own, so that none runs in the memory that another left; toys share one.
    for group in [names] if setting.toy else [[name] for name in names]:
        times = {name: 1 if setting.toy else TIMES[name] for name in group}
        found = measure(
            "studio.bench.engine.engine_overhead", {"times": times, "bundled": str(setting.bundled), "toy": setting.toy}
        )
        yield from (_overhead_line(name, found[name]) for name in group)


def _overhead_line(name: str, found: dict[str, Any]) -> Measurement:
    ours, plain = found.pop("ours"), found.pop("plain")
    # Of pairs that ran one after the other, so that what else the machine does weighs on both alike.
    ratio, busy = (statistics.median(a[i] / b[i] for a, b in zip(ours, plain, strict=True)) for i in (0, 1))
    typical = statistics.median(seconds for seconds, _ in plain)
    if found["device"] == "cpu":
        del found["device"]  # the processor's own name says more
    more = {"plain_s": typical, "processor_ratio": busy, "times": len(ours), **found}
    return Measurement(f"engines.{name}", ratio * typical, "s", SLOWER * typical, ratio, more)


def gguf(setting: BenchSettings) -> Iterator[Measurement]:
    """Writing with each GGUF model that is installed, beside llama.cpp alone on the same file in the same process."""
    tokens, times = (8, 1) if setting.toy else (120, 5)
    further = {"candidates": 4, "words": 12 if setting.toy else 240}
    for id, path in _gguf_files(setting).items():
        found = measure(
            "studio.bench.engine.gguf_speed", {"path": str(path), "tokens": tokens, "times": times, **further}
        )
        ours, plain = found["ours"], found["plain"]
        # Of pairs that ran one after the other, so that what else the machine does weighs on both alike.
        ratio, first = (statistics.median(a[i] / b[i] for a, b in zip(ours, plain, strict=True)) for i in (0, 1))
        typical = statistics.median(seconds for seconds, _ in plain)
        more = {
            "plain_s": typical,
            "tokens_per_second": tokens / (ratio * typical),
            "first_token_s": statistics.median(seconds for _, seconds in ours),
            "first_token_ratio": first,
            "tokens": tokens,
            "times": len(ours),
            "threads": found["threads"],
        }
        bound = None if setting.toy else typical / LLAMA_SHARE
        yield Measurement(f"gguf.{id}", ratio * typical, "s", bound, ratio, more)
        together, apart = found["candidates"]["together"], found["candidates"]["apart"]
        more = {**further, "tokens": tokens, "apart_s": apart, "threads": found["threads"]}
        yield Measurement(f"gguf.{id}.candidates", together, "s of processors", ratio=together / apart, more=more)


def _gguf_files(setting: BenchSettings) -> dict[str, Path]:
    """The installed models in GGUF by their ids; StudioError where there are none."""
    catalog = Catalog(setting.bundled, setting.own or AppPaths.for_user().models)
    files = {model.id: path for model in catalog.models() for path in sorted(model.folder.glob("*.gguf"))[:1]}
    if not files:
        raise StudioError("No model in GGUF is installed.", "Fetch one with `studio models get`.")
    return files


def gguf_beside_transformers(setting: BenchSettings) -> Iterator[Measurement]:
    """Writing a few tokens with each GGUF model that is installed, beside transformers on the same weights, which it
    makes 32 bits of: that takes half a minute."""
    tokens, times = (4, 1) if setting.toy else (24, 3)
    for id, path in _gguf_files(setting).items():
        found = measure("studio.bench.engine.gguf_transformers", {"path": str(path), "tokens": tokens, "times": times})
        # Of a token, since a model may end its text early.
        ours, plain = (
            [(seconds / max(1, made), first) for seconds, first, made in found[each]] for each in ("ours", "plain")
        )
        ratio, first = (statistics.median(a[i] / b[i] for a, b in zip(ours, plain, strict=True)) for i in (0, 1))
        typical = statistics.median(seconds for seconds, _ in plain)
        more = {
            "tokens_per_second": 1 / (ratio * typical),
            "plain_tokens_per_second": 1 / typical,
            "first_token_s": statistics.median(seconds for _, seconds in ours),
            "first_token_ratio": first,
            "plain_loading_s": found["loading"],
            "plain_dtype": found["dtype"],
            "tokens": tokens,
            "times": times,
            "threads": found["threads"],
        }
        yield Measurement(f"gguf-transformers.{id}", 1000 * ratio * typical, "ms", ratio=ratio, more=more)


def upscale(setting: BenchSettings) -> Iterator[Measurement]:
    """Enlarging by each side of a tile, beside one plain call of the network for the whole picture."""
    found = Catalog(setting.bundled, setting.own or AppPaths.for_user().models).models("upscale")
    folder = str(found[0].folder) if found and not setting.toy else ""
    side, tiles = (48, (16, 32)) if setting.toy else (UPSCALED, TILES)
    told = {"folder": folder, "side": side}
    plain = measure("studio.bench.engine.upscale_speed", {**told, "tile": 0})
    yield _upscale_line("plain", plain, plain)
    for tile in tiles:
        # Each in a process of its own, so that none runs in the memory that another left.
        yield _upscale_line(str(tile), measure("studio.bench.engine.upscale_speed", {**told, "tile": tile}), plain)


def _upscale_line(name: str, found: dict[str, Any], plain: dict[str, Any]) -> Measurement:
    more = {
        "processor_ratio": found["processor"] / plain["processor"],
        "megapixels_a_processor_second": found["pixels"] / found["processor"] / 1e6,
        "memory_mb": found["bytes"] / 1e6,
        "megapixels": found["pixels"] / 1e6,
        "threads": found["threads"],
    }
    speed, ratio = found["pixels"] / found["seconds"] / 1e6, found["seconds"] / plain["seconds"]
    return Measurement(f"upscale.{name}", speed, "megapixels/s", ratio=ratio, more=more)


def generator(setting: BenchSettings) -> Iterator[Measurement]:
    """StyleGAN2 synthesis beside a plain version of the paper."""
    found = measure("studio.bench.engine.generator_speed", {"toy": setting.toy, "bundled": str(setting.bundled)})
    for name, one in found["cpu"].items():
        yield _generator_line(name, one)
    for one in found["cuda"]:
        more = {"share_of_matmul": one["share"], "batch": one["count"], "dtype": "float16"}
        yield Measurement(f"generator.cuda.{one['size']}", one["per_second"], "pictures/s", more=more)


def _generator_line(name: str, found: dict[str, Any]) -> Measurement:
    count, ours, plain = found["count"], found["ours"], found["plain"]
    # Pairs ran one after the other, so that what else the machine does weighs on both alike.
    ratio, busy = (statistics.median(a[i] / b[i] for a, b in zip(ours, plain, strict=True)) for i in (0, 1))
    typical = statistics.median(seconds for seconds, _ in plain) / count * 1000
    more = {
        "times_faster": 1 / ratio,
        "processor_ratio": busy,
        "pictures_per_second": 1000 / (ratio * typical),
        "batch": count,
        "size": found["size"],
        "threads": found["threads"],
        "differs": found["differs"],
    }
    return Measurement(f"generator.{name}", ratio * typical, "ms", typical / FASTER, ratio, more)


def checkpoint_import(setting: BenchSettings) -> Iterator[Measurement]:
    """Importing a StyleGAN checkpoint of real size: seconds and memory."""
    size, width = (64, 1024) if setting.toy else (1024, 32768)
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as folder:
        told = {"path": str(Path(folder) / "network.pkl"), "own": str(Path(folder) / "own"), "size": size}
        measure("studio.bench.engine.import_cost", {**told, "width": width, "write": True})
        found = measure("studio.bench.engine.import_cost", {**told, "write": False})
    more = {"file_mb": found["bytes"] / 1e6, "weights_mb": found["weights"] / 1e6, "size": size}
    yield Measurement("import.time", found["seconds"], "s", IMPORT_SECONDS, more=more)
    # A toy's file is smaller than the interpreter.
    bound = None if setting.toy else IMPORT_MEMORY
    yield Measurement("import.memory", found["peak"] / found["bytes"], "times the file", bound, more=more)
