"""Writes or imports a checkpoint of real size and measures that; child of the bench `import`."""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from studio.backends import families
from studio.models.catalog import Catalog


def write(path: Path, size: int, width: int) -> dict[str, Any]:
    """An official pickle of a StyleGAN2 with random weights: generator, its average, and as much again beside them."""
    import torch

    from studio.backends.avatar.engine.network import Generator, GeneratorShape
    from studio.bench import official_pickles

    sizes = [4 * 2**i for i in range(size.bit_length() - 2)]
    shape = GeneratorShape(channels=tuple(min(512, width // side) for side in sizes), planes=3)
    tensors = Generator(shape).state_dict()
    options = {"synthesis_kwargs": {"conv_clamp": 256}}
    network = official_pickles.network(
        tensors, options, lambda one: torch.nn.Parameter(one.clone(), requires_grad=False)
    )
    critic = official_pickles.network({"b4.fc.weight": torch.randn(sum(one.numel() for one in tensors.values()))}, {})
    other = official_pickles.network({name: one.clone() for name, one in tensors.items()}, options)
    official_pickles.write(path, {"G": other, "D": critic, "G_ema": network})
    return {"bytes": path.stat().st_size}


def import_checkpoint(path: Path, own: Path) -> dict[str, Any]:
    """Seconds of an import, and the most memory the process had, in bytes."""
    start = time.perf_counter()
    model = Catalog(own / "none", own, families()).import_(path, "avatar", accept_licence=True)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak": peak_memory(), "bytes": path.stat().st_size, "weights": model.size}


def peak_memory() -> int:
    """The most memory that this process has had, in bytes."""
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    system: Any = importlib.import_module("resource")  # Windows has none
    return system.getrusage(system.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    told = json.loads(sys.argv[1])
    path = Path(told["path"])
    made = write(path, told["size"], told["width"]) if told["write"] else import_checkpoint(path, Path(told["own"]))
    sys.stdout.write(json.dumps(made) + "\n")
