"""Times our StyleGAN2 synthesis beside the plain reference; child of the bench `generator`.

Same weights, same dtype, same latents, as many threads as the engine draws with; batches as a person asks for them: one
face of the starter, as a slider moves it, and sixteen candidates; one and eight of a network of 256 px and the
published width.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from studio.backends.avatar.engine.files import open_network
from studio.backends.avatar.engine.network import Generator, GeneratorShape
from studio.backends.avatar.engine.synthesis import single_thread
from studio.bench.engine import reference_synthesis

WIDTH = 32768  # channels times size in the published configuration F, at most 512 channels
SAME = 1e-4  # of the picture's range: how far the two may differ


def published(size: int) -> Any:
    """The shape of configuration F of the paper, at any size."""
    sizes = [4 * 2**i for i in range(size.bit_length() - 2)]
    channels = tuple(min(512, WIDTH // side) for side in sizes)
    return GeneratorShape(channels=channels, planes=3, clamp=256.0)


def make_network(shape: Any) -> Any:
    torch.manual_seed(1)
    network = Generator(shape).eval().requires_grad_(False)
    for name, parameter in network.named_parameters():
        if name.endswith("noise_strength"):
            parameter.fill_(0.1)
    return network


def time_pair(network: Any, count: int, times: int) -> dict[str, Any]:
    """Seconds of wall clock and of processor for a batch, of ours and of the plain one."""
    tensors: dict[str, Tensor] = dict(network.state_dict())
    found: dict[str, Any] = {"ours": [], "plain": [], "count": count, "size": network.shape.size}
    with torch.inference_mode(), single_thread(network.shape.size):
        found["threads"] = torch.get_num_threads()
        ws = network.broadcast(torch.randn(count, network.shape.w_dim))

        def ours() -> Tensor:
            return network.synthesis(ws)

        def plain() -> Tensor:
            return reference_synthesis.synthesis(tensors, network.shape, ws)

        a, b = ours(), plain()
        found["differs"] = float((a - b).abs().max() / (b.max() - b.min()))
        assert found["differs"] < SAME
        for _ in range(times):
            for name, run in (("ours", ours), ("plain", plain)):
                wall, busy = time.perf_counter(), time.process_time()
                run()
                found[name].append((time.perf_counter() - wall, time.process_time() - busy))
    return found


def gpu_rates(size: int, times: int) -> dict[str, Any]:
    """Pictures a second on a graphics card as imported networks run there, and the share of what it can multiply."""
    network = make_network(published(size)).to("cuda")
    network.synthesis.halved = 4
    count = max(1, 32 * 256 * 256 // size**2)
    a = torch.randn(8192, 8192, device="cuda", dtype=torch.float16)
    with torch.inference_mode():
        ws = network.broadcast(torch.randn(count, 512, device="cuda"))
        drawing = _seconds(lambda: network.synthesis(ws), times) / count
        limit = 2 * 8192**3 / _seconds(lambda: a @ a, times)
    return {"size": size, "per_second": 1 / drawing, "share": operations(network) / drawing / limit, "count": count}


def operations(network: Any) -> int:
    """Multiplications and additions of the convolutions of one picture."""
    shape, total = network.shape, 0
    for i, (size, channels) in enumerate(zip(shape.sizes, shape.channels, strict=True)):
        before = shape.channels[i - 1] if i else 0
        total += 2 * 9 * channels * (channels * size**2 + before * (size // 2) ** 2)
    return total


def _seconds(run: Any, times: int) -> float:
    for _ in range(3):
        run()
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(times):
        run()
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / times


def main(told: dict[str, Any]) -> dict[str, Any]:
    toy: bool = told["toy"]
    starter = Path(told["bundled"]) / "avatar-starter"
    found: dict[str, Any] = {"cpu": {}, "cuda": []}
    if starter.is_dir() and not toy:
        network, _ = open_network(starter)
        for count, times in ((1, 99), (16, 9)):
            found["cpu"][f"starter.{count}"] = time_pair(network, count, times)
    shape = GeneratorShape((8, 8, 8), 8, 8, planes=3) if toy else published(256)
    for count, times in ((1, 7), (8, 3)):
        found["cpu"][f"256.{count}"] = time_pair(make_network(shape), count, 1 if toy else times)
    if torch.cuda.is_available() and not toy:
        found["cuda"] = [gpu_rates(size, 20) for size in (256, 512, 1024)]
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))) + "\n")
