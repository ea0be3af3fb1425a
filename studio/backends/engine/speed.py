"""Program that measures how fast torch computes here: products of matrices, convolutions, reading weights, calls."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F

from studio.backends.engine.device import configure, device

SECONDS, LEAST = 0.15, 3  # that each measurement takes at least, and how often it runs
SIDE = {"cpu": 768, "cuda": 4096, "mps": 2048}  # of the matrices
CHANNELS, PIXELS = 128, 96  # of the convolution: those of a decoder near its full size
READ = 4  # matrices of 64 MB that are read in turn, so that no cache holds them
OPERATIONS = 60  # of the small network


def best(run: Callable[[], object]) -> float:
    """The fewest seconds that `run` takes on a machine that does nothing else."""
    run()
    _finish()
    # On a processor the time that this thread ran counts, not that in which others did. Windows counts that in pieces
    # of 16 milliseconds, which are longer than most of what is measured.
    own = device().type == "cpu" and sys.platform != "win32"
    clock = time.thread_time if own else time.perf_counter
    found: list[float] = []
    until = time.perf_counter() + SECONDS
    while len(found) < LEAST or time.perf_counter() < until:
        began = clock()
        run()
        _finish()
        found.append(clock() - began)
    return max(min(found), 1e-9)


def measured(dtype: torch.dtype) -> dict[str, float]:
    """The fields of a `Speed` in a dtype, on the device that is configured."""
    on = {"device": device(), "dtype": dtype}
    side = SIDE.get(device().type, 768)
    a, b = torch.randn(side, side, **on), torch.randn(side, side, **on)
    x, weight = torch.randn(1, CHANNELS, PIXELS, PIXELS, **on), torch.randn(CHANNELS, CHANNELS, 3, 3, **on)
    rows = 2**26 // (2048 * a.element_size())
    read = [torch.randn(rows, 2048, **on) for _ in range(READ)]
    vector = torch.randn(1, 2048, **on)
    small, scale = torch.randn(1, 64, **on), torch.randn(64, 64, **on)

    def calls() -> None:
        y = small
        for _ in range(OPERATIONS // 3):
            y = F.silu(F.linear(y, scale)) + small

    with torch.inference_mode():
        found = {
            "matrices": 2.0 * side**3 / best(lambda: a @ b),
            "convolutions": 2.0 * CHANNELS**2 * 9 * PIXELS**2 / best(lambda: F.conv2d(x, weight, padding=1)),
            "bandwidth": READ * 2.0**26 / best(lambda: [F.linear(vector, each) for each in read]),
        }
        # Two threads would wait for each other here, which takes long where others hold one up.
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        found["call"] = best(calls) / OPERATIONS
        torch.set_num_threads(threads)
    return found


def _finish() -> None:
    if device().type == "cuda":
        torch.cuda.synchronize()
    elif device().type == "mps":
        torch.mps.synchronize()


def main(asked: str, threads: int) -> dict[str, dict[str, float]]:
    """The speeds by the bytes of a value; those of bfloat16 where this device computes in it at all."""
    configure(asked, threads)
    if device().type == "mps":
        return {"4": measured(torch.float32)}
    return {"4": measured(torch.float32), "2": measured(torch.bfloat16)}


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(10)
    sys.stdout.write(json.dumps(main(sys.argv[1], int(sys.argv[2]))) + "\n")
