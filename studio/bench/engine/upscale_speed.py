"""Times enlarging a picture, by tiles or as a whole by the plain network; child of the bench `upscale`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from studio.backends.upscale.engine.networks import network
from studio.backends.upscale.engine.tiles import enlarge
from studio.jobs.usage import PeakMemory
from studio.models import weights

USUAL = {"features": 64, "layers": 16, "scale": 4}  # Real-ESRGAN's compact network, where none is installed
WARM = 32  # pixels of the side of a picture that is enlarged first, so that loading code does not count


def main(told: dict[str, Any]) -> dict[str, Any]:
    """Seconds of wall clock and of processor, and the bytes that the process held beside what it held before."""
    if told["folder"]:
        folder = Path(told["folder"])
        config = weights.read_json(folder / "config.json")
        model = network(config["model_type"], config)
        model.load_state_dict(load_file(folder / "model.safetensors"))
    else:
        model = network("srvgg", USUAL)
    model = model.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    pixels = np.random.default_rng(3).integers(0, 255, (told["side"], told["side"], 3), np.uint8)

    def plain(picture: Any) -> Any:
        x = torch.from_numpy(picture).permute(2, 0, 1)[None].float().div(255)
        made = model(x.contiguous(memory_format=torch.channels_last)).clamp(0, 1)
        return made.mul(255).round().byte()[0].permute(1, 2, 0).numpy()

    def ours(picture: Any) -> Any:
        return enlarge(model, picture, model.scale, told["tile"])

    run = ours if told["tile"] else plain
    with torch.inference_mode():
        run(pixels[:WARM, :WARM])
        before = memory()
        peak = PeakMemory()
        with peak.measured():
            wall, busy = time.perf_counter(), time.process_time()
            made = run(pixels)
            wall, busy = time.perf_counter() - wall, time.process_time() - busy
    return {
        "seconds": wall,
        "processor": busy,
        "bytes": max(0, peak.bytes - before),
        "pixels": made.shape[0] * made.shape[1],
        "threads": torch.get_num_threads(),
    }


def memory() -> int:
    import psutil

    return psutil.Process().memory_info().rss


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))) + "\n")
