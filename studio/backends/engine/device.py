"""The device that torch runs on: choice, dtype, seeded generators, freeing memory, out-of-memory errors."""

from __future__ import annotations

import contextlib
import gc
import os
import time
from collections.abc import Iterator
from functools import cache

import torch

from studio.errors import BadInput, Message, OutOfMemory
from studio.models.fit.demand import HALF_TIME, SMALL

ALL_LAYERS = -1

context = 0
"""Tokens that language models look back at, as the settings say; 0 is each engine's own number."""
gpu_layers = ALL_LAYERS
"""Layers of a language model that a graphics card computes; ALL_LAYERS for as many as it holds."""

_requested = os.environ.get("STUDIO_DEVICE", "auto")


def configure(asked: str, threads: int, text: int = 0, layers: int = ALL_LAYERS) -> dict[str, str]:
    """Set the device ("cpu", "cuda", "mps"; "auto" for `STUDIO_DEVICE` or the fastest), the number of threads (0 for
    torch's own choice), `context` and `gpu_layers`, once, at the start of the process; return the facts that go into a
    work's provenance. Raises BadInput for a device that is not there.
    """
    global _requested, context, gpu_layers
    context, gpu_layers = text, layers
    if asked != "auto":
        _requested = asked
    device.cache_clear()
    if threads:
        torch.set_num_threads(threads)
    return {"device": _name(device())}


@cache
def device() -> torch.device:
    """The device that models run on: the one asked for, else the fastest there is."""
    if _requested not in ("auto", ""):
        there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        if not there.get(_requested.split(":")[0], False):
            raise BadInput(
                "This machine has no device {asked!r} for torch.",
                "Choose `auto` in the settings.",
                asked=_requested,
            )
        return torch.device(_requested)
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


@cache
def fast_dtype() -> torch.dtype:
    """bfloat16 where a short measurement shows it to be clearly faster than float32 on this device, else float32.

    Only processors with matrix units gain from bf16; elsewhere it is slower than float32, so nothing is assumed.
    """
    if device().type != "cpu":
        return torch.bfloat16 if device().type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32

    def seconds(dtype: torch.dtype) -> float:
        a = torch.randn(512, 512, dtype=dtype)
        a @ a
        start = time.perf_counter()
        for _ in range(8):
            a @ a
        return time.perf_counter() - start

    return torch.bfloat16 if seconds(torch.bfloat16) < HALF_TIME * seconds(torch.float32) else torch.float32


def dtype_for(weights: int) -> torch.dtype:
    """The dtype for a model of so many bytes: float32 for small ones on a CPU, else `fast_dtype`.

    The measurement behind `fast_dtype` may differ on a busy day, and another dtype samples another text: where float32
    costs next to nothing, the same request must give the same work.
    """
    return torch.float32 if device().type == "cpu" and weights < SMALL else fast_dtype()


def generator(seed: int, on: torch.device | str = "cpu") -> torch.Generator:
    """A generator for one work. On the CPU by default, so that a seed means the same on every device."""
    return torch.Generator(device=on).manual_seed(seed)


@contextlib.contextmanager
def translate_out_of_memory() -> Iterator[None]:
    """Turn torch's several out-of-memory errors into OutOfMemory."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _out_of_memory() from error
    except RuntimeError as error:
        # The CPU allocator has no exception class of its own.
        if "can't allocate memory" in str(error) or "out of memory" in str(error).lower():
            raise _out_of_memory() from error
        raise


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _out_of_memory() -> OutOfMemory:
    said = Message("The machine ran out of memory.")
    if device().type == "cuda":
        said = Message("The graphics card ran out of memory.")
    return OutOfMemory(said, "Choose a smaller size or a smaller model, or close other programs, and try again.")


def card_peak() -> int:
    """The most bytes that this process held on the graphics card since it was last asked; 0 where it uses none."""
    if device().type != "cuda":
        return 0
    peak = torch.cuda.max_memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    return peak


def free_memory() -> None:
    """Return what dropped models held to the system."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
