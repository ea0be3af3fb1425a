"""Torch on this machine: which device and dtype, seeded generators, memory given back, running out of it put in words."""

from __future__ import annotations

import contextlib
import gc
import os
import time
from collections.abc import Callable, Iterator
from functools import cache

import torch

from studio.errors import OutOfMemory


@cache
def device() -> torch.device:
    """The device that models run on: `STUDIO_DEVICE` where set ("cpu", "cuda", "mps"), else the fastest there is."""
    asked = os.environ.get("STUDIO_DEVICE", "auto")
    if asked != "auto":
        return torch.device(asked)
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

    return torch.bfloat16 if seconds(torch.bfloat16) < 0.6 * seconds(torch.float32) else torch.float32


def generator(seed: int, on: torch.device | str = "cpu") -> torch.Generator:
    """A generator of its own for each work. On the CPU by default, so that a seed means the same on every device."""
    return torch.Generator(device=on).manual_seed(seed)


@contextlib.contextmanager
def memory_in_words() -> Iterator[None]:
    """Turn torch's several out-of-memory errors into OutOfMemory."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise OutOfMemory(*_full()) from error
    except RuntimeError as error:
        # The CPU allocator has no exception class of its own.
        if "can't allocate memory" in str(error) or "out of memory" in str(error).lower():
            raise OutOfMemory(*_full()) from error
        raise


def _full() -> tuple[str, str]:
    return (
        f"The {'graphics card' if device().type == 'cuda' else 'machine'} ran out of memory.",
        "Choose a smaller size or a smaller model, or close other programs, and try again.",
    )


def give_back() -> None:
    """Return what dropped models held to the system."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def on_every_step(call: Callable[[], None]) -> Callable[..., None]:
    """`call` as a hook that takes and ignores whatever a library passes to its hooks."""

    def hook(*_args: object, **_kwargs: object) -> None:
        call()

    return hook
